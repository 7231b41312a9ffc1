// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** Envelope (key 58), versions 0, flexible from 0. */
export const EnvelopeRequest = {
  apiKey: 58,
  name: 'EnvelopeRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    requestData: { type: 'bytes', versions: '0+' },
    requestPrincipal: { type: 'bytes', versions: '0+', nullable: '0+' },
    clientHostAddress: { type: 'bytes', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EnvelopeRequest = MessageOf<typeof EnvelopeRequest>

export const EnvelopeResponse = {
  apiKey: 58,
  name: 'EnvelopeResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    responseData: { type: 'bytes', versions: '0+', nullable: '0+', default: null },
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EnvelopeResponse = MessageOf<typeof EnvelopeResponse>
