// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AlterClientQuotas (key 49), versions 0-1, flexible from 1. */
export const AlterClientQuotasRequest = {
  apiKey: 49,
  name: 'AlterClientQuotasRequest',
  versions: '0-1',
  flexible: '1+',
  fields: {
    entries: {
      type: '[]',
      versions: '0+',
      fields: {
        entity: {
          type: '[]',
          versions: '0+',
          fields: {
            entityType: { type: 'string', versions: '0+' },
            entityName: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
        ops: {
          type: '[]',
          versions: '0+',
          fields: {
            key: { type: 'string', versions: '0+' },
            value: { type: 'float64', versions: '0+' },
            remove: { type: 'bool', versions: '0+' },
          },
        },
      },
    },
    validateOnly: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AlterClientQuotasRequest = MessageOf<typeof AlterClientQuotasRequest>

export const AlterClientQuotasResponse = {
  apiKey: 49,
  name: 'AlterClientQuotasResponse',
  versions: '0-1',
  flexible: '1+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    entries: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
        entity: {
          type: '[]',
          versions: '0+',
          fields: {
            entityType: { type: 'string', versions: '0+' },
            entityName: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterClientQuotasResponse = MessageOf<typeof AlterClientQuotasResponse>
