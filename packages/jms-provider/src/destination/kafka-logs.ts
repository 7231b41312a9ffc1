// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger } from '@millrace/base'
import {
  Admin,
  type ClientOptions,
  Consumer,
  type ConsumerRecord,
  Producer,
  type ProducerRecord,
  type TopicPartition,
} from '@millrace/client'
import { fromRecord } from '../mapping/from-record.ts'
import type { StoredMessage } from '../mapping/stored-message.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { type DestinationLog, isMissingTopic, type LogPlace } from './destination-log.ts'
import { MAX_RECORD_BYTES } from './topic-admin.ts'

/** How long a look for news may be held by the broker. */
const TAIL_WAIT_MS = 100
/** Bytes that are read ahead at once of a backlog. */
const READ_BYTES = 2 * 1024 * 1024

/** The record for Kafka of a message. It is never written to another topic of the same name. */
export function producerRecord(
  { topic, topicId }: Pick<DestinationLog, 'topic' | 'topicId'>,
  { key, value, headers }: Pick<NewRecord, 'key' | 'value' | 'headers'>,
): ProducerRecord<Uint8Array | string, Uint8Array | string> {
  const place = { topic: topic as string, key, value, headers }
  return topicId === undefined ? place : { ...place, topicId }
}

/** The Kafka topic of a destination, as it is now. */
export interface LogTopic {
  readonly topic: string
  readonly topicId: string | undefined
}

/** The Kafka topics behind destinations: one producer, one consumer that follows them all, one that reads backlogs. */
export class KafkaLogs {
  readonly admin: Admin
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #producer: Producer
  readonly #tail: Consumer
  readonly #readers: BacklogReader[]
  readonly #logs = new Map<string, KafkaLog>()
  #isClosed = false
  #isTailing = false
  readonly #onTopicMissing: () => void
  #wakeTail: () => void = () => {}

  constructor(
    client: ClientOptions,
    options: {
      readonly clock: Clock
      readonly logger: Logger
      /** A topic that is followed was deleted. */
      readonly onTopicMissing: () => void
    },
  ) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#onTopicMissing = options.onTopicMissing
    this.admin = new Admin(client)
    this.#producer = new Producer({
      ...client,
      maxRequestSize: MAX_RECORD_BYTES,
      bufferMemory: 2 * MAX_RECORD_BYTES,
      batchSize: 64 * 1024,
      allowAutoCreateTopics: false,
    })
    this.#tail = new Consumer({
      ...client,
      isolationLevel: 'read_committed',
      autoOffsetReset: 'earliest',
      enableAutoCommit: false,
      fetchMaxWaitMs: TAIL_WAIT_MS,
      maxPollRecords: 2000,
      maxPartitionFetchBytes: 2 * READ_BYTES,
      maxPrefetchBytes: 8 * READ_BYTES,
      allowAutoCreateTopics: false,
    })
    this.#readers = [0, 1].map(() => new BacklogReader(client))
  }

  get producer(): Producer {
    return this.#producer
  }

  /** Opens the log of a topic and follows it: `onRecords` gets everything from the offsets in `from` on. */
  open(
    { topic, topicId }: LogTopic,
    options: {
      readonly from: readonly number[]
      readonly onRecords: (records: readonly ConsumerRecord[]) => void
      /** Partitions that wait to be told that they have been followed to their end. */
      readonly opening: () => Iterable<number>
      readonly onOpened: (partition: number) => void
    },
  ): DestinationLog {
    const log = new KafkaLog({
      topic,
      topicId,
      partitions: options.from.length,
      onRecords: options.onRecords,
      opening: options.opening,
      onOpened: options.onOpened,
      append: (record) => this.#append(log, record),
      appendTogether: (records) => this.#appendTogether(log, records),
      read: (partition, offset) => this.#reader(topic).read(log, partition, offset),
      onClose: () => {
        if (this.#logs.get(topic) !== log) return
        this.#logs.delete(topic)
        this.#assign()
      },
    })
    this.#logs.set(topic, log)
    this.#assign()
    options.from.forEach((offset, partition) => {
      this.#tail.seek({ topic, partition }, BigInt(offset))
    })
    if (!this.#isTailing) void this.#follow()
    return log
  }

  #assign(): void {
    if (this.#isClosed) return
    const places = [...this.#logs.values()].flatMap((log) =>
      Array.from({ length: log.partitions }, (_, partition) => placeOf(log, partition)),
    )
    this.#tail.assign(places)
    this.#wakeTail()
  }

  async #append(log: KafkaLog, record: NewRecord): Promise<LogPlace> {
    const { partition, offset } = await this.#producer.send(producerRecord(log, record))
    return { partition, offset: Number(offset) }
  }

  async #appendTogether(log: KafkaLog, records: readonly NewRecord[]): Promise<LogPlace> {
    const [first] = await this.#producer.send(
      records.map((record) => ({ ...producerRecord(log, record), partition: 0 })),
      { atomic: true },
    )
    return { partition: 0, offset: Number(first?.offset ?? -1n) }
  }

  #reader(topic: string): BacklogReader {
    const [first, second] = this.#readers as [BacklogReader, BacklogReader]
    if (first.topic === topic || second.topic === topic) {
      return first.topic === topic ? first : second
    }
    return first.lastUsed <= second.lastUsed ? first : second
  }

  /** Offsets at which the partitions of a topic begin and end. */
  async bounds(
    topic: string,
    partitions: number,
  ): Promise<{
    readonly beginnings: readonly number[]
    readonly ends: readonly number[]
  }> {
    const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    const [beginnings, ends] = await Promise.all([
      this.#tail.beginningOffsets(places),
      this.#tail.endOffsets(places),
    ])
    return { beginnings: beginnings.map(Number), ends: ends.map(Number) }
  }

  /** By partition: the offset of the first record at or after a time, or the end. */
  async offsetsSince(topic: string, partitions: number, sinceMs: number): Promise<number[]> {
    const places = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      timestamp: sinceMs,
    }))
    const found = await this.#tail.offsetsForTimes(places)
    const { ends } = await this.bounds(topic, partitions)
    return ends.map((end, partition) => {
      const offset = found[partition]?.offset
      return offset === undefined ? end : Number(offset)
    })
  }

  async #follow(): Promise<void> {
    this.#isTailing = true
    while (!this.#isClosed) {
      if (this.#logs.size === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeTail = resolve
        })
        continue
      }
      try {
        this.#dispatch(await this.#tail.poll(TAIL_WAIT_MS))
        this.#tellOpened()
      } catch (error) {
        if (this.#isClosed) return
        if (isMissingTopic(error)) {
          this.#onTopicMissing()
          await this.#pause(200)
          continue
        }
        this.#logger.warn('cannot follow the logs of destinations for the moment', { error })
        await this.#pause(200)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(ms, resolve))
  }

  /** Tells logs that were opened with something in them when all of it has been handed on. */
  #tellOpened(): void {
    for (const log of this.#logs.values()) {
      for (const partition of log.opening()) {
        if (this.#tail.lag({ topic: log.topic, partition }) === 0n) log.onOpened(partition)
      }
    }
  }

  /** Hands records on in runs of one partition. */
  #dispatch(records: readonly ConsumerRecord[]): void {
    let start = 0
    for (let at = 1; at <= records.length; at++) {
      const first = records[start] as ConsumerRecord
      const record = records[at]
      if (record?.topic === first.topic && record.partition === first.partition) continue
      this.#logs.get(first.topic)?.onRecords(records.slice(start, at))
      start = at
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wakeTail()
    await Promise.all([
      this.#producer.close({ timeoutMs: 5000 }),
      this.#tail.close(),
      this.admin.close(),
      ...this.#readers.map((reader) => reader.close()),
    ])
  }
}

/** Reads parts of logs that are no longer in memory. Its consumer stays where it was, as backlogs are read in order. */
class BacklogReader {
  readonly #client: ClientOptions
  #consumer: Consumer | undefined
  /** The topic it read last, or is about to read. */
  topic: string | undefined
  #assigned = ''
  #position = -1
  #last: Promise<unknown> = Promise.resolve()
  lastUsed = 0

  constructor(client: ClientOptions) {
    this.#client = client
  }

  read(log: LogTopic, partition: number, offset: number): Promise<readonly StoredMessage[]> {
    this.topic = log.topic
    this.lastUsed++
    const result = this.#last.then(() => this.#read(log, partition, offset))
    this.#last = result.catch(() => undefined)
    return result
  }

  async #read(log: LogTopic, partition: number, offset: number): Promise<readonly StoredMessage[]> {
    const { topic, topicId } = log
    this.#consumer ??= new Consumer({
      ...this.#client,
      isolationLevel: 'read_committed',
      autoOffsetReset: 'earliest',
      enableAutoCommit: false,
      maxPollRecords: 5000,
      maxPartitionFetchBytes: READ_BYTES,
      maxPrefetchBytes: 2 * READ_BYTES,
      allowAutoCreateTopics: false,
    })
    const place = `${topic}/${topicId}/${partition}`
    if (this.#assigned !== place) this.#consumer.assign([placeOf(log, partition)])
    if (this.#assigned !== place || this.#position !== offset) {
      this.#consumer.seek({ topic, partition }, BigInt(offset))
    }
    this.#assigned = place
    this.#position = -1
    const records = await this.#consumer.poll(2000)
    const last = records.at(-1)
    if (last === undefined) {
      // Nothing there, or a broker that is away: only its end tells them apart.
      const [end] = await this.#consumer.endOffsets([{ topic, partition }])
      if (end !== undefined && Number(end) > offset) throw new Error(`${topic} cannot be read now`)
      return []
    }
    this.#position = Number(last.offset) + 1
    return records.map(fromRecord)
  }

  async close(): Promise<void> {
    await this.#consumer?.close()
  }
}

/** A partition to be read, from this topic only. */
function placeOf(
  { topic, topicId }: LogTopic,
  partition: number,
): TopicPartition & { readonly topicId?: string } {
  return topicId === undefined ? { topic, partition } : { topic, partition, topicId }
}

class KafkaLog implements DestinationLog {
  readonly topic: string
  readonly topicId: string | undefined
  readonly partitions: number
  readonly onRecords: (records: readonly ConsumerRecord[]) => void
  readonly opening: () => Iterable<number>
  readonly onOpened: (partition: number) => void
  readonly append: (record: NewRecord) => Promise<LogPlace>
  readonly appendTogether: (records: readonly NewRecord[]) => Promise<LogPlace>
  readonly read: (partition: number, offset: number) => Promise<readonly StoredMessage[]>
  readonly #onClose: () => void

  constructor(
    options: LogTopic & {
      readonly partitions: number
      readonly onRecords: (records: readonly ConsumerRecord[]) => void
      readonly opening: () => Iterable<number>
      readonly onOpened: (partition: number) => void
      readonly append: (record: NewRecord) => Promise<LogPlace>
      readonly appendTogether: (records: readonly NewRecord[]) => Promise<LogPlace>
      readonly read: (partition: number, offset: number) => Promise<readonly StoredMessage[]>
      readonly onClose: () => void
    },
  ) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.partitions = options.partitions
    this.onRecords = options.onRecords
    this.opening = options.opening
    this.onOpened = options.onOpened
    this.append = options.append
    this.appendTogether = options.appendTogether
    this.read = options.read
    this.#onClose = options.onClose
  }

  /** The log trimmer deletes records, at its own pace. */
  trim(): void {}

  close(): void {
    this.#onClose()
  }
}
