// SPDX-License-Identifier: Apache-2.0
import { ByteReader } from '@millrace/base'
import { ConsumerProtocolSubscription, codecOf, type ErrorName } from '@millrace/protocol'
import type { CommitCheck, Committer, Group } from '../group.ts'
import type { GroupRecord } from '../group-record.ts'
import type { CommittedOffset } from '../offsets/committed-offsets.ts'
import type { ClassicMember, GroupProtocol } from './classic-member.ts'

export const ClassicGroupState = {
  Empty: 'Empty',
  PreparingRebalance: 'PreparingRebalance',
  CompletingRebalance: 'CompletingRebalance',
  Stable: 'Stable',
  Dead: 'Dead',
} as const
export type ClassicGroupState = (typeof ClassicGroupState)[keyof typeof ClassicGroupState]

/** State of one classic group: members, generation, and pending requests. */
export class ClassicGroup implements Group {
  readonly kind = 'classic'
  readonly groupId: string
  #state: ClassicGroupState = ClassicGroupState.Empty
  /** When the group entered the state; offsets of an empty group expire relative to it. */
  stateSinceMs: number
  generationId = 0
  protocolType: string | undefined
  protocolName: string | undefined
  leaderId: string | undefined
  readonly members = new Map<string, ClassicMember>()
  /**
   * Member ids assigned to clients that have yet to rejoin with them (KIP-394), with their session
   * timeouts.
   */
  readonly pendingJoins = new Map<string, number>()
  /** Member ids by `group.instance.id`. */
  readonly staticMembers = new Map<string, string>()
  /** Members that have not sent SyncGroup in this generation yet. */
  readonly pendingSyncs = new Set<string>()
  /** Whether a member joined since the initial delay was last set. */
  newMemberAdded = false

  constructor(groupId: string, nowMs: number) {
    this.groupId = groupId
    this.stateSinceMs = nowMs
  }

  get state(): ClassicGroupState {
    return this.#state
  }

  transitionTo(state: ClassicGroupState, nowMs: number): void {
    if (this.#state === state) return
    this.#state = state
    this.stateSinceMs = nowMs
  }

  isIn(...states: readonly ClassicGroupState[]): boolean {
    return states.includes(this.#state)
  }

  get isSimple(): boolean {
    return this.protocolType === undefined && this.members.size === 0
  }

  get isEmpty(): boolean {
    return this.#state === ClassicGroupState.Empty
  }

  memberError(memberId: string, groupInstanceId: string | null): ErrorName | undefined {
    if (groupInstanceId !== null) {
      const known = this.staticMembers.get(groupInstanceId)
      if (known === undefined) return 'UNKNOWN_MEMBER_ID'
      if (known !== memberId) return 'FENCED_INSTANCE_ID'
    }
    return this.members.has(memberId) ? undefined : 'UNKNOWN_MEMBER_ID'
  }

  checkCommit(committer: Committer): CommitCheck {
    if (this.isIn(ClassicGroupState.Dead)) return 'COORDINATOR_NOT_AVAILABLE'
    const { memberId, groupInstanceId, generationId, isTransactional } = committer
    if (generationId < 0 && this.isEmpty) return 'NONE'
    if (generationId >= 0 || memberId !== '' || groupInstanceId !== null) {
      const error = this.memberError(memberId, groupInstanceId)
      if (error !== undefined) return error
      if (generationId !== this.generationId) return 'ILLEGAL_GENERATION'
      // Producers older than KIP-447 send neither member id nor generation.
    } else if (!isTransactional && !this.isEmpty) return 'UNKNOWN_MEMBER_ID'
    const isAssigning = this.isIn(ClassicGroupState.CompletingRebalance)
    return !isTransactional && isAssigning ? 'REBALANCE_IN_PROGRESS' : 'NONE'
  }

  checkOffsetFetch(): ErrorName {
    return this.isIn(ClassicGroupState.Dead) ? 'GROUP_ID_NOT_FOUND' : 'NONE'
  }

  isSubscribed(topic: string): boolean | undefined {
    return this.isEmpty ? false : this.subscribedTopics?.has(topic)
  }

  expiresSince(topic: string, committed: CommittedOffset): bigint | undefined {
    if (this.protocolType === undefined) return committed.commitTimestampMs
    if (this.isEmpty) return BigInt(this.stateSinceMs)
    const subscribed = this.isIn(ClassicGroupState.Stable) ? this.subscribedTopics : undefined
    if (subscribed === undefined || subscribed.has(topic)) return undefined
    return committed.commitTimestampMs
  }

  isForgettable(nowMs: number, retentionMs: number, hadOffsets: boolean): boolean {
    if (!this.isEmpty) return false
    return hadOffsets || (this.generationId > 0 && nowMs - this.stateSinceMs >= retentionMs)
  }

  tombstones(): readonly GroupRecord[] {
    return [{ kind: 'groupMetadata', key: { group: this.groupId }, value: null }]
  }

  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.members.values())
      longest = Math.max(longest, member.rebalanceTimeoutMs)
    return longest
  }

  get allMembersJoined(): boolean {
    if (this.pendingJoins.size > 0) return false
    for (const member of this.members.values()) if (member.awaitingJoin === undefined) return false
    return true
  }

  add(member: ClassicMember, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType
    this.leaderId ??= member.memberId
    this.members.set(member.memberId, member)
    this.pendingJoins.delete(member.memberId)
    if (member.groupInstanceId !== null)
      this.staticMembers.set(member.groupInstanceId, member.memberId)
  }

  remove(memberId: string): ClassicMember | undefined {
    const member = this.members.get(memberId)
    this.members.delete(memberId)
    this.pendingJoins.delete(memberId)
    this.pendingSyncs.delete(memberId)
    if (member?.groupInstanceId !== null && member !== undefined) {
      if (this.staticMembers.get(member.groupInstanceId) === memberId) {
        this.staticMembers.delete(member.groupInstanceId)
      }
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value
    return member
  }

  /**
   * Assigns a new member id to a static member that rejoined; the rest of its state is unchanged.
   */
  replaceStaticMember(groupInstanceId: string, oldId: string, newId: string): ClassicMember {
    const old = this.members.get(oldId) as ClassicMember
    const replacement: ClassicMember = {
      ...old,
      memberId: newId,
      awaitingJoin: undefined,
      awaitingSync: undefined,
    }
    const entries = [...this.members].map(([id, member]): [string, ClassicMember] =>
      id === oldId ? [newId, replacement] : [id, member],
    )
    this.members.clear()
    for (const [id, member] of entries) this.members.set(id, member)
    if (this.leaderId === oldId) this.leaderId = newId
    if (this.pendingSyncs.delete(oldId)) this.pendingSyncs.add(newId)
    this.staticMembers.set(groupInstanceId, newId)
    return replacement
  }

  /**
   * Whether a member with these protocols can join: all members must have one protocol in common.
   */
  supportsProtocols(protocolType: string, protocols: readonly GroupProtocol[]): boolean {
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0
    if (protocolType !== this.protocolType) return false
    return protocols.some(({ name }) => this.#isKnownToAll(name))
  }

  #isKnownToAll(protocolName: string): boolean {
    for (const member of this.members.values()) {
      if (!member.protocols.some((protocol) => protocol.name === protocolName)) return false
    }
    return true
  }

  /** The protocol that most members prefer among those that all support. */
  selectProtocol(): string {
    const [first] = this.members.values()
    const candidates = (first?.protocols ?? []).filter(({ name }) => this.#isKnownToAll(name))
    const votes = new Map<string, number>()
    for (const member of this.members.values()) {
      const choice = member.protocols.find(({ name }) =>
        candidates.some((candidate) => candidate.name === name),
      )
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let best = candidates[0]?.name ?? ''
    for (const [name, count] of votes) if (count > (votes.get(best) ?? 0)) best = name
    return best
  }

  /** Topics that its consumers subscribe to; undefined if they cannot be decoded. */
  get subscribedTopics(): ReadonlySet<string> | undefined {
    if (this.protocolType !== 'consumer' || this.protocolName === undefined) return undefined
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      const protocol = member.protocols.find(({ name }) => name === this.protocolName)
      if (protocol === undefined) continue
      const subscribed = subscriptionTopics(protocol.metadata)
      if (subscribed === undefined) return undefined
      for (const topic of subscribed) topics.add(topic)
    }
    return topics
  }
}

/**
 * Topics of a consumer's subscription; undefined if the bytes are not one. Newer versions only
 * append fields.
 */
function subscriptionTopics(metadata: Buffer): readonly string[] | undefined {
  try {
    const reader = new ByteReader(metadata)
    const version = Math.min(reader.int16(), 3)
    if (version < 0) return undefined
    return codecOf(ConsumerProtocolSubscription, version).decode(reader).topics
  } catch {
    return undefined
  }
}
