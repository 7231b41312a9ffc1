// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Consumer } from '@millrace/client'
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

const directory = mkdtempSync(join(tmpdir(), 'millrace-jms-dead-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const WAIT_MS = 10_000
let runs = 0

interface Running extends AsyncDisposable {
  readonly broker: Broker
  connect(clientID?: string): Promise<Connection>
  restart(): Promise<void>
  /** Resolves when an action has created one more dead letter. */
  untilDead(action: () => Promise<void>): Promise<void>
  /** Runs an operation of the provider's administration. */
  manage(operation: string, args: Readonly<Record<string, string>>): Promise<unknown>
}

async function start(): Promise<Running> {
  const broker = await Broker.start({ dataDirectory: join(directory, String(runs++)) })
  const launch = (): Promise<JmsProvider> =>
    JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: {
        'amqp.listener': '127.0.0.1:0',
        'amqp.provider.id': 'test',
        'amqp.max.delivery.attempts': '1',
      },
    })
  let provider = await launch()
  const connect = async (clientID?: string): Promise<Connection> => {
    const options = clientID === undefined ? {} : { clientID }
    const factory = new ConnectionFactory(`amqp://${provider.address}`, options)
    const connection = await factory.createConnection()
    await connection.start()
    return connection
  }
  return {
    broker,
    connect,
    async restart() {
      await provider.close()
      provider = await launch()
    },
    async untilDead(action) {
      const count = async (): Promise<number> =>
        (await provider.engine?.existing('queue', 'DLQ'))?.depth ?? 0
      const before = await count()
      await action()
      await until(async () => (await count()) === before + 1)
    },
    async manage(operation, args) {
      await using connection = await connect()
      await using session = await connection.createSession()
      const replyTo = await session.createTemporaryQueue()
      await using consumer = await session.createConsumer(replyTo)
      await using producer = await session.createProducer(session.createQueue('$management'))
      const request = session.createMessage()
      for (const [name, value] of Object.entries({ operation, ...args })) {
        request.setStringProperty(name, value)
      }
      request.setJMSReplyTo(replyTo)
      await producer.send(request)
      const reply = (await consumer.receive(WAIT_MS)) as TextMessage
      const error = reply.getStringProperty('error')
      if (error !== null) throw new Error(error)
      return JSON.parse(reply.getText() ?? 'null')
    },
    async [Symbol.asyncDispose]() {
      await provider.close()
      await broker.close()
    },
  }
}

const text = (message: Message | null): string | null =>
  (message as TextMessage | null)?.getText() ?? null

async function send(running: Running, topic: string, texts: readonly string[]): Promise<void> {
  await using connection = await running.connect()
  await using session = await connection.createSession()
  await using producer = await session.createProducer(session.createTopic(topic))
  for (const each of texts) await producer.send(session.createTextMessage(each))
}

type Open = (session: Session) => Promise<MessageConsumer>

/** Receives a message and fails to process it, so that it becomes a dead letter. */
async function fail(running: Running, clientID: string, open: Open, expected: string) {
  await using connection = await running.connect(clientID)
  await using session = await connection.createSession(Session.SESSION_TRANSACTED)
  await using consumer = await open(session)
  assert.equal(text(await consumer.receive(WAIT_MS)), expected)
  await running.untilDead(() => session.rollback())
}

/** Receives everything that a subscription has. */
async function drain(running: Running, clientID: string, open: Open): Promise<(string | null)[]> {
  await using connection = await running.connect(clientID)
  await using session = await connection.createSession()
  await using consumer = await open(session)
  const found: (string | null)[] = []
  for (;;) {
    const message = await consumer.receiveNoWait()
    if (message === null) return found
    found.push(text(message))
  }
}

const durable =
  (topic: string, name: string, selector?: string): Open =>
  (session) =>
    session.createDurableConsumer(session.createTopic(topic), name, selector ?? null)

describe('a dead letter of a topic', () => {
  it('is retried only by its own subscription, also after a restart', async () => {
    await using running = await start()
    // The properties of a dead letter do not make it fail the selector that it passed before.
    const mine = durable('news', 'mine', 'JMS_Millrace_DeadLetterReason IS NULL')
    const theirs = durable('news', 'theirs')
    assert.deepEqual(await drain(running, 'me', mine), [])
    assert.deepEqual(await drain(running, 'them', theirs), [])
    await send(running, 'news', ['a', 'b'])
    await fail(running, 'me', mine, 'a')
    assert.deepEqual(await drain(running, 'me', mine), ['b'])
    assert.deepEqual(await drain(running, 'them', theirs), ['a', 'b'])
    const retried = await running.manage('queue.retry-dead', { name: 'DLQ' })
    assert.deepEqual(retried, { retried: 1, left: 0, reasons: [], isDone: true, waiting: 1 })
    await running.restart()
    // A subscription that is created now does not receive it either.
    assert.deepEqual(await drain(running, 'new', durable('news', 'new')), [])
    assert.deepEqual(await drain(running, 'them', theirs), [])
    // It may fail again.
    await fail(running, 'me', mine, 'a')
    await running.manage('queue.retry-dead', { name: 'DLQ' })
    assert.deepEqual(await drain(running, 'me', mine), ['a'])
    assert.deepEqual(await drain(running, 'them', theirs), [])
    // Kafka programs see for which subscription the record is.
    const { address, network } = running.broker
    await using consumer = new Consumer({ bootstrapServers: address, network })
    consumer.assign([{ topic: 'news', partition: 0 }])
    consumer.seek({ topic: 'news', partition: 0 }, 0n)
    const headers: (string | undefined)[] = []
    while (headers.length < 4) {
      for (const record of await consumer.poll(WAIT_MS)) {
        headers.push(record.header('JMSSubscription')?.toString())
      }
    }
    assert.deepEqual(headers, [undefined, undefined, 'durable/me/mine', 'durable/me/mine'])
  })

  it('stays if its subscription no longer exists, has another topic, or was not durable', async () => {
    await using running = await start()
    const volatile: Open = (session) => session.createConsumer(session.createTopic('news'))
    const deleted = durable('news', 'deleted')
    const moved = durable('news', 'moved')
    await drain(running, 'a', deleted)
    await drain(running, 'b', moved)
    {
      await using connection = await running.connect('c')
      await using session = await connection.createSession(Session.SESSION_TRANSACTED)
      await using consumer = await volatile(session)
      await send(running, 'news', ['lost'])
      await consumer.receive(WAIT_MS)
      await running.untilDead(() => session.rollback())
    }
    await fail(running, 'a', deleted, 'lost')
    await fail(running, 'b', moved, 'lost')
    await running.manage('subscription.delete', { name: 'durable/a/deleted' })
    await drain(running, 'b', durable('other', 'moved'))
    const result = (await running.manage('queue.retry-dead', { name: 'DLQ' })) as {
      readonly reasons: readonly string[]
    }
    assert.deepEqual(
      { ...result, reasons: [...result.reasons].sort() },
      {
        retried: 0,
        left: 3,
        reasons: [
          'subscription durable/a/deleted of topic://news/a/deleted does not exist',
          'subscription durable/b/moved of topic://news/b/moved does not exist',
          'topic://news/0 is not a durable subscription',
        ],
        isDone: true,
        waiting: 3,
      },
    )
    const queue: Open = (session) => session.createConsumer(session.createQueue('DLQ'))
    assert.equal((await drain(running, 'd', queue)).length, 3)
    assert.deepEqual(await drain(running, 'b', durable('other', 'moved')), [])
  })

  it('is retried in steps, and matched by a selector', async () => {
    await using running = await start()
    const mine = durable('news', 'mine')
    await drain(running, 'me', mine)
    await send(running, 'news', ['a', 'b', 'c'])
    for (const each of ['a', 'b', 'c']) await fail(running, 'me', mine, each)
    const step = (args: Readonly<Record<string, string>>): Promise<unknown> =>
      running.manage('queue.retry-dead', { name: 'DLQ', ...args })
    const none = { retried: 0, left: 0, reasons: [] }
    assert.deepEqual(await step({ selector: "JMS_Millrace_DeadLetterSource = 'queue://x'" }), {
      ...none,
      isDone: true,
      waiting: 3,
    })
    assert.deepEqual(await step({ max: '2' }), { ...none, retried: 2, isDone: false, waiting: 3 })
    assert.deepEqual(await step({}), { ...none, retried: 1, isDone: true, waiting: 1 })
    assert.deepEqual(await drain(running, 'me', mine), ['a', 'b', 'c'])
  })
})
