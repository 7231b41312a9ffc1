// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Commits or aborts a transaction. API key 26, versions 0 to 5, flexible from 3.
 * - Version 2: PRODUCER_FENCED.
 * - Version 4: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 5: each end increments the producer's epoch (KIP-890).
 */
export const EndTxnRequest = {
  apiKey: 26,
  name: 'EndTxnRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Transactional id of the producer. */
    transactionalId: { type: 'string', versions: '0+' },
    /** Producer id; -1 for none. */
    producerId: { type: 'int64', versions: '0+' },
    /** Producer epoch; a lower one is fenced. */
    producerEpoch: { type: 'int16', versions: '0+' },
    /** Whether to commit; false aborts. */
    committed: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EndTxnRequest = MessageOf<typeof EndTxnRequest>

/**
 * Response of EndTxn, versions 0 to 5, flexible from 3.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 5: producer id and epoch to continue with (KIP-890).
 */
export const EndTxnResponse = {
  apiKey: 26,
  name: 'EndTxnResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Producer id; -1 for none. */
    producerId: { type: 'int64', versions: '5+', default: -1n, ignorable: true },
    /** Producer epoch; a lower one is fenced. */
    producerEpoch: { type: 'int16', versions: '5+', default: -1, ignorable: true },
  },
} as const satisfies MessageSchema
export type EndTxnResponse = MessageOf<typeof EndTxnResponse>
