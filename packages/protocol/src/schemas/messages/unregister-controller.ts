// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Removes the registration of a controller. API key 94, version 0, flexible from 0.
 */
export const UnregisterControllerRequest = {
  apiKey: 94,
  name: 'UnregisterControllerRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the controller. */
    controllerId: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterControllerRequest = MessageOf<typeof UnregisterControllerRequest>

/**
 * Response of UnregisterController, version 0, flexible from 0.
 */
export const UnregisterControllerResponse = {
  apiKey: 94,
  name: 'UnregisterControllerResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
  },
} as const satisfies MessageSchema
export type UnregisterControllerResponse = MessageOf<typeof UnregisterControllerResponse>
