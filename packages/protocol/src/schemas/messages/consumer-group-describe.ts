// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ConsumerGroupDescribe (key 69), versions 0-1, flexible from 0. */
export const ConsumerGroupDescribeRequest = {
  apiKey: 69,
  name: 'ConsumerGroupDescribeRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    groupIds: { type: '[]string', versions: '0+' },
    includeAuthorizedOperations: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type ConsumerGroupDescribeRequest = MessageOf<typeof ConsumerGroupDescribeRequest>

export const ConsumerGroupDescribeResponse = {
  apiKey: 69,
  name: 'ConsumerGroupDescribeResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    groups: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
        groupId: { type: 'string', versions: '0+' },
        groupState: { type: 'string', versions: '0+' },
        groupEpoch: { type: 'int32', versions: '0+' },
        assignmentEpoch: { type: 'int32', versions: '0+' },
        assignorName: { type: 'string', versions: '0+' },
        members: {
          type: '[]',
          versions: '0+',
          fields: {
            memberId: { type: 'string', versions: '0+' },
            instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
            rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
            memberEpoch: { type: 'int32', versions: '0+' },
            clientId: { type: 'string', versions: '0+' },
            clientHost: { type: 'string', versions: '0+' },
            subscribedTopicNames: { type: '[]string', versions: '0+' },
            subscribedTopicRegex: { type: 'string', versions: '0+', nullable: '0+', default: null },
            assignment: {
              type: 'struct',
              versions: '0+',
              fields: {
                topicPartitions: {
                  type: '[]',
                  versions: '0+',
                  fields: {
                    topicId: { type: 'uuid', versions: '0+' },
                    topicName: { type: 'string', versions: '0+' },
                    partitions: { type: '[]int32', versions: '0+' },
                  },
                },
              },
            },
            targetAssignment: {
              type: 'struct',
              versions: '0+',
              fields: {
                topicPartitions: {
                  type: '[]',
                  versions: '0+',
                  fields: {
                    topicId: { type: 'uuid', versions: '0+' },
                    topicName: { type: 'string', versions: '0+' },
                    partitions: { type: '[]int32', versions: '0+' },
                  },
                },
              },
            },
            memberType: { type: 'int8', versions: '1+', default: -1, ignorable: true },
          },
        },
        authorizedOperations: { type: 'int32', versions: '0+', default: -2147483648 },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupDescribeResponse = MessageOf<typeof ConsumerGroupDescribeResponse>
