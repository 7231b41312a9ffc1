// SPDX-License-Identifier: Apache-2.0
import { DeleteAclsRequest, DeleteAclsResponse, ErrorCode } from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { findAcls } from '../metadata/security/acls.ts'
import { defineHandler } from './handler.ts'
import { denialOf, itemOutcome, refusedItems } from './outcome.ts'
import { throwIfNoAuthorizer } from './request-checks.ts'

/** DeleteAcls (key 31): deletes and returns the ACLs that match each filter. */
export const deleteAcls = defineHandler(
  DeleteAclsRequest,
  DeleteAclsResponse,
  async (request, context) => {
    const denial = denialOf(() => context.access.requireClusterByName())
    const filterResults = await context.broker.metadata.propose((image) => {
      const ids = new Set<string>()
      const reply = request.filters.map((filter) => {
        let found: ReturnType<typeof image.acls> = []
        const outcome = itemOutcome(() => {
          throwIfNoAuthorizer(context)
          if (denial !== undefined) throw denial
          found = findAcls(image.acls(), filter)
        })
        for (const { id } of found) ids.add(id)
        const matchingAcls = found.map(({ id, ...acl }) => ({
          ...acl,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
        }))
        return { ...outcome, matchingAcls }
      })
      const records = [...ids].map(
        (id): NewMetadataRecord => ({
          kind: 'RemoveAccessControlEntryRecord',
          version: 0,
          data: { id },
        }),
      )
      return { records, reply, refused: (error) => refusedItems(reply, error) }
    })
    return { throttleTimeMs: 0, filterResults }
  },
)
