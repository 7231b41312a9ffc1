// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { GroupEffects } from '../group-effects.ts'
import type { GroupRecord } from '../group-record.ts'
import { sameAssignment, type TopicPartitions, topicPartitionsOf } from '../modern/assignment.ts'
import { NEVER_ASSIGNED_MS } from '../modern/assignment-due.ts'
import type { ServerAssignor } from '../modern/assignor.ts'
import type { GroupDraft } from '../modern/group-draft.ts'
import { throwIfFencedEpoch, unknownMember } from '../modern/member-errors.ts'
import { type CoordinatorOptions, ModernCoordinator } from '../modern/modern-coordinator.ts'
import { metadataHash, topicIds } from '../modern/topics-view.ts'
import { rangeAssignor } from './assignors/range-assignor.ts'
import { uniformAssignor } from './assignors/uniform-assignor.ts'
import { ConsumerGroup, tombstone } from './consumer-group.ts'
import {
  type ConsumerMember,
  currentRecord,
  isReconciledTo,
  LEAVE_EPOCH,
  MemberState,
  memberRecord,
  NO_PARTITIONS,
  newMember,
  STATIC_LEAVE_EPOCH,
  sameMetadata,
  samePartitions,
  sameSubscription,
  uniqueNames,
} from './consumer-member.ts'
import type { ConsumerHeartbeat, ConsumerHeartbeatReply } from './consumer-requests.ts'
import { reconcile } from './reconcile.ts'
import { compileTopicRegex, resolveTopicRegex } from './topic-regex.ts'

export type ConsumerTimer =
  | { readonly kind: 'consumerSession'; readonly groupId: string; readonly memberId: string }
  | {
      readonly kind: 'consumerRebalance'
      readonly groupId: string
      readonly memberId: string
      readonly memberEpoch: number
    }

type Draft = GroupDraft<ConsumerGroup>

const assignors: ReadonlyMap<string, ServerAssignor> = new Map(
  [uniformAssignor, rangeAssignor].map((assignor) => [assignor.name, assignor]),
)
export const consumerAssignorNames: readonly string[] = [...assignors.keys()]

/** Callbacks for online migration between the protocols. */
export interface GroupSource {
  /**
   * Called with members that left: by `remove`, or because the group is converted to a classic one
   * without them.
   */
  fence(
    fx: GroupEffects,
    group: ConsumerGroup,
    members: readonly ConsumerMember[],
    nowMs: number,
  ): void
  /**
   * Converts a classic group with members, or replaces an empty one; undefined if the group cannot
   * be converted.
   */
  convert(fx: GroupEffects, groupId: string, nowMs: number): ConsumerGroup | undefined
}

/** Context of a step besides the group. */
interface Step {
  readonly fx: GroupEffects
  readonly draft: Draft
  readonly nowMs: number
  /** Whether a pattern may find the topic. */
  readonly mayDescribe?: ((topic: string) => boolean) | undefined
}

/**
 * The consumer group protocol (KIP-848): members send subscriptions, the coordinator assigns
 * partitions.
 */
export class ConsumerCoordinator extends ModernCoordinator<ConsumerGroup> {
  readonly #source: GroupSource

  constructor(options: CoordinatorOptions & { readonly source: GroupSource }) {
    super('consumer', ConsumerGroup, options)
    this.#source = options.source
  }

  // ----------------------------------------------------------------------------------------------
  // heartbeats

  /** Throws `ProtocolError` for an invalid request; nothing has changed in that case. */
  heartbeat(fx: GroupEffects, request: ConsumerHeartbeat, nowMs: number): ConsumerHeartbeatReply {
    const isLeaving = request.memberEpoch === LEAVE_EPOCH
    if (isLeaving || request.memberEpoch === STATIC_LEAVE_EPOCH)
      return this.#leave(fx, request, nowMs)
    const isJoining = request.memberEpoch === 0
    const group = this.#groupFor(fx, request.groupId, { isJoining, nowMs })
    this.throwIfFull(group, request.memberId)
    const step: Step = { fx, nowMs, draft: this.draft(fx, group), mayDescribe: request.mayDescribe }
    const known = this.#memberFor(step, request)
    const updated: ConsumerMember = {
      ...known,
      instanceId: request.instanceId ?? known.instanceId,
      rackId: request.rackId ?? known.rackId,
      rebalanceTimeoutMs:
        request.rebalanceTimeoutMs === -1 ? known.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
      serverAssignor: request.serverAssignor ?? known.serverAssignor,
      subscribedTopicNames:
        request.subscribedTopicNames === null
          ? known.subscribedTopicNames
          : uniqueNames(request.subscribedTopicNames),
      subscribedTopicRegex: request.subscribedTopicRegex ?? known.subscribedTopicRegex,
      clientId: request.clientId,
      clientHost: request.clientHost,
      classic: undefined,
    }
    const hasChanged = this.updateMember(step, known, updated)
    const member = this.assign(step, updated.memberId, {
      hasSubscriptionChanged: hasChanged,
      owned: request.owned,
    })
    this.#setSession(fx, request.groupId, member.memberId, {
      dueMs: nowMs + this.#sessionTimeoutMs(request.groupId),
    })
    const isFull =
      request.rebalanceTimeoutMs !== -1 &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      request.owned !== null
    const sendsAssignment = isJoining || isFull || !samePartitions(known.assigned, member.assigned)
    return {
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: this.intervalMs(
        step.draft,
        nowMs,
        isReconciledTo(member, step.draft.group.groupEpoch),
      ),
      assignment: sendsAssignment ? member.assigned : undefined,
    }
  }

  #groupFor(
    fx: GroupEffects,
    groupId: string,
    { isJoining, nowMs }: { readonly isJoining: boolean; readonly nowMs: number },
  ): ConsumerGroup {
    const group = this.groups.get(groupId)
    if (group instanceof ConsumerGroup) return group
    if (group === undefined) {
      if (isJoining) return new ConsumerGroup(groupId)
      throw new ProtocolError('GROUP_ID_NOT_FOUND', `Consumer group ${groupId} not found.`)
    }
    const converted = isJoining ? this.#source.convert(fx, groupId, nowMs) : undefined
    if (converted !== undefined) return converted
    throw this.notFound(groupId)
  }

  #memberFor(step: Step, request: ConsumerHeartbeat): ConsumerMember {
    const { memberId, memberEpoch, instanceId, owned } = request
    const isJoining = memberEpoch === 0
    const { group } = step.draft
    if (instanceId !== null) {
      const known = group.staticMember(instanceId)
      if (isJoining) {
        if (known === undefined) return group.members.get(memberId) ?? newMember(memberId)
        if (known.classic === undefined) throwIfUnreleased(known, memberId, instanceId)
        return this.replaceStatic(step, known, memberId)
      }
      const member = throwUnlessStatic(known, memberId, instanceId)
      throwIfStaleEpoch(member, memberEpoch, owned)
      return member
    }
    const member = group.members.get(memberId)
    if (member === undefined) {
      if (isJoining) return newMember(memberId)
      throw unknownMember(group.groupId, memberId)
    }
    throwIfStaleEpoch(member, memberEpoch, owned)
    return member
  }

  /** A static member that restarted replaces its previous instance and inherits its partitions. */
  replaceStatic({ draft, fx }: Step, old: ConsumerMember, memberId: string): ConsumerMember {
    const { groupId } = draft.group
    const target = draft.group.target(old.memberId)
    const member: ConsumerMember = { ...old, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
    this.#removeRecords(draft, old.memberId)
    if (old.memberId !== memberId) this.cancelTimers(fx, groupId, old.memberId)
    draft.emit(
      memberRecord(groupId, member),
      targetRecord(groupId, memberId, topicPartitionsOf(target)),
      currentRecord(groupId, member),
    )
    return draft.group.member(memberId)
  }

  #removeRecords(draft: Draft, memberId: string): void {
    const { groupId } = draft.group
    draft.emit(
      tombstone('consumerMemberCurrent', groupId, memberId),
      tombstone('consumerMemberTarget', groupId, memberId),
      tombstone('consumerMember', groupId, memberId),
    )
  }

  // ----------------------------------------------------------------------------------------------
  // subscriptions

  /**
   * Records a member's metadata; returns whether its subscription changed, which increases the
   * group epoch.
   */
  updateMember(step: Step, known: ConsumerMember, updated: ConsumerMember): boolean {
    const { draft } = step
    const { groupId } = draft.group
    const isNew = !draft.group.members.has(updated.memberId)
    const before = known.subscribedTopicRegex
    const regex = updated.subscribedTopicRegex
    if (regex !== before && regex !== '') compileTopicRegex(regex)
    if (isNew || !sameMetadata(known, updated)) draft.emit(memberRecord(groupId, updated))
    const namesChanged = !sameSubscription(known, updated)
    const regexChanged = regex !== before
    if (regexChanged && before !== '' && draft.group.regexUsers(before) === 0) {
      draft.emit({
        kind: 'consumerRegex',
        key: { groupId, regularExpression: before },
        value: null,
      })
    }
    const regexResolved = this.#resolveRegexes(step)
    this.#updateEpoch(step, namesChanged || regexChanged || regexResolved)
    return namesChanged || regexChanged
  }

  /** Resolves patterns that are new or whose topics may have changed. */
  #resolveRegexes({ draft, nowMs, mayDescribe }: Step): boolean {
    const { group } = draft
    let hasChanged = false
    const inUse = new Set<string>()
    for (const { subscribedTopicRegex } of group.members.values()) {
      if (subscribedTopicRegex !== '') inUse.add(subscribedTopicRegex)
    }
    for (const regularExpression of inUse) {
      const known = group.regexes.get(regularExpression)
      const isFresh = known !== undefined && group.checkedTopicsVersion === this.topics.version
      if (isFresh) continue
      const topics = resolveTopicRegex(regularExpression, this.topics, mayDescribe)
      const isSame =
        known !== undefined &&
        known.topics.length === topics.length &&
        known.topics.every((name, i) => name === topics[i])
      if (isSame) continue
      hasChanged = true
      draft.emit({
        kind: 'consumerRegex',
        key: { groupId: group.groupId, regularExpression },
        value: { topics, version: BigInt(this.topics.version), timestamp: BigInt(nowMs) },
      })
    }
    return hasChanged
  }

  /** Increases the group epoch if the subscriptions or the subscribed topics changed. */
  #updateEpoch({ draft }: Step, hasChanged: boolean): void {
    const { version } = this.topics
    const { group } = draft
    if (!hasChanged && group.checkedTopicsVersion === version) return
    const hash = metadataHash(group.allSubscribedTopics, this.topics)
    group.checkedTopicsVersion = version
    if (!hasChanged && hash === group.metadataHash) return
    draft.emit(epochRecord(group.groupId, group.groupEpoch + 1, hash))
    draft.group.checkedTopicsVersion = version
  }

  // ----------------------------------------------------------------------------------------------
  // assignment

  /** Computes the target assignment if it is due, and moves the member one step towards it. */
  assign(
    step: Step,
    memberId: string,
    options: {
      readonly hasSubscriptionChanged: boolean
      readonly owned: readonly TopicPartitions[] | null
    },
  ): ConsumerMember {
    this.#updateTarget(step)
    return this.reconcileMember(step, memberId, options)
  }

  #updateTarget({ draft, nowMs }: Step): void {
    const { group } = draft
    const { groupId } = group
    if (this.targetDue(group, nowMs) !== 'now') return
    const members = [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      topicIds: topicIds(group.subscribedTopics(member), this.topics),
      assignment: group.target(member.memberId),
    }))
    const counts = new Map<string, readonly number[]>()
    const targets = this.#assignorOf(group).assign(members, (topicId) => {
      let partitions = counts.get(topicId)
      if (partitions === undefined) {
        const { partitionCount = 0 } = this.topics.byId(topicId) ?? {}
        partitions = Array.from({ length: partitionCount }, (_, i) => i)
        counts.set(topicId, partitions)
      }
      return partitions
    })
    const epoch = group.groupEpoch
    for (const { memberId, target } of group.changedTargets(targets, sameAssignment)) {
      draft.emit(targetRecord(groupId, memberId, topicPartitionsOf(target)))
    }
    draft.emit(targetEpochRecord(groupId, epoch, nowMs))
  }

  assignorName(group: ConsumerGroup): string {
    return this.#assignorOf(group).name
  }

  /** The assignor that most members request. */
  #assignorOf(group: ConsumerGroup): ServerAssignor {
    const votes = new Map<string, number>()
    for (const { serverAssignor } of group.members.values()) {
      if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
    }
    const [preferred] = [...votes].sort((a, b) => b[1] - a[1])
    const name = preferred?.[0] ?? this.config.consumer.assignors[0] ?? 'uniform'
    return assignors.get(name) ?? uniformAssignor
  }

  reconcileMember(
    { draft, fx, nowMs }: Step,
    memberId: string,
    options: {
      readonly hasSubscriptionChanged: boolean
      readonly owned: readonly TopicPartitions[] | null
    },
  ): ConsumerMember {
    const { group } = draft
    const { groupId } = group
    const member = group.member(memberId)
    if (!options.hasSubscriptionChanged && isReconciledTo(member, group.assignmentEpoch))
      return member
    const stepped = reconcile(member, {
      targetEpoch: group.assignmentEpoch,
      target: group.target(memberId),
      subscribedTopicIds: topicIds(group.subscribedTopics(member), this.topics),
      hasSubscriptionChanged: options.hasSubscriptionChanged,
      owned: options.owned,
      isTaken: (topicId, partition) => group.isOwnedByAnother(memberId, topicId, partition),
    })
    const isSame =
      stepped.state === member.state &&
      stepped.memberEpoch === member.memberEpoch &&
      stepped.previousMemberEpoch === member.previousMemberEpoch &&
      samePartitions(stepped.assigned, member.assigned) &&
      samePartitions(stepped.pendingRevocation, member.pendingRevocation)
    if (isSame) return member
    draft.emit(currentRecord(groupId, stepped))
    if (stepped.classic === undefined) {
      const key = rebalanceKey(groupId, memberId)
      if (stepped.state === MemberState.UnrevokedPartitions) {
        const { memberEpoch, rebalanceTimeoutMs } = stepped
        const event = { kind: 'consumerRebalance', groupId, memberId, memberEpoch } as const
        fx.setTimer(key, nowMs + rebalanceTimeoutMs, event)
      } else fx.cancelTimer(key)
    }
    return draft.group.member(memberId)
  }

  // ----------------------------------------------------------------------------------------------
  // leaving

  #leave(fx: GroupEffects, request: ConsumerHeartbeat, nowMs: number): ConsumerHeartbeatReply {
    const { groupId, memberId, instanceId, memberEpoch } = request
    const group = this.find(groupId)
    if (group === undefined) throw this.notFound(groupId)
    const reply = { memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: undefined }
    const member =
      instanceId === null
        ? group.members.get(memberId)
        : throwUnlessStatic(group.staticMember(instanceId), memberId, instanceId)
    if (member === undefined) throw unknownMember(groupId, memberId)
    if (instanceId !== null && memberEpoch === STATIC_LEAVE_EPOCH) {
      // It may rejoin within its session timeout, so it keeps its partitions.
      const away: ConsumerMember = {
        ...member,
        memberEpoch: STATIC_LEAVE_EPOCH,
        pendingRevocation: NO_PARTITIONS,
        assigned: new Map(
          [...member.assigned].map(([topicId, partitions]) => [
            topicId,
            new Map([...partitions.keys()].map((partition) => [partition, 0])),
          ]),
        ),
      }
      fx.records.push(currentRecord(groupId, away))
      return reply
    }
    this.#source.fence(fx, group, [member], nowMs)
    return reply
  }

  /**
   * Removes members; their partitions are free at once and reassigned with the next group epoch.
   */
  remove(fx: GroupEffects, group: ConsumerGroup, members: readonly ConsumerMember[]): void {
    const draft = this.draft(fx, group)
    const { groupId } = group
    for (const { memberId } of members) {
      this.#removeRecords(draft, memberId)
      this.cancelTimers(fx, groupId, memberId)
    }
    for (const { subscribedTopicRegex: regularExpression } of members) {
      if (regularExpression === '' || draft.group.regexUsers(regularExpression) > 0) continue
      if (!draft.group.regexes.has(regularExpression)) continue
      draft.emit({ kind: 'consumerRegex', key: { groupId, regularExpression }, value: null })
    }
    const hash = metadataHash(draft.group.allSubscribedTopics, this.topics)
    const epoch = draft.group.groupEpoch + 1
    draft.emit(epochRecord(groupId, epoch, hash))
    if (draft.group.isEmpty) draft.emit(targetEpochRecord(groupId, epoch, NEVER_ASSIGNED_MS))
  }

  // ----------------------------------------------------------------------------------------------
  // time

  /** Handles a timer that is due; returns the members that leave. */
  expired(timer: ConsumerTimer): ConsumerMember | undefined {
    const group = this.groups.get(timer.groupId)
    if (!(group instanceof ConsumerGroup)) return undefined
    const member = group.members.get(timer.memberId)
    if (timer.kind === 'consumerRebalance' && member?.memberEpoch !== timer.memberEpoch) {
      return undefined
    }
    return member
  }

  protected override restoreMember(
    fx: GroupEffects,
    group: ConsumerGroup,
    memberId: string,
    nowMs: number,
  ): void {
    const { groupId } = group
    const { classic, state, memberEpoch, rebalanceTimeoutMs } = group.member(memberId)
    const timeoutMs = classic?.sessionTimeoutMs ?? this.#sessionTimeoutMs(groupId)
    this.#setSession(fx, groupId, memberId, { dueMs: nowMs + timeoutMs })
    if (state === MemberState.UnrevokedPartitions) {
      const event = { kind: 'consumerRebalance', groupId, memberId, memberEpoch } as const
      fx.setTimer(rebalanceKey(groupId, memberId), nowMs + rebalanceTimeoutMs, event)
    }
  }

  #sessionTimeoutMs(groupId: string): number {
    return this.setting(groupId, 'session.timeout.ms')
  }

  /** Restarts the session of a member that uses the classic protocol. */
  touchClassic(fx: GroupEffects, group: ConsumerGroup, memberId: string, nowMs: number): void {
    const timeoutMs = group.members.get(memberId)?.classic?.sessionTimeoutMs
    if (timeoutMs === undefined) return
    this.#setSession(fx, group.groupId, memberId, { dueMs: nowMs + timeoutMs })
  }

  #setSession(
    fx: GroupEffects,
    groupId: string,
    memberId: string,
    { dueMs }: { readonly dueMs: number },
  ): void {
    fx.setTimer(sessionKey(groupId, memberId), dueMs, {
      kind: 'consumerSession',
      groupId,
      memberId,
    })
  }

  cancelTimers(fx: GroupEffects, groupId: string, memberId: string): void {
    fx.cancelTimer(sessionKey(groupId, memberId))
    fx.cancelTimer(rebalanceKey(groupId, memberId))
    fx.cancelTimer(`consumer-join/${groupId}/${memberId}`)
    fx.cancelTimer(`consumer-sync/${groupId}/${memberId}`)
  }
}

function sessionKey(groupId: string, memberId: string): string {
  return `consumer-session/${groupId}/${memberId}`
}
function rebalanceKey(groupId: string, memberId: string): string {
  return `consumer-rebalance/${groupId}/${memberId}`
}

export function epochRecord(groupId: string, epoch: number, hash: bigint): GroupRecord {
  return { kind: 'consumerGroup', key: { groupId }, value: { epoch, metadataHash: hash } }
}

export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  timestampMs: number,
): GroupRecord {
  const value = { assignmentEpoch, assignmentTimestamp: BigInt(timestampMs) }
  return { kind: 'consumerTarget', key: { groupId }, value }
}

export function targetRecord(
  groupId: string,
  memberId: string,
  topicPartitions: readonly TopicPartitions[],
): GroupRecord {
  return { kind: 'consumerMemberTarget', key: { groupId, memberId }, value: { topicPartitions } }
}

function throwIfStaleEpoch(
  member: ConsumerMember,
  epoch: number,
  owned: readonly TopicPartitions[] | null,
): void {
  const hasOnlyAssigned = ({ topicId, partitions }: TopicPartitions): boolean => {
    const assigned = member.assigned.get(topicId)
    return assigned !== undefined && partitions.every((partition) => assigned.has(partition))
  }
  throwIfFencedEpoch('consumer', member, epoch, () => owned?.every(hasOnlyAssigned) === true)
}

export function throwUnlessStatic(
  member: ConsumerMember | undefined,
  memberId: string,
  instanceId: string,
): ConsumerMember {
  if (member === undefined) {
    throw new ProtocolError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
  }
  if (member.memberId !== memberId) {
    throw new ProtocolError(
      'FENCED_INSTANCE_ID',
      `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
    )
  }
  return member
}

function throwIfUnreleased(member: ConsumerMember, memberId: string, instanceId: string): void {
  if (member.memberEpoch === STATIC_LEAVE_EPOCH) return
  throw new ProtocolError(
    'UNRELEASED_INSTANCE_ID',
    `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${member.memberId} member.`,
  )
}
