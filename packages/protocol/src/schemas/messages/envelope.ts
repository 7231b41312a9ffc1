// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Forwards a request to the controller with its client's identity (KIP-590). API key 58, version 0,
 * flexible from 0.
 */
export const EnvelopeRequest = {
  apiKey: 58,
  name: 'EnvelopeRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Header and body of the forwarded request. */
    requestData: { type: 'bytes', versions: '0+' },
    /** Principal of the original client, serialized. */
    requestPrincipal: { type: 'bytes', versions: '0+', nullable: '0+' },
    /** Address of the original client, in bytes. */
    clientHostAddress: { type: 'bytes', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EnvelopeRequest = MessageOf<typeof EnvelopeRequest>

/**
 * Response of Envelope, version 0, flexible from 0.
 */
export const EnvelopeResponse = {
  apiKey: 58,
  name: 'EnvelopeResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Header and body of the forwarded response. */
    responseData: { type: 'bytes', versions: '0+', nullable: '0+', default: null },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EnvelopeResponse = MessageOf<typeof EnvelopeResponse>
