// SPDX-License-Identifier: Apache-2.0
import { attempt, MillraceError } from '@millrace/base'
import { ClassicMember, type JoinedGroup } from '../consumer/group/classic-member.ts'
import { GroupLink } from '../consumer/group/membership.ts'
import { Cluster } from '../metadata/cluster.ts'
import { Wakeup } from '../network/waiting.ts'
import {
  type ClientOptions,
  InvalidOptionError,
  numberOption,
  type ResolvedClientOptions,
  resolveClientOptions,
} from '../options.ts'

/** A protocol that a member offers. */
export interface GroupProtocol {
  /** Name; the group chooses one that all members offer. */
  readonly name: string
  /** Metadata of this member, which the leader's `assign` gets. */
  readonly metadata: Uint8Array
}

/** A member, as the leader of its group sees it. */
export interface JoinedMember {
  /** Id that the coordinator chose. */
  readonly memberId: string
  /** Name of a static member; null for dynamic members. */
  readonly groupInstanceId: string | null
  /** Metadata of the chosen protocol. */
  readonly metadata: Buffer
}

/** Input of `assign`. */
export interface GroupAssignmentRequest {
  /** Generation that the assignment is for. */
  readonly generationId: number
  /** Protocol that the group chose. */
  readonly protocolName: string
  /** Id of this member, which leads the group. */
  readonly memberId: string
  /** All members, this one included. */
  readonly members: readonly JoinedMember[]
}

/** A generation that this member has joined. */
export interface GroupGeneration {
  /** Number of the generation. */
  readonly generationId: number
  /** Id of this member. */
  readonly memberId: string
  /** Protocol that the group chose. */
  readonly protocolName: string
  /** Whether this member leads the group, and assigned. */
  readonly isLeader: boolean
  /** What the leader assigned to this member; empty if nothing. */
  readonly assignment: Buffer
}

/** Options of `GroupMembership`. */
export interface GroupMembershipOptions extends ClientOptions {
  /** Group to join. */
  readonly groupId: string
  /** Kind of the group, such as `connect`; all members have the same. */
  readonly protocolType: string
  /**
   * Protocols that this member offers, in the order of preference. Called for each attempt to join;
   * `rejoin` applies changes.
   */
  readonly protocols: () => readonly GroupProtocol[]
  /**
   * Assigns to all members, by id, if this one leads the group. An error ends the membership, and
   * is passed to `onError`.
   */
  readonly assign: (
    group: GroupAssignmentRequest,
  ) => ReadonlyMap<string, Uint8Array> | Promise<ReadonlyMap<string, Uint8Array>>
  /**
   * Called with each generation that was joined. The next rebalance waits for its promise.
   */
  readonly onAssigned: (generation: GroupGeneration) => void | Promise<void>
  /**
   * Called when the group rebalances, before this member joins again; the group waits for the
   * promise, for at most `rebalanceTimeoutMs`. Default: nothing.
   */
  readonly onRevoked?: () => void | Promise<void>
  /**
   * Called at once when the group continues without this member: its session expired or its
   * generation is over. It joins again afterwards. Default: nothing.
   */
  readonly onLost?: () => void
  /**
   * Called with an error that ends the membership, such as `GROUP_AUTHORIZATION_FAILED`,
   * `INCONSISTENT_GROUP_PROTOCOL` or `FENCED_INSTANCE_ID`; `rejoin` tries again. Default: it is
   * logged.
   */
  readonly onError?: (error: Error) => void
  /** Name of a static member (KIP-345). Default: a dynamic member. */
  readonly groupInstanceId?: string
  /** Time without a heartbeat after which the member is removed, milliseconds. Default 45,000. */
  readonly sessionTimeoutMs?: number
  /** Time between heartbeats, milliseconds. Default 3000. */
  readonly heartbeatIntervalMs?: number
  /** Time for all members to join again in a rebalance, milliseconds. Default 60,000. */
  readonly rebalanceTimeoutMs?: number
}

const LOOK_AGAIN_MS = 60_000

/**
 * A member of a group of the classic protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup) with a
 * custom protocol type, for programs that share work between processes. It joins after `start`,
 * and joins again when the group rebalances, the coordinator moves or the membership is lost.
 */
export class GroupMembership implements AsyncDisposable {
  readonly #options: GroupMembershipOptions
  readonly #client: ResolvedClientOptions
  readonly #cluster: Cluster
  readonly #member: ClassicMember
  readonly #wakeup = new Wakeup()
  #generation: GroupGeneration | undefined
  #isStarted = false
  #closing: Promise<void> | undefined
  #driving: Promise<void> | undefined
  #error: Error | undefined

  /** Creates a member; it connects with `start`. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: GroupMembershipOptions) {
    for (const name of ['groupId', 'protocolType'] as const) {
      if (typeof options[name] !== 'string' || options[name] === '') {
        throw new InvalidOptionError(name, options[name], 'a name')
      }
    }
    for (const name of ['protocols', 'assign', 'onAssigned'] as const) {
      if (typeof options[name] !== 'function') {
        throw new InvalidOptionError(name, options[name], 'a function')
      }
    }
    const number = (
      name: 'sessionTimeoutMs' | 'heartbeatIntervalMs' | 'rebalanceTimeoutMs',
      fallback: number,
    ): number => numberOption(name, options[name], { fallback, min: 1 })
    this.#options = options
    const {
      groupId,
      protocolType,
      protocols,
      assign,
      onAssigned,
      onRevoked,
      onLost,
      onError,
      groupInstanceId,
      sessionTimeoutMs,
      heartbeatIntervalMs,
      rebalanceTimeoutMs,
      ...client
    } = options
    this.#client = resolveClientOptions(client)
    this.#cluster = new Cluster(this.#client)
    this.#member = new ClassicMember(
      new GroupLink(this.#cluster, groupId),
      {
        protocolType,
        groupInstanceId,
        sessionTimeoutMs: number('sessionTimeoutMs', 45_000),
        heartbeatIntervalMs: number('heartbeatIntervalMs', 3000),
        rebalanceTimeoutMs: number('rebalanceTimeoutMs', 60_000),
      },
      () => this.#changed(),
    )
  }

  /** The generation that this member belongs to; undefined while it is not a member, or joins. */
  get generation(): GroupGeneration | undefined {
    return this.#member.isMember && !this.#member.needsJoin ? this.#generation : undefined
  }

  /**
   * Time for which the coordinator certainly keeps this member in its generation, milliseconds,
   * even if the process pauses: the rest of the session time-out since the last answered heartbeat
   * was sent. 0 outside of a generation.
   */
  get heldForMs(): number {
    if (this.generation === undefined) return 0
    return Math.max(0, this.#member.heldUntilMs - this.#client.clock.monotonic())
  }

  /** Joins the group; the member joins again until `close`. Idempotent. */
  start(): void {
    this.#assertOpen()
    if (this.#isStarted) return
    this.#isStarted = true
    this.#driving = this.#drive()
  }

  /** Joins again, with the current result of `protocols`; also after an error. */
  rejoin(): void {
    this.#assertOpen()
    this.#error = undefined
    this.#member.fatal = undefined
    this.#member.needsJoin = true
    this.#wakeup.wake()
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return
    throw new MillraceError('MILLRACE_CLOSED', 'the member is closed')
  }

  #changed(): void {
    if (this.#member.isLost && this.#generation !== undefined) {
      this.#generation = undefined
      const { onLost } = this.#options
      if (onLost !== undefined) attempt(this.#client.logger, 'onLost', onLost)
    }
    this.#wakeup.wake()
  }

  async #drive(): Promise<void> {
    while (this.#closing === undefined) {
      try {
        const { fatal } = this.#member
        if (fatal !== undefined && this.#error === undefined) throw fatal
        if (this.#member.needsJoin && this.#error === undefined) await this.#join()
        else await this.#wakeup.wait(this.#cluster.clock, LOOK_AGAIN_MS)
      } catch (error) {
        if (this.#closing === undefined) await this.#fail(error as Error)
      }
    }
  }

  async #join(): Promise<void> {
    const { protocols, assign, onAssigned, onRevoked } = this.#options
    const isRevoked = this.#generation !== undefined
    this.#generation = undefined
    if (isRevoked) await onRevoked?.()
    this.#member.isLost = false
    const { group, assignment } = await this.#member.join({
      protocols: () =>
        protocols().map(({ name, metadata }) => ({ name, metadata: bufferOf(metadata) })),
      assign: async (joined) => {
        const plan = await assign(requestOf(joined))
        return [...plan].map(([memberId, bytes]) => ({ memberId, assignment: bufferOf(bytes) }))
      },
    })
    if (this.#closing !== undefined) return
    const { generationId, memberId, protocolName, isLeader } = group
    const generation = { generationId, memberId, protocolName, isLeader, assignment }
    this.#generation = generation
    await onAssigned(generation)
  }

  /** The membership ends until `rejoin`. */
  async #fail(error: Error): Promise<void> {
    this.#error = error
    const { groupId, onError } = this.#options
    const { logger } = this.#client
    await this.#member.leave('the member failed')
    this.#changed()
    if (onError === undefined) logger.error('the membership of a group ended', { groupId, error })
    else attempt(logger, 'onError', () => onError(error))
  }

  /** Leaves the group, unless it is a static member, and closes the connections. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#wakeup.wake()
    this.#generation = undefined
    await this.#member.leave('the member is being closed')
    this.#member.close()
    this.#cluster.close()
    await this.#driving
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function requestOf({
  generationId,
  protocolName,
  memberId,
  members,
}: JoinedGroup): GroupAssignmentRequest {
  return { generationId, protocolName, memberId, members }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
