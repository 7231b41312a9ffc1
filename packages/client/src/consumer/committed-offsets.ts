// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  type MessageOf,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  ProtocolError,
} from '@millrace/protocol'
import type { Cluster } from '../metadata/cluster.ts'
import { partitionName, partitionsByTopic, type TopicPartition } from '../topic-partition.ts'
import type { ClassicMembership } from './group/classic-membership.ts'

/** An offset to commit, or one that was: the next record the group is to read. */
export interface OffsetAndMetadata {
  readonly offset: bigint
  /** Epoch of the record before, -1 when unknown. Default -1. */
  readonly leaderEpoch?: number
  /** A note kept with it. Default empty. */
  readonly metadata?: string
}

export type CommittedOffset = TopicPartition & Required<OffsetAndMetadata>

/** Topic names are used in place of ids, so that a commit for a topic made anew is not lost on its way. */
const COMMIT_BY_NAME = 9
const FETCH_BY_NAME = 9

const coordinatorMoved: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

/** Reads and writes a group's offsets at its coordinator. */
export class CommittedOffsets {
  readonly #cluster: Cluster
  readonly #groupId: string
  readonly #membership: ClassicMembership
  readonly #requireStable: boolean

  constructor(options: {
    readonly cluster: Cluster
    readonly groupId: string
    readonly membership: ClassicMembership
    readonly requireStable: boolean
  }) {
    this.#cluster = options.cluster
    this.#groupId = options.groupId
    this.#membership = options.membership
    this.#requireStable = options.requireStable
  }

  /** By `topic-partition`; partitions without an offset are absent. */
  async fetch(
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<Map<string, CommittedOffset>> {
    const topics = [...partitionsByTopic(partitions)].map(([name, partitionIndexes]) => ({
      name,
      partitionIndexes,
    }))
    return this.#retry(timeoutMs, async () => {
      const response = await this.#membership.request(
        OffsetFetchRequest,
        OffsetFetchResponse,
        (version) =>
          version >= 8
            ? { groups: [{ groupId: this.#groupId, topics }], requireStable: this.#requireStable }
            : {
                groupId: this.#groupId,
                topics,
                requireStable: this.#requireStable && version >= 7,
              },
        { maxVersion: FETCH_BY_NAME },
      )
      const group = response.groups[0] ?? response
      this.#check('OffsetFetch', group.errorCode)
      return this.#read(group.topics)
    })
  }

  #read(
    topics: readonly Pick<
      MessageOf<typeof OffsetFetchResponse>['topics'][number],
      'name' | 'partitions'
    >[],
  ): Map<string, CommittedOffset> {
    const committed = new Map<string, CommittedOffset>()
    for (const { name, partitions } of topics) {
      for (const each of partitions) {
        this.#check('OffsetFetch', each.errorCode)
        if (each.committedOffset < 0n) continue
        const place = { topic: name, partition: each.partitionIndex }
        committed.set(partitionName(place), {
          ...place,
          offset: each.committedOffset,
          leaderEpoch: each.committedLeaderEpoch,
          metadata: each.metadata ?? '',
        })
      }
    }
    return committed
  }

  /** Rejects with `ILLEGAL_GENERATION` and the like when the group went on without us: others have those partitions now. */
  async commit(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    timeoutMs: number,
  ): Promise<void> {
    if (offsets.length === 0) return
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, list]) => ({
      name,
      partitions: list.map(({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch ?? -1,
        committedMetadata: metadata ?? '',
      })),
    }))
    await this.#retry(timeoutMs, async () => {
      const { generationId, memberId, groupInstanceId } = this.#membership.generation
      const isMember = generationId >= 0
      const response = await this.#membership.request(
        OffsetCommitRequest,
        OffsetCommitResponse,
        {
          groupId: this.#groupId,
          generationIdOrMemberEpoch: generationId,
          memberId: isMember ? memberId : '',
          groupInstanceId: isMember ? groupInstanceId : null,
          topics,
        },
        { maxVersion: COMMIT_BY_NAME },
      )
      for (const { partitions } of response.topics) {
        for (const { errorCode } of partitions) this.#check('OffsetCommit', errorCode)
      }
    })
  }

  #check(what: string, errorCode: number): void {
    if (errorCode === ErrorCode.NONE) return
    const code = errorName(errorCode)
    if (coordinatorMoved.has(errorCode)) this.#membership.forgetCoordinator()
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) this.#membership.requestJoin()
    if (errorCode === ErrorCode.ILLEGAL_GENERATION || errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
      if (this.#membership.isMember) this.#membership.lose()
    }
    throw new ProtocolError(code, `${what} of group ${this.#groupId}: ${code}`)
  }

  async #retry<T>(timeoutMs: number, attempt: () => Promise<T>): Promise<T> {
    const deadline = this.#cluster.clock.monotonic() + timeoutMs
    for (let count = 0; ; count++) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof MillraceError && error.retriable)) throw error
        if (this.#cluster.isClosed || this.#cluster.clock.monotonic() >= deadline) throw error
        // A topic that is not there any more will not come back for this.
        if (error.code === 'UNKNOWN_TOPIC_OR_PARTITION' && count > 3) throw error
        await this.#cluster.backOff(count)
      }
    }
  }
}
