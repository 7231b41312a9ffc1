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
import { checkDecoder, decodes, RecordDecoder } from '../schema-registry/record-decoder.ts'
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
  /** `avro`, `json-schema`, `protobuf` or `registry` (any of them): bodies are JSON. */
  deserializer: text('none'),
  deserializerEntries: prefixed('deserializer.'),
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
  #decoder: RecordDecoder | undefined
  #running: Promise<void> | undefined

  constructor(config: Config, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#batchSize = context.channels.batchSizeWithin(config.batchSize)
  }

  async start(): Promise<void> {
    const { topics, topicsRegex, bootstrapServers, consumer, groupId } = this.#config
    const { deserializer, deserializerEntries } = this.#config
    this.#decoder = await RecordDecoder.open(deserializer, deserializerEntries, this.#context)
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
        await this.#failed('cannot read from Kafka; retrying', error)
      }
    }
  }

  async #failed(message: string, error: unknown): Promise<void> {
    const { counters, logger, name, world } = this.#context
    counters.add('EventReadFail')
    logger.warn(message, { source: name, reason: reasonOf(error) })
    await sleep(world.clock, RETRY_MS, this.#stopping.signal)
  }

  /** Loads the schemas of records until the registry answers. False if the source stops. */
  async #loadSchemas(records: readonly ConsumerRecord[]): Promise<boolean> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#decoder?.prepare(records)
        return true
      } catch (error) {
        if (this.#stopping.signal.aborted) break
        await this.#failed('cannot load schemas of records; retrying', error)
      }
    }
    return false
  }

  /** A transaction for each partition: its offsets say what it is. */
  async #put(consumer: Consumer, records: readonly ConsumerRecord[]): Promise<void> {
    if (!(await this.#loadSchemas(records))) return
    const partitions = new Map<string, ConsumerRecord[]>()
    for (const record of records) {
      const key = `${record.topic}-${record.partition}`
      const list = partitions.get(key)
      if (list === undefined) partitions.set(key, [record])
      else list.push(record)
    }
    for (const [key, list] of partitions) {
      const { events, positions } = this.#decoded(list)
      const floor = Number(elementAt(list, 0).offset)
      const last = list.at(-1) as ConsumerRecord
      const origin = {
        id: this.#originId(key, floor),
        floor,
        positions,
        end: Number(last.offset) + 1,
      }
      const isStored =
        events.length === 0 ||
        (await putPatiently(this.#context, events, this.#stopping.signal, { origin }))
      if (!isStored) return
      await consumer.commit(last)
    }
  }

  /** Events of records, without those that cannot be decoded: they are skipped, as in Flume. */
  #decoded(records: readonly ConsumerRecord[]): { events: Event[]; positions: number[] } {
    const events: Event[] = []
    const positions: number[] = []
    let first: { readonly record: ConsumerRecord; readonly reason: string } | undefined
    for (const record of records) {
      try {
        events.push(this.#event(record))
        positions.push(Number(record.offset))
      } catch (error) {
        first ??= { record, reason: reasonOf(error) }
      }
    }
    if (first === undefined) return { events, positions }
    const skipped = records.length - events.length
    const { logger, name, counters } = this.#context
    counters.add('EventReadFail', skipped)
    logger.error('skipped records that cannot be decoded', {
      source: name,
      records: skipped,
      first: `${first.record.topic}-${first.record.partition} offset ${first.record.offset}`,
      reason: first.reason,
    })
    return { events, positions }
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
    const event = this.#eventOf(record, useFlumeEventFormat)
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

  #eventOf(record: ConsumerRecord, isFlumeEvent: boolean): Event {
    const { topic, value } = record
    const decoder = this.#decoder
    if (decoder !== undefined && value !== null) {
      const headers = newHeaders()
      return new Event(decoder.decode({ topic, value, headers: record.headers }, headers), headers)
    }
    // The bytes share a fetched batch; an event may stay for long.
    const own = Buffer.from(value ?? Buffer.alloc(0))
    return isFlumeEvent ? decodeFlumeEvent(own) : new Event(own, newHeaders())
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#decoder?.close()
    await this.#running
    await this.#consumer?.close()
  }
}

export const kafkaSource = defineSource({
  type: 'kafka',
  aliases: ['org.apache.flume.source.kafka.KafkaSource'],
  about: 'records of Kafka topics',
  keys,
  check({ topics, topicsRegex, consumer, useFlumeEventFormat, ...config }) {
    const problems = checkClientProperties('consumer', 'kafka.consumer.', consumer)
    problems.push(...checkDecoder(config.deserializer, config.deserializerEntries))
    if (useFlumeEventFormat && decodes(config.deserializer)) {
      problems.push({ key: 'useFlumeEventFormat', message: 'is true, which excludes deserializer' })
    }
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
