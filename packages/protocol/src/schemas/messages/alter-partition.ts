// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AlterPartition (key 56), versions 2-3, flexible from 0. */
export const AlterPartitionRequest = {
  apiKey: 56,
  name: 'AlterPartitionRequest',
  versions: '2-3',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '2+', ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
            newIsr: { type: '[]int32', versions: '0-2' },
            newIsrWithEpochs: {
              type: '[]',
              versions: '3+',
              fields: {
                brokerId: { type: 'int32', versions: '3+' },
                brokerEpoch: { type: 'int64', versions: '3+', default: -1n },
              },
            },
            leaderRecoveryState: { type: 'int8', versions: '1+', default: 0 },
            partitionEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterPartitionRequest = MessageOf<typeof AlterPartitionRequest>

export const AlterPartitionResponse = {
  apiKey: 56,
  name: 'AlterPartitionResponse',
  versions: '2-3',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        topicId: { type: 'uuid', versions: '2+', ignorable: true },
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            errorCode: { type: 'int16', versions: '0+' },
            leaderId: { type: 'int32', versions: '0+' },
            leaderEpoch: { type: 'int32', versions: '0+' },
            isr: { type: '[]int32', versions: '0+' },
            leaderRecoveryState: { type: 'int8', versions: '1+', default: 0, ignorable: true },
            partitionEpoch: { type: 'int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AlterPartitionResponse = MessageOf<typeof AlterPartitionResponse>
