// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** RemoveRaftVoter (key 81), versions 0, flexible from 0. */
export const RemoveRaftVoterRequest = {
  apiKey: 81,
  name: 'RemoveRaftVoterRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    clusterId: { type: 'string', versions: '0+', nullable: '0+' },
    voterId: { type: 'int32', versions: '0+' },
    voterDirectoryId: { type: 'uuid', versions: '0+' },
  },
} as const satisfies MessageSchema
export type RemoveRaftVoterRequest = MessageOf<typeof RemoveRaftVoterRequest>

export const RemoveRaftVoterResponse = {
  apiKey: 81,
  name: 'RemoveRaftVoterResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', ignorable: true },
  },
} as const satisfies MessageSchema
export type RemoveRaftVoterResponse = MessageOf<typeof RemoveRaftVoterResponse>
