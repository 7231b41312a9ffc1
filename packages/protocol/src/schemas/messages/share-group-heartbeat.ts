// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ShareGroupHeartbeat (key 76), versions 1, flexible from 0. */
export const ShareGroupHeartbeatRequest = {
  apiKey: 76,
  name: 'ShareGroupHeartbeatRequest',
  versions: '1',
  flexible: '0+',
  fields: {
    groupId: { type: 'string', versions: '0+' },
    memberId: { type: 'string', versions: '0+' },
    memberEpoch: { type: 'int32', versions: '0+' },
    rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    subscribedTopicNames: { type: '[]string', versions: '0+', nullable: '0+', default: null },
  },
} as const satisfies MessageSchema
export type ShareGroupHeartbeatRequest = MessageOf<typeof ShareGroupHeartbeatRequest>

export const ShareGroupHeartbeatResponse = {
  apiKey: 76,
  name: 'ShareGroupHeartbeatResponse',
  versions: '1',
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
export type ShareGroupHeartbeatResponse = MessageOf<typeof ShareGroupHeartbeatResponse>
