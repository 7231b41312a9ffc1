// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { GroupEffects } from '../group-effects.ts'
import {
  type Assignment,
  NO_ASSIGNMENT,
  sameAssignment,
  topicPartitionsOf,
} from '../modern/assignment.ts'
import { NEVER_ASSIGNED_MS } from '../modern/assignment-due.ts'
import type { GroupDraft } from '../modern/group-draft.ts'
import { throwIfFencedEpoch, unknownMember } from '../modern/member-errors.ts'
import { type CoordinatorOptions, ModernCoordinator } from '../modern/modern-coordinator.ts'
import { metadataHash, topicIds } from '../modern/topics-view.ts'
import {
  newShareMember,
  ShareGroup,
  type ShareMember,
  type StatePartitions,
  shareMemberTombstones,
  statePartitionsRecord,
  unionOf,
  without,
} from './share-group.ts'
import { simpleAssignor } from './simple-assignor.ts'

export interface ShareTimer {
  readonly kind: 'shareSession'
  readonly groupId: string
  readonly memberId: string
}

export interface ShareHeartbeat {
  readonly groupId: string
  readonly memberId: string
  readonly memberEpoch: number
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Null means unchanged. */
  readonly subscribedTopicNames: readonly string[] | null
}

export interface ShareHeartbeatReply {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Undefined means unchanged. */
  readonly assignment: Assignment | undefined
}

const LEAVE_EPOCH = -1

/** Membership of share groups (KIP-932): which member reads which partitions. */
export class ShareGroupCoordinator extends ModernCoordinator<ShareGroup> {
  constructor(options: CoordinatorOptions) {
    super('share', ShareGroup, options)
  }

  // ----------------------------------------------------------------------------------------------
  // state initialization

  /**
   * Partitions that a member is about to read and whose state is not initialized. Throws what
   * `admit` throws.
   */
  uninitialized(request: ShareHeartbeat): StatePartitions {
    if (request.memberEpoch < 0) return new Map()
    const { group } = this.admit(request)
    const { subscribedTopicNames } = request
    const names = new Set([...group.allSubscribedTopics, ...(subscribedTopicNames ?? [])])
    const wanted = new Map(
      [...names].flatMap((name) => {
        const topic = this.topics.byName(name)
        if (topic === undefined) return []
        const partitions = new Set(Array.from({ length: topic.partitionCount }, (_, i) => i))
        return [[topic.id, { name, partitions }] as const]
      }),
    )
    return without(wanted, group.initialized)
  }

  /** Records that the state of these partitions is being initialized. */
  beginInitializing(fx: GroupEffects, groupId: string, partitions: StatePartitions): void {
    const group = this.find(groupId)
    fx.records.push(
      statePartitionsRecord(groupId, {
        initializing: unionOf(group?.initializing ?? new Map(), partitions),
        initialized: group?.initialized ?? new Map(),
        deleting: this.#deleting(group, partitions),
      }),
    )
  }

  /** Records that the state is initialized. */
  endInitializing(fx: GroupEffects, groupId: string, partitions: StatePartitions): void {
    const group = this.find(groupId)
    fx.records.push(
      statePartitionsRecord(groupId, {
        initializing: without(group?.initializing ?? new Map(), partitions),
        initialized: unionOf(group?.initialized ?? new Map(), partitions),
        deleting: this.#deleting(group, partitions),
      }),
    )
  }

  /** Records that the state of these topics is deleted. */
  forgetTopics(fx: GroupEffects, groupId: string, ids: ReadonlySet<string>): void {
    const group = this.find(groupId)
    if (group === undefined) return
    const left = (partitions: StatePartitions): StatePartitions =>
      new Map([...partitions].filter(([id]) => !ids.has(id)))
    fx.records.push(
      statePartitionsRecord(groupId, {
        initializing: left(group.initializing),
        initialized: left(group.initialized),
        deleting: [],
      }),
    )
  }

  #deleting(group: ShareGroup | undefined, kept: StatePartitions) {
    return [...(group?.deletingTopicIds ?? [])]
      .filter((topicId) => !kept.has(topicId))
      .map((topicId) => ({ topicId, topicName: this.topics.byId(topicId)?.name ?? '' }))
  }

  // ----------------------------------------------------------------------------------------------
  // heartbeats

  /**
   * Finds the group of a heartbeat, and its member. Throws `ProtocolError` for an invalid request.
   */
  admit({ groupId, memberId, memberEpoch }: ShareHeartbeat): {
    readonly group: ShareGroup
    readonly known: ShareMember | undefined
  } {
    const isJoining = memberEpoch === 0
    if (!isJoining && !this.groups.has(groupId)) {
      throw new ProtocolError('GROUP_ID_NOT_FOUND', `Share group ${groupId} not found.`)
    }
    const group = this.#groupFor(groupId, isJoining)
    this.throwIfFull(group, memberId)
    const known = group.members.get(memberId)
    if (known === undefined && !isJoining) throw unknownMember(groupId, memberId)
    if (known !== undefined) throwIfFencedEpoch('share', known, memberEpoch, () => true)
    return { group, known }
  }

  /** Throws `ProtocolError` for an invalid request; nothing has changed in that case. */
  heartbeat(fx: GroupEffects, request: ShareHeartbeat, nowMs: number): ShareHeartbeatReply {
    if (request.memberEpoch === LEAVE_EPOCH) return this.#leave(fx, request)
    const { groupId, memberId } = request
    const isJoining = request.memberEpoch === 0
    const { group, known } = this.admit(request)
    const draft = this.draft(fx, group)
    const hasChanged = this.#updateMember(draft, known, request)
    this.#updateEpoch(draft, hasChanged)
    this.#updateTarget(draft, nowMs)
    const member = this.#reconcile(draft, memberId)
    this.#setSession(fx, groupId, memberId, nowMs)
    const sendsAssignment =
      isJoining ||
      request.subscribedTopicNames !== null ||
      !sameAssignment(known?.assigned ?? NO_ASSIGNMENT, member.assigned)
    return {
      memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: this.intervalMs(
        draft,
        nowMs,
        member.memberEpoch === draft.group.groupEpoch,
      ),
      assignment: sendsAssignment ? member.assigned : undefined,
    }
  }

  #groupFor(groupId: string, mayCreate: boolean): ShareGroup {
    const group = this.groups.get(groupId)
    if (group instanceof ShareGroup) return group
    if (group === undefined && mayCreate) return new ShareGroup(groupId)
    throw this.notFound(groupId)
  }

  #updateMember(
    draft: GroupDraft<ShareGroup>,
    known: ShareMember | undefined,
    request: ShareHeartbeat,
  ): boolean {
    const base = known ?? newShareMember(request.memberId)
    const { groupId, memberId, subscribedTopicNames } = request
    const names =
      subscribedTopicNames === null
        ? base.subscribedTopicNames
        : [...new Set(subscribedTopicNames)].sort()
    const rackId = request.rackId ?? base.rackId
    const { clientId, clientHost } = request
    const sameNames = names.join('\n') === base.subscribedTopicNames.join('\n')
    const isSame =
      known !== undefined &&
      sameNames &&
      rackId === base.rackId &&
      clientId === base.clientId &&
      clientHost === base.clientHost
    if (!isSame) {
      draft.emit({
        kind: 'shareMember',
        key: { groupId, memberId },
        value: { rackId, clientId, clientHost, subscribedTopicNames: names },
      })
    }
    return known === undefined || !sameNames
  }

  /**
   * Increases the group epoch if subscriptions, their topics or the set of readable partitions
   * changed.
   */
  #updateEpoch(draft: GroupDraft<ShareGroup>, hasChanged: boolean): void {
    const { group } = draft
    const { version } = this.topics
    const isPending = group.assignmentEpoch >= group.groupEpoch && this.#hasUnassigned(group)
    if (!hasChanged && !isPending && group.checkedTopicsVersion === version) return
    const hash = metadataHash(group.allSubscribedTopics, this.topics)
    group.checkedTopicsVersion = version
    if (!hasChanged && !isPending && hash === group.metadataHash) return
    draft.emit(epochRecord(group.groupId, group.groupEpoch + 1, hash))
    draft.group.checkedTopicsVersion = version
  }

  /** Whether partitions became readable since the last assignment. */
  #hasUnassigned(group: ShareGroup): boolean {
    if (group.members.size === 0) return false
    const assigned = new Map<string, Set<number>>()
    for (const target of group.targets.values()) {
      for (const [topicId, partitions] of target) {
        const list = assigned.get(topicId) ?? new Set<number>()
        for (const partition of partitions) list.add(partition)
        assigned.set(topicId, list)
      }
    }
    const subscribed = topicIds(group.allSubscribedTopics, this.topics)
    for (const [topicId, { partitions }] of group.initialized) {
      if (!subscribed.has(topicId)) continue
      if ((assigned.get(topicId)?.size ?? 0) < partitions.size) return true
    }
    return false
  }

  #updateTarget(draft: GroupDraft<ShareGroup>, nowMs: number): void {
    const { group } = draft
    const { groupId } = group
    if (this.targetDue(group, nowMs) !== 'now') return
    const members = [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      instanceId: null,
      topicIds: topicIds(member.subscribedTopicNames, this.topics),
      assignment: group.target(member.memberId),
    }))
    const targets = simpleAssignor.assign(members, (topicId) => {
      const count = this.topics.byId(topicId)?.partitionCount ?? 0
      return [...(group.initialized.get(topicId)?.partitions ?? [])]
        .filter((partition) => partition < count)
        .sort((a, b) => a - b)
    })
    const epoch = group.groupEpoch
    for (const { memberId, target } of group.changedTargets(targets, sameAssignment)) {
      draft.emit({
        kind: 'shareMemberTarget',
        key: { groupId, memberId },
        value: { topicPartitions: topicPartitionsOf(target) },
      })
    }
    draft.emit(targetEpochRecord(groupId, epoch, nowMs))
  }

  /** Several members may read a partition, so a member gets its target assignment at once. */
  #reconcile(draft: GroupDraft<ShareGroup>, memberId: string): ShareMember {
    const { group } = draft
    const { groupId } = group
    const member = group.member(memberId)
    const subscribed = topicIds(member.subscribedTopicNames, this.topics)
    const target: Assignment = new Map(
      [...group.target(memberId)].filter(([topicId]) => subscribed.has(topicId)),
    )
    if (member.memberEpoch === group.assignmentEpoch && sameAssignment(member.assigned, target)) {
      return member
    }
    draft.emit({
      kind: 'shareMemberCurrent',
      key: { groupId, memberId },
      value: {
        memberEpoch: group.assignmentEpoch,
        previousMemberEpoch: member.memberEpoch,
        state: 0,
        assignedPartitions: topicPartitionsOf(target),
      },
    })
    return draft.group.member(memberId)
  }

  // ----------------------------------------------------------------------------------------------
  // leaving, time

  #leave(fx: GroupEffects, { groupId, memberId }: ShareHeartbeat): ShareHeartbeatReply {
    const group = this.find(groupId)
    if (group === undefined) throw this.notFound(groupId)
    if (!group.members.has(memberId)) throw unknownMember(groupId, memberId)
    this.#remove(fx, group, memberId)
    return { memberId, memberEpoch: LEAVE_EPOCH, heartbeatIntervalMs: 0, assignment: undefined }
  }

  #remove(fx: GroupEffects, group: ShareGroup, memberId: string): void {
    const { groupId } = group
    const draft = this.draft(fx, group)
    draft.emit(...shareMemberTombstones(groupId, memberId))
    const hash = metadataHash(draft.group.allSubscribedTopics, this.topics)
    const epoch = draft.group.groupEpoch + 1
    draft.emit(epochRecord(groupId, epoch, hash))
    if (draft.group.isEmpty) draft.emit(targetEpochRecord(groupId, epoch, NEVER_ASSIGNED_MS))
    fx.cancelTimer(sessionKey(groupId, memberId))
  }

  expire(fx: GroupEffects, { groupId, memberId }: ShareTimer): void {
    const group = this.find(groupId)
    if (group?.members.has(memberId)) this.#remove(fx, group, memberId)
  }

  protected override restoreMember(
    fx: GroupEffects,
    { groupId }: ShareGroup,
    memberId: string,
    nowMs: number,
  ): void {
    this.#setSession(fx, groupId, memberId, nowMs)
  }

  #setSession(fx: GroupEffects, groupId: string, memberId: string, nowMs: number): void {
    const timeoutMs = this.setting(groupId, 'session.timeout.ms')
    const event = { kind: 'shareSession', groupId, memberId } as const
    fx.setTimer(sessionKey(groupId, memberId), nowMs + timeoutMs, event)
  }

  // ----------------------------------------------------------------------------------------------
  // offsets

  /**
   * The group whose offsets an admin may set or delete. Throws `NON_EMPTY_GROUP`, and
   * `GROUP_ID_NOT_FOUND` for a group of another kind, or for a missing one that may not be created.
   */
  emptyGroup(groupId: string, mayCreate: boolean): ShareGroup {
    const group = this.#groupFor(groupId, mayCreate)
    if (group.isEmpty) return group
    throw new ProtocolError('NON_EMPTY_GROUP', 'The group is not empty.')
  }
}

function sessionKey(groupId: string, memberId: string): string {
  return `share-session/${groupId}/${memberId}`
}

function epochRecord(groupId: string, epoch: number, hash: bigint) {
  return { kind: 'shareGroup', key: { groupId }, value: { epoch, metadataHash: hash } } as const
}

function targetEpochRecord(groupId: string, assignmentEpoch: number, timestampMs: number) {
  const value = { assignmentEpoch, assignmentTimestamp: BigInt(timestampMs) }
  return { kind: 'shareTarget', key: { groupId }, value } as const
}
