// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import { Effects } from '../runtime/effects.ts'
import { ClassicCoordinator, type ClassicTimer } from './classic/classic-coordinator.ts'
import { ClassicGroup, ClassicGroupState } from './classic/classic-group.ts'
import type { Group } from './group.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupRecord, ReplayedGroupRecord, ReplayedRecord } from './group-record.ts'
import { CommittedOffsets } from './offsets/committed-offsets.ts'
import { OffsetRequests } from './offsets/offset-requests.ts'

export type GroupTimer = ClassicTimer
export type GroupEffects = Effects<GroupRecord, GroupTimer>

/**
 * All groups of one partition of `__consumer_offsets`. Offsets change only in `apply`, live and when the log is read
 * again; a classic group's members between two stable generations are soft state that a restart may forget.
 */
export class GroupShard {
  readonly groups = new Map<string, Group>()
  readonly offsets = new CommittedOffsets()
  readonly offsetRequests: OffsetRequests
  readonly classic: ClassicCoordinator
  /** Whether the log has been read: from then on, classic groups' records come from the live groups themselves. */
  #isLive = false

  constructor(config: GroupConfig) {
    this.classic = new ClassicCoordinator(this.groups, config)
    this.offsetRequests = new OffsetRequests({ groups: this.groups, offsets: this.offsets, config })
  }

  /** Replays a record: the only way an offset comes or goes. */
  apply(record: ReplayedGroupRecord, nowMs: number, producerId?: bigint): void {
    switch (record.kind) {
      case 'offsetCommit':
        // Offsets of a group that has no record of its own: a simple group, as a lone `assign`ing consumer makes it.
        if (record.value !== null && !this.groups.has(record.key.group)) {
          this.groups.set(record.key.group, new ClassicGroup(record.key.group, nowMs))
        }
        this.offsets.apply(record, producerId)
        return
      case 'groupMetadata':
        this.#applyClassic(record, nowMs)
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

  /** After the log was read. */
  restore(nowMs: number): GroupEffects {
    this.#isLive = true
    const fx: GroupEffects = new Effects()
    this.classic.restoreTimers(fx, nowMs)
    return fx
  }

  expire(timer: GroupTimer, nowMs: number): GroupEffects {
    const fx: GroupEffects = new Effects()
    this.classic.expire(fx, timer, nowMs)
    return fx
  }

  classicGroup(groupId: string): ClassicGroup | undefined {
    const group = this.groups.get(groupId)
    return group instanceof ClassicGroup ? group : undefined
  }

  /** A sign of life of a member that is no heartbeat, as a commit is. */
  touch(fx: GroupEffects, groupId: string, memberId: string, nowMs: number): void {
    const group = this.classicGroup(groupId)
    if (group !== undefined) this.classic.touch(fx, group, memberId, nowMs)
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
