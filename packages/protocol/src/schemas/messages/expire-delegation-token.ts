// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Changes when a delegation token expires (KIP-48). API key 40, versions 1 to 2, flexible from 2.
 */
export const ExpireDelegationTokenRequest = {
  apiKey: 40,
  name: 'ExpireDelegationTokenRequest',
  versions: '1-2',
  flexible: '2+',
  fields: {
    /** Secret of the delegation token. */
    hmac: { type: 'bytes', versions: '0+' },
    /** New lifetime of the token from now; a negative value expires it at once. */
    expiryTimePeriodMs: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ExpireDelegationTokenRequest = MessageOf<typeof ExpireDelegationTokenRequest>

/**
 * Response of ExpireDelegationToken, versions 1 to 2, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 */
export const ExpireDelegationTokenResponse = {
  apiKey: 40,
  name: 'ExpireDelegationTokenResponse',
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
export type ExpireDelegationTokenResponse = MessageOf<typeof ExpireDelegationTokenResponse>
