// SPDX-License-Identifier: Apache-2.0
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
  ProtocolError,
} from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { deleteCredential, upsertCredential } from '../metadata/security/scram-credentials.ts'
import { defineHandler } from './handler.ts'
import { denialOf, itemOutcome, refusedItems } from './outcome.ts'

/**
 * AlterUserScramCredentials (key 51): sets and deletes users' credentials, one change per user
 * (KIP-554).
 */
export const alterUserScramCredentials = defineHandler(
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
  async (request, { broker, access }) => {
    const denial = denialOf(() => access.requireClusterByName())
    const results = await broker.metadata.propose((image) => {
      const records: NewMetadataRecord[] = []
      const changes = [
        ...request.deletions.map((each) => ({
          user: each.name,
          make: () => deleteCredential(image, each),
        })),
        ...request.upsertions.map((each) => ({
          user: each.name,
          make: () => upsertCredential(each),
        })),
      ]
      const byUser = Map.groupBy(changes, ({ user }) => user)
      const reply = [...byUser].map(([user, [change, ...others]]) => {
        const outcome = itemOutcome(() => {
          if (denial !== undefined) throw denial
          if (others.length > 0) {
            throw new ProtocolError(
              'DUPLICATE_RESOURCE',
              'A user credential cannot be altered twice in the same request',
            )
          }
          if (change !== undefined) records.push(change.make())
        })
        return { user, ...outcome }
      })
      return { records, reply, refused: (error) => refusedItems(reply, error) }
    })
    return { throttleTimeMs: 0, results }
  },
)
