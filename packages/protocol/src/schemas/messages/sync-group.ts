// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Submits the leader's assignment, and returns the assignment of each member. API key 14, versions
 * 0 to 5, flexible from 4.
 * - Version 3: static members (KIP-345).
 * - Version 5: type and name of the protocol, which must match (KIP-559).
 */
export const SyncGroupRequest = {
  apiKey: 14,
  name: 'SyncGroupRequest',
  versions: '0-5',
  flexible: '4+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Generation of the group that the member knows. */
    generationId: { type: 'int32', versions: '0+' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Name of a static member (KIP-345), or null. */
    groupInstanceId: { type: 'string', versions: '3+', nullable: '3+', default: null },
    /** Protocol type, such as `consumer` or `connect`. */
    protocolType: {
      type: 'string',
      versions: '5+',
      nullable: '5+',
      default: null,
      ignorable: true,
    },
    /** Protocol: the name of an assignor. */
    protocolName: {
      type: 'string',
      versions: '5+',
      nullable: '5+',
      default: null,
      ignorable: true,
    },
    /** Assignment of each member, by the leader of the group. */
    assignments: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Id of the member. */
        memberId: { type: 'string', versions: '0+' },
        /** Assignment of this member, in the bytes of the protocol. */
        assignment: { type: 'bytes', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type SyncGroupRequest = MessageOf<typeof SyncGroupRequest>

/**
 * Response of SyncGroup, versions 0 to 5, flexible from 4.
 * - Version 1: throttle time.
 * - Version 2: sent before throttling (KIP-219).
 * - Version 5: type and name of the protocol (KIP-559).
 */
export const SyncGroupResponse = {
  apiKey: 14,
  name: 'SyncGroupResponse',
  versions: '0-5',
  flexible: '4+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Protocol type, such as `consumer` or `connect`. */
    protocolType: {
      type: 'string',
      versions: '5+',
      nullable: '5+',
      default: null,
      ignorable: true,
    },
    /** Protocol: the name of an assignor. */
    protocolName: {
      type: 'string',
      versions: '5+',
      nullable: '5+',
      default: null,
      ignorable: true,
    },
    /** Assignment of the member, in the bytes of the protocol. */
    assignment: { type: 'bytes', versions: '0+' },
  },
} as const satisfies MessageSchema
export type SyncGroupResponse = MessageOf<typeof SyncGroupResponse>
