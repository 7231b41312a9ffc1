// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Creates a delegation token (KIP-48). API key 38, versions 1 to 3, flexible from 2.
 * - Version 3: owner other than the client (KIP-373).
 */
export const CreateDelegationTokenRequest = {
  apiKey: 38,
  name: 'CreateDelegationTokenRequest',
  versions: '1-3',
  flexible: '2+',
  fields: {
    /** Type of the principal that the token is for; null for the client itself. */
    ownerPrincipalType: { type: 'string', versions: '3+', nullable: '3+' },
    /** Name of the principal that the token is for; null for the client itself. */
    ownerPrincipalName: { type: 'string', versions: '3+', nullable: '3+' },
    /** Principals that may renew the token, besides its owner. */
    renewers: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Type of the principal, such as `User`. */
        principalType: { type: 'string', versions: '0+' },
        /** Name of the principal. */
        principalName: { type: 'string', versions: '0+' },
      },
    },
    /** Maximum lifetime of the token; -1 for the broker's limit. */
    maxLifetimeMs: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type CreateDelegationTokenRequest = MessageOf<typeof CreateDelegationTokenRequest>

/**
 * Response of CreateDelegationToken, versions 1 to 3, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 3: principal that asked for it (KIP-373).
 */
export const CreateDelegationTokenResponse = {
  apiKey: 38,
  name: 'CreateDelegationTokenResponse',
  versions: '1-3',
  flexible: '2+',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Type of the principal, such as `User`. */
    principalType: { type: 'string', versions: '0+' },
    /** Name of the principal. */
    principalName: { type: 'string', versions: '0+' },
    /** Type of the principal that created the token. */
    tokenRequesterPrincipalType: { type: 'string', versions: '3+' },
    /** Name of the principal that created the token. */
    tokenRequesterPrincipalName: { type: 'string', versions: '3+' },
    /** When the token was created, milliseconds since 1970. */
    issueTimestampMs: { type: 'int64', versions: '0+' },
    /** When the token expires unless renewed, milliseconds since 1970. */
    expiryTimestampMs: { type: 'int64', versions: '0+' },
    /** When the token can no longer be renewed, milliseconds since 1970. */
    maxTimestampMs: { type: 'int64', versions: '0+' },
    /** Id of the delegation token. */
    tokenId: { type: 'string', versions: '0+' },
    /** Secret of the delegation token. */
    hmac: { type: 'bytes', versions: '0+' },
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type CreateDelegationTokenResponse = MessageOf<typeof CreateDelegationTokenResponse>
