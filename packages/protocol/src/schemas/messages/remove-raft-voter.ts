// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Removes a voter from the metadata quorum (KIP-853). API key 81, version 0, flexible from 0.
 */
export const RemoveRaftVoterRequest = {
  apiKey: 81,
  name: 'RemoveRaftVoterRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    /** Id of the cluster, or null. */
    clusterId: { type: 'string', versions: '0+', nullable: '0+' },
    /** Id of the voter. */
    voterId: { type: 'int32', versions: '0+' },
    /** Id of the voter's log directory. */
    voterDirectoryId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveRaftVoterRequest = MessageOf<typeof RemoveRaftVoterRequest>

/**
 * Response of RemoveRaftVoter, version 0, flexible from 0.
 */
export const RemoveRaftVoterResponse = {
  apiKey: 81,
  name: 'RemoveRaftVoterResponse',
  versions: '0',
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
export type RemoveRaftVoterResponse = MessageOf<typeof RemoveRaftVoterResponse>
