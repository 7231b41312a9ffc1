// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Adds a voter to the metadata quorum (KIP-853). API key 80, versions 0 to 1, flexible from 0.
 * - Version 1: whether to wait for the commit.
 */
export const AddRaftVoterRequest = {
  apiKey: 80,
  name: 'AddRaftVoterRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Time-out of the request, milliseconds. */
    timeoutMs: { type: 'int32', versions: '0+' },
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
    /**
     * Whether to answer when the new voter set is committed, not when the leader has appended it.
     */
    ackWhenCommitted: { type: 'bool', versions: '1+', default: true },
  },
} as const satisfies MessageSchema
export type AddRaftVoterRequest = MessageOf<typeof AddRaftVoterRequest>

/**
 * Response of AddRaftVoter, versions 0 to 1, flexible from 0.
 */
export const AddRaftVoterResponse = {
  apiKey: 80,
  name: 'AddRaftVoterResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', ignorable: true },
  },
} as const satisfies MessageSchema
export type AddRaftVoterResponse = MessageOf<typeof AddRaftVoterResponse>
