// SPDX-License-Identifier: Apache-2.0
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
  ProtocolError,
} from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { changeQuotas, quotaEntityKey } from '../metadata/security/client-quotas.ts'
import { defineHandler } from './handler.ts'
import { itemOutcome, refusedItems } from './outcome.ts'

/**
 * AlterClientQuotas (key 49): sets and removes quotas; an error of one entity does not affect the
 * others (KIP-546).
 */
export const alterClientQuotas = defineHandler(
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
  async (request, { broker, access }) => {
    const isAllowed = access.allowsCluster()
    const entries = await broker.metadata.propose((image) => {
      const records: NewMetadataRecord[] = []
      const seen = new Set<string>()
      const reply = request.entries.map(({ entity, ops }) => {
        const outcome = itemOutcome(() => {
          if (!isAllowed) throw access.denial('cluster')
          const key = quotaEntityKey(entity)
          if (seen.has(key)) {
            throw new ProtocolError('INVALID_REQUEST', `Ignoring duplicate entity ${key}`)
          }
          seen.add(key)
          records.push(...changeQuotas(image, { entity, ops }))
        })
        return { entity, ...outcome }
      })
      return {
        records: request.validateOnly ? [] : records,
        reply,
        refused: (error) => refusedItems(reply, error),
      }
    })
    return { throttleTimeMs: 0, entries }
  },
)
