// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Joins, keeps and leaves a consumer group (KIP-848). API key 68, versions 0 to 1, flexible from 0.
 * - Version 1: subscription by pattern; the member creates its own id (KIP-1082).
 */
export const ConsumerGroupHeartbeatRequest = {
  apiKey: 68,
  name: 'ConsumerGroupHeartbeatRequest',
  versions: '0-1',
  flexible: '0+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Id of the member. */
    memberId: { type: 'string', versions: '0+' },
    /** Epoch of the member; 0 joins, -1 leaves, -2 leaves for a while as a static member. */
    memberEpoch: { type: 'int32', versions: '0+' },
    /** Name of a static member (KIP-345), or null. */
    instanceId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Rack of the client, or null. */
    rackId: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Maximum time that a rebalance waits for the member. */
    rebalanceTimeoutMs: { type: 'int32', versions: '0+', default: -1 },
    /** Topics that the member subscribes to; null if unchanged. */
    subscribedTopicNames: { type: '[]string', versions: '0+', nullable: '0+', default: null },
    /** Pattern of topics that the member subscribes to, or null. */
    subscribedTopicRegex: { type: 'string', versions: '1+', nullable: '1+', default: null },
    /** Assignor that the broker uses; null for its default, or if unchanged. */
    serverAssignor: { type: 'string', versions: '0+', nullable: '0+', default: null },
    /** Topics, by id, with their partitions. */
    topicPartitions: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      default: null,
      fields: {
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ConsumerGroupHeartbeatRequest = MessageOf<typeof ConsumerGroupHeartbeatRequest>

/**
 * Response of ConsumerGroupHeartbeat, versions 0 to 1, flexible from 0.
 */
export const ConsumerGroupHeartbeatResponse = {
  apiKey: 68,
  name: 'ConsumerGroupHeartbeatResponse',
  versions: '0-1',
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
export type ConsumerGroupHeartbeatResponse = MessageOf<typeof ConsumerGroupHeartbeatResponse>
