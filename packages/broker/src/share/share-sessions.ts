// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'

const INITIAL_EPOCH = 0
export const FINAL_EPOCH = -1
const LAST_EPOCH = 0x7fffffff

export interface SessionPartition {
  readonly topicId: string
  readonly partition: number
}

/** What a member reads from this broker, told once and then only changed (KIP-932). */
export class ShareSession {
  readonly groupId: string
  readonly memberId: string
  readonly partitions = new Map<string, SessionPartition>()
  epoch = 1

  constructor(groupId: string, memberId: string) {
    this.groupId = groupId
    this.memberId = memberId
  }

  add(partitions: readonly SessionPartition[]): void {
    for (const partition of partitions) this.partitions.set(keyOf(partition), partition)
  }

  forget(partitions: readonly SessionPartition[]): void {
    for (const partition of partitions) this.partitions.delete(keyOf(partition))
  }

  next(): void {
    this.epoch = this.epoch === LAST_EPOCH ? 1 : this.epoch + 1
  }

  /** The partition that was served goes to the back of the line. */
  rotate(): void {
    const [first] = this.partitions
    if (first === undefined) return
    this.partitions.delete(first[0])
    this.partitions.set(first[0], first[1])
  }
}

function keyOf({ topicId, partition }: SessionPartition): string {
  return `${topicId}:${partition}`
}

/** The share sessions of a broker. */
export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>()
  readonly #maxSessions: number

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions
  }

  get size(): number {
    return this.#sessions.size
  }

  /** The session of a ShareFetch, begun or gone on with. Undefined for the last request of one without anything to read. */
  forFetch(request: {
    readonly groupId: string
    readonly memberId: string
    readonly epoch: number
    readonly added: readonly SessionPartition[]
    readonly forgotten: readonly SessionPartition[]
    readonly hasAcknowledgements: boolean
  }): ShareSession {
    const { groupId, memberId, epoch, added, forgotten } = request
    if (epoch === INITIAL_EPOCH) {
      if (request.hasAcknowledgements) {
        throw new ProtocolError(
          'INVALID_REQUEST',
          'a share session cannot begin with acknowledgements',
        )
      }
      const name = nameOf(groupId, memberId)
      this.#sessions.delete(name)
      if (this.#sessions.size >= this.#maxSessions) {
        throw new ProtocolError(
          'SHARE_SESSION_LIMIT_REACHED',
          `there are ${this.#maxSessions} share sessions, which is the most`,
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
      throw new ProtocolError('INVALID_SHARE_SESSION_EPOCH', 'a share session begins with a fetch')
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

  /** False when it is not there any more, or another has taken its place. */
  end(session: ShareSession): boolean {
    const name = nameOf(session.groupId, session.memberId)
    if (this.#sessions.get(name) !== session) return false
    return this.#sessions.delete(name)
  }
}

function nameOf(groupId: string, memberId: string): string {
  return `${memberId}/${groupId}`
}
