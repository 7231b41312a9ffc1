// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'
import type { DestinationPolicy } from '../config/destination-policy.ts'
import type { EnvelopeSummary } from '../mapping/envelope.ts'
import type { StoredMessage } from '../mapping/stored-message.ts'
import { pause } from '../pause.ts'
import type { Selector } from '../selector/selector.ts'
import { DeliveryCounting } from './delivery-counting.ts'
import { type IndexChange, PartitionIndex, Place, PRIORITIES } from './partition-index.ts'
import { PropertyCache } from './property-cache.ts'
import { SelectorMemo, Verdict } from './selector-memo.ts'

/** A consumer or browser of a subscription. */
export interface Taker {
  readonly selector: Selector | undefined
  /** A browser reads messages without acquiring them. */
  readonly isBrowser: boolean
  /** Receives all messages of the queue while it is the first exclusive consumer. */
  readonly isExclusive: boolean
  /**
   * Whether a message can be sent to it now: it has credit, and its connection is not congested.
   */
  readonly canTake: boolean
  /** Whether `onNothingLeft` must be called when no message is left for it. */
  readonly isDraining: boolean
  /** Messages it can be given now. */
  readonly room: number
  take(acquired: Acquired): void
  onNothingLeft(): void
  /** Closes it with an AMQP error: the destination no longer exists. */
  end(condition: string, description: string): void
}

/** A message that a consumer has acquired. */
export class Acquired {
  readonly subscription: Subscription
  readonly index: PartitionIndex
  readonly offset: number
  /** Undefined once the message is sent, so that unsettled messages do not stay in memory. */
  message: StoredMessage | undefined
  /** Number of failed deliveries before this one. */
  readonly deliveryCount: number
  readonly taker: Taker | undefined
  /** True once the message is accepted, returned or moved. */
  isDone = false

  constructor(
    subscription: Subscription,
    index: PartitionIndex,
    message: StoredMessage,
    taker: Taker | undefined,
  ) {
    this.subscription = subscription
    this.index = index
    this.offset = message.offset
    this.message = message
    this.deliveryCount = index.deliveryCountOf(message.offset)
    this.taker = taker
  }
}

/** Reason why a message left a subscription without being consumed. */
export type DiscardReason = 'expired' | 'max-delivery-attempts' | 'rejected'

/** Services that a subscription needs from its destination. */
export interface SubscriptionHost {
  readonly clock: Clock
  readonly logger: Logger
  readonly policy: DestinationPolicy
  /** The message, if it is in memory. */
  messageAt(partition: number, offset: number): StoredMessage | undefined
  /** Loads messages from an offset into memory and calls `onLoaded` of all subscriptions. */
  load(partition: number, offset: number): Promise<void>
  /** The subscription has changes to write to the state topic. */
  onChanged(subscription: Subscription): void
  /** Resolves when the changes so far are in the state topic; rejects when they never will be. */
  flushed(): Promise<void>
  /** The subscription no longer needs the message. */
  onFinished(partition: number, offset: number): void
  /** Moves acquired messages to `deadLetterQueue` or `expiryQueue`. */
  discard(acquired: readonly Acquired[], reason: DiscardReason, detail?: string): void
  /** Undefined if all sent messages are indexed; otherwise resolves when those sent so far are. */
  caughtUp(): Promise<void> | undefined
}

interface TakerState {
  readonly taker: Taker
  readonly memo: SelectorMemo | undefined
  /** By partition and priority: no message below this offset is for this taker. */
  readonly cursors: Map<PartitionIndex, Float64Array>
  /** Messages that it returned as undeliverable here. */
  readonly refused: Set<string>
  /** Messages for it whose delivery is being written. */
  unsent: number
}

/**
 * Number of selector results to keep after the last consumer closes, for the next one with the same
 * selector.
 */
const KEPT_MEMOS = 16
/** Delay before a failed read of the log is retried. */
const LOAD_RETRY_MS = 100
/** Messages to deliver before yielding to other work. */
const BATCH = 512

/**
 * One subscription: a queue has one, a topic any number. It decides which consumer receives which
 * message, and when.
 */
export class Subscription {
  /** Unique among all destinations; part of the keys of its records in the state topic. */
  readonly id: string
  /** Filter of a topic's subscription: messages that do not match are never indexed. */
  readonly filter: ((message: StoredMessage) => boolean) | undefined
  /** Whether the subscription is recorded in the state topic. */
  readonly isDurable: boolean
  readonly #host: SubscriptionHost
  readonly #counting: DeliveryCounting
  readonly #indices = new Map<number, PartitionIndex>()
  readonly #takers: TakerState[] = []
  readonly #browsers: TakerState[] = []
  readonly #memos = new Map<string, SelectorMemo>()
  readonly #properties = new PropertyCache()
  /** Whether to cache properties, because consumers may have their own selectors. */
  readonly keepsProperties: boolean
  readonly #groups = new Map<string, TakerState>()
  #hasGroups = false
  /** Index of the consumer that is next in round robin. */
  #turn = 0
  #isPlanned = false
  #isLoading = false
  #isClosed = false
  #timer: Timer | undefined
  #wakesAtMs = Number.POSITIVE_INFINITY
  /** Messages accepted since the subscription was opened. */
  acknowledged = 0

  constructor(
    host: SubscriptionHost,
    options: {
      readonly id: string
      readonly isDurable: boolean
      readonly filter?: ((message: StoredMessage) => boolean) | undefined
      readonly keepsProperties?: boolean
    },
  ) {
    this.#host = host
    this.#counting = new DeliveryCounting({
      clock: host.clock,
      logger: host.logger,
      id: options.id,
      onChanged: () => host.onChanged(this),
      flushed: () => host.flushed(),
    })
    this.id = options.id
    this.isDurable = options.isDurable
    this.filter = options.filter
    this.keepsProperties = options.keepsProperties ?? false
  }

  get indices(): ReadonlyMap<number, PartitionIndex> {
    return this.#indices
  }

  /** Creates the index of a partition, starting at `floor`. */
  open(partition: number, floor: number, topicId?: string): PartitionIndex {
    const { deliveryCountPersistence } = this.#host.policy
    const countsInFlight = this.isDurable && deliveryCountPersistence !== 'none'
    const index = new PartitionIndex(partition, floor, { topicId, countsInFlight })
    this.#indices.set(partition, index)
    return index
  }

  /**
   * Drops all messages because their log is gone. Consumers stay and receive messages of the next
   * log. Outcomes of acquired messages are ignored.
   */
  reset(): void {
    this.#indices.clear()
    this.#groups.clear()
    this.#hasGroups = false
    this.#properties.clear()
    for (const [text, memo] of this.#memos) {
      if (memo.users === 0) this.#memos.delete(text)
      else memo.clear()
    }
    for (const state of [...this.#takers, ...this.#browsers]) {
      state.cursors.clear()
      state.refused.clear()
    }
  }

  /** Whether an acquired message belongs to a log that no longer exists. */
  #isVoid({ index }: Acquired): boolean {
    return this.#indices.get(index.partition) !== index
  }

  /** Closes all consumers and browsers with an AMQP error. */
  end(condition: string, description: string): void {
    for (const { taker } of [...this.#takers, ...this.#browsers]) taker.end(condition, description)
  }

  get consumerCount(): number {
    return this.#takers.length
  }

  get browserCount(): number {
    return this.#browsers.length
  }

  /** Number of messages that are not finished. */
  get depth(): number {
    let depth = 0
    for (const index of this.#indices.values()) depth += index.live
    return depth
  }

  get inFlight(): number {
    let count = 0
    for (const index of this.#indices.values()) count += index.inFlight
    return count
  }

  get delayed(): number {
    let count = 0
    for (const index of this.#indices.values()) count += index.delayed
    return count
  }

  // Arriving messages.

  /** Indexes a message of the log. Returns true if it waits in this subscription. */
  offer(message: StoredMessage): boolean {
    const index = this.#indices.get(message.partition)
    const { offset, envelope } = message
    if (index === undefined || offset < index.end) return false
    // A message for this subscription alone has passed the filter before.
    const isChosen = this.filter === undefined || envelope.onlyFor === this.id
    if (!isChosen && this.filter?.(message) === false) {
      index.skip(offset)
      return false
    }
    const group = message.groupId
    if (group !== undefined) this.#hasGroups = true
    const isWaiting = index.add(
      offset,
      {
        priority: envelope.priority,
        expiresAtMs: envelope.expiresAtMs,
        deliverAtMs: envelope.deliverAtMs,
        group,
      },
      envelope.deliverAtMs > 0 ? this.#host.clock.now() : 0,
    )
    if (!isWaiting) return false
    for (const memo of this.#memos.values()) memo.judge(message)
    const section = this.keepsProperties ? message.propertySection : undefined
    if (section !== undefined) this.#properties.add(message.partition, offset, section)
    if (envelope.expiresAtMs > 0) this.#wakeAt(envelope.expiresAtMs)
    if (envelope.deliverAtMs > 0) this.#wakeAt(envelope.deliverAtMs)
    this.plan()
    return true
  }

  /**
   * Whether messages can be indexed from their summaries: no filter or selector needs their
   * contents.
   */
  get takesSummaries(): boolean {
    return this.filter === undefined && this.#memos.size === 0
  }

  /** Indexes a message of the log from its summary. It must not belong to a group. */
  offerSummary(partition: number, offset: number, summary: EnvelopeSummary): void {
    const index = this.#indices.get(partition)
    if (index === undefined || offset < index.end) return
    const { priority, expiresAtMs, deliverAtMs, properties } = summary
    const nowMs = deliverAtMs > 0 ? this.#host.clock.now() : 0
    if (!index.add(offset, { priority, expiresAtMs, deliverAtMs, group: undefined }, nowMs)) return
    const isUsual = properties.length === 0 || properties[1] === 0x53
    if (this.keepsProperties && isUsual) this.#properties.add(partition, offset, properties)
    if (expiresAtMs > 0) this.#wakeAt(expiresAtMs)
    if (deliverAtMs > 0) this.#wakeAt(deliverAtMs)
    this.plan()
  }

  /** Skips an offset without a message for this subscription. */
  skip(partition: number, offset: number): void {
    this.#indices.get(partition)?.skip(offset)
  }

  /**
   * Messages of one partition were loaded, in order. Offsets missing between them no longer exist.
   */
  onLoaded(partition: number, from: number, messages: readonly StoredMessage[]): void {
    const index = this.#indices.get(partition)
    if (index === undefined) return
    let expected = from
    for (const message of messages) {
      this.#loseUntil(index, expected, message.offset)
      expected = message.offset + 1
      if (index.placeOf(message.offset) === Place.none) continue
      for (const memo of this.#memos.values()) memo.judge(message)
    }
  }

  /** Finishes waiting messages that retention or compaction has deleted. */
  #loseUntil(index: PartitionIndex, from: number, to: number): void {
    let offset = index.nextLive(from, (place) => place === Place.available)
    while (offset >= 0 && offset < to) {
      index.finish(offset)
      this.#host.onChanged(this)
      offset = index.nextLive(offset + 1, (place) => place === Place.available)
    }
  }

  /** The log ends here: indexed messages beyond can no longer be read. */
  loseFrom(partition: number, from: number): void {
    const index = this.#indices.get(partition)
    if (index !== undefined) this.#loseUntil(index, from, index.end)
  }

  // Consumers and browsers.

  add(taker: Taker): void {
    const memo = taker.selector === undefined ? undefined : this.#memoFor(taker.selector)
    const state: TakerState = { taker, memo, cursors: new Map(), refused: new Set(), unsent: 0 }
    ;(taker.isBrowser ? this.#browsers : this.#takers).push(state)
    this.plan()
  }

  #memoFor(selector: Selector): SelectorMemo {
    let memo = this.#memos.get(selector.text)
    if (memo === undefined) {
      for (const [text, each] of this.#memos) {
        if (this.#memos.size < KEPT_MEMOS) break
        if (each.users === 0) this.#memos.delete(text)
      }
      memo = new SelectorMemo(selector)
      this.#memos.set(selector.text, memo)
    }
    memo.users++
    return memo
  }

  remove(taker: Taker): void {
    for (const list of [this.#takers, this.#browsers]) {
      const at = list.findIndex((each) => each.taker === taker)
      if (at < 0) continue
      const [state] = list.splice(at, 1) as [TakerState]
      if (state.memo !== undefined) state.memo.users--
      for (const [group, owner] of this.#groups) if (owner === state) this.#groups.delete(group)
      if (this.#hasGroups) this.#resetCursors()
    }
    this.plan()
  }

  #resetCursors(): void {
    for (const { cursors } of this.#takers) cursors.clear()
  }

  // Dispatching.

  /** Schedules a dispatch after the current work. */
  plan(): void {
    if (this.#isPlanned || this.#isClosed) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      this.#dispatchSafely()
    })
  }

  /** A bug in handling one message must not end the process. */
  #dispatchSafely(): void {
    try {
      this.#dispatch()
    } catch (error) {
      this.#host.logger.error(`messages of ${this.id} could not be handed out`, { error })
    }
  }

  #dispatch(): void {
    if (this.#isClosed) return
    let handedOut = 0
    /** Takers whose next message must be loaded first. */
    const waiting = new Set<Taker>()
    for (let isProgress = true; isProgress; ) {
      isProgress = false
      const count = this.#takers.length
      for (let i = 0; i < count; i++) {
        const at = (this.#turn + i) % count
        const state = this.#takers[at]
        if (state === undefined || waiting.has(state.taker) || !this.#mayTake(state)) continue
        const taken = this.#serve(state)
        if (taken === 'loading') waiting.add(state.taker)
        if (taken !== 'taken') continue
        this.#turn = (at + 1) % count
        isProgress = true
        handedOut++
        break
      }
      if (handedOut >= BATCH) {
        this.#isPlanned = true
        void this.#host.clock.yield().then(() => {
          this.#isPlanned = false
          this.#dispatchSafely()
        })
        return
      }
    }
    for (const state of [...this.#browsers]) {
      while (state.taker.canTake) {
        const taken = this.#serve(state)
        if (taken === 'loading') waiting.add(state.taker)
        if (taken !== 'taken') break
      }
    }
    this.#tellDrained(waiting)
  }

  #mayTake({ taker, unsent }: TakerState): boolean {
    if (!taker.canTake || (unsent > 0 && unsent >= taker.room)) return false
    const exclusive = this.#host.policy.exclusive
      ? this.#takers[0]
      : this.#takers.find((each) => each.taker.isExclusive)
    return exclusive === undefined || exclusive.taker === taker
  }

  #tellDrained(loading: ReadonlySet<Taker>): void {
    const done = [...this.#takers, ...this.#browsers]
      .filter(({ unsent }) => unsent === 0)
      .map(({ taker }) => taker)
      .filter((taker) => taker.isDraining && taker.canTake && !loading.has(taker))
    if (done.length === 0) return
    const catchingUp = this.#host.caughtUp()
    if (catchingUp === undefined) for (const taker of done) taker.onNothingLeft()
    else void catchingUp.then(() => this.plan())
  }

  #serve(state: TakerState): 'taken' | 'nothing' | 'loading' {
    for (;;) {
      const found = this.#next(state)
      if (found === undefined) return 'nothing'
      const { index, offset } = found
      const message = this.#host.messageAt(index.partition, offset)
      if (message === undefined) {
        this.#load(index.partition, offset)
        return 'loading'
      }
      if (state.memo !== undefined && state.memo.judge(message) === Verdict.no) continue
      this.#hand(state, index, message)
      return 'taken'
    }
  }

  #load(partition: number, offset: number): void {
    if (this.#isLoading) return
    this.#isLoading = true
    void this.#host
      .load(partition, offset)
      .catch(() => pause(this.#host.clock, LOAD_RETRY_MS))
      .then(() => {
        this.#isLoading = false
        this.plan()
      })
  }

  #hand(state: TakerState, index: PartitionIndex, message: StoredMessage): void {
    const { taker } = state
    const { offset } = message
    const acquired = new Acquired(this, index, message, taker)
    if (taker.isBrowser) {
      this.#cursorOf(state, index)[message.envelope.priority] = offset + 1
    } else {
      index.move(offset, Place.inFlight)
      const group = index.groupOf(offset)
      if (group !== undefined) this.#groups.set(group, state)
      if (index.countsInFlight && this.#host.policy.deliveryCountPersistence === 'before') {
        state.unsent++
        const send = (): void => this.#sendHeld(state, acquired)
        this.#counting.countBefore({ index, offset, send })
        return
      }
      if (index.countsInFlight) this.#counting.countAfter(index, offset)
    }
    taker.take(acquired)
  }

  /** Sends a message whose delivery is counted, if the taker can still receive it. */
  #sendHeld(state: TakerState, acquired: Acquired): void {
    state.unsent--
    const { taker } = state
    const isThere = this.#takers.includes(state) && taker.canTake && !this.#isVoid(acquired)
    if (isThere) taker.take(acquired)
    else this.release(acquired, { failed: false })
    this.plan()
  }

  #cursorOf(state: TakerState, index: PartitionIndex): Float64Array {
    let cursors = state.cursors.get(index)
    if (cursors === undefined) {
      cursors = new Float64Array(PRIORITIES)
      state.cursors.set(index, cursors)
    }
    return cursors
  }

  /** The first message for a taker, by priority and then by age. */
  #next(
    state: TakerState,
  ): { readonly index: PartitionIndex; readonly offset: number } | undefined {
    for (let priority = PRIORITIES - 1; priority >= 0; priority--) {
      for (const index of this.#indices.values()) {
        if (index.available[priority] === 0) continue
        const cursors = this.#cursorOf(state, index)
        let offset = index.nextAvailable(priority, cursors[priority] as number)
        while (offset >= 0 && !this.#isFor(state, index, offset)) {
          offset = index.nextAvailable(priority, offset + 1)
        }
        cursors[priority] = offset < 0 ? index.end : offset
        if (offset >= 0) return { index, offset }
      }
    }
    return undefined
  }

  /**
   * Whether a message may be for this taker. A selector that needs the message itself is evaluated
   * after loading it.
   */
  #isFor(state: TakerState, index: PartitionIndex, offset: number): boolean {
    if (state.memo !== undefined && this.#verdictOf(state.memo, index, offset) === Verdict.no) {
      return false
    }
    const expiresAtMs = index.expiresAtOf(offset)
    if (expiresAtMs > 0 && expiresAtMs <= this.#host.clock.now()) return false
    if (state.taker.isBrowser) return true
    if (this.#hasGroups) {
      const group = index.groupOf(offset)
      const owner = group === undefined ? undefined : this.#groups.get(group)
      if (owner !== undefined && owner !== state) return false
    }
    return state.refused.size === 0 || !state.refused.has(keyOf(index, offset))
  }

  /** Result of a selector, as far as it is known without reading the log. */
  #verdictOf(memo: SelectorMemo, { partition }: PartitionIndex, offset: number): Verdict {
    const known = memo.verdictOf(partition, offset)
    if (known !== Verdict.unknown || !memo.isOfPropertiesOnly) return known
    const properties = this.#properties.find(partition, offset)
    return properties === undefined ? known : memo.judgeAt(partition, offset, properties)
  }

  // Outcomes of acquired messages.

  /** Accepts a message: it is consumed and finished. */
  accept(acquired: Acquired): void {
    if (acquired.isDone) return
    acquired.isDone = true
    if (this.#isVoid(acquired)) return
    this.acknowledged++
    this.#finish(acquired.index, acquired.offset)
  }

  #finish(index: PartitionIndex, offset: number): void {
    index.finish(offset)
    this.#host.onFinished(index.partition, offset)
    this.#host.onChanged(this)
  }

  /** Returns a message to its place, or moves it to `deadLetterQueue` after too many failures. */
  release(
    acquired: Acquired,
    how: { readonly failed: boolean; readonly undeliverableHere?: boolean },
  ): void {
    if (acquired.isDone) return
    if (this.#isVoid(acquired)) {
      acquired.isDone = true
      return
    }
    const { index, offset, taker } = acquired
    const { policy, clock } = this.#host
    let delayMs = 0
    if (how.failed) {
      const count = index.countDelivery(offset)
      this.#host.onChanged(this)
      if (policy.maxDeliveryAttempts > 0 && count >= policy.maxDeliveryAttempts) {
        this.#host.discard([acquired], 'max-delivery-attempts')
        return
      }
      delayMs = redeliveryDelay(policy, count)
    }
    acquired.isDone = true
    if (how.undeliverableHere === true) {
      const state = this.#takers.find((each) => each.taker === taker)
      state?.refused.add(keyOf(index, offset))
    }
    if (delayMs > 0) {
      const dueMs = clock.now() + delayMs
      index.delayUntil(offset, dueMs)
      this.#wakeAt(dueMs)
    } else {
      this.#putBack(index, offset)
    }
    this.#rewatch(index, offset)
    if (index.isChanged) this.#host.onChanged(this)
    this.plan()
  }

  #putBack(index: PartitionIndex, offset: number): void {
    index.move(offset, Place.available)
    for (const { cursors } of this.#takers) lowerCursors(cursors.get(index), offset)
    for (const { cursors } of this.#browsers) lowerCursors(cursors.get(index), offset)
  }

  #rewatch(index: PartitionIndex, offset: number): void {
    const expiresAtMs = index.expiresAtOf(offset)
    if (expiresAtMs === 0) return
    index.watchExpiry(offset)
    this.#wakeAt(expiresAtMs)
  }

  /** Rejects a message: no consumer can process it. */
  reject(acquired: Acquired, detail?: string): void {
    if (acquired.isDone) return
    if (this.#isVoid(acquired)) acquired.isDone = true
    else this.#host.discard([acquired], 'rejected', detail)
  }

  /**
   * First phase of consuming in a transaction: from here on state records count the message as
   * finished.
   */
  prepare(acquired: Acquired): void {
    acquired.index.move(acquired.offset, Place.finishing)
    acquired.index.markChanged(acquired.offset)
  }

  /** Second phase, after the transaction was committed. */
  complete(acquired: Acquired): void {
    if (acquired.isDone) return
    acquired.isDone = true
    this.acknowledged++
    acquired.index.finish(acquired.offset)
    this.#host.onFinished(acquired.index.partition, acquired.offset)
    // The transaction's state record covers this already; writing it again is harmless.
    this.#host.onChanged(this)
  }

  /** Alternative second phase, after the transaction failed: the message stays acquired. */
  undo(acquired: Acquired): void {
    acquired.index.move(acquired.offset, Place.inFlight)
    acquired.index.markChanged(acquired.offset)
    this.#host.onChanged(this)
  }

  takeChanges(): { readonly index: PartitionIndex; readonly changes: readonly IndexChange[] }[] {
    const all = []
    for (const index of this.#indices.values()) {
      const changes = index.takeChanges()
      if (changes.length === 0) continue
      all.push({ index, changes })
      for (const memo of this.#memos.values()) memo.forget(index.partition, index.floor)
      this.#properties.forget(index.partition, index.floor)
    }
    return all
  }

  /** Finishes every waiting message and returns their number. Acquired messages stay acquired. */
  purge(): number {
    let count = 0
    for (const index of this.#indices.values()) {
      const isWaiting = (place: Place): boolean =>
        place === Place.available || place === Place.delayed
      for (let at = index.nextLive(0, isWaiting); at >= 0; at = index.nextLive(at + 1, isWaiting)) {
        this.#finish(index, at)
        count++
      }
    }
    return count
  }

  // Timers.

  #wakeAt(ms: number): void {
    if (ms >= this.#wakesAtMs || this.#isClosed) return
    this.#wakesAtMs = ms
    this.#timer?.cancel()
    const delay = Math.min(Math.max(ms - this.#host.clock.now(), 0), 0x7fffffff)
    this.#timer = this.#host.clock.setTimer(delay, () =>
      attempt(this.#host.logger, `what is due in ${this.id}`, () => this.#onTime()),
    )
  }

  #onTime(): void {
    this.#wakesAtMs = Number.POSITIVE_INFINITY
    if (this.#isClosed) return
    const now = this.#host.clock.now()
    for (const index of this.#indices.values()) {
      index.releaseDue(now, (offset) => this.#putBack(index, offset))
      this.#expire(index, index.expired(now))
    }
    for (const index of this.#indices.values()) {
      this.#wakeAt(Math.min(index.nextDueMs, index.nextExpiryMs))
    }
    this.plan()
  }

  #expire(index: PartitionIndex, offsets: readonly number[]): void {
    if (offsets.length === 0) return
    if (this.#host.policy.expiryQueue === undefined) {
      for (const offset of offsets) this.#finish(index, offset)
      return
    }
    for (const offset of offsets) index.move(offset, Place.inFlight)
    attempt(this.#host.logger, `moving expired messages of ${this.id}`, () =>
      this.#moveExpired(index, offsets),
    )
  }

  async #moveExpired(index: PartitionIndex, offsets: readonly number[]): Promise<void> {
    let batch: Acquired[] = []
    for (const offset of offsets) {
      const { partition } = index
      if (this.#host.messageAt(partition, offset) === undefined) {
        await this.#host.load(partition, offset).catch(() => undefined)
        // The log may have been deleted in the meantime, and a new one may reuse this offset.
        if (this.#indices.get(partition) !== index) return
      }
      const message = this.#host.messageAt(partition, offset)
      if (message === undefined) this.#finish(index, offset)
      else batch.push(new Acquired(this, index, message, undefined))
      if (batch.length === 100) {
        this.#host.discard(batch, 'expired')
        batch = []
      }
    }
    if (batch.length > 0) this.#host.discard(batch, 'expired')
  }

  close(): void {
    this.#isClosed = true
    this.#counting.close()
    this.#timer?.cancel()
    this.#properties.clear()
  }
}

function keyOf(index: PartitionIndex, offset: number): string {
  return `${index.partition}/${offset}`
}

function lowerCursors(cursors: Float64Array | undefined, offset: number): void {
  if (cursors === undefined) return
  for (let priority = 0; priority < PRIORITIES; priority++) {
    if ((cursors[priority] as number) > offset) cursors[priority] = offset
  }
}

function redeliveryDelay(policy: DestinationPolicy, count: number): number {
  if (policy.redeliveryDelayMs === 0) return 0
  const grown = policy.redeliveryDelayMs * policy.redeliveryMultiplier ** (count - 1)
  return Math.min(grown, policy.redeliveryMaxDelayMs)
}
