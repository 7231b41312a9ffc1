// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeProducers (key 61), versions 0, flexible from 0. */
export const DescribeProducersRequest = {
  apiKey: 61,
  name: 'DescribeProducersRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        partitionIndexes: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeProducersRequest = MessageOf<typeof DescribeProducersRequest>

export const DescribeProducersResponse = {
  apiKey: 61,
  name: 'DescribeProducersResponse',
  versions: '0',
  flexible: '0+',
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
            errorCode: { type: 'int16', versions: '0+' },
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
            activeProducers: {
              type: '[]',
              versions: '0+',
              fields: {
                producerId: { type: 'int64', versions: '0+' },
                producerEpoch: { type: 'int32', versions: '0+' },
                lastSequence: { type: 'int32', versions: '0+', default: -1 },
                lastTimestamp: { type: 'int64', versions: '0+', default: -1n },
                coordinatorEpoch: { type: 'int32', versions: '0+' },
                currentTxnStartOffset: { type: 'int64', versions: '0+', default: -1n },
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeProducersResponse = MessageOf<typeof DescribeProducersResponse>
