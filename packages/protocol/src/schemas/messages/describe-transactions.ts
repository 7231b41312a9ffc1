// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeTransactions (key 65), versions 0, flexible from 0. */
export const DescribeTransactionsRequest = {
  apiKey: 65,
  name: 'DescribeTransactionsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    transactionalIds: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DescribeTransactionsRequest = MessageOf<typeof DescribeTransactionsRequest>

export const DescribeTransactionsResponse = {
  apiKey: 65,
  name: 'DescribeTransactionsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    transactionStates: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        transactionalId: { type: 'string', versions: '0+' },
        transactionState: { type: 'string', versions: '0+' },
        transactionTimeoutMs: { type: 'int32', versions: '0+' },
        transactionStartTimeMs: { type: 'int64', versions: '0+' },
        producerId: { type: 'int64', versions: '0+' },
        producerEpoch: { type: 'int16', versions: '0+' },
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            topic: { type: 'string', versions: '0+' },
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeTransactionsResponse = MessageOf<typeof DescribeTransactionsResponse>
