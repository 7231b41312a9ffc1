// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ConsumerGroupHeartbeat (key 68), versions 0-1, flexible from 0. */
export const ConsumerGroupHeartbeatRequest = {
  apiKey: 68,
  name: 'ConsumerGroupHeartbeatRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    memberId: { type: 'string', versions: '0+' },
    memberEpoch: { type: 'int32', versions: '0+' },
    instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    subscribedTopicNames: { type: '[]string', versions: '0+', nullable: '0+', default: null },
    subscribedTopicRegex: { type: 'string', versions: '1+', nullable: '1+', default: null },
    serverAssignor: { type: 'string', versions: '0+', nullable: '0+', default: null },
    topicPartitions: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        topicId: { type: 'uuid', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupHeartbeatRequest = MessageOf<typeof ConsumerGroupHeartbeatRequest>

export const ConsumerGroupHeartbeatResponse = {
  apiKey: 68,
  name: 'ConsumerGroupHeartbeatResponse',
  versions: '0-1',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    memberId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    memberEpoch: { type: 'int32', versions: '0+' },
    heartbeatIntervalMs: { type: 'int32', versions: '0+' },
    assignment: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        topicPartitions: {
          type: '[]',
          versions: '0+',
          fields: {
            topicId: { type: 'uuid', versions: '0+' },
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupHeartbeatResponse = MessageOf<typeof ConsumerGroupHeartbeatResponse>
