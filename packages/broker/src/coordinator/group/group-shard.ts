// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import { Effects } from '../runtime/effects.ts'
import { ClassicCoordinator, type ClassicTimer } from './classic-coordinator.ts'
import { ClassicGroup, ClassicGroupState } from './classic-group.ts'
import type { HeartbeatRequest } from './classic-requests.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupRecord, ReplayedGroupRecord } from './group-record.ts'

export type GroupEffects = Effects<GroupRecord, ClassicTimer>

export interface CommittedOffset {
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: bigint
  /** -1: expires with its group. */
  readonly expireTimestampMs: bigint
  readonly topicId: string
}

export interface CommitRequest extends HeartbeatRequest {
  /** Version of OffsetCommit, which decides how an unknown group is refused. */
  readonly version: number
  readonly retentionMs: bigint
  readonly offsets: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partition: number
    readonly offset: bigint
    readonly leaderEpoch: number
    readonly metadata: string
  }[]
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

type Offsets = Map<string, Map<number, CommittedOffset>>

/**
 * All groups of one partition of `__consumer_offsets`. Offsets change only in `apply`, live and when the log is read
 * again; a classic group's members between two stable generations are soft state that a restart may forget.
 */
export class GroupShard {
  readonly groups = new Map<string, ClassicGroup>()
  readonly classic: ClassicCoordinator
  readonly #offsets = new Map<string, Offsets>()
  readonly #config: GroupConfig
  /** Whether the log has been read: from then on, group records come from the live groups themselves. */
  #isLive = false

  constructor(config: GroupConfig) {
    this.#config = config
    this.classic = new ClassicCoordinator(this.groups, config)
  }

  offsetsOf(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#offsets.get(groupId) ?? new Map()
  }

  /** Replays a record: the only way an offset comes or goes. */
  apply(record: ReplayedGroupRecord, nowMs: number): void {
    if (record.kind === 'offsetCommit') this.#applyOffset(record, nowMs)
    else if (record.kind === 'groupMetadata') this.#applyGroup(record, nowMs)
  }

  #applyOffset(
    record: Extract<ReplayedGroupRecord, { kind: 'offsetCommit' }>,
    nowMs: number,
  ): void {
    const { group, topic, partition } = record.key
    if (record.value === null) {
      const partitions = this.#offsets.get(group)?.get(topic)
      partitions?.delete(partition)
      if (partitions?.size === 0) this.#offsets.get(group)?.delete(topic)
      if (this.#offsets.get(group)?.size === 0) this.#offsets.delete(group)
      return
    }
    // Offsets of a group that has no record of its own: a simple group, as a lone `assign`ing consumer makes it.
    if (!this.groups.has(group)) this.groups.set(group, new ClassicGroup(group, nowMs))
    const { value } = record
    const topics: Offsets = this.#offsets.get(group) ?? new Map()
    const partitions = topics.get(topic) ?? new Map<number, CommittedOffset>()
    partitions.set(partition, {
      offset: value.offset,
      leaderEpoch: value.leaderEpoch,
      metadata: value.metadata,
      commitTimestampMs: value.commitTimestamp,
      expireTimestampMs: value.expireTimestamp,
      topicId: value.topicId,
    })
    topics.set(topic, partitions)
    this.#offsets.set(group, topics)
  }

  #applyGroup(
    record: Extract<ReplayedGroupRecord, { kind: 'groupMetadata' }>,
    nowMs: number,
  ): void {
    const { group: groupId } = record.key
    const { value } = record
    if (value === null) {
      this.groups.delete(groupId)
      return
    }
    if (this.#isLive && this.groups.has(groupId)) return
    const group = new ClassicGroup(
      groupId,
      Number(value.currentStateTimestamp >= 0n ? value.currentStateTimestamp : BigInt(nowMs)),
    )
    group.generationId = value.generation
    for (const member of value.members) {
      group.add(
        {
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs:
            member.rebalanceTimeout < 0 ? member.sessionTimeout : member.rebalanceTimeout,
          sessionTimeoutMs: member.sessionTimeout,
          protocols: [{ name: value.protocol ?? '', metadata: Buffer.from(member.subscription) }],
          assignment: Buffer.from(member.assignment),
          awaitingJoin: undefined,
          awaitingSync: undefined,
          isNew: false,
        },
        value.protocolType,
      )
    }
    group.protocolType = value.protocolType === '' ? undefined : value.protocolType
    group.protocolName = value.protocol ?? undefined
    group.leaderId = value.leader ?? undefined
    const since = group.stateSinceMs
    group.transitionTo(
      group.members.size === 0 ? ClassicGroupState.Empty : ClassicGroupState.Stable,
      since,
    )
    this.groups.set(groupId, group)
  }

  /** After the log was read. */
  restore(nowMs: number): GroupEffects {
    this.#isLive = true
    const fx: GroupEffects = new Effects()
    this.classic.restoreTimers(fx, nowMs)
    return fx
  }

  expire(timer: ClassicTimer, nowMs: number): GroupEffects {
    const fx: GroupEffects = new Effects()
    this.classic.expire(fx, timer, nowMs)
    return fx
  }

  // ---------------------------------------------------------------------------------------------- offsets

  /** Error for the whole request, or per offset: `metadata` may be too large. */
  commit(
    fx: GroupEffects,
    request: CommitRequest,
    nowMs: number,
  ): { readonly error: ErrorName; readonly tooLarge: ReadonlySet<number> } {
    let group = this.groups.get(request.groupId)
    if (group === undefined) {
      if (request.generationId >= 0) {
        return {
          error: request.version >= 9 ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION',
          tooLarge: new Set(),
        }
      }
      group = new ClassicGroup(request.groupId, nowMs)
    }
    const error = this.classic.commitError(group, request)
    if (error !== undefined) return { error, tooLarge: new Set() }
    if (request.generationId >= 0) this.classic.touch(fx, group, request.memberId, nowMs)
    const tooLarge = new Set<number>()
    request.offsets.forEach((entry, i) => {
      if (Buffer.byteLength(entry.metadata) > this.#config.offsetMetadataMaxBytes) {
        tooLarge.add(i)
        return
      }
      fx.records.push({
        kind: 'offsetCommit',
        key: { group: request.groupId, topic: entry.topic, partition: entry.partition },
        value: {
          offset: entry.offset,
          leaderEpoch: entry.leaderEpoch,
          metadata: entry.metadata,
          commitTimestamp: BigInt(nowMs),
          expireTimestamp: request.retentionMs >= 0n ? BigInt(nowMs) + request.retentionMs : -1n,
          topicId: entry.topicId,
        },
      })
    })
    return { error: 'NONE', tooLarge }
  }

  /** Deletes single offsets (`OffsetDelete`); those of topics that members subscribe to stay. */
  deleteOffsets(
    fx: GroupEffects,
    groupId: string,
    partitions: readonly TopicPartition[],
  ): { readonly error: ErrorName; readonly results: readonly ErrorName[] } {
    const group = this.groups.get(groupId)
    if (group === undefined || group.isIn(ClassicGroupState.Dead)) {
      return { error: 'GROUP_ID_NOT_FOUND', results: [] }
    }
    const isActive = !group.isIn(ClassicGroupState.Empty)
    const subscribed = isActive ? group.subscribedTopics : new Set<string>()
    if (isActive && subscribed === undefined) return { error: 'NON_EMPTY_GROUP', results: [] }
    const offsets = this.offsetsOf(groupId)
    const results = partitions.map(({ topic, partition }): ErrorName => {
      if (subscribed?.has(topic)) return 'GROUP_SUBSCRIBED_TO_TOPIC'
      if (offsets.get(topic)?.has(partition))
        fx.records.push(offsetTombstone(groupId, topic, partition))
      return 'NONE'
    })
    return { error: 'NONE', results }
  }

  deleteGroup(fx: GroupEffects, groupId: string): ErrorName {
    const group = this.groups.get(groupId)
    if (group === undefined || group.isIn(ClassicGroupState.Dead)) return 'GROUP_ID_NOT_FOUND'
    if (!group.isIn(ClassicGroupState.Empty)) return 'NON_EMPTY_GROUP'
    this.#dropGroup(fx, groupId)
    return 'NONE'
  }

  #dropGroup(fx: GroupEffects, groupId: string): void {
    for (const [topic, partitions] of this.offsetsOf(groupId)) {
      for (const partition of partitions.keys())
        fx.records.push(offsetTombstone(groupId, topic, partition))
    }
    fx.records.push({ kind: 'groupMetadata', key: { group: groupId }, value: null })
  }

  /** Forgets the offsets of deleted topics. */
  deleteTopics(fx: GroupEffects, topics: ReadonlySet<string>): void {
    for (const [groupId, offsets] of this.#offsets) {
      for (const [topic, partitions] of offsets) {
        if (!topics.has(topic)) continue
        for (const partition of partitions.keys()) {
          fx.records.push(offsetTombstone(groupId, topic, partition))
        }
      }
    }
  }

  /** Drops offsets whose time is up (`offsets.retention.minutes`), and empty groups that have none left. */
  expireOffsets(fx: GroupEffects, nowMs: number): void {
    for (const group of this.groups.values()) {
      const offsets = this.offsetsOf(group.groupId)
      let remaining = 0
      const isExpired = this.#expiryRule(group, nowMs)
      for (const [topic, partitions] of offsets) {
        for (const [partition, committed] of partitions) {
          if (isExpired(topic, committed))
            fx.records.push(offsetTombstone(group.groupId, topic, partition))
          else remaining++
        }
      }
      if (remaining === 0 && group.isIn(ClassicGroupState.Empty)) {
        const idleMs = nowMs - group.stateSinceMs
        if (
          offsets.size > 0 ||
          (group.generationId > 0 && idleMs >= this.#config.offsetsRetentionMs)
        ) {
          fx.records.push({ kind: 'groupMetadata', key: { group: group.groupId }, value: null })
        }
      }
    }
  }

  #expiryRule(
    group: ClassicGroup,
    nowMs: number,
  ): (topic: string, committed: CommittedOffset) => boolean {
    const retention = BigInt(this.#config.offsetsRetentionMs)
    const now = BigInt(nowMs)
    const hasExpired = (since: bigint, committed: CommittedOffset): boolean =>
      committed.expireTimestampMs >= 0n
        ? committed.expireTimestampMs <= now
        : now - since >= retention
    if (group.protocolType === undefined) {
      return (_topic, committed) => hasExpired(committed.commitTimestampMs, committed)
    }
    if (group.isIn(ClassicGroupState.Empty)) {
      const since = BigInt(group.stateSinceMs)
      return (_topic, committed) => hasExpired(since, committed)
    }
    const subscribed = group.isIn(ClassicGroupState.Stable) ? group.subscribedTopics : undefined
    if (subscribed === undefined) return () => false
    return (topic, committed) =>
      !subscribed.has(topic) && hasExpired(committed.commitTimestampMs, committed)
  }
}

function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { kind: 'offsetCommit', key: { group, topic, partition }, value: null }
}
