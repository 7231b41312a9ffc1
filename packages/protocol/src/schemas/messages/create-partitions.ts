// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** CreatePartitions (key 37), versions 0-3, flexible from 2. */
export const CreatePartitionsRequest = {
  apiKey: 37,
  name: 'CreatePartitionsRequest',
  versions: '0-3',
  flexible: '2+',
  fields: {
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        count: { type: 'int32', versions: '0+' },
        assignments: {
          type: '[]',
          versions: '0+',
          nullable: '0+',
          fields: {
            brokerIds: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
    timeoutMs: { type: 'int32', versions: '0+' },
    validateOnly: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type CreatePartitionsRequest = MessageOf<typeof CreatePartitionsRequest>

export const CreatePartitionsResponse = {
  apiKey: 37,
  name: 'CreatePartitionsResponse',
  versions: '0-3',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type CreatePartitionsResponse = MessageOf<typeof CreatePartitionsResponse>
