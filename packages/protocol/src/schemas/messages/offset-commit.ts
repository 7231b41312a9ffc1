// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Commits offsets of a group. API key 8, versions 2 to 10, flexible from 8.
 * - Version 2: retention time.
 * - Version 5: without retention time.
 * - Version 6: leader epoch (KIP-320).
 * - Version 7: static members (KIP-345).
 * - Version 9: members of consumer groups (KIP-848).
 * - Version 10: topics by id (KIP-848).
 */
export const OffsetCommitRequest = {
  apiKey: 8,
  name: 'OffsetCommitRequest',
  versions: '2-10',
  flexible: '8+',
  fields: {
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Generation in a classic group, member epoch in the other kinds; -1 outside of a group. */
    generationIdOrMemberEpoch: { type: 'int32', versions: '1+', default: -1, ignorable: true },
    /** Id of the member. */
    memberId: { type: 'string', versions: '1+', ignorable: true },
    /** Name of a static member (KIP-345), or null. */
    groupInstanceId: { type: 'string', versions: '7+', nullable: '7+', default: null },
    /** How long to keep the offset; -1 for the broker's retention. */
    retentionTimeMs: { type: 'int64', versions: '2-4', default: -1n, ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-9', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '10+', ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Offset of the next record to read. */
            committedOffset: { type: 'int64', versions: '0+' },
            /** Leader epoch of the last consumed record; -1 if unknown (KIP-320). */
            committedLeaderEpoch: { type: 'int32', versions: '6+', default: -1, ignorable: true },
            /** Metadata that the client stored with the offset. */
            committedMetadata: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetCommitRequest = MessageOf<typeof OffsetCommitRequest>

/**
 * Response of OffsetCommit, versions 2 to 10, flexible from 8.
 * - Version 3: throttle time.
 * - Version 4: sent before throttling (KIP-219).
 * - Version 9: STALE_MEMBER_EPOCH and GROUP_ID_NOT_FOUND (KIP-848).
 * - Version 10: topics by id, UNKNOWN_TOPIC_ID (KIP-848).
 */
export const OffsetCommitResponse = {
  apiKey: 8,
  name: 'OffsetCommitResponse',
  versions: '2-10',
  flexible: '8+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '3+', ignorable: true },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-9', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '10+', ignorable: true },
        /** Partitions of the topic. */
        partitions: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Index of the partition. */
            partitionIndex: { type: 'int32', versions: '0+' },
            /** Kafka's error code for the partition, 0 for none. */
            errorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type OffsetCommitResponse = MessageOf<typeof OffsetCommitResponse>
