// SPDX-License-Identifier: Apache-2.0
// Agents whose records have schemas of a registry.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Consumer, Producer, string, topic } from '@millrace/client'
import { Agent, loadAgents } from '@millrace/flume'
import { SchemaRegistry } from '@millrace/schema-registry'
import {
  avroSerde,
  jsonSchemaSerde,
  protobufSerde,
  SchemaRegistryClient,
} from '@millrace/schema-registry/serdes'
import { freePort } from '@millrace/testkit'
import avsc from 'avsc'
import { until } from './until.ts'

const root = mkdtempSync(join(tmpdir(), 'flume-schemas-'))
after(() => rmSync(root, { recursive: true, force: true }))

let number = 0
function fresh(name: string): string {
  const path = join(root, `${name}-${number++}`)
  mkdirSync(path)
  return path
}

const order = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'item', type: ['null', 'string'], default: null },
  ],
} as const
const proto = `syntax = "proto3";
message Head { int64 n = 1; }
message Order { int64 order_id = 1; string item = 2; }`

/** A broker, and the place of a registry over it, which is started and stopped by the test. */
class Cluster implements AsyncDisposable {
  readonly broker: Broker
  readonly url: string
  #registry: SchemaRegistry | undefined

  private constructor(broker: Broker, port: number) {
    this.broker = broker
    this.url = `http://127.0.0.1:${port}`
  }

  static async start(): Promise<Cluster> {
    return new Cluster(await Broker.start(), await freePort())
  }

  get kafka() {
    return { bootstrapServers: this.broker.address }
  }

  async startRegistry(): Promise<SchemaRegistryClient> {
    this.#registry = await SchemaRegistry.start({
      client: this.kafka,
      config: { listeners: this.url },
    })
    return new SchemaRegistryClient({ urls: this.url })
  }

  async stopRegistry(): Promise<void> {
    await this.#registry?.close()
    this.#registry = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopRegistry()
    await this.broker.close()
  }

  /** An agent that sends the lines of files to Kafka. */
  sender(spool: string, more: string): Promise<Agent> {
    return this.agent(`
a1.sources = s
a1.channels = c
a1.sinks = k
a1.sources.s.type = spooldir
a1.sources.s.spoolDir = ${spool}
a1.sources.s.pollDelay = 10
a1.sources.s.channels = c
a1.channels.c.type = memory
a1.sinks.k.type = kafka
a1.sinks.k.channel = c
a1.sinks.k.kafka.bootstrap.servers = ${this.broker.address}
a1.sinks.k.serializer.schema.registry.url = ${this.url}
${more}`)
  }

  /** An agent that writes the records of a topic to files. */
  receiver(directory: string, more: string): Promise<Agent> {
    return this.agent(`
a1.sources = s
a1.channels = c
a1.sinks = k
a1.sources.s.type = kafka
a1.sources.s.kafka.bootstrap.servers = ${this.broker.address}
a1.sources.s.kafka.consumer.auto.offset.reset = earliest
a1.sources.s.channels = c
a1.channels.c.type = memory
a1.sinks.k.type = file_roll
a1.sinks.k.sink.directory = ${directory}
a1.sinks.k.sink.rollInterval = 0
a1.sinks.k.channel = c
${more}`)
  }

  /** Starts the agent of a configuration without problems. */
  async agent(text: string): Promise<Agent> {
    const [plan] = await loadAgents([{ where: 'agent.conf', text }], {
      agent: 'a1',
      environment: {},
      directory: root,
      strict: true,
    })
    assert.ok(plan)
    const agent = new Agent(plan, { drainTimeoutMs: 500 })
    await agent.start()
    return agent
  }
}

function linesIn(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((name) =>
    readFileSync(join(directory, name), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  )
}

/** Raw values of a topic, or those of a serde. */
async function valuesOf<T>(
  { kafka }: Cluster,
  name: string,
  count: number,
  serde?: Parameters<typeof topic>[1]['value'],
): Promise<readonly T[]> {
  await using consumer = new Consumer({ ...kafka, groupId: name, autoOffsetReset: 'earliest' })
  if (serde === undefined) consumer.subscribe([name])
  else consumer.subscribe([topic(name, { key: string(), value: serde })])
  const values: T[] = []
  for await (const { value } of consumer) {
    values.push(value as T)
    if (values.length === count) break
  }
  return values
}

describe('agents with schemas', () => {
  it('send lines of JSON as Avro, with the schema of a file', async () => {
    await using cluster = await Cluster.start()
    using registry = await cluster.startRegistry()
    const spool = fresh('spool')
    writeFileSync(join(spool, 'a.log'), '{"id":9007199254740993}\n{"id":2,"item":"tea"}\n')
    writeFileSync(join(root, 'order.avsc'), JSON.stringify(order))
    await using _agent = await cluster.sender(
      spool,
      `a1.sinks.k.kafka.topic = orders
a1.sinks.k.serializer = avro
a1.sinks.k.serializer.schema.file = order.avsc
a1.sinks.k.serializer.subject.name.strategy = record`,
    )
    const read = await valuesOf(cluster, 'orders', 2, avroSerde(registry, { schema: order }))
    assert.deepEqual(
      read.map((value) => ({ ...(value as object) })),
      [
        { id: 9007199254740993n, item: null },
        { id: 2n, item: 'tea' },
      ],
    )
    assert.deepEqual(await registry.subjects(), ['Order'])
  })

  it('send with the latest version of the subject: JSON Schema, and a message of Protobuf', async () => {
    await using cluster = await Cluster.start()
    using registry = await cluster.startRegistry()
    const person = JSON.stringify({ type: 'object', properties: { id: { type: 'integer' } } })
    await registry.register('people-value', { schema: person, schemaType: 'JSON' })
    await registry.register('heads-value', { schema: proto, schemaType: 'PROTOBUF' })
    const spool = fresh('spool')
    writeFileSync(join(spool, 'a.log'), '{"id": 9007199254740993}\n')
    await using people = await cluster.sender(
      spool,
      'a1.sinks.k.kafka.topic = people\na1.sinks.k.serializer = json-schema',
    )
    const [raw] = await valuesOf<Buffer>(cluster, 'people', 1)
    assert.equal(raw?.toString('utf8', 5), '{"id": 9007199254740993}')
    await people.stop()
    writeFileSync(join(spool, 'b.log'), '{"order_id":"9007199254740993","item":"tea"}\n')
    await using _heads = await cluster.sender(
      spool,
      `a1.sinks.k.kafka.topic = heads
a1.sinks.k.serializer = protobuf
a1.sinks.k.serializer.message = Order`,
    )
    const [value] = await valuesOf(cluster, 'heads', 1, protobufSerde(registry))
    assert.deepEqual({ ...(value as object) }, { orderId: 9007199254740993n, item: 'tea' })
  })

  it('wait for a registry that does not answer', async () => {
    await using cluster = await Cluster.start()
    const spool = fresh('spool')
    writeFileSync(join(spool, 'a.log'), '{"id":1}\n{"id":2}\n')
    writeFileSync(join(root, 'order.avsc'), JSON.stringify(order))
    await using agent = await cluster.sender(
      spool,
      `a1.sinks.k.kafka.topic = orders
a1.sinks.k.serializer = avro
a1.sinks.k.serializer.schema.file = order.avsc`,
    )
    await until(() => (countersOf(agent, 'SINK.k').EventWriteFail ?? 0) > 0)
    using registry = await cluster.startRegistry()
    const read = await valuesOf<{ id: bigint }>(
      cluster,
      'orders',
      2,
      avroSerde(registry, { schema: order }),
    )
    assert.deepEqual(
      read.map(({ id }) => id),
      [1n, 2n],
    )
    // The other direction: records wait until their schemas can be loaded.
    await cluster.stopRegistry()
    const directory = fresh('files')
    await using receiver = await cluster.receiver(
      directory,
      `a1.sources.s.kafka.topics = orders
a1.sources.s.deserializer = avro
a1.sources.s.deserializer.schema.registry.url = ${cluster.url}`,
    )
    await until(() => (countersOf(receiver, 'SOURCE.s').EventReadFail ?? 0) > 0)
    using _again = await cluster.startRegistry()
    await until(() => linesIn(directory).length === 2)
    assert.deepEqual(linesIn(directory), ['{"id":1,"item":null}', '{"id":2,"item":null}'])
  })

  it('keep an event that does not fit in the channel, or send it to errors.topic', async () => {
    await using cluster = await Cluster.start()
    using registry = await cluster.startRegistry()
    await registry.register('orders-value', { schema: JSON.stringify(order) })
    const spool = fresh('spool')
    writeFileSync(join(spool, 'a.log'), '{"id":1}\n{"id":"x"}\n{"id":3}\n')
    const sink = `a1.sinks.k.kafka.topic = orders
a1.sinks.k.serializer = avro
`
    const agent = await cluster.sender(spool, sink)
    await until(() => (countersOf(agent, 'SINK.k').EventWriteFail ?? 0) > 1)
    // Nothing of the batch is sent, so that retries duplicate nothing.
    await using admin = new Admin(cluster.kafka)
    assert.ok(!(await admin.listTopics()).some(({ name }) => name === 'orders'))
    assert.equal(countersOf(agent, 'CHANNEL.c').ChannelSize, 3)
    await agent.stop()

    const other = fresh('spool')
    writeFileSync(join(other, 'a.log'), '{"id":1}\n{"id":"x"}\n{"id":3}\n')
    await using _agent = await cluster.sender(
      other,
      `${sink}a1.sinks.k.serializer.errors.topic = bad\n`,
    )
    const good = await valuesOf<{ id: bigint }>(cluster, 'orders', 2, avroSerde(registry))
    assert.deepEqual(
      good.map(({ id }) => id),
      [1n, 3n],
    )
    await using consumer = new Consumer({
      ...cluster.kafka,
      groupId: 'g',
      topics: ['bad'],
      autoOffsetReset: 'earliest',
    })
    for await (const { value, headers } of consumer) {
      assert.equal(String(value), '{"id":"x"}')
      const texts = headers.map(({ key, value: text }) => [key, String(text)])
      assert.deepEqual(texts[0], ['flume.topic', 'orders'])
      assert.match(String(texts[1]), /flume\.error,.*id is "x"; expected an integer/)
      break
    }
  })

  it('write records of any format as JSON, and skip those that cannot be decoded', async () => {
    await using cluster = await Cluster.start()
    using registry = await cluster.startRegistry()
    await using producer = new Producer(cluster.kafka)
    const send = (serde: unknown, value: unknown): Promise<unknown> =>
      producer.send(topic('mixed', { key: string(), value: serde as never }), {
        key: 'k',
        value: value as never,
      })
    const byRecord = { subjectNameStrategy: 'record' } as const
    await send(avroSerde(registry, { schema: order, ...byRecord }), { id: 1n, item: 'tea' })
    await producer.send({ topic: 'mixed', key: 'k', value: 'no id' })
    await producer.send({ topic: 'mixed', key: 'k', value: Buffer.from([0, 0, 0, 3, 231, 2]) })
    await send(protobufSerde(registry, { schema: proto, message: 'Order', idIn: 'header' }), {
      orderId: 2n,
    })
    const schema = { type: 'object', title: 'Person' } as const
    await send(jsonSchemaSerde(registry, { schema, ...byRecord }), { a: [1] })
    const directory = fresh('files')
    await using agent = await cluster.receiver(
      directory,
      `a1.sources.s.kafka.topics = mixed
a1.sources.s.deserializer = registry
a1.sources.s.deserializer.schema.registry.url = ${cluster.url}
a1.sinks.k.sink.serializer = JSON`,
    )
    await until(() => linesIn(directory).length === 3)
    const events = linesIn(directory).map(
      (line) => JSON.parse(line) as { headers: Record<string, string>; body: string },
    )
    assert.deepEqual(
      events.map(({ body, headers }) => [body, headers['schema.id'], headers.offset]),
      [
        ['{"id":1,"item":"tea"}', '1', '0'],
        ['{"orderId":2,"item":""}', undefined, '3'],
        ['{"a":[1]}', '3', '4'],
      ],
    )
    assert.match(events[1]?.headers['schema.guid'] ?? '', /^[0-9a-f]{8}-/)
    assert.equal(countersOf(agent, 'SOURCE.s').EventReadFail, 2)
  })

  for (const [sink, serializer, path] of [
    ['file_roll', 'sink.serializer', 'sink.directory = '],
    ['hdfs', 'serializer', 'hdfs.fileType = DataStream\na1.sinks.k.hdfs.path = file://'],
  ] as const) {
    it(`write records to Avro containers with their schemas: ${sink}`, async () => {
      await using cluster = await Cluster.start()
      using registry = await cluster.startRegistry()
      await using producer = new Producer(cluster.kafka)
      const later = { ...order, fields: [...order.fields, { name: 'n', type: 'int', default: 1 }] }
      const first = topic('orders', {
        key: string(),
        value: avroSerde(registry, { schema: order }),
      })
      const second = topic('orders', {
        key: string(),
        value: avroSerde<object, unknown>(registry, { schema: later }),
      })
      await producer.send(first, { key: 'k', value: { id: 1n, item: null } })
      await producer.send(first, { key: 'k', value: { id: 2n, item: 'tea' } })
      await producer.send(second, { key: 'k', value: { id: 3n, item: null, n: 5 } })
      const directory = fresh('files')
      const agent = await cluster.agent(`
a1.sources = s
a1.channels = c
a1.sinks = k
a1.sources.s.type = kafka
a1.sources.s.kafka.bootstrap.servers = ${cluster.broker.address}
a1.sources.s.kafka.consumer.auto.offset.reset = earliest
a1.sources.s.kafka.topics = orders
a1.sources.s.channels = c
a1.channels.c.type = memory
a1.sinks.k.type = ${sink}
a1.sinks.k.channel = c
a1.sinks.k.${serializer} = AVRO
a1.sinks.k.${serializer}.schema.registry.url = ${cluster.url}
a1.sinks.k.${path}${directory}
`)
      await until(() => countersOf(agent, 'SINK.k').EventDrainSuccessCount === 3)
      await agent.stop()
      const found: (readonly unknown[])[] = []
      for (const name of readdirSync(directory)) {
        const decoder = avsc.createFileDecoder(join(directory, name))
        for await (const value of decoder) found.push(Object.values(value as object))
      }
      assert.deepEqual(readdirSync(directory).length, 2)
      found.sort((a, b) => a.length - b.length)
      assert.deepEqual(found, [
        [1, null],
        [2, 'tea'],
        [3, null, 5],
      ])
    })
  }

  it('skip records that are not events, and no others', async () => {
    await using cluster = await Cluster.start()
    await using producer = new Producer(cluster.kafka)
    const event = Buffer.from('\0\x04ok', 'latin1')
    await producer.send([event, Buffer.from('?'), event].map((value) => ({ topic: 'e', value })))
    const directory = fresh('files')
    await using agent = await cluster.receiver(
      directory,
      'a1.sources.s.kafka.topics = e\na1.sources.s.useFlumeEventFormat = true',
    )
    await until(() => linesIn(directory).length === 2)
    assert.deepEqual(linesIn(directory), ['ok', 'ok'])
    assert.equal(countersOf(agent, 'SOURCE.s').EventReadFail, 1)
  })
})

/** Counters of a component, for example `SINK.k`. */
function countersOf(agent: Agent, name: string): Readonly<Record<string, number>> {
  const found = agent.counters.find((each) => `${each.kind}.${each.name}` === name)
  return Object.fromEntries([...(found?.read() ?? [])].map(([key, value]) => [key, Number(value)]))
}
