// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Removes members from a classic group. API key 13, versions 0 to 5, flexible from 4.
 * - Version 3: several members, including static ones (KIP-345).
 * - Version 5: reason (KIP-800).
 */
export const LeaveGroupRequest = {
  apiKey: 13,
  name: 'LeaveGroupRequest',
  versions: '0-5',
  flexible: '4+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0-2' },
    /** Members that leave. */
    members: {
      type: '[]',
      versions: '3+',
      fields: {
        /** Id of the member. */
        memberId: { type: 'string', versions: '3+' },
        /** Name of a static member (KIP-345), or null. */
        groupInstanceId: { type: 'string', versions: '3+', nullable: '3+', default: null },
        /** Reason, for log output. */
        reason: { type: 'string', versions: '5+', nullable: '5+', default: null, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type LeaveGroupRequest = MessageOf<typeof LeaveGroupRequest>

/**
 * Response of LeaveGroup, versions 0 to 5, flexible from 4.
 * - Version 1: throttle time.
 * - Version 2: sent before throttling (KIP-219).
 * - Version 3: result of each member.
 */
export const LeaveGroupResponse = {
  apiKey: 13,
  name: 'LeaveGroupResponse',
  versions: '0-5',
  flexible: '4+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Result of each member. */
    members: {
      type: '[]',
      versions: '3+',
      fields: {
        /** Id of the member. */
        memberId: { type: 'string', versions: '3+' },
        /** Name of a static member (KIP-345), or null. */
        groupInstanceId: { type: 'string', versions: '3+', nullable: '3+' },
        /** Kafka's error code for the member, 0 for none. */
        errorCode: { type: 'int16', versions: '3+' },
      },
    },
  },
} as const satisfies MessageSchema
export type LeaveGroupResponse = MessageOf<typeof LeaveGroupResponse>
