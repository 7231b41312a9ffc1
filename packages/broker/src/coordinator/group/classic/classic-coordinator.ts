// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import type { Group } from '../group.ts'
import type { GroupConfig } from '../group-config.ts'
import type { GroupEffects } from '../group-effects.ts'
import type { GroupRecord } from '../group-record.ts'
import { ClassicGroup, ClassicGroupState } from './classic-group.ts'
import { type ClassicMember, matchesProtocols, metadataOf } from './classic-member.ts'
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
} from './classic-requests.ts'

/** Timers, which arrive as events. */
export type ClassicTimer =
  | { readonly kind: 'session'; readonly groupId: string; readonly memberId: string }
  | { readonly kind: 'initialJoin'; readonly groupId: string; readonly remainingMs: number }
  | { readonly kind: 'join'; readonly groupId: string }
  | { readonly kind: 'pendingSync'; readonly groupId: string; readonly generationId: number }

const { Empty, PreparingRebalance, CompletingRebalance, Stable, Dead } = ClassicGroupState

/** Session timeout of a new member until its first generation starts, as in Kafka. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000

/**
 * The classic group protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup; static members of
 * KIP-345). Each step gets the request and the time, and returns its outcome as effects: no clock,
 * no log, no socket in here.
 */
export class ClassicCoordinator {
  readonly #groups: Map<string, Group>
  readonly #config: GroupConfig

  constructor(groups: Map<string, Group>, config: GroupConfig) {
    this.#groups = groups
    this.#config = config
  }

  #find(groupId: string): ClassicGroup | undefined {
    const group = this.#groups.get(groupId)
    return group instanceof ClassicGroup ? group : undefined
  }

  // ----------------------------------------------------------------------------------------------
  // joining

  /** Error of a request that no group of any kind accepts. */
  checkJoin({ groupId, sessionTimeoutMs }: JoinRequest): ErrorName | undefined {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#config
    if (groupId === '') return 'INVALID_GROUP_ID'
    const isInRange =
      sessionTimeoutMs >= minSessionTimeoutMs && sessionTimeoutMs <= maxSessionTimeoutMs
    return isInRange ? undefined : 'INVALID_SESSION_TIMEOUT'
  }

  /** Error of a request that cannot create a group. */
  checkCreation({ memberId, protocolType, protocols }: JoinRequest): ErrorName | undefined {
    if (memberId !== '') return 'UNKNOWN_MEMBER_ID'
    if (protocolType === '' || protocols.length === 0) return 'INCONSISTENT_GROUP_PROTOCOL'
    return undefined
  }

  /** Joins a classic group, or creates one. */
  join(fx: GroupEffects, request: JoinRequest, nowMs: number): void {
    const refuse = (error: ErrorName, memberId = request.memberId): void =>
      fx.reply(request.token, joinError(error, memberId))
    const invalid = this.checkJoin(request)
    if (invalid !== undefined) return refuse(invalid)
    const { maxSize } = this.#config
    let group = this.#find(request.groupId)
    if (group === undefined) {
      const error = this.checkCreation(request)
      if (error !== undefined) return refuse(error)
      group = new ClassicGroup(request.groupId, nowMs)
      this.#groups.set(request.groupId, group)
    }
    if (group.isIn(Dead)) return refuse('COORDINATOR_NOT_AVAILABLE')
    if (this.#isFull(group, request, maxSize)) {
      group.remove(request.memberId)
      return refuse('GROUP_MAX_SIZE_REACHED', '')
    }
    if (!group.supportsProtocols(request.protocolType, request.protocols)) {
      return refuse('INCONSISTENT_GROUP_PROTOCOL')
    }
    if (request.memberId === '') this.#joinNew(fx, group, request, nowMs)
    else this.#rejoin(fx, group, request, nowMs)
  }

  #isFull(group: ClassicGroup, request: JoinRequest, maxSize: number): boolean {
    if (group.members.has(request.memberId)) return false
    const { groupInstanceId } = request
    if (groupInstanceId !== null && group.staticMembers.has(groupInstanceId)) return false
    if (group.isIn(PreparingRebalance)) {
      const awaiting = [...group.members.values()].filter(
        (member) => member.awaitingJoin !== undefined,
      )
      return awaiting.length >= maxSize
    }
    return group.members.size >= maxSize
  }

  #joinNew(fx: GroupEffects, group: ClassicGroup, request: JoinRequest, nowMs: number): void {
    const { groupInstanceId, newId } = request
    const known = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId)
    if (groupInstanceId !== null && known !== undefined) {
      this.#rejoinStatic(
        fx,
        group,
        { ...request, memberId: newId },
        { oldId: known, groupInstanceId, nowMs },
      )
    } else if (groupInstanceId === null && request.requireKnownMemberId) {
      group.pendingJoins.set(newId, request.sessionTimeoutMs)
      this.#setSession(fx, group, newId, nowMs + request.sessionTimeoutMs)
      fx.reply(request.token, joinError('MEMBER_ID_REQUIRED', newId))
    } else this.#addMember(fx, group, { ...request, memberId: newId }, nowMs)
  }

  #rejoin(fx: GroupEffects, group: ClassicGroup, request: JoinRequest, nowMs: number): void {
    const refuse = (error: ErrorName): void =>
      fx.reply(request.token, joinError(error, request.memberId))
    const { memberId } = request
    if (group.pendingJoins.has(memberId)) return this.#addMember(fx, group, request, nowMs)
    const error = group.memberError(memberId, request.groupInstanceId)
    if (error !== undefined) return refuse(error)
    const member = group.members.get(memberId) as ClassicMember
    const isSame = matchesProtocols(member, request.protocols)
    switch (group.state) {
      case PreparingRebalance:
        return this.#updateAndRebalance(fx, group, member, request, nowMs)
      case CompletingRebalance:
        // The reply was lost: the member repeats its request for the generation that waits for the
        // leader.
        if (isSame) return this.#replyCurrent(fx, group, member, request)
        return this.#updateAndRebalance(fx, group, member, request, nowMs)
      case Stable:
        if (group.leaderId === memberId || !isSame) {
          return this.#updateAndRebalance(fx, group, member, request, nowMs)
        }
        return this.#replyCurrent(fx, group, member, request)
      default:
        return refuse('UNKNOWN_MEMBER_ID')
    }
  }

  /** A static member that restarted: it replaces its previous instance, which is fenced. */
  #rejoinStatic(
    fx: GroupEffects,
    group: ClassicGroup,
    request: JoinRequest,
    known: { readonly oldId: string; readonly groupInstanceId: string; readonly nowMs: number },
  ): void {
    const { oldId, groupInstanceId, nowMs } = known
    const old = group.members.get(oldId) as ClassicMember
    fx.reply(old.awaitingJoin, joinError('FENCED_INSTANCE_ID', oldId))
    fx.reply(old.awaitingSync, syncError('FENCED_INSTANCE_ID'))
    fx.cancelTimer(sessionKey(group.groupId, oldId))
    const isSame = matchesProtocols(old, request.protocols)
    const member = group.replaceStaticMember(groupInstanceId, oldId, request.memberId)
    this.#update(member, request)
    this.#setSession(fx, group, member.memberId, nowMs + member.sessionTimeoutMs)
    if (group.isIn(Stable) && isSame) {
      // The assignment is unchanged: no rebalance, and the log records the new member id.
      fx.records.push(groupMetadataRecord(group))
      const isLeader = group.leaderId === member.memberId
      const canSkipAssignment = isLeader && request.supportsSkippingAssignment
      fx.reply(request.token, {
        ...this.#joinReply(group, member),
        // Clients that do not know `skipAssignment` must not be leader, or they would assign
        // without a rebalance.
        leaderId: isLeader && !canSkipAssignment ? oldId : (group.leaderId ?? ''),
        skipAssignment: canSkipAssignment,
        members: canSkipAssignment ? memberList(group) : [],
      } satisfies JoinReply)
      return
    }
    this.#await(member, request)
    if (group.isIn(Stable, CompletingRebalance)) {
      this.#prepareRebalance(fx, group, nowMs)
    } else if (group.isIn(PreparingRebalance)) this.#tryCompleteJoin(fx, group, nowMs)
  }

  #update(member: ClassicMember, request: JoinRequest): void {
    member.protocols = request.protocols
    member.sessionTimeoutMs = request.sessionTimeoutMs
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
    member.clientId = request.clientId
    member.clientHost = request.clientHost
  }

  #await(member: ClassicMember, request: JoinRequest): void {
    member.awaitingJoin = request.token
  }

  #addMember(fx: GroupEffects, group: ClassicGroup, request: JoinRequest, nowMs: number): void {
    const member: ClassicMember = {
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: request.clientId,
      clientHost: request.clientHost,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocols: request.protocols,
      assignment: Buffer.alloc(0),
      awaitingJoin: request.token,
      awaitingSync: undefined,
      isNew: true,
    }
    if (group.isIn(PreparingRebalance) && group.generationId === 0) group.newMemberAdded = true
    group.add(member, request.protocolType)
    // The member cannot heartbeat before its generation starts, so its timeout is longer.
    this.#setSession(fx, group, member.memberId, nowMs + NEW_MEMBER_JOIN_TIMEOUT_MS)
    this.#rebalanceIfPossible(fx, group, nowMs)
  }

  #updateAndRebalance(
    fx: GroupEffects,
    group: ClassicGroup,
    member: ClassicMember,
    request: JoinRequest,
    nowMs: number,
  ): void {
    fx.reply(member.awaitingJoin, joinError('REBALANCE_IN_PROGRESS', member.memberId))
    this.#update(member, request)
    this.#await(member, request)
    this.#rebalanceIfPossible(fx, group, nowMs)
  }

  #replyCurrent(
    fx: GroupEffects,
    group: ClassicGroup,
    member: ClassicMember,
    request: JoinRequest,
  ): void {
    const isLeader = group.leaderId === member.memberId
    fx.reply(request.token, {
      ...this.#joinReply(group, member),
      members: isLeader && group.isIn(CompletingRebalance) ? memberList(group) : [],
    } satisfies JoinReply)
  }

  #joinReply(group: ClassicGroup, member: ClassicMember): JoinReply {
    return {
      error: 'NONE',
      memberId: member.memberId,
      generationId: group.generationId,
      protocolType: group.protocolType ?? null,
      protocolName: group.protocolName ?? null,
      leaderId: group.leaderId ?? '',
      skipAssignment: false,
      members: [],
    }
  }

  // ----------------------------------------------------------------------------------------------
  // rebalancing

  #rebalanceIfPossible(fx: GroupEffects, group: ClassicGroup, nowMs: number): void {
    if (group.isIn(Stable, CompletingRebalance, Empty)) this.#prepareRebalance(fx, group, nowMs)
    else if (group.isIn(PreparingRebalance)) this.#tryCompleteJoin(fx, group, nowMs)
  }

  #prepareRebalance(fx: GroupEffects, group: ClassicGroup, nowMs: number): void {
    if (group.isIn(CompletingRebalance)) this.#failSyncs(fx, group, 'REBALANCE_IN_PROGRESS')
    fx.cancelTimer(pendingSyncKey(group.groupId))
    group.pendingSyncs.clear()
    const wasEmpty = group.isIn(Empty)
    group.transitionTo(PreparingRebalance, nowMs)
    const delay = this.#config.initialRebalanceDelayMs
    if (wasEmpty && delay > 0) {
      group.newMemberAdded = false
      const remainingMs = Math.max(group.rebalanceTimeoutMs - delay, 0)
      fx.setTimer(joinKey(group.groupId), nowMs + delay, {
        kind: 'initialJoin',
        groupId: group.groupId,
        remainingMs,
      })
    } else if (wasEmpty) this.#completeJoin(fx, group, nowMs)
    else this.#tryCompleteJoin(fx, group, nowMs, true)
  }

  #tryCompleteJoin(fx: GroupEffects, group: ClassicGroup, nowMs: number, schedule = false): void {
    const isDelayed = group.generationId === 0 && this.#config.initialRebalanceDelayMs > 0
    if (group.allMembersJoined && !isDelayed) this.#completeJoin(fx, group, nowMs)
    else if (schedule) {
      fx.setTimer(joinKey(group.groupId), nowMs + group.rebalanceTimeoutMs, {
        kind: 'join',
        groupId: group.groupId,
      })
    }
  }

  /**
   * Starts the next generation with the members that have joined; other dynamic members are
   * removed.
   */
  #completeJoin(fx: GroupEffects, group: ClassicGroup, nowMs: number): void {
    fx.cancelTimer(joinKey(group.groupId))
    for (const member of [...group.members.values()]) {
      if (member.awaitingJoin !== undefined || member.groupInstanceId !== null) continue
      group.remove(member.memberId)
      fx.cancelTimer(sessionKey(group.groupId, member.memberId))
    }
    if (group.members.size > 0 && !electJoinedLeader(group)) {
      // Only static members are missing: wait for another rebalance timeout.
      fx.setTimer(joinKey(group.groupId), nowMs + group.rebalanceTimeoutMs, {
        kind: 'join',
        groupId: group.groupId,
      })
      return
    }
    group.generationId += 1
    if (group.members.size === 0) {
      group.protocolName = undefined
      group.leaderId = undefined
      group.transitionTo(Empty, nowMs)
      fx.records.push(groupMetadataRecord(group))
      return
    }
    group.protocolName = group.selectProtocol()
    group.transitionTo(CompletingRebalance, nowMs)
    group.pendingSyncs.clear()
    for (const member of group.members.values()) {
      const isLeader = group.leaderId === member.memberId
      fx.reply(member.awaitingJoin, {
        ...this.#joinReply(group, member),
        members: isLeader ? memberList(group) : [],
      } satisfies JoinReply)
      member.awaitingJoin = undefined
      member.isNew = false
      group.pendingSyncs.add(member.memberId)
      this.#setSession(fx, group, member.memberId, nowMs + member.sessionTimeoutMs)
    }
    fx.setTimer(pendingSyncKey(group.groupId), nowMs + group.rebalanceTimeoutMs, {
      kind: 'pendingSync',
      groupId: group.groupId,
      generationId: group.generationId,
    })
  }

  #failSyncs(fx: GroupEffects, group: ClassicGroup, error: ErrorName): void {
    for (const member of group.members.values()) {
      member.assignment = Buffer.alloc(0)
      fx.reply(member.awaitingSync, syncError(error))
      member.awaitingSync = undefined
    }
  }

  // ----------------------------------------------------------------------------------------------
  // syncing

  sync(fx: GroupEffects, request: SyncRequest, nowMs: number): void {
    const refuse = (error: ErrorName): void => fx.reply(request.token, syncError(error))
    if (request.groupId === '') return refuse('INVALID_GROUP_ID')
    const group = this.#find(request.groupId)
    if (group === undefined) return refuse('UNKNOWN_MEMBER_ID')
    if (group.isIn(Dead)) return refuse('COORDINATOR_NOT_AVAILABLE')
    const error = group.memberError(request.memberId, request.groupInstanceId)
    if (error !== undefined) return refuse(error)
    if (request.generationId !== group.generationId) return refuse('ILLEGAL_GENERATION')
    if (
      isOther(request.protocolType, group.protocolType) ||
      isOther(request.protocolName, group.protocolName)
    ) {
      return refuse('INCONSISTENT_GROUP_PROTOCOL')
    }
    const member = group.members.get(request.memberId) as ClassicMember
    group.pendingSyncs.delete(member.memberId)
    switch (group.state) {
      case PreparingRebalance:
        return refuse('REBALANCE_IN_PROGRESS')
      case CompletingRebalance:
        fx.reply(member.awaitingSync, syncError('REBALANCE_IN_PROGRESS'))
        member.awaitingSync = request.token
        if (group.leaderId === member.memberId) this.#assign(fx, group, request, nowMs)
        return
      case Stable:
        this.#setSession(fx, group, member.memberId, nowMs + member.sessionTimeoutMs)
        fx.reply(request.token, syncReply(group, member))
        return
      default:
        return refuse('UNKNOWN_MEMBER_ID')
    }
  }

  #assign(fx: GroupEffects, group: ClassicGroup, request: SyncRequest, nowMs: number): void {
    const assignments = new Map(
      request.assignments.map((entry) => [entry.memberId, entry.assignment]),
    )
    for (const member of group.members.values()) {
      member.assignment = assignments.get(member.memberId) ?? Buffer.alloc(0)
    }
    group.transitionTo(Stable, nowMs)
    fx.records.push(groupMetadataRecord(group))
    for (const member of group.members.values()) {
      if (member.awaitingSync === undefined) continue
      fx.reply(member.awaitingSync, syncReply(group, member))
      member.awaitingSync = undefined
      this.#setSession(fx, group, member.memberId, nowMs + member.sessionTimeoutMs)
    }
    if (group.pendingSyncs.size === 0) fx.cancelTimer(pendingSyncKey(group.groupId))
  }

  // ----------------------------------------------------------------------------------------------
  // heartbeats, leaving

  heartbeat(fx: GroupEffects, request: HeartbeatRequest, nowMs: number): ErrorName {
    if (request.groupId === '') return 'INVALID_GROUP_ID'
    const group = this.#find(request.groupId)
    if (group === undefined) return 'UNKNOWN_MEMBER_ID'
    if (group.isIn(Dead)) return 'COORDINATOR_NOT_AVAILABLE'
    const error = group.memberError(request.memberId, request.groupInstanceId)
    if (error !== undefined) return error
    if (request.generationId !== group.generationId) return 'ILLEGAL_GENERATION'
    if (group.isIn(Empty)) return 'UNKNOWN_MEMBER_ID'
    this.touch(fx, group, request.memberId, nowMs)
    return group.isIn(PreparingRebalance) ? 'REBALANCE_IN_PROGRESS' : 'NONE'
  }

  /** Counts as a heartbeat. */
  touch(fx: GroupEffects, group: ClassicGroup, memberId: string, nowMs: number): void {
    const member = group.members.get(memberId)
    if (member !== undefined) this.#setSession(fx, group, memberId, nowMs + member.sessionTimeoutMs)
  }

  leave(fx: GroupEffects, request: LeaveRequest, nowMs: number): LeaveReply {
    const group = this.#find(request.groupId)
    if (request.groupId === '') return { error: 'INVALID_GROUP_ID', members: [] }
    if (group?.isIn(Dead)) return { error: 'COORDINATOR_NOT_AVAILABLE', members: [] }
    const members = request.members.map((leaving) => ({
      ...leaving,
      error: group === undefined ? 'UNKNOWN_MEMBER_ID' : this.#leaveOne(fx, group, leaving),
    })) satisfies LeaveReply['members']
    if (group !== undefined && members.some((member) => member.error === 'NONE')) {
      this.#afterRemoval(fx, group, nowMs)
    }
    return { error: 'NONE', members }
  }

  #leaveOne(
    fx: GroupEffects,
    group: ClassicGroup,
    leaving: { readonly memberId: string; readonly groupInstanceId: string | null },
  ): ErrorName {
    const { groupInstanceId } = leaving
    let { memberId } = leaving
    if (groupInstanceId !== null) {
      const known = group.staticMembers.get(groupInstanceId)
      if (known === undefined) return 'UNKNOWN_MEMBER_ID'
      if (memberId !== '' && memberId !== known) return 'FENCED_INSTANCE_ID'
      memberId = known
    } else if (group.pendingJoins.delete(memberId)) {
      fx.cancelTimer(sessionKey(group.groupId, memberId))
      return 'NONE'
    }
    if (!group.members.has(memberId)) return 'UNKNOWN_MEMBER_ID'
    this.#removeMember(fx, group, memberId)
    return 'NONE'
  }

  #removeMember(fx: GroupEffects, group: ClassicGroup, memberId: string): void {
    const member = group.remove(memberId)
    fx.cancelTimer(sessionKey(group.groupId, memberId))
    fx.reply(member?.awaitingJoin, joinError('UNKNOWN_MEMBER_ID', ''))
    fx.reply(member?.awaitingSync, syncError('UNKNOWN_MEMBER_ID'))
  }

  #afterRemoval(fx: GroupEffects, group: ClassicGroup, nowMs: number): void {
    if (group.isIn(Stable, CompletingRebalance)) this.#prepareRebalance(fx, group, nowMs)
    else if (group.isIn(PreparingRebalance)) this.#tryCompleteJoin(fx, group, nowMs)
  }

  /**
   * The group continues under the consumer protocol: waiting requests must rejoin, and its classic
   * timers are cancelled.
   */
  dissolve(fx: GroupEffects, group: ClassicGroup): void {
    const { groupId } = group
    for (const member of group.members.values()) {
      fx.reply(member.awaitingJoin, joinError('REBALANCE_IN_PROGRESS', member.memberId))
      fx.reply(member.awaitingSync, syncError('REBALANCE_IN_PROGRESS'))
      fx.cancelTimer(sessionKey(groupId, member.memberId))
    }
    for (const memberId of group.pendingJoins.keys()) fx.cancelTimer(sessionKey(groupId, memberId))
    fx.cancelTimer(joinKey(groupId))
    fx.cancelTimer(pendingSyncKey(groupId))
  }

  /**
   * A group converted from the consumer protocol: starts its members' sessions, and a rebalance if
   * needed.
   */
  adopt(
    fx: GroupEffects,
    group: ClassicGroup,
    { rebalance, nowMs }: { readonly rebalance: boolean; readonly nowMs: number },
  ): void {
    for (const { memberId, sessionTimeoutMs } of group.members.values()) {
      this.#setSession(fx, group, memberId, nowMs + sessionTimeoutMs)
    }
    if (rebalance) this.#prepareRebalance(fx, group, nowMs)
  }

  // ----------------------------------------------------------------------------------------------
  // time

  /** Handles a timer that is due. */
  expire(fx: GroupEffects, timer: ClassicTimer, nowMs: number): void {
    const group = this.#find(timer.groupId)
    if (group === undefined || group.isIn(Dead)) return
    switch (timer.kind) {
      case 'session':
        return this.#expireSession(fx, group, timer.memberId, nowMs)
      case 'initialJoin':
        return this.#expireInitialJoin(fx, group, timer.remainingMs, nowMs)
      case 'join':
        if (group.isIn(PreparingRebalance)) this.#completeJoin(fx, group, nowMs)
        return
      case 'pendingSync':
        return this.#expirePendingSync(fx, group, timer.generationId, nowMs)
    }
  }

  #expireSession(fx: GroupEffects, group: ClassicGroup, memberId: string, nowMs: number): void {
    if (group.pendingJoins.delete(memberId)) {
      if (group.isIn(PreparingRebalance)) this.#tryCompleteJoin(fx, group, nowMs)
      return
    }
    const member = group.members.get(memberId)
    if (member === undefined) return
    const isWaiting = member.awaitingJoin !== undefined || member.awaitingSync !== undefined
    if (isWaiting && !member.isNew) {
      this.#setSession(fx, group, memberId, nowMs + member.sessionTimeoutMs)
      return
    }
    this.#removeMember(fx, group, memberId)
    this.#afterRemoval(fx, group, nowMs)
  }

  /** The initial rebalance delay is extended while members keep joining (KIP-134). */
  #expireInitialJoin(
    fx: GroupEffects,
    group: ClassicGroup,
    remainingMs: number,
    nowMs: number,
  ): void {
    if (!group.isIn(PreparingRebalance)) return
    if (group.newMemberAdded && remainingMs > 0) {
      group.newMemberAdded = false
      const delay = Math.min(this.#config.initialRebalanceDelayMs, remainingMs)
      fx.setTimer(joinKey(group.groupId), nowMs + delay, {
        kind: 'initialJoin',
        groupId: group.groupId,
        remainingMs: remainingMs - delay,
      })
      return
    }
    this.#completeJoin(fx, group, nowMs)
  }

  #expirePendingSync(
    fx: GroupEffects,
    group: ClassicGroup,
    generationId: number,
    nowMs: number,
  ): void {
    if (group.generationId !== generationId || !group.isIn(CompletingRebalance, Stable)) return
    if (group.pendingSyncs.size === 0) return
    for (const memberId of [...group.pendingSyncs]) this.#removeMember(fx, group, memberId)
    this.#prepareRebalance(fx, group, nowMs)
  }

  /** After the log was replayed: restarts the sessions of the members in it. */
  restoreTimers(fx: GroupEffects, nowMs: number): void {
    for (const group of this.#groups.values()) {
      if (!(group instanceof ClassicGroup)) continue
      for (const member of group.members.values()) {
        this.#setSession(fx, group, member.memberId, nowMs + member.sessionTimeoutMs)
      }
    }
  }

  #setSession(fx: GroupEffects, group: ClassicGroup, memberId: string, dueMs: number): void {
    const { groupId } = group
    fx.setTimer(sessionKey(groupId, memberId), dueMs, { kind: 'session', groupId, memberId })
  }
}

function sessionKey(groupId: string, memberId: string): string {
  return `session/${groupId}/${memberId}`
}
function joinKey(groupId: string): string {
  return `join/${groupId}`
}
function pendingSyncKey(groupId: string): string {
  return `sync/${groupId}`
}

function isOther(given: string | null, current: string | undefined): boolean {
  return given !== null && given !== current
}

/** Makes a member that has joined the leader; false if there is none. */
function electJoinedLeader(group: ClassicGroup): boolean {
  const leader = group.leaderId === undefined ? undefined : group.members.get(group.leaderId)
  if (leader?.awaitingJoin !== undefined) return true
  for (const member of group.members.values()) {
    if (member.awaitingJoin !== undefined) {
      group.leaderId = member.memberId
      return true
    }
  }
  return false
}

function memberList(group: ClassicGroup): JoinReply['members'] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: metadataOf(member, group.protocolName),
  }))
}

function syncReply(group: ClassicGroup, member: ClassicMember): SyncReply {
  return {
    error: 'NONE',
    protocolType: group.protocolType ?? null,
    protocolName: group.protocolName ?? null,
    assignment: member.assignment,
  }
}

/** The persistent state of a group: its stable generation. */
export function groupMetadataRecord(group: ClassicGroup): GroupRecord {
  return {
    kind: 'groupMetadata',
    key: { group: group.groupId },
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: group.protocolName ?? null,
      leader: group.leaderId ?? null,
      currentStateTimestamp: BigInt(group.stateSinceMs),
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: metadataOf(member, group.protocolName),
        assignment: member.assignment,
      })),
    },
  }
}
