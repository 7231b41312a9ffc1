// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { Consumer, Producer, type ProducerRecord } from '@millrace/client'
import { PositionSet } from '../batch-origin.ts'
import type { Channel, PutTransaction, TakeOptions, TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineChannel } from '../component.ts'
import {
  boolean,
  ignored,
  optionalBoolean,
  optionalInteger,
  optionalText,
  prefixed,
  requiredText,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { ChannelError, reasonOf } from '../errors.ts'
import { Event } from '../event.ts'
import { checkClientProperties, clientOptions } from '../kafka/client-properties.ts'
import { decodeFlumeEvent, encodeFlumeEvent } from '../kafka/event-format.ts'
import { WaitingRoom } from '../waiting.ts'
import { EventQueue, type Taken } from './event-queue.ts'

const KEY_HEADER = 'key'
/** Longest time of one poll. */
const MAX_POLL_MS = 60_000

const keys = {
  bootstrapServers: requiredText({ key: 'kafka.bootstrap.servers', alsoKnownAs: ['brokerList'] }),
  topic: text('flume-channel', { key: 'kafka.topic', alsoKnownAs: ['topic'] }),
  groupId: text('flume', { key: 'kafka.consumer.group.id', alsoKnownAs: ['groupId'] }),
  parseAsFlumeEvent: boolean(true),
  pollTimeout: ignored('events are returned as soon as they arrive'),
  defaultPartitionId: optionalInteger(),
  partitionIdHeader: optionalText(),
  readSmallestOffset: optionalBoolean(),
  transactionCapacity: ignored('a transaction has no limit, as in Flume'),
  migrateZookeeperOffsets: ignored('Kafka has no ZooKeeper any more'),
  zookeeperConnect: ignored('brokers are named by kafka.bootstrap.servers'),
  producer: prefixed('kafka.producer.'),
  consumer: prefixed('kafka.consumer.'),
}

type Config = ValuesOf<typeof keys>

/** Where an event was read. */
interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Delivered offsets of a partition. */
interface PartitionProgress {
  readonly topic: string
  readonly partition: number
  readonly done: PositionSet
  committed: number
}

/**
 * A channel that is a topic. Puts are sent by their commit; takes commit offsets, up to the first
 * event that is not delivered. Other programs may write or read the topic.
 */
class KafkaChannel implements Channel {
  readonly isDurable = true
  readonly id: string
  readonly #config: Config
  readonly #context: ComponentContext
  readonly #queue = new EventQueue()
  readonly #places = new Map<number, Place>()
  readonly #partitions = new Map<string, PartitionProgress>()
  #producer: Producer | undefined
  #consumer: Consumer | undefined
  #polling: Promise<void> | undefined
  #nextPosition = 0
  #isStopped = false
  readonly #returns: WaitingRoom

  constructor(config: Config, context: ComponentContext) {
    this.#config = config
    this.#context = context
    this.id = context.world.random.bytes(12).toString('hex')
    this.#returns = new WaitingRoom(context.world.clock)
    for (const name of KAFKA_COUNTERS) context.counters.add(name, 0)
  }

  /** Reads the key stores, so that a missing file fails the start. */
  async start(): Promise<void> {
    this.#optionsOf('producer')
    this.#optionsOf('consumer')
  }

  #optionsOf<K extends 'producer' | 'consumer'>(kind: K) {
    return clientOptions({
      kind,
      bootstrapServers: this.#config.bootstrapServers,
      entries: this.#config[kind],
      context: this.#context,
    })
  }

  get size(): number {
    return this.#places.size
  }
  get capacity(): number {
    return Number.MAX_SAFE_INTEGER
  }
  get transactionCapacity(): number {
    return Number.MAX_SAFE_INTEGER
  }

  async put(events: readonly Event[]): Promise<PutTransaction> {
    const { counters, world, name } = this.#context
    counters.add('EventPutAttemptCount', events.length)
    this.#producer ??= new Producer(this.#optionsOf('producer'))
    const producer = this.#producer
    const records = events.map((event) => this.#record(event))
    return {
      async commit() {
        const began = world.clock.monotonic()
        try {
          await producer.send(records)
        } catch (error) {
          throw new ChannelError(
            `channel ${name} cannot write its topic: ${reasonOf(error)}`,
            error,
          )
        }
        counters.add('KafkaEventSendTimer', Math.round(world.clock.monotonic() - began))
        counters.add('EventPutSuccessCount', events.length)
      },
      async rollback() {},
    }
  }

  #record(event: Event): ProducerRecord {
    const { topic, partitionIdHeader, defaultPartitionId, parseAsFlumeEvent } = this.#config
    const own = partitionIdHeader === undefined ? undefined : event.headers[partitionIdHeader]
    if (own !== undefined && !/^\d+$/.test(own)) {
      throw new ChannelError(`header ${partitionIdHeader} is ${JSON.stringify(own)}, no partition`)
    }
    const partition = own === undefined ? defaultPartitionId : Number(own)
    return {
      topic,
      key: event.headers[KEY_HEADER] ?? null,
      value: parseAsFlumeEvent ? encodeFlumeEvent(event) : event.body,
      ...(partition === undefined ? {} : { partition }),
    }
  }

  async take(
    maxEvents: number,
    { waitMs, signal }: TakeOptions,
  ): Promise<TakeTransaction | undefined> {
    const { counters, world } = this.#context
    const deadline = world.clock.monotonic() + waitMs
    while (this.#queue.count === 0) {
      const left = deadline - world.clock.monotonic()
      if (left <= 0 || signal?.aborted === true || this.#isStopped) return undefined
      // The wait also ends when another transaction returns events.
      const ms = Math.min(left, MAX_POLL_MS)
      const returning = new AbortController()
      try {
        await Promise.race([this.#fill(ms, signal), this.#returns.wait(ms, returning.signal)])
      } finally {
        returning.abort()
      }
    }
    const taken = this.#queue.take(maxEvents)
    counters.add('EventTakeAttemptCount', taken.events.length)
    return {
      events: taken.events,
      origin: { id: this.id, floor: 0, positions: taken.positions },
      commit: () => this.#commit(taken),
      rollback: async () => {
        counters.add('RollbackCount', taken.events.length)
        const kept = this.#stillOurs(taken)
        if (kept.events.length === 0) return
        this.#queue.giveBack(kept)
        this.#returns.wake()
      },
    }
  }

  /** One poll at a time, shared by all sinks. */
  async #fill(ms: number, signal: AbortSignal | undefined): Promise<void> {
    this.#polling ??= this.#poll(ms, signal).finally(() => {
      this.#polling = undefined
    })
    await this.#polling
  }

  async #poll(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const consumer = this.#subscribed()
    const began = this.#context.world.clock.monotonic()
    try {
      for (const record of await consumer.poll(ms, signal === undefined ? {} : { signal })) {
        const value = Buffer.from(record.value ?? Buffer.alloc(0))
        const event = this.#config.parseAsFlumeEvent ? decodeFlumeEvent(value) : new Event(value)
        if (record.key !== null) event.headers[KEY_HEADER] = record.key.toString()
        const offset = Number(record.offset)
        const position = this.#nextPosition++
        this.#progress(record.topic, record.partition, offset)
        this.#places.set(position, { topic: record.topic, partition: record.partition, offset })
        this.#queue.push({ first: position, events: [event] })
      }
      this.#context.counters.add(
        'KafkaEventGetTimer',
        Math.round(this.#context.world.clock.monotonic() - began),
      )
    } catch (error) {
      if (signal?.aborted === true || this.#isStopped) return
      throw new ChannelError(
        `channel ${this.#context.name} cannot read its topic: ${reasonOf(error)}`,
        error,
      )
    }
  }

  #subscribed(): Consumer {
    if (this.#consumer !== undefined) return this.#consumer
    const { groupId, topic, readSmallestOffset } = this.#config
    const consumer = new Consumer({
      autoOffsetReset: readSmallestOffset === true ? 'earliest' : 'latest',
      ...this.#optionsOf('consumer'),
      groupId,
      enableAutoCommit: false,
    })
    consumer.subscribe([topic], {
      onPartitionsRevoked: (partitions) => {
        for (const { topic: name, partition } of partitions) this.#forget(name, partition)
      },
    })
    this.#consumer = consumer
    return consumer
  }

  /** Drops the events of a revoked partition: its new member reads them. */
  #forget(topic: string, partition: number): void {
    this.#partitions.delete(`${topic}-${partition}`)
    for (const [position, place] of this.#places) {
      if (place.topic === topic && place.partition === partition) this.#places.delete(position)
    }
    const all = this.#stillOurs(this.#queue.take(Number.MAX_SAFE_INTEGER))
    if (all.events.length > 0) this.#queue.giveBack(all)
  }

  #stillOurs({ events, positions }: Taken): Taken {
    const kept = positions
      .map((position, index) => (this.#places.has(position) ? index : -1))
      .filter((index) => index >= 0)
    return {
      events: kept.map((index) => elementAt(events, index)),
      positions: kept.map((index) => elementAt(positions, index)),
    }
  }

  #progress(topic: string, partition: number, offset: number): PartitionProgress {
    const key = `${topic}-${partition}`
    let progress = this.#partitions.get(key)
    if (progress === undefined) {
      progress = { topic, partition, done: new PositionSet(offset), committed: offset }
      this.#partitions.set(key, progress)
    }
    return progress
  }

  async #commit({ events, positions }: Taken): Promise<void> {
    const touched = new Set<PartitionProgress>()
    for (const position of positions) {
      const place = this.#places.get(position)
      if (place === undefined) continue
      this.#places.delete(position)
      const progress = this.#progress(place.topic, place.partition, place.offset)
      progress.done.add(place.offset, place.offset + 1)
      touched.add(progress)
    }
    // Offsets without a record (markers, compaction) are skipped when a later one is delivered.
    const offsets = [...touched].map(({ topic, partition, done }) => {
      const waiting = [...this.#places.values()]
        .filter((place) => place.topic === topic && place.partition === partition)
        .map(({ offset }) => offset)
      const end = Math.max(done.floor, done.ranges.at(-1) ?? 0)
      const offset = waiting.length === 0 ? end : Math.min(end, ...waiting)
      return { topic, partition, offset: BigInt(offset) }
    })
    const { counters, world } = this.#context
    const began = world.clock.monotonic()
    if (offsets.length > 0) await this.#consumer?.commit(offsets)
    counters.add('KafkaCommitTimer', Math.round(world.clock.monotonic() - began))
    counters.add('EventTakeSuccessCount', events.length)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#consumer?.close()
    await this.#polling?.catch(() => {})
    await this.#producer?.close()
  }
}

const KAFKA_COUNTERS = [
  'KafkaEventGetTimer',
  'KafkaEventSendTimer',
  'KafkaCommitTimer',
  'RollbackCount',
]

export const kafkaChannel = defineChannel({
  type: 'kafka',
  aliases: ['org.apache.flume.channel.kafka.KafkaChannel'],
  about: 'a channel that is a topic',
  keys,
  check: ({ producer, consumer }) => [
    ...checkClientProperties('producer', 'kafka.producer.', producer),
    ...checkClientProperties('consumer', 'kafka.consumer.', consumer),
  ],
  create: (config, context) => new KafkaChannel(config, context),
})
