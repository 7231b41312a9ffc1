// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** JoinGroup (key 11), versions 0-9, flexible from 6. */
export const JoinGroupRequest = {
  apiKey: 11,
  name: 'JoinGroupRequest',
  versions: '0-9',
  flexible: '6+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    sessionTimeoutMs: { type: 'int32', versions: '0+' },
    rebalanceTimeoutMs: { type: 'int32', versions: '1+', default: -1, ignorable: true },
    memberId: { type: 'string', versions: '0+' },
    groupInstanceId: { type: 'string', versions: '5+', nullable: '5+', default: null },
    protocolType: { type: 'string', versions: '0+' },
    protocols: {
      type: '[]',
      versions: '0+',
      fields: {
        name: { type: 'string', versions: '0+' },
        metadata: { type: 'bytes', versions: '0+' },
      },
    },
    reason: { type: 'string', versions: '8+', nullable: '8+', default: null, ignorable: true },
  },
} as const satisfies MessageSchema
export type JoinGroupRequest = MessageOf<typeof JoinGroupRequest>

export const JoinGroupResponse = {
  apiKey: 11,
  name: 'JoinGroupResponse',
  versions: '0-9',
  flexible: '6+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
    errorCode: { type: 'int16', versions: '0+' },
    generationId: { type: 'int32', versions: '0+', default: -1 },
    protocolType: {
      type: 'string',
      versions: '7+',
      nullable: '7+',
      default: null,
      ignorable: true,
    },
    protocolName: { type: 'string', versions: '0+', nullable: '7+' },
    leader: { type: 'string', versions: '0+' },
    skipAssignment: { type: 'bool', versions: '9+', default: false },
    memberId: { type: 'string', versions: '0+' },
    members: {
      type: '[]',
      versions: '0+',
      fields: {
        memberId: { type: 'string', versions: '0+' },
        groupInstanceId: {
          type: 'string',
          versions: '5+',
          nullable: '5+',
          default: null,
          ignorable: true,
        },
        metadata: { type: 'bytes', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type JoinGroupResponse = MessageOf<typeof JoinGroupResponse>
