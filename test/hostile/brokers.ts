// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeWorld } from '@millrace/base'
import { Admin, Consumer, Producer, ShareConsumer } from '@millrace/client'
import { ConnectionFactory } from '@millrace/jms'
import { SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { freePort } from '@millrace/testkit'
import type { Protocol, Watched } from './hostile-suite.ts'
import { Sockets } from './misbehaviours.ts'
import { RecordingProxy } from './recording-proxy.ts'
import { exchange, registryMisbehaviours, registryPreparation } from './registry-misbehaviours.ts'
import { ServerUnderTest } from './server-under-test.ts'

/** `millrace start` with Kafka, AMQP and AMQP over WebSocket, and the traffic of honest clients. */
export interface BrokerUnderTest extends Watched, AsyncDisposable {
  readonly protocols: readonly Protocol[]
}

export async function startBroker(): Promise<BrokerUnderTest> {
  const [amqpPort, webSocketPort] = [await freePort(), await freePort()]
  const { server, match } = await ServerUnderTest.start(
    [
      'start',
      '--data',
      mkdtempSync(join(tmpdir(), 'hostile-')),
      '--listen',
      '127.0.0.1:0',
      '--amqp',
      `127.0.0.1:${amqpPort},ws://127.0.0.1:${webSocketPort}`,
      '--registry',
      '127.0.0.1:0',
      '--log-level',
      'warn',
    ],
    /^millrace ready kafka=127\.0\.0\.1:(\d+) .*registry=127\.0\.0\.1:(\d+)/m,
  )
  const [kafkaPort, registryPort] = [Number(match[1]), Number(match[2])]
  const admin = new Admin({ bootstrapServers: `127.0.0.1:${kafkaPort}` })
  await admin.createTopics([{ name: 'hostile', numPartitions: 3 }])
  const kafka = await recordKafka(kafkaPort)
  const amqp = await recordJms(amqpPort, 'amqp')
  const webSocket = await recordJms(webSocketPort, 'ws')
  const registry = await recordRegistry(registryPort)
  const bigEndian = (size: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(size)
    return bytes
  }
  const amqpHeader = Buffer.from('AMQP\0\x01\0\0', 'latin1')
  return {
    server,
    protocols: [
      {
        name: 'Kafka',
        port: kafkaPort,
        conversations: kafka,
        hugeLengths: [bigEndian(0x7fffffff), bigEndian(-1), bigEndian(99_000_000)],
      },
      {
        name: 'AMQP',
        port: amqpPort,
        conversations: amqp,
        hugeLengths: [
          Buffer.concat([amqpHeader, bigEndian(0x7fffffff)]),
          Buffer.concat([amqpHeader, bigEndian(0)]),
        ],
      },
      {
        name: 'AMQP over WebSocket',
        port: webSocketPort,
        conversations: webSocket,
        // A frame of 2^40 bytes, masked.
        hugeLengths: [Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4])],
      },
      {
        name: 'schema registry',
        port: registryPort,
        conversations: registry,
        ownMisbehaviours: registryMisbehaviours,
        hugeLengths: [
          Buffer.from('POST /config HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n{'),
          Buffer.from(
            'PUT /config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{',
          ),
          Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(2_000_000)}`),
        ],
      },
    ],
    // A Kafka request; the AMQP ports share its event loop.
    exchange: async () => void (await admin.listTopics()),
    leftovers: async () => {
      // Frees the client ids of the recorded conversations.
      const problems: string[] = []
      for (const url of [`amqp://127.0.0.1:${amqpPort}`, `ws://127.0.0.1:${webSocketPort}`]) {
        const clientID = `hostile-${url.slice(0, 2)}`
        await new ConnectionFactory(url, { clientID })
          .createConnection()
          .then((connection) => connection.close())
          .catch((error: Error) => problems.push(`${clientID}: ${error.message}`))
      }
      return problems
    },
    async [Symbol.asyncDispose]() {
      await admin.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Registers, reads, checks and deletes; afterwards the registry has what lists and checks need. */
async function recordRegistry(port: number): Promise<Buffer[][]> {
  await using proxy = await RecordingProxy.start(port)
  await using client = new SchemaRegistryClient({ urls: `http://127.0.0.1:${proxy.port}` })
  for (const schemaType of ['AVRO', 'JSON', 'PROTOBUF'] as const) {
    const schema = schemaType === 'PROTOBUF' ? 'message M { optional int32 a = 1; }' : '"int"'
    const input = { schemaType, schema: schemaType === 'JSON' ? '{"type":"integer"}' : schema }
    await client.register(`hostile-${schemaType}`, input)
  }
  const conversations = proxy.conversations.map((chunks) => [...chunks])
  const sockets = new Sockets()
  await exchange(await sockets.connect(port), registryPreparation())
  // The heap grows with the first evaluations, and shrinks when it is collected next.
  const target = { port, conversations, hugeLengths: [] }
  for (let i = 0; i < 2; i++) {
    await registryMisbehaviours['sends schemas that are slow to compare']?.(target, sockets)
    await registryMisbehaviours['sends schemas near the limit of length']?.(target, sockets)
  }
  sockets.closeAll()
  return conversations
}

/** A transactional producer, a consumer and a share consumer, each with work in progress. */
async function recordKafka(port: number): Promise<Buffer[][]> {
  await using proxy = await RecordingProxy.start(port)
  // Brokers advertise their own address, so only the first connection would go through the proxy. A
  // network that redirects every connection to the proxy solves that.
  const network: typeof nodeWorld.network = {
    ...nodeWorld.network,
    connect: (options) => nodeWorld.network.connect({ ...options, port: proxy.port }),
  }
  const connection = { bootstrapServers: `127.0.0.1:${port}`, network }
  await using producer = new Producer({ ...connection, transactionalId: 'hostile' })
  await using consumer = new Consumer({
    ...connection,
    groupId: 'hostile',
    topics: ['hostile'],
    autoOffsetReset: 'earliest',
  })
  await using shared = new ShareConsumer({
    ...connection,
    groupId: 'hostile-share',
    topics: ['hostile'],
  })
  await producer.transaction(async (tx) => {
    await tx.send([1, 2, 3].map((n) => ({ topic: 'hostile', value: `committed ${n}` })))
  })
  await producer.beginTransaction()
  await producer.send({ topic: 'hostile', value: 'left open' })
  await Promise.all([consumer.poll(500), shared.poll(500)])
  const conversations = proxy.conversations.map((chunks) => [...chunks])
  await producer.abortTransaction()
  return conversations
}

/**
 * A session with everything in use: transaction, consumers, browser, subscription, temporary queue.
 */
async function recordJms(port: number, scheme: 'amqp' | 'ws'): Promise<Buffer[][]> {
  await using proxy = await RecordingProxy.start(port)
  const clientID = `hostile-${scheme.slice(0, 2)}`
  const factory = new ConnectionFactory(`${scheme}://127.0.0.1:${proxy.port}`, { clientID })
  await using connection = await factory.createConnection()
  await connection.start()
  await using session = await connection.createSession(true)
  const queue = session.createQueue(`hostile-${scheme}`)
  await using producer = await session.createProducer(queue)
  for (const text of ['a', 'b', 'c']) await producer.send(session.createTextMessage(text))
  await session.commit()
  await using consumer = await session.createConsumer(queue)
  await consumer.receive(5000)
  const temporary = await session.createTemporaryQueue()
  await using replies = await session.createConsumer(temporary)
  await using durable = await session.createDurableConsumer(
    session.createTopic(`hostile-topic-${scheme}`),
    'subscription',
  )
  await using browser = await session.createBrowser(queue)
  await producer.send(session.createTextMessage('uncommitted'))
  await Promise.all([replies.receiveNoWait(), durable.receiveNoWait(), browser.getQueue()])
  const conversations = proxy.conversations.map((chunks) => [...chunks])
  await session.rollback()
  return conversations
}
