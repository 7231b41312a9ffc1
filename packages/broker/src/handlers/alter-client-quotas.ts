// SPDX-License-Identifier: Apache-2.0
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
  ErrorCode,
  ProtocolError,
} from '@millrace/protocol'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { changeQuotas, quotaEntityKey } from '../metadata/security/client-quotas.ts'
import { defineHandler } from './handler.ts'

/** AlterClientQuotas (key 49): sets and takes away quotas; an error of one entity leaves the others alone (KIP-546). */
export const alterClientQuotas = defineHandler(
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
  async (request, { broker }) => {
    const entries = await broker.metadata.propose((image) => {
      const records: NewMetadataRecord[] = []
      const seen = new Set<string>()
      const reply = request.entries.map(({ entity, ops }) => {
        try {
          const key = quotaEntityKey(entity)
          if (seen.has(key))
            throw new ProtocolError('INVALID_REQUEST', `Ignoring duplicate entity ${key}`)
          seen.add(key)
          records.push(...changeQuotas(image, { entity, ops }))
          return {
            entity,
            errorCode: ErrorCode.NONE as number,
            errorMessage: null as string | null,
          }
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          return {
            entity,
            errorCode: error.errorCode as number,
            errorMessage: error.message as string | null,
          }
        }
      })
      return { records: request.validateOnly ? [] : records, reply }
    })
    return { throttleTimeMs: 0, entries }
  },
)
