// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { Producer, type ProducerRecord } from '@millrace/client'
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import {
  boolean,
  integer,
  optionalInteger,
  optionalText,
  prefixed,
  requiredText,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { checkClientProperties, clientOptions } from '../kafka/client-properties.ts'
import { encodeFlumeEvent } from '../kafka/event-format.ts'
import { checkEncoder, encodes, RecordEncoder } from '../schema-registry/record-encoder.ts'
import { BucketPath, bucketPath } from './bucketing/bucket-path.ts'

const keys = {
  bootstrapServers: requiredText({ key: 'kafka.bootstrap.servers', alsoKnownAs: ['brokerList'] }),
  topic: bucketPath('default-flume-topic', {
    key: 'kafka.topic',
    alsoKnownAs: ['topic'],
  }),
  batchSize: integer(100, { key: 'flumeBatchSize', alsoKnownAs: ['batchSize'], min: 1 }),
  requiredAcks: optionalText(),
  useFlumeEventFormat: boolean(false),
  defaultPartitionId: optionalInteger(),
  partitionIdHeader: optionalText(),
  allowTopicOverride: boolean(true),
  topicHeader: text('topic'),
  timestampHeader: optionalText(),
  headers: prefixed('header.'),
  producer: prefixed('kafka.producer.'),
  /** `avro`, `json-schema` or `protobuf`: bodies are JSON, encoded with a schema of a registry. */
  serializer: text('none'),
  serializerEntries: prefixed('serializer.'),
}

type Config = ValuesOf<typeof keys>

/** Sends events as records. The default is `acks=all`, in Flume `acks=1`. */
class KafkaSink implements Sink {
  readonly batchSize: number
  readonly #config: Config
  readonly #topic: BucketPath
  readonly #producer: Producer
  readonly #context: ComponentContext
  #encoder: RecordEncoder | undefined

  constructor(config: Config, context: ComponentContext) {
    this.#config = config
    this.#context = context
    this.batchSize = config.batchSize
    const { clock } = context.world
    this.#topic = new BucketPath(config.topic, {
      timeZone: undefined,
      usesLocalTime: false,
      now: () => clock.now(),
    })
    this.#producer = new Producer(
      clientOptions({
        kind: 'producer',
        bootstrapServers: config.bootstrapServers,
        entries: producerEntries(config),
        context,
      }),
    )
  }

  async start(): Promise<void> {
    const { serializer, serializerEntries } = this.#config
    this.#encoder = await RecordEncoder.open(serializer, serializerEntries, this.#context)
  }

  /** No record of a batch is sent before all of them are encoded. */
  async process({ events }: TakeTransaction): Promise<void> {
    const topics = events.map((event) => this.#topicOf(event))
    await this.#encoder?.prepare(new Set(topics))
    const records = events.map((event, index) => this.#record(event, elementAt(topics, index)))
    await this.#producer.send(records)
  }

  #topicOf({ headers }: Event): string {
    const { allowTopicOverride, topicHeader } = this.#config
    const override = allowTopicOverride ? headers[topicHeader] : undefined
    return override ?? this.#topic.resolve(headers)
  }

  #record(event: Event, topic: string): ProducerRecord {
    const encoder = this.#encoder
    if (encoder === undefined) return this.#recordOf(event, topic, this.#valueOf(event))
    try {
      return this.#recordOf(event, topic, encoder.encode(topic, event.body))
    } catch (error) {
      const { errorsTopic } = encoder
      if (errorsTopic === undefined) throw error
      const { key, value, headers = [] } = this.#recordOf(event, topic, event.body)
      const reasons = [
        { key: 'flume.topic', value: topic },
        { key: 'flume.error', value: reasonOf(error) },
      ]
      return { topic: errorsTopic, key, value, headers: [...headers, ...reasons] }
    }
  }

  #valueOf(event: Event): Buffer {
    return this.#config.useFlumeEventFormat ? encodeFlumeEvent(event) : event.body
  }

  #recordOf(event: Event, topic: string, value: Uint8Array) {
    const { headers } = event
    const { timestampHeader } = this.#config
    const partition = this.#partition(event)
    const timestamp = timestampHeader === undefined ? Number.NaN : Number(headers[timestampHeader])
    const mapped = [...this.#config.headers].flatMap(([name, key]) => {
      const value = headers[name]
      return value === undefined ? [] : [{ key, value }]
    })
    return {
      topic,
      key: headers.key ?? null,
      value,
      ...(partition === undefined ? {} : { partition }),
      ...(Number.isNaN(timestamp) ? {} : { timestamp }),
      ...(mapped.length === 0 ? {} : { headers: mapped }),
    }
  }

  #partition({ headers }: Event): number | undefined {
    const { partitionIdHeader, defaultPartitionId } = this.#config
    const own = partitionIdHeader === undefined ? undefined : headers[partitionIdHeader]
    if (own === undefined) return defaultPartitionId
    if (!/^\d+$/.test(own)) {
      throw new DeliveryError(`header ${partitionIdHeader} is ${JSON.stringify(own)}, no partition`)
    }
    return Number(own)
  }

  async stop(): Promise<void> {
    this.#encoder?.close()
    // Every delivery has ended, or its time has.
    await this.#producer.close({ timeoutMs: 0 })
  }
}

function producerEntries({
  producer,
  requiredAcks,
}: Pick<Config, 'producer' | 'requiredAcks'>): ReadonlyMap<string, string> {
  if (requiredAcks === undefined || producer.has('acks')) return producer
  return new Map([...producer, ['acks', requiredAcks]])
}

export const kafkaSink = defineSink({
  type: 'kafka',
  aliases: ['org.apache.flume.sink.kafka.KafkaSink'],
  about: 'events as records of Kafka topics',
  keys,
  check: (config) => [
    ...checkClientProperties('producer', 'kafka.producer.', producerEntries(config)),
    ...checkEncoder(config.serializer, config.serializerEntries),
    ...(config.useFlumeEventFormat && encodes(config.serializer)
      ? [{ key: 'useFlumeEventFormat', message: 'is true, which excludes serializer' }]
      : []),
  ],
  create: (config, context) => new KafkaSink(config, context),
})
