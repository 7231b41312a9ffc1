// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, MillraceError } from '@millrace/base'
import type { ClientOptions } from '@millrace/client'
import type { DestinationPolicy } from './config/destination-policy.ts'
import { Destination, type DestinationHost } from './destination/destination.ts'
import { KafkaLogs, MAX_RECORD_BYTES } from './destination/kafka-logs.ts'
import { MemoryLog } from './destination/memory-log.ts'
import { MessageCache } from './destination/message-cache.ts'
import { deadLetter } from './mapping/dead-letter.ts'
import type { StoredMessage } from './mapping/stored-message.ts'
import { originOf } from './mapping/to-record.ts'
import { Selector } from './selector/selector.ts'
import { type Send, sendsOf } from './state/commit.ts'
import type { Journal } from './state/journal.ts'
import type { StateImage } from './state/state-image.ts'
import type { DestinationKind, StateChange, SubscriptionRecord } from './state/state-record.ts'
import type { Acquired, DiscardReason, Subscription } from './subscription/subscription.ts'
import { topicNameFor } from './topic-name.ts'

/** Codes of errors that the engine throws on purpose. */
export const EngineError = {
  notFound: 'MILLRACE_DESTINATION_NOT_FOUND',
  inUse: 'MILLRACE_IN_USE',
} as const

/** Bytes of messages that are kept in memory, over all destinations. */
const CACHE_BYTES = 48 * 1024 * 1024

export interface EngineOptions {
  readonly client: ClientOptions
  readonly clock: Clock
  readonly logger: Logger
  readonly image: StateImage
  readonly replicationFactor: number | undefined
  readonly policyOf: (kind: DestinationKind, name: string) => DestinationPolicy
  /** Makes the journal over the producer of the logs. */
  readonly journal: (logs: KafkaLogs) => Journal
}

/** All destinations and subscriptions of the provider that owns them. */
export class Engine implements DestinationHost {
  readonly clock: Clock
  readonly logger: Logger
  readonly cache = new MessageCache(CACHE_BYTES)
  readonly logs: KafkaLogs
  readonly journal: Journal
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
    this.logs = new KafkaLogs(options.client, options)
    this.journal = options.journal(this.logs)
  }

  /** Opens everything that is known, in the background: what is delayed or expires must not wait for somebody to ask. */
  async openAll(): Promise<void> {
    for (const { kind, name } of [...this.#image.destinations.values()]) {
      if (this.#isClosed) return
      await this.destination(kind, name).catch((error: unknown) => {
        this.logger.warn(`could not open ${kind} ${name}`, { error })
      })
    }
  }

  /** Destinations that are open, temporary ones too. */
  get destinations(): Iterable<Destination> {
    return this.#open.values()
  }

  /** Names of the destinations that are known. */
  get known(): { readonly kind: DestinationKind; readonly name: string }[] {
    return [...this.#image.destinations.values()].map(({ kind, name }) => ({ kind, name }))
  }

  /** The kinds of destinations that have this name. */
  kindsOf(name: string): DestinationKind[] {
    return (['queue', 'topic'] as const).filter(
      (kind) =>
        this.#image.destinations.has(`${kind}/${name}`) || this.#open.has(`${kind}/${name}`),
    )
  }

  /** The destination of a name, made now if its policy lets it. Rejects with `EngineError.notFound`. */
  destination(kind: DestinationKind, name: string): Promise<Destination> {
    const key = `${kind}/${name}`
    let opening = this.#destinations.get(key)
    if (opening === undefined) {
      opening = this.#openDestination(kind, name)
      this.#destinations.set(key, opening)
      opening.catch(() => this.#destinations.delete(key))
    }
    return opening
  }

  async #openDestination(kind: DestinationKind, name: string): Promise<Destination> {
    const key = `${kind}/${name}`
    const policy = this.#options.policyOf(kind, name)
    let record = this.#image.destinations.get(key)
    if (record === undefined) {
      if (name === '' || (!policy.autoCreate && !(await this.#topicExists(name)))) {
        throw new MillraceError(EngineError.notFound, `there is no ${kind} ${JSON.stringify(name)}`)
      }
      const topic = this.#freeTopic(kind, name)
      await this.#createTopic(topic, policy)
      record = { kind, name, topic }
      await this.journal.write([
        {
          key: { kind: 'destination', destinationKind: kind, name },
          value: JSON.stringify(record),
        },
      ])
      this.#image.destinations.set(key, record)
    }
    const destination = new Destination(this, { kind, name, policy, isTemporary: false })
    await this.#openLog(destination, record.topic, record.hasDuplicateIds === true)
    this.#open.set(key, destination)
    return destination
  }

  async #topicExists(name: string): Promise<boolean> {
    const topics = await this.logs.admin.listTopics()
    return [...topics.values()].some((topic) => topic.name === topicNameFor(name))
  }

  /** A queue and a topic of one name get a Kafka topic each. */
  #freeTopic(kind: DestinationKind, name: string): string {
    const topic = topicNameFor(name)
    const taken = new Set([...this.#image.destinations.values()].map((each) => each.topic))
    return taken.has(topic) ? topicNameFor(`${name}.${kind}`) : topic
  }

  async #createTopic(topic: string, policy: DestinationPolicy): Promise<void> {
    const { replicationFactor } = this.#options
    try {
      await this.logs.admin.createTopics([
        {
          name: topic,
          numPartitions: policy.partitions,
          ...(replicationFactor === undefined ? {} : { replicationFactor }),
          configs: {
            // What waits must not be deleted for its age: the provider takes off what was consumed.
            'retention.ms': '-1',
            'max.message.bytes': String(MAX_RECORD_BYTES),
          },
        },
      ])
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'TOPIC_ALREADY_EXISTS') throw error
    }
  }

  async #openLog(destination: Destination, topic: string, hasDuplicateIds: boolean): Promise<void> {
    const described = await this.logs.admin.describeTopics([topic])
    const partitions = described.get(topic)?.partitions.length ?? 1
    const { beginnings, ends } = await this.logs.bounds(topic, partitions)
    const durable = this.#durableSubscriptions(destination)
    const from = ends.map((end, partition) => {
      let lowest = destination.kind === 'queue' ? (beginnings[partition] as number) : end
      const floors = durable.map((each) => this.#floorOf(each, partition, beginnings))
      if (floors.length > 0) lowest = Math.min(...floors)
      return Math.max(lowest, beginnings[partition] as number)
    })
    const { duplicateWindowMs } = destination.policy
    if (hasDuplicateIds && duplicateWindowMs > 0) {
      const since = this.clock.now() - duplicateWindowMs
      const offsets = await this.logs.offsetsSince(topic, partitions, since)
      offsets.forEach((offset, partition) => {
        from[partition] = Math.min(from[partition] as number, offset)
      })
    }
    ends.forEach((end, partition) => {
      destination.startAt(partition, { end, from: from[partition] as number })
    })
    const log = this.logs.open(topic, {
      from,
      consumedRetentionMs: Math.max(destination.policy.consumedRetentionMs, 0),
      onRecords: (records) => destination.onRecords(records),
      opening: () => destination.opening,
      onOpened: (partition) => destination.onOpened(partition),
    })
    destination.onNews((messages) => this.#noteDuplicateIds(destination, messages))
    destination.useLog(log)
    for (const each of durable) {
      const subscription = destination.subscribe(
        { id: each.id, isDurable: true, filter: filterOf(each) },
        (partition) => this.#floorOf(each, partition, beginnings),
      )
      this.#restore(subscription)
    }
  }

  /** A queue's own subscription, or those of a topic. */
  #durableSubscriptions({ kind, name }: Destination): SubscriptionRecord[] {
    if (kind === 'topic') {
      return [...this.#image.subscriptions.values()].filter(({ topic }) => topic === name)
    }
    return [
      {
        id: `queue/${name}`,
        topic: name,
        clientId: '',
        name,
        isShared: true,
        selector: null,
        noLocalOf: null,
        floors: {},
      },
    ]
  }

  #floorOf(record: SubscriptionRecord, partition: number, beginnings: readonly number[]): number {
    const journaled = this.#image.progressOf(record.id, partition)?.floor
    const beginning = beginnings[partition] as number
    return Math.max(journaled ?? record.floors[partition] ?? beginning, beginning)
  }

  #restore(subscription: Subscription): void {
    for (const index of subscription.indices.values()) {
      const progress = this.#image.progressOf(subscription.id, index.partition)
      for (const [number, value] of progress?.chunks ?? []) index.restore(number, value)
    }
    this.#image.forgetProgress(subscription.id)
  }

  #noteDuplicateIds(destination: Destination, messages: readonly StoredMessage[]): void {
    const key = `${destination.kind}/${destination.name}`
    const record = this.#image.destinations.get(key)
    if (record === undefined || record.hasDuplicateIds === true) return
    if (!messages.some(({ envelope }) => envelope.hasDuplicateId)) return
    const noted = { ...record, hasDuplicateIds: true }
    this.#image.destinations.set(key, noted)
    const { kind, name } = destination
    void this.journal
      .write([
        { key: { kind: 'destination', destinationKind: kind, name }, value: JSON.stringify(noted) },
      ])
      .catch((error: unknown) => this.logger.warn('could not write to the state topic', { error }))
  }

  // Temporary destinations.

  /** Makes a destination that lives in memory until `deleteTemporary`. */
  temporary(kind: DestinationKind, prefix: string): Destination {
    const name = `${prefix}${this.#nextTemporary++}`
    const destination = new Destination(this, {
      kind,
      name,
      policy: { ...this.#options.policyOf(kind, name), duplicateWindowMs: 0 },
      isTemporary: true,
    })
    destination.useLog(new MemoryLog(this.clock, (messages) => destination.onMessages(messages)))
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

  /** Makes a durable subscription that starts after all that was sent before. Resolves when it is safe. */
  async createDurable(
    destination: Destination,
    options: Omit<SubscriptionRecord, 'floors' | 'topic'>,
  ): Promise<Subscription> {
    const floors: Record<string, number> = {}
    for (let partition = 0; partition < destination.log.partitions; partition++) {
      floors[partition] = destination.endOf(partition)
    }
    const record: SubscriptionRecord = { ...options, topic: destination.name, floors }
    // From here on it sees what is sent, so that nothing falls between.
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

  /** Deletes a durable subscription and all that waits in it. */
  async deleteDurable(id: string): Promise<void> {
    const record = this.#image.subscriptions.get(id)
    if (record === undefined) return
    this.#image.subscriptions.delete(id)
    const changes: StateChange[] = [{ key: { kind: 'subscription', id }, value: null }]
    const destination = await this.destination('topic', record.topic)
    const subscription = destination.subscription(id)
    if (subscription !== undefined) {
      for (const index of subscription.indices.values()) {
        const { partition } = index
        changes.push({ key: { kind: 'floor', partition, id }, value: null })
        for (const number of index.journaledChunks) {
          changes.push({ key: { kind: 'chunk', partition, number, id }, value: null })
        }
      }
      destination.unsubscribe(id)
      this.journal.forget(subscription)
    }
    await this.journal.write(changes)
  }

  /** Makes a subscription that lives in memory. */
  createVolatile(
    destination: Destination,
    options: { readonly id: string; readonly filter?: (message: StoredMessage) => boolean },
  ): Subscription {
    return destination.subscribe({ ...options, isDurable: false }, (partition) =>
      destination.endOf(partition),
    )
  }

  // What destinations ask for.

  onChanged(subscription: Subscription): void {
    this.journal.changed(subscription)
  }

  discard(
    destination: Destination,
    acquired: readonly Acquired[],
    reason: DiscardReason,
    detail?: string,
  ): void {
    void this.#discard(destination, acquired, reason, detail).catch((error: unknown) => {
      if (this.#isClosed) return
      this.logger.warn(`could not move messages of ${destination.kind} ${destination.name}`, {
        reason,
        error,
      })
      for (const each of acquired) {
        attempt(this.logger, 'giving back a message', () =>
          each.subscription.release(each, { failed: false }),
        )
      }
    })
  }

  async #discard(
    destination: Destination,
    acquired: readonly Acquired[],
    reason: DiscardReason,
    detail: string | undefined,
  ): Promise<void> {
    const { policy, name } = destination
    const to = reason === 'expired' ? policy.expiryQueue : policy.deadLetterQueue
    // A message that need not last is not kept when nobody got it in time.
    const moves = (each: Acquired): boolean =>
      to !== undefined && to !== name && (reason !== 'expired' || each.message.envelope.durable)
    const sends: Send[] = []
    const moving = acquired.filter(moves)
    if (moving.length > 0) {
      const target = await this.destination('queue', to as string)
      for (const { message, index, subscription } of moving) {
        const suffix =
          destination.kind === 'topic' ? `/${subscription.id.replace(/^.*?\//, '')}` : ''
        const record = deadLetter(message, {
          reason,
          source: `${destination.kind}://${name}${suffix}`,
          deliveryCount: index.deliveryCountOf(message.offset),
          detail,
          nowMs: this.clock.now(),
        })
        sends.push({ destination: target, record })
      }
    }
    await this.journal.commit({ sends: sendsOf(sends), receipts: acquired })
  }

  /** Hands out nothing more. */
  stopDelivering(): void {
    for (const destination of this.#open.values()) {
      for (const subscription of destination.subscriptions) subscription.close()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.journal.close()
    for (const destination of this.#open.values()) destination.close()
    this.#open.clear()
    await this.logs.close()
  }
}

/** Which messages a durable subscription is for. */
export function filterOf({
  selector,
  noLocalOf,
}: Pick<SubscriptionRecord, 'selector' | 'noLocalOf'>):
  | ((message: StoredMessage) => boolean)
  | undefined {
  const compiled = Selector.compile(selector)
  if (compiled === undefined && noLocalOf === null) return undefined
  const origin = noLocalOf === null ? undefined : originOf(noLocalOf)
  return (message) =>
    message.envelope.origin !== origin && (compiled === undefined || compiled.matches(message))
}
