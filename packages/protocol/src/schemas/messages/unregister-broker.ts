// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Removes the registration of a broker (KIP-631). API key 64, version 0, flexible from 0.
 */
export const UnregisterBrokerRequest = {
  apiKey: 64,
  name: 'UnregisterBrokerRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterBrokerRequest = MessageOf<typeof UnregisterBrokerRequest>

/**
 * Response of UnregisterBroker, version 0, flexible from 0.
 */
export const UnregisterBrokerResponse = {
  apiKey: 64,
  name: 'UnregisterBrokerResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterBrokerResponse = MessageOf<typeof UnregisterBrokerResponse>
