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
  ProtocolError,
  SyncGroupRequest,
  SyncGroupResponse,
} from '@millrace/protocol'
import type { Cluster } from '../../metadata/cluster.ts'
import { coordinatorMoved, type Generation, type GroupLink } from './membership.ts'

export interface ClassicMemberOptions {
  /** Kind of the group, such as `consumer`; all members have the same. */
  readonly protocolType: string
  readonly groupInstanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Time for all members to join again in a rebalance. */
  readonly rebalanceTimeoutMs: number
}

/** A protocol that a member offers, in the order of preference. */
export interface OfferedProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** The group after a JoinGroup. */
export interface JoinedGroup {
  readonly generationId: number
  readonly memberId: string
  readonly isLeader: boolean
  readonly protocolName: string
  /** All members, if this one leads the group; else empty. */
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly metadata: Buffer
  }[]
}

/** What a join needs of its caller. */
export interface ClassicJoin {
  /** Protocols that are offered; called for each attempt. */
  readonly protocols: () => readonly OfferedProtocol[]
  /** Assignment of all members, by the leader. */
  readonly assign: (
    group: JoinedGroup,
  ) => Promise<readonly { readonly memberId: string; readonly assignment: Buffer }[]>
}

/** Margin for the broker to answer a join that lasted the whole rebalance. */
const JOIN_GRACE_MS = 5000

/**
 * A member of a classic group of any protocol type: join, sync, heartbeat, leave. Heartbeats have
 * their own timer and connection, however slow the application is.
 */
export class ClassicMember {
  readonly #cluster: Cluster
  readonly #link: GroupLink
  readonly #options: ClassicMemberOptions
  readonly #onChange: () => void
  #memberId = ''
  #generationId = -1
  #isHeartbeating = false
  #timer: Timer | undefined
  #lastHeartbeatOkMs = 0
  /** Set when the group expects this member to join again. */
  needsJoin = true
  /** Set when the partitions were assigned to others without this member's consent. */
  isLost = false
  /** Set when the membership cannot continue. */
  fatal: Error | undefined
  /** Called before each heartbeat; a reason ends the membership. */
  reasonToLeave: () => string | undefined = () => undefined
  #heldUntilMs = Number.NEGATIVE_INFINITY

  constructor(link: GroupLink, options: ClassicMemberOptions, onChange: () => void) {
    this.#cluster = link.cluster
    this.#link = link
    this.#options = options
    this.#onChange = onChange
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

  /**
   * Monotonic time until which the coordinator does not remove this member, however long it pauses:
   * the session time-out after it sent the last request that was answered.
   */
  get heldUntilMs(): number {
    return this.isMember && !this.needsJoin ? this.#heldUntilMs : Number.NEGATIVE_INFINITY
  }

  #hold(sentMs: number): void {
    this.#heldUntilMs = sentMs + this.#options.sessionTimeoutMs
  }

  /** Joins until the group is stable. Rejects with errors that a retry cannot resolve. */
  async join(
    join: ClassicJoin,
  ): Promise<{ readonly group: JoinedGroup; readonly assignment: Buffer }> {
    for (let attempt = 0; ; attempt++) {
      if (this.#cluster.isClosed) throw new MillraceError('MILLRACE_CLOSED', 'the member is closed')
      this.needsJoin = false
      try {
        const result = await this.#joinOnce(join)
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
  async #joinOnce(
    join: ClassicJoin,
  ): Promise<{ readonly group: JoinedGroup; readonly assignment: Buffer } | undefined> {
    const { protocolType, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const { groupId } = this.#link
    const groupInstanceId = this.#options.groupInstanceId ?? null
    // From here the broker waits for the join, not for heartbeats.
    this.#stopHeartbeats()
    const joined = await this.#link.request(
      JoinGroupRequest,
      JoinGroupResponse,
      {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        groupInstanceId,
        protocolType,
        protocols: [...join.protocols()],
      },
      { timeoutMs: Math.max(rebalanceTimeoutMs + JOIN_GRACE_MS, sessionTimeoutMs) },
    )
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = joined.memberId
      return undefined
    }
    if (joined.errorCode !== ErrorCode.NONE) return this.#refused('JoinGroup', joined.errorCode)
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    const group: JoinedGroup = {
      generationId: joined.generationId,
      memberId: joined.memberId,
      isLeader: joined.leader === joined.memberId,
      protocolName: joined.protocolName ?? '',
      members: joined.members,
    }
    const assignments = group.isLeader && !joined.skipAssignment ? await join.assign(group) : []
    const sentMs = this.#cluster.clock.monotonic()
    const synced = await this.#link.request(SyncGroupRequest, SyncGroupResponse, {
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupInstanceId,
      protocolType,
      protocolName: joined.protocolName,
      assignments: [...assignments],
    })
    if (synced.errorCode !== ErrorCode.NONE) return this.#refused('SyncGroup', synced.errorCode)
    this.#hold(sentMs)
    return { group, assignment: synced.assignment }
  }

  #refused(what: string, errorCode: number): undefined {
    const code = errorName(errorCode)
    const { groupInstanceId } = this.#options
    const { groupId } = this.#link
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
    const { sessionTimeoutMs } = this.#options
    const { groupId } = this.#link
    const reason = this.reasonToLeave()
    if (reason !== undefined) {
      this.#lose()
      await this.leave(reason)
      return
    }
    const sentMs = monotonic()
    try {
      const response = await this.#link.request(
        HeartbeatRequest,
        HeartbeatResponse,
        { groupId, ...this.generation },
        { timeoutMs: Math.min(sessionTimeoutMs, this.#cluster.options.requestTimeoutMs) },
      )
      if (!this.#isHeartbeating) return
      this.#heartbeatAnswered(response.errorCode, sentMs)
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

  #heartbeatAnswered(errorCode: number, sentMs: number): void {
    switch (errorCode) {
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
        if (coordinatorMoved.has(errorCode)) this.#link.forget()
        return
      case ErrorCode.NONE:
        this.#lastHeartbeatOkMs = this.#cluster.clock.monotonic()
        this.#hold(sentMs)
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
        this.#fail(new ProtocolError(code, `removed from group ${this.#link.groupId}: ${code}`))
      }
    }
  }

  /** A join is due, as the metadata changed or the group rebalances. */
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
                groupId: this.#link.groupId,
                members: [{ memberId, groupInstanceId: null, ...(version >= 5 ? { reason } : {}) }],
              }
            : { groupId: this.#link.groupId, memberId },
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
