// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes classic groups. API key 15, versions 0 to 6, flexible from 5.
 * - Version 3: whether authorized operations are returned (KIP-430).
 * - Version 6: GROUP_ID_NOT_FOUND for unknown groups (KIP-1043).
 */
export const DescribeGroupsRequest = {
  apiKey: 15,
  name: 'DescribeGroupsRequest',
  versions: '0-6',
  flexible: '5+',
  fields: {
    /** One entry per group. */
    groups: { type: '[]string', versions: '0+' },
    /** Whether to return the operations that the client is authorized for. */
    includeAuthorizedOperations: { type: 'bool', versions: '3+' },
  },
} as const satisfies MessageSchema
export type DescribeGroupsRequest = MessageOf<typeof DescribeGroupsRequest>

/**
 * Response of DescribeGroups, versions 0 to 6, flexible from 5.
 * - Version 1: throttle time.
 * - Version 2: sent before throttling (KIP-219).
 * - Version 3: authorized operations (KIP-430).
 * - Version 4: static members (KIP-345).
 * - Version 6: GROUP_ID_NOT_FOUND and a message (KIP-1043).
 */
export const DescribeGroupsResponse = {
  apiKey: 15,
  name: 'DescribeGroupsResponse',
  versions: '0-6',
  flexible: '5+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '1+', ignorable: true },
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code for the group, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '6+', nullable: '6+', default: null },
        /** Id of the group. */
        groupId: { type: 'string', versions: '0+' },
        /** State of the group, such as `Stable`. */
        groupState: { type: 'string', versions: '0+' },
        /** Protocol type, such as `consumer` or `connect`. */
        protocolType: { type: 'string', versions: '0+' },
        /** Protocol that the group uses. */
        protocolData: { type: 'string', versions: '0+' },
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
              versions: '4+',
              nullable: '4+',
              default: null,
              ignorable: true,
            },
            /** Client id of the member's requests. */
            clientId: { type: 'string', versions: '0+' },
            /** Host of the client, as the broker saw it. */
            clientHost: { type: 'string', versions: '0+' },
            /** Subscription of the member, in the bytes of the protocol. */
            memberMetadata: { type: 'bytes', versions: '0+' },
            /** Assignment of the member, in the bytes of the protocol. */
            memberAssignment: { type: 'bytes', versions: '0+' },
          },
        },
        /**
         * Bit n is set if the client is authorized for the ACL operation with code n; -2147483648
         * if not requested.
         */
        authorizedOperations: { type: 'int32', versions: '3+', default: -2147483648 },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeGroupsResponse = MessageOf<typeof DescribeGroupsResponse>
