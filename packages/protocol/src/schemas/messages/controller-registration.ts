// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ControllerRegistration (key 70), versions 0, flexible from 0. */
export const ControllerRegistrationRequest = {
  apiKey: 70,
  name: 'ControllerRegistrationRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: { type: 'int32', versions: '0+' },
    incarnationId: { type: 'uuid', versions: '0+' },
    zkMigrationReady: { type: 'bool', versions: '0+' },
    listeners: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        host: { type: 'string', versions: '0+' },
        port: { type: 'uint16', versions: '0+' },
        securityProtocol: { type: 'int16', versions: '0+' },
      },
    },
    features: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        minSupportedVersion: { type: 'int16', versions: '0+' },
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ControllerRegistrationRequest = MessageOf<typeof ControllerRegistrationRequest>

export const ControllerRegistrationResponse = {
  apiKey: 70,
  name: 'ControllerRegistrationResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+' },
  },
} as const satisfies MessageSchema
export type ControllerRegistrationResponse = MessageOf<typeof ControllerRegistrationResponse>
