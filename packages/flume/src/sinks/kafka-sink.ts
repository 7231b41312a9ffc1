// SPDX-License-Identifier: Apache-2.0
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
import { DeliveryError } from '../errors.ts'
import type { Event } from '../event.ts'
import { checkClientProperties, clientOptions } from '../kafka/client-properties.ts'
import { encodeFlumeEvent } from '../kafka/event-format.ts'
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
}

type Config = ValuesOf<typeof keys>

/** Sends events as records. The default is `acks=all`, in Flume `acks=1`. */
class KafkaSink implements Sink {
  readonly batchSize: number
  readonly #config: Config
  readonly #topic: BucketPath
  readonly #producer: Producer

  constructor(config: Config, context: ComponentContext) {
    this.#config = config
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

  async process({ events }: TakeTransaction): Promise<void> {
    await this.#producer.send(events.map((event) => this.#record(event)))
  }

  #record(event: Event): ProducerRecord {
    const { headers } = event
    const { allowTopicOverride, topicHeader, timestampHeader, useFlumeEventFormat } = this.#config
    const override = allowTopicOverride ? headers[topicHeader] : undefined
    const partition = this.#partition(event)
    const timestamp = timestampHeader === undefined ? Number.NaN : Number(headers[timestampHeader])
    const mapped = [...this.#config.headers].flatMap(([name, key]) => {
      const value = headers[name]
      return value === undefined ? [] : [{ key, value }]
    })
    return {
      topic: override ?? this.#topic.resolve(headers),
      key: headers.key ?? null,
      value: useFlumeEventFormat ? encodeFlumeEvent(event) : event.body,
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

  stop(): Promise<void> {
    return this.#producer.close()
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
  check: (config) => checkClientProperties('producer', 'kafka.producer.', producerEntries(config)),
  create: (config, context) => new KafkaSink(config, context),
})
