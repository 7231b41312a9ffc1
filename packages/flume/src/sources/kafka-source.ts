// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { Consumer, type ConsumerRecord } from '@millrace/client'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import {
  boolean,
  ignored,
  integer,
  optionalText,
  prefixed,
  requiredText,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { reasonOf } from '../errors.ts'
import { Event, newHeaders } from '../event.ts'
import { checkClientProperties, clientOptions } from '../kafka/client-properties.ts'
import { decodeFlumeEvent } from '../kafka/event-format.ts'
import { optionalPattern } from '../regex/pattern-keys.ts'
import { sleep } from '../waiting.ts'
import { putPatiently } from './patient-put.ts'

const FOREVER_MS = 60_000
const RETRY_MS = 1000

const keys = {
  bootstrapServers: requiredText({ key: 'kafka.bootstrap.servers' }),
  topics: optionalText({ key: 'kafka.topics', alsoKnownAs: ['topic'] }),
  topicsRegex: optionalPattern({ key: 'kafka.topics.regex' }),
  groupId: text('flume', { alsoKnownAs: ['kafka.consumer.group.id'] }),
  batchSize: integer(1000, { min: 1 }),
  batchDurationMillis: ignored('records are put as soon as they come'),
  backoffSleepIncrement: ignored('the consumer waits by itself'),
  maxBackoffSleep: ignored('the consumer waits by itself'),
  useFlumeEventFormat: boolean(false),
  setTopicHeader: boolean(true),
  topicHeader: text('topic'),
  headers: prefixed('header.'),
  consumer: prefixed('kafka.consumer.'),
  zookeeperConnect: ignored('brokers are named by kafka.bootstrap.servers'),
  migrateZookeeperOffsets: ignored('Kafka has no ZooKeeper any more'),
}

type Config = ValuesOf<typeof keys>

/**
 * Records of topics. Offsets are committed when the channels have the events; a channel that keeps
 * its contents also knows which offsets it has, so that a crash between the two doubles nothing.
 */
class KafkaSource implements Source {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #batchSize: number
  readonly #stopping = new AbortController()
  readonly #originIds = new Map<string, string>()
  #consumer: Consumer | undefined
  #running: Promise<void> | undefined

  constructor(config: Config, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#batchSize = context.channels.batchSizeWithin(config.batchSize)
  }

  async start(): Promise<void> {
    const { topics, topicsRegex, bootstrapServers, consumer, groupId } = this.#config
    this.#consumer = new Consumer({
      autoOffsetReset: 'latest',
      ...clientOptions({
        kind: 'consumer',
        bootstrapServers,
        entries: consumer,
        context: this.#context,
      }),
      groupId,
      enableAutoCommit: false,
      maxPollRecords: this.#batchSize,
    })
    if (topicsRegex !== undefined) this.#consumer.subscribe(topicsRegex.toRegExp())
    else this.#consumer.subscribe((topics ?? '').split(/[\s,]+/).filter((name) => name !== ''))
    this.#running = this.#run(this.#consumer)
  }

  async #run(consumer: Consumer): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const records = await consumer.poll(FOREVER_MS, { signal })
        if (records.length > 0) await this.#put(consumer, records)
      } catch (error) {
        if (signal.aborted) return
        this.#context.counters.add('EventReadFail')
        this.#context.logger.warn('cannot read from Kafka; retrying', {
          source: this.#context.name,
          reason: reasonOf(error),
        })
        await sleep(this.#context.world.clock, RETRY_MS, signal)
      }
    }
  }

  /** A transaction for each partition: its offsets say what it is. */
  async #put(consumer: Consumer, records: readonly ConsumerRecord[]): Promise<void> {
    const partitions = new Map<string, ConsumerRecord[]>()
    for (const record of records) {
      const key = `${record.topic}-${record.partition}`
      const list = partitions.get(key)
      if (list === undefined) partitions.set(key, [record])
      else list.push(record)
    }
    for (const [key, list] of partitions) {
      const positions = list.map(({ offset }) => Number(offset))
      const origin = {
        id: this.#originId(key, elementAt(positions, 0)),
        floor: elementAt(positions, 0),
        positions,
        end: (positions.at(-1) as number) + 1,
      }
      const events = list.map((record) => this.#event(record))
      if (!(await putPatiently(this.#context, events, this.#stopping.signal, { origin }))) return
      await consumer.commit(list.at(-1) as ConsumerRecord)
    }
  }

  /**
   * After a crash at most the last poll is read again. A larger step back means that the offsets
   * of the group were reset, to read the records again.
   */
  #originId(partition: string, offset: number): string {
    const base = `kafka:${this.#config.bootstrapServers}:${this.#config.groupId}:${partition}`
    const id = this.#originIds.get(partition) ?? base
    const received = this.#context.channels.receivedUpTo(id)
    const isReplay = received !== undefined && received - offset > this.#batchSize
    const used = isReplay ? `${base}:${this.#context.world.random.bytes(6).toString('hex')}` : id
    this.#originIds.set(partition, used)
    return used
  }

  #event(record: ConsumerRecord): Event {
    const { useFlumeEventFormat, setTopicHeader, topicHeader, headers: mapping } = this.#config
    const value = record.value ?? Buffer.alloc(0)
    // The bytes share a fetched batch; an event may stay for long.
    const event = useFlumeEventFormat
      ? decodeFlumeEvent(Buffer.from(value))
      : new Event(Buffer.from(value), newHeaders())
    const { headers } = event
    headers.timestamp ??= String(record.timestamp)
    for (const [name, kafkaName] of mapping) {
      for (const { key, value: bytes } of record.headers) {
        if (key === kafkaName && bytes !== null) headers[name] = bytes.toString()
      }
    }
    if (setTopicHeader) headers[topicHeader] ??= record.topic
    headers.partition ??= String(record.partition)
    headers.offset ??= String(record.offset)
    if (record.key !== null) headers.key = record.key.toString()
    return event
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#consumer?.close()
  }
}

export const kafkaSource = defineSource({
  type: 'kafka',
  aliases: ['org.apache.flume.source.kafka.KafkaSource'],
  about: 'records of Kafka topics',
  keys,
  check({ topics, topicsRegex, consumer }) {
    const problems = checkClientProperties('consumer', 'kafka.consumer.', consumer)
    if (topics === undefined && topicsRegex === undefined) {
      problems.push({
        key: 'kafka.topics',
        message: 'is missing: give kafka.topics or kafka.topics.regex',
      })
    }
    return problems
  },
  create: (config, context) => new KafkaSource(config, context),
})
