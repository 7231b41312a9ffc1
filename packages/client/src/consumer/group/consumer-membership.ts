// SPDX-License-Identifier: Apache-2.0
import { guard, MillraceError, type Timer } from '@millrace/base'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
  ErrorCode,
  errorName,
  type MessageOf,
  ProtocolError,
} from '@millrace/protocol'
import type { Cluster } from '../../metadata/cluster.ts'
import { comparePartitions, partitionName, type TopicPartition } from '../../topic-partition.ts'
import { newUuid } from '../../uuid.ts'
import {
  coordinatorMoved,
  type Generation,
  type GroupLink,
  type JoinResult,
  type JoinSubscription,
  type Membership,
} from './membership.ts'

export interface ConsumerMembershipOptions {
  readonly groupInstanceId: string | undefined
  readonly maxPollIntervalMs: number
  readonly rackId: string
  /** Server-side assignor (`group.remote.assignor`). */
  readonly remoteAssignor: string | undefined
}

type IdAssignment = readonly { readonly topicId: string; readonly partitions: readonly number[] }[]
type Heartbeat = MessageOf<typeof ConsumerGroupHeartbeatResponse>

const JOIN_EPOCH = 0
const LEAVE_EPOCH = -1
const STATIC_LEAVE_EPOCH = -2
const LEAVE_TIMEOUT_MS = 5000
/** Number of answered lookups after which the topic of an unknown id counts as deleted. */
const NAME_ATTEMPTS = 10

/**
 * Membership in a group of the consumer protocol (KIP-848): the member reports its subscription and
 * partitions, the broker assigns. Partitions are revoked and reported first; then others get them.
 */
export class ConsumerMembership implements Membership {
  readonly #cluster: Cluster
  readonly #link: GroupLink
  readonly #options: ConsumerMembershipOptions
  readonly #onChange: () => void
  readonly #memberId: string
  #epoch = JOIN_EPOCH
  #intervalMs = 5000
  #topics: readonly string[] = []
  /** Subscription that the broker was last sent. */
  #sentTopics = ''
  #owned: readonly TopicPartition[] = []
  /** Partitions that the broker was last sent. */
  #sentOwned = ''
  /** New assignment by topic id; undefined if the last one was applied. */
  #assignment: IdAssignment | undefined
  #isActive = false
  #isBeating = false
  #needsAnotherHeartbeat = false
  #timer: Timer | undefined
  #failures = 0
  needsJoin = true
  isLost = false
  fatal: Error | undefined
  lastProgressMs: () => number

  constructor(link: GroupLink, options: ConsumerMembershipOptions, onChange: () => void) {
    this.#cluster = link.cluster
    this.#link = link
    this.#options = options
    this.#onChange = onChange
    this.#memberId = newUuid(link.cluster.options.random)
    this.lastProgressMs = () => link.cluster.clock.monotonic()
  }

  get generation(): Generation {
    return {
      generationId: this.isMember ? this.#epoch : -1,
      memberId: this.#memberId,
      groupInstanceId: this.#options.groupInstanceId ?? null,
    }
  }

  get isMember(): boolean {
    return this.#epoch > JOIN_EPOCH
  }

  get isCooperative(): boolean {
    return true
  }

  async join({ topics, owned }: JoinSubscription): Promise<JoinResult> {
    this.needsJoin = false
    this.#topics = topics
    this.#owned = owned
    for (let attempt = 0; ; attempt++) {
      if (this.#cluster.isClosed) {
        throw new MillraceError('MILLRACE_CLOSED', 'the consumer is closed')
      }
      if (this.fatal !== undefined) throw this.fatal
      try {
        const isUpToDate = this.isMember && this.#sentTopics === topics.join()
        if (!isUpToDate) await this.#beatNow()
        // The consumer releases its partitions before it joins as a new member.
        if (this.isLost) return { assigned: [], watched: undefined }
        if (this.isMember) break
      } catch (error) {
        if (!(error instanceof MillraceError && error.retriable)) throw error
      }
      await this.#cluster.backOff(attempt)
    }
    const assignment = this.#assignment
    this.#assignment = undefined
    // The heartbeat of this join requested one, too.
    this.needsJoin = false
    if (assignment === undefined) return { assigned: owned, watched: undefined }
    return { assigned: await this.#named(assignment), watched: undefined }
  }

  /** Topic names for the broker's ids; a topic that was just created may need several lookups. */
  async #named(assignment: IdAssignment): Promise<TopicPartition[]> {
    let answered = 0
    for (let attempt = 0; ; attempt++) {
      const names = new Map(
        [...this.#cluster.metadata.topics.values()].map(({ id, name }) => [id, name]),
      )
      const isKnown = assignment.every(({ topicId }) => names.has(topicId))
      if (isKnown || answered >= NAME_ATTEMPTS || this.#cluster.isClosed) {
        return assignment
          .flatMap(({ topicId, partitions }) => {
            const topic = names.get(topicId)
            if (topic === undefined) return []
            return partitions.map((partition) => ({ topic, partition }))
          })
          .sort(comparePartitions)
      }
      this.#cluster.track(this.#topics)
      await this.#cluster.refresh().then(
        () => answered++,
        () => undefined,
      )
      if (attempt > 0) await this.#cluster.backOff(attempt)
    }
  }

  assignmentApplied(owned: readonly TopicPartition[]): void {
    this.#owned = owned
    if (!this.isMember || this.#sentOwned === listOf(owned)) return
    // Revoked partitions are free for other members from here, and theirs may be assigned to this
    // one.
    this.#schedule(0)
  }

  // ----------------------------------------------------------------------------------------------
  // heartbeats

  #schedule(ms: number): void {
    this.#timer?.cancel()
    if (!this.#isActive) return
    this.#timer = this.#cluster.clock.setTimer(ms, () => {
      guard(
        () => this.#beat(),
        (error) => this.#fail(error),
      )
    })
  }

  async #beat(): Promise<void> {
    const { maxPollIntervalMs } = this.#options
    if (this.#cluster.clock.monotonic() - this.lastProgressMs() > maxPollIntervalMs) {
      this.#cluster.options.logger.warn(
        'left the group: more than maxPollIntervalMs passed without a poll; handle fewer records at once or raise it',
        { groupId: this.#link.groupId, maxPollIntervalMs },
      )
      this.#lose()
      await this.#sendLeave()
      return
    }
    try {
      await this.#beatNow()
    } catch (error) {
      if (!(error instanceof MillraceError && error.retriable)) {
        if (!this.#cluster.isClosed) this.#fail(error as Error)
        return
      }
      this.#failures++
      this.#schedule(Math.min(this.#intervalMs, 100 * 2 ** Math.min(this.#failures, 5)))
    }
  }

  /**
   * Sends one heartbeat and processes its answer. One at a time: changes in the meantime are sent
   * with the next.
   */
  async #beatNow(): Promise<void> {
    if (this.#isBeating) {
      this.#needsAnotherHeartbeat = true
      return
    }
    this.#isBeating = true
    this.#timer?.cancel()
    try {
      do {
        this.#needsAnotherHeartbeat = false
        await this.#exchange()
      } while (this.#needsAnotherHeartbeat && this.#isActive)
    } finally {
      this.#isBeating = false
    }
    this.#schedule(this.#intervalMs)
  }

  async #exchange(): Promise<void> {
    const isJoining = this.#epoch === JOIN_EPOCH
    const topics = this.#topics.join()
    const owned = listOf(this.#owned)
    const { groupInstanceId, rackId, remoteAssignor, maxPollIntervalMs } = this.#options
    const epoch = this.#epoch
    const response = await this.#link.request(
      ConsumerGroupHeartbeatRequest,
      ConsumerGroupHeartbeatResponse,
      {
        groupId: this.#link.groupId,
        memberId: this.#memberId,
        memberEpoch: epoch,
        instanceId: groupInstanceId ?? null,
        rackId: isJoining && rackId !== '' ? rackId : null,
        rebalanceTimeoutMs: isJoining ? maxPollIntervalMs : -1,
        subscribedTopicNames: isJoining || topics !== this.#sentTopics ? this.#topics : null,
        serverAssignor: isJoining ? (remoteAssignor ?? null) : null,
        topicPartitions: isJoining ? [] : owned === this.#sentOwned ? null : this.#ownedByTopic(),
      },
    )
    // The membership ended in the meantime.
    if (this.#epoch !== epoch) return
    if (response.errorCode !== ErrorCode.NONE) {
      this.#refused(response)
      return
    }
    this.#failures = 0
    this.#isActive = true
    this.#sentTopics = topics
    this.#sentOwned = isJoining ? '' : owned
    this.#epoch = response.memberEpoch
    this.#intervalMs = response.heartbeatIntervalMs
    if (response.assignment === null) return
    this.#assignment = response.assignment.topicPartitions
    this.requestJoin()
  }

  #ownedByTopic(): { readonly topicId: string; readonly partitions: readonly number[] }[] {
    const { topics } = this.#cluster.metadata
    return [...Map.groupBy(this.#owned, ({ topic }) => topic)].flatMap(([name, list]) => {
      const topicId = topics.get(name)?.id
      return topicId === undefined
        ? []
        : [{ topicId, partitions: list.map(({ partition }) => partition) }]
    })
  }

  #refused({ errorCode, errorMessage }: Heartbeat): void {
    const code = errorName(errorCode)
    const error = new ProtocolError(code, `group ${this.#link.groupId}: ${errorMessage ?? code}`)
    if (coordinatorMoved.has(errorCode)) this.#link.forget()
    if (
      errorCode === ErrorCode.FENCED_MEMBER_EPOCH ||
      errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
      (errorCode === ErrorCode.GROUP_ID_NOT_FOUND && this.isMember)
    ) {
      this.#lose()
      return
    }
    throw error
  }

  requestJoin(): void {
    if (this.needsJoin) return
    this.needsJoin = true
    this.#onChange()
  }

  lose(): void {
    this.#lose()
  }

  #stop(): void {
    this.#isActive = false
    this.#timer?.cancel()
    this.#epoch = JOIN_EPOCH
    this.#assignment = undefined
    this.#sentTopics = ''
    this.#sentOwned = ''
  }

  #lose(): void {
    const wasMember = this.isMember
    this.#stop()
    this.isLost ||= wasMember
    this.needsJoin = true
    this.#onChange()
  }

  #fail(error: Error): void {
    this.#stop()
    this.isLost = true
    this.fatal = error
    this.#onChange()
  }

  async leave(): Promise<void> {
    const wasMember = this.isMember
    this.#stop()
    if (wasMember) await this.#sendLeave()
  }

  async #sendLeave(): Promise<void> {
    const { groupInstanceId } = this.#options
    try {
      await this.#link.request(
        ConsumerGroupHeartbeatRequest,
        ConsumerGroupHeartbeatResponse,
        {
          groupId: this.#link.groupId,
          memberId: this.#memberId,
          // A static member keeps its assignment until it returns.
          memberEpoch: groupInstanceId === undefined ? LEAVE_EPOCH : STATIC_LEAVE_EPOCH,
          instanceId: groupInstanceId ?? null,
          topicPartitions: null,
        },
        { timeoutMs: LEAVE_TIMEOUT_MS },
      )
    } catch (error) {
      // The session then expires.
      this.#cluster.options.logger.debug('could not leave the group', { error })
    }
  }

  close(): void {
    this.#stop()
  }
}

function listOf(partitions: readonly TopicPartition[]): string {
  return partitions.map(partitionName).sort().join()
}
