// SPDX-License-Identifier: Apache-2.0
// The Kafka sinks, sources and channels of Flume and millrace, on Apache Kafka and on millrace,
// produce the same records, events and group offsets.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Admin, Consumer, Producer } from '@millrace/client'
import avsc from 'avsc'
import { fileRoll, gathered, netcatOnly, placeFor, run, send, type Which } from './flume-agents.ts'
import { type Peer, startKafka, startMillrace } from './peers.ts'

const houses = ['flume', 'millrace'] as const

/** The schema in Flume's flume-avro-event.avsc. */
const flumeEvent = avsc.Type.forSchema({
  type: 'record',
  name: 'AvroFlumeEvent',
  fields: [
    { name: 'headers', type: { type: 'map', values: 'string' } },
    { name: 'body', type: 'bytes' },
  ],
})

function sortedEvent(event: {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}): unknown {
  return [Object.entries(event.headers).sort(), event.body.toString()]
}

/** A netcat source and a sink; AT is the broker, TOPIC the topic. */
const toKafka = `${netcatOnly()}
a1.sources.r1.interceptors = i1 i2
a1.sources.r1.interceptors.i1.type = regex_extractor
a1.sources.r1.interceptors.i1.regex = ^(\\\\w+) (\\\\d) (\\\\d+)
a1.sources.r1.interceptors.i1.serializers = s1 s2 s3
a1.sources.r1.interceptors.i1.serializers.s1.name = key
a1.sources.r1.interceptors.i1.serializers.s2.name = place
a1.sources.r1.interceptors.i1.serializers.s3.name = at
a1.sources.r1.interceptors.i2.type = static
a1.sources.r1.interceptors.i2.key = where
a1.sources.r1.interceptors.i2.value = caf\\u00e9
a1.sinks.k1.type = org.apache.flume.sink.kafka.KafkaSink
a1.sinks.k1.kafka.bootstrap.servers = AT
a1.sinks.k1.kafka.topic = TOPIC
a1.sinks.k1.flumeBatchSize = 10
a1.sinks.k1.kafka.producer.acks = 1
a1.sinks.k1.kafka.producer.linger.ms = 1
a1.sinks.k1.kafka.producer.compression.type = gzip
`

const fromKafka = `${fileRoll}
a1.sources.r1.type = org.apache.flume.source.kafka.KafkaSource
a1.sources.r1.kafka.bootstrap.servers = AT
a1.sources.r1.kafka.topics = TOPIC
a1.sources.r1.kafka.consumer.group.id = GROUP
a1.sources.r1.kafka.consumer.auto.offset.reset = earliest
a1.sources.r1.batchSize = 5
a1.sources.r1.batchDurationMillis = 200
# A poll of Flume ends with the batch's duration, and an empty one is followed by a pause that grows
# to 5 s by default: on a busy machine the polls that join the group would take half a minute.
a1.sources.r1.backoffSleepIncrement = 50
a1.sources.r1.maxBackoffSleep = 100
`

const kafkaChannel = (more: string): string => `
a1.channels = c1
a1.channels.c1.type = org.apache.flume.channel.kafka.KafkaChannel
a1.channels.c1.kafka.bootstrap.servers = AT
a1.channels.c1.kafka.topic = TOPIC
a1.channels.c1.kafka.consumer.group.id = GROUP
a1.channels.c1.kafka.consumer.auto.offset.reset = earliest
${more}`
const intoChannel = `a1.sources = r1
a1.sources.r1.channels = c1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = PORT
a1.sources.r1.interceptors = i1
a1.sources.r1.interceptors.i1.type = static
a1.sources.r1.interceptors.i1.key = via
a1.sources.r1.interceptors.i1.value = channel \\u20ac
`
const outOfChannel = `a1.sinks = k1
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = DIR/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.sink.serializer = HEADER_AND_TEXT
`

interface Seen {
  readonly partition: number
  readonly key: string | undefined
  readonly value: string
  readonly timestamp: number | undefined
  readonly headers: readonly (readonly [string, string | undefined])[]
}

describe('Kafka components of Flume and millrace', () => {
  const brokers: { readonly name: string; peer: Peer | undefined }[] = [
    { name: 'Apache Kafka 4.4.0', peer: undefined },
    { name: 'millrace', peer: undefined },
  ]
  before(async () => {
    const peers = [await startKafka({ initialRebalanceDelayMs: 0 }), await startMillrace()]
    for (const [index, broker] of brokers.entries()) broker.peer = peers[index]
  })
  after(async () => {
    for (const { peer } of brokers) await peer?.stop()
  })

  let number = 0
  for (const broker of brokers) {
    const address = (): string => broker.peer?.address ?? ''
    // The records are from 2023: half a minute after its start a broker would delete them.
    const configs = { 'retention.ms': '-1' }
    const topicOf = async (numPartitions: number): Promise<string> => {
      const topic = `flume-${number++}`
      await using admin = new Admin({ bootstrapServers: address() })
      await admin.createTopics([
        { name: topic, numPartitions, configs },
        { name: `${topic}-empty`, numPartitions: 1, configs },
      ])
      return topic
    }
    const start = async (
      which: Which,
      configuration: string,
      names: { readonly topic: string; readonly group?: string },
    ) => {
      const place = await placeFor(which)
      const text = configuration
        .replaceAll('AT\n', `${address()}\n`)
        .replaceAll('TOPIC', names.topic)
        .replaceAll('GROUP', names.group ?? '')
      return { place, agent: await run(place, text) }
    }
    const read = async (topic: string, count: number, isEvent: boolean): Promise<Seen[]> => {
      await using consumer = new Consumer({
        bootstrapServers: address(),
        groupId: `read-${number++}`,
        autoOffsetReset: 'earliest',
      })
      consumer.subscribe([topic])
      const seen: Seen[] = []
      const deadline = Date.now() + 30_000
      while (seen.length < count && Date.now() < deadline) {
        for (const record of await consumer.poll(500)) {
          seen.push({
            partition: record.partition,
            key: record.key?.toString(),
            value: isEvent
              ? JSON.stringify(sortedEvent(flumeEvent.fromBuffer(record.value as Buffer)))
              : (record.value?.toString() ?? ''),
            timestamp: Number(record.timestamp),
            headers: record.headers.map(({ key, value }) => [key, value?.toString()] as const),
          })
        }
      }
      return seen.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    }

    describe(`on ${broker.name}`, () => {
      for (const [title, more, hasTimes] of [
        ['bodies', 'a1.sinks.k1.header.where = kafka-where\n', false],
        [
          'with timestamp and partition headers',
          'a1.sinks.k1.partitionIdHeader = place\na1.sinks.k1.timestampHeader = at\n',
          true,
        ],
        ['as Flume events', 'a1.sinks.k1.useFlumeEventFormat = true\n', false],
        ['to one partition', 'a1.sinks.k1.defaultPartitionId = 2\n', false],
      ] as const) {
        it(`sinks write the same records: ${title}`, async () => {
          const results = new Map<Which, unknown>()
          for (const which of houses) {
            const topic = await topicOf(3)
            const { place, agent } = await start(which, toKafka + more, { topic })
            try {
              const lines = Array.from(
                { length: 20 },
                (_, i) => `key${i % 7} ${i % 3} ${1_700_000_000_000 + i} é`,
              )
              await send(place.port, `${lines.join('\n')}\n`)
              const seen = await read(topic, 20, more.includes('useFlumeEventFormat'))
              results.set(
                which,
                seen.map((each) => (hasTimes ? each : { ...each, timestamp: undefined })),
              )
            } finally {
              await agent.stop()
            }
          }
          assert.equal((results.get('flume') as Seen[]).length, 20)
          assert.deepEqual(results.get('millrace'), results.get('flume'))
        })
      }

      for (const [title, more] of [
        ['records', 'a1.sources.r1.header.mine = kafka-header\n'],
        [
          'with other header names',
          'a1.sources.r1.topicHeader = from\na1.sources.r1.kafka.topics = TOPIC-empty, TOPIC\n',
        ],
        ['without the topic header', 'a1.sources.r1.setTopicHeader = false\n'],
      ] as const) {
        it(`sources create the same events: ${title}`, async () => {
          const topic = await topicOf(1)
          await using producer = new Producer({ bootstrapServers: address() })
          await producer.send(
            Array.from({ length: 12 }, (_, i) => ({
              topic,
              key: i % 2 === 0 ? `key ${i}` : null,
              value: `value ${i}`,
              timestamp: 1_700_000_000_000 + i,
              headers: [{ key: 'kafka-header', value: Buffer.from(`header ${i}`) }],
            })),
          )
          const outputs = new Map<Which, string>()
          for (const which of houses) {
            const { place, agent } = await start(which, fromKafka + more, {
              topic,
              group: `group-${number++}`,
            })
            try {
              outputs.set(which, await gathered(place, 12))
            } finally {
              await agent.stop()
            }
          }
          assert.equal(outputs.get('flume')?.trim().split('\n').length, 12)
          assert.equal(outputs.get('millrace'), outputs.get('flume'))
        })
      }

      it('Flume events keep their headers through a topic', async () => {
        for (const [writer, reader] of [houses, [...houses].reverse()] as [Which, Which][]) {
          const topic = await topicOf(1)
          const from = await start(writer, `${toKafka}a1.sinks.k1.useFlumeEventFormat = true\n`, {
            topic,
          })
          await send(from.place.port, 'one 0 5\ntwo 0 6\n')
          const to = await start(
            reader,
            `${fromKafka}a1.sources.r1.useFlumeEventFormat = true\na1.sources.r1.setTopicHeader = false\n`,
            {
              topic,
              group: `group-${number++}`,
            },
          )
          const output = await gathered(to.place, 2).finally(async () => {
            await from.agent.stop()
            await to.agent.stop()
          })
          assert.match(
            output.replace(/timestamp=\d+/g, 'timestamp=T'),
            /^\{at=5, key=one, offset=0, partition=0, place=0, timestamp=T, where=café\} one 0 5\n\{at=6, key=two, offset=1, /,
            `${writer} to ${reader}`,
          )
        }
      })

      it('either drains a channel of the other, starting at its offsets', async () => {
        for (const [writer, first, second] of [
          ['flume', 'millrace', 'flume'],
          ['millrace', 'flume', 'millrace'],
        ] as const) {
          for (const more of ['', 'a1.channels.c1.parseAsFlumeEvent = false\n']) {
            const topic = await topicOf(2)
            const group = `group-${number++}`
            const from = await start(writer, intoChannel + kafkaChannel(more), { topic, group })
            const lines = (part: number) => Array.from({ length: 30 }, (_, i) => `${part}-${i}`)
            const collect = async (which: Which): Promise<string[]> => {
              const { place, agent } = await start(which, outOfChannel + kafkaChannel(more), {
                topic,
                group,
              })
              const output = await gathered(place, 30).finally(() => agent.stop())
              return output.trim().split('\n').sort()
            }
            const head = more === '' ? '{via=channel €} ' : '{} '
            const expected = (part: number) =>
              lines(part)
                .map((line) => head + line)
                .sort()
            try {
              await send(from.place.port, `${lines(1).join('\n')}\n`)
              assert.deepEqual(await collect(first), expected(1), `${writer} to ${first}`)
              await send(from.place.port, `${lines(2).join('\n')}\n`)
              assert.deepEqual(await collect(second), expected(2), `${writer}, then ${second}`)
            } finally {
              await from.agent.stop()
            }
          }
        }
      })
    })
  }
})
