// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import { Effects } from '../runtime/effects.ts'
import { ClassicCoordinator } from './classic/classic-coordinator.ts'
import { ClassicGroup, ClassicGroupState } from './classic/classic-group.ts'
import {
  type HeartbeatRequest,
  type JoinRequest,
  joinError,
  type LeaveReply,
  type LeaveRequest,
  type SyncRequest,
  syncError,
} from './classic/classic-requests.ts'
import { ClassicMembers } from './consumer/classic-members.ts'
import { ConsumerCoordinator } from './consumer/consumer-coordinator.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import type { ConsumerMember } from './consumer/consumer-member.ts'
import { GroupMigration } from './consumer/migration.ts'
import type { Group } from './group.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupEffects, GroupTimer } from './group-effects.ts'
import type { ReplayedGroupRecord, ReplayedRecord } from './group-record.ts'
import type { TopicsView } from './modern/topics-view.ts'
import { CommittedOffsets } from './offsets/committed-offsets.ts'
import { OffsetRequests } from './offsets/offset-requests.ts'
import { ShareGroup } from './share/share-group.ts'
import { ShareGroupCoordinator } from './share/share-group-coordinator.ts'
import { StreamsCoordinator } from './streams/streams-coordinator.ts'
import { StreamsGroup } from './streams/streams-group.ts'

type ModernGroup = ConsumerGroup | ShareGroup | StreamsGroup

/** Records of the group itself, which create and delete it. */
const groupKinds: ReadonlySet<string> = new Set(['consumerGroup', 'shareGroup', 'streamsGroup'])

/**
 * All groups of one partition of `__consumer_offsets`, of every kind. Groups and their offsets
 * change only in `apply`, both live and on replay. Exception: the members of a classic group
 * between two stable generations are soft state that a restart may lose.
 */
export class GroupShard {
  readonly groups = new Map<string, Group>()
  readonly offsets = new CommittedOffsets()
  readonly offsetRequests: OffsetRequests
  readonly classic: ClassicCoordinator
  readonly consumers: ConsumerCoordinator
  readonly shares: ShareGroupCoordinator
  readonly streams: StreamsCoordinator
  readonly #classicMembers: ClassicMembers
  readonly #migration: GroupMigration
  /**
   * Whether the log was replayed: from then on, records of classic groups are created by the live
   * groups themselves.
   */
  #isLive = false

  constructor(config: GroupConfig, topics: TopicsView) {
    const { groups } = this
    this.offsetRequests = new OffsetRequests({ groups, offsets: this.offsets, config })
    this.classic = new ClassicCoordinator(groups, config)
    const migration = new GroupMigration({ groups, config, topics, classic: this.classic })
    this.#migration = migration
    this.consumers = new ConsumerCoordinator({
      groups,
      config,
      topics,
      source: {
        convert: (fx, groupId, nowMs) => migration.convert(fx, groupId, nowMs),
        fence: (fx, group, members, nowMs) => this.#fence(fx, group, members, nowMs),
      },
    })
    this.shares = new ShareGroupCoordinator({ groups, config, topics })
    this.streams = new StreamsCoordinator({ groups, config, topics })
    this.#classicMembers = new ClassicMembers({
      consumers: this.consumers,
      migration,
      config,
      topics,
    })
  }

  // ----------------------------------------------------------------------------------------------
  // replay

  /** Replays a record: the only way durable state changes. */
  apply(record: ReplayedGroupRecord, nowMs: number, producerId?: bigint): void {
    switch (record.kind) {
      case 'offsetCommit':
        // Offsets of a group without a group record: a simple group, as created by a standalone
        // consumer that uses `assign`.
        if (record.value !== null && !this.groups.has(record.key.group)) {
          this.groups.set(record.key.group, new ClassicGroup(record.key.group, nowMs))
        }
        this.offsets.apply(record, producerId)
        return
      case 'groupMetadata':
        this.#applyClassic(record, nowMs)
        return
      case 'consumerGroup':
      case 'consumerGroupPartitions':
      case 'consumerMember':
      case 'consumerTarget':
      case 'consumerMemberTarget':
      case 'consumerMemberCurrent':
      case 'consumerRegex':
        this.#applyModern(record, ConsumerGroup, nowMs)
        return
      case 'shareGroup':
      case 'shareMember':
      case 'shareTarget':
      case 'shareMemberTarget':
      case 'shareMemberCurrent':
      case 'shareStatePartitions':
        this.#applyModern(record, ShareGroup, nowMs)
        return
      case 'streamsGroup':
      case 'streamsMember':
      case 'streamsTopology':
      case 'streamsTarget':
      case 'streamsMemberTarget':
      case 'streamsMemberCurrent':
        this.#applyModern(record, StreamsGroup, nowMs)
        return
      default:
    }
  }

  endTransaction(producerId: bigint, isCommitted: boolean): void {
    this.offsets.endTransaction(producerId, isCommitted)
  }

  #applyClassic({ key, value }: ReplayedRecord<'groupMetadata'>, nowMs: number): void {
    const { group: groupId } = key
    if (value === null) {
      if (this.groups.get(groupId)?.kind === 'classic') this.groups.delete(groupId)
      return
    }
    if (this.#isLive && this.groups.get(groupId)?.kind === 'classic') return
    this.groups.set(groupId, restoredClassicGroup(groupId, value, nowMs))
  }

  /**
   * A record of a group whose kind follows from its class; for the group record itself,
   * `groupKinds` has the kind.
   */
  #applyModern<G extends ModernGroup>(
    record: Exclude<
      ReplayedGroupRecord,
      { readonly kind: 'other' | 'offsetCommit' | 'groupMetadata' }
    >,
    Kind: new (groupId: string) => G,
    nowMs: number,
  ): void {
    const { groupId } = record.key
    const found = this.groups.get(groupId)
    let group: ModernGroup
    if (found instanceof Kind) group = found
    else {
      // Removes the state of a group that was converted or deleted.
      const mayReplace = found === undefined || (found instanceof ClassicGroup && found.isSimple)
      if (record.value === null || !mayReplace) return
      group = new Kind(groupId)
      this.groups.set(groupId, group)
    }
    const isOfGroup = groupKinds.has(record.kind)
    if (isOfGroup && record.value === null) this.groups.delete(groupId)
    else group.apply(record)
    if (isOfGroup) group.changedMs = nowMs
  }

  /** Called after the log was replayed. */
  restore(nowMs: number): GroupEffects {
    this.#isLive = true
    const fx: GroupEffects = new Effects()
    this.classic.restoreTimers(fx, nowMs)
    this.consumers.restoreTimers(fx, nowMs)
    this.shares.restoreTimers(fx, nowMs)
    this.streams.restoreTimers(fx, nowMs)
    return fx
  }

  expire(timer: GroupTimer, nowMs: number): GroupEffects {
    const fx: GroupEffects = new Effects()
    switch (timer.kind) {
      case 'consumerSession':
      case 'consumerRebalance': {
        const group = this.groups.get(timer.groupId)
        const member = this.consumers.expired(timer)
        if (group instanceof ConsumerGroup && member !== undefined) {
          this.#fence(fx, group, [member], nowMs)
        }
        return fx
      }
      case 'shareSession':
        this.shares.expire(fx, timer)
        return fx
      case 'streamsSession':
      case 'streamsRebalance':
      case 'streamsInitial':
        this.streams.expire(fx, timer, nowMs)
        return fx
      default:
        this.classic.expire(fx, timer, nowMs)
        return fx
    }
  }

  #fence(
    fx: GroupEffects,
    group: ConsumerGroup,
    members: readonly ConsumerMember[],
    nowMs: number,
  ): void {
    if (members.length === 0) return
    const leaving = new Set(members.map(({ memberId }) => memberId))
    if (this.#migration.isLeftToClassic(group, leaving)) {
      this.#migration.downgrade(fx, group, { leaving, rebalance: true, nowMs })
    } else this.consumers.remove(fx, group, members)
  }

  // ----------------------------------------------------------------------------------------------
  // classic protocol requests

  join(fx: GroupEffects, request: JoinRequest, nowMs: number): void {
    const group = this.groups.get(request.groupId)
    const refuse = (error: ErrorName, memberId = request.memberId): void =>
      fx.reply(request.token, joinError(error, memberId))
    if (group === undefined || group.kind === 'classic') {
      return this.classic.join(fx, request, nowMs)
    }
    const invalid = this.classic.checkJoin(request)
    if (invalid !== undefined) return refuse(invalid)
    if (group.isEmpty && (group.kind === 'consumer' || group.kind === 'streams')) {
      // A group is replaced by a classic one only if the request can create that.
      const error = this.classic.checkCreation(request)
      if (error !== undefined) return refuse(error)
      fx.records.push(...group.tombstones())
      this.groups.delete(request.groupId)
      this.classic.join(fx, request, nowMs)
    } else if (group instanceof ConsumerGroup) {
      this.#classicMembers.join(fx, group, request, nowMs)
    } else refuse('INCONSISTENT_GROUP_PROTOCOL', '')
  }

  sync(fx: GroupEffects, request: SyncRequest, nowMs: number): void {
    const group = this.groups.get(request.groupId)
    if (group instanceof ConsumerGroup) this.#classicMembers.sync(fx, group, request, nowMs)
    else if (group === undefined || group.kind === 'classic') this.classic.sync(fx, request, nowMs)
    else fx.reply(request.token, syncError('UNKNOWN_MEMBER_ID'))
  }

  heartbeat(fx: GroupEffects, request: HeartbeatRequest, nowMs: number): ErrorName {
    const group = this.groups.get(request.groupId)
    return group instanceof ConsumerGroup
      ? this.#classicMembers.heartbeat(fx, group, request, nowMs)
      : this.classic.heartbeat(fx, request, nowMs)
  }

  leave(fx: GroupEffects, request: LeaveRequest, nowMs: number): LeaveReply {
    const group = this.groups.get(request.groupId)
    if (!(group instanceof ConsumerGroup)) return this.classic.leave(fx, request, nowMs)
    const { reply, leaving } = this.#classicMembers.leave(group, request)
    this.#fence(fx, group, leaving, nowMs)
    return reply
  }

  /** Extends a member's session for a request other than a heartbeat, such as a commit. */
  touch(fx: GroupEffects, groupId: string, memberId: string, nowMs: number): void {
    const group = this.groups.get(groupId)
    if (group instanceof ClassicGroup) this.classic.touch(fx, group, memberId, nowMs)
    else if (group instanceof ConsumerGroup) this.consumers.touchClassic(fx, group, memberId, nowMs)
  }

  // ----------------------------------------------------------------------------------------------
  // all kinds of groups

  classicGroup(groupId: string): ClassicGroup | undefined {
    const group = this.groups.get(groupId)
    return group instanceof ClassicGroup ? group : undefined
  }

  consumerGroup(groupId: string): ConsumerGroup | undefined {
    const group = this.groups.get(groupId)
    return group instanceof ConsumerGroup ? group : undefined
  }

  deleteGroup(fx: GroupEffects, groupId: string): ErrorName {
    const group = this.groups.get(groupId)
    if (group === undefined || group.state === ClassicGroupState.Dead) return 'GROUP_ID_NOT_FOUND'
    if (!group.isEmpty) return 'NON_EMPTY_GROUP'
    this.offsetRequests.deleteAll(fx, groupId)
    fx.records.push(...group.tombstones())
    return 'NONE'
  }
}

function restoredClassicGroup(
  groupId: string,
  value: NonNullable<ReplayedRecord<'groupMetadata'>['value']>,
  nowMs: number,
): ClassicGroup {
  const since = value.currentStateTimestamp >= 0n ? Number(value.currentStateTimestamp) : nowMs
  const group = new ClassicGroup(groupId, since)
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
  group.transitionTo(
    group.members.size === 0 ? ClassicGroupState.Empty : ClassicGroupState.Stable,
    since,
  )
  return group
}
