// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** OffsetFetch (key 9), versions 1-10, flexible from 6. */
export const OffsetFetchRequest = {
  apiKey: 9,
  name: 'OffsetFetchRequest',
  versions: '1-10',
  flexible: '6+',
  fields: {
    groupId: { type: 'string', versions: '0-7' },
    topics: {
      type: '[]',
      versions: '0-7',
      nullable: '2-7',
      fields: {
        name: { type: 'string', versions: '0-7' },
        partitionIndexes: { type: '[]int32', versions: '0-7' },
      },
    },
    groups: {
      type: '[]',
      versions: '8+',
      fields: {
        groupId: { type: 'string', versions: '8+' },
        memberId: {
          type: 'string',
          versions: '9+',
          nullable: '9+',
          default: null,
          ignorable: true,
        },
        memberEpoch: { type: 'int32', versions: '9+', default: -1, ignorable: true },
        topics: {
          type: '[]',
          versions: '8+',
          nullable: '8+',
          fields: {
            name: { type: 'string', versions: '8-9', ignorable: true },
            topicId: { type: 'uuid', versions: '10+', ignorable: true },
            partitionIndexes: { type: '[]int32', versions: '8+' },
          },
        },
      },
    },
    requireStable: { type: 'bool', versions: '7+', default: false },
  },
} as const satisfies MessageSchema
export type OffsetFetchRequest = MessageOf<typeof OffsetFetchRequest>

export const OffsetFetchResponse = {
  apiKey: 9,
  name: 'OffsetFetchResponse',
  versions: '1-10',
  flexible: '6+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '3+', ignorable: true },
    topics: {
      type: '[]',
      versions: '0-7',
      fields: {
        name: { type: 'string', versions: '0-7' },
        partitions: {
          type: '[]',
          versions: '0-7',
          fields: {
            partitionIndex: { type: 'int32', versions: '0-7' },
            committedOffset: { type: 'int64', versions: '0-7' },
            committedLeaderEpoch: { type: 'int32', versions: '5-7', default: -1, ignorable: true },
            metadata: { type: 'string', versions: '0-7', nullable: '0-7' },
            errorCode: { type: 'int16', versions: '0-7' },
          },
        },
      },
    },
    errorCode: { type: 'int16', versions: '2-7', default: 0, ignorable: true },
    groups: {
      type: '[]',
      versions: '8+',
      fields: {
        groupId: { type: 'string', versions: '8+' },
        topics: {
          type: '[]',
          versions: '8+',
          fields: {
            name: { type: 'string', versions: '8-9', ignorable: true },
            topicId: { type: 'uuid', versions: '10+', ignorable: true },
            partitions: {
              type: '[]',
              versions: '8+',
              fields: {
                partitionIndex: { type: 'int32', versions: '8+' },
                committedOffset: { type: 'int64', versions: '8+' },
                committedLeaderEpoch: {
                  type: 'int32',
                  versions: '8+',
                  default: -1,
                  ignorable: true,
                },
                metadata: { type: 'string', versions: '8+', nullable: '8+' },
                errorCode: { type: 'int16', versions: '8+' },
              },
            },
          },
        },
        errorCode: { type: 'int16', versions: '8+', default: 0 },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetFetchResponse = MessageOf<typeof OffsetFetchResponse>
