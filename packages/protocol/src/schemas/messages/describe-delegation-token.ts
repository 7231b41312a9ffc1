// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Lists delegation tokens (KIP-48). API key 41, versions 1 to 3, flexible from 2.
 */
export const DescribeDelegationTokenRequest = {
  apiKey: 41,
  name: 'DescribeDelegationTokenRequest',
  versions: '1-3',
  flexible: '2+',
  fields: {
    /** Owners whose tokens are described; null for all. */
    owners: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        /** Type of the principal, such as `User`. */
        principalType: { type: 'string', versions: '0+' },
        /** Name of the principal. */
        principalName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeDelegationTokenRequest = MessageOf<typeof DescribeDelegationTokenRequest>

/**
 * Response of DescribeDelegationToken, versions 1 to 3, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 3: principal that asked for each (KIP-373).
 */
export const DescribeDelegationTokenResponse = {
  apiKey: 41,
  name: 'DescribeDelegationTokenResponse',
  versions: '1-3',
  flexible: '2+',
  fields: {
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Delegation tokens. */
    tokens: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Type of the principal, such as `User`. */
        principalType: { type: 'string', versions: '0+' },
        /** Name of the principal. */
        principalName: { type: 'string', versions: '0+' },
        /** Type of the principal that created the token. */
        tokenRequesterPrincipalType: { type: 'string', versions: '3+' },
        /** Name of the principal that created the token. */
        tokenRequesterPrincipalName: { type: 'string', versions: '3+' },
        /** When the token was created, milliseconds since 1970. */
        issueTimestamp: { type: 'int64', versions: '0+' },
        /** When the token expires unless renewed, milliseconds since 1970. */
        expiryTimestamp: { type: 'int64', versions: '0+' },
        /** When the token can no longer be renewed, milliseconds since 1970. */
        maxTimestamp: { type: 'int64', versions: '0+' },
        /** Id of the delegation token. */
        tokenId: { type: 'string', versions: '0+' },
        /** Secret of the delegation token. */
        hmac: { type: 'bytes', versions: '0+' },
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
      },
    },
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DescribeDelegationTokenResponse = MessageOf<typeof DescribeDelegationTokenResponse>
