// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ExpireDelegationToken (key 40), versions 1-2, flexible from 2. */
export const ExpireDelegationTokenRequest = {
  apiKey: 40,
  name: 'ExpireDelegationTokenRequest',
  versions: '1-2',
  flexible: '2+',
  fields: {
    hmac: { type: 'bytes', versions: '0+' },
    expiryTimePeriodMs: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ExpireDelegationTokenRequest = MessageOf<typeof ExpireDelegationTokenRequest>

export const ExpireDelegationTokenResponse = {
  apiKey: 40,
  name: 'ExpireDelegationTokenResponse',
  versions: '1-2',
  flexible: '2+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    expiryTimestampMs: { type: 'int64', versions: '0+' },
    throttleTimeMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ExpireDelegationTokenResponse = MessageOf<typeof ExpireDelegationTokenResponse>
