// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Commits offsets as part of a transaction. API key 28, versions 0 to 6, flexible from 3.
 * - Version 2: leader epoch (KIP-320).
 * - Version 3: member and generation (KIP-447).
 * - Version 4: TRANSACTION_ABORTABLE (KIP-890).
 * - Version 5: adds the group to the open transaction as well (KIP-890).
 * - Version 6: topics by id (KIP-1319).
 */
export const TxnOffsetCommitRequest = {
  apiKey: 28,
  name: 'TxnOffsetCommitRequest',
  versions: '0-6',
  flexible: '3+',
  fields: {
    /** Transactional id of the producer. */
    transactionalId: { type: 'string', versions: '0+' },
    /** Id of the group. */
    groupId: { type: 'string', versions: '0+' },
    /** Producer id; -1 for none. */
    producerId: { type: 'int64', versions: '0+' },
    /** Producer epoch; a lower one is fenced. */
    producerEpoch: { type: 'int16', versions: '0+' },
    /** Generation in a classic group, member epoch in the other kinds; -1 outside of a group. */
    generationIdOrMemberEpoch: { type: 'int32', versions: '3+', default: -1 },
    /** Id of the member. */
    memberId: { type: 'string', versions: '3+', default: '' },
    /** Name of a static member (KIP-345), or null. */
    groupInstanceId: { type: 'string', versions: '3+', nullable: '3+', default: null },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-5', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '6+', ignorable: true },
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
            committedLeaderEpoch: { type: 'int32', versions: '2+', default: -1, ignorable: true },
            /** Metadata that the client stored with the offset. */
            committedMetadata: { type: 'string', versions: '0+', nullable: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type TxnOffsetCommitRequest = MessageOf<typeof TxnOffsetCommitRequest>

/**
 * Response of TxnOffsetCommit, versions 0 to 6, flexible from 3.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 3: ILLEGAL_GENERATION, FENCED_INSTANCE_ID and UNKNOWN_MEMBER_ID (KIP-447).
 * - Version 6: topics by id, STALE_MEMBER_EPOCH, UNKNOWN_TOPIC_ID (KIP-1319).
 */
export const TxnOffsetCommitResponse = {
  apiKey: 28,
  name: 'TxnOffsetCommitResponse',
  versions: '0-6',
  flexible: '3+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Name of the topic. */
        name: { type: 'string', versions: '0-5', ignorable: true },
        /** Id of the topic. */
        topicId: { type: 'uuid', versions: '6+', ignorable: true },
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
export type TxnOffsetCommitResponse = MessageOf<typeof TxnOffsetCommitResponse>
