// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists the producers that a partition knows (KIP-664). API key 61, version 0, flexible from 0.
 */
export const DescribeProducersRequest = {
  apiKey: 61,
  name: 'DescribeProducersRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Indexes of the partitions. */
        partitionIndexes: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeProducersRequest = MessageOf<typeof DescribeProducersRequest>

/**
 * Response of DescribeProducers, version 0, flexible from 0.
 */
export const DescribeProducersResponse = {
  apiKey: 61,
  name: 'DescribeProducersResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
            /** Error message, or null. */
            errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
            /** Producers whose state the partition keeps. */
            activeProducers: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Producer id; -1 for none. */
                producerId: { type: 'int64', versions: '0+' },
                /** Producer epoch; a lower one is fenced. */
                producerEpoch: { type: 'int32', versions: '0+' },
                /** Sequence number of the producer's last record. */
                lastSequence: { type: 'int32', versions: '0+', default: -1 },
                /** Timestamp of the producer's last record, milliseconds since 1970. */
                lastTimestamp: { type: 'int64', versions: '0+', default: -1n },
                /** Epoch of the transaction coordinator. */
                coordinatorEpoch: { type: 'int32', versions: '0+' },
                /** First offset of the producer's open transaction; -1 for none. */
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
