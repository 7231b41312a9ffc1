// SPDX-License-Identifier: Apache-2.0
import type {
  MessageInput,
  MessageOf,
  OffsetCommitRequest,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '@millrace/protocol'
import { partitionsByTopic, type TopicPartition } from '../topic-partition.ts'

/** An offset to commit, or a committed one: the next record that the group reads. */
export interface OffsetAndMetadata {
  /** Offset of the next record to read. */
  readonly offset: bigint
  /** Leader epoch of the record before; -1 if unknown. Default -1. */
  readonly leaderEpoch?: number
  /** Metadata stored with the offset. Default empty. */
  readonly metadata?: string
}

/** A committed offset of a partition. */
export type CommittedOffset = TopicPartition & Required<OffsetAndMetadata>

/**
 * The newest version of OffsetCommit and OffsetFetch that names topics. Later ones have ids, and a
 * commit for a topic that was created again would be lost.
 */
export const OFFSETS_BY_NAME = { maxVersion: 9 } as const

/** Request of OffsetFetch in each version. Null asks for all partitions. */
export function offsetFetchMessage(
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  requireStable: boolean,
): (version: number) => MessageInput<typeof OffsetFetchRequest> {
  const topics =
    partitions === null
      ? null
      : [...partitionsByTopic(partitions)].map(([name, partitionIndexes]) => ({
          name,
          partitionIndexes,
        }))
  return (version) =>
    version >= 8
      ? { groups: [{ groupId, topics }], requireStable }
      : { groupId, topics, requireStable: requireStable && version >= 7 }
}

type FetchedOffsets = MessageOf<typeof OffsetFetchResponse>

/**
 * Reply about the one group of the request. `check` throws the errors of the group and of each
 * partition.
 */
export function committedIn(
  response: FetchedOffsets,
  check: (result: { readonly errorCode: number }) => void,
): CommittedOffset[] {
  const { errorCode, topics } = response.groups[0] ?? response
  check({ errorCode })
  return topics.flatMap(({ name, partitions }) =>
    partitions.flatMap((each) => {
      check(each)
      if (each.committedOffset < 0n) return []
      return {
        topic: name,
        partition: each.partitionIndex,
        offset: each.committedOffset,
        leaderEpoch: each.committedLeaderEpoch,
        metadata: each.metadata ?? '',
      }
    }),
  )
}

/** Offsets in the form of OffsetCommit. */
export function commitTopics(
  offsets: readonly (TopicPartition & OffsetAndMetadata)[],
): MessageInput<typeof OffsetCommitRequest>['topics'] {
  return [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, list]) => ({
    name,
    partitions: list.map(({ partition, offset, leaderEpoch, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch ?? -1,
      committedMetadata: metadata ?? '',
    })),
  }))
}
