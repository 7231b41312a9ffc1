// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes transactions (KIP-664). API key 65, version 0, flexible from 0.
 */
export const DescribeTransactionsRequest = {
  apiKey: 65,
  name: 'DescribeTransactionsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Transactional ids to describe. */
    transactionalIds: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DescribeTransactionsRequest = MessageOf<typeof DescribeTransactionsRequest>

/**
 * Response of DescribeTransactions, version 0, flexible from 0.
 */
export const DescribeTransactionsResponse = {
  apiKey: 65,
  name: 'DescribeTransactionsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Transactions that were found. */
    transactionStates: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Transactional id of the producer. */
        transactionalId: { type: 'string', versions: '0+' },
        /** State of the transaction, such as `Ongoing`. */
        transactionState: { type: 'string', versions: '0+' },
        /** Time after which an open transaction is aborted. */
        transactionTimeoutMs: { type: 'int32', versions: '0+' },
        /** When the transaction began, milliseconds since 1970. */
        transactionStartTimeMs: { type: 'int64', versions: '0+' },
        /** Producer id; -1 for none. */
        producerId: { type: 'int64', versions: '0+' },
        /** Producer epoch; a lower one is fenced. */
        producerEpoch: { type: 'int16', versions: '0+' },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            topic: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeTransactionsResponse = MessageOf<typeof DescribeTransactionsResponse>
