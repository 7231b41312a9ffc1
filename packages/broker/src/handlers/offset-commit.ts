// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  type ErrorName,
  OffsetCommitRequest,
  OffsetCommitResponse,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/** OffsetCommit (key 8). v5 drops the retention time, v7 adds static members, v10 names topics by id. */
export const offsetCommit = defineHandler(
  OffsetCommitRequest,
  OffsetCommitResponse,
  async (request, context) => {
    const { broker, version } = context
    const entries = request.topics.flatMap((topic) => {
      const known =
        version >= 10 ? broker.topics.byId(topic.topicId) : broker.topics.get(topic.name)
      const missing: ErrorName = version >= 10 ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'
      return topic.partitions.map((partition) => ({
        topic,
        partition,
        known,
        error: (known === undefined
          ? missing
          : known.partitions[partition.partitionIndex] === undefined
            ? 'UNKNOWN_TOPIC_OR_PARTITION'
            : undefined) as ErrorName | undefined,
      }))
    })
    const valid = entries.filter((entry) => entry.error === undefined)
    const committed = await attempt(
      context,
      () =>
        broker.groups.commit({
          version,
          groupId: request.groupId,
          memberId: request.memberId,
          groupInstanceId: request.groupInstanceId,
          generationId: request.generationIdOrMemberEpoch,
          retentionMs: request.retentionTimeMs,
          offsets: valid.map(({ known, partition }) => ({
            topic: known?.name ?? '',
            topicId: known?.id ?? '',
            partition: partition.partitionIndex,
            offset: partition.committedOffset,
            leaderEpoch: partition.committedLeaderEpoch,
            metadata: partition.committedMetadata ?? '',
          })),
        }),
      (error) => ({ error: error.code, tooLarge: new Set<number>() }),
    )
    valid.forEach((entry, i) => {
      if (committed.error !== 'NONE') entry.error = committed.error
      else if (committed.tooLarge.has(i)) entry.error = 'OFFSET_METADATA_TOO_LARGE'
    })
    return {
      topics: request.topics.map((topic) => ({
        name: topic.name,
        topicId: topic.topicId,
        partitions: entries
          .filter((entry) => entry.topic === topic)
          .map(({ partition, error }) => ({
            partitionIndex: partition.partitionIndex,
            errorCode: ErrorCode[error ?? 'NONE'],
          })),
      })),
    }
  },
)
