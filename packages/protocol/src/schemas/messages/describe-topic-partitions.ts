// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeTopicPartitions (key 75), versions 0, flexible from 0. */
export const DescribeTopicPartitionsRequest = {
  apiKey: 75,
  name: 'DescribeTopicPartitionsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
      },
    },
    responsePartitionLimit: { type: 'int32', versions: '0+', default: 2000 },
    cursor: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        topicName: { type: 'string', versions: '0+' },
        partitionIndex: { type: 'int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeTopicPartitionsRequest = MessageOf<typeof DescribeTopicPartitionsRequest>

export const DescribeTopicPartitionsResponse = {
  apiKey: 75,
  name: 'DescribeTopicPartitionsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+', ignorable: true },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        name: { type: 'string', versions: '0+', nullable: '0+' },
        topicId: { type: 'uuid', versions: '0+', ignorable: true },
        isInternal: { type: 'bool', versions: '0+', default: false, ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            errorCode: { type: 'int16', versions: '0+' },
            partitionIndex: { type: 'int32', versions: '0+' },
            leaderId: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+', default: -1, ignorable: true },
            replicaNodes: { type: '[]int32', versions: '0+' },
            isrNodes: { type: '[]int32', versions: '0+' },
            eligibleLeaderReplicas: {
              type: '[]int32',
              versions: '0+',
              nullable: '0+',
              default: null,
            },
            lastKnownElr: { type: '[]int32', versions: '0+', nullable: '0+', default: null },
            offlineReplicas: { type: '[]int32', versions: '0+', ignorable: true },
          },
        },
        topicAuthorizedOperations: { type: 'int32', versions: '0+', default: -2147483648 },
      },
    },
    nextCursor: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        topicName: { type: 'string', versions: '0+' },
        partitionIndex: { type: 'int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeTopicPartitionsResponse = MessageOf<typeof DescribeTopicPartitionsResponse>
