// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Registers a controller with the active one (KIP-919). API key 70, version 0, flexible from 0.
 */
export const ControllerRegistrationRequest = {
  apiKey: 70,
  name: 'ControllerRegistrationRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the controller. */
    controllerId: { type: 'int32', versions: '0+' },
    /** Incarnation id, which changes at each start of the process. */
    incarnationId: { type: 'uuid', versions: '0+' },
    /** Whether the node was ready to migrate from ZooKeeper; unused since 4.0. */
    zkMigrationReady: { type: 'bool', versions: '0+' },
    /** Endpoints of the node. */
    listeners: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the listener. */
        name: { type: 'string', versions: '0+' },
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'uint16', versions: '0+' },
        /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
        securityProtocol: { type: 'int16', versions: '0+' },
      },
    },
    /** Features and the levels that the node supports. */
    features: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the feature. */
        name: { type: 'string', versions: '0+' },
        /** Lowest level of the feature that the node supports. */
        minSupportedVersion: { type: 'int16', versions: '0+' },
        /** Highest level of the feature that the node supports. */
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ControllerRegistrationRequest = MessageOf<typeof ControllerRegistrationRequest>

/**
 * Response of ControllerRegistration, version 0, flexible from 0.
 */
export const ControllerRegistrationResponse = {
  apiKey: 70,
  name: 'ControllerRegistrationResponse',
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
export type ControllerRegistrationResponse = MessageOf<typeof ControllerRegistrationResponse>
