// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import {
  type Connection,
  ConnectionFactory,
  InvalidDestinationException,
  Session,
  type TextMessage,
} from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'

/** Wildcards of Artemis and ActiveMQ Classic, and words that look like them. */
const patterns = [
  'orders.*',
  'orders.#',
  'orders.>',
  '*',
  '#',
  '>',
  '*.new',
  'orders.*.new',
  'orders.#.new',
  'orders*',
  'orders.*?consumer.exclusive=true',
] as const

type Enter = (session: Session, name: string) => Promise<unknown>

/** Every way in which the name of a destination reaches the provider. */
const entries: Readonly<Record<string, Enter>> = {
  'a consumer of a queue': (session, name) => session.createConsumer(session.createQueue(name)),
  'a consumer of a topic': (session, name) => session.createConsumer(session.createTopic(name)),
  'a producer for a queue': (session, name) => session.createProducer(session.createQueue(name)),
  'a producer for a topic': (session, name) => session.createProducer(session.createTopic(name)),
  'a message of an anonymous producer': async (session, name) => {
    await using producer = await session.createProducer()
    await producer.send(session.createTopic(name), session.createTextMessage('lost'))
  },
  'a browser': async (session, name) => {
    await using browser = await session.createBrowser(session.createQueue(name))
    for await (const _message of browser) break
  },
  'a durable subscription': (session, name) =>
    session.createDurableSubscriber(session.createTopic(name), 'mine'),
  'a shared subscription': (session, name) =>
    session.createSharedConsumer(session.createTopic(name), 'ours'),
  'a shared durable subscription': (session, name) =>
    session.createSharedDurableConsumer(session.createTopic(name), 'ours'),
}

describe('a destination with a wildcard', () => {
  let broker: Broker
  let provider: JmsProvider
  let connection: Connection

  before(async () => {
    broker = await Broker.start()
    const client = { bootstrapServers: broker.address, network: broker.network }
    provider = await JmsProvider.start({ client, config: { 'amqp.listener': '127.0.0.1:0' } })
    const factory = new ConnectionFactory(`amqp://${provider.address}`, { clientID: 'wild' })
    connection = await factory.createConnection()
    await connection.start()
  })
  after(async () => {
    await connection.close()
    await provider.close()
    await broker.close()
  })

  for (const [entry, enter] of Object.entries(entries)) {
    it(`is rejected for ${entry}, with its name and the reason`, async () => {
      await using session = await connection.createSession()
      for (const pattern of patterns) {
        await assert.rejects(enter(session, pattern), (error: Error) => {
          const [name] = pattern.split('?')
          assert.ok(error instanceof InvalidDestinationException, `${pattern}: ${error.name}`)
          assert.match(error.message, /wildcards \(\*, #, >\) are not supported/)
          assert.ok(error.message.includes(`"${name}"`), error.message)
          return true
        })
      }
    })
  }

  it('fails the transaction that a message to it belongs to', async () => {
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    await using producer = await session.createProducer()
    await assert.rejects(async () => {
      await producer.send(session.createQueue('orders.*'), session.createTextMessage('lost'))
      await session.commit()
    }, /wildcards/)
  })

  it('leaves no topic and no subscription behind', async () => {
    const client = { bootstrapServers: broker.address, network: broker.network }
    await using admin = new Admin(client)
    const names = (await admin.listTopics()).map(({ name }) => name)
    assert.deepEqual(
      names.filter((name) => !name.startsWith('__')),
      [],
    )
    assert.deepEqual([...(provider.engine?.subscriptionRecords ?? [])], [])
  })

  it('is not confused with a temporary one of a client whose id has such characters', async () => {
    const factory = new ConnectionFactory(`amqp://${provider.address}`, { clientID: 'a.*.#>' })
    await using other = await factory.createConnection()
    await other.start()
    await using session = await other.createSession()
    const queue = await session.createTemporaryQueue()
    await using consumer = await session.createConsumer(queue)
    await using producer = await session.createProducer(queue)
    await producer.send(session.createTextMessage('reply'))
    assert.equal(((await consumer.receive(5000)) as TextMessage | null)?.getText(), 'reply')
  })
})

describe('a setting that names a queue', () => {
  for (const key of ['amqp.dead.letter.queue', 'amqp.destination.orders.#.expiry.queue']) {
    it(`is rejected with a wildcard: ${key}`, async () => {
      const client = { bootstrapServers: '127.0.0.1:1' }
      await assert.rejects(
        JmsProvider.start({ client, config: { [key]: 'dead.*' } }),
        /invalid value "dead\.\*" for amqp\..*queue: expected a queue name without wildcards/,
      )
    })
  }
})
