// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** OffsetForLeaderEpoch (key 23), versions 2-4, flexible from 4. */
export const OffsetForLeaderEpochRequest = {
  apiKey: 23,
  name: 'OffsetForLeaderEpochRequest',
  versions: '2-4',
  flexible: '4+',
  fields: {
    replicaId: { type: 'int32', versions: '3+', default: -2, ignorable: true },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topic: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partition: { type: 'int32', versions: '0+' },
            currentLeaderEpoch: { type: 'int32', versions: '2+', default: -1, ignorable: true },
            leaderEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetForLeaderEpochRequest = MessageOf<typeof OffsetForLeaderEpochRequest>

export const OffsetForLeaderEpochResponse = {
  apiKey: 23,
  name: 'OffsetForLeaderEpochResponse',
  versions: '2-4',
  flexible: '4+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topic: { type: 'string', versions: '0+' },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            errorCode: { type: 'int16', versions: '0+' },
            partition: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '1+', default: -1, ignorable: true },
            endOffset: { type: 'int64', versions: '0+', default: -1n },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetForLeaderEpochResponse = MessageOf<typeof OffsetForLeaderEpochResponse>
