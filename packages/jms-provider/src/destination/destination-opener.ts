// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError } from '@millrace/base'
import type { Journal } from '../state/journal.ts'
import {
  type LogBounds,
  type RestoredPartition,
  restorePartition,
  voidProgress,
} from '../state/restored-progress.ts'
import type { StateImage } from '../state/state-image.ts'
import type {
  DestinationKind,
  DestinationRecord,
  StateChange,
  SubscriptionRecord,
} from '../state/state-record.ts'
import { filterOf } from '../subscription/subscription-filter.ts'
import { topicNameFor } from '../topic-name.ts'
import type { Destination, OpenOptions } from './destination.ts'
import { destinationGone, destinationNotFound } from './destination-errors.ts'
import type { KafkaLogs } from './kafka-logs.ts'
import type { FoundTopic, TopicAdmin } from './topic-admin.ts'

/** The Kafka topic of a destination and its record for the state topic. */
interface ResolvedTopic {
  readonly found: FoundTopic
  readonly record: DestinationRecord
  /** Whether progress without a topic id, written by an earlier version, belongs to this topic. */
  readonly acceptsUnmarked: boolean
}

/** A durable subscription and its valid progress, by partition. */
interface Restored {
  readonly record: SubscriptionRecord
  readonly partitions: readonly RestoredPartition[]
}

/** Bounds of a topic's partitions and the progress of its subscriptions. */
interface Contents {
  readonly bounds: readonly LogBounds[]
  readonly restored: readonly Restored[]
}

/**
 * Opens the logs of destinations: finds or creates the Kafka topic and restores subscriptions from
 * the state topic.
 */
export class DestinationOpener {
  readonly #image: StateImage
  readonly #journal: Journal
  readonly #logs: KafkaLogs
  readonly #topics: TopicAdmin
  readonly #clock: Clock

  constructor(options: {
    readonly image: StateImage
    readonly journal: Journal
    readonly logs: KafkaLogs
    readonly topics: TopicAdmin
    readonly clock: Clock
  }) {
    this.#image = options.image
    this.#journal = options.journal
    this.#logs = options.logs
    this.#topics = options.topics
    this.#clock = options.clock
  }

  /**
   * Opens the log of a destination that has none. Rejects with `EngineError.notFound` if the topic
   * does not exist and must not be created.
   */
  async open(destination: Destination, options: OpenOptions): Promise<void> {
    for (;;) {
      const resolvedTopic = await this.#resolveTopic(destination, options)
      const { topic, topicId, partitions } = resolvedTopic.found
      const { beginnings, ends } = await this.#logs.bounds(topic, partitions)
      // Offsets are looked up by name: check that the name still refers to the same topic.
      if ((await this.#topics.find(topic))?.topicId !== topicId) continue
      const bounds = ends.map((end, i) => ({ beginning: beginnings[i] as number, end }))
      const restored = this.#durableSubscriptions(destination).map((record) =>
        this.#restore(record, resolvedTopic, bounds),
      )
      await this.#writeInitialState(destination, resolvedTopic, restored)
      if (destination.isClosed) {
        throw destinationGone(destination.kind, destination.name)
      }
      await this.#start(destination, resolvedTopic, { bounds, restored })
      return
    }
  }

  /** Finds or creates the topic of a destination. */
  async #resolveTopic(
    destination: Destination,
    { mayCreate, partitions }: OpenOptions,
  ): Promise<ResolvedTopic> {
    const { kind, name } = destination
    const known = this.#image.destinations.get(`${kind}/${name}`)
    const topic = this.topicOf(kind, name)
    const found = await this.#topics.find(topic)
    if (known?.topicId !== undefined && known.topicId !== found?.topicId) {
      await this.#requireDeleted(known.topicId, topic)
    }
    if (found === undefined) {
      if (name === '' || !mayCreate) throw destinationNotFound(kind, name)
      return this.#create(destination, topic, partitions ?? destination.policy.partitions)
    }
    const isSame = known !== undefined && known.topicId === found.topicId
    // Written by an earlier version, or the provider stopped while it created the topic.
    const isUnsure = known !== undefined && known.topicId === undefined && known.isOwn === undefined
    const isOwn = isUnsure
      ? await this.#topics.isCreatedHere(topic)
      : isSame && known.isOwn === true
    return {
      found,
      acceptsUnmarked: isSame || isUnsure,
      record: {
        kind,
        name,
        topic,
        ...(found.topicId === undefined ? {} : { topicId: found.topicId }),
        isOwn,
        ...((isSame || isUnsure) && known.hasDuplicateIds === true
          ? { hasDuplicateIds: true }
          : {}),
      },
    }
  }

  /** Throws unless the topic was deleted: only then may its progress be discarded. */
  async #requireDeleted(topicId: string, topic: string): Promise<void> {
    if (await this.#topics.isGone(topicId)) return
    throw new MillraceError('MILLRACE_TOPIC_UNCLEAR', `brokers disagree about topic ${topic}`, {
      retriable: true,
    })
  }

  async #create(
    destination: Destination,
    topic: string,
    wantedPartitions: number,
  ): Promise<ResolvedTopic> {
    const { kind, name } = destination
    // If the provider stops now, the next owner still knows that the provider created the topic.
    const intent: DestinationRecord = { kind, name, topic, isCreating: true }
    const changes: StateChange[] = [recordChange(intent)]
    for (const { id } of this.#durableSubscriptions(destination)) {
      changes.push(...voidProgress(id, this.#image.progressOf(id)))
      this.#image.forgetProgress(id)
    }
    this.#image.destinations.set(`${kind}/${name}`, intent)
    await this.#journal.write(changes)
    const { topicId, partitions, isOwn } = await this.#topics.create(topic, wantedPartitions)
    return {
      found: { topic, topicId, partitions },
      acceptsUnmarked: false,
      record: { kind, name, topic, ...(topicId === undefined ? {} : { topicId }), isOwn },
    }
  }

  /** Name of the Kafka topic of a destination, or the name with which it would be created. */
  topicOf(kind: DestinationKind, name: string): string {
    return this.#image.destinations.get(`${kind}/${name}`)?.topic ?? this.#freeTopic(kind, name)
  }

  /** A queue and a topic with the same name use different Kafka topics. */
  #freeTopic(kind: DestinationKind, name: string): string {
    const topic = topicNameFor(name)
    const taken = new Set([...this.#image.destinations.values()].map((each) => each.topic))
    return taken.has(topic) ? topicNameFor(`${name}.${kind}`) : topic
  }

  /** The subscription of a queue, or the durable subscriptions of a topic. */
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

  #restore(
    record: SubscriptionRecord,
    { found, acceptsUnmarked }: ResolvedTopic,
    bounds: readonly LogBounds[],
  ): Restored {
    const { topicId } = found
    const { id } = record
    const progress = this.#image.progressOf(id)
    const isInitial =
      record.topicId === undefined
        ? acceptsUnmarked
        : record.topicId === topicId || topicId === undefined
    return {
      record,
      partitions: bounds.map((each, partition) =>
        restorePartition(progress.get(partition), {
          id,
          partition,
          topicId,
          acceptsUnmarked,
          bounds: each,
          initialFloor: (isInitial ? record.floors[partition] : undefined) ?? each.beginning,
        }),
      ),
    }
  }

  /** Writes missing records to the state topic, before any message is indexed. */
  async #writeInitialState(
    { kind, name }: Destination,
    { record }: ResolvedTopic,
    restored: readonly Restored[],
  ): Promise<void> {
    const key = `${kind}/${name}`
    const changes: StateChange[] = []
    if (JSON.stringify(record) !== JSON.stringify(this.#image.destinations.get(key))) {
      changes.push(recordChange(record))
    }
    for (const { record: subscription, partitions } of restored) {
      for (const { corrections } of partitions) changes.push(...corrections)
      const beyond = [...this.#image.progressOf(subscription.id)].filter(
        ([partition]) => partition >= partitions.length,
      )
      changes.push(...voidProgress(subscription.id, new Map(beyond)))
    }
    if (changes.length > 0) await this.#journal.write(changes)
    this.#image.destinations.set(key, record)
  }

  async #start(
    destination: Destination,
    { found, record }: ResolvedTopic,
    { bounds, restored }: Contents,
  ): Promise<void> {
    const { topicId } = found
    const from = startOffsets(destination, { bounds, restored })
    const { duplicateWindowMs } = destination.policy
    if (record.hasDuplicateIds === true && duplicateWindowMs > 0) {
      const since = this.#clock.now() - duplicateWindowMs
      const offsets = await this.#logs.offsetsSince(found.topic, bounds.length, since)
      offsets.forEach((offset, partition) => {
        from[partition] = Math.min(from[partition] as number, offset)
      })
    }
    bounds.forEach(({ end }, partition) => {
      destination.startAt(partition, { end, from: from[partition] as number })
    })
    const log = this.#logs.open(found, {
      from,
      onRecords: (records) => destination.onRecords(records),
      opening: () => destination.opening,
      onOpened: (partition) => destination.onOpened(partition),
    })
    destination.useLog(log)
    const durable = new Set<string>()
    for (const { record: each, partitions } of restored) {
      durable.add(each.id)
      const floorOf = (partition: number): number => partitions[partition]?.floor ?? 0
      const subscription =
        destination.subscription(each.id) ??
        destination.subscribe({ id: each.id, isDurable: true, filter: filterOf(each) }, floorOf)
      partitions.forEach(({ floor, chunks }, partition) => {
        const index =
          subscription.indices.get(partition) ?? subscription.open(partition, floor, topicId)
        for (const [number, value] of chunks) index.restore(number, value)
      })
      this.#image.forgetProgress(each.id)
    }
    // Other subscriptions existed before this topic: they receive all of its messages.
    for (const subscription of destination.subscriptions) {
      if (durable.has(subscription.id)) continue
      bounds.forEach(({ beginning }, partition) => {
        subscription.open(partition, beginning, topicId)
      })
    }
  }
}

/** Offset at which to start reading each partition. */
function startOffsets(destination: Destination, { bounds, restored }: Contents): number[] {
  const durable = new Set(restored.map(({ record }) => record.id))
  const hasOthers = [...destination.subscriptions].some(({ id }) => !durable.has(id))
  return bounds.map(({ beginning, end }, partition) => {
    const floors = restored.map(({ partitions }) => partitions[partition]?.floor ?? beginning)
    if (hasOthers) floors.push(beginning)
    return floors.length > 0 ? Math.min(...floors) : end
  })
}

export function recordChange(record: DestinationRecord): StateChange {
  const { kind, name } = record
  return {
    key: { kind: 'destination', destinationKind: kind, name },
    value: JSON.stringify(record),
  }
}
