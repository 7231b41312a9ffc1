// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Writes the end of transactions into their partitions; sent by transaction coordinators. API key
 * 27, versions 1 to 2, flexible from 1.
 * - Version 2: version of the transaction protocol (KIP-1228).
 */
export const WriteTxnMarkersRequest = {
  apiKey: 27,
  name: 'WriteTxnMarkersRequest',
  versions: '1-2',
  flexible: '1+',
  fields: {
    /** Transactions to decide, by producer. */
    markers: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Producer id; -1 for none. */
        producerId: { type: 'int64', versions: '0+' },
        /** Producer epoch; a lower one is fenced. */
        producerEpoch: { type: 'int16', versions: '0+' },
        /** True commits, false aborts. */
        transactionResult: { type: 'bool', versions: '0+' },
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
        /** Epoch of the transaction coordinator. */
        coordinatorEpoch: { type: 'int32', versions: '0+' },
        /** Version of the transaction protocol of the marker. */
        transactionVersion: { type: 'int8', versions: '2+', default: 0, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type WriteTxnMarkersRequest = MessageOf<typeof WriteTxnMarkersRequest>

/**
 * Response of WriteTxnMarkers, versions 1 to 2, flexible from 1.
 */
export const WriteTxnMarkersResponse = {
  apiKey: 27,
  name: 'WriteTxnMarkersResponse',
  versions: '1-2',
  flexible: '1+',
  fields: {
    /** Results by producer. */
    markers: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Producer id; -1 for none. */
        producerId: { type: 'int64', versions: '0+' },
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
              },
            },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type WriteTxnMarkersResponse = MessageOf<typeof WriteTxnMarkersResponse>
