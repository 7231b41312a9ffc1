// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/* Records of `__transaction_state`. */

/**
 * State of a transactional id. Key of the record. Version 0, type 0.
 * - Version 1: tagged fields: client version, previous and next producer id (KIP-890).
 */
export const TransactionLogKey = {
  apiKey: 0,
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: {
    /** Transactional id of the producer. */
    transactionalId: { type: 'string', versions: '0' },
  },
} as const satisfies MessageSchema
export type TransactionLogKey = MessageOf<typeof TransactionLogKey>

/**
 * State of a transactional id. Value of the record. Versions 0 to 1, type 0, flexible from 1.
 * - Version 1: tagged fields: client version, previous and next producer id (KIP-890).
 */
export const TransactionLogValue = {
  apiKey: 0,
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: {
    /** Producer id; -1 for none. */
    producerId: { type: 'int64', versions: '0+' },
    /** Producer id of the previous transaction. */
    previousProducerId: { type: 'int64', versions: '1+', tag: 0, tagged: '1+', default: -1n },
    /** Next producer id. */
    nextProducerId: { type: 'int64', versions: '1+', tag: 1, tagged: '1+', default: -1n },
    /** Producer epoch; a lower one is fenced. */
    producerEpoch: { type: 'int16', versions: '0+' },
    /** Epoch that belongs to `nextProducerId`. */
    nextProducerEpoch: { type: 'int16', versions: '1+', tag: 3, tagged: '1+', default: -1 },
    /** Time after which an open transaction is aborted. */
    transactionTimeoutMs: { type: 'int32', versions: '0+' },
    /** Number of the transaction's state. */
    transactionStatus: { type: 'int8', versions: '0+' },
    /** Partitions in the transaction. */
    transactionPartitions: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0+' },
        /** Indexes of the partitions of this topic in the transaction. */
        partitionIds: { type: '[]int32', versions: '0+' },
      },
    },
    /** When the transaction last changed, milliseconds since 1970. */
    transactionLastUpdateTimestampMs: { type: 'int64', versions: '0+' },
    /** When the transaction began, milliseconds since 1970. */
    transactionStartTimestampMs: { type: 'int64', versions: '0+' },
    /** Version of the transaction protocol that the client uses. */
    clientTransactionVersion: { type: 'int16', versions: '1+', tag: 2, tagged: '1+', default: 0 },
  },
} as const satisfies MessageSchema
export type TransactionLogValue = MessageOf<typeof TransactionLogValue>
