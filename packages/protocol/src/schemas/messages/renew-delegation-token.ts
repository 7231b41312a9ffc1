// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** Renews a delegation token (KIP-48). API key 39, versions 1 to 2, flexible from 2. */
export const RenewDelegationTokenRequest = {
  apiKey: 39,
  name: 'RenewDelegationTokenRequest',
  versions: '1-2',
  flexible: '2+',
  fields: {
    /** Secret of the delegation token. */
    hmac: { type: 'bytes', versions: '0+' },
    /** New lifetime of the token from now. */
    renewPeriodMs: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RenewDelegationTokenRequest = MessageOf<typeof RenewDelegationTokenRequest>

/**
 * Response of RenewDelegationToken, versions 1 to 2, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 */
export const RenewDelegationTokenResponse = {
  apiKey: 39,
  name: 'RenewDelegationTokenResponse',
  versions: '1-2',
  flexible: '2+',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** When the token expires unless renewed, milliseconds since 1970. */
    expiryTimestampMs: { type: 'int64', versions: '0+' },
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RenewDelegationTokenResponse = MessageOf<typeof RenewDelegationTokenResponse>
