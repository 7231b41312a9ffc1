// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Adds partitions to a transaction. Clients use versions 0 to 3, brokers 4 and above. API key 24,
 * versions 0 to 5, flexible from 3.
 * - Version 2: PRODUCER_FENCED.
 * - Version 4: several transactions, verification only (KIP-890).
 * - Version 5: TRANSACTION_ABORTABLE (KIP-890).
 */
export const AddPartitionsToTxnRequest = {
  apiKey: 24,
  name: 'AddPartitionsToTxnRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Transactions, by transactional id. */
    transactions: {
      type: '[]',
      versions: '4+',
      fields: {
        /** Transactional id of the producer. */
        transactionalId: { type: 'string', versions: '4+' },
        /** Producer id; -1 for none. */
        producerId: { type: 'int64', versions: '4+' },
        /** Producer epoch; a lower one is fenced. */
        producerEpoch: { type: 'int16', versions: '4+' },
        /** Whether to check that the partitions are in the transaction instead of adding them. */
        verifyOnly: { type: 'bool', versions: '4+', default: false },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '4+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
    /** Transactional id, up to version 3. */
    v3AndBelowTransactionalId: { type: 'string', versions: '0-3' },
    /** Producer id, up to version 3. */
    v3AndBelowProducerId: { type: 'int64', versions: '0-3' },
    /** Producer epoch, up to version 3. */
    v3AndBelowProducerEpoch: { type: 'int16', versions: '0-3' },
    /** Topics to add, up to version 3. */
    v3AndBelowTopics: {
      type: '[]',
      versions: '0-3',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type AddPartitionsToTxnRequest = MessageOf<typeof AddPartitionsToTxnRequest>

/**
 * Response of AddPartitionsToTxn, versions 0 to 5, flexible from 3.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 2: PRODUCER_FENCED.
 * - Version 4: several transactions, top-level error (KIP-890).
 * - Version 5: TRANSACTION_ABORTABLE (KIP-890).
 */
export const AddPartitionsToTxnResponse = {
  apiKey: 24,
  name: 'AddPartitionsToTxnResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '4+', ignorable: true },
    /** Results of each transaction. */
    resultsByTransaction: {
      type: '[]',
      versions: '4+',
      fields: {
        /** Transactional id of the producer. */
        transactionalId: { type: 'string', versions: '4+' },
        /** Results by topic. */
        topicResults: {
          type: '[]',
          versions: '4+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '0+' },
            /** Result of each partition. */
            resultsByPartition: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Index of the partition. */
                partitionIndex: { type: 'int32', versions: '0+' },
                /** Kafka's error code for this partition, 0 for none. */
                partitionErrorCode: { type: 'int16', versions: '0+' },
              },
            },
          },
        },
      },
    },
    /** Results of the only transaction. */
    resultsByTopicV3AndBelow: {
      type: '[]',
      versions: '0-3',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0+' },
        /** Result of each partition. */
        resultsByPartition: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Kafka's error code for this partition, 0 for none. */
            partitionErrorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AddPartitionsToTxnResponse = MessageOf<typeof AddPartitionsToTxnResponse>
