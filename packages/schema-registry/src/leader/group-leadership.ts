// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger } from '@millrace/base'
import { type ClientOptions, type GroupGeneration, GroupMembership } from '@millrace/client'
import type { ForwardedReply, ForwardedRequest, Leadership } from '../http/leadership.ts'
import { errors } from '../registry/registry-error.ts'
import { decodeElection, type Election, elect, encodeElection } from './election.ts'
import type { Forwarder } from './forwarder.ts'
import { encodeIdentity, type RegistryIdentity, urlOf } from './registry-identity.ts'

/** Options of `GroupLeadership`. */
export interface GroupLeadershipOptions {
  /** Connection to the Kafka cluster. */
  readonly client: ClientOptions
  /** Group of the registries. */
  readonly groupId: string
  /** How the other registries reach this one. */
  readonly identity: () => RegistryIdentity
  /** Time without heartbeats after which this registry is replaced, milliseconds. */
  readonly sessionTimeoutMs: number
  /** Interval of heartbeats, milliseconds. */
  readonly heartbeatIntervalMs: number
  /** Time limit of an election, milliseconds. */
  readonly rebalanceTimeoutMs: number
  /** Longest duration of a write, milliseconds: none is started that could exceed the session. */
  readonly writeTimeoutMs: number
  /** Longest wait of a write for an election, milliseconds. */
  readonly electionWaitMs: number
  /** Passes requests to the registry that writes. */
  readonly forwarder: Forwarder
  /** Called when this registry was elected: another one may have written before. */
  readonly onElected: () => void
  /** Time. */
  readonly clock: Clock
  /** Receives changes of the leader, and errors. */
  readonly logger: Logger
}

const RETRY_MS = 1000

/**
 * Elects the registry that writes through a Kafka group, together with Confluent's registries.
 *
 * At most one registry writes at a time. This one does while the coordinator certainly keeps it in
 * its generation for as long as a write may take, counted from the last heartbeat that was
 * answered; a process that was suspended finds that time expired. The first change after each
 * election writes a no-op and reads the topic up to it, so it sees all that an earlier leader
 * wrote. A write that is late nevertheless, because the process was suspended between this check
 * and its request, assigns no id twice: the order of the topic decides, each write is read back
 * before it is answered, and a record whose id belongs to another schema is refused and retried.
 */
export class GroupLeadership implements Leadership, AsyncDisposable {
  readonly #options: GroupLeadershipOptions
  readonly #membership: GroupMembership
  #election: Election | undefined
  #waiting: (() => void)[] = []
  #isClosed = false

  /** Creates the member; it joins with `start`. */
  constructor(options: GroupLeadershipOptions) {
    const { client, groupId, identity, sessionTimeoutMs } = options
    this.#options = options
    this.#membership = new GroupMembership({
      ...client,
      groupId,
      protocolType: 'sr',
      sessionTimeoutMs,
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs,
      protocols: () => [{ name: 'v0', metadata: encodeIdentity(identity()) }],
      assign: ({ members }) => {
        const assignment = encodeElection(elect(members))
        return new Map(members.map(({ memberId }) => [memberId, assignment]))
      },
      onAssigned: (generation) => this.#elected(generation),
      onRevoked: () => this.#unknown(),
      onLost: () => this.#unknown(),
      onError: (error) => this.#failed(error),
    })
  }

  /** Joins the group. */
  start(): void {
    this.#membership.start()
  }

  /** Whether this registry writes now. */
  get isLeader(): boolean {
    const { generation, heldForMs } = this.#membership
    return (
      generation !== undefined &&
      this.#election?.error === undefined &&
      this.#election?.memberId === generation.memberId &&
      heldForMs > this.#options.writeTimeoutMs
    )
  }

  /** URL of the registry that writes; undefined while it is unknown, or none is eligible. */
  get leaderUrl(): string | undefined {
    const { error, identity } = this.#election ?? {}
    return error === undefined && identity !== undefined ? urlOf(identity) : undefined
  }

  /** Resolves when an election has ended, or after `electionWaitMs`. */
  async settled(): Promise<void> {
    if (this.#election !== undefined || this.#isClosed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    const timer = this.#options.clock.setTimer(this.#options.electionWaitMs, resolve, {
      keepsAlive: true,
    })
    await promise
    timer.cancel()
    this.#waiting = this.#waiting.filter((each) => each !== resolve)
  }

  /** Passes a request to the registry that writes. Rejects with 50003 or 50004. */
  forward(request: ForwardedRequest): Promise<ForwardedReply> {
    const { leaderUrl } = this
    const isOwn = this.#election?.memberId === this.#membership.generation?.memberId
    if (leaderUrl === undefined || isOwn) {
      return Promise.reject(errors.unknownLeader('Leader not known.'))
    }
    return this.#options.forwarder.forward(leaderUrl, request)
  }

  #elected({ memberId, assignment }: GroupGeneration): void {
    const { logger, onElected, groupId } = this.#options
    const election = decodeElection(assignment)
    this.#election = election
    const isLeader = election.memberId === memberId
    if (election.error !== undefined) {
      logger.error(
        'no registry can write: several registries have the same URL; set host.name or listeners',
        { groupId, error: election.error },
      )
    } else if (election.identity === undefined) {
      logger.warn('no registry can write: none has leader.eligibility=true', { groupId })
    } else {
      logger.info(isLeader ? 'this registry writes' : 'another registry writes', {
        groupId,
        leader: urlOf(election.identity),
      })
    }
    if (isLeader) onElected()
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #unknown(): void {
    this.#election = undefined
  }

  /** Tries again: a registry without a group could serve reads only. */
  #failed(error: Error): void {
    this.#unknown()
    const { logger, groupId, clock } = this.#options
    logger.error('the election of the registry that writes failed; it is retried', {
      groupId,
      error,
    })
    clock.setTimer(RETRY_MS, () => {
      if (!this.#isClosed) this.#membership.rejoin()
    })
  }

  /** Leaves the group, so that another registry is elected. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#unknown()
    for (const wake of this.#waiting.splice(0)) wake()
    await this.#membership.close()
    this.#options.forwarder.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
