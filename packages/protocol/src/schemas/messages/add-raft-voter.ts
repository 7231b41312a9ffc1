// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AddRaftVoter (key 80), versions 0-1, flexible from 0. */
export const AddRaftVoterRequest = {
  apiKey: 80,
  name: 'AddRaftVoterRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    clusterId: { type: 'string', versions: '0+', nullable: '0+' },
    timeoutMs: { type: 'int32', versions: '0+' },
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
    ackWhenCommitted: { type: 'bool', versions: '1+', default: true },
  },
} as const satisfies MessageSchema
export type AddRaftVoterRequest = MessageOf<typeof AddRaftVoterRequest>

export const AddRaftVoterResponse = {
  apiKey: 80,
  name: 'AddRaftVoterResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', ignorable: true },
  },
} as const satisfies MessageSchema
export type AddRaftVoterResponse = MessageOf<typeof AddRaftVoterResponse>
