// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** CreateDelegationToken (key 38), versions 1-3, flexible from 2. */
export const CreateDelegationTokenRequest = {
  apiKey: 38,
  name: 'CreateDelegationTokenRequest',
  versions: '1-3',
  flexible: '2+',
  fields: {
    ownerPrincipalType: { type: 'string', versions: '3+', nullable: '3+' },
    ownerPrincipalName: { type: 'string', versions: '3+', nullable: '3+' },
    renewers: {
      type: '[]',
      versions: '0+',
      fields: {
        principalType: { type: 'string', versions: '0+' },
        principalName: { type: 'string', versions: '0+' },
      },
    },
    maxLifetimeMs: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type CreateDelegationTokenRequest = MessageOf<typeof CreateDelegationTokenRequest>

export const CreateDelegationTokenResponse = {
  apiKey: 38,
  name: 'CreateDelegationTokenResponse',
  versions: '1-3',
  flexible: '2+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    principalType: { type: 'string', versions: '0+' },
    principalName: { type: 'string', versions: '0+' },
    tokenRequesterPrincipalType: { type: 'string', versions: '3+' },
    tokenRequesterPrincipalName: { type: 'string', versions: '3+' },
    issueTimestampMs: { type: 'int64', versions: '0+' },
    expiryTimestampMs: { type: 'int64', versions: '0+' },
    maxTimestampMs: { type: 'int64', versions: '0+' },
    tokenId: { type: 'string', versions: '0+' },
    hmac: { type: 'bytes', versions: '0+' },
    throttleTimeMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type CreateDelegationTokenResponse = MessageOf<typeof CreateDelegationTokenResponse>
