// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** BrokerRegistration (key 62), versions 0-4, flexible from 0. */
export const BrokerRegistrationRequest = {
  apiKey: 62,
  name: 'BrokerRegistrationRequest',
  versions: '0-4',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    clusterId: { type: 'string', versions: '0+' },
    incarnationId: { type: 'uuid', versions: '0+' },
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
    rack: { type: 'string', versions: '0+', nullable: '0+' },
    isMigratingZkBroker: { type: 'bool', versions: '1+', default: false },
    logDirs: { type: '[]uuid', versions: '2+', ignorable: true },
    previousBrokerEpoch: { type: 'int64', versions: '3+', default: -1n, ignorable: true },
  },
} as const satisfies MessageSchema
export type BrokerRegistrationRequest = MessageOf<typeof BrokerRegistrationRequest>

export const BrokerRegistrationResponse = {
  apiKey: 62,
  name: 'BrokerRegistrationResponse',
  versions: '0-4',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
  },
} as const satisfies MessageSchema
export type BrokerRegistrationResponse = MessageOf<typeof BrokerRegistrationResponse>
