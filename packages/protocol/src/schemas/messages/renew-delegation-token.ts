// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** RenewDelegationToken (key 39), versions 1-2, flexible from 2. */
export const RenewDelegationTokenRequest = {
  apiKey: 39,
  name: 'RenewDelegationTokenRequest',
  versions: '1-2',
  flexible: '2+',
  fields: {
    hmac: { type: 'bytes', versions: '0+' },
    renewPeriodMs: { type: 'int64', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RenewDelegationTokenRequest = MessageOf<typeof RenewDelegationTokenRequest>

export const RenewDelegationTokenResponse = {
  apiKey: 39,
  name: 'RenewDelegationTokenResponse',
  versions: '1-2',
  flexible: '2+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    expiryTimestampMs: { type: 'int64', versions: '0+' },
    throttleTimeMs: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RenewDelegationTokenResponse = MessageOf<typeof RenewDelegationTokenResponse>
