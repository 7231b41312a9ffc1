// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** BrokerHeartbeat (key 63), versions 0-2, flexible from 0. */
export const BrokerHeartbeatRequest = {
  apiKey: 63,
  name: 'BrokerHeartbeatRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    currentMetadataOffset: { type: 'int64', versions: '0+' },
    wantFence: { type: 'bool', versions: '0+' },
    wantShutDown: { type: 'bool', versions: '0+' },
    offlineLogDirs: { type: '[]uuid', versions: '1+', tag: 0, tagged: '1+' },
    cordonedLogDirs: {
      type: '[]uuid',
      versions: '2+',
      nullable: '2+',
      tag: 1,
      tagged: '2+',
      default: null,
    },
  },
} as const satisfies MessageSchema
export type BrokerHeartbeatRequest = MessageOf<typeof BrokerHeartbeatRequest>

export const BrokerHeartbeatResponse = {
  apiKey: 63,
  name: 'BrokerHeartbeatResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    isCaughtUp: { type: 'bool', versions: '0+', default: false },
    isFenced: { type: 'bool', versions: '0+', default: true },
    shouldShutDown: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type BrokerHeartbeatResponse = MessageOf<typeof BrokerHeartbeatResponse>
