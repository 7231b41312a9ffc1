// SPDX-License-Identifier: Apache-2.0

import type { ErrorName } from '@millrace/protocol'
import {
  type HeartbeatRequest,
  type JoinReply,
  type JoinRequest,
  joinError,
  type LeaveReply,
  type LeaveRequest,
  type SyncReply,
  type SyncRequest,
  syncError,
} from '../classic/classic-requests.ts'
import type { GroupConfig } from '../group-config.ts'
import type { GroupEffects } from '../group-effects.ts'
import type { Assignment } from '../modern/assignment.ts'
import type { TopicsView } from '../modern/topics-view.ts'
import type { ConsumerCoordinator } from './consumer-coordinator.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, MemberState, newMember, uniqueNames } from './consumer-member.ts'
import { readSubscription, writeAssignment } from './embedded-protocol.ts'
import type { GroupMigration } from './migration.ts'

/**
 * Members of a consumer group that still use the classic protocol: JoinGroup and SyncGroup act as
 * heartbeats (KIP-848).
 */
export class ClassicMembers {
  readonly #consumers: ConsumerCoordinator
  readonly #migration: GroupMigration
  readonly #config: GroupConfig
  readonly #topics: TopicsView

  constructor(options: {
    readonly consumers: ConsumerCoordinator
    readonly migration: GroupMigration
    readonly config: GroupConfig
    readonly topics: TopicsView
  }) {
    this.#consumers = options.consumers
    this.#migration = options.migration
    this.#config = options.config
    this.#topics = options.topics
  }

  join(fx: GroupEffects, group: ConsumerGroup, request: JoinRequest, nowMs: number): void {
    const refuse = (error: ErrorName, memberId = request.memberId): void =>
      fx.reply(request.token, joinError(error, memberId))
    const { groupInstanceId, protocols } = request
    const isUnknown = request.memberId === ''
    const memberId = isUnknown ? request.newId : request.memberId
    if (this.#config.consumer.migrationPolicy === 'disabled') {
      return refuse('INCONSISTENT_GROUP_PROTOCOL')
    }
    const { maxSize } = this.#config.consumer
    if (group.members.size >= maxSize && (isUnknown || !group.members.has(memberId))) {
      return refuse('GROUP_MAX_SIZE_REACHED')
    }
    if (!supports(group, request)) return refuse('INCONSISTENT_GROUP_PROTOCOL')
    if (isUnknown && groupInstanceId === null && request.requireKnownMemberId) {
      return refuse('MEMBER_ID_REQUIRED', memberId)
    }
    let subscription: ReturnType<typeof readSubscription>
    try {
      subscription = readSubscription(protocols[0]?.metadata ?? Buffer.alloc(0))
    } catch {
      return refuse('INCONSISTENT_GROUP_PROTOCOL')
    }
    const known = group.staticMember(groupInstanceId)
    if (groupInstanceId !== null && !isUnknown) {
      if (known === undefined) return refuse('UNKNOWN_MEMBER_ID')
      if (known.memberId !== memberId) return refuse('FENCED_INSTANCE_ID')
    }
    const replacesMember = known !== undefined && isUnknown
    const becomesClassic =
      known !== undefined && this.#migration.isReplacedByClassic(group, new Set([known.memberId]))
    const step = { fx, nowMs, draft: this.#consumers.draft(fx, group) }
    const member = replacesMember
      ? this.#consumers.replaceStatic(step, known, memberId)
      : (group.members.get(memberId) ?? newMember(memberId))
    const updated: ConsumerMember = {
      ...member,
      instanceId: groupInstanceId ?? member.instanceId,
      rackId: subscription.rackId || member.rackId,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      subscribedTopicNames: uniqueNames(subscription.topics),
      subscribedTopicRegex: '',
      clientId: request.clientId,
      clientHost: request.clientHost,
      classic: { sessionTimeoutMs: request.sessionTimeoutMs, supportedProtocols: protocols },
    }
    const hasSubscriptionChanged = this.#consumers.updateMember(step, member, updated)
    const owned = subscription.ownedPartitions.flatMap(({ topic, partitions }) => {
      const topicId = this.#topics.byName(topic)?.id
      return topicId === undefined ? [] : [{ topicId, partitions }]
    })
    const options = { hasSubscriptionChanged, owned }
    const joined = becomesClassic
      ? this.#consumers.reconcileMember(step, memberId, options)
      : this.#consumers.assign(step, memberId, options)
    if (becomesClassic) {
      const after = step.draft.group
      const rebalance = after.assignmentEpoch < after.groupEpoch
      this.#migration.downgrade(fx, after, { leaving: new Set(), rebalance, nowMs })
    } else {
      fx.setTimer(sessionKey(group, memberId), nowMs + request.sessionTimeoutMs, {
        kind: 'consumerSession',
        groupId: group.groupId,
        memberId,
      })
      fx.cancelTimer(joinKey(group, memberId))
      this.#setLimit(
        fx,
        group,
        { memberId, key: syncKey(group, memberId) },
        nowMs + request.rebalanceTimeoutMs,
      )
    }
    fx.reply(request.token, {
      error: 'NONE',
      memberId,
      generationId: joined.memberEpoch,
      protocolType: 'consumer',
      protocolName: protocols[0]?.name ?? '',
      leaderId: '',
      skipAssignment: false,
      members: [],
    } satisfies JoinReply)
  }

  sync(fx: GroupEffects, group: ConsumerGroup, request: SyncRequest, nowMs: number): void {
    const refuse = (error: ErrorName): void => fx.reply(request.token, syncError(error))
    const found = this.#find(group, request)
    if (typeof found === 'string') return refuse(found)
    const protocol = found.classic?.supportedProtocols[0]
    if (request.generationId !== found.memberEpoch) return refuse('ILLEGAL_GENERATION')
    const isOther =
      (request.protocolType !== null && request.protocolType !== 'consumer') ||
      (request.protocolName !== null && request.protocolName !== protocol?.name)
    if (isOther) return refuse('INCONSISTENT_GROUP_PROTOCOL')
    const isBehind = group.assignmentEpoch > found.memberEpoch
    if (isBehind && found.state !== MemberState.UnrevokedPartitions) {
      this.#expectJoin(fx, group, found, nowMs)
      return refuse('REBALANCE_IN_PROGRESS')
    }
    fx.cancelTimer(syncKey(group, found.memberId))
    this.#consumers.touchClassic(fx, group, found.memberId, nowMs)
    const assigned: Assignment = new Map(
      [...found.assigned].map(([topicId, partitions]) => [topicId, [...partitions.keys()]]),
    )
    const { version } = readSubscription(protocol?.metadata ?? Buffer.alloc(2))
    fx.reply(request.token, {
      error: 'NONE',
      protocolType: request.protocolType,
      protocolName: request.protocolName,
      assignment: writeAssignment(assigned, this.#topics, version),
    } satisfies SyncReply)
  }

  heartbeat(
    fx: GroupEffects,
    group: ConsumerGroup,
    request: HeartbeatRequest,
    nowMs: number,
  ): ErrorName {
    const found = this.#find(group, request)
    if (typeof found === 'string') return found
    if (request.generationId !== found.memberEpoch) return 'ILLEGAL_GENERATION'
    this.#consumers.touchClassic(fx, group, found.memberId, nowMs)
    const mustRejoin =
      found.memberEpoch < group.assignmentEpoch ||
      found.state === MemberState.UnrevokedPartitions ||
      (found.state === MemberState.UnreleasedPartitions && !isWaiting(group, found))
    if (!mustRejoin) return 'NONE'
    this.#expectJoin(fx, group, found, nowMs)
    return 'REBALANCE_IN_PROGRESS'
  }

  /** Returns the members that leave; the caller removes them. */
  leave(
    group: ConsumerGroup,
    request: LeaveRequest,
  ): { readonly reply: LeaveReply; readonly leaving: readonly ConsumerMember[] } {
    const leaving = new Set<ConsumerMember>()
    const members = request.members.map((asked) => {
      const { memberId, groupInstanceId } = asked
      const member =
        groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId)
      if (member === undefined) return { ...asked, error: 'UNKNOWN_MEMBER_ID' as const }
      const isFenced = groupInstanceId !== null && memberId !== '' && memberId !== member.memberId
      if (isFenced) return { ...asked, error: 'FENCED_INSTANCE_ID' as const }
      leaving.add(member)
      return { ...asked, error: 'NONE' as const }
    })
    return { reply: { error: 'NONE', members }, leaving: [...leaving] }
  }

  #find(
    group: ConsumerGroup,
    request: { readonly memberId: string; readonly groupInstanceId: string | null },
  ): ConsumerMember | ErrorName {
    const { memberId, groupInstanceId } = request
    const member =
      groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId)
    if (member === undefined) return 'UNKNOWN_MEMBER_ID'
    if (member.memberId !== memberId) return 'FENCED_INSTANCE_ID'
    return member.classic === undefined ? 'UNKNOWN_MEMBER_ID' : member
  }

  /** The member was asked to rejoin, and must do so within its rebalance timeout. */
  #expectJoin(
    fx: GroupEffects,
    group: ConsumerGroup,
    { memberId, rebalanceTimeoutMs }: ConsumerMember,
    nowMs: number,
  ): void {
    const key = joinKey(group, memberId)
    fx.setTimerIfAbsent(key, nowMs + rebalanceTimeoutMs, {
      kind: 'consumerSession',
      groupId: group.groupId,
      memberId,
    })
  }

  #setLimit(
    fx: GroupEffects,
    { groupId }: ConsumerGroup,
    { memberId, key }: { readonly memberId: string; readonly key: string },
    dueMs: number,
  ): void {
    fx.setTimer(key, dueMs, { kind: 'consumerSession', groupId, memberId })
  }
}

function sessionKey({ groupId }: ConsumerGroup, memberId: string): string {
  return `consumer-session/${groupId}/${memberId}`
}
function joinKey({ groupId }: ConsumerGroup, memberId: string): string {
  return `consumer-join/${groupId}/${memberId}`
}
function syncKey({ groupId }: ConsumerGroup, memberId: string): string {
  return `consumer-sync/${groupId}/${memberId}`
}

/**
 * Whether a classic member's protocols are compatible: all classic members must have one in common.
 */
function supports(group: ConsumerGroup, request: JoinRequest): boolean {
  if (request.protocolType !== 'consumer') return false
  if (group.isEmpty) return request.protocols.length > 0
  const classics = [...group.members.values()].flatMap(({ classic }) => classic ?? [])
  return request.protocols.some(({ name }) =>
    classics.every(({ supportedProtocols }) =>
      supportedProtocols.some((protocol) => protocol.name === name),
    ),
  )
}

/** Whether part of its target assignment is still owned by another member. */
function isWaiting(group: ConsumerGroup, member: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.target(member.memberId)) {
    for (const partition of partitions) {
      if (member.assigned.get(topicId)?.has(partition)) continue
      if (group.isOwnedByAnother(member.memberId, topicId, partition)) return true
    }
  }
  return false
}
