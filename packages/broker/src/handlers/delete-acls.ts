// SPDX-License-Identifier: Apache-2.0
import { DeleteAclsRequest, DeleteAclsResponse, ErrorCode, ProtocolError } from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { findAcls } from '../metadata/security/acls.ts'
import { defineHandler } from './handler.ts'
import { throwIfNoAuthorizer } from './request-checks.ts'

/** DeleteAcls (key 31): takes away what each filter finds, and tells what that was. */
export const deleteAcls = defineHandler(
  DeleteAclsRequest,
  DeleteAclsResponse,
  async (request, context) => {
    const filterResults = await context.broker.metadata.propose((image) => {
      const ids = new Set<string>()
      const reply = request.filters.map((filter) => {
        try {
          throwIfNoAuthorizer(context)
          const found = findAcls(image.acls(), filter)
          for (const { id } of found) ids.add(id)
          return {
            errorCode: ErrorCode.NONE as number,
            errorMessage: null as string | null,
            matchingAcls: found.map(({ id, ...acl }) => ({
              ...acl,
              errorCode: ErrorCode.NONE,
              errorMessage: null,
            })),
          }
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          return {
            errorCode: error.errorCode as number,
            errorMessage: error.message as string | null,
            matchingAcls: [],
          }
        }
      })
      const records = [...ids].map(
        (id): NewMetadataRecord => ({
          kind: 'RemoveAccessControlEntryRecord',
          version: 0,
          data: { id },
        }),
      )
      return { records, reply }
    })
    return { throttleTimeMs: 0, filterResults }
  },
)
