// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Producer } from '@millrace/client'
import {
  type Connection,
  ConnectionFactory,
  type Message,
  type MessageConsumer,
  Session,
  type TextMessage,
} from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { until } from './until.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-jms-topics-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const WAIT_MS = 10_000
let runs = 0

interface Running extends AsyncDisposable {
  readonly admin: Admin
  readonly provider: JmsProvider
  readonly client: { readonly bootstrapServers: string }
  connect(options?: ConstructorParameters<typeof ConnectionFactory>[1]): Promise<Connection>
}

async function start(
  config: Readonly<Record<string, string>> = {},
  dataDirectory = join(directory, String(runs++)),
): Promise<Running> {
  const broker = await Broker.start({ dataDirectory })
  const client = { bootstrapServers: broker.address, network: broker.network }
  const provider = await JmsProvider.start({
    client,
    config: { 'amqp.listener': '127.0.0.1:0', 'amqp.provider.id': 'test', ...config },
  })
  const admin = new Admin(client)
  return {
    admin,
    provider,
    client,
    async connect(options = {}) {
      const factory = new ConnectionFactory(`amqp://${provider.address}`, options)
      const connection = await factory.createConnection()
      await connection.start()
      return connection
    },
    async [Symbol.asyncDispose]() {
      await admin.close()
      await provider.close()
      await broker.close()
    },
  }
}

const text = (message: Message | null): string | null =>
  (message as TextMessage | null)?.getText() ?? null

async function texts(consumer: MessageConsumer, count: number): Promise<(string | null)[]> {
  const found: (string | null)[] = []
  for (let i = 0; i < count; i++) found.push(text(await consumer.receive(WAIT_MS)))
  return found
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix} ${i}`)

/** Changes of a destination's topic. */
const fates: Readonly<Record<string, (running: Running, topic: string) => Promise<void>>> = {
  deleted: ({ admin }, topic) => admin.deleteTopics([topic]),
  async 'deleted and created again'({ admin }, topic) {
    await admin.deleteTopics([topic])
    await admin.createTopics([{ name: topic, numPartitions: 1 }])
  },
  async 'deleted and created again with more partitions'({ admin }, topic) {
    await admin.deleteTopics([topic])
    await admin.createTopics([{ name: topic, numPartitions: 3 }])
  },
}

async function send(session: Session, queue: string, bodies: readonly string[]): Promise<void> {
  await using producer = await session.createProducer(session.createQueue(queue))
  await Promise.all(bodies.map((body) => producer.send(session.createTextMessage(body))))
}

for (const [fate, befall] of Object.entries(fates)) {
  describe(`a queue whose topic is ${fate}`, { concurrency: 3 }, () => {
    it('delivers messages sent afterwards, to existing and new consumers', async () => {
      await using running = await start()
      await using connection = await running.connect()
      await using session = await connection.createSession()
      const queue = session.createQueue('orders')
      const consumer = await session.createConsumer(queue)
      await using producer = await session.createProducer(queue)
      for (const body of names('old', 20)) await producer.send(session.createTextMessage(body))
      assert.deepEqual(await texts(consumer, 20), names('old', 20))
      await befall(running, 'orders')
      for (const body of names('new', 5)) await producer.send(session.createTextMessage(body))
      assert.deepEqual((await texts(consumer, 5)).sort(), names('new', 5))
      await consumer.close()
      await send(session, 'orders', names('newer', 5))
      await using other = await session.createConsumer(queue)
      assert.deepEqual((await texts(other, 5)).sort(), names('newer', 5))
      assert.equal(await other.receiveNoWait(), null)
    })

    it('delivers messages sent while no provider runs, or after a restart', async () => {
      const data = join(directory, String(runs++))
      {
        await using running = await start({}, data)
        await using connection = await running.connect()
        await using session = await connection.createSession()
        await send(session, 'orders', names('old', 1500))
        await using consumer = await session.createConsumer(session.createQueue('orders'))
        assert.equal((await texts(consumer, 1200)).length, 1200)
      }
      {
        // While the provider is stopped, as with `kafka-topics`.
        const broker = await Broker.start({ dataDirectory: data })
        const admin = new Admin({ bootstrapServers: broker.address, network: broker.network })
        await befall({ admin } as Running, 'orders')
        await admin.close()
        await broker.close()
      }
      await using running = await start({}, data)
      await using connection = await running.connect()
      await using session = await connection.createSession()
      await send(session, 'orders', names('new', 5))
      await using consumer = await session.createConsumer(session.createQueue('orders'))
      assert.deepEqual((await texts(consumer, 5)).sort(), names('new', 5))
      assert.equal(await consumer.receive(200), null)
    })

    it('keeps the progress on the new topic over a restart', async () => {
      const data = join(directory, String(runs++))
      {
        await using running = await start({}, data)
        await using connection = await running.connect()
        await using session = await connection.createSession()
        await send(session, 'orders', names('old', 50))
        await using consumer = await session.createConsumer(session.createQueue('orders'))
        await texts(consumer, 50)
        await befall(running, 'orders')
        await send(session, 'orders', names('new', 10))
        await texts(consumer, 4)
      }
      await using running = await start({}, data)
      await using connection = await running.connect()
      await using session = await connection.createSession()
      await using consumer = await session.createConsumer(session.createQueue('orders'))
      assert.equal(new Set(await texts(consumer, 6)).size, 6)
      assert.equal(await consumer.receive(200), null)
    })

    it('loses unsettled and delayed messages and those in transactions, and nothing else', async () => {
      await using running = await start({ 'amqp.dead.letter.queue': 'DLQ' })
      await using connection = await running.connect({ prefetch: 5 })
      await using manual = await connection.createSession(Session.CLIENT_ACKNOWLEDGE)
      await using transacted = await connection.createSession(Session.SESSION_TRANSACTED)
      const queue = manual.createQueue('orders')
      await using producer = await manual.createProducer(queue)
      for (const body of names('old', 20)) await producer.send(manual.createTextMessage(body))
      producer.setDeliveryDelay(300)
      await producer.send(manual.createTextMessage('delayed'))
      const unsettled = await manual.createConsumer(queue)
      const held = await unsettled.receive(WAIT_MS)
      const inTransaction = await transacted.createConsumer(queue)
      assert.notEqual(await inTransaction.receive(WAIT_MS), null)
      await using results = await transacted.createProducer(transacted.createQueue('results'))
      await results.send(transacted.createTextMessage('result'))
      await befall(running, 'orders')
      // The provider has noticed the change once a message was sent through the new topic.
      await send(manual, 'orders', ['new'])
      await held?.acknowledge()
      // The consumed message no longer exists, but the messages sent in the same transaction must.
      await transacted.commit()
      await inTransaction.close()
      await unsettled.close()
      await using session = await connection.createSession()
      await using consumer = await session.createConsumer(queue)
      assert.equal(text(await consumer.receive(WAIT_MS)), 'new')
      assert.equal(await consumer.receive(500), null)
      await using others = await session.createConsumer(session.createQueue('results'))
      assert.equal(text(await others.receive(WAIT_MS)), 'result')
      await using dead = await session.createConsumer(session.createQueue('DLQ'))
      assert.equal(await dead.receive(100), null)
    })

    it('commits a transaction that sends to it', async () => {
      await using running = await start()
      await using connection = await running.connect()
      await using session = await connection.createSession(Session.SESSION_TRANSACTED)
      await using producer = await session.createProducer()
      const [orders, bills] = [session.createQueue('orders'), session.createQueue('bills')]
      await producer.send(orders, session.createTextMessage('old'))
      await producer.send(bills, session.createTextMessage('old'))
      await session.commit()
      await befall(running, 'orders')
      for (const body of names('new', 2)) {
        await producer.send(orders, session.createTextMessage(body))
        await producer.send(bills, session.createTextMessage(body))
        await session.commit()
      }
      await using reading = await connection.createSession()
      await using first = await reading.createConsumer(orders)
      await using second = await reading.createConsumer(bills)
      assert.deepEqual((await texts(first, 2)).sort(), names('new', 2))
      assert.deepEqual((await texts(second, 3)).sort(), [...names('new', 2), 'old'])
    })
  })

  describe(`a topic with subscriptions whose Kafka topic is ${fate}`, () => {
    it('delivers messages published afterwards to all of them', async () => {
      await using running = await start()
      await using connection = await running.connect({ clientID: 'me' })
      await using session = await connection.createSession()
      const topic = session.createTopic('news')
      await using plain = await session.createConsumer(topic)
      const durable = await session.createDurableConsumer(topic, 'all')
      await using producer = await session.createProducer(topic)
      for (const body of names('old', 10)) await producer.send(session.createTextMessage(body))
      assert.deepEqual(await texts(plain, 10), names('old', 10))
      assert.deepEqual(await texts(durable, 10), names('old', 10))
      await durable.close()
      await befall(running, 'news')
      for (const body of names('new', 3)) await producer.send(session.createTextMessage(body))
      assert.deepEqual((await texts(plain, 3)).sort(), names('new', 3))
      await using again = await session.createDurableConsumer(topic, 'all')
      assert.deepEqual((await texts(again, 3)).sort(), names('new', 3))
    })
  })
}

describe('a queue whose topic is deleted', { concurrency: 3 }, () => {
  it('is not listed and not created again until it is used', async () => {
    await using running = await start()
    await using connection = await running.connect()
    await using session = await connection.createSession()
    await send(session, 'orders', ['old'])
    await running.admin.deleteTopics(['orders'])
    const { engine } = running.provider
    await until(() => [...(engine?.known ?? [])].length === 0)
    const topics = await running.admin.listTopics()
    assert.ok(topics.every(({ name }) => name !== 'orders'))
  })

  it('ends its consumers if destinations are not created automatically', async () => {
    await using running = await start({ 'amqp.auto.create': 'false' })
    await running.admin.createTopics([{ name: 'orders', numPartitions: 1 }])
    await using connection = await running.connect()
    await using session = await connection.createSession()
    await using consumer = await session.createConsumer(session.createQueue('orders'))
    const waiting = consumer.receive(WAIT_MS)
    await running.admin.deleteTopics(['orders'])
    await assert.rejects(waiting, /orders was deleted/)
    await running.admin.createTopics([{ name: 'orders', numPartitions: 1 }])
    await send(session, 'orders', ['new'])
    await using other = await session.createConsumer(session.createQueue('orders'))
    assert.equal(text(await other.receive(WAIT_MS)), 'new')
  })

  it('has the records of Kafka programs once they have created the topic', async () => {
    await using running = await start()
    await using connection = await running.connect()
    await using session = await connection.createSession()
    await using consumer = await session.createConsumer(session.createQueue('orders'))
    await send(session, 'orders', ['old'])
    assert.equal(text(await consumer.receive(WAIT_MS)), 'old')
    await running.admin.deleteTopics(['orders'])
    await until(() => [...(running.provider.engine?.known ?? [])].length === 0)
    await running.admin.createTopics([{ name: 'orders', numPartitions: 2 }])
    await using producer = new Producer(running.client)
    await producer.send({ topic: 'orders', partition: 1, value: 'from Kafka' })
    const message = await consumer.receive(WAIT_MS)
    assert.equal(text(message), 'from Kafka')
  })
})
