// SPDX-License-Identifier: Apache-2.0
import { guard, MillraceError, type Timer } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  HeartbeatRequest,
  HeartbeatResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  type MessageOf,
  ProtocolError,
  SyncGroupRequest,
  SyncGroupResponse,
} from '@millrace/protocol'
import type { Cluster } from '../../metadata/cluster.ts'
import type { TopicPartition } from '../../topic-partition.ts'
import type { Assignor, GroupMember } from './assignor.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'
import {
  coordinatorMoved,
  type Generation,
  type GroupLink,
  type JoinResult,
  type JoinSubscription,
  type Membership,
} from './membership.ts'

export interface ClassicMembershipOptions {
  readonly groupId: string
  readonly groupInstanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxPollIntervalMs: number
  readonly assignors: readonly Assignor[]
  readonly rackId: string
}

/** Margin for the broker to answer a join that lasted the whole rebalance. */
const JOIN_GRACE_MS = 5000

/**
 * Membership in a classic group: join, sync, heartbeat, leave. Heartbeats have their own timer and
 * connection, however slow the application is; if it is slower than `maxPollIntervalMs`, the member
 * leaves, as Java's does.
 */
export class ClassicMembership implements Membership {
  readonly #cluster: Cluster
  readonly #link: GroupLink
  readonly #options: ClassicMembershipOptions
  readonly #onChange: () => void
  #memberId = ''
  #generationId = -1
  #previousGenerationId = -1
  #isHeartbeating = false
  #timer: Timer | undefined
  #lastHeartbeatOkMs = 0
  /** Set when the group expects this member to join again. */
  needsJoin = true
  /** Set when the partitions were assigned to others without this member's consent. */
  isLost = false
  /** Set when the membership cannot continue. */
  fatal: Error | undefined
  /** When the application last made progress. */
  lastProgressMs: () => number

  constructor(link: GroupLink, options: ClassicMembershipOptions, onChange: () => void) {
    const { cluster } = link
    this.#cluster = cluster
    this.#link = link
    this.#options = options
    this.#onChange = onChange
    this.lastProgressMs = () => cluster.clock.monotonic()
  }

  get generation(): Generation {
    return {
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupInstanceId: this.#options.groupInstanceId ?? null,
    }
  }

  get isMember(): boolean {
    return this.#generationId >= 0
  }

  /** Whether all offered assignors keep partitions through a rebalance. */
  get isCooperative(): boolean {
    return this.#options.assignors.every(({ protocols }) => protocols.includes('cooperative'))
  }

  assignmentApplied(_owned: readonly TopicPartition[], tookAway: boolean): void {
    // Revoked partitions are assigned to others in the rebalance that follows (KIP-429).
    if (tookAway) this.requestJoin()
  }

  /** Joins until the group is stable. Rejects with errors that a retry cannot resolve. */
  async join(subscription: JoinSubscription): Promise<JoinResult> {
    for (let attempt = 0; ; attempt++) {
      if (this.#cluster.isClosed)
        throw new MillraceError('MILLRACE_CLOSED', 'the consumer is closed')
      this.needsJoin = false
      try {
        const result = await this.#joinOnce(subscription)
        if (result !== undefined) {
          this.#startHeartbeats()
          return result
        }
      } catch (error) {
        if (!(error instanceof MillraceError && error.retriable)) throw error
        await this.#cluster.backOff(attempt)
      }
    }
  }

  /** One attempt; undefined if the group asked for an immediate retry. */
  async #joinOnce(subscription: JoinSubscription): Promise<JoinResult | undefined> {
    const { groupId, assignors, sessionTimeoutMs, maxPollIntervalMs } = this.#options
    const groupInstanceId = this.#options.groupInstanceId ?? null
    // From here the broker waits for the join, not for heartbeats.
    this.#stopHeartbeats()
    const joined = await this.#link.request(
      JoinGroupRequest,
      JoinGroupResponse,
      {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs: maxPollIntervalMs,
        memberId: this.#memberId,
        groupInstanceId,
        protocolType: 'consumer',
        protocols: assignors.map((assignor) => ({
          name: assignor.name,
          metadata: encodeSubscription({
            topics: subscription.topics,
            owned: subscription.owned,
            generationId: this.#generationId,
            rackId: this.#options.rackId === '' ? null : this.#options.rackId,
            userData:
              assignor.userData?.(subscription.previous, this.#previousGenerationId) ?? null,
          }),
        })),
      },
      { timeoutMs: Math.max(maxPollIntervalMs + JOIN_GRACE_MS, sessionTimeoutMs) },
    )
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = joined.memberId
      return undefined
    }
    if (joined.errorCode !== ErrorCode.NONE) return this.#refused('JoinGroup', joined.errorCode)
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    this.#previousGenerationId = joined.generationId
    const isLeader = joined.leader === joined.memberId
    const plan = isLeader && !joined.skipAssignment ? await this.#plan(joined) : undefined
    const synced = await this.#link.request(SyncGroupRequest, SyncGroupResponse, {
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupInstanceId,
      protocolType: 'consumer',
      protocolName: joined.protocolName,
      assignments: plan?.assignments ?? [],
    })
    if (synced.errorCode !== ErrorCode.NONE) return this.#refused('SyncGroup', synced.errorCode)
    return {
      assigned: decodeAssignment(synced.assignment),
      watched: isLeader ? (plan?.partitionCounts ?? (await this.#countsFor(joined))) : undefined,
    }
  }

  /** Assignment of all members, by the leader. */
  async #plan(joined: MessageOf<typeof JoinGroupResponse>): Promise<{
    readonly assignments: { readonly memberId: string; readonly assignment: Buffer }[]
    readonly partitionCounts: ReadonlyMap<string, number>
  }> {
    const { protocolName } = joined
    const assignor = this.#options.assignors.find(({ name }) => name === protocolName)
    if (assignor === undefined) {
      throw new MillraceError(
        'MILLRACE_UNKNOWN_ASSIGNOR',
        `group ${this.#options.groupId} chose assignor ${protocolName}, which was not offered`,
      )
    }
    const members = membersOf(joined)
    const partitionCounts = await this.#countsFor(joined)
    const { topics, nodes } = this.#cluster.metadata
    const plan = assignor.assign({
      members,
      partitionCounts,
      racks: ({ topic, partition }) =>
        (topics.get(topic)?.partitions[partition]?.replicas ?? []).flatMap((replica) => {
          const rack = nodes.get(replica)?.rack
          return rack === null || rack === undefined ? [] : [rack]
        }),
    })
    return {
      assignments: members.map(({ memberId }) => ({
        memberId,
        assignment: encodeAssignment(plan.get(memberId) ?? []),
      })),
      partitionCounts,
    }
  }

  /**
   * Partition counts of all subscribed topics; other members may subscribe to topics that this
   * client has never looked up.
   */
  async #countsFor(joined: MessageOf<typeof JoinGroupResponse>): Promise<Map<string, number>> {
    const wanted = new Set(membersOf(joined).flatMap(({ topics }) => topics))
    const { metadata } = this.#cluster
    const isNew = this.#cluster.track(wanted)
    if (isNew || [...wanted].some((topic) => !metadata.topics.has(topic))) {
      await this.#cluster.refresh()
    }
    const counts = new Map<string, number>()
    for (const topic of wanted) {
      const known = this.#cluster.metadata.topics.get(topic)
      if (known !== undefined) counts.set(topic, known.partitions.length)
    }
    return counts
  }

  #refused(what: string, errorCode: number): undefined {
    const code = errorName(errorCode)
    const { groupId, groupInstanceId } = this.#options
    if (coordinatorMoved.has(errorCode)) this.#link.forget()
    else if (
      errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
      errorCode === ErrorCode.ILLEGAL_GENERATION
    ) {
      this.#forgetMembership(errorCode === ErrorCode.UNKNOWN_MEMBER_ID)
      return undefined
    } else if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) return undefined
    const instance = groupInstanceId === undefined ? '' : ` as ${groupInstanceId}`
    throw new ProtocolError(code, `${what} of group ${groupId}${instance} was refused: ${code}`)
  }

  #forgetMembership(forgetsId: boolean): void {
    this.#generationId = -1
    if (forgetsId) this.#memberId = ''
  }

  #startHeartbeats(): void {
    this.#isHeartbeating = true
    this.#lastHeartbeatOkMs = this.#cluster.clock.monotonic()
    this.#scheduleHeartbeat()
  }

  #stopHeartbeats(): void {
    this.#isHeartbeating = false
    this.#timer?.cancel()
  }

  #scheduleHeartbeat(): void {
    this.#timer?.cancel()
    if (!this.#isHeartbeating) return
    this.#timer = this.#cluster.clock.setTimer(this.#options.heartbeatIntervalMs, () => {
      guard(
        () => this.#heartbeat(),
        (error) => this.#fail(error),
      )
    })
  }

  async #heartbeat(): Promise<void> {
    const { monotonic } = this.#cluster.clock
    const now = monotonic()
    const { maxPollIntervalMs, sessionTimeoutMs, groupId } = this.#options
    if (now - this.lastProgressMs() > maxPollIntervalMs) {
      this.#cluster.options.logger.warn(
        'left the group: more than maxPollIntervalMs passed without a poll; handle fewer records at once or raise it',
        { groupId, maxPollIntervalMs },
      )
      this.#lose()
      await this.leave('consumer poll timeout has expired')
      return
    }
    try {
      const response = await this.#link.request(
        HeartbeatRequest,
        HeartbeatResponse,
        { groupId, ...this.generation },
        { timeoutMs: Math.min(sessionTimeoutMs, this.#cluster.options.requestTimeoutMs) },
      )
      if (!this.#isHeartbeating) return
      this.#heartbeatAnswered(response.errorCode)
    } catch (error) {
      if (!(error instanceof MillraceError && error.retriable)) {
        if (!this.#cluster.isClosed) this.#fail(error as Error)
        return
      }
      // Without a coordinator for this long, the partitions will have been assigned to others.
      if (monotonic() - this.#lastHeartbeatOkMs > sessionTimeoutMs && this.#isHeartbeating)
        this.#lose()
    }
    this.#scheduleHeartbeat()
  }

  #heartbeatAnswered(errorCode: number): void {
    switch (errorCode) {
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
        if (coordinatorMoved.has(errorCode)) this.#link.forget()
        return
      case ErrorCode.NONE:
        this.#lastHeartbeatOkMs = this.#cluster.clock.monotonic()
        return
      case ErrorCode.REBALANCE_IN_PROGRESS:
        this.#lastHeartbeatOkMs = this.#cluster.clock.monotonic()
        this.requestJoin()
        return
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        this.#lose(errorCode === ErrorCode.UNKNOWN_MEMBER_ID)
        return
      default: {
        const code = errorName(errorCode)
        this.#fail(new ProtocolError(code, `removed from group ${this.#options.groupId}: ${code}`))
      }
    }
  }

  /** Rejoins with the next poll. */
  requestJoin(): void {
    if (this.needsJoin) return
    this.needsJoin = true
    this.#onChange()
  }

  /** For callers that learn from another request that the group rebalanced without this member. */
  lose(): void {
    this.#lose(true)
  }

  #lose(forgetsId = false): void {
    this.#stopHeartbeats()
    this.isLost = true
    this.needsJoin = true
    this.#forgetMembership(forgetsId)
    this.#onChange()
  }

  #fail(error: Error): void {
    this.#stopHeartbeats()
    this.isLost = true
    this.fatal = error
    this.#generationId = -1
    this.#onChange()
  }

  /**
   * Leaves the group, so that it does not wait for the session to expire. Static members just stop.
   */
  async leave(reason: string): Promise<void> {
    this.#stopHeartbeats()
    const memberId = this.#memberId
    this.#forgetMembership(true)
    if (memberId === '' || this.#options.groupInstanceId !== undefined) return
    try {
      await this.#link.request(
        LeaveGroupRequest,
        LeaveGroupResponse,
        (version) =>
          version >= 3
            ? {
                groupId: this.#options.groupId,
                members: [{ memberId, groupInstanceId: null, ...(version >= 5 ? { reason } : {}) }],
              }
            : { groupId: this.#options.groupId, memberId },
        { timeoutMs: 5000 },
      )
    } catch (error) {
      // The session then expires.
      this.#cluster.options.logger.debug('could not leave the group', { error })
    }
  }

  close(): void {
    this.#stopHeartbeats()
  }
}

function membersOf(joined: MessageOf<typeof JoinGroupResponse>): GroupMember[] {
  return joined.members.map(({ memberId, groupInstanceId, metadata }) =>
    decodeSubscription(metadata, { memberId, groupInstanceId }),
  )
}
