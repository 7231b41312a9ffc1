// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Returns the committed offsets of groups. API key 9, versions 1 to 10, flexible from 6.
 * - Version 1: offsets from `__consumer_offsets`.
 * - Version 2: null means all topics.
 * - Version 7: whether offsets of open transactions are reported as an error (KIP-447).
 * - Version 8: several groups (KIP-709).
 * - Version 9: member and its epoch (KIP-848).
 * - Version 10: topics by id (KIP-848).
 */
export const OffsetFetchRequest = {
  apiKey: 9,
  name: 'OffsetFetchRequest',
  versions: '1-10',
  flexible: '6+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0-7' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0-7',
      nullable: '2-7',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-7' },
        /** Indexes of the partitions. */
        partitionIndexes: { type: '[]int32', versions: '0-7' },
      },
    },
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '8+',
      fields: {
        /** Id of the group. */
        groupId: { type: 'string', versions: '8+' },
        /** Id of the member. */
        memberId: {
          type: 'string',
          versions: '9+',
          nullable: '9+',
          default: null,
          ignorable: true,
        },
        /** Epoch of the member; commits and heartbeats with another one are fenced. */
        memberEpoch: { type: 'int32', versions: '9+', default: -1, ignorable: true },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '8+',
          nullable: '8+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '8-9', ignorable: true },
            /** Id of the topic. */
            topicId: { type: 'uuid', versions: '10+', ignorable: true },
            /** Indexes of the partitions. */
            partitionIndexes: { type: '[]int32', versions: '8+' },
          },
        },
      },
    },
    /** Whether offsets in open transactions are reported as an error (KIP-447). */
    requireStable: { type: 'bool', versions: '7+', default: false },
  },
} as const satisfies MessageSchema
export type OffsetFetchRequest = MessageOf<typeof OffsetFetchRequest>

/**
 * Response of OffsetFetch, versions 1 to 10, flexible from 6.
 * - Version 2: top-level error.
 * - Version 3: throttle time.
 * - Version 4: sent before throttling (KIP-219).
 * - Version 5: leader epoch.
 * - Version 7: UNSTABLE_OFFSET_COMMIT (KIP-447).
 * - Version 8: several groups (KIP-709).
 * - Version 9: STALE_MEMBER_EPOCH and UNKNOWN_MEMBER_ID (KIP-848).
 * - Version 10: topics by id, UNKNOWN_TOPIC_ID (KIP-848).
 */
export const OffsetFetchResponse = {
  apiKey: 9,
  name: 'OffsetFetchResponse',
  versions: '1-10',
  flexible: '6+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '3+', ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0-7',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-7' },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0-7',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0-7' },
            /** Offset of the next record to read. */
            committedOffset: { type: 'int64', versions: '0-7' },
            /** Leader epoch of the last consumed record; -1 if unknown (KIP-320). */
            committedLeaderEpoch: { type: 'int32', versions: '5-7', default: -1, ignorable: true },
            /** Metadata that the client stored with the offset, or null. */
            metadata: { type: 'string', versions: '0-7', nullable: '0-7' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0-7' },
          },
        },
      },
    },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '2-7', default: 0, ignorable: true },
    /** One entry per group. */
    groups: {
      type: '[]',
      versions: '8+',
      fields: {
        /** Id of the group. */
        groupId: { type: 'string', versions: '8+' },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '8+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '8-9', ignorable: true },
            /** Id of the topic. */
            topicId: { type: 'uuid', versions: '10+', ignorable: true },
            /** Partitions of the topic. */
            partitions: {
              type: '[]',
              versions: '8+',
              fields: {
                /** Index of the partition. */
                partitionIndex: { type: 'int32', versions: '8+' },
                /** Offset of the next record to read. */
                committedOffset: { type: 'int64', versions: '8+' },
                /** Leader epoch of the last consumed record; -1 if unknown (KIP-320). */
                committedLeaderEpoch: {
                  type: 'int32',
                  versions: '8+',
                  default: -1,
                  ignorable: true,
                },
                /** Metadata that the client stored with the offset, or null. */
                metadata: { type: 'string', versions: '8+', nullable: '8+' },
                /** Kafka's error code for the partition, 0 for none. */
                errorCode: { type: 'int16', versions: '8+' },
              },
            },
          },
        },
        /** Kafka's error code for the group, 0 for none. */
        errorCode: { type: 'int16', versions: '8+', default: 0 },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetFetchResponse = MessageOf<typeof OffsetFetchResponse>
