// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from '@millrace/protocol'

export interface FetchPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: bigint
  readonly currentLeaderEpoch: number
  readonly partitionMaxBytes: number
}

export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly changed: readonly FetchPartition[]
  readonly forgotten: readonly FetchPartition[]
}

const FINAL_EPOCH = -1
const LAST_EPOCH = 0x7fffffff

/** The epoch of a session's next request. After the last one follows 1, as 0 creates a session. */
export function nextSessionEpoch(epoch: number): number {
  return epoch === LAST_EPOCH ? 1 : epoch + 1
}

/** State of a fetch session with one broker: each request names only what changed (KIP-227). */
export class FetchSession {
  #id = 0
  #epoch = 0
  #partitions = new Map<string, FetchPartition>()
  #byWireName = new Map<string, FetchPartition>()

  /** The request that makes the broker's session contain exactly `wanted`. */
  build(wanted: readonly FetchPartition[]): SessionRequest {
    const next = new Map(wanted.map((each) => [keyOf(each), each]))
    const before = this.#partitions
    this.#partitions = next
    this.#byWireName = new Map(wanted.map((each) => [`${each.topicId}/${each.partition}`, each]))
    for (const [key, each] of next) this.#byWireName.set(key, each)
    if (this.#epoch === 0) {
      return { sessionId: this.#id, sessionEpoch: 0, changed: wanted, forgotten: [] }
    }
    const changed: FetchPartition[] = []
    const forgotten: FetchPartition[] = []
    for (const [key, each] of next) {
      const old = before.get(key)
      if (
        old === undefined ||
        old.fetchOffset !== each.fetchOffset ||
        old.currentLeaderEpoch !== each.currentLeaderEpoch ||
        old.topicId !== each.topicId
      ) {
        changed.push(each)
      }
      // The topic was deleted and created again: the old one is removed by its id.
      if (old !== undefined && old.topicId !== each.topicId) forgotten.push(old)
    }
    for (const [key, old] of before) if (!next.has(key)) forgotten.push(old)
    return { sessionId: this.#id, sessionEpoch: this.#epoch, changed, forgotten }
  }

  /**
   * Records a reply; false if the broker does not know the session, so that the next request must
   * be complete.
   */
  answered(response: { readonly errorCode: number; readonly sessionId: number }): boolean {
    if (response.errorCode !== ErrorCode.NONE) {
      // With the id the broker can discard the session.
      this.#id = response.errorCode === ErrorCode.INVALID_FETCH_SESSION_EPOCH ? this.#id : 0
      this.#epoch = 0
      return false
    }
    this.#id = response.sessionId
    if (this.#id === 0) this.#epoch = 0
    else this.#epoch = nextSessionEpoch(this.#epoch)
    return true
  }

  /** After a lost connection it is unknown whether the broker received the last request. */
  lost(): void {
    this.#epoch = 0
  }

  /** The request that closes the session; undefined if there is none. */
  end(): SessionRequest | undefined {
    if (this.#id === 0) return undefined
    const request = {
      sessionId: this.#id,
      sessionEpoch: FINAL_EPOCH,
      changed: [],
      forgotten: [],
    }
    this.#id = 0
    this.#epoch = 0
    return request
  }

  /**
   * The partition as the last request named it; a reply names its topic by id, or by name where
   * there are no ids.
   */
  find(
    topic: { readonly name: string; readonly id: string },
    partition: number,
  ): FetchPartition | undefined {
    return this.#byWireName.get(`${topic.name === '' ? topic.id : topic.name}/${partition}`)
  }
}

function keyOf({ topic, partition }: FetchPartition): string {
  return `${topic}/${partition}`
}
