// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Sets and removes quotas (KIP-546). API key 49, versions 0 to 1, flexible from 1.
 */
export const AlterClientQuotasRequest = {
  apiKey: 49,
  name: 'AlterClientQuotasRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Quota entities. */
    entries: {
      type: '[]',
      versions: '0+',
      fields: {
        /** The quota entity: user, client id, ip, or a combination. */
        entity: {
          type: '[]',
          versions: '0+',
          fields: {
            /** `user`, `client-id` or `ip`. */
            entityType: { type: 'string', versions: '0+' },
            /** Name of this part of the entity; null for the default. */
            entityName: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
        /** Quotas to set or remove. */
        ops: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the quota, such as `producer_byte_rate`. */
            key: { type: 'string', versions: '0+' },
            /** The quota. */
            value: { type: 'float64', versions: '0+' },
            /** Whether the quota is removed instead of set. */
            remove: { type: 'bool', versions: '0+' },
          },
        },
      },
    },
    /** Whether to validate the request without executing it. */
    validateOnly: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AlterClientQuotasRequest = MessageOf<typeof AlterClientQuotasRequest>

/**
 * Response of AlterClientQuotas, versions 0 to 1, flexible from 1.
 */
export const AlterClientQuotasResponse = {
  apiKey: 49,
  name: 'AlterClientQuotasResponse',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Quota entities. */
    entries: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
        /** The quota entity: user, client id, ip, or a combination. */
        entity: {
          type: '[]',
          versions: '0+',
          fields: {
            /** `user`, `client-id` or `ip`. */
            entityType: { type: 'string', versions: '0+' },
            /** Name of this part of the entity; null for the default. */
            entityName: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterClientQuotasResponse = MessageOf<typeof AlterClientQuotasResponse>
