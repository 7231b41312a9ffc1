// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ListOffsets (key 2), versions 1-11, flexible from 6. */
export const ListOffsetsRequest = {
  apiKey: 2,
  name: 'ListOffsetsRequest',
  versions: '1-11',
  flexible: '6+',
  fields: {
    replicaId: { type: 'int32', versions: '0+' },
    isolationLevel: { type: 'int8', versions: '2+' },
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
            currentLeaderEpoch: { type: 'int32', versions: '4+', default: -1, ignorable: true },
            timestamp: { type: 'int64', versions: '0+' },
          },
        },
      },
    },
    timeoutMs: { type: 'int32', versions: '10+', ignorable: true },
  },
} as const satisfies MessageSchema
export type ListOffsetsRequest = MessageOf<typeof ListOffsetsRequest>

export const ListOffsetsResponse = {
  apiKey: 2,
  name: 'ListOffsetsResponse',
  versions: '1-11',
  flexible: '6+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
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
            timestamp: { type: 'int64', versions: '1+', default: -1n },
            offset: { type: 'int64', versions: '1+', default: -1n },
            leaderEpoch: { type: 'int32', versions: '4+', default: -1 },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ListOffsetsResponse = MessageOf<typeof ListOffsetsResponse>
