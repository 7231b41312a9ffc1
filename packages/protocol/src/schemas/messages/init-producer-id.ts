// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Assigns a producer id, and fences earlier producers of a transactional id. API key 22, versions 0
 * to 6, flexible from 2.
 * - Version 3: the id and epoch that the producer has, to continue after an error (KIP-360).
 * - Version 4: PRODUCER_FENCED.
 * - Version 5: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 6: two-phase commit (KIP-939).
 */
export const InitProducerIdRequest = {
  apiKey: 22,
  name: 'InitProducerIdRequest',
  versions: '0-6',
  flexible: '2+',
  latestVersionUnstable: true,
  fields: {
    /** Transactional id of the producer. */
    transactionalId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Time after which an open transaction is aborted. */
    transactionTimeoutMs: { type: 'int32', versions: '0+' },
    /** Producer id; -1 for none. */
    producerId: { type: 'int64', versions: '3+', default: -1n },
    /** Producer epoch; a lower one is fenced. */
    producerEpoch: { type: 'int16', versions: '3+', default: -1 },
    /** Whether the producer takes part in two-phase commit (KIP-939). */
    enable2Pc: { type: 'bool', versions: '6+', default: false },
    /** Whether a prepared transaction is kept for two-phase commit (KIP-939). */
    keepPreparedTxn: { type: 'bool', versions: '6+', default: false },
  },
} as const satisfies MessageSchema
export type InitProducerIdRequest = MessageOf<typeof InitProducerIdRequest>

/**
 * Response of InitProducerId, versions 0 to 6, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 4: PRODUCER_FENCED.
 * - Version 5: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 6: the transaction that was kept (KIP-939).
 */
export const InitProducerIdResponse = {
  apiKey: 22,
  name: 'InitProducerIdResponse',
  versions: '0-6',
  flexible: '2+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Producer id; -1 for none. */
    producerId: { type: 'int64', versions: '0+', default: -1n },
    /** Producer epoch; a lower one is fenced. */
    producerEpoch: { type: 'int16', versions: '0+' },
    /** Producer id of the kept transaction; -1 for none. */
    ongoingTxnProducerId: { type: 'int64', versions: '6+', default: -1n },
    /** Epoch of the kept transaction; -1 for none. */
    ongoingTxnProducerEpoch: { type: 'int16', versions: '6+', default: -1 },
  },
} as const satisfies MessageSchema
export type InitProducerIdResponse = MessageOf<typeof InitProducerIdResponse>
