// SPDX-License-Identifier: Apache-2.0
import { type Clock, type Logger, MillraceError } from '@millrace/base'
import { Admin, type ClientOptions, Consumer, Producer } from '@millrace/client'
import type { EncodedRecord } from '../registry/registry-record.ts'

/** Receives what is in the topic, in its order. */
export interface TopicListener {
  /** A record. Must not throw. */
  onRecord(record: TopicRecordBytes): void
  /** All records below an offset were passed. */
  onPosition(position: bigint): void
}

/** A record of the topic. The bytes are valid during the call only. */
export interface TopicRecordBytes {
  /** Offset. */
  readonly offset: bigint
  /** Time, milliseconds since 1970. */
  readonly timestampMs: number
  /** Key. */
  readonly key: Uint8Array | null
  /** Value; null is a tombstone. */
  readonly value: Uint8Array | null
}

/** The topic of schemas: one partition, read from its beginning. */
export interface SchemaTopic {
  /** Offset after the last record. */
  end(): Promise<bigint>
  /** Passes all records and those that are added, until the topic is closed. */
  follow(listener: TopicListener): void
  /** Writes records, all or none. Returns the offset of the last one once all replicas have it. */
  append(records: readonly EncodedRecord[]): Promise<bigint>
  /** Stops reading and writing. Idempotent. */
  close(): Promise<void>
}

/** Settings of the topic. */
export interface SchemaTopicOptions {
  /** Name. */
  readonly topic: string
  /** Replicas of a created topic; default: 3, or the number of brokers if there are fewer. */
  readonly replicationFactor: number | undefined
  /** Configuration of a created topic. */
  readonly topicConfigs: Readonly<Record<string, string>>
  /** Whether an existing topic is not checked. */
  readonly skipsValidation: boolean
  /** Time limit of a write, in milliseconds. */
  readonly timeoutMs: number
  /** Time limit of creating and checking the topic, in milliseconds. */
  readonly initTimeoutMs: number
  /** Time. */
  readonly clock: Clock
  /** Receives warnings and errors. */
  readonly logger: Logger
}

const DEFAULT_REPLICATION = 3
/** Largest record that is sent; the topic's own limit is usually lower. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024
const POLL_MS = 1000
const RETRY_MS = 200

/** Creates the topic, or checks the one that exists. Returns its id. */
async function prepareTopic(admin: Admin, options: SchemaTopicOptions): Promise<string> {
  const { topic, logger } = options
  const [existing] = (await admin.listTopics({ listInternal: true })).filter(
    ({ name }) => name === topic,
  )
  if (existing === undefined) {
    try {
      return await createTopic(admin, options)
    } catch (error) {
      // Another registry may have created it in the meantime.
      if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error
    }
  }
  const description = (await admin.describeTopics([topic])).get(topic)
  if (description === undefined) throw invalid(topic, 'cannot be described')
  if (options.skipsValidation) return description.id
  const { partitions } = description
  if (partitions.length !== 1) {
    throw invalid(topic, `has ${partitions.length} partitions; it must have 1`)
  }
  const replicas = partitions[0]?.replicas.length ?? 0
  const wanted = options.replicationFactor ?? DEFAULT_REPLICATION
  const { nodes } = await admin.describeCluster()
  if (replicas < Math.min(wanted, nodes.length)) {
    logger.warn(
      `topic ${topic} has ${replicas} replicas, fewer than the ${wanted} that are configured`,
    )
  }
  const described = await admin.describeConfigs([{ type: 'topic', name: topic }])
  const [configs] = [...described.values()]
  const policy = configs?.find(({ name }) => name === 'cleanup.policy')?.value
  if (policy !== 'compact') {
    throw invalid(
      topic,
      `has cleanup.policy=${policy}; it must be compact, so that no schema is deleted with age`,
    )
  }
  return description.id
}

async function createTopic(admin: Admin, options: SchemaTopicOptions): Promise<string> {
  const { topic, replicationFactor, topicConfigs, logger } = options
  const { nodes } = await admin.describeCluster()
  const wanted = replicationFactor ?? DEFAULT_REPLICATION
  const replicas = Math.min(wanted, nodes.length)
  if (replicationFactor !== undefined && replicas < replicationFactor) {
    logger.warn(
      `topic ${topic} is created with ${replicas} replicas: there are ${nodes.length} brokers, kafkastore.topic.replication.factor is ${replicationFactor}`,
    )
  }
  const created = await admin.createTopics([
    {
      name: topic,
      numPartitions: 1,
      replicationFactor: replicas,
      configs: { ...topicConfigs, 'cleanup.policy': 'compact' },
    },
  ])
  const topicId = created.get(topic)?.topicId
  if (topicId === undefined) throw invalid(topic, 'was not created')
  return topicId
}

function invalid(topic: string, what: string): MillraceError {
  return new MillraceError('MILLRACE_INVALID_TOPIC', `topic ${topic} ${what}`)
}

/** Code of an error, or of the first one that caused it. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : codeOf(error.cause)
}

/** The topic of schemas of a Kafka cluster. */
export class KafkaSchemaTopic implements SchemaTopic {
  readonly #options: SchemaTopicOptions
  readonly #topicId: string
  readonly #producer: Producer
  readonly #consumer: Consumer
  #following: Promise<void> | undefined
  #isClosed = false

  private constructor(client: ClientOptions, options: SchemaTopicOptions, topicId: string) {
    const { topic, timeoutMs } = options
    this.#options = options
    this.#topicId = topicId
    this.#producer = new Producer({
      ...client,
      acks: 'all',
      requestTimeoutMs: Math.min(client.requestTimeoutMs ?? 30_000, timeoutMs),
      deliveryTimeoutMs: timeoutMs,
      maxBlockMs: timeoutMs,
      maxRequestSize: MAX_REQUEST_BYTES,
      allowAutoCreateTopics: false,
    })
    this.#consumer = new Consumer({
      ...client,
      // A position that is lost means that the topic was replaced or truncated.
      autoOffsetReset: 'none',
      enableAutoCommit: false,
      maxPollRecords: 5000,
      allowAutoCreateTopics: false,
    })
    this.#consumer.assign([{ topic, partition: 0, topicId }])
    this.#consumer.seekToBeginning()
  }

  /**
   * Creates the topic, or checks the one that exists. Rejects with `MILLRACE_INVALID_TOPIC` for one
   * with several partitions or without compaction, with `MILLRACE_TIMEOUT`, or an error of Kafka.
   */
  static async open(client: ClientOptions, options: SchemaTopicOptions): Promise<KafkaSchemaTopic> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = options.clock.setTimer(
      options.initTimeoutMs,
      () =>
        reject(
          new MillraceError(
            'MILLRACE_TIMEOUT',
            `topic ${options.topic} could not be created or checked within kafkastore.init.timeout.ms=${options.initTimeoutMs}`,
          ),
        ),
      { keepsAlive: true },
    )
    const admin = new Admin(client)
    try {
      const topicId = await Promise.race([prepareTopic(admin, options), promise])
      return new KafkaSchemaTopic(client, options, topicId)
    } finally {
      timer.cancel()
      // Ends the attempt, too, if it took too long.
      await admin.close()
    }
  }

  async end(): Promise<bigint> {
    const [end] = await this.#consumer.endOffsets([{ topic: this.#options.topic, partition: 0 }])
    return end ?? 0n
  }

  async append(records: readonly EncodedRecord[]): Promise<bigint> {
    const { topic } = this.#options
    const sent = await this.#producer.send(
      records.map(({ key, value }) => ({
        topic,
        topicId: this.#topicId,
        partition: 0,
        key,
        value,
      })),
      { atomic: true },
    )
    return sent.at(-1)?.offset ?? -1n
  }

  follow(listener: TopicListener): void {
    this.#following ??= this.#follow(listener)
  }

  async #follow(listener: TopicListener): Promise<void> {
    const { topic, logger, clock } = this.#options
    let failure: string | undefined
    while (!this.#isClosed) {
      try {
        for (const record of await this.#consumer.poll(POLL_MS)) {
          const { offset, timestamp: timestampMs, keyBytes: key, valueBytes: value } = record
          listener.onRecord({ offset, timestampMs, key, value })
        }
        listener.onPosition(await this.#consumer.position({ topic, partition: 0 }))
        if (failure !== undefined) logger.info(`topic ${topic} is read again`)
        failure = undefined
      } catch (error) {
        if (this.#isClosed) return
        const code = codeOf(error) ?? String(error)
        // Once per cause: an outage lasts for many attempts.
        if (code !== failure) {
          logger.warn(`cannot read topic ${topic}; schemas are served from memory`, { error })
        }
        failure = code
        await new Promise<void>((resolve) => clock.setTimer(RETRY_MS, resolve))
      }
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.allSettled([
      this.#producer.close({ timeoutMs: 1000 }),
      this.#consumer.close({ timeoutMs: 1000 }),
    ])
    await this.#following
  }
}
