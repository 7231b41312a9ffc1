// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Keeps a broker's registration alive (KIP-631). API key 63, versions 0 to 2, flexible from 0.
 * - Version 1: failed log directories (KIP-858).
 * - Version 2: cordoned directories (KIP-1066).
 */
export const BrokerHeartbeatRequest = {
  apiKey: 63,
  name: 'BrokerHeartbeatRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Id of the broker. */
    brokerId: { type: 'int32', versions: '0+' },
    /** Epoch of the broker's registration. */
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
    /** Offset up to which the broker has applied the metadata log. */
    currentMetadataOffset: { type: 'int64', versions: '0+' },
    /** Whether the broker asks to be fenced. */
    wantFence: { type: 'bool', versions: '0+' },
    /** Whether the broker asks to be shut down. */
    wantShutDown: { type: 'bool', versions: '0+' },
    /** Ids of the log directories that failed. */
    offlineLogDirs: { type: '[]uuid', versions: '1+', tag: 0, tagged: '1+' },
    /** Log directories that get no new partitions; null if unchanged or not known yet. */
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

/**
 * Response of BrokerHeartbeat, versions 0 to 2, flexible from 0.
 */
export const BrokerHeartbeatResponse = {
  apiKey: 63,
  name: 'BrokerHeartbeatResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Whether the broker has nearly the latest metadata. */
    isCaughtUp: { type: 'bool', versions: '0+', default: false },
    /** Whether the broker is fenced. */
    isFenced: { type: 'bool', versions: '0+', default: true },
    /** Whether the broker may shut down now. */
    shouldShutDown: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type BrokerHeartbeatResponse = MessageOf<typeof BrokerHeartbeatResponse>
