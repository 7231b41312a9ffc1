// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Joins, keeps and leaves a share group. Version 0 was an early access (KIP-932). API key 76,
 * version 1, flexible from 0.
 */
export const ShareGroupHeartbeatRequest = {
  apiKey: 76,
  name: 'ShareGroupHeartbeatRequest',
  versions: '1',
  flexible: '0+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Epoch of the member; 0 joins, -1 leaves. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Topics that the member subscribes to; null if unchanged. */
    subscribedTopicNames: { type: '[]string', versions: '0+', nullable: '0+', default: null },
  },
} as const satisfies MessageSchema
export type ShareGroupHeartbeatRequest = MessageOf<typeof ShareGroupHeartbeatRequest>

/**
 * Response of ShareGroupHeartbeat, version 1, flexible from 0.
 */
export const ShareGroupHeartbeatResponse = {
  apiKey: 76,
  name: 'ShareGroupHeartbeatResponse',
  versions: '1',
  flexible: '0+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '0+' },
    /** Error message, or null. */
    errorMessage: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Epoch of the member; commits and heartbeats with another one are fenced. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Time after which the member sends its next heartbeat. */
    heartbeatIntervalMs: { type: 'int32', versions: '0+' },
    /** New assignment; null if unchanged. */
    assignment: {
      type: 'struct',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Topics, by id, with their partitions. */
        topicPartitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Id of the topic. */
            topicId: { type: 'uuid', versions: '0+' },
            /** Partitions of the topic. */
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type ShareGroupHeartbeatResponse = MessageOf<typeof ShareGroupHeartbeatResponse>
