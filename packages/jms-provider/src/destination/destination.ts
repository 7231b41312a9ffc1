// SPDX-License-Identifier: Apache-2.0
import { type Clock, elementAt, type Logger } from '@millrace/base'
import type { DestinationPolicy } from '../config/destination-policy.ts'
import { ENVELOPE_HEADER, type EnvelopeSummary, summarizeEnvelope } from '../mapping/envelope.ts'
import { fromRecord, type StoredRecord } from '../mapping/from-record.ts'
import { StoredMessage } from '../mapping/stored-message.ts'
import { duplicateIdProperties, type NewRecord } from '../mapping/to-record.ts'
import type { DestinationKind } from '../state/state-record.ts'
import { Subscription } from '../subscription/subscription.ts'
import type {
  Acquired,
  DiscardReason,
  SubscriptionHost,
} from '../subscription/subscription-host.ts'
import { destinationGone } from './destination-errors.ts'
import { type DestinationLog, isMissingTopic, type LogPosition } from './destination-log.ts'
import type { MessageCache } from './message-cache.ts'
import { LARGE_MESSAGE_BYTES } from './topic-admin.ts'

/** A log and the position of a message that was written to it. */
interface Written {
  readonly log: DestinationLog
  readonly position: LogPosition
}

/** Options for opening the log of a destination. */
export interface OpenOptions {
  /** Whether to create the topic if it does not exist. */
  readonly mayCreate: boolean
  /** Partitions of a created topic. Default: from the destination's policy. */
  readonly partitions?: number | undefined
}

/** The parts of the engine that a destination uses. */
export interface DestinationHost {
  readonly clock: Clock
  readonly logger: Logger
  readonly cache: MessageCache
  onChanged(subscription: Subscription): void
  /** Resolves when the changes so far are in the state topic. */
  flushed(): Promise<void>
  discard(
    destination: Destination,
    acquired: readonly Acquired[],
    reason: DiscardReason,
    detail?: string,
  ): void
  /** Opens a log for a destination whose topic was deleted. */
  reopen(destination: Destination, options: OpenOptions): Promise<void>
  /**
   * Called when a write failed because a topic was deleted. Resolves when the destination has been
   * updated.
   */
  onTopicMissing(): Promise<void>
  /** Enlarges the segments of a topic that the provider created. Never rejects. */
  enlargeSegments(destination: Destination): Promise<void>
}

/** A queue or topic: a log and the subscriptions that read it. */
export class Destination implements SubscriptionHost {
  readonly kind: DestinationKind
  readonly name: string
  readonly policy: DestinationPolicy
  /**
   * True for a destination that is kept in memory and deleted with the connection that created it.
   */
  readonly isTemporary: boolean
  readonly clock: Clock
  readonly logger: Logger
  readonly #host: DestinationHost
  #log: DestinationLog | undefined
  #topic: string | undefined
  readonly #subscriptions = new Map<string, Subscription>()
  /** By partition: offset after the last message whose write was confirmed. */
  readonly #confirmed = new Map<number, number>()
  /** By partition: offset after the last indexed message. */
  readonly #indexed = new Map<number, number>()
  /** Number of messages in flight to the log. */
  #inFlight = 0
  #lastAppend: Promise<unknown> = Promise.resolve()
  #waiters: (() => void)[] = []
  readonly #duplicateIds = new Map<string, number>()
  readonly #notFullListeners = new Set<() => void>()
  /**
   * By partition: messages below this offset predate this provider; non-persistent ones are
   * discarded.
   */
  readonly #startOffsets = new Map<number, number>()
  #reopening: Promise<void> | undefined
  #onIndexed: ((messages: readonly StoredMessage[]) => void) | undefined
  readonly #opening = new Set<number>()
  /** The log whose segments were enlarged. */
  #enlarged: DestinationLog | undefined
  #enlarging: Promise<void> | undefined
  isClosed = false

  constructor(
    host: DestinationHost,
    options: {
      readonly kind: DestinationKind
      readonly name: string
      readonly policy: DestinationPolicy
      readonly isTemporary: boolean
    },
  ) {
    this.#host = host
    this.clock = host.clock
    this.logger = host.logger
    this.kind = options.kind
    this.name = options.name
    this.policy = options.policy
    this.isTemporary = options.isTemporary
  }

  /** Sets the listener that receives every message after the subscriptions have indexed it. */
  onIndexed(listener: (messages: readonly StoredMessage[]) => void): void {
    this.#onIndexed = listener
  }

  /** Sets the log. It is created after the destination, because it delivers messages to it. */
  useLog(log: DestinationLog): void {
    this.#log = log
    this.#topic = log.topic
    this.#wake()
  }

  /** Name of the Kafka topic, or of the one that was deleted; undefined in memory. */
  get topic(): string | undefined {
    return this.#topic
  }

  get log(): DestinationLog {
    if (this.#log === undefined) {
      throw destinationGone(this.kind, this.name)
    }
    return this.#log
  }

  /** Whether the destination still uses this log. */
  hasLog(log: DestinationLog | undefined): boolean {
    return log !== undefined && this.#log === log
  }

  /**
   * The Kafka topic was deleted: there is no log until the destination is used again or the topic
   * is created.
   */
  get isDormant(): boolean {
    return this.#log === undefined && !this.isClosed
  }

  /** Discards the deleted topic's log and all messages. Consumers and subscriptions stay. */
  reset(): void {
    this.#log?.close()
    this.#log = undefined
    for (const subscription of this.#subscriptions.values()) subscription.reset()
    this.#confirmed.clear()
    this.#indexed.clear()
    this.#startOffsets.clear()
    this.#opening.clear()
    this.#duplicateIds.clear()
    this.#wake()
    this.#notifyWaitingProducers()
  }

  /**
   * Called when a write failed because a topic was deleted. Resolves when all affected destinations
   * have been updated.
   */
  async onTopicMissing(): Promise<void> {
    if (!this.isTemporary) await this.#host.onTopicMissing()
  }

  /** Resolves when the log is open. Rejects if the topic does not exist and must not be created. */
  reopen(options: OpenOptions = { mayCreate: this.policy.autoCreate }): Promise<void> {
    this.#reopening ??= this.#host.reopen(this, options).finally(() => {
      this.#reopening = undefined
    })
    return this.#reopening
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  subscription(id: string): Subscription | undefined {
    return this.#subscriptions.get(id)
  }

  /** The only subscription of a queue. */
  get queue(): Subscription {
    const [only] = this.#subscriptions.values()
    return only as Subscription
  }

  /** Adds a subscription; `floorOf` returns the offset at which it starts in each partition. */
  subscribe(
    options: {
      readonly id: string
      readonly isDurable: boolean
      readonly filter?: ((message: StoredMessage) => boolean) | undefined
    },
    floorOf: (partition: number) => number,
  ): Subscription {
    const keepsProperties = this.kind === 'queue' && !this.isTemporary
    const subscription = new Subscription(this, { ...options, keepsProperties })
    const { partitions, topicId } = this.log
    for (let partition = 0; partition < partitions; partition++) {
      subscription.open(partition, floorOf(partition), topicId)
    }
    this.#subscriptions.set(options.id, subscription)
    return subscription
  }

  unsubscribe(id: string): void {
    const subscription = this.#subscriptions.get(id)
    subscription?.close()
    this.#subscriptions.delete(id)
  }

  /** Offset at which a new subscription starts in a partition: after all messages sent so far. */
  endOf(partition: number): number {
    return Math.max(this.#confirmed.get(partition) ?? 0, this.#indexed.get(partition) ?? 0)
  }

  /** Sets the end of the log at provider start and the offset from which it is read. */
  startAt(partition: number, position: { readonly end: number; readonly from: number }): void {
    this.#startOffsets.set(partition, position.end)
    this.#indexed.set(partition, position.from)
    if (position.from < position.end) this.#opening.add(partition)
  }

  /** Partitions that have not yet been read to the end that they had when the log was opened. */
  get opening(): ReadonlySet<number> {
    return this.#opening
  }

  /** A partition has been read to the end that it had when the log was opened. */
  onOpened(partition: number): void {
    this.#opening.delete(partition)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake()
  }

  // Sending.

  /** Writes a message. Resolves when it is durable. */
  append(record: NewRecord): Promise<void> {
    return this.#write([record], (log) => log.append(record))
  }

  /** Whether a message of this encoded size fits into a segment of the log. */
  fitsSegments(bytes: number): boolean {
    if (this.isTemporary || bytes <= LARGE_MESSAGE_BYTES) return true
    return this.#log !== undefined && this.#enlarged === this.#log
  }

  /** Enlarges the segments of the topic if a message of this size needs it. */
  async enlargeSegmentsFor(bytes: number): Promise<void> {
    if (this.isDormant) await this.reopen()
    if (this.fitsSegments(bytes)) return
    const { log } = this
    this.#enlarging ??= this.#host.enlargeSegments(this).finally(() => {
      this.#enlarging = undefined
    })
    await this.#enlarging
    this.#enlarged = log
  }

  /** Writes messages atomically. Resolves when they are durable. */
  appendTogether(records: readonly NewRecord[]): Promise<void> {
    return this.#write(records, (log) => log.appendTogether(records))
  }

  #write(
    records: readonly NewRecord[],
    write: (log: DestinationLog) => Promise<LogPosition>,
  ): Promise<void> {
    const appended = this.#append(records, write)
    this.#lastAppend = appended.catch(() => undefined)
    return appended
  }

  async #append(
    records: readonly NewRecord[],
    write: (log: DestinationLog) => Promise<LogPosition>,
  ): Promise<void> {
    this.#inFlight += records.length
    let written: Written
    try {
      written = await this.#writeToLog(write)
    } finally {
      this.#inFlight -= records.length
    }
    if (!this.hasLog(written.log)) return
    const { partition, offset } = written.position
    records.forEach((record, i) => {
      this.#written(record, { partition, offset: offset + i })
    })
  }

  /**
   * A write that failed because the topic was deleted is repeated on the topic that replaces it.
   */
  async #writeToLog(write: (log: DestinationLog) => Promise<LogPosition>): Promise<Written> {
    for (let isFirst = true; ; isFirst = false) {
      if (this.isDormant) await this.reopen()
      const { log } = this
      try {
        return { log, position: await write(log) }
      } catch (error) {
        if (!isFirst || !isMissingTopic(error)) throw error
        await this.#host.onTopicMissing()
        if (this.hasLog(log) || this.isClosed) throw error
      }
    }
  }

  /**
   * Called when a message has been written. If it is the next one to index, it is indexed
   * immediately; the copy that arrives from the log later is ignored.
   */
  #written(record: NewRecord, position: LogPosition): void {
    this.confirm(position)
    if (this.isTemporary || position.offset !== this.#indexed.get(position.partition)) return
    const { envelope, body } = record
    this.onMessages([
      new StoredMessage({ ...position, timestamp: this.clock.now() }, envelope, body),
    ])
  }

  /** Records the position of a message that this provider has written. */
  confirm({ partition, offset }: LogPosition): void {
    if (offset < 0) return
    const end = offset + 1
    if (end > (this.#confirmed.get(partition) ?? 0)) this.#confirmed.set(partition, end)
  }

  get #isCaughtUp(): boolean {
    if (this.#opening.size > 0) return false
    for (const [partition, confirmed] of this.#confirmed) {
      if ((this.#indexed.get(partition) ?? 0) < confirmed) return false
    }
    return true
  }

  caughtUp(): Promise<void> | undefined {
    if (this.#inFlight === 0 && this.#isCaughtUp) return undefined
    return this.#catchUp()
  }

  async #catchUp(): Promise<void> {
    await this.#lastAppend
    const wanted = new Map(this.#confirmed)
    const isThere = (): boolean =>
      this.#opening.size === 0 &&
      [...wanted].every(([partition, end]) => (this.#indexed.get(partition) ?? 0) >= end)
    while (!isThere() && !this.isClosed) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  // Reading the log.

  /** Processes records of one partition, from any writer. */
  onRecords(records: readonly StoredRecord[]): void {
    const [first] = records
    if (first === undefined) return
    const seen = BigInt(this.#indexed.get(first.partition) ?? 0)
    const news = records.filter(({ offset }) => offset >= seen)
    if (news.length === 0) return
    if (!this.#acceptsSummaries || !this.#onSummaries(news)) this.onMessages(this.#messagesOf(news))
  }

  /** Skips records that cannot be decoded. */
  #messagesOf(records: readonly StoredRecord[]): StoredMessage[] {
    const messages: StoredMessage[] = []
    for (const record of records) {
      try {
        messages.push(fromRecord(record))
      } catch (error) {
        const { partition, offset } = record
        this.logger.warn(`cannot decode record ${offset} of ${this.log.topic}-${partition}`, {
          error,
        })
      }
    }
    return messages
  }

  /**
   * True while a long queue is opened and the cache is full. Summaries suffice then, because the
   * cache cannot hold decoded messages.
   */
  get #acceptsSummaries(): boolean {
    return (
      this.kind === 'queue' &&
      this.#opening.size > 0 &&
      this.#host.cache.isFull &&
      this.queue.acceptsSummaries
    )
  }

  /**
   * Indexes records from their envelopes alone. Returns false, with nothing indexed, if a record
   * needs decoding.
   */
  #onSummaries(records: readonly StoredRecord[]): boolean {
    const summaries: EnvelopeSummary[] = []
    for (const record of records) {
      const envelope = record.header(ENVELOPE_HEADER)
      const summary =
        envelope === undefined || envelope === null ? undefined : summarizeEnvelope(envelope)
      if (summary === undefined) return false
      summaries.push(summary)
    }
    const { queue } = this
    const { partition } = elementAt(records, 0)
    const boot = this.#startOffsets.get(partition) ?? 0
    summaries.forEach((summary, i) => {
      const offset = Number(records[i]?.offset)
      if (!summary.durable && offset < boot) queue.skip(partition, offset)
      else queue.offerSummary(partition, offset, summary)
    })
    this.#indexed.set(partition, Number(records.at(-1)?.offset) + 1)
    this.#wake()
    return true
  }

  /** Indexes messages of one partition, in order. */
  onMessages(messages: readonly StoredMessage[]): void {
    if (this.isClosed) return
    for (const message of messages) {
      try {
        this.#onMessage(message)
      } catch (error) {
        const { partition, offset } = message
        this.logger.warn(`cannot index message ${offset} of ${this.name}-${partition}`, { error })
        for (const subscription of this.#subscriptions.values())
          subscription.skip(partition, offset)
      }
    }
    if (this.#onIndexed !== undefined) this.#onIndexed(messages)
    const last = messages.at(-1)
    if (last !== undefined) this.#indexed.set(last.partition, last.offset + 1)
    if (this.isTemporary) this.trim()
    this.#wake()
  }

  #onMessage(message: StoredMessage): void {
    if (this.#isLost(message) || this.#isDuplicate(message)) {
      for (const subscription of this.#subscriptions.values()) {
        subscription.skip(message.partition, message.offset)
      }
      return
    }
    let isWanted = false
    const onlyFor = this.kind === 'topic' ? message.envelope.onlyFor : undefined
    for (const subscription of this.#subscriptions.values()) {
      if (onlyFor !== undefined && onlyFor !== subscription.id) {
        subscription.skip(message.partition, message.offset)
      } else if (subscription.offer(message)) isWanted = true
    }
    if (isWanted && this.log.topic !== undefined && !this.#host.cache.isFull)
      this.#host.cache.offer(this.#keyOf(message), message)
  }

  #isLost({ envelope, partition, offset }: StoredMessage): boolean {
    return !envelope.durable && offset < (this.#startOffsets.get(partition) ?? 0)
  }

  #isDuplicate(message: StoredMessage): boolean {
    const { duplicateWindowMs } = this.policy
    if (!message.envelope.hasDuplicateId || duplicateWindowMs === 0) return false
    const id = duplicateIdOf(message)
    if (id === undefined) return false
    const oldest = message.timestamp - duplicateWindowMs
    for (const [known, timestamp] of this.#duplicateIds) {
      if (timestamp >= oldest) break
      this.#duplicateIds.delete(known)
    }
    if (this.#duplicateIds.has(id)) return true
    this.#duplicateIds.set(id, message.timestamp)
    return false
  }

  #keyOf(message: { readonly partition: number; readonly offset: number }): string {
    return `${this.#log?.topicId ?? this.#log?.topic}/${message.partition}/${message.offset}`
  }

  // Called by subscriptions.

  messageAt(partition: number, offset: number): StoredMessage | undefined {
    if (this.#log === undefined) return undefined
    const { log } = this
    if (log.topic !== undefined) return this.#host.cache.get(this.#keyOf({ partition, offset }))
    return (log as { messageAt?: (offset: number) => StoredMessage | undefined }).messageAt?.(
      offset,
    )
  }

  /**
   * Returns a message, reading it from the log if it is not in memory; undefined if the log no
   * longer has it.
   */
  async messageOf(partition: number, offset: number): Promise<StoredMessage | undefined> {
    const known = this.messageAt(partition, offset)
    if (known !== undefined || this.#log === undefined) return known
    const messages = await this.#log.read(partition, offset)
    return messages.find((message) => message.offset === offset)
  }

  async load(partition: number, offset: number): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    const messages = await log.read(partition, offset)
    if (!this.hasLog(log)) return
    const subscriptions = [...this.#subscriptions.values()]
    for (const message of messages) {
      const isWanted = subscriptions.some(
        (each) => (each.indices.get(partition)?.stateOf(message.offset) ?? 0) !== 0,
      )
      if (isWanted) this.#host.cache.put(this.#keyOf(message), message)
    }
    for (const subscription of subscriptions) {
      if (messages.length === 0) subscription.dropFrom(partition, offset)
      else subscription.onLoaded(partition, offset, messages)
    }
  }

  onChanged(subscription: Subscription): void {
    if (subscription.isDurable) this.#host.onChanged(subscription)
    if (this.kind === 'queue') this.#notifyWaitingProducers()
  }

  flushed(): Promise<void> {
    return this.#host.flushed()
  }

  onFinished(partition: number, offset: number): void {
    if (this.#log === undefined) return
    if (this.kind === 'queue' && this.log.topic !== undefined) {
      this.#host.cache.delete(this.#keyOf({ partition, offset }))
    }
    if (this.log.topic === undefined) this.trim()
  }

  /** Trims messages that all subscriptions have finished from the log. */
  trim(): void {
    for (let partition = 0; partition < this.log.partitions; partition++) {
      let floor = Number.POSITIVE_INFINITY
      for (const { indices } of this.#subscriptions.values()) {
        floor = Math.min(floor, indices.get(partition)?.lowest ?? floor)
      }
      // Messages of a temporary topic without subscriptions are not needed.
      if (floor === Number.POSITIVE_INFINITY && this.isTemporary) floor = this.endOf(partition)
      if (floor !== Number.POSITIVE_INFINITY) this.log.trim(partition, floor)
    }
  }

  /**
   * Offset below which no subscription needs messages, not even after a restart; undefined if not
   * yet known. The host is notified of durable subscriptions whose floor is not yet in the state
   * topic.
   */
  consumedBelow(partition: number): number | undefined {
    if (this.isDormant || this.isClosed || this.#opening.has(partition)) return undefined
    let floor = this.#indexed.get(partition)
    for (const subscription of this.#subscriptions.values()) {
      const index = subscription.indices.get(partition)
      if (floor === undefined || index === undefined) return undefined
      if (subscription.isDurable) {
        if (index.markFloorChanged()) this.#host.onChanged(subscription)
        floor = Math.min(floor, index.durableFloor)
      } else floor = Math.min(floor, index.lowest)
    }
    return floor
  }

  /** Offset after the last indexed message of a partition. */
  indexedBelow(partition: number): number | undefined {
    return this.#indexed.get(partition)
  }

  discard(acquired: readonly Acquired[], reason: DiscardReason, detail?: string): void {
    this.#host.discard(this, acquired, reason, detail)
  }

  // Back-pressure.

  /** Largest number of waiting messages of any subscription, plus the writes in flight. */
  get depth(): number {
    let depth = this.#inFlight
    for (const subscription of this.#subscriptions.values()) {
      depth = Math.max(depth, subscription.depth + this.#inFlight)
    }
    return depth
  }

  get isFull(): boolean {
    const { maxMessages } = this.policy
    return maxMessages > 0 && this.depth >= maxMessages
  }

  /** Calls the listener once, when the destination is no longer full. */
  whenNotFull(listener: () => void): void {
    this.#notFullListeners.add(listener)
  }

  #notifyWaitingProducers(): void {
    if (this.#notFullListeners.size === 0) return
    const { maxMessages } = this.policy
    if (maxMessages > 0 && this.depth > maxMessages * 0.8) return
    const listeners = [...this.#notFullListeners]
    this.#notFullListeners.clear()
    for (const listener of listeners) listener()
  }

  close(): void {
    this.isClosed = true
    for (const subscription of this.#subscriptions.values()) subscription.close()
    this.#subscriptions.clear()
    this.#log?.close()
    this.#wake()
    for (const listener of this.#notFullListeners) listener()
  }
}

function duplicateIdOf(message: StoredMessage): string | undefined {
  for (const name of duplicateIdProperties) {
    const id = message.valueOf(name)
    if (id !== undefined) return String(id)
  }
  return undefined
}
