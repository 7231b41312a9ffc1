// SPDX-License-Identifier: Apache-2.0
import { type Acl, CreateAclsRequest, CreateAclsResponse } from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { createAcl, sameAcl } from '../metadata/security/acls.ts'
import { defineHandler } from './handler.ts'
import { denialOf, itemOutcome, refusedItems } from './outcome.ts'
import { throwIfNoAuthorizer } from './request-checks.ts'

/** CreateAcls (key 30): one outcome per ACL; an existing ACL is not an error. */
export const createAcls = defineHandler(
  CreateAclsRequest,
  CreateAclsResponse,
  async (request, context) => {
    const { broker, access } = context
    const denial = denialOf(() => access.requireClusterByName())
    const results = await broker.metadata.propose((image) => {
      const records: NewMetadataRecord[] = []
      const made: Acl[] = []
      const reply = request.creations.map(({ resourcePatternType, ...creation }) =>
        itemOutcome(() => {
          throwIfNoAuthorizer(context)
          if (denial !== undefined) throw denial
          const acl = { ...creation, patternType: resourcePatternType }
          if (made.some((each) => sameAcl(each, acl))) return
          records.push(...createAcl(image, acl, broker.newUuid()))
          made.push(acl)
        }),
      )
      return { records, reply, refused: (error) => refusedItems(reply, error) }
    })
    return {
      throttleTimeMs: 0,
      // Kafka has an empty text for success.
      results: results.map(({ errorCode, errorMessage }) => ({
        errorCode,
        errorMessage: errorMessage ?? '',
      })),
    }
  },
)
