// SPDX-License-Identifier: Apache-2.0
import type { ReplayedRecord } from '../group-record.ts'

export interface CommittedOffset {
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: bigint
  /** -1: expires with its group. */
  readonly expireTimestampMs: bigint
  readonly topicId: string
  /**
   * Position in the log order. When a transaction ends, it shows which commits came after its
   * offsets.
   */
  readonly sequence: number
}

/** Offsets by topic and partition. */
export type Offsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>
type MutableOffsets = Map<string, Map<number, CommittedOffset>>

const NONE: Offsets = new Map()

/**
 * Committed offsets of all groups of a shard, and pending ones of open transactions. Changes only
 * by replay.
 */
export class CommittedOffsets {
  readonly #committed = new Map<string, MutableOffsets>()
  /** By producer, then by group. */
  readonly #pending = new Map<bigint, Map<string, MutableOffsets>>()
  #sequence = 0

  of(groupId: string): Offsets {
    return this.#committed.get(groupId) ?? NONE
  }

  get groups(): IterableIterator<[string, Offsets]> {
    return this.#committed.entries()
  }

  /** Whether an open transaction has an offset for this partition. */
  isUnstable(groupId: string, topic: string, partition: number): boolean {
    for (const groups of this.#pending.values()) {
      if (groups.get(groupId)?.get(topic)?.has(partition)) return true
    }
    return false
  }

  /** Offsets of a group that are pending until a transaction ends. */
  *pendingOf(groupId: string): Generator<{ readonly topic: string; readonly partition: number }> {
    for (const groups of this.#pending.values()) {
      for (const [topic, partitions] of groups.get(groupId) ?? NONE) {
        for (const partition of partitions.keys()) yield { topic, partition }
      }
    }
  }

  apply({ key, value }: ReplayedRecord<'offsetCommit'>, producerId: bigint | undefined): void {
    const { group, topic, partition } = key
    if (value === null) {
      remove(this.#committed, group, { topic, partition })
      for (const groups of this.#pending.values()) remove(groups, group, { topic, partition })
      return
    }
    const committed: CommittedOffset = {
      offset: value.offset,
      leaderEpoch: value.leaderEpoch,
      metadata: value.metadata,
      commitTimestampMs: value.commitTimestamp,
      expireTimestampMs: value.expireTimestamp,
      topicId: value.topicId,
      sequence: this.#sequence++,
    }
    if (producerId === undefined) {
      set(this.#committed, group, { topic, partition, committed })
      return
    }
    const groups = this.#pending.get(producerId) ?? new Map<string, MutableOffsets>()
    this.#pending.set(producerId, groups)
    set(groups, group, { topic, partition, committed })
  }

  endTransaction(producerId: bigint, isCommitted: boolean): void {
    const groups = this.#pending.get(producerId)
    this.#pending.delete(producerId)
    if (groups === undefined || !isCommitted) return
    for (const [group, topics] of groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, committed] of partitions) {
          const known = this.#committed.get(group)?.get(topic)?.get(partition)
          // An offset that was committed later, outside of the transaction, is kept.
          if (known !== undefined && known.sequence > committed.sequence) continue
          set(this.#committed, group, { topic, partition, committed })
        }
      }
    }
  }
}

function set(
  groups: Map<string, MutableOffsets>,
  group: string,
  entry: {
    readonly topic: string
    readonly partition: number
    readonly committed: CommittedOffset
  },
): void {
  const topics: MutableOffsets = groups.get(group) ?? new Map()
  groups.set(group, topics)
  const partitions = topics.get(entry.topic) ?? new Map<number, CommittedOffset>()
  topics.set(entry.topic, partitions)
  partitions.set(entry.partition, entry.committed)
}

function remove(
  groups: Map<string, MutableOffsets>,
  group: string,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): void {
  const topics = groups.get(group)
  const partitions = topics?.get(topic)
  if (topics === undefined || !partitions?.delete(partition)) return
  if (partitions.size === 0) topics.delete(topic)
  if (topics.size === 0) groups.delete(group)
}
