// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes share groups. Version 0 was an early access (KIP-932). API key 77, version 1, flexible
 * from 0.
 */
export const ShareGroupDescribeRequest = {
  apiKey: 77,
  name: 'ShareGroupDescribeRequest',
  versions: '1',
  flexible: '0+',
  fields: {
    /** Ids of the groups to describe. */
    groupIds: { type: '[]string', versions: '0+' },
    /** Whether to return the operations that the client is authorized for. */
    includeAuthorizedOperations: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ShareGroupDescribeRequest = MessageOf<typeof ShareGroupDescribeRequest>

/**
 * Response of ShareGroupDescribe, version 1, flexible from 0.
 */
export const ShareGroupDescribeResponse = {
  apiKey: 77,
  name: 'ShareGroupDescribeResponse',
  versions: '1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code for the group, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Error message, or null. */
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
        /** Id of the group. */
        groupId: { type: 'string', versions: '0+' },
        /** State of the group, such as `Stable`. */
        groupState: { type: 'string', versions: '0+' },
        /** Epoch of the group; each change of members or metadata increments it. */
        groupEpoch: { type: 'int32', versions: '0+' },
        /** Group epoch that the target assignment belongs to. */
        assignmentEpoch: { type: 'int32', versions: '0+' },
        /** Assignor that computed the assignment. */
        assignorName: { type: 'string', versions: '0+' },
        /** Members of the group. */
        members: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Id of the member. */
            memberId: { type: 'string', versions: '0+' },
            /** Rack of the client, or null. */
            rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
            /** Epoch of the member; commits and heartbeats with another one are fenced. */
            memberEpoch: { type: 'int32', versions: '0+' },
            /** Client id of the member's requests. */
            clientId: { type: 'string', versions: '0+' },
            /** Host of the client, as the broker saw it. */
            clientHost: { type: 'string', versions: '0+' },
            /** Topics that the member subscribes to. */
            subscribedTopicNames: { type: '[]string', versions: '0+' },
            /** Partitions assigned to the member. */
            assignment: {
              type: 'struct',
              versions: '0+',
              fields: {
                /** Topics, by id, with their partitions. */
                topicPartitions: {
                  type: '[]',
                  versions: '0+',
                  fields: {
                    /** Id of the topic. */
                    topicId: { type: 'uuid', versions: '0+' },
                    /** Name of the topic. */
                    topicName: { type: 'string', versions: '0+' },
                    /** Partitions of the topic. */
                    partitions: { type: '[]int32', versions: '0+' },
                  },
                },
              },
            },
          },
        },
        /**
         * Bit n is set if the client is authorized for the ACL operation with code n; -2147483648
         * if not requested.
         */
        authorizedOperations: { type: 'int32', versions: '0+', default: -2147483648 },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupDescribeResponse = MessageOf<typeof ShareGroupDescribeResponse>
