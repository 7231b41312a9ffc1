// SPDX-License-Identifier: Apache-2.0
import type {
  MessageInput,
  MessageOf,
  OffsetCommitRequest,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '@millrace/protocol'
import { partitionsByTopic, type TopicPartition } from '../topic-partition.ts'

/** An offset to commit, or one that was: the next record the group is to read. */
export interface OffsetAndMetadata {
  /** Offset of the next record to read. */
  readonly offset: bigint
  /** Epoch of the record before, -1 when unknown. Default -1. */
  readonly leaderEpoch?: number
  /** A note kept with it. Default empty. */
  readonly metadata?: string
}

/** A committed offset of a partition. */
export type CommittedOffset = TopicPartition & Required<OffsetAndMetadata>

/**
 * The newest version of OffsetCommit and OffsetFetch that names topics. Later ones have ids, and a commit for a topic made anew would
 * be lost on its way.
 */
export const OFFSETS_BY_NAME = { maxVersion: 9 } as const

/** What OffsetFetch asks in each version. Null asks for all partitions. */
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

/** What a reply says of the one group that was asked about. `check` throws the errors, of the group and of each partition. */
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

/** Offsets as OffsetCommit takes them. */
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
