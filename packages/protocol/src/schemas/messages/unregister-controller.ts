// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** UnregisterController (key 94), versions 0, flexible from 0. */
export const UnregisterControllerRequest = {
  apiKey: 94,
  name: 'UnregisterControllerRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterControllerRequest = MessageOf<typeof UnregisterControllerRequest>

export const UnregisterControllerResponse = {
  apiKey: 94,
  name: 'UnregisterControllerResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterControllerResponse = MessageOf<typeof UnregisterControllerResponse>
