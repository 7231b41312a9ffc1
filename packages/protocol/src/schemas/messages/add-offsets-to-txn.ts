// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Adds the offsets of a group to a transaction. API key 25, versions 0 to 4, flexible from 3.
 * - Version 2: PRODUCER_FENCED.
 * - Version 4: TRANSACTION_ABORTABLE (KIP-890).
 */
export const AddOffsetsToTxnRequest = {
  apiKey: 25,
  name: 'AddOffsetsToTxnRequest',
  versions: '0-4',
  flexible: '3+',
  fields: {
    /** Transactional id of the producer. */
    transactionalId: { type: 'string', versions: '0+' },
    /** Producer id; -1 for none. */
    producerId: { type: 'int64', versions: '0+' },
    /** Producer epoch; a lower one is fenced. */
    producerEpoch: { type: 'int16', versions: '0+' },
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AddOffsetsToTxnRequest = MessageOf<typeof AddOffsetsToTxnRequest>

/**
 * Response of AddOffsetsToTxn, versions 0 to 4, flexible from 3.
 * - Version 1: sent before throttling (KIP-219).
 */
export const AddOffsetsToTxnResponse = {
  apiKey: 25,
  name: 'AddOffsetsToTxnResponse',
  versions: '0-4',
  flexible: '3+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AddOffsetsToTxnResponse = MessageOf<typeof AddOffsetsToTxnResponse>
