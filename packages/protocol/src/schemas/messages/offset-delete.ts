// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** OffsetDelete (key 47), versions 0. */
export const OffsetDeleteRequest = {
  apiKey: 47,
  name: 'OffsetDeleteRequest',
  versions: '0',
  flexible: 'none',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetDeleteRequest = MessageOf<typeof OffsetDeleteRequest>

export const OffsetDeleteResponse = {
  apiKey: 47,
  name: 'OffsetDeleteResponse',
  versions: '0',
  flexible: 'none',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    throttleTimeMs: { type: 'int32', versions: '0+', ignorable: true },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetDeleteResponse = MessageOf<typeof OffsetDeleteResponse>
