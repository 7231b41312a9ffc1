// SPDX-License-Identifier: Apache-2.0
import { CreateAclsRequest, CreateAclsResponse, ErrorCode, ProtocolError } from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { type Acl, createAcl, sameAcl } from '../metadata/security/acls.ts'
import { defineHandler } from './handler.ts'
import { throwIfNoAuthorizer } from './request-checks.ts'

/** CreateAcls (key 30): one outcome for each; an ACL that is there already is no error. */
export const createAcls = defineHandler(
  CreateAclsRequest,
  CreateAclsResponse,
  async (request, context) => {
    const { broker } = context
    const results = await broker.metadata.propose((image) => {
      const records: NewMetadataRecord[] = []
      const made: Acl[] = []
      const reply = request.creations.map(({ resourcePatternType, ...creation }) => {
        try {
          throwIfNoAuthorizer(context)
          const acl = { ...creation, patternType: resourcePatternType }
          if (!made.some((each) => sameAcl(each, acl))) {
            records.push(...createAcl(image, acl, broker.newUuid()))
            made.push(acl)
          }
          return { errorCode: ErrorCode.NONE as number, errorMessage: null as string | null }
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          return {
            errorCode: error.errorCode as number,
            errorMessage: error.message as string | null,
          }
        }
      })
      return { records, reply }
    })
    return { throttleTimeMs: 0, results }
  },
)
