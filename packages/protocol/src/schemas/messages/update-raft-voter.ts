// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** UpdateRaftVoter (key 82), versions 0, flexible from 0. */
export const UpdateRaftVoterRequest = {
  apiKey: 82,
  name: 'UpdateRaftVoterRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    clusterId: { type: 'string', versions: '0+', nullable: '0+' },
    currentLeaderEpoch: { type: 'int32', versions: '0+' },
    voterId: { type: 'int32', versions: '0+' },
    voterDirectoryId: { type: 'uuid', versions: '0+' },
    listeners: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        host: { type: 'string', versions: '0+' },
        port: { type: 'uint16', versions: '0+' },
      },
    },
    kRaftVersionFeature: {
      type: 'struct',
      versions: '0+',
      fields: {
        minSupportedVersion: { type: 'int16', versions: '0+' },
        maxSupportedVersion: { type: 'int16', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type UpdateRaftVoterRequest = MessageOf<typeof UpdateRaftVoterRequest>

export const UpdateRaftVoterResponse = {
  apiKey: 82,
  name: 'UpdateRaftVoterResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    currentLeader: {
      type: 'struct',
      versions: '0+',
      tag: 0,
      tagged: '0+',
      fields: {
        leaderId: { type: 'int32', versions: '0+', default: -1 },
        leaderEpoch: { type: 'int32', versions: '0+', default: -1 },
        host: { type: 'string', versions: '0+' },
        port: { type: 'int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type UpdateRaftVoterResponse = MessageOf<typeof UpdateRaftVoterResponse>
