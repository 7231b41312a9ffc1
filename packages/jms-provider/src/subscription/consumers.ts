// SPDX-License-Identifier: Apache-2.0
import { type PartitionIndex, PRIORITIES } from './partition-index.ts'
import type { SelectorMemo } from './selector-memo.ts'
import { SelectorMemos } from './selector-memos.ts'
import type { SubscriptionConsumer } from './subscription-host.ts'

/** A consumer or browser, and what the subscription knows of it. */
export interface ConsumerState {
  readonly consumer: SubscriptionConsumer
  readonly memo: SelectorMemo | undefined
  /** By partition and priority: offset below which no message is eligible for this consumer. */
  readonly cursors: Map<PartitionIndex, Float64Array>
  /** Messages that it returned with `undeliverable-here`. */
  readonly refused: Set<string>
  /** Number of acquired messages whose delivery is being counted before it is sent. */
  unsent: number
}

/**
 * Consumers and browsers of a subscription: whose turn it is, which of them may receive, and which
 * message groups belong to them.
 */
export class Consumers {
  readonly memos = new SelectorMemos()
  readonly #consumers: ConsumerState[] = []
  readonly #browsers: ConsumerState[] = []
  readonly #groups = new Map<string, ConsumerState>()
  /** Set by the first message of a group: groups need a look at each message from then on. */
  #hasGroups = false
  /** Index of the consumer that is next in round robin. */
  #turn = 0

  get count(): number {
    return this.#consumers.length
  }

  get browsers(): readonly ConsumerState[] {
    return this.#browsers
  }

  /** Consumers and browsers. */
  get all(): readonly ConsumerState[] {
    return [...this.#consumers, ...this.#browsers]
  }

  add(consumer: SubscriptionConsumer): void {
    const { selector, isBrowser } = consumer
    const list = isBrowser ? this.#browsers : this.#consumers
    list.push({
      consumer,
      memo: selector === undefined ? undefined : this.memos.use(selector),
      cursors: new Map(),
      refused: new Set(),
      unsent: 0,
    })
  }

  /** Removes a consumer; its groups go to the consumers that get their next messages. */
  remove(consumer: SubscriptionConsumer): void {
    for (const list of [this.#consumers, this.#browsers]) {
      const at = list.findIndex((each) => each.consumer === consumer)
      if (at < 0) continue
      const [state] = list.splice(at, 1) as [ConsumerState]
      if (state.memo !== undefined) this.memos.release(state.memo)
      for (const [group, owner] of this.#groups) if (owner === state) this.#groups.delete(group)
      // Messages that the others passed over may now be theirs.
      if (this.#hasGroups) for (const { cursors } of this.#consumers) cursors.clear()
    }
  }

  includes(state: ConsumerState): boolean {
    return this.#consumers.includes(state)
  }

  find(consumer: SubscriptionConsumer | undefined): ConsumerState | undefined {
    return this.#consumers.find((each) => each.consumer === consumer)
  }

  /** The log was deleted: offsets no longer mean anything. */
  reset(): void {
    this.#groups.clear()
    this.#hasGroups = false
    this.memos.reset()
    for (const state of this.all) {
      state.cursors.clear()
      state.refused.clear()
    }
  }

  // Turns.

  /** The `i`-th consumer, counted from the one whose turn it is. */
  inTurn(i: number): ConsumerState | undefined {
    return this.#consumers[(this.#turn + i) % this.#consumers.length]
  }

  /** The `i`-th consumer has received a message: the turn goes to the one after it. */
  served(i: number): void {
    // The consumer may have closed in the meantime.
    const { length } = this.#consumers
    if (length > 0) this.#turn = (this.#turn + i + 1) % length
  }

  /**
   * Whether a message can be sent to the consumer. If the queue, or any of its consumers, is
   * exclusive, only one consumer receives.
   */
  mayReceive({ consumer, unsent }: ConsumerState, isExclusiveQueue: boolean): boolean {
    if (!consumer.canReceive || (unsent > 0 && unsent >= consumer.room)) return false
    const exclusive = isExclusiveQueue
      ? this.#consumers[0]
      : this.#consumers.find((each) => each.consumer.isExclusive)
    return exclusive === undefined || exclusive.consumer === consumer
  }

  // Message groups.

  /** The subscription has messages of groups. */
  noteGroups(): void {
    this.#hasGroups = true
  }

  get hasGroups(): boolean {
    return this.#hasGroups
  }

  /** The consumer received a message of the group, and gets all others of it. */
  assign(group: string, state: ConsumerState): void {
    this.#groups.set(group, state)
  }

  /** Whether messages of the group may go to this consumer. */
  mayHave(group: string | undefined, state: ConsumerState): boolean {
    const owner = group === undefined ? undefined : this.#groups.get(group)
    return owner === undefined || owner === state
  }

  // Cursors.

  cursorOf(state: ConsumerState, index: PartitionIndex): Float64Array {
    let cursors = state.cursors.get(index)
    if (cursors === undefined) {
      cursors = new Float64Array(PRIORITIES)
      state.cursors.set(index, cursors)
    }
    return cursors
  }

  /** A message is available again: consumers that have passed it go back to it. */
  goBackTo(index: PartitionIndex, offset: number): void {
    for (const list of [this.#consumers, this.#browsers]) {
      for (const { cursors } of list) lowerCursors(cursors.get(index), offset)
    }
  }
}

function lowerCursors(cursors: Float64Array | undefined, offset: number): void {
  if (cursors === undefined) return
  for (let priority = 0; priority < PRIORITIES; priority++) {
    if ((cursors[priority] as number) > offset) cursors[priority] = offset
  }
}
