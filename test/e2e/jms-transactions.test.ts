// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import {
  type Connection,
  ConnectionFactory,
  type MessageConsumer,
  type MessageProducer,
  Session,
  type TextMessage,
} from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { until } from './until.ts'

const WAIT_MS = 5000
const MEGABYTE = 1024 * 1024
/** Messages of one megabyte in the large transaction. */
const COUNT = 105

let broker: Broker
let provider: JmsProvider
let connection: Connection

const clientOf = (of: Broker) => ({ bootstrapServers: of.address, network: of.network })

async function start(config: Readonly<Record<string, string>> = {}): Promise<JmsProvider> {
  return JmsProvider.start({
    client: clientOf(broker),
    config: { 'amqp.listener': '127.0.0.1:0', ...config },
  })
}

async function connect(to: JmsProvider): Promise<Connection> {
  const made = await new ConnectionFactory(`amqp://${to.address}`).createConnection()
  await made.start()
  return made
}

/** Creates a topic as Kafka's tools do; a batch may have one megabyte. */
async function createTopic(name: string): Promise<void> {
  await using admin = new Admin(clientOf(broker))
  await admin.createTopics([
    { name, numPartitions: 1, configs: { 'max.message.bytes': String(MEGABYTE) } },
  ])
}

before(async () => {
  broker = await Broker.start()
  provider = await start()
  connection = await connect(provider)
})
after(async () => {
  await connection.close()
  await provider.close()
  await broker.close()
})

interface Mover {
  readonly session: Session
  readonly consumer: MessageConsumer
  readonly producer: MessageProducer
  readonly from: string
}

/** Creates sessions that each have a consumed message, and one to send. */
async function movers(count: number, prefix: string): Promise<Mover[]> {
  const made: Mover[] = []
  for (let i = 0; i < count; i++) {
    const session = await connection.createSession(Session.SESSION_TRANSACTED)
    const from = `${prefix}-from-${i}`
    const producer = await session.createProducer()
    await producer.send(session.createQueue(from), session.createTextMessage(`${i}`))
    await session.commit()
    const consumer = await session.createConsumer(session.createQueue(from))
    assert.ok(await consumer.receive(WAIT_MS))
    made.push({ session, consumer, producer, from })
  }
  return made
}

describe('a commit that Kafka refuses', () => {
  it('fails alone: other commits in the same batch are not rolled back', async () => {
    await createTopic('limited')
    const all = await movers(30, 'innocent')
    const guilty = new Set([7, 8, 21])
    for (const [i, { session, producer }] of all.entries()) {
      const to = session.createQueue('limited')
      await producer.send(to, session.createTextMessage(`from ${i}`))
      const large = 'x'.repeat(2 * MEGABYTE)
      if (guilty.has(i)) await producer.send(to, session.createTextMessage(large))
    }
    const outcomes = await Promise.allSettled(all.map(({ session }) => session.commit()))
    for (const [i, outcome] of outcomes.entries()) {
      assert.equal(outcome.status, guilty.has(i) ? 'rejected' : 'fulfilled', `${i}`)
      if (outcome.status !== 'rejected') continue
      assert.equal((outcome.reason as Error).name, 'TransactionRolledBackException')
      assert.match((outcome.reason as Error).message, /1048576/)
    }
    const session = await connection.createSession()
    const consumer = await session.createConsumer(session.createQueue('limited'))
    const sent: string[] = []
    for (let left = all.length - guilty.size; left > 0; left--) {
      sent.push(((await consumer.receive(WAIT_MS)) as TextMessage).getText() ?? '')
    }
    const expected = [...all.keys()].filter((i) => !guilty.has(i)).map((i) => `from ${i}`)
    assert.deepEqual(sent.toSorted(), expected.toSorted())
    // Messages consumed in failed transactions are delivered again; the others are not.
    for (const [i, mover] of all.entries()) {
      const message = await mover.consumer.receive(guilty.has(i) ? WAIT_MS : 20)
      assert.equal(message?.getIntProperty('JMSXDeliveryCount'), guilty.has(i) ? 2 : undefined)
      await mover.session.close()
    }
    await session.close()
  })

  it('is not rejected for the size of its batch if its messages are small enough', async () => {
    await createTopic('batches')
    const session = await connection.createSession(Session.SESSION_TRANSACTED)
    const producer = await session.createProducer(session.createQueue('batches'))
    for (let i = 0; i < 20; i++) await producer.send(session.createTextMessage('x'.repeat(100_000)))
    await session.commit()
    const consumer = await session.createConsumer(session.createQueue('batches'))
    for (let i = 0; i < 20; i++) assert.ok(await consumer.receive(WAIT_MS))
    await session.commit()
    await session.close()
  })
})

describe('a large transaction', () => {
  it('of more than a hundred megabytes to one queue is committed, including its receipts', async () => {
    const [mover] = await movers(1, 'large')
    assert.ok(mover !== undefined)
    const { session, producer, consumer, from } = mover
    const queue = session.createQueue('large')
    const text = 'x'.repeat(MEGABYTE)
    const before = process.memoryUsage()
    const sum = ({ arrayBuffers, heapUsed }: NodeJS.MemoryUsage): number => arrayBuffers + heapUsed
    for (let i = 0; i < COUNT; i++) {
      const message = session.createTextMessage(text)
      message.setIntProperty('i', i)
      await producer.send(queue, message)
    }
    const grown = sum(process.memoryUsage()) - sum(before)
    assert.ok(grown < 100 * MEGABYTE, `${grown} bytes`)
    // Commits of other clients do not wait for it.
    const other = await connection.createSession(Session.SESSION_TRANSACTED)
    const small = await other.createProducer()
    let isDone = false
    const committing = session.commit().finally(() => {
      isDone = true
    })
    let others = 0
    while (!isDone) {
      for (const name of ['small-1', 'small-2']) {
        await small.send(other.createQueue(name), other.createTextMessage('x'))
      }
      await other.commit()
      if (!isDone) others++
    }
    await committing
    assert.ok(others > 2, `${others} concurrent commits`)
    const reader = await connection.createSession()
    const sent = await reader.createConsumer(reader.createQueue('large'))
    assert.equal((await sent.receive(WAIT_MS))?.getIntProperty('i'), 0)
    await sent.close()
    const last = await reader.createConsumer(reader.createQueue('large'), `i = ${COUNT - 1}`)
    assert.ok(await last.receive(WAIT_MS))
    const large = await provider.engine?.destination('queue', 'large')
    await until(() => large?.queue.depth === COUNT - 2)
    const rest = await reader.createConsumer(reader.createQueue(from))
    assert.equal(await rest.receive(50), null)
    for (const each of [session, other, reader]) await each.close()
    await consumer.close()
  })
})

describe('a transaction beyond its limit', () => {
  it('is rejected with a specific condition, and rolled back; the next one succeeds', async () => {
    await using limited = await start({
      'amqp.state.topic': '__limited_state',
      'amqp.group.id': '__limited',
      'amqp.transaction.max.bytes': String(3 * MEGABYTE),
      'amqp.transactions.max.bytes': String(5 * MEGABYTE),
    })
    await using own = await connect(limited)
    const sessions: Session[] = []
    const fill = async (megabytes: number): Promise<[Session, MessageProducer]> => {
      const session = await own.createSession(Session.SESSION_TRANSACTED)
      sessions.push(session)
      const producer = await session.createProducer(session.createQueue('limits'))
      for (let i = 0; i < 10 * megabytes; i++) {
        await producer.send(session.createTextMessage('x'.repeat(100_000)))
      }
      return [session, producer]
    }
    const [first, producer] = await fill(2)
    const beyond = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        await producer.send(first.createTextMessage('x'.repeat(100_000)))
      }
      await first.commit()
    }
    const error = await beyond().then(
      () => undefined,
      (failure: unknown) => failure as Error,
    )
    assert.match(String(error), /amqp\.transaction\.max\.bytes=3145728/)
    await first.rollback()
    assert.equal(limited.usage.transactionBytes, 0)
    await producer.send(first.createTextMessage('small'))
    await first.commit()
    // The limit applies to all clients together.
    await fill(2)
    await fill(2)
    const late = await fill(2).then(
      ([session]) => session.commit().then(() => undefined, String),
      String,
    )
    assert.match(String(late), /amqp\.transactions\.max\.bytes=5242880/)
    assert.ok(limited.usage.transactionBytes > 3 * MEGABYTE)
    for (const session of sessions) await session.close()
    await until(() => limited.usage.transactionBytes === 0)
    const session = await own.createSession()
    const consumer = await session.createConsumer(session.createQueue('limits'))
    assert.equal(((await consumer.receive(WAIT_MS)) as TextMessage).getText(), 'small')
    assert.equal(await consumer.receive(50), null)
  })
})
