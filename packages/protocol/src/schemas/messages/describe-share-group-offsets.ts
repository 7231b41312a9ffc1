// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeShareGroupOffsets (key 90), versions 0-1, flexible from 0. */
export const DescribeShareGroupOffsetsRequest = {
  apiKey: 90,
  name: 'DescribeShareGroupOffsetsRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        groupId: { type: 'string', versions: '0+' },
        topics: {
          type: '[]',
          versions: '0+',
          nullable: '0+',
          fields: {
            topicName: { type: 'string', versions: '0+' },
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeShareGroupOffsetsRequest = MessageOf<typeof DescribeShareGroupOffsetsRequest>

export const DescribeShareGroupOffsetsResponse = {
  apiKey: 90,
  name: 'DescribeShareGroupOffsetsResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        groupId: { type: 'string', versions: '0+' },
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            topicName: { type: 'string', versions: '0+' },
            topicId: { type: 'uuid', versions: '0+' },
            partitions: {
              type: '[]',
              versions: '0+',
              fields: {
                partitionIndex: { type: 'int32', versions: '0+' },
                startOffset: { type: 'int64', versions: '0+' },
                leaderEpoch: { type: 'int32', versions: '0+' },
                lag: { type: 'int64', versions: '1+', default: -1n, ignorable: true },
                errorCode: { type: 'int16', versions: '0+' },
                errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
              },
            },
          },
        },
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeShareGroupOffsetsResponse = MessageOf<typeof DescribeShareGroupOffsetsResponse>
