// SPDX-License-Identifier: Apache-2.0
import { Condition } from '@millrace/amqp'
import { attempt, type Clock, guard, type Logger } from '@millrace/base'
import type { ClientOptions } from '@millrace/client'
import type { DestinationPolicy } from './config/destination-policy.ts'
import { Destination, type DestinationHost, type OpenOptions } from './destination/destination.ts'
import { isNotFound } from './destination/destination-errors.ts'
import { DestinationOpener, recordChange } from './destination/destination-opener.ts'
import { KafkaLogs } from './destination/kafka-logs.ts'
import { LogTrimmer, type TrimRule } from './destination/log-trimmer.ts'
import { MemoryLog, type TemporaryMemory } from './destination/memory-log.ts'
import { MessageCache } from './destination/message-cache.ts'
import { TopicAdmin } from './destination/topic-admin.ts'
import { TopicWatch } from './destination/topic-watch.ts'
import { deadLetter } from './mapping/dead-letter.ts'
import type { StoredMessage } from './mapping/stored-message.ts'
import { recordSize, type Send, sendsOf } from './state/commit.ts'
import type { Journal } from './state/journal.ts'
import { voidProgress } from './state/restored-progress.ts'
import type { StateImage } from './state/state-image.ts'
import type { DestinationKind, StateChange, SubscriptionRecord } from './state/state-record.ts'
import type { Subscription } from './subscription/subscription.ts'
import { filterOf } from './subscription/subscription-filter.ts'
import type { Acquired, DiscardReason } from './subscription/subscription-host.ts'

/** Memory budget for cached messages of all destinations, in bytes. */
const CACHE_BYTES = 48 * 1024 * 1024

export interface EngineOptions {
  readonly client: ClientOptions
  readonly clock: Clock
  readonly logger: Logger
  readonly image: StateImage
  readonly replicationFactor: number | undefined
  readonly policyOf: (kind: DestinationKind, name: string) => DestinationPolicy
  /** Memory for the messages of all temporary destinations. */
  readonly temporaryMemory: TemporaryMemory
  /** Creates the journal; receives the logs, whose producer it shares. */
  readonly journal: (logs: KafkaLogs) => Journal
}

/** All destinations and subscriptions of the provider that owns them. */
export class Engine implements DestinationHost {
  readonly clock: Clock
  readonly logger: Logger
  readonly cache = new MessageCache(CACHE_BYTES)
  readonly logs: KafkaLogs
  readonly journal: Journal
  readonly topics: TopicAdmin
  readonly #opener: DestinationOpener
  readonly #watch: TopicWatch
  readonly #trimmer: LogTrimmer
  readonly #options: EngineOptions
  readonly #image: StateImage
  readonly #destinations = new Map<string, Promise<Destination>>()
  readonly #open = new Map<string, Destination>()
  #nextTemporary = 0
  #isClosed = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.#image = options.image
    this.clock = options.clock
    this.logger = options.logger
    const { clock, logger } = options
    this.logs = new KafkaLogs(options.client, {
      clock,
      logger,
      onTopicMissing: () => attempt(logger, 'looking up topics', () => this.onTopicMissing()),
    })
    this.journal = options.journal(this.logs)
    this.topics = new TopicAdmin(this.logs.admin, options)
    this.#opener = new DestinationOpener({
      image: options.image,
      journal: this.journal,
      logs: this.logs,
      topics: this.topics,
      clock,
    })
    this.#trimmer = new LogTrimmer({
      admin: this.logs.admin,
      topics: this.topics,
      clock,
      logger,
      destinations: () => this.#open.values(),
      ruleOf: (destination) => this.#trimRuleOf(destination),
    })
    this.#watch = new TopicWatch({
      topics: this.topics,
      clock,
      logger,
      destinations: () => this.#open.values(),
      onGone: (destination) => this.#onTopicGone(destination),
    })
  }

  /**
   * Opens all known destinations in the background, so that delayed and expired messages are
   * processed without a client.
   */
  async openAll(): Promise<void> {
    for (const { kind, name } of [...this.#image.destinations.values()]) {
      if (this.#isClosed) return
      try {
        if ((await this.existing(kind, name)) === undefined) await this.#forget(kind, name)
      } catch (error) {
        if (this.#isClosed) return
        this.logger.warn(`cannot open ${kind} ${name}`, { error })
      }
    }
  }

  /** Open destinations, including temporary ones. */
  get destinations(): Iterable<Destination> {
    return this.#open.values()
  }

  /** Kinds and names of the known destinations. */
  get known(): { readonly kind: DestinationKind; readonly name: string }[] {
    return [...this.#image.destinations.values()].map(({ kind, name }) => ({ kind, name }))
  }

  /** Kinds of the known destinations with this name. */
  kindsOf(name: string): DestinationKind[] {
    return (['queue', 'topic'] as const).filter(
      (kind) =>
        this.#image.destinations.has(`${kind}/${name}`) || this.#open.has(`${kind}/${name}`),
    )
  }

  /**
   * Returns the destination with a name; creates it if its policy allows. Rejects with
   * `EngineError.notFound`.
   */
  async destination(kind: DestinationKind, name: string): Promise<Destination> {
    const policy = this.#options.policyOf(kind, name)
    const destination = await this.#opened(kind, name, policy.autoCreate)
    if (destination.isDormant) await destination.reopen()
    return destination
  }

  /**
   * Returns the destination with a name if it, or a Kafka topic for it, exists. It may be dormant.
   */
  async existing(kind: DestinationKind, name: string): Promise<Destination | undefined> {
    try {
      return await this.#opened(kind, name, false)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  /** Creates a destination regardless of its policy. */
  async create(
    kind: DestinationKind,
    name: string,
    { partitions }: { readonly partitions?: number | undefined } = {},
  ): Promise<Destination> {
    const destination = await this.#opened(kind, name, true, partitions)
    if (destination.isDormant) await destination.reopen({ mayCreate: true, partitions })
    return destination
  }

  /** Name of the Kafka topic of a destination, or the name with which it would be created. */
  topicOf(kind: DestinationKind, name: string): string {
    return this.#opener.topicOf(kind, name)
  }

  /** Whether the provider created the topic of a destination. */
  isOwn({ kind, name }: Destination): boolean {
    return this.#image.destinations.get(`${kind}/${name}`)?.isOwn === true
  }

  #opened(
    kind: DestinationKind,
    name: string,
    mayCreate: boolean,
    partitions?: number,
  ): Promise<Destination> {
    const key = `${kind}/${name}`
    const before = this.#destinations.get(key)
    // A pending lookup that may not create the destination is followed by one that may.
    const opening =
      before === undefined
        ? this.#openDestination(kind, name, { mayCreate, partitions })
        : mayCreate && !this.#open.has(key)
          ? before.catch((error: unknown) => {
              if (!isNotFound(error)) throw error
              return this.#openDestination(kind, name, { mayCreate, partitions })
            })
          : before
    if (opening !== before) {
      this.#destinations.set(key, opening)
      opening.catch(() => {
        if (this.#destinations.get(key) === opening) this.#destinations.delete(key)
      })
    }
    return opening
  }

  async #openDestination(
    kind: DestinationKind,
    name: string,
    options: { readonly mayCreate: boolean; readonly partitions?: number | undefined },
  ): Promise<Destination> {
    const policy = this.#options.policyOf(kind, name)
    const destination = new Destination(this, { kind, name, policy, isTemporary: false })
    destination.onIndexed((messages) => this.#noteDuplicateIds(destination, messages))
    await this.#opener.open(destination, options)
    this.#open.set(`${kind}/${name}`, destination)
    return destination
  }

  // Consumed messages.

  /** Returns undefined if the destination keeps consumed messages. */
  #trimRuleOf(destination: Destination): TrimRule | undefined {
    const { kind, name, policy } = destination
    const record = this.#image.destinations.get(`${kind}/${name}`)
    const isTrimmed =
      policy.trim === 'always' || (policy.trim === 'created' && record?.isOwn === true)
    if (!isTrimmed) return undefined
    // After a restart, the duplicate ids within the window are read from the log.
    const windowMs = record?.hasDuplicateIds === true ? policy.duplicateWindowMs : 0
    return { retentionMs: Math.max(policy.consumedRetentionMs, windowMs, 0) }
  }

  /** Deletes consumed messages whose retention has expired. */
  trim(): Promise<void> {
    return this.#trimmer.trim()
  }

  async enlargeSegments(destination: Destination): Promise<void> {
    const { topic } = destination
    if (topic === undefined || !this.isOwn(destination)) return
    try {
      await this.topics.enlargeSegments(topic)
    } catch (error) {
      this.logger.warn(`cannot enlarge the segments of topic ${topic}`, { error })
    }
  }

  // Deleted topics.

  /**
   * Called when a read or write failed because a topic was deleted. Resolves when the destinations
   * have been updated.
   */
  onTopicMissing(): Promise<void> {
    return this.#watch.checkAll()
  }

  /** Opens a log for a destination whose topic was deleted. */
  reopen(destination: Destination, options: OpenOptions): Promise<void> {
    return this.#opener.open(destination, options)
  }

  /** The topic of a destination was deleted together with its messages. */
  async #onTopicGone(destination: Destination): Promise<void> {
    const { kind, name, topic } = destination
    this.logger.warn(`topic ${topic} of ${kind} ${name} was deleted together with its messages`)
    const changes: StateChange[] = []
    for (const subscription of destination.subscriptions) {
      if (subscription.isDurable) changes.push(...progressOf(subscription))
    }
    destination.reset()
    this.#image.destinations.delete(`${kind}/${name}`)
    changes.push({ key: { kind: 'destination', destinationKind: kind, name }, value: null })
    await this.journal.write(changes)
    if (destination.policy.autoCreate || destination.isClosed) return
    // No message can arrive until the topic is created and consumers attach again.
    this.#close(destination, `topic ${topic} of ${kind} ${name} was deleted`)
  }

  #close(destination: Destination, why: string): void {
    const key = `${destination.kind}/${destination.name}`
    this.#open.delete(key)
    this.#destinations.delete(key)
    for (const subscription of destination.subscriptions) {
      subscription.end(Condition.resourceDeleted, why)
    }
    destination.close()
  }

  /**
   * Deletes the state of a destination that no longer exists. Durable subscriptions of a topic
   * remain, without messages.
   */
  async #forget(kind: DestinationKind, name: string): Promise<void> {
    const changes: StateChange[] = [
      { key: { kind: 'destination', destinationKind: kind, name }, value: null },
    ]
    const ids =
      kind === 'queue'
        ? [`queue/${name}`]
        : [...this.#image.subscriptions.values()]
            .filter(({ topic }) => topic === name)
            .map(({ id }) => id)
    for (const id of ids) {
      changes.push(...voidProgress(id, this.#image.progressOf(id)))
      this.#image.forgetProgress(id)
    }
    this.#image.destinations.delete(`${kind}/${name}`)
    await this.journal.write(changes)
  }

  /** Deletes a destination, its topic and its messages. Its consumers are detached. */
  async deleteDestination(destination: Destination): Promise<void> {
    const { kind, name, topic } = destination
    const topicId = destination.isDormant ? undefined : destination.log.topicId
    const changes: StateChange[] = []
    for (const subscription of destination.subscriptions) {
      if (subscription.isDurable) changes.push(...progressOf(subscription))
      this.journal.forget(subscription)
    }
    const isThere = !destination.isDormant
    this.#close(destination, `${kind} ${name} was deleted`)
    // Delete the topic first: if the provider stops in between, the next owner detects
    // the deletion.
    if (isThere && topic !== undefined) await this.topics.delete({ topic, topicId })
    this.#image.destinations.delete(`${kind}/${name}`)
    changes.push({ key: { kind: 'destination', destinationKind: kind, name }, value: null })
    await this.journal.write(changes)
  }

  #noteDuplicateIds(destination: Destination, messages: readonly StoredMessage[]): void {
    const key = `${destination.kind}/${destination.name}`
    const record = this.#image.destinations.get(key)
    if (record === undefined || record.hasDuplicateIds === true) return
    if (!messages.some(({ envelope }) => envelope.hasDuplicateId)) return
    const noted = { ...record, hasDuplicateIds: true }
    this.#image.destinations.set(key, noted)
    guard(
      () => this.journal.write([recordChange(noted)]),
      (error) => this.logger.warn('cannot write to the state topic', { error }),
    )
  }

  // Temporary destinations.

  /** Creates a destination in memory; `deleteTemporary` deletes it. */
  temporary(kind: DestinationKind, prefix: string): Destination {
    const name = `${prefix}${this.#nextTemporary++}`
    const destination = new Destination(this, {
      kind,
      name,
      policy: { ...this.#options.policyOf(kind, name), duplicateWindowMs: 0 },
      isTemporary: true,
    })
    destination.useLog(
      new MemoryLog(this.clock, this.#options.temporaryMemory, (messages) =>
        destination.onMessages(messages),
      ),
    )
    if (kind === 'queue') {
      destination.subscribe({ id: `temporary/${name}`, isDurable: false }, () => 0)
    }
    const key = `${kind}/${name}`
    this.#open.set(key, destination)
    this.#destinations.set(key, Promise.resolve(destination))
    return destination
  }

  deleteTemporary(destination: Destination): void {
    const key = `${destination.kind}/${destination.name}`
    this.#open.delete(key)
    this.#destinations.delete(key)
    destination.close()
  }

  // Subscriptions of topics.

  subscriptionRecord(id: string): SubscriptionRecord | undefined {
    return this.#image.subscriptions.get(id)
  }

  get subscriptionRecords(): Iterable<SubscriptionRecord> {
    return this.#image.subscriptions.values()
  }

  /**
   * Creates a durable subscription that starts after all messages sent before. Resolves when it is
   * durable.
   */
  async createDurable(
    destination: Destination,
    options: Omit<SubscriptionRecord, 'floors' | 'topic'>,
  ): Promise<Subscription> {
    const floors: Record<string, number> = {}
    for (let partition = 0; partition < destination.log.partitions; partition++) {
      floors[partition] = destination.endOf(partition)
    }
    const { topicId } = destination.log
    const record: SubscriptionRecord = {
      ...options,
      topic: destination.name,
      floors,
      ...(topicId === undefined ? {} : { topicId }),
    }
    // The subscription receives messages before its record is written, so that none is missed.
    const subscription = destination.subscribe(
      { id: record.id, isDurable: true, filter: filterOf(record) },
      (partition) => floors[partition] as number,
    )
    this.#image.subscriptions.set(record.id, record)
    await this.journal.write([
      { key: { kind: 'subscription', id: record.id }, value: JSON.stringify(record) },
    ])
    return subscription
  }

  /** Deletes a durable subscription and its waiting messages. */
  async deleteDurable(id: string): Promise<void> {
    const record = this.#image.subscriptions.get(id)
    if (record === undefined) return
    this.#image.subscriptions.delete(id)
    const changes: StateChange[] = [{ key: { kind: 'subscription', id }, value: null }]
    const destination = await this.existing('topic', record.topic)
    const subscription = destination?.subscription(id)
    if (subscription !== undefined) {
      changes.push(...progressOf(subscription))
      destination?.unsubscribe(id)
      this.journal.forget(subscription)
    }
    changes.push(...voidProgress(id, this.#image.progressOf(id)))
    this.#image.forgetProgress(id)
    await this.journal.write(changes)
  }

  /** Creates a subscription in memory. */
  createVolatile(
    destination: Destination,
    options: { readonly id: string; readonly filter?: (message: StoredMessage) => boolean },
  ): Subscription {
    return destination.subscribe({ ...options, isDurable: false }, (partition) =>
      destination.endOf(partition),
    )
  }

  // Called by destinations.

  onChanged(subscription: Subscription): void {
    this.journal.changed(subscription)
  }

  flushed(): Promise<void> {
    return this.journal.flushed()
  }

  discard(
    destination: Destination,
    acquired: readonly Acquired[],
    reason: DiscardReason,
    detail?: string,
  ): void {
    const onError = (error: Error): void => {
      if (this.#isClosed) return
      this.logger.warn(`cannot move messages of ${destination.kind} ${destination.name}`, {
        reason,
        error,
      })
      for (const each of acquired) {
        attempt(this.logger, 'returning a message', () =>
          each.subscription.release(each, { failed: false }),
        )
      }
    }
    guard(() => this.#discard(destination, acquired, reason, detail), onError)
  }

  async #discard(
    destination: Destination,
    acquired: readonly Acquired[],
    reason: DiscardReason,
    detail: string | undefined,
  ): Promise<void> {
    const { policy, name } = destination
    const to = reason === 'expired' ? policy.expiryQueue : policy.deadLetterQueue
    const sends: Send[] = []
    for (const { index, offset, subscription, message: known } of acquired) {
      if (to === undefined || to === name) break
      const message = known ?? (await destination.messageOf(index.partition, offset))
      // Non-persistent messages that expire are dropped.
      if (message === undefined || (reason === 'expired' && !message.envelope.durable)) continue
      const suffix = destination.kind === 'topic' ? `/${subscription.id.replace(/^.*?\//, '')}` : ''
      const record = deadLetter(message, {
        reason,
        source: `${destination.kind}://${name}${suffix}`,
        subscription:
          destination.kind === 'topic' && subscription.isDurable ? subscription.id : undefined,
        deliveryCount: index.deliveryCountOf(offset),
        detail,
        nowMs: this.clock.now(),
      })
      const target = await this.destination('queue', to)
      await target.enlargeSegmentsFor(recordSize(record))
      sends.push({ destination: target, record })
    }
    await this.journal.commit({ sends: sendsOf(sends), receipts: acquired })
  }

  /** Stops delivery. */
  stopDelivering(): void {
    for (const destination of this.#open.values()) {
      for (const subscription of destination.subscriptions) subscription.close()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#watch.close()
    this.#trimmer.close()
    await this.journal.close()
    for (const destination of this.#open.values()) destination.close()
    this.#open.clear()
    await this.logs.close()
  }
}

/** Deletes a subscription's progress from the state topic. */
function progressOf({ id, indices }: Subscription): StateChange[] {
  return [...indices.values()].flatMap(({ partition, journaledChunks }) => [
    { key: { kind: 'floor', partition, id }, value: null },
    ...[...journaledChunks].map((number) => ({
      key: { kind: 'chunk', partition, number, id } as const,
      value: null,
    })),
  ])
}
