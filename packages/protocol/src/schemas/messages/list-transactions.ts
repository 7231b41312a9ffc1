// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists transactions (KIP-664). API key 66, versions 0 to 2, flexible from 0.
 * - Version 1: only those open for longer than a time (KIP-994).
 * - Version 2: only transactional ids that match a pattern (KIP-1152).
 */
export const ListTransactionsRequest = {
  apiKey: 66,
  name: 'ListTransactionsRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Only transactions in these states; empty for all. */
    stateFilters: { type: '[]string', versions: '0+' },
    /** Only transactions of these producers; empty for all. */
    producerIdFilters: { type: '[]int64', versions: '0+' },
    /**
     * Only transactions that have been open longer than this many milliseconds; negative for all.
     */
    durationFilter: { type: 'int64', versions: '1+', default: -1n },
    /** Only transactional ids that match; null or empty for all. */
    transactionalIdPattern: { type: 'string', versions: '2+', nullable: '2+', default: null },
  },
} as const satisfies MessageSchema
export type ListTransactionsRequest = MessageOf<typeof ListTransactionsRequest>

/**
 * Response of ListTransactions, versions 0 to 2, flexible from 0.
 * - Version 2: INVALID_REGULAR_EXPRESSION (KIP-1152).
 */
export const ListTransactionsResponse = {
  apiKey: 66,
  name: 'ListTransactionsResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** States of the filter that do not exist. */
    unknownStateFilters: { type: '[]string', versions: '0+' },
    /** Transactions that were found. */
    transactionStates: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Transactional id of the producer. */
        transactionalId: { type: 'string', versions: '0+' },
        /** Producer id; -1 for none. */
        producerId: { type: 'int64', versions: '0+' },
        /** State of the transaction, such as `Ongoing`. */
        transactionState: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ListTransactionsResponse = MessageOf<typeof ListTransactionsResponse>
