// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** UnregisterBroker (key 64), versions 0, flexible from 0. */
export const UnregisterBrokerRequest = {
  apiKey: 64,
  name: 'UnregisterBrokerRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterBrokerRequest = MessageOf<typeof UnregisterBrokerRequest>

export const UnregisterBrokerResponse = {
  apiKey: 64,
  name: 'UnregisterBrokerResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterBrokerResponse = MessageOf<typeof UnregisterBrokerResponse>
