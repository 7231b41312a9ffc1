// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Registers a broker with the controller (KIP-631). API key 62, versions 0 to 4, flexible from 0.
 * - Version 1: migration from ZooKeeper (KIP-866).
 * - Version 2: log directories (KIP-858).
 * - Version 3: epoch of the last clean shutdown (KIP-966).
 * - Version 4: features whose lowest level is 0.
 */
export const BrokerRegistrationRequest = {
  apiKey: 62,
  name: 'BrokerRegistrationRequest',
  versions: '0-4',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '0+' },
    /** Incarnation id, which changes at each start of the process. */
    incarnationId: { type: 'uuid', versions: '0+' },
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
    /** Rack of the node, or null. */
    rack: { type: 'string', versions: '0+', nullable: '0+' },
    /** Whether the broker was in migration from ZooKeeper; always false since 4.0. */
    isMigratingZkBroker: { type: 'bool', versions: '1+', default: false },
    /** Ids of the log directories that are online. */
    logDirs: { type: '[]uuid', versions: '2+', ignorable: true },
    /** Epoch of the last clean shutdown; -1 if there was none. */
    previousBrokerEpoch: { type: 'int64', versions: '3+', default: -1n, ignorable: true },
  },
} as const satisfies MessageSchema
export type BrokerRegistrationRequest = MessageOf<typeof BrokerRegistrationRequest>

/**
 * Response of BrokerRegistration, versions 0 to 4, flexible from 0.
 */
export const BrokerRegistrationResponse = {
  apiKey: 62,
  name: 'BrokerRegistrationResponse',
  versions: '0-4',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
  },
} as const satisfies MessageSchema
export type BrokerRegistrationResponse = MessageOf<typeof BrokerRegistrationResponse>
