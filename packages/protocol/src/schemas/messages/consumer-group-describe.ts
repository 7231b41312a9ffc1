// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes consumer groups (KIP-848). API key 69, versions 0 to 1, flexible from 0.
 */
export const ConsumerGroupDescribeRequest = {
  apiKey: 69,
  name: 'ConsumerGroupDescribeRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Ids of the groups to describe. */
    groupIds: { type: '[]string', versions: '0+' },
    /** Whether to return the operations that the client is authorized for. */
    includeAuthorizedOperations: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupDescribeRequest = MessageOf<typeof ConsumerGroupDescribeRequest>

/**
 * Response of ConsumerGroupDescribe, versions 0 to 1, flexible from 0.
 * - Version 1: type of each member (KIP-1099).
 */
export const ConsumerGroupDescribeResponse = {
  apiKey: 69,
  name: 'ConsumerGroupDescribeResponse',
  versions: '0-1',
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
            /** Name of a static member (KIP-345), or null. */
            instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
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
            /** Pattern of topics that the member subscribes to, or null. */
            subscribedTopicRegex: { type: 'string', versions: '0+', nullable: '0+', default: null },
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
            /** Assignment that the member is moving towards. */
            targetAssignment: {
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
            /** 0 classic, 1 consumer, -1 unknown. */
            memberType: { type: 'int8', versions: '1+', default: -1, ignorable: true },
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
export type ConsumerGroupDescribeResponse = MessageOf<typeof ConsumerGroupDescribeResponse>
