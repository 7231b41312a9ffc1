// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Exchanges the bytes of a SASL mechanism (KIP-152). API key 36, versions 0 to 2, flexible from 2.
 */
export const SaslAuthenticateRequest = {
  apiKey: 36,
  name: 'SaslAuthenticateRequest',
  versions: '0-2',
  flexible: '2+',
  fields: {
    /** Bytes of the SASL mechanism. */
    authBytes: { type: 'bytes', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SaslAuthenticateRequest = MessageOf<typeof SaslAuthenticateRequest>

/**
 * Response of SaslAuthenticate, versions 0 to 2, flexible from 2.
 * - Version 1: lifetime of the session (KIP-368).
 */
export const SaslAuthenticateResponse = {
  apiKey: 36,
  name: 'SaslAuthenticateResponse',
  versions: '0-2',
  flexible: '2+',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    /** Bytes of the SASL mechanism. */
    authBytes: { type: 'bytes', versions: '0+' },
    /** Time after which the client must authenticate again; 0 for never (KIP-368). */
    sessionLifetimeMs: { type: 'int64', versions: '1+', default: 0n, ignorable: true },
  },
} as const satisfies MessageSchema
export type SaslAuthenticateResponse = MessageOf<typeof SaslAuthenticateResponse>
