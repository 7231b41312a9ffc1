// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Consumer, Producer } from '@millrace/client'
import {
  type Connection,
  ConnectionFactory,
  DeliveryMode,
  JMSException,
  JMSSecurityException,
  type MapMessage,
  type Message,
  type MessageConsumer,
  Session,
  type TextMessage,
} from '@millrace/jms'
import { JmsProvider, ProviderConfigError } from '@millrace/jms-provider'
import { until } from './until.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-jms-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const WAIT_MS = 5000
let runs = 0

interface Running extends AsyncDisposable {
  readonly broker: Broker
  readonly provider: JmsProvider
  readonly address: string
  connect(
    url?: string,
    options?: ConstructorParameters<typeof ConnectionFactory>[1],
  ): Promise<Connection>
}

async function start(
  config: Readonly<Record<string, string>> = {},
  dataDirectory = join(directory, String(runs++)),
): Promise<Running> {
  const broker = await Broker.start({ dataDirectory })
  const provider = await JmsProvider.start({
    client: { bootstrapServers: broker.address, network: broker.network },
    config: { 'amqp.listener': '127.0.0.1:0', 'amqp.provider.id': 'test', ...config },
  })
  return {
    broker,
    provider,
    address: provider.address,
    async connect(url = `amqp://${provider.address}`, options = {}) {
      const connection = await new ConnectionFactory(url, options).createConnection()
      await connection.start()
      return connection
    },
    async [Symbol.asyncDispose]() {
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

describe('Kafka records and JMS messages', () => {
  it('are interchangeable', async () => {
    await using running = await start()
    const { broker } = running
    const client = { bootstrapServers: broker.address, network: broker.network }
    await using connection = await running.connect()
    await using session = await connection.createSession()
    const queue = session.createQueue('mapped')
    await using producer = await session.createProducer(queue)
    const sent = session.createTextMessage('wörds')
    sent.setJMSType('t')
    sent.setJMSCorrelationID('c')
    sent.setIntProperty('n', 7)
    sent.setStringProperty('amqp', 'a name of ours')
    sent.setStringProperty('JMSXGroupID', 'g')
    await producer.send(sent, DeliveryMode.PERSISTENT, 8, 0)
    const map = session.createMapMessage()
    map.setInt('a', 1)
    await producer.send(map)
    const bytes = session.createBytesMessage()
    bytes.writeBytes(Buffer.from([0, 255, 1]))
    await producer.send(bytes)
    await producer.send(session.createTextMessage())

    await using kafka = new Consumer({ ...client, autoOffsetReset: 'earliest' })
    kafka.assign([{ topic: 'mapped', partition: 0 }])
    const records = []
    while (records.length < 4) records.push(...(await kafka.poll(1000)))
    const [first, second, third, fourth] = records
    assert.equal(first?.valueBytes?.toString(), 'wörds')
    assert.equal(first?.keyBytes?.toString(), 'g')
    const header = (name: string): string | undefined => first?.header(name)?.toString()
    assert.equal(header('JMSMessageID'), sent.getJMSMessageID())
    assert.equal(header('JMSType'), 't')
    assert.equal(header('JMSCorrelationID'), 'c')
    assert.equal(header('JMSPriority'), '8')
    assert.equal(header('n'), '7')
    assert.equal(second?.valueBytes?.toString(), '{"a":1}')
    assert.deepEqual(third?.valueBytes, Buffer.from([0, 255, 1]))
    assert.equal(fourth?.valueBytes, null)

    await using writer = new Producer(client)
    await writer.send([
      {
        topic: 'mapped',
        key: 'k',
        value: 'from Kafka',
        headers: { JMSType: 'kt', JMSPriority: '9', color: 'blue', JMSReplyTo: 'topic://answers' },
      },
      { topic: 'mapped', value: Buffer.from([0xff, 0xfe]) },
      { topic: 'mapped', value: '{"x":1,"y":"z"}', headers: { JMSMessageType: 'map' } },
    ])
    await using consumer = await session.createConsumer(queue)
    const got: Message[] = []
    while (got.length < 7) {
      const message = await consumer.receive(WAIT_MS)
      assert.ok(message)
      got.push(message)
    }
    // By priority: the Kafka record with 9, then the JMS message with 8.
    assert.equal(text(got[0] ?? null), 'from Kafka')
    assert.equal(got[0]?.getJMSType(), 'kt')
    assert.equal(got[0]?.getStringProperty('color'), 'blue')
    assert.equal(got[0]?.getStringProperty('JMS_Kafka_Key'), 'k')
    assert.equal(String(got[0]?.getJMSReplyTo()), 'answers')
    assert.equal(got[0]?.getJMSReplyTo()?.kind, 'topic')
    assert.equal(text(got[1] ?? null), 'wörds')
    assert.equal(got[1]?.getIntProperty('n'), 7)
    assert.equal(got[1]?.getStringProperty('amqp'), 'a name of ours')
    assert.deepEqual(
      got.slice(2).map((message) => message.constructor.name),
      ['MapMessage', 'BytesMessage', 'TextMessage', 'BytesMessage', 'MapMessage'],
    )
    assert.equal((got[6] as MapMessage).getInt('x'), 1)
    assert.equal((got[6] as MapMessage).getString('y'), 'z')
    // An invalid `amqp` header is treated as another application's header, or the message is
    // skipped.
    const nonsense = Buffer.concat([Buffer.from([1, 3, 4]), Buffer.alloc(60, 0xff)])
    const empty = Buffer.concat([
      Buffer.from([1, 2]),
      Buffer.alloc(26),
      Buffer.from([0, 0, 0, 4]),
      Buffer.alloc(8),
      Buffer.from('junk'),
    ])
    for (const amqp of [nonsense, empty])
      await writer.send({ topic: 'mapped', value: 'junk', headers: { amqp, color: 'junk' } })
    // Selectors also apply to Kafka records.
    await writer.send({ topic: 'mapped', value: 'green', headers: { color: 'green' } })
    await consumer.close()
    await using green = await session.createConsumer(queue, "color = 'green'")
    assert.deepEqual(await texts(green, 1), ['green'])
  })
})

describe('a provider that restarts', () => {
  it('restores consumed, delivered, delayed and duplicate messages, and subscriptions', async () => {
    const data = join(directory, 'again')
    let due = 0
    {
      await using running = await start({}, data)
      await using connection = await running.connect(undefined, { clientID: 'me' })
      await using session = await connection.createSession()
      const queue = session.createQueue('again')
      await using producer = await session.createProducer(queue)
      for (let i = 0; i < 10; i++) await producer.send(session.createTextMessage(`${i}`))
      due = Date.now() + 1500
      producer.setDeliveryDelay(1500)
      await producer.send(session.createTextMessage('delayed'))
      producer.setDeliveryDelay(0)
      await producer.send(session.createTextMessage('fleeting'), DeliveryMode.NON_PERSISTENT, 4, 0)
      for (const id of ['x', 'y', 'x']) {
        const message = session.createTextMessage(`only ${id}`)
        message.setStringProperty('_AMQ_DUPL_ID', id)
        await producer.send(message)
      }
      await using consumer = await session.createConsumer(queue)
      assert.deepEqual(await texts(consumer, 3), ['0', '1', '2'])
      await consumer.close()
      await using picky = await session.createConsumer(
        queue,
        'JMSXGroupID IS NULL AND JMSPriority = 4',
      )
      assert.deepEqual(await texts(picky, 1), ['3'])
      await picky.close()
      await using transacted = await connection.createSession(Session.SESSION_TRANSACTED)
      await using failing = await transacted.createConsumer(queue)
      assert.deepEqual(await texts(failing, 1), ['4'])
      await transacted.rollback()
      await failing.close()
      const topic = session.createTopic('news')
      const durable = await session.createDurableConsumer(topic, 'mine')
      await durable.close()
      await using publisher = await session.createProducer(topic)
      await publisher.send(session.createTextMessage('while away'))
    }
    await using running = await start({}, data)
    await using connection = await running.connect(undefined, { clientID: 'me' })
    await using session = await connection.createSession()
    const queue = session.createQueue('again')
    await using producer = await session.createProducer(queue)
    const twice = session.createTextMessage('only x, again')
    twice.setStringProperty('_AMQ_DUPL_ID', 'x')
    await producer.send(twice)
    await using consumer = await session.createConsumer(queue)
    // Receives without waiting right after the start: messages in the log count as available.
    const first = await consumer.receiveNoWait()
    assert.equal(text(first), '4')
    assert.equal(first?.getIntProperty('JMSXDeliveryCount'), 2)
    // A slow machine gets the delayed message in its place among the others.
    const rest = await texts(consumer, 8)
    assert.ok(Date.now() >= due)
    assert.equal(rest.filter((each) => each === 'delayed').length, 1)
    assert.deepEqual(
      rest.filter((each) => each !== 'delayed'),
      ['5', '6', '7', '8', '9', 'only x', 'only y'],
    )
    assert.equal(await consumer.receive(200), null)
    await using durable = await session.createDurableConsumer(session.createTopic('news'), 'mine')
    assert.deepEqual(await texts(durable, 1), ['while away'])
  })

  it('is found by a client with failover, whose consumer and producer continue', async () => {
    const data = join(directory, 'failover')
    const first = await start({}, data)
    const port = first.address.split(':').at(-1)
    await using connection = await first.connect(
      `failover:(amqp://127.0.0.1:${port})?failover.maxReconnectDelay=200`,
    )
    await using session = await connection.createSession()
    const queue = session.createQueue('failover')
    await using producer = await session.createProducer(queue)
    await using consumer = await session.createConsumer(queue)
    const replies = await session.createTemporaryQueue()
    await using replied = await session.createConsumer(replies)
    await producer.send(session.createTextMessage('before'))
    assert.deepEqual(await texts(consumer, 1), ['before'])
    await first[Symbol.asyncDispose]()
    const sending = producer.send(session.createTextMessage('meanwhile'))
    await using second = await start({ 'amqp.listener': `127.0.0.1:${port}` }, data)
    await sending
    assert.deepEqual(await texts(consumer, 1), ['meanwhile'])
    await using replier = await session.createProducer(replies)
    await replier.send(session.createTextMessage('reply'))
    assert.deepEqual(await texts(replied, 1), ['reply'])
    assert.ok(second.provider.isOwner)
  })
})

describe('several providers over one cluster', () => {
  it('redirect clients to the owner, and replace it', async () => {
    const broker = await Broker.start({ config: { 'group.initial.rebalance.delay.ms': '0' } })
    const provider = (): Promise<JmsProvider> =>
      JmsProvider.start({
        client: { bootstrapServers: broker.address, network: broker.network },
        config: { 'amqp.listener': '127.0.0.1:0' },
      })
    const first = await provider()
    const second = await provider()
    try {
      // The second one takes over if it joins while the first is being made the owner.
      await until(() => first.isOwner !== second.isOwner)
      const [owner, other] = first.isOwner ? [first, second] : [second, first]
      const url = `failover:(amqp://${other.address},amqp://${owner.address})?failover.maxReconnectDelay=200`
      await using connection = await new ConnectionFactory(url).createConnection()
      await connection.start()
      await using session = await connection.createSession()
      const queue = session.createQueue('passed on')
      await using producer = await session.createProducer(queue)
      await using consumer = await session.createConsumer(queue)
      await producer.send(session.createTextMessage('1'))
      assert.deepEqual(await texts(consumer, 1), ['1'])
      // The receipt is on its way to the owner.
      const passed = await owner.engine?.existing('queue', 'passed on')
      await until(() => passed?.depth === 0)
      const began = performance.now()
      await owner.close()
      await producer.send(session.createTextMessage('2'))
      assert.deepEqual(await texts(consumer, 1), ['2'])
      assert.ok(performance.now() - began < 10_000)
      assert.equal(other.isOwner, true)
    } finally {
      await first.close()
      await second.close()
      await broker.close()
    }
  })
})

describe('policies of destinations', () => {
  it('block a producer while the queue is full', async () => {
    await using running = await start({ 'amqp.destination.small.max.messages': '20' })
    await using connection = await running.connect()
    await using session = await connection.createSession()
    const queue = session.createQueue('small')
    await using producer = await session.createProducer(queue)
    let sent = 0
    const sends = Array.from({ length: 100 }, async (_, i) => {
      await producer.send(session.createTextMessage(`${i}`))
      sent++
    })
    await until(() => sent >= 20)
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.ok(sent <= 21, `${sent} were accepted`)
    await using consumer = await session.createConsumer(queue)
    assert.deepEqual(
      await texts(consumer, 100),
      Array.from({ length: 100 }, (_, i) => `${i}`),
    )
    await Promise.all(sends)
  })

  it('deliver all messages to the first consumer of an exclusive queue', async () => {
    await using running = await start({ 'amqp.destination.only.#.exclusive': 'true' })
    await using connection = await running.connect()
    await using session = await connection.createSession()
    const queue = session.createQueue('only.one')
    const first = await session.createConsumer(queue)
    await using second = await (await connection.createSession()).createConsumer(queue)
    await using producer = await session.createProducer(queue)
    for (let i = 0; i < 4; i++) await producer.send(session.createTextMessage(`${i}`))
    assert.deepEqual(await texts(first, 4), ['0', '1', '2', '3'])
    await first.close()
    await producer.send(session.createTextMessage('next'))
    assert.deepEqual(await texts(second, 1), ['next'])
  })

  it('increase the delay before each redelivery', async () => {
    await using running = await start({
      'amqp.destination.slow.redelivery.delay.ms': '100',
      'amqp.destination.slow.redelivery.multiplier': '2',
    })
    await using connection = await running.connect()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const queue = session.createQueue('slow')
    await using producer = await session.createProducer(queue)
    await producer.send(session.createTextMessage('x'))
    await session.commit()
    await using consumer = await session.createConsumer(queue)
    await consumer.receive(WAIT_MS)
    for (const delay of [100, 200]) {
      const began = performance.now()
      await session.rollback()
      assert.equal(text(await consumer.receive(WAIT_MS)), 'x')
      assert.ok(performance.now() - began >= delay - 5)
    }
    await session.commit()
  })

  it('prevent the creation of destinations', async () => {
    await using running = await start({ 'amqp.destination.known.*.auto.create': 'false' })
    await using connection = await running.connect()
    await using session = await connection.createSession()
    await assert.rejects(session.createConsumer(session.createQueue('known.not')), {
      name: 'InvalidDestinationException',
    })
    await assert.rejects(session.createProducer(session.createQueue('known.not')), {
      name: 'InvalidDestinationException',
    })
    await using producer = await session.createProducer()
    await assert.rejects(
      producer.send(session.createQueue('known.not'), session.createTextMessage('x')),
      { name: 'InvalidDestinationException' },
    )
  })

  it('are rejected if they are invalid', async () => {
    const wrong: readonly (readonly [Record<string, string>, RegExp])[] = [
      [
        { 'amqp.lisener': 'x' },
        /unknown configuration amqp\.lisener; did you mean amqp\.listener\?/,
      ],
      [{ 'amqp.anonymous': 'no' }, /amqp\.anonymous: expected loopback, always, never/],
      [{ 'amqp.destination.a.max.messages': 'x' }, /expected a number/],
      [{ 'amqp.destination.a.colour': 'x' }, /expected amqp\.destination\.<pattern>/],
      [{ 'amqp.listener': 'nowhere' }, /expected host:port/],
    ]
    for (const [config, message] of wrong) {
      const error = await JmsProvider.start({
        client: { bootstrapServers: '127.0.0.1:1' },
        config,
      }).catch((failure: unknown) => failure)
      assert.ok(error instanceof ProviderConfigError, String(error))
      assert.match(error.message, message)
    }
  })
})

describe('a slow consumer with many messages', () => {
  it('costs little memory on either side', async () => {
    await using running = await start()
    await using connection = await running.connect()
    await using session = await connection.createSession()
    const queue = session.createQueue('many')
    await using producer = await session.createProducer(queue)
    const body = 'x'.repeat(32_768)
    for (let i = 0; i < 50; i++) {
      await Promise.all(
        Array.from({ length: 60 }, () => producer.send(session.createTextMessage(body))),
      )
    }
    await using consumer = await session.createConsumer(queue)
    assert.equal(text(await consumer.receive(WAIT_MS))?.length, 32_768)
    const cached = running.provider.engine?.cache.size ?? Number.NaN
    assert.ok(cached <= 49 * 1024 * 1024, `${cached} bytes are kept of 98 MB`)
    for (let i = 0; i < 100; i++) await consumer.receive(WAIT_MS)
  })
})

describe('authentication', () => {
  it('accepts a password', async () => {
    await using running = await start({ 'amqp.users': 'alice:secret,bob:s3:cret' })
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const options = { saslMechanisms: [mechanism] }
      for (const [username, password] of [
        ['alice', 'secret'],
        ['bob', 's3:cret'],
      ]) {
        await using connection = await running.connect(undefined, {
          ...options,
          username,
          password,
        })
        await using session = await connection.createSession()
        assert.ok(session)
      }
      for (const [username, password] of [
        ['alice', 'wrong'],
        ['nobody', 'secret'],
      ]) {
        await assert.rejects(
          running.connect(undefined, { ...options, username, password }),
          JMSSecurityException,
        )
      }
    }
    await assert.rejects(running.connect(), JMSException)
  })

  const tlsFile = (name: string): string => join(import.meta.dirname, '../testdata/tls', name)

  it('accepts a certificate, over TLS and over WebSocket', async () => {
    await using running = await start({
      'amqp.listener': 'amqps://127.0.0.1:0,wss://127.0.0.1:0,ws://127.0.0.1:0',
      'amqp.tls.certificate.file': tlsFile('server.pem'),
      'amqp.tls.key.file': tlsFile('server.key'),
      'amqp.tls.ca.file': tlsFile('ca.pem'),
      'amqp.tls.client.auth': 'requested',
      'amqp.anonymous': 'never',
      'amqp.users': 'carol:pw',
    })
    const ca = readFileSync(tlsFile('ca.pem'))
    const own = {
      cert: readFileSync(tlsFile('client.pem')),
      key: readFileSync(tlsFile('client.key')),
    }
    const [amqps = '', wss = '', ws = ''] = running.provider.addresses
    const ways: readonly (readonly [string, object])[] = [
      [amqps, { tls: { ca, ...own }, saslMechanisms: ['EXTERNAL'] }],
      [amqps, { tls: { ca }, username: 'carol', password: 'pw' }],
      [wss, { tls: { ca }, username: 'carol', password: 'pw' }],
      [ws, { username: 'carol', password: 'pw' }],
    ]
    for (const [url, options] of ways) {
      await using connection = await running.connect(url, options)
      await using session = await connection.createSession()
      const queue = session.createQueue('secured')
      await using producer = await session.createProducer(queue)
      await using consumer = await session.createConsumer(queue)
      const big = 'y'.repeat(300_000)
      await producer.send(session.createTextMessage(big))
      assert.equal(text(await consumer.receive(WAIT_MS)), big)
    }
    await assert.rejects(
      running.connect(amqps, { tls: { ca }, saslMechanisms: ['EXTERNAL'] }),
      JMSException,
    )
    await assert.rejects(
      running.connect(amqps, { username: 'carol', password: 'pw' }),
      JMSException,
    )
  })
})
