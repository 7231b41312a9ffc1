// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** LeaveGroup (key 13), versions 0-5, flexible from 4. */
export const LeaveGroupRequest = {
  apiKey: 13,
  name: 'LeaveGroupRequest',
  versions: '0-5',
  flexible: '4+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    memberId: { type: 'string', versions: '0-2' },
    members: {
      type: '[]',
      versions: '3+',
      fields: {
        memberId: { type: 'string', versions: '3+' },
        groupInstanceId: { type: 'string', versions: '3+', nullable: '3+', default: null },
        reason: { type: 'string', versions: '5+', nullable: '5+', default: null, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type LeaveGroupRequest = MessageOf<typeof LeaveGroupRequest>

export const LeaveGroupResponse = {
  apiKey: 13,
  name: 'LeaveGroupResponse',
  versions: '0-5',
  flexible: '4+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    errorCode: { type: 'int16', versions: '0+' },
    members: {
      type: '[]',
      versions: '3+',
      fields: {
        memberId: { type: 'string', versions: '3+' },
        groupInstanceId: { type: 'string', versions: '3+', nullable: '3+' },
        errorCode: { type: 'int16', versions: '3+' },
      },
    },
  },
} as const satisfies MessageSchema
export type LeaveGroupResponse = MessageOf<typeof LeaveGroupResponse>
