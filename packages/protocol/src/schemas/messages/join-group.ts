// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Joins a classic group and waits for its next generation. API key 11, versions 0 to 9, flexible
 * from 6.
 * - Version 1: rebalance time-out.
 * - Version 4: a first join without a member id is rejected with one (KIP-394).
 * - Version 5: static members (KIP-345).
 * - Version 8: reason (KIP-800).
 */
export const JoinGroupRequest = {
  apiKey: 11,
  name: 'JoinGroupRequest',
  versions: '0-9',
  flexible: '6+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Time without a heartbeat after which the member is removed. */
    sessionTimeoutMs: { type: 'int32', versions: '0+' },
    /** Maximum time that a rebalance waits for the member. */
    rebalanceTimeoutMs: { type: 'int32', versions: '1+', default: -1, ignorable: true },
    /** Id of the member; empty on the first join. */
    memberId: { type: 'string', versions: '0+' },
    /** Name of a static member (KIP-345), or null. */
    groupInstanceId: { type: 'string', versions: '5+', nullable: '5+', default: null },
    /** Protocol type, such as `consumer` or `connect`. */
    protocolType: { type: 'string', versions: '0+' },
    /** Protocols that the member supports, in order of preference. */
    protocols: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the protocol, for consumers that of the assignor. */
        name: { type: 'string', versions: '0+' },
        /** Subscription of the member, in the bytes of the protocol. */
        metadata: { type: 'bytes', versions: '0+' },
      },
    },
    /** Reason, for log output. */
    reason: { type: 'string', versions: '8+', nullable: '8+', default: null, ignorable: true },
  },
} as const satisfies MessageSchema
export type JoinGroupRequest = MessageOf<typeof JoinGroupRequest>

/**
 * Response of JoinGroup, versions 0 to 9, flexible from 6.
 * - Version 2: throttle time.
 * - Version 3: sent before throttling (KIP-219).
 * - Version 4: MEMBER_ID_REQUIRED (KIP-394).
 * - Version 5: static members (KIP-345).
 * - Version 7: type of the protocol (KIP-559).
 * - Version 9: whether the leader skips the assignment (KIP-814).
 */
export const JoinGroupResponse = {
  apiKey: 11,
  name: 'JoinGroupResponse',
  versions: '0-9',
  flexible: '6+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '2+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Generation of the group. */
    generationId: { type: 'int32', versions: '0+', default: -1 },
    /** Protocol type, such as `consumer` or `connect`. */
    protocolType: {
      type: 'string',
      versions: '7+',
      nullable: '7+',
      default: null,
      ignorable: true,
    },
    /** Protocol: the name of an assignor. */
    protocolName: { type: 'string', versions: '0+', nullable: '7+' },
    /** Member id of the group's leader. */
    leader: { type: 'string', versions: '0+' },
    /** Whether the leader must not compute an assignment (KIP-814). */
    skipAssignment: { type: 'bool', versions: '9+', default: false },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Members of the group. */
    members: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the member. */
        memberId: { type: 'string', versions: '0+' },
        /** Name of a static member (KIP-345), or null. */
        groupInstanceId: {
          type: 'string',
          versions: '5+',
          nullable: '5+',
          default: null,
          ignorable: true,
        },
        /** Subscription of the member, in the bytes of the protocol. */
        metadata: { type: 'bytes', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type JoinGroupResponse = MessageOf<typeof JoinGroupResponse>
