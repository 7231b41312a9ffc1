// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__transaction_state`. */

export const TransactionLogKey = {
  apiKey: 0,
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: {
    transactionalId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type TransactionLogKey = MessageOf<typeof TransactionLogKey>

export const TransactionLogValue = {
  apiKey: 0,
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: {
    producerId: { type: 'int64', versions: '0+' },
    previousProducerId: { type: 'int64', versions: '1+', tag: 0, tagged: '1+', default: -1n },
    nextProducerId: { type: 'int64', versions: '1+', tag: 1, tagged: '1+', default: -1n },
    producerEpoch: { type: 'int16', versions: '0+' },
    nextProducerEpoch: { type: 'int16', versions: '1+', tag: 3, tagged: '1+', default: -1 },
    transactionTimeoutMs: { type: 'int32', versions: '0+' },
    transactionStatus: { type: 'int8', versions: '0+' },
    transactionPartitions: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        topic: { type: 'string', versions: '0+' },
        partitionIds: { type: '[]int32', versions: '0+' },
      },
    },
    transactionLastUpdateTimestampMs: { type: 'int64', versions: '0+' },
    transactionStartTimestampMs: { type: 'int64', versions: '0+' },
    clientTransactionVersion: { type: 'int16', versions: '1+', tag: 2, tagged: '1+', default: 0 },
  },
} as const satisfies MessageSchema
export type TransactionLogValue = MessageOf<typeof TransactionLogValue>
