// SPDX-License-Identifier: Apache-2.0
import { attempt, MillraceError, type Timer } from '@millrace/base'
import {
  type BuilderHeader,
  ProtocolError,
  RecordBatchBuilder,
  type RecordBytes,
} from '@millrace/protocol'
import type { OffsetAndMetadata } from '../consumer/offset-messages.ts'
import { channels } from '../diagnostics.ts'
import { Cluster } from '../metadata/cluster.ts'
import type { PartitionMetadata, TopicMetadata } from '../metadata/metadata.ts'
import { AbortedError, abortable } from '../network/waiting.ts'
import { type ResolvedClientOptions, resolveClientOptions } from '../options.ts'
import { SerdeError, type Serializer } from '../serde/serde.ts'
import type { Topic } from '../serde/topic.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { BufferPool } from './buffer-pool.ts'
import { Delivery } from './delivery.ts'
import { PartitionQueue } from './partition-queue.ts'
import { TopicPartitioner } from './partitioner.ts'
import { ProducerBatch } from './producer-batch.ts'
import {
  type ProducerOptions,
  type ResolvedProducerOptions,
  resolveProducerOptions,
} from './producer-options.ts'
import type { ProducerRecord, RecordMetadata } from './producer-record.ts'
import { mustPrepare, RecordSerialization, type Serializers } from './record-serialization.ts'
import { Sender } from './sender.ts'
import { type ConsumerGroupMetadata, TransactionManager } from './transaction-manager.ts'

/** A record of a typed topic, without the topic's name. */
export type TopicRecord<K, V> = Omit<ProducerRecord<K, V>, 'topic'>

/** Options of one call of `send`. */
export interface SendOptions {
  /**
   * Writes the records as one batch, which the broker accepts whole or not at all, without a
   * transaction. They must name the same partition and fit into `maxRequestSize` together.
   */
  readonly atomic?: boolean
  /** Ends the wait. Records that are in a batch by then may still be written. */
  readonly signal?: AbortSignal
}

/** A serialized record, before it is in a batch. */
interface EncodedRecord {
  readonly topic: string
  readonly topicId: string | undefined
  readonly partition: number | undefined
  readonly key: RecordBytes
  readonly value: RecordBytes
  readonly headers: readonly BuilderHeader[]
  readonly timestamp: number
  readonly maxSize: number
}

/** A record that waits for its serializers, for its topic's metadata or for memory. */
interface WaitingRecord {
  /** Undefined until its serializers are prepared. */
  record: EncodedRecord | undefined
  readonly delivery: Delivery
  readonly index: number
  deadline: number
}

/** Records of one send whose serializers have `prepareSerialize`. */
interface Preparation {
  readonly serializations: readonly RecordSerialization[]
  /** Undefined if all are prepared. */
  readonly prepared: Promise<unknown> | undefined
}

/** Records of one send that wait for their serializers. */
interface PreparedWork {
  readonly prepared: Promise<unknown>
  readonly encode: () => EncodedRecord[]
  readonly delivery: Delivery
  readonly signal: AbortSignal | undefined
}

/** What the function of a transaction may do; its records become visible with the commit. */
export interface Transaction<K, V> {
  /** Sends records within the transaction; readers see them once it is committed. */
  readonly send: Producer<K, V>['send']
  /** See `Producer.sendOffsetsToTransaction`. */
  sendOffsets(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    group: ConsumerGroupMetadata | string | undefined,
  ): Promise<void>
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

const plainSerializer: Serializer<Uint8Array | string> = {
  serialize(value, { topic, part }) {
    if (typeof value === 'string' || value instanceof Uint8Array) return value
    throw new SerdeError(
      `the ${part} for topic ${topic} is ${typeof value}: a string or Uint8Array is needed, or a serializer`,
    )
  },
}

/**
 * Sends records. Safe for concurrent callers: sends of the same turn of the event loop share
 * batches.
 *
 * Each `send` resolves when the broker has acknowledged its records, and rejects with a
 * `MillraceError` whose `code` is Kafka's error name or `MILLRACE_DELIVERY_TIMEOUT`,
 * `MILLRACE_BUFFER_FULL`, `MILLRACE_TIMEOUT`, `MILLRACE_SERDE`, `MILLRACE_CLOSED`.
 */
export class Producer<K = Uint8Array | string, V = Uint8Array | string> implements AsyncDisposable {
  readonly #client: ResolvedClientOptions
  readonly #options: ResolvedProducerOptions
  readonly #cluster: Cluster
  readonly #sender: Sender
  readonly #transactions: TransactionManager | undefined
  /** The last transaction of `transaction`, which runs them one after another. */
  #lastTransaction: Promise<unknown> = Promise.resolve()
  readonly #serializers: Serializers
  #serialization: RecordSerialization | undefined
  readonly #topics = new Map<string, TopicState>()
  readonly #deliveries = new Set<Delivery>()
  readonly #pool: BufferPool
  #usedMemory = 0
  /** Topics with records that wait for memory, first come first served. */
  readonly #shortOfMemory = new Set<TopicState>()
  readonly #roomWaiters: (() => void)[] = []
  /** End the waits for serializers. */
  readonly #preparing = new Set<(error: Error) => void>()
  #closing: Promise<void> | undefined

  /** Creates a producer; it connects on first use. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: ProducerOptions<K, V>) {
    this.#client = resolveClientOptions(options)
    this.#options = resolveProducerOptions(options, this.#client.requestTimeoutMs)
    const plain = plainSerializer as Serializer<unknown>
    this.#serializers = {
      key: (options.serializers?.key as Serializer<unknown> | undefined) ?? plain,
      value: (options.serializers?.value as Serializer<unknown> | undefined) ?? plain,
    }
    const { batchSize, bufferMemory } = this.#options
    this.#pool = new BufferPool(batchSize, Math.min(bufferMemory / 4, POOLED_BYTES))
    this.#cluster = new Cluster(this.#client, {
      allowAutoTopicCreation: options.allowAutoCreateTopics ?? true,
    })
    const { transactionalId, transactionTimeoutMs, maxBlockMs } = this.#options
    this.#transactions =
      transactionalId === undefined
        ? undefined
        : new TransactionManager(this.#cluster, {
            transactionalId,
            timeoutMs: transactionTimeoutMs,
            maxBlockMs,
          })
    this.#sender = new Sender(
      this.#cluster,
      this.#options,
      (batch) => this.#release(batch),
      this.#transactions,
    )
  }

  /**
   * Sends one record, or several; resolves with their partitions and offsets once `acks` is
   * satisfied.
   */
  send(record: ProducerRecord<K, V>, options?: SendOptions): Promise<RecordMetadata>
  /**
   * Sends records; resolves when they are acknowledged, with their partitions and offsets in the
   * order given.
   */
  send(records: readonly ProducerRecord<K, V>[], options?: SendOptions): Promise<RecordMetadata[]>
  /**
   * Sends records; resolves when they are acknowledged, with their partitions and offsets in the
   * order given.
   */
  send<TK, TV>(
    topic: Topic<TK, TV>,
    record: TopicRecord<TK, TV>,
    options?: SendOptions,
  ): Promise<RecordMetadata>
  /**
   * Sends records; resolves when they are acknowledged, with their partitions and offsets in the
   * order given.
   */
  send<TK, TV>(
    topic: Topic<TK, TV>,
    records: readonly TopicRecord<TK, TV>[],
    options?: SendOptions,
  ): Promise<RecordMetadata[]>
  async send(
    first: Topic<unknown, unknown> | ProducerRecord<K, V> | readonly ProducerRecord<K, V>[],
    second?: unknown,
    third?: SendOptions,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    if (isTypedTopic(first)) {
      return this.#sendAll(second as ProducerRecord<unknown, unknown>, first, third)
    }
    return this.#sendAll(
      first as ProducerRecord<unknown, unknown> | readonly ProducerRecord<unknown, unknown>[],
      undefined,
      second as SendOptions | undefined,
    )
  }

  async #sendAll(
    given: ProducerRecord<unknown, unknown> | readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
    options: SendOptions | undefined,
  ): Promise<RecordMetadata | RecordMetadata[]> {
    if (this.#closing !== undefined) throw closedError()
    if (options?.signal?.aborted) throw new AbortedError(options.signal.reason)
    this.#transactions?.checkSend()
    const isList = Array.isArray(given)
    let records: readonly ProducerRecord<unknown, unknown>[] = isList
      ? given
      : [given as ProducerRecord<unknown, unknown>]
    if (channels.send.hasSubscribers) {
      const event = { records, topic: typed?.name, clientId: this.#client.clientId }
      channels.send.publish(event)
      records = event.records
    }
    const preparation = mustPrepare(typed ?? this.#serializers)
      ? this.#prepare(records, typed)
      : undefined
    const { prepared, serializations } = preparation ?? {}
    // All are serialized before any is queued: an invalid one must not leave half of them sent.
    const now = this.#client.clock.now()
    const isAtomic = options?.atomic === true
    const delivery = new Delivery(records.length)
    if (prepared !== undefined) {
      this.#deliveries.add(delivery)
      const encode = (): EncodedRecord[] => this.#encodeAll(records, typed, now, serializations)
      const work = { prepared, encode, delivery, signal: options?.signal }
      if (isAtomic) {
        delivery.expect()
        attempt(this.#client.logger, 'sending prepared records', () =>
          this.#placeTogetherWhenPrepared(work),
        )
      } else this.#placeWhenPrepared(records, typed, work)
    } else {
      const encoded = this.#encodeAll(records, typed, now, serializations)
      this.#deliveries.add(delivery)
      if (isAtomic) {
        await this.#placeTogether(encoded, delivery).catch((error: unknown) => {
          this.#deliveries.delete(delivery)
          throw error
        })
      } else {
        for (let i = 0; i < encoded.length; i++)
          this.#place(encoded[i] as EncodedRecord, delivery, i)
      }
    }
    delivery.settle()
    try {
      const metadata = await (options?.signal === undefined
        ? delivery.promise
        : abortable(delivery.promise, options.signal))
      return isList ? metadata : (metadata[0] as RecordMetadata)
    } catch (error) {
      if (!(error instanceof AbortedError)) this.#transactions?.fail(error as Error)
      throw error
    } finally {
      this.#deliveries.delete(delivery)
    }
  }

  /** Calls the serializers' `prepareSerialize` for all records of a send. */
  #prepare(
    records: readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
  ): Preparation {
    const serializers = typed ?? this.#serializers
    const serializations = records.map((record) => {
      const serialization = new RecordSerialization(topicOf(record, typed), serializers)
      serialization.begin(record.headers)
      return serialization
    })
    const pending = records.flatMap((record, i) => serializations[i]?.prepare(record) ?? [])
    return {
      serializations,
      prepared: pending.length === 0 ? undefined : Promise.all(pending),
    }
  }

  /** Reserves the places of the records in the queues of their topics. */
  #placeWhenPrepared(
    records: readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
    work: PreparedWork,
  ): void {
    const { delivery } = work
    const topics = new Set<TopicState>()
    const waiting = records.map((record, index): WaitingRecord => {
      const topic = this.#topicState(topicOf(record, typed))
      const slot = { record: undefined, delivery, index, deadline: Number.POSITIVE_INFINITY }
      delivery.expect()
      topics.add(topic)
      topic.waiting.push(slot)
      return slot
    })
    const placed = (encoded: readonly EncodedRecord[]): void => {
      const deadline = this.#client.clock.monotonic() + this.#options.maxBlockMs
      waiting.forEach((slot, i) => {
        slot.record = encoded[i]
        slot.deadline = deadline
      })
    }
    const failed = (error: unknown): void => {
      const slots = new Set(waiting)
      for (const topic of topics) {
        const removed = topic.waiting.filter((slot) => slots.has(slot))
        topic.waiting = topic.waiting.filter((slot) => !slots.has(slot))
        for (const slot of removed) slot.delivery.settle(error as Error)
      }
    }
    attempt(this.#client.logger, 'sending prepared records', async () => {
      await this.#prepared(work).then(placed, failed)
      for (const topic of topics) this.#placeWaiting(topic)
    })
  }

  async #placeTogetherWhenPrepared(work: PreparedWork): Promise<void> {
    const { delivery } = work
    try {
      const encoded = await this.#prepared(work)
      await this.#placeTogether(encoded, delivery)
      delivery.settle()
    } catch (error) {
      delivery.settle(error as Error)
    }
  }

  /** The records of a send, once they are prepared. */
  async #prepared({ prepared, encode, signal }: PreparedWork): Promise<EncodedRecord[]> {
    const { deliveryTimeoutMs } = this.#options
    const late = Promise.withResolvers<never>()
    const timer = this.#client.clock.setTimer(
      deliveryTimeoutMs,
      () =>
        late.reject(
          new MillraceError(
            'MILLRACE_DELIVERY_TIMEOUT',
            `the serializers were not prepared within deliveryTimeoutMs ${deliveryTimeoutMs}`,
            { retriable: true },
          ),
        ),
      { keepsAlive: true },
    )
    this.#preparing.add(late.reject)
    try {
      await abortable(Promise.race([prepared, late.promise]), signal)
    } finally {
      timer.cancel()
      this.#preparing.delete(late.reject)
    }
    return encode()
  }

  /** Shared by all records of a topic: nothing is allocated for each. */
  #serializationFor(
    topic: string,
    typed: Topic<unknown, unknown> | undefined,
  ): RecordSerialization {
    const serializers = typed ?? this.#serializers
    if (this.#serialization?.isFor(topic, serializers) !== true) {
      this.#serialization = new RecordSerialization(topic, serializers)
    }
    return this.#serialization as RecordSerialization
  }

  #encodeAll(
    records: readonly ProducerRecord<unknown, unknown>[],
    typed: Topic<unknown, unknown> | undefined,
    now: number,
    prepared: readonly RecordSerialization[] | undefined,
  ): EncodedRecord[] {
    return records.length === 1
      ? [this.#encode(records[0] as ProducerRecord<unknown, unknown>, typed, now, prepared?.[0])]
      : records.map((record, i) => this.#encode(record, typed, now, prepared?.[i]))
  }

  #encode(
    record: ProducerRecord<unknown, unknown>,
    typed: Topic<unknown, unknown> | undefined,
    now: number,
    prepared: RecordSerialization | undefined,
  ): EncodedRecord {
    const topic = topicOf(record, typed)
    const { partition, value } = record
    if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0)) {
      throw new MillraceError(
        'MILLRACE_INVALID_RECORD',
        `a record for topic ${topic} has partition ${partition}: expected a whole number from 0`,
      )
    }
    if (value === undefined) {
      throw new MillraceError(
        'MILLRACE_INVALID_RECORD',
        `a record for topic ${topic} has no value; null stands for a tombstone`,
      )
    }
    const timestamp = record.timestamp ?? now
    if (!Number.isInteger(timestamp) || timestamp < 0) {
      throw new MillraceError(
        'MILLRACE_INVALID_RECORD',
        `a record for topic ${topic} has timestamp ${timestamp}: expected milliseconds since 1970`,
      )
    }
    let serialization = prepared
    if (serialization === undefined) {
      serialization = this.#serializationFor(topic, typed)
      serialization.begin(record.headers)
    }
    let key = serialization.key(record.key)
    // The partitioner uses the serialized form.
    if (typeof key === 'string' && partition === undefined) key = Buffer.from(key)
    const valueBytes = serialization.value(value)
    const headers = serialization.list()
    const maxSize = RecordBatchBuilder.maxSizeOf(key, valueBytes, headers)
    const limit = Math.min(this.#options.maxRequestSize, this.#options.bufferMemory)
    if (maxSize > limit) {
      const name = limit === this.#options.maxRequestSize ? 'maxRequestSize' : 'bufferMemory'
      throw new ProtocolError(
        'MESSAGE_TOO_LARGE',
        `a record for topic ${topic} takes ${maxSize} bytes, more than ${name} ${limit}`,
      )
    }
    const { topicId } = record
    return { topic, topicId, partition, key, value: valueBytes, headers, timestamp, maxSize }
  }

  /** Adds a record to a batch, or to the queue of waiting records. */
  #place(record: EncodedRecord, delivery: Delivery, index: number): void {
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
  async #placeTogether(records: readonly EncodedRecord[], delivery: Delivery): Promise<void> {
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
      if (this.#closing !== undefined) throw closedError()
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

  #release(batch: ProducerBatch): void {
    this.#usedMemory -= batch.memory
    batch.memory = 0
    if (this.#shortOfMemory.size > 0) {
      for (const topic of this.#shortOfMemory) this.#placeWaiting(topic)
      this.#sender.isShortOfMemory = this.#shortOfMemory.size > 0
    }
    this.#wakeIfRoom()
  }

  #wakeIfRoom(): void {
    if (this.#roomWaiters.length === 0 || !this.#hasRoom) return
    for (const wake of this.#roomWaiters.splice(0)) wake()
  }

  get #hasRoom(): boolean {
    return this.#usedMemory < this.#options.bufferMemory / 2 && this.#shortOfMemory.size === 0
  }

  /** Resolves when there is room for more records, for callers that do not await each result. */
  ready(): Promise<void> {
    if (this.#hasRoom || this.#closing !== undefined) return Promise.resolve()
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  /** Bytes of records without an outcome, out of `bufferMemory`. */
  get bufferedBytes(): number {
    return this.#usedMemory
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

  /** Partitions of a topic, from the cluster if they are unknown. */
  async partitionsFor(topic: string): Promise<readonly PartitionMetadata[]> {
    return (await this.#cluster.topic(topic, this.#options.maxBlockMs)).partitions
  }

  /** Sends all records of earlier calls, and resolves when each has an outcome. */
  async flush(): Promise<void> {
    if (this.#deliveries.size === 0) return
    this.#sender.flushing++
    this.#sender.schedule()
    try {
      await Promise.allSettled([...this.#deliveries].map(({ promise }) => promise))
    } finally {
      this.#sender.flushing--
    }
  }

  // ----------------------------------------------------------------------------------------------
  // transactions

  /**
   * Requires `transactionalId`. Fences earlier producers with the same id and aborts their open
   * transaction.
   */
  async initTransactions(): Promise<void> {
    await this.#needTransactions('initTransactions').init()
  }

  /** Starts a transaction: everything that is sent from here belongs to it. */
  beginTransaction(): void {
    this.#needTransactions('beginTransaction').begin()
  }

  /**
   * Commits a consumer's offsets with the transaction: the next records to read. Pass
   * `consumer.groupMetadata`; with only a group id nothing stops a consumer that has lost its
   * partitions from committing (KIP-447).
   */
  async sendOffsetsToTransaction(
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
    group: ConsumerGroupMetadata | string | undefined,
  ): Promise<void> {
    const transactions = this.#needTransactions('sendOffsetsToTransaction')
    if (group === undefined) {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        'cannot commit offsets with the transaction: the consumer is not a member of its group',
      )
    }
    const member =
      typeof group === 'string'
        ? { groupId: group, generationId: -1, memberId: '', groupInstanceId: null }
        : group
    await transactions.sendOffsets(offsets, member)
  }

  /**
   * Sends pending records, then commits. If any of them failed, the transaction can only be
   * aborted, and this rejects with the cause.
   */
  async commitTransaction(): Promise<void> {
    const transactions = this.#needTransactions('commitTransaction')
    transactions.startEnd('commit')
    await this.flush()
    await transactions.end('commit')
  }

  /** Fails pending records with `MILLRACE_TRANSACTION_ABORTED`, and aborts those that were sent. */
  async abortTransaction(): Promise<void> {
    const transactions = this.#needTransactions('abortTransaction')
    transactions.startEnd('abort')
    const error = new MillraceError('MILLRACE_TRANSACTION_ABORTED', 'the transaction was aborted')
    for (const topic of this.#topics.values()) {
      for (const { delivery } of topic.waiting.splice(0)) delivery.settle(error)
    }
    this.#sender.schedule()
    await this.flush()
    await this.#sender.answered()
    await transactions.end('abort')
  }

  /**
   * Runs `work` in a transaction: commits when it resolves, including everything that it sent,
   * awaited or not; aborts when it throws or a send failed, and rejects with that error.
   * Transactions of one producer run one after another.
   */
  transaction<T>(work: (transaction: Transaction<K, V>) => Promise<T> | T): Promise<T> {
    const result = this.#lastTransaction.then(() => this.#transact(work))
    this.#lastTransaction = result.catch(() => undefined)
    return result
  }

  async #transact<T>(work: (transaction: Transaction<K, V>) => Promise<T> | T): Promise<T> {
    await this.initTransactions()
    this.beginTransaction()
    const transaction = {
      send: (...args: Parameters<Producer<K, V>['send']>) => {
        const sent = this.send(...args)
        // A caller that does not await it learns of a failure from the commit.
        sent.catch(() => undefined)
        return sent
      },
      sendOffsets: (
        offsets: readonly (TopicPartition & OffsetAndMetadata)[],
        group: ConsumerGroupMetadata | string | undefined,
      ) => this.sendOffsetsToTransaction(offsets, group),
    } as Transaction<K, V>
    try {
      const result = await work(transaction)
      await this.commitTransaction()
      return result
    } catch (error) {
      await this.#abortAfter(error)
      throw error
    }
  }

  /** Aborts because of `error`, which takes precedence over an error of the abort. */
  async #abortAfter(error: unknown): Promise<void> {
    try {
      await this.abortTransaction()
    } catch (abortError) {
      this.#client.logger.warn('could not abort a transaction', { error: abortError, after: error })
    }
  }

  #needTransactions(what: string): TransactionManager {
    if (this.#closing !== undefined) throw closedError()
    if (this.#transactions !== undefined) return this.#transactions
    throw new MillraceError(
      'MILLRACE_INVALID_STATE',
      `${what} needs a producer with a transactionalId`,
    )
  }

  /**
   * Flushes, then closes all connections. Records not acknowledged within `timeoutMs` (default:
   * `deliveryTimeoutMs`) fail with `MILLRACE_CLOSED`. Idempotent.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    // An open transaction would block readers until its time-out.
    const aborted = this.#transactions?.isUnderWay === true ? this.abortTransaction() : undefined
    this.#closing ??= this.#close(options.timeoutMs, aborted)
    return this.#closing
  }

  async #close(timeoutMs: number | undefined, aborted: Promise<void> | undefined): Promise<void> {
    const { clock } = this.#client
    const flushed = aborted === undefined ? this.flush() : aborted.catch(() => undefined)
    if (timeoutMs === undefined) await flushed
    else {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = clock.setTimer(timeoutMs, resolve, { keepsAlive: true })
      await Promise.race([flushed, promise])
      timer.cancel()
    }
    const error = closedError()
    this.#sender.close(error)
    for (const topic of this.#topics.values()) {
      for (const { delivery } of topic.waiting.splice(0)) delivery.settle(error)
    }
    for (const stop of this.#preparing) stop(error)
    for (const wake of this.#roomWaiters.splice(0)) wake()
    this.#cluster.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Topic of a record. Throws `MILLRACE_INVALID_RECORD` if it has none. */
function topicOf(
  record: ProducerRecord<unknown, unknown>,
  typed: Topic<unknown, unknown> | undefined,
): string {
  const topic = typed?.name ?? record.topic
  if (typeof topic === 'string' && topic !== '') return topic
  throw new MillraceError('MILLRACE_INVALID_RECORD', `a record needs a topic, not ${topic}`)
}

function closedError(): MillraceError {
  return new MillraceError('MILLRACE_CLOSED', 'the producer is closed')
}

function isTypedTopic(value: unknown): value is Topic<unknown, unknown> {
  return typeof value === 'object' && value !== null && 'name' in value && !('topic' in value)
}
