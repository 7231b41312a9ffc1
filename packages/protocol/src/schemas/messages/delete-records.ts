// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DeleteRecords (key 21), versions 0-2, flexible from 2. */
export const DeleteRecordsRequest = {
  apiKey: 21,
  name: 'DeleteRecordsRequest',
  versions: '0-2',
  flexible: '2+',
  fields: {
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
            offset: { type: 'int64', versions: '0+' },
          },
        },
      },
    },
    timeoutMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DeleteRecordsRequest = MessageOf<typeof DeleteRecordsRequest>

export const DeleteRecordsResponse = {
  apiKey: 21,
  name: 'DeleteRecordsResponse',
  versions: '0-2',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
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
            lowWatermark: { type: 'int64', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DeleteRecordsResponse = MessageOf<typeof DeleteRecordsResponse>
