// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeDelegationToken (key 41), versions 1-3, flexible from 2. */
export const DescribeDelegationTokenRequest = {
  apiKey: 41,
  name: 'DescribeDelegationTokenRequest',
  versions: '1-3',
  flexible: '2+',
  fields: {
    owners: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        principalType: { type: 'string', versions: '0+' },
        principalName: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeDelegationTokenRequest = MessageOf<typeof DescribeDelegationTokenRequest>

export const DescribeDelegationTokenResponse = {
  apiKey: 41,
  name: 'DescribeDelegationTokenResponse',
  versions: '1-3',
  flexible: '2+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    tokens: {
      type: '[]',
      versions: '0+',
      fields: {
        principalType: { type: 'string', versions: '0+' },
        principalName: { type: 'string', versions: '0+' },
        tokenRequesterPrincipalType: { type: 'string', versions: '3+' },
        tokenRequesterPrincipalName: { type: 'string', versions: '3+' },
        issueTimestamp: { type: 'int64', versions: '0+' },
        expiryTimestamp: { type: 'int64', versions: '0+' },
        maxTimestamp: { type: 'int64', versions: '0+' },
        tokenId: { type: 'string', versions: '0+' },
        hmac: { type: 'bytes', versions: '0+' },
        renewers: {
          type: '[]',
          versions: '0+',
          fields: {
            principalType: { type: 'string', versions: '0+' },
            principalName: { type: 'string', versions: '0+' },
          },
        },
      },
    },
    throttleTimeMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type DescribeDelegationTokenResponse = MessageOf<typeof DescribeDelegationTokenResponse>
