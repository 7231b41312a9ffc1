// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Reserves a block of producer ids; sent by brokers (KIP-730). API key 67, version 0, flexible from
 * 0.
 */
export const AllocateProducerIdsRequest = {
  apiKey: 67,
  name: 'AllocateProducerIdsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
  },
} as const satisfies MessageSchema
export type AllocateProducerIdsRequest = MessageOf<typeof AllocateProducerIdsRequest>

/**
 * Response of AllocateProducerIds, version 0, flexible from 0.
 */
export const AllocateProducerIdsResponse = {
  apiKey: 67,
  name: 'AllocateProducerIdsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** First id of the block. */
    producerIdStart: { type: 'int64', versions: '0+' },
    /** Number of ids in the block. */
    producerIdLen: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AllocateProducerIdsResponse = MessageOf<typeof AllocateProducerIdsResponse>
