// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeClientQuotas (key 48), versions 0-1, flexible from 1. */
export const DescribeClientQuotasRequest = {
  apiKey: 48,
  name: 'DescribeClientQuotasRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    components: {
      type: '[]',
      versions: '0+',
      fields: {
        entityType: { type: 'string', versions: '0+' },
        matchType: { type: 'int8', versions: '0+' },
        match: { type: 'string', versions: '0+', nullable: '0+' },
      },
    },
    strict: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DescribeClientQuotasRequest = MessageOf<typeof DescribeClientQuotasRequest>

export const DescribeClientQuotasResponse = {
  apiKey: 48,
  name: 'DescribeClientQuotasResponse',
  versions: '0-1',
  flexible: '1+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    entries: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        entity: {
          type: '[]',
          versions: '0+',
          fields: {
            entityType: { type: 'string', versions: '0+' },
            entityName: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
        values: {
          type: '[]',
          versions: '0+',
          fields: {
            key: { type: 'string', versions: '0+' },
            value: { type: 'float64', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeClientQuotasResponse = MessageOf<typeof DescribeClientQuotasResponse>
