// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** SaslHandshake (key 17), versions 0-1. */
export const SaslHandshakeRequest = {
  apiKey: 17,
  name: 'SaslHandshakeRequest',
  versions: '0-1',
  flexible: 'none',
  fields: {
    mechanism: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SaslHandshakeRequest = MessageOf<typeof SaslHandshakeRequest>

export const SaslHandshakeResponse = {
  apiKey: 17,
  name: 'SaslHandshakeResponse',
  versions: '0-1',
  flexible: 'none',
  fields: {
    errorCode: { type: 'int16', versions: '0+' },
    mechanisms: { type: '[]string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SaslHandshakeResponse = MessageOf<typeof SaslHandshakeResponse>
