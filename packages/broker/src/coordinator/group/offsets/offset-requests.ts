// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { Effects, TransactionalProducer } from '../../runtime/effects.ts'
import type { CommitCheck, CommittedPartition, Committer, Group } from '../group.ts'
import type { GroupRecord } from '../group-record.ts'
import type { CommittedOffsets, Offsets } from './committed-offsets.ts'

export interface CommitRequest extends Omit<Committer, 'isTransactional'> {
  readonly groupId: string
  /** -1 for the broker's default. */
  readonly retentionMs: bigint
  /** The transaction of the offsets (TxnOffsetCommit). */
  readonly producer?: TransactionalProducer | undefined
  readonly offsets: readonly (CommittedPartition & {
    readonly offset: bigint
    readonly leaderEpoch: number
    readonly metadata: string
  })[]
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

type OffsetEffects = Effects<GroupRecord, unknown>

/** Decides on commits, deletion and expiry of offsets, for groups of every kind. */
export class OffsetRequests {
  readonly #groups: ReadonlyMap<string, Group>
  readonly #offsets: CommittedOffsets
  readonly #config: {
    readonly offsetMetadataMaxBytes: number
    readonly offsetsRetentionMs: number
  }

  constructor(options: {
    readonly groups: ReadonlyMap<string, Group>
    readonly offsets: CommittedOffsets
    readonly config: {
      readonly offsetMetadataMaxBytes: number
      readonly offsetsRetentionMs: number
    }
  }) {
    this.#groups = options.groups
    this.#offsets = options.offsets
    this.#config = options.config
  }

  /** Returns one error per offset of the request. */
  commit(fx: OffsetEffects, request: CommitRequest, nowMs: number): readonly ErrorName[] {
    const { groupId, producer, retentionMs, offsets } = request
    const check = this.#check(request)
    if (producer !== undefined) fx.producer = producer
    return offsets.map((entry) => {
      const error = typeof check === 'string' ? check : check(entry)
      if (error !== 'NONE') return error
      if (Buffer.byteLength(entry.metadata) > this.#config.offsetMetadataMaxBytes) {
        return 'OFFSET_METADATA_TOO_LARGE'
      }
      fx.records.push({
        kind: 'offsetCommit',
        key: { group: groupId, topic: entry.topic, partition: entry.partition },
        value: {
          offset: entry.offset,
          leaderEpoch: entry.leaderEpoch,
          metadata: entry.metadata,
          commitTimestamp: BigInt(nowMs),
          expireTimestamp: retentionMs >= 0n ? BigInt(nowMs) + retentionMs : -1n,
          topicId: entry.topicId,
        },
      })
      return 'NONE'
    })
  }

  #check(request: CommitRequest): CommitCheck {
    const group = this.#groups.get(request.groupId)
    const isTransactional = request.producer !== undefined
    if (group !== undefined) {
      const check = group.checkCommit({ ...request, isTransactional })
      // Producers send generations, not epochs.
      return isTransactional && check === 'STALE_MEMBER_EPOCH' ? 'ILLEGAL_GENERATION' : check
    }
    // Without a generation it is a standalone consumer or an admin client: its commit creates a
    // group without members.
    if (request.generationId < 0) return 'NONE'
    return request.version >= 9 && !isTransactional ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION'
  }

  /** Deletes single offsets (`OffsetDelete`), except those of topics that members subscribe to. */
  delete(
    fx: OffsetEffects,
    groupId: string,
    partitions: readonly TopicPartition[],
  ): { readonly error: ErrorName; readonly results: readonly ErrorName[] } {
    const group = this.#groups.get(groupId)
    if (group === undefined || group.kind === 'share') {
      return { error: 'GROUP_ID_NOT_FOUND', results: [] }
    }
    // A classic group of an unknown protocol may use every offset.
    if (!group.isEmpty && group.isSubscribed('') === undefined) {
      return { error: 'NON_EMPTY_GROUP', results: [] }
    }
    const offsets = this.#offsets.of(groupId)
    const results = partitions.map(({ topic, partition }): ErrorName => {
      if (group.isSubscribed(topic)) return 'GROUP_SUBSCRIBED_TO_TOPIC'
      const isKnown = offsets.get(topic)?.has(partition)
      if (isKnown || this.#offsets.isUnstable(groupId, topic, partition)) {
        fx.records.push(offsetTombstone(groupId, topic, partition))
      }
      return 'NONE'
    })
    return { error: 'NONE', results }
  }

  /** Deletes all offsets of a group. */
  deleteAll(fx: OffsetEffects, groupId: string): void {
    pushTombstones(fx, groupId, this.#offsets.of(groupId))
    for (const { topic, partition } of this.#offsets.pendingOf(groupId)) {
      fx.records.push(offsetTombstone(groupId, topic, partition))
    }
  }

  /** Deletes the offsets of deleted topics. */
  deleteTopics(fx: OffsetEffects, topics: ReadonlySet<string>): void {
    for (const [groupId, offsets] of this.#offsets.groups) {
      pushTombstones(fx, groupId, new Map([...offsets].filter(([topic]) => topics.has(topic))))
    }
  }

  /** Deletes expired offsets (`offsets.retention.minutes`), and empty groups without offsets. */
  expire(fx: OffsetEffects, nowMs: number): void {
    const { offsetsRetentionMs } = this.#config
    const now = BigInt(nowMs)
    for (const group of this.#groups.values()) {
      const { groupId } = group
      const offsets = this.#offsets.of(groupId)
      let remaining = this.#offsets.pendingOf(groupId).next().done === true ? 0 : 1
      for (const [topic, partitions] of offsets) {
        for (const [partition, committed] of partitions) {
          const since = group.expiresSince(topic, committed)
          const isExpired =
            since !== undefined &&
            !this.#offsets.isUnstable(groupId, topic, partition) &&
            (committed.expireTimestampMs >= 0n
              ? committed.expireTimestampMs <= now
              : now - since >= BigInt(offsetsRetentionMs))
          if (isExpired) fx.records.push(offsetTombstone(groupId, topic, partition))
          else remaining++
        }
      }
      if (remaining === 0 && group.isForgettable(nowMs, offsetsRetentionMs, offsets.size > 0)) {
        fx.records.push(...group.tombstones())
      }
    }
  }
}

function pushTombstones(fx: OffsetEffects, groupId: string, offsets: Offsets): void {
  for (const [topic, partitions] of offsets) {
    for (const partition of partitions.keys()) {
      fx.records.push(offsetTombstone(groupId, topic, partition))
    }
  }
}

function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { kind: 'offsetCommit', key: { group, topic, partition }, value: null }
}
