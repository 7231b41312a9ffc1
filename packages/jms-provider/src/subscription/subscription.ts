// SPDX-License-Identifier: Apache-2.0
import { attempt, type Timer } from '@millrace/base'
import type { EnvelopeSummary } from '../mapping/envelope.ts'
import type { StoredMessage } from '../mapping/stored-message.ts'
import { pause } from '../pause.ts'
import { type ConsumerState, Consumers } from './consumers.ts'
import { DeliveryCounting } from './delivery-counting.ts'
import { type IndexChange, OffsetState, PartitionIndex, PRIORITIES } from './partition-index.ts'
import { PropertyCache } from './property-cache.ts'
import { redeliveryAfter } from './redelivery.ts'
import { type SelectorMemo, SelectorResult } from './selector-memo.ts'
import { Acquired, type SubscriptionConsumer, type SubscriptionHost } from './subscription-host.ts'

/** Delay before a failed read of the log is retried. */
const LOAD_RETRY_MS = 100
/** Messages to deliver before yielding to other work. */
const BATCH = 512

/**
 * One subscription: a queue has one, a topic any number. It assigns messages to
 * consumers.
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
  readonly #consumers = new Consumers()
  readonly #properties = new PropertyCache()
  /** Whether to cache properties, because consumers may have their own selectors. */
  readonly keepsProperties: boolean
  #isDispatchScheduled = false
  #isLoading = false
  #isClosed = false
  #timer: Timer | undefined
  #timerDueMs = Number.POSITIVE_INFINITY
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
   * Drops all messages because their log was deleted. Consumers stay and receive messages of the
   * next log. Outcomes of acquired messages are ignored.
   */
  reset(): void {
    this.#indices.clear()
    this.#consumers.reset()
    this.#properties.clear()
  }

  /** Whether an acquired message belongs to a log that no longer exists. */
  #isObsolete({ index }: Acquired): boolean {
    return this.#indices.get(index.partition) !== index
  }

  /** Closes all consumers and browsers with an AMQP error. */
  end(condition: string, description: string): void {
    for (const { consumer } of this.#consumers.all) consumer.end(condition, description)
  }

  get consumerCount(): number {
    return this.#consumers.count
  }

  get browserCount(): number {
    return this.#consumers.browsers.length
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
    if (group !== undefined) this.#consumers.noteGroups()
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
    this.#consumers.memos.evaluate(message)
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
  get acceptsSummaries(): boolean {
    return this.filter === undefined && this.#consumers.memos.size === 0
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
      this.#finishMissing(index, expected, message.offset)
      expected = message.offset + 1
      if (index.stateOf(message.offset) === OffsetState.none) continue
      this.#consumers.memos.evaluate(message)
    }
  }

  /** Finishes waiting messages that retention or compaction has deleted. */
  #finishMissing(index: PartitionIndex, from: number, to: number): void {
    let offset = index.nextLive(from, (state) => state === OffsetState.available)
    while (offset >= 0 && offset < to) {
      index.finish(offset)
      this.#host.onChanged(this)
      offset = index.nextLive(offset + 1, (state) => state === OffsetState.available)
    }
  }

  /** The log ends at this offset: indexed messages from it on can no longer be read. */
  dropFrom(partition: number, from: number): void {
    const index = this.#indices.get(partition)
    if (index !== undefined) this.#finishMissing(index, from, index.end)
  }

  // Consumers and browsers.

  add(consumer: SubscriptionConsumer): void {
    this.#consumers.add(consumer)
    this.plan()
  }

  remove(consumer: SubscriptionConsumer): void {
    this.#consumers.remove(consumer)
    this.plan()
  }

  // Dispatching.

  /** Schedules a dispatch after the current work. */
  plan(): void {
    if (this.#isDispatchScheduled || this.#isClosed) return
    this.#isDispatchScheduled = true
    queueMicrotask(() => {
      this.#isDispatchScheduled = false
      this.#dispatchSafely()
    })
  }

  /** A bug in handling one message must not end the process. */
  #dispatchSafely(): void {
    try {
      this.#dispatch()
    } catch (error) {
      this.#host.logger.error(`cannot deliver messages of ${this.id}`, { error })
    }
  }

  #dispatch(): void {
    if (this.#isClosed) return
    let handedOut = 0
    /** Consumers whose next message must first be loaded. */
    const waiting = new Set<SubscriptionConsumer>()
    for (let isProgress = true; isProgress; ) {
      isProgress = false
      const { count } = this.#consumers
      for (let i = 0; i < count; i++) {
        const state = this.#consumers.inTurn(i)
        if (state === undefined || waiting.has(state.consumer) || !this.#mayReceive(state)) continue
        const taken = this.#serve(state)
        if (taken === 'loading') waiting.add(state.consumer)
        if (taken !== 'taken') continue
        this.#consumers.served(i)
        isProgress = true
        handedOut++
        break
      }
      if (handedOut >= BATCH) {
        this.#isDispatchScheduled = true
        attempt(this.#host.logger, 'delivering messages', async () => {
          await this.#host.clock.yield()
          this.#isDispatchScheduled = false
          this.#dispatchSafely()
        })
        return
      }
    }
    for (const state of [...this.#consumers.browsers]) {
      while (state.consumer.canReceive) {
        const taken = this.#serve(state)
        if (taken === 'loading') waiting.add(state.consumer)
        if (taken !== 'taken') break
      }
    }
    this.#notifyDrained(waiting)
  }

  #mayReceive(state: ConsumerState): boolean {
    return this.#consumers.mayReceive(state, this.#host.policy.exclusive)
  }

  #notifyDrained(loading: ReadonlySet<SubscriptionConsumer>): void {
    const done = this.#consumers.all
      .filter(({ unsent }) => unsent === 0)
      .map(({ consumer }) => consumer)
      .filter((consumer) => consumer.isDraining && consumer.canReceive && !loading.has(consumer))
    if (done.length === 0) return
    const catchingUp = this.#host.caughtUp()
    if (catchingUp === undefined) for (const consumer of done) consumer.onDrained()
    else attempt(this.#host.logger, 'reading a log', () => catchingUp.then(() => this.plan()))
  }

  #serve(state: ConsumerState): 'taken' | 'nothing' | 'loading' {
    for (;;) {
      const found = this.#next(state)
      if (found === undefined) return 'nothing'
      const { index, offset } = found
      const message = this.#host.messageAt(index.partition, offset)
      if (message === undefined) {
        this.#load(index.partition, offset)
        return 'loading'
      }
      if (state.memo !== undefined && state.memo.evaluate(message) === SelectorResult.no) continue
      this.#deliver(state, index, message)
      return 'taken'
    }
  }

  #load(partition: number, offset: number): void {
    if (this.#isLoading) return
    this.#isLoading = true
    attempt(this.#host.logger, 'loading messages', async () => {
      try {
        await this.#host.load(partition, offset)
      } catch {
        await pause(this.#host.clock, LOAD_RETRY_MS)
      } finally {
        this.#isLoading = false
        this.plan()
      }
    })
  }

  #deliver(state: ConsumerState, index: PartitionIndex, message: StoredMessage): void {
    const { consumer } = state
    const { offset } = message
    const acquired = new Acquired(this, index, message, consumer)
    if (consumer.isBrowser) {
      this.#consumers.cursorOf(state, index)[message.envelope.priority] = offset + 1
    } else {
      index.move(offset, OffsetState.inFlight)
      const group = index.groupOf(offset)
      if (group !== undefined) this.#consumers.assign(group, state)
      if (index.countsInFlight && this.#host.policy.deliveryCountPersistence === 'before') {
        state.unsent++
        const send = (): void => this.#sendCounted(state, acquired)
        this.#counting.countBefore({ index, offset, send })
        return
      }
      if (index.countsInFlight) this.#counting.countAfter(index, offset)
    }
    consumer.take(acquired)
  }

  /** Sends a message whose delivery was counted, if the consumer can still receive it. */
  #sendCounted(state: ConsumerState, acquired: Acquired): void {
    state.unsent--
    const { consumer } = state
    const isThere =
      this.#consumers.includes(state) && consumer.canReceive && !this.#isObsolete(acquired)
    if (isThere) consumer.take(acquired)
    else this.release(acquired, { failed: false })
    this.plan()
  }

  /** The first eligible message for a consumer, by priority and then by age. */
  #next(
    state: ConsumerState,
  ): { readonly index: PartitionIndex; readonly offset: number } | undefined {
    for (let priority = PRIORITIES - 1; priority >= 0; priority--) {
      for (const index of this.#indices.values()) {
        if (index.available[priority] === 0) continue
        const cursors = this.#consumers.cursorOf(state, index)
        let offset = index.nextAvailable(priority, cursors[priority] as number)
        while (offset >= 0 && !this.#isEligible(state, index, offset)) {
          offset = index.nextAvailable(priority, offset + 1)
        }
        cursors[priority] = offset < 0 ? index.end : offset
        if (offset >= 0) return { index, offset }
      }
    }
    return undefined
  }

  /**
   * Whether a message is eligible for this consumer. A selector that needs the message itself is
   * evaluated after loading it.
   */
  #isEligible(state: ConsumerState, index: PartitionIndex, offset: number): boolean {
    if (
      state.memo !== undefined &&
      this.#resultOf(state.memo, index, offset) === SelectorResult.no
    ) {
      return false
    }
    const expiresAtMs = index.expiresAtOf(offset)
    if (expiresAtMs > 0 && expiresAtMs <= this.#host.clock.now()) return false
    if (state.consumer.isBrowser) return true
    const consumers = this.#consumers
    if (consumers.hasGroups && !consumers.mayHave(index.groupOf(offset), state)) return false
    return state.refused.size === 0 || !state.refused.has(keyOf(index, offset))
  }

  /** Result of a selector, as far as it is known without reading the log. */
  #resultOf(memo: SelectorMemo, { partition }: PartitionIndex, offset: number): SelectorResult {
    const known = memo.resultOf(partition, offset)
    if (known !== SelectorResult.unknown || !memo.isOfPropertiesOnly) return known
    const properties = this.#properties.find(partition, offset)
    return properties === undefined ? known : memo.evaluateAt(partition, offset, properties)
  }

  // Outcomes of acquired messages.

  /** Accepts a message: it is consumed and finished. */
  accept(acquired: Acquired): void {
    if (acquired.isDone) return
    acquired.isDone = true
    if (this.#isObsolete(acquired)) return
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
    if (this.#isObsolete(acquired)) {
      acquired.isDone = true
      return
    }
    const { index, offset, consumer } = acquired
    const { policy, clock } = this.#host
    let delayMs = 0
    if (how.failed) {
      const count = index.countDelivery(offset)
      this.#host.onChanged(this)
      const next = redeliveryAfter(policy, count)
      if (next.kind === 'discard') {
        this.#host.discard([acquired], 'max-delivery-attempts')
        return
      }
      delayMs = next.delayMs
    }
    acquired.isDone = true
    if (how.undeliverableHere === true) {
      this.#consumers.find(consumer)?.refused.add(keyOf(index, offset))
    }
    if (delayMs > 0) {
      const dueMs = clock.now() + delayMs
      index.delayUntil(offset, dueMs)
      this.#wakeAt(dueMs)
    } else {
      this.#makeAvailable(index, offset)
    }
    this.#restoreExpiry(index, offset)
    if (index.isChanged) this.#host.onChanged(this)
    this.plan()
  }

  #makeAvailable(index: PartitionIndex, offset: number): void {
    index.move(offset, OffsetState.available)
    this.#consumers.goBackTo(index, offset)
  }

  #restoreExpiry(index: PartitionIndex, offset: number): void {
    const expiresAtMs = index.expiresAtOf(offset)
    if (expiresAtMs === 0) return
    index.watchExpiry(offset)
    this.#wakeAt(expiresAtMs)
  }

  /** Rejects a message: no consumer can process it. */
  reject(acquired: Acquired, detail?: string): void {
    if (acquired.isDone) return
    if (this.#isObsolete(acquired)) acquired.isDone = true
    else this.#host.discard([acquired], 'rejected', detail)
  }

  /**
   * First phase of consuming in a transaction: state records now count the message as finished.
   */
  prepare(acquired: Acquired): void {
    acquired.index.move(acquired.offset, OffsetState.finishing)
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
    acquired.index.move(acquired.offset, OffsetState.inFlight)
    acquired.index.markChanged(acquired.offset)
    this.#host.onChanged(this)
  }

  takeChanges(): { readonly index: PartitionIndex; readonly changes: readonly IndexChange[] }[] {
    const all = []
    for (const index of this.#indices.values()) {
      const changes = index.takeChanges()
      if (changes.length === 0) continue
      all.push({ index, changes })
      this.#consumers.memos.forget(index.partition, index.floor)
      this.#properties.forget(index.partition, index.floor)
    }
    return all
  }

  /** Finishes every waiting message and returns their number. Acquired messages stay acquired. */
  purge(): number {
    let count = 0
    for (const index of this.#indices.values()) {
      const isWaiting = (state: OffsetState): boolean =>
        state === OffsetState.available || state === OffsetState.delayed
      for (let at = index.nextLive(0, isWaiting); at >= 0; at = index.nextLive(at + 1, isWaiting)) {
        this.#finish(index, at)
        count++
      }
    }
    return count
  }

  // Timers.

  #wakeAt(ms: number): void {
    if (ms >= this.#timerDueMs || this.#isClosed) return
    this.#timerDueMs = ms
    this.#timer?.cancel()
    const delay = Math.min(Math.max(ms - this.#host.clock.now(), 0), 0x7fffffff)
    this.#timer = this.#host.clock.setTimer(delay, () =>
      attempt(this.#host.logger, `processing due messages of ${this.id}`, () => this.#onTimer()),
    )
  }

  #onTimer(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY
    if (this.#isClosed) return
    const now = this.#host.clock.now()
    for (const index of this.#indices.values()) {
      index.releaseDue(now, (offset) => this.#makeAvailable(index, offset))
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
    for (const offset of offsets) index.move(offset, OffsetState.inFlight)
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
