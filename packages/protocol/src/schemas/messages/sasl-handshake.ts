// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Chooses the SASL mechanism. API key 17, versions 0 to 1.
 * - Version 1: followed by SaslAuthenticate instead of raw tokens (KIP-152).
 */
export const SaslHandshakeRequest = {
  apiKey: 17,
  name: 'SaslHandshakeRequest',
  versions: '0-1',
  flexible: 'none',
  fields: {
    /** SASL mechanism. */
    mechanism: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SaslHandshakeRequest = MessageOf<typeof SaslHandshakeRequest>

/**
 * Response of SaslHandshake, versions 0 to 1.
 */
export const SaslHandshakeResponse = {
  apiKey: 17,
  name: 'SaslHandshakeResponse',
  versions: '0-1',
  flexible: 'none',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** SASL mechanisms that the listener accepts. */
    mechanisms: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SaslHandshakeResponse = MessageOf<typeof SaslHandshakeResponse>
