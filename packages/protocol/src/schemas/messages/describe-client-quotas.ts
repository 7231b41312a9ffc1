// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists quotas that match a filter (KIP-546). API key 48, versions 0 to 1, flexible from 1.
 */
export const DescribeClientQuotasRequest = {
  apiKey: 48,
  name: 'DescribeClientQuotasRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Conditions on the parts of a quota entity, all of which must hold. */
    components: {
      type: '[]',
      versions: '0+',
      fields: {
        /** `user`, `client-id` or `ip`. */
        entityType: { type: 'string', versions: '0+' },
        /** 0 this name, 1 the default entity, 2 any name. */
        matchType: { type: 'int8', versions: '0+' },
        /** Name to match, or null. */
        match: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
    /** Whether entities with further parts are left out. */
    strict: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DescribeClientQuotasRequest = MessageOf<typeof DescribeClientQuotasRequest>

/**
 * Response of DescribeClientQuotas, versions 0 to 1, flexible from 1.
 */
export const DescribeClientQuotasResponse = {
  apiKey: 48,
  name: 'DescribeClientQuotasResponse',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    /** Quota entities. */
    entries: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
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
        /** Quotas of the entity. */
        values: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the quota, such as `producer_byte_rate`. */
            key: { type: 'string', versions: '0+' },
            /** The quota. */
            value: { type: 'float64', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeClientQuotasResponse = MessageOf<typeof DescribeClientQuotasResponse>
