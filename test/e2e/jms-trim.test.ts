// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin, Consumer } from '@millrace/client'
import { type Connection, ConnectionFactory, Session, type TextMessage } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { effort } from '@millrace/testkit'
import { until } from './until.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-jms-trim-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** Messages sent through the queue whose size on disk is measured. */
const MESSAGES = Number(process.env.MESSAGES ?? effort(10_000, 20_000))
const SEGMENT_BYTES = 1024 * 1024
const WAIT_MS = 10_000
let runs = 0

interface Running extends AsyncDisposable {
  readonly provider: JmsProvider
  readonly admin: Admin
  readonly data: string
  connect(clientID?: string): Promise<Connection>
  /** Returns the first offset of a topic that still exists. */
  beginning(topic: string): Promise<number>
  /**
   * Makes the provider delete consumed records. Runs several times, because the state topic must
   * contain the new state first.
   */
  trim(): Promise<void>
}

async function start(
  config: Readonly<Record<string, string>> = {},
  data = join(directory, String(runs++)),
  segmentBytes = SEGMENT_BYTES,
): Promise<Running> {
  const broker = await Broker.start({
    dataDirectory: data,
    config: {
      'log.segment.bytes': String(segmentBytes),
      'log.segment.delete.delay.ms': '0',
      'log.initial.task.delay.ms': '0',
      'log.retention.check.interval.ms': '200',
    },
  })
  const client = { bootstrapServers: broker.address, network: broker.network }
  const provider = await JmsProvider.start({
    client,
    config: {
      'amqp.listener': '127.0.0.1:0',
      'amqp.provider.id': 'test',
      'amqp.consumed.retention.ms': '0',
      ...config,
    },
  })
  const admin = new Admin(client)
  const consumer = new Consumer(client)
  return {
    provider,
    admin,
    data,
    async connect(clientID) {
      const options = clientID === undefined ? {} : { clientID }
      const factory = new ConnectionFactory(`amqp://${provider.address}`, options)
      const connection = await factory.createConnection()
      await connection.start()
      return connection
    },
    async beginning(topic) {
      const [offset] = await consumer.beginningOffsets([{ topic, partition: 0 }])
      return Number(offset)
    },
    async trim() {
      for (let i = 0; i < 2; i++) {
        await provider.engine?.trim()
        await provider.engine?.journal.flushed()
      }
      await provider.engine?.trim()
    },
    async [Symbol.asyncDispose]() {
      await consumer.close()
      await admin.close()
      await provider.close()
      await broker.close()
    },
  }
}

/** Size of a topic's segments in bytes, without segments that are being deleted. */
function sizeOf(data: string, topic: string): number {
  const folder = join(data, `${topic}-0`)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

async function send(session: Session, queue: string, count: number): Promise<void> {
  await using producer = await session.createProducer(session.createQueue(queue))
  const sends = Array.from({ length: count }, (_, i) =>
    producer.send(session.createTextMessage(`${queue} ${i} ${'.'.repeat(200)}`)),
  )
  await Promise.all(sends)
}

async function receive(session: Session, queue: string, count: number): Promise<string[]> {
  await using consumer = await session.createConsumer(session.createQueue(queue))
  const found: string[] = []
  while (found.length < count) {
    const message = (await consumer.receive(WAIT_MS)) as TextMessage | null
    if (message === null) break
    found.push(message.getText()?.trim().replace(/ \.*$/, '') ?? '')
  }
  return found
}

describe('consumed messages', () => {
  it('are deleted from disk; others are kept, also over a restart', async () => {
    const data = join(directory, String(runs++))
    {
      await using running = await start({}, data)
      await using connection = await running.connect()
      await using session = await connection.createSession()
      await send(session, 'orders', MESSAGES)
      const full = sizeOf(data, 'orders')
      assert.ok(full > MESSAGES * 200, `${full} bytes`)
      assert.equal((await receive(session, 'orders', MESSAGES - 10)).length, MESSAGES - 10)
      await running.trim()
      // The segment of the first message not consumed, and the active segment.
      await until(() => sizeOf(data, 'orders') <= 2 * SEGMENT_BYTES)
      assert.equal(await running.beginning('orders'), MESSAGES - 10)
      const state = sizeOf(data, '__jms_state')
      assert.ok(state < 4 * SEGMENT_BYTES, `${state} bytes of state`)
    }
    await using running = await start({}, data)
    await using connection = await running.connect()
    await using session = await connection.createSession()
    const rest = await receive(session, 'orders', 10)
    assert.deepEqual(
      rest,
      Array.from({ length: 10 }, (_, i) => `orders ${MESSAGES - 10 + i}`),
    )
    await using consumer = await session.createConsumer(session.createQueue('orders'))
    assert.equal(await consumer.receive(200), null)
  })

  it('leave no records on disk when all are consumed, control records included', async () => {
    const data = join(directory, String(runs++))
    const kafkaDefault = 1024 * 1024 * 1024
    {
      await using running = await start({}, data, kafkaDefault)
      await using connection = await running.connect()
      await using session = await connection.createSession()
      // Single messages.
      await send(session, 'orders', 1000)
      assert.equal((await receive(session, 'orders', 1000)).length, 1000)
      // Transactions over two queues, which end with control records.
      await using transacted = await connection.createSession(Session.SESSION_TRANSACTED)
      for (let i = 0; i < 3; i++) {
        await send(transacted, 'orders', 10)
        await send(transacted, 'bills', 10)
        await transacted.commit()
      }
      assert.equal((await receive(transacted, 'orders', 30)).length, 30)
      assert.equal((await receive(transacted, 'bills', 20)).length, 20)
      await transacted.commit()
      await running.trim()
      await until(() => sizeOf(data, 'orders') === 0)
      assert.ok(sizeOf(data, 'bills') > 0)
      await send(session, 'orders', 1)
    }
    await using running = await start({}, data, kafkaDefault)
    await using connection = await running.connect()
    await using session = await connection.createSession()
    assert.deepEqual(await receive(session, 'orders', 1), ['orders 0'])
    assert.deepEqual(
      await receive(session, 'bills', 10),
      Array.from({ length: 10 }, (_, i) => `bills ${i}`),
    )
    await running.trim()
    await until(() => sizeOf(data, 'orders') === 0 && sizeOf(data, 'bills') === 0)
  })

  it('are kept while a subscription needs them, and deleted when none can any more', async () => {
    await using running = await start()
    await using connection = await running.connect('me')
    await using session = await connection.createSession()
    const topic = session.createTopic('news')
    const durable = await session.createDurableConsumer(topic, 'all')
    const choosy = await session.createDurableConsumer(topic, 'none', "color = 'red'")
    await choosy.close()
    await using producer = await session.createProducer(topic)
    for (let i = 0; i < 20; i++) await producer.send(session.createTextMessage(`${i}`))
    await running.trim()
    assert.equal(await running.beginning('news'), 0)
    for (let i = 0; i < 15; i++) assert.notEqual(await durable.receive(WAIT_MS), null)
    await durable.close()
    await running.trim()
    assert.equal(await running.beginning('news'), 15)
    await session.unsubscribe('all')
    await running.trim()
    assert.equal(await running.beginning('news'), 20)
    await session.unsubscribe('none')
    await producer.send(session.createTextMessage('unheard'))
    await running.trim()
    assert.equal(await running.beginning('news'), 21)
  })

  it('are kept in a transaction until it is committed', async () => {
    await using running = await start()
    await using connection = await running.connect()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const queue = session.createQueue('orders')
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 3; i++) await producer.send(session.createTextMessage(`${i}`))
    await session.commit()
    await using consumer = await session.createConsumer(queue)
    await consumer.receive(WAIT_MS)
    await running.trim()
    assert.equal(await running.beginning('orders'), 0)
    await session.rollback()
    await running.trim()
    assert.equal(await running.beginning('orders'), 0)
    await consumer.receive(WAIT_MS)
    await session.commit()
    await running.trim()
    assert.equal(await running.beginning('orders'), 1)
  })

  it('are kept for the configured time, and for duplicate detection', async () => {
    await using running = await start({ 'amqp.destination.kept.consumed.retention.ms': '600000' })
    await using connection = await running.connect()
    await using session = await connection.createSession()
    for (const name of ['kept', 'checked']) {
      const queue = session.createQueue(name)
      await using producer = await session.createProducer(queue)
      const message = session.createTextMessage('x')
      if (name === 'checked') message.setStringProperty('_AMQ_DUPL_ID', 'once')
      await producer.send(message)
      await using consumer = await session.createConsumer(queue)
      assert.notEqual(await consumer.receive(WAIT_MS), null)
    }
    await running.trim()
    assert.equal(await running.beginning('kept'), 0)
    assert.equal(await running.beginning('checked'), 0)
  })

  it('are kept in topics that Kafka programs created, unless configured otherwise', async () => {
    await using running = await start({ 'amqp.destination.mine.#.trim': 'always' })
    const topics = ['theirs', 'mine.too']
    await running.admin.createTopics(topics.map((name) => ({ name, numPartitions: 1 })))
    await using connection = await running.connect()
    await using session = await connection.createSession()
    for (const name of topics) {
      await send(session, name, 5)
      await receive(session, name, 5)
    }
    await running.trim()
    assert.equal(await running.beginning('theirs'), 0)
    assert.equal(await running.beginning('mine.too'), 5)
  })

  it('are not deleted from a topic that replaced another', async () => {
    await using running = await start()
    await using connection = await running.connect()
    await using session = await connection.createSession()
    await send(session, 'orders', 10)
    await receive(session, 'orders', 10)
    await running.admin.deleteTopics(['orders'])
    await running.admin.createTopics([{ name: 'orders', numPartitions: 1 }])
    await running.trim()
    await send(session, 'orders', 20)
    await running.trim()
    assert.equal(await running.beginning('orders'), 0)
    assert.equal((await receive(session, 'orders', 20)).length, 20)
  })
})

describe('a topic that the provider creates', () => {
  it('keeps unconsumed messages whatever the defaults of the broker are', async () => {
    await using running = await start()
    await using connection = await running.connect()
    await using session = await connection.createSession()
    await send(session, 'orders', 1)
    const described = await running.admin.describeConfigs([{ type: 'topic', name: 'orders' }])
    const configs = new Map([...described.values()].flat().map(({ name, value }) => [name, value]))
    assert.equal(configs.get('retention.ms'), '-1')
    assert.equal(configs.get('retention.bytes'), '-1')
    assert.equal(configs.get('cleanup.policy'), 'delete')
    // A smaller segment size configured at the broker is kept.
    assert.equal(configs.get('segment.bytes'), String(SEGMENT_BYTES))
  })

  it('has small segments, and large ones once a message needs them; the order stays', async () => {
    const large = '0123456789'.repeat(4_000_000)
    const data = join(directory, String(runs++))
    const config = { 'amqp.max.delivery.attempts': '1' }
    await using running = await start(config, data, 1024 * 1024 * 1024)
    await using connection = await running.connect()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const segmentBytesOf = async (name: string): Promise<string | null | undefined> => {
      const described = await running.admin.describeConfigs([{ type: 'topic', name }])
      const entries = [...described.values()].flat()
      return entries.find((entry) => entry.name === 'segment.bytes')?.value
    }
    const queue = session.createQueue('orders')
    await using producer = await session.createProducer(queue)
    await producer.send(session.createTextMessage('1'))
    await session.commit()
    assert.equal(await segmentBytesOf('orders'), String(32 * 1024 * 1024))
    await using plain = await connection.createSession()
    await using sender = await plain.createProducer(queue)
    const texts = ['2', large, '3', '4']
    await Promise.all(texts.map((text) => sender.send(plain.createTextMessage(text))))
    assert.equal(await segmentBytesOf('orders'), String(128 * 1024 * 1024))
    const received: number[] = []
    await using consumer = await session.createConsumer(queue)
    for (let i = 0; i < 5; i++) {
      const message = (await consumer.receive(WAIT_MS)) as TextMessage | null
      received.push(message?.getText()?.length ?? -1)
    }
    assert.deepEqual(received, [1, 1, large.length, 1, 1])
    // All are dead letters now, and the large one fits as well.
    await session.rollback()
    const dead = await plain.createConsumer(plain.createQueue('DLQ'))
    const lengths: number[] = []
    for (let i = 0; i < 5; i++) {
      const message = (await dead.receive(WAIT_MS)) as TextMessage | null
      lengths.push(message?.getText()?.length ?? -1)
    }
    assert.deepEqual(lengths.sort(), received.sort())
    assert.equal(await segmentBytesOf('DLQ'), String(128 * 1024 * 1024))
  })
})
