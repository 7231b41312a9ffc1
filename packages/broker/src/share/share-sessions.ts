// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { nextSessionEpoch } from '../session-epoch.ts'

const INITIAL_EPOCH = 0
export const FINAL_EPOCH = -1

interface Place {
  readonly topicId: string
  readonly partition: number
}

export interface SessionPartition extends Place {
  /** Whether the topic existed when the session started to read it. */
  readonly isKnown: boolean
}

/**
 * The partitions that a member reads from this broker, sent once and then only changed (KIP-932).
 */
export class ShareSession {
  readonly groupId: string
  readonly memberId: string
  readonly partitions = new Map<string, SessionPartition>()
  /**
   * Partitions whose last response was an error: the next response includes them even without
   * records.
   */
  readonly #failed = new Set<string>()
  epoch = 1

  constructor(groupId: string, memberId: string) {
    this.groupId = groupId
    this.memberId = memberId
  }

  add(partitions: readonly SessionPartition[]): void {
    for (const partition of partitions) {
      const key = keyOf(partition)
      if (!this.partitions.has(key)) this.partitions.set(key, partition)
    }
  }

  forget(partitions: readonly Place[]): void {
    for (const partition of partitions) {
      this.partitions.delete(keyOf(partition))
      this.#failed.delete(keyOf(partition))
    }
  }

  next(): void {
    this.epoch = nextSessionEpoch(this.epoch)
  }

  /**
   * The partitions in the order in which a request is served: each request starts with another one.
   */
  inTurn(requestEpoch: number): SessionPartition[] {
    const all = [...this.partitions.values()]
    if (requestEpoch < 1) return all
    const first = requestEpoch % all.length
    return [...all.slice(first), ...all.slice(0, first)]
  }

  /**
   * Whether a partition is part of a response; moves a partition with records behind the others.
   */
  responds(
    at: Place,
    result: { readonly hasRecords: boolean; readonly hasError: boolean },
  ): boolean {
    const key = keyOf(at)
    const isDue = result.hasRecords || result.hasError || this.#failed.has(key)
    if (result.hasError) this.#failed.add(key)
    else this.#failed.delete(key)
    const member = this.partitions.get(key)
    if (result.hasRecords && member !== undefined) {
      this.partitions.delete(key)
      this.partitions.set(key, member)
    }
    return isDue
  }
}

function keyOf({ topicId, partition }: Place): string {
  return `${topicId}:${partition}`
}

/** All share sessions of a broker. */
export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>()
  readonly #maxSessions: number

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Whether a member of the group has a session. */
  hasGroup(groupId: string): boolean {
    for (const session of this.#sessions.values()) if (session.groupId === groupId) return true
    return false
  }

  /** The session of a ShareFetch, new or continued. */
  forFetch(request: {
    readonly groupId: string
    readonly memberId: string
    readonly epoch: number
    readonly added: readonly SessionPartition[]
    readonly forgotten: readonly Place[]
    readonly hasAcknowledgements: boolean
  }): ShareSession {
    const { groupId, memberId, epoch, added, forgotten } = request
    if (epoch === INITIAL_EPOCH) {
      if (request.hasAcknowledgements) {
        throw new ProtocolError(
          'INVALID_REQUEST',
          'the first request of a share session must not contain acknowledgements',
        )
      }
      const name = nameOf(groupId, memberId)
      this.#sessions.delete(name)
      if (this.#sessions.size >= this.#maxSessions) {
        throw new ProtocolError(
          'SHARE_SESSION_LIMIT_REACHED',
          `maximum of ${this.#maxSessions} share sessions reached`,
        )
      }
      const session = new ShareSession(groupId, memberId)
      session.add(added)
      this.#sessions.set(name, session)
      return session
    }
    const session = this.#existing(groupId, memberId, epoch)
    if (epoch !== FINAL_EPOCH) {
      session.add(added)
      session.forget(forgotten)
      session.next()
    }
    return session
  }

  /** The session of a ShareAcknowledge. */
  forAcknowledge(groupId: string, memberId: string, epoch: number): ShareSession {
    if (epoch === INITIAL_EPOCH) {
      throw new ProtocolError(
        'INVALID_SHARE_SESSION_EPOCH',
        'the first request of a share session must be a fetch',
      )
    }
    const session = this.#existing(groupId, memberId, epoch)
    if (epoch !== FINAL_EPOCH) session.next()
    return session
  }

  #existing(groupId: string, memberId: string, epoch: number): ShareSession {
    const session = this.#sessions.get(nameOf(groupId, memberId))
    if (session === undefined) {
      throw new ProtocolError(
        'SHARE_SESSION_NOT_FOUND',
        `member ${memberId} of group ${groupId} has no share session`,
      )
    }
    if (epoch !== FINAL_EPOCH && session.epoch !== epoch) {
      throw new ProtocolError(
        'INVALID_SHARE_SESSION_EPOCH',
        `the share session is at epoch ${session.epoch}, not ${epoch}`,
      )
    }
    return session
  }

  has(session: ShareSession): boolean {
    return this.#sessions.get(nameOf(session.groupId, session.memberId)) === session
  }

  /** Removes a session; returns whether it was still the current one. */
  end(session: ShareSession): boolean {
    const name = nameOf(session.groupId, session.memberId)
    if (this.#sessions.get(name) !== session) return false
    return this.#sessions.delete(name)
  }
}

function nameOf(groupId: string, memberId: string): string {
  return `${memberId}/${groupId}`
}
