// SPDX-License-Identifier: Apache-2.0
import { guard, MillraceError, type Timer } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  type MessageOf,
  ProtocolError,
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '@millrace/protocol'
import { coordinatorMoved, type GroupLink } from '../consumer/group/membership.ts'
import { newUuid } from '../uuid.ts'

export type ShareAssignment = readonly {
  readonly topicId: string
  readonly partitions: readonly number[]
}[]

type Heartbeat = MessageOf<typeof ShareGroupHeartbeatResponse>

const LEAVE_EPOCH = -1
const LEAVE_TIMEOUT_MS = 5000
/**
 * A group that was just joined may assign with a later heartbeat; these are sent sooner than the
 * interval.
 */
const FIRST_INTERVALS_MS = [20, 50, 100, 200, 400, 800]

/** Membership in a share group (KIP-932): sends the subscription and receives the assignment. */
export class ShareMembership {
  readonly memberId: string
  readonly #link: GroupLink
  readonly #rackId: string
  readonly #onChange: () => void
  #epoch = 0
  #topics: readonly string[] = []
  #sentTopics = ''
  #isActive = false
  #isBeating = false
  #needsAnotherHeartbeat = false
  #timer: Timer | undefined
  #unassigned = 0
  #failures = 0
  /** Assigned partitions; empty until the group has assigned any. */
  assignment: ShareAssignment = []
  /** Set when the membership cannot continue. */
  fatal: Error | undefined

  constructor(link: GroupLink, options: { readonly rackId: string }, onChange: () => void) {
    this.#link = link
    this.#rackId = options.rackId
    this.#onChange = onChange
    this.memberId = newUuid(link.cluster.options.random)
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Becomes a member with this subscription. */
  subscribe(topics: readonly string[]): void {
    this.#topics = topics
    this.#isActive = true
    this.#beatNow()
  }

  #schedule(ms: number): void {
    this.#timer?.cancel()
    if (!this.#isActive) return
    this.#timer = this.#link.cluster.clock.setTimer(ms, () => this.#beatNow())
  }

  #beatNow(): void {
    guard(
      () => this.#beat(),
      (error) => this.#fail(error),
    )
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) {
      this.#needsAnotherHeartbeat = true
      return
    }
    this.#isBeating = true
    this.#timer?.cancel()
    let intervalMs = 0
    try {
      do {
        this.#needsAnotherHeartbeat = false
        intervalMs = await this.#exchange()
      } while (this.#needsAnotherHeartbeat && this.#isActive)
      this.#failures = 0
    } catch (error) {
      if (!(error instanceof MillraceError && error.retriable)) {
        if (!this.#link.cluster.isClosed) this.#fail(error as Error)
        return
      }
      intervalMs = Math.min(100 * 2 ** this.#failures++, 2000)
    } finally {
      this.#isBeating = false
    }
    this.#schedule(intervalMs)
  }

  /** Sends one heartbeat; returns the time until the next. */
  async #exchange(): Promise<number> {
    const isJoining = this.#epoch === 0
    const topics = this.#topics.join()
    const response = await this.#link.request(
      ShareGroupHeartbeatRequest,
      ShareGroupHeartbeatResponse,
      {
        groupId: this.#link.groupId,
        memberId: this.memberId,
        memberEpoch: this.#epoch,
        rackId: isJoining && this.#rackId !== '' ? this.#rackId : null,
        subscribedTopicNames: isJoining || topics !== this.#sentTopics ? this.#topics : null,
      },
    )
    if (!this.#isActive) return 0
    if (response.errorCode !== ErrorCode.NONE) return this.#refused(response)
    this.#sentTopics = topics
    this.#epoch = response.memberEpoch
    if (response.assignment !== null) {
      this.assignment = response.assignment.topicPartitions
      this.#onChange()
    }
    if (this.assignment.length > 0) this.#unassigned = 0
    else {
      const sooner = FIRST_INTERVALS_MS[this.#unassigned++]
      if (sooner !== undefined) return Math.min(sooner, response.heartbeatIntervalMs)
    }
    return response.heartbeatIntervalMs
  }

  #refused({ errorCode, errorMessage }: Heartbeat): number {
    if (errorCode === ErrorCode.FENCED_MEMBER_EPOCH || errorCode === ErrorCode.UNKNOWN_MEMBER_ID) {
      this.#epoch = 0
      this.#sentTopics = ''
      this.assignment = []
      this.#onChange()
      return 0
    }
    if (coordinatorMoved.has(errorCode)) this.#link.forget()
    const code = errorName(errorCode)
    throw new ProtocolError(code, `share group ${this.#link.groupId}: ${errorMessage ?? code}`)
  }

  #fail(error: Error): void {
    this.#isActive = false
    this.#timer?.cancel()
    this.fatal = error
    this.#onChange()
  }

  async leave(): Promise<void> {
    const wasMember = this.#epoch > 0
    this.close()
    this.#epoch = 0
    this.assignment = []
    if (!wasMember) return
    try {
      await this.#link.request(
        ShareGroupHeartbeatRequest,
        ShareGroupHeartbeatResponse,
        { groupId: this.#link.groupId, memberId: this.memberId, memberEpoch: LEAVE_EPOCH },
        { timeoutMs: LEAVE_TIMEOUT_MS },
      )
    } catch (error) {
      // The session then expires.
      this.#link.cluster.options.logger.debug('could not leave the share group', { error })
    }
  }

  close(): void {
    this.#isActive = false
    this.#timer?.cancel()
  }
}
