// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Reports the addresses and versions of a voter (KIP-853). API key 82, version 0, flexible from 0.
 */
export const UpdateRaftVoterRequest = {
  apiKey: 82,
  name: 'UpdateRaftVoterRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Leader epoch that the client knows; -1 skips the check (KIP-320). */
    currentLeaderEpoch: { type: 'int32', versions: '0+' },
    /** Id of the voter. */
    voterId: { type: 'int32', versions: '0+' },
    /** Id of the voter's log directory. */
    voterDirectoryId: { type: 'uuid', versions: '0+' },
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
      },
    },
    /** Range of the quorum protocol's versions that the voter supports. */
    kRaftVersionFeature: {
      type: 'struct',
      versions: '0+',
      fields: {
        /** Lowest level of the feature that the node supports. */
        minSupportedVersion: { type: 'int16', versions: '0+' },
        /** Highest level of the feature that the node supports. */
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type UpdateRaftVoterRequest = MessageOf<typeof UpdateRaftVoterRequest>

/**
 * Response of UpdateRaftVoter, version 0, flexible from 0.
 */
export const UpdateRaftVoterResponse = {
  apiKey: 82,
  name: 'UpdateRaftVoterResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /**
     * Current leader that the broker knows, if the request was sent to another broker (KIP-951).
     */
    currentLeader: {
      type: 'struct',
      versions: '0+',
      tag: 0,
      tagged: '0+',
      fields: {
        /** Id of the leader; -1 if there is none or it is unknown. */
        leaderId: { type: 'int32', versions: '0+', default: -1 },
        /** Epoch of the partition's leader; -1 if unknown. */
        leaderEpoch: { type: 'int32', versions: '0+', default: -1 },
        /** Host name or address. */
        host: { type: 'string', versions: '0+' },
        /** Port. */
        port: { type: 'int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type UpdateRaftVoterResponse = MessageOf<typeof UpdateRaftVoterResponse>
