// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, elementAt, type Logger } from '@millrace/base'
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
import { pause } from '../pause.ts'
import { type DestinationLog, isMissingTopic, type LogPosition } from './destination-log.ts'
import { MAX_RECORD_BYTES } from './topic-admin.ts'

/** Longest time that the broker may hold a fetch for new records. */
const TAIL_WAIT_MS = 100
/** Bytes of backlog to fetch at once. */
const READ_BYTES = 2 * 1024 * 1024

/**
 * Creates the Kafka record of a message. With a topic id it is never written to another topic of
 * the same name.
 */
export function producerRecord(
  { topic, topicId }: Pick<DestinationLog, 'topic' | 'topicId'>,
  { key, value, headers }: Pick<NewRecord, 'key' | 'value' | 'headers'>,
): ProducerRecord<Uint8Array | string, Uint8Array | string> {
  const target = { topic: topic as string, key, value, headers }
  return topicId === undefined ? target : { ...target, topicId }
}

/** Name and id of a destination's Kafka topic. */
export interface LogTopic {
  readonly topic: string
  readonly topicId: string | undefined
}

/**
 * The Kafka topics of all destinations: one producer, one consumer that follows them all, and
 * consumers that read backlogs.
 */
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
      /** Called when a followed topic was deleted. */
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

  /**
   * Opens the log of a topic and follows it: `onRecords` receives all records from the offsets in
   * `from`.
   */
  open(
    { topic, topicId }: LogTopic,
    options: {
      readonly from: readonly number[]
      readonly onRecords: (records: readonly ConsumerRecord[]) => void
      /** Partitions for which `onOpened` has not been called yet. */
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
      readTo: async (partition) => Number(await this.#tail.position({ topic, partition })),
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
    if (!this.#isTailing) attempt(this.#logger, 'following destinations', () => this.#follow())
    return log
  }

  #assign(): void {
    if (this.#isClosed) return
    const topicPartitions = [...this.#logs.values()].flatMap((log) =>
      Array.from({ length: log.partitions }, (_, partition) => assignmentOf(log, partition)),
    )
    this.#tail.assign(topicPartitions)
    this.#wakeTail()
  }

  async #append(log: KafkaLog, record: NewRecord): Promise<LogPosition> {
    const { partition, offset } = await this.#producer.send(producerRecord(log, record))
    return { partition, offset: Number(offset) }
  }

  async #appendTogether(log: KafkaLog, records: readonly NewRecord[]): Promise<LogPosition> {
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

  /** Beginning and end offsets of a topic's partitions. */
  async bounds(
    topic: string,
    partitions: number,
  ): Promise<{
    readonly beginnings: readonly number[]
    readonly ends: readonly number[]
  }> {
    const topicPartitions = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
    }))
    const [beginnings, ends] = await Promise.all([
      this.#tail.beginningOffsets(topicPartitions),
      this.#tail.endOffsets(topicPartitions),
    ])
    return { beginnings: beginnings.map(Number), ends: ends.map(Number) }
  }

  /** By partition: offset of the first record at or after a time, or the end offset. */
  async offsetsSince(topic: string, partitions: number, sinceMs: number): Promise<number[]> {
    const topicPartitions = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      timestamp: sinceMs,
    }))
    const found = await this.#tail.offsetsForTimes(topicPartitions)
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
        this.#notifyOpened()
      } catch (error) {
        if (this.#isClosed) return
        if (isMissingTopic(error)) {
          attempt(this.#logger, 'looking up topics', () => this.#onTopicMissing())
        } else this.#logger.warn('cannot read the logs of destinations; retrying', { error })
        await pause(this.#clock, 200)
      }
    }
  }

  /** Notifies logs whose initial contents have been delivered completely. */
  #notifyOpened(): void {
    for (const log of this.#logs.values()) {
      for (const partition of log.opening()) {
        if (this.#tail.lag({ topic: log.topic, partition }) === 0n) log.onOpened(partition)
      }
    }
  }

  /** Delivers records in runs of one partition; a failure of one does not affect the others. */
  #dispatch(records: readonly ConsumerRecord[]): void {
    let start = 0
    for (let at = 1; at <= records.length; at++) {
      const first = elementAt(records, start)
      const record = records[at]
      if (record?.topic === first.topic && record.partition === first.partition) continue
      const run = records.slice(start, at)
      const what = `indexing messages of ${first.topic}-${first.partition}`
      attempt(this.#logger, what, () => this.#logs.get(first.topic)?.onRecords(run))
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

/**
 * Reads parts of logs that are no longer in memory. Backlogs are mostly read in order, so the
 * consumer keeps its position.
 */
class BacklogReader {
  readonly #client: ClientOptions
  #consumer: Consumer | undefined
  /** Topic of the last or next read. */
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
    const assigned = `${topic}/${topicId}/${partition}`
    if (this.#assigned !== assigned) this.#consumer.assign([assignmentOf(log, partition)])
    if (this.#assigned !== assigned || this.#position !== offset) {
      this.#consumer.seek({ topic, partition }, BigInt(offset))
    }
    this.#assigned = assigned
    this.#position = -1
    const records = await this.#consumer.poll(2000)
    const last = records.at(-1)
    if (last === undefined) {
      // An empty result means the end of the log or an unavailable broker; compare with the end
      // offset.
      const [end] = await this.#consumer.endOffsets([{ topic, partition }])
      if (end !== undefined && Number(end) > offset) throw new Error(`cannot read ${topic}`)
      return []
    }
    this.#position = Number(last.offset) + 1
    return records.map(fromRecord)
  }

  async close(): Promise<void> {
    await this.#consumer?.close()
  }
}

/** A partition to read, identified by topic id if known. */
function assignmentOf(
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
  readonly append: (record: NewRecord) => Promise<LogPosition>
  readonly appendTogether: (records: readonly NewRecord[]) => Promise<LogPosition>
  readonly read: (partition: number, offset: number) => Promise<readonly StoredMessage[]>
  readonly readTo: (partition: number) => Promise<number>
  readonly #onClose: () => void

  constructor(
    options: LogTopic & {
      readonly partitions: number
      readonly onRecords: (records: readonly ConsumerRecord[]) => void
      readonly opening: () => Iterable<number>
      readonly onOpened: (partition: number) => void
      readonly append: (record: NewRecord) => Promise<LogPosition>
      readonly appendTogether: (records: readonly NewRecord[]) => Promise<LogPosition>
      readonly read: (partition: number, offset: number) => Promise<readonly StoredMessage[]>
      readonly readTo: (partition: number) => Promise<number>
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
    this.readTo = options.readTo
    this.#onClose = options.onClose
  }

  /** The log trimmer deletes records periodically. */
  trim(): void {}

  close(): void {
    this.#onClose()
  }
}
