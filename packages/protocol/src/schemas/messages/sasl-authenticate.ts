// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** SaslAuthenticate (key 36), versions 0-2, flexible from 2. */
export const SaslAuthenticateRequest = {
  apiKey: 36,
  name: 'SaslAuthenticateRequest',
  versions: '0-2',
  flexible: '2+',
  fields: {
    authBytes: { type: 'bytes', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SaslAuthenticateRequest = MessageOf<typeof SaslAuthenticateRequest>

export const SaslAuthenticateResponse = {
  apiKey: 36,
  name: 'SaslAuthenticateResponse',
  versions: '0-2',
  flexible: '2+',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
    authBytes: { type: 'bytes', versions: '0+' },
    sessionLifetimeMs: { type: 'int64', versions: '1+', default: 0n, ignorable: true },
  },
} as const satisfies MessageSchema
export type SaslAuthenticateResponse = MessageOf<typeof SaslAuthenticateResponse>
