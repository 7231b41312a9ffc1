// SPDX-License-Identifier: Apache-2.0
import { attempt, MillraceError, type Timer } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import type { Cluster } from '../metadata/cluster.ts'
import type { PartitionMetadata, TopicMetadata } from '../metadata/metadata.ts'
import type { ResolvedClientOptions } from '../options.ts'
import { BufferPool } from './buffer-pool.ts'
import type { Delivery } from './delivery.ts'
import { PartitionQueue } from './partition-queue.ts'
import { TopicPartitioner } from './partitioner.ts'
import { ProducerBatch } from './producer-batch.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'
import type { EncodedRecord } from './record-encoder.ts'
import type { Sender } from './sender.ts'

/** A record that waits for its serializers, for its topic's metadata or for memory. */
interface WaitingRecord {
  /** Undefined until its serializers are prepared. */
  record: EncodedRecord | undefined
  readonly delivery: Delivery
  readonly index: number
  deadline: number
}

/** State of a topic in the producer. */
interface TopicState {
  readonly name: string
  readonly partitioner: TopicPartitioner
  readonly queues: PartitionQueue[]
  waiting: WaitingRecord[]
  isFetching: boolean
  /** The first record that waits for memory, and when its wait ends. */
  impatient: { readonly record: WaitingRecord; readonly timer: Timer } | undefined
}

/** Most memory of past batches that is kept for reuse. */
const POOLED_BYTES = 4 * 1024 * 1024

/** Places of the records of one send, whose serializers are not prepared yet. */
export interface Reservation {
  /** Places the records, which are in the order of the reservation. */
  fill(records: readonly EncodedRecord[]): void
  /** Frees the places; the records fail with the error. */
  release(error: Error): void
}

/**
 * Puts encoded records into batches of their partitions. A record waits in the queue of its topic
 * while the topic's metadata or memory is missing; records of a topic keep their order.
 */
export class RecordAccumulator {
  readonly #client: ResolvedClientOptions
  readonly #options: ResolvedProducerOptions
  readonly #cluster: Cluster
  readonly #sender: Sender
  readonly #topics = new Map<string, TopicState>()
  readonly #pool: BufferPool
  #usedMemory = 0
  /** Topics with records that wait for memory, first come first served. */
  readonly #shortOfMemory = new Set<TopicState>()
  readonly #roomWaiters: (() => void)[] = []
  #isClosing = false

  constructor(
    client: ResolvedClientOptions,
    options: ResolvedProducerOptions,
    { cluster, sender }: { readonly cluster: Cluster; readonly sender: Sender },
  ) {
    this.#client = client
    this.#options = options
    this.#cluster = cluster
    this.#sender = sender
    const { batchSize, bufferMemory } = options
    this.#pool = new BufferPool(batchSize, Math.min(bufferMemory / 4, POOLED_BYTES))
  }

  /** Reserves places for records in the queues of their topics. */
  reserve(topicNames: readonly string[], delivery: Delivery): Reservation {
    const topics = new Set<TopicState>()
    const waiting = topicNames.map((name, index): WaitingRecord => {
      const topic = this.#topicState(name)
      const slot = { record: undefined, delivery, index, deadline: Number.POSITIVE_INFINITY }
      delivery.expect()
      topics.add(topic)
      topic.waiting.push(slot)
      return slot
    })
    const placeAll = (): void => {
      for (const topic of topics) this.#placeWaiting(topic)
    }
    return {
      fill: (records) => {
        const deadline = this.#client.clock.monotonic() + this.#options.maxBlockMs
        waiting.forEach((slot, i) => {
          slot.record = records[i]
          slot.deadline = deadline
        })
        placeAll()
      },
      release: (error) => {
        const slots = new Set(waiting)
        for (const topic of topics) {
          const removed = topic.waiting.filter((slot) => slots.has(slot))
          topic.waiting = topic.waiting.filter((slot) => !slots.has(slot))
          for (const slot of removed) slot.delivery.settle(error)
        }
        placeAll()
      },
    }
  }

  /** Adds a record to a batch, or to the queue of waiting records. */
  place(record: EncodedRecord, delivery: Delivery, index: number): void {
    const topic = this.#topicState(record.topic)
    if (topic.waiting.length === 0 && this.#append(topic, record, delivery, index)) return
    delivery.expect()
    topic.waiting.push({
      record,
      delivery,
      index,
      deadline: this.#client.clock.monotonic() + this.#options.maxBlockMs,
    })
    this.#wait(topic)
  }

  /** Writes all records into one batch, once there is memory for it. */
  async placeTogether(records: readonly EncodedRecord[], delivery: Delivery): Promise<void> {
    const [first] = records
    if (first === undefined) return
    const { topic: name, topicId, partition } = first
    const size = records.reduce((sum, record) => sum + record.maxSize, 0)
    const isOnePlace = records.every(
      (each) => each.topic === name && each.topicId === topicId && each.partition === partition,
    )
    if (partition === undefined || !isOnePlace) {
      throw new MillraceError(
        'MILLRACE_INVALID_RECORD',
        'records that are sent atomically must name the same topic and partition',
      )
    }
    if (size > Math.min(this.#options.maxRequestSize, this.#options.bufferMemory)) {
      throw new ProtocolError(
        'MESSAGE_TOO_LARGE',
        `${records.length} records for topic ${name} take ${size} bytes together, more than maxRequestSize ${this.#options.maxRequestSize}`,
      )
    }
    const topic = this.#topicState(name)
    while (this.#isInMetadata(first) === undefined) {
      await this.#cluster.topic(name, this.#options.maxBlockMs, { topicId })
    }
    // Records that waited longer are sent first.
    while (topic.waiting.length > 0 || this.#lacksMemory(size)) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
      if (this.#isClosing) throw closedError()
    }
    const queue = this.#queueOf(topic, partition)
    if (queue.open !== undefined) queue.open.isClosed = true
    const batch = this.#newBatch(queue, { topicId, maxSize: size })
    records.forEach((record, i) => {
      delivery.metadata[i] = batch.add(record, delivery)
    })
    batch.memory = batch.size
    this.#usedMemory += batch.size
    batch.isWhole = true
    batch.isClosed = true
  }

  #lacksMemory(size: number): boolean {
    return this.#usedMemory > 0 && this.#usedMemory + size > this.#options.bufferMemory
  }

  #topicState(name: string): TopicState {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      const { partitioner } = this.#options
      const kind = typeof partitioner === 'function' ? 'default' : partitioner
      topic = {
        name,
        partitioner: new TopicPartitioner(kind, this.#client.random),
        queues: [],
        waiting: [],
        isFetching: false,
        impatient: undefined,
      }
      this.#topics.set(name, topic)
      this.#cluster.track([name])
    }
    return topic
  }

  #queueOf(topic: TopicState, partition: number): PartitionQueue {
    let queue = topic.queues[partition]
    if (queue === undefined) {
      queue = new PartitionQueue(topic.name, partition)
      topic.queues[partition] = queue
    }
    return queue
  }

  /** False if the topic's metadata or memory is missing. */
  #append(topic: TopicState, record: EncodedRecord, delivery: Delivery, index: number): boolean {
    const metadata = this.#cluster.metadata.topics.get(topic.name)
    if (metadata === undefined || metadata.partitions.length === 0) return false
    // Partitions of another topic with the same name are irrelevant for this one.
    if (!this.#isOfTopic(record)) return false
    if (record.partition !== undefined && record.partition >= metadata.partitions.length)
      return false
    if (this.#lacksMemory(record.maxSize)) return false
    const partition = record.partition ?? this.#choose(topic, record, metadata)
    const batch = this.#batchFor(this.#queueOf(topic, partition), record)
    const before = batch.size
    delivery.metadata[index] = batch.add(record, delivery)
    const grown = batch.size - before
    batch.memory += grown
    this.#usedMemory += grown
    return true
  }

  #choose(topic: TopicState, record: EncodedRecord, metadata: TopicMetadata): number {
    const { partitioner } = this.#options
    const key = record.key as Uint8Array | null
    if (typeof partitioner !== 'function') {
      return topic.partitioner.choose(metadata, key, record.maxSize)
    }
    const { length } = metadata.partitions
    const value = typeof record.value === 'string' ? Buffer.from(record.value) : record.value
    const chosen = partitioner({
      topic: topic.name,
      keyBytes: key,
      valueBytes: value,
      partitionCount: length,
    })
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < length) return chosen
    throw new MillraceError(
      'MILLRACE_INVALID_PARTITION',
      `the partitioner chose ${chosen} for topic ${topic.name}: expected 0 to ${length - 1}`,
    )
  }

  #batchFor(
    queue: PartitionQueue,
    record: Pick<EncodedRecord, 'topicId' | 'maxSize'>,
  ): ProducerBatch {
    const { open } = queue
    if (open !== undefined) {
      const hasRoom = open.size + record.maxSize <= this.#options.batchSize
      if (hasRoom && open.topicId === record.topicId) return open
      open.isClosed = true
    }
    return this.#newBatch(queue, record)
  }

  #newBatch(
    queue: PartitionQueue,
    { topicId, maxSize }: Pick<EncodedRecord, 'topicId' | 'maxSize'>,
  ): ProducerBatch {
    const batch = new ProducerBatch({
      topic: queue.topic,
      partition: queue.partition,
      topicId,
      createdAt: this.#client.clock.monotonic(),
      initialSize: Math.max(Math.min(queue.sizeHint, this.#options.batchSize), maxSize + 61),
      pool: this.#pool,
    })
    queue.waiting.push(batch)
    this.#sender.add(queue)
    return batch
  }

  /** Frees the memory of a batch that has an outcome. */
  release(batch: ProducerBatch): void {
    this.#usedMemory -= batch.memory
    batch.memory = 0
    if (this.#shortOfMemory.size > 0) {
      for (const topic of this.#shortOfMemory) this.#placeWaiting(topic)
      this.#sender.isShortOfMemory = this.#shortOfMemory.size > 0
    }
    this.#wakeIfRoom()
  }

  #wakeIfRoom(): void {
    if (this.#roomWaiters.length === 0 || !this.hasRoom) return
    for (const wake of this.#roomWaiters.splice(0)) wake()
  }

  /** Whether there is room for more records. */
  get hasRoom(): boolean {
    return this.#usedMemory < this.#options.bufferMemory / 2 && this.#shortOfMemory.size === 0
  }

  /** Bytes of records without an outcome. */
  get usedMemory(): number {
    return this.#usedMemory
  }

  /** Resolves when there is room for more records, or the producer is closed. */
  ready(): Promise<void> {
    if (this.hasRoom || this.#isClosing) return Promise.resolve()
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  /** Determines what the first waiting record of a topic lacks, and obtains it. */
  #wait(topic: TopicState): void {
    const [first] = topic.waiting
    if (first?.record === undefined) {
      this.#hasEnoughMemory(topic)
      return
    }
    if (this.#isInMetadata(first.record)) {
      this.#shortOfMemory.add(topic)
      this.#sender.isShortOfMemory = true
      this.#sender.schedule()
      this.#expireMemoryWait(topic, first, first.record)
      return
    }
    if (topic.isFetching) return
    topic.isFetching = true
    const { record } = first
    attempt(this.#client.logger, 'sending waiting records', () =>
      this.#fetchMetadata(topic, first, record),
    )
  }

  #isInMetadata(
    record: Pick<EncodedRecord, 'topic' | 'topicId' | 'partition'>,
  ): PartitionMetadata | undefined {
    if (!this.#isOfTopic(record)) return undefined
    return this.#cluster.metadata.topics.get(record.topic)?.partitions[record.partition ?? 0]
  }

  /** Whether metadata shows the topic that a record is for. */
  #isOfTopic({ topic, topicId }: Pick<EncodedRecord, 'topic' | 'topicId'>): boolean {
    return topicId === undefined || this.#cluster.hasTopicId(topic, topicId)
  }

  async #fetchMetadata(
    topic: TopicState,
    first: WaitingRecord,
    record: EncodedRecord,
  ): Promise<void> {
    const { partition, topicId } = record
    const timeoutMs = Math.max(0, first.deadline - this.#client.clock.monotonic())
    try {
      const { partitions } = await this.#cluster.topic(topic.name, timeoutMs, { topicId })
      if (partition !== undefined && partitions[partition] === undefined) {
        await this.#cluster.await(() => this.#isInMetadata(record), {
          timeoutMs: Math.max(0, first.deadline - this.#client.clock.monotonic()),
          describe: () =>
            `topic ${topic.name} has no partition ${partition}, only 0 to ${(this.#cluster.metadata.topics.get(topic.name)?.partitions.length ?? 0) - 1},`,
        })
      }
      topic.isFetching = false
      this.#placeWaiting(topic)
    } catch (error) {
      topic.isFetching = false
      // The others get their own chance: another partition, or more time. The first one may have
      // been removed by an abort.
      if (topic.waiting[0] === first) topic.waiting.shift()
      first.delivery.settle(error as Error)
      const isLasting = error instanceof MillraceError && !error.retriable
      if (isLasting && topicId === undefined)
        for (const each of topic.waiting.splice(0)) each.delivery.settle(error)
      this.#placeWaiting(topic)
    }
  }

  #expireMemoryWait(topic: TopicState, first: WaitingRecord, { maxSize }: EncodedRecord): void {
    if (topic.impatient?.record === first) return
    topic.impatient?.timer.cancel()
    const { clock } = this.#client
    const giveUp = (): void => {
      if (topic.waiting[0] !== first) return
      topic.waiting.shift()
      const { bufferMemory, maxBlockMs } = this.#options
      first.delivery.settle(
        new MillraceError(
          'MILLRACE_BUFFER_FULL',
          `no room for a record of ${maxSize} bytes for topic ${topic.name}: bufferMemory ${bufferMemory} stayed full for maxBlockMs ${maxBlockMs}`,
          { retriable: true },
        ),
      )
      this.#placeWaiting(topic)
    }
    const left = Math.max(0, first.deadline - clock.monotonic())
    topic.impatient = { record: first, timer: clock.setTimer(left, giveUp) }
  }

  #placeWaiting(topic: TopicState): void {
    let placed = 0
    for (const { record, delivery, index } of topic.waiting) {
      if (record === undefined) break
      try {
        if (!this.#append(topic, record, delivery, index)) break
        delivery.settle()
      } catch (error) {
        delivery.settle(error as Error)
      }
      placed++
    }
    topic.waiting.splice(0, placed)
    if (topic.waiting.length > 0) {
      this.#wait(topic)
      return
    }
    this.#hasEnoughMemory(topic)
  }

  #hasEnoughMemory(topic: TopicState): void {
    this.#shortOfMemory.delete(topic)
    topic.impatient?.timer.cancel()
    topic.impatient = undefined
    this.#wakeIfRoom()
  }

  /** Fails the records that are not in a batch. */
  failWaiting(error: Error): void {
    for (const topic of this.#topics.values()) {
      for (const { delivery } of topic.waiting.splice(0)) delivery.settle(error)
    }
  }

  /** Accepts no records that wait for room from here. */
  startClosing(): void {
    this.#isClosing = true
  }

  /** Fails the records that are not in a batch, and ends the waits for room. */
  close(error: Error): void {
    this.failWaiting(error)
    for (const wake of this.#roomWaiters.splice(0)) wake()
  }
}

/** Error of what is requested of a closed producer. */
export function closedError(): MillraceError {
  return new MillraceError('MILLRACE_CLOSED', 'the producer is closed')
}
