// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createLogger, MemoryNetwork, nodeWorld } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { ConnectionFactory, type TextMessage } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { effort } from '@millrace/testkit'
import { Conversation, type Cut, cutConnection } from './jms-conversation.ts'
import { until } from './until.ts'

/**
 * Distance between the cuts tested, in frames; the first cut differs from run to run. FRAMES=1
 * tests all cuts.
 */
const STRIDE = Number(process.env.FRAMES ?? effort(8, 1))
const MESSAGES = 12

const errors: string[] = []
const logger = createLogger({
  level: 'error',
  now: Date.now,
  write: (line) => errors.push(line),
})

let broker: Broker
let provider: JmsProvider
/** Network of the clients whose connections are cut. */
const network = new MemoryNetwork()
let port = 0
/** Another client, which must not be affected. */
let factory: ConnectionFactory
let runs = 0

before(async () => {
  broker = await Broker.start()
  provider = await JmsProvider.start({
    client: { bootstrapServers: broker.address, network: broker.network },
    config: { 'amqp.listener': '127.0.0.1:0' },
    logger,
    world: { ...nodeWorld, network: both(network) },
  })
  port = Number(provider.address.split(':').at(-1))
  factory = new ConnectionFactory(`amqp://${provider.address}`)
})
after(async () => {
  await provider.close()
  await broker.close()
})

/** A network whose listeners accept both TCP and in-process connections on the same port. */
function both(memory: MemoryNetwork): MemoryNetwork {
  const joined = Object.create(nodeWorld.network) as MemoryNetwork
  joined.connect = nodeWorld.network.connect
  joined.listen = async (options) => {
    const listener = await nodeWorld.network.listen(options)
    await memory.listen({ ...options, port: listener.port })
    return listener
  }
  return joined
}

/** Runs a conversation until its connection is cut, and returns the number of frames. */
async function talk(cut?: Cut): Promise<{ readonly sent: number; readonly received: number }> {
  const run = runs++
  const { connection, frames } = cutConnection(await network.connect({ port }), cut)
  const names = {
    clientId: 'mortal',
    workQueue: `work-${run % 2}`,
    outQueue: `out-${run % 2}`,
    topic: 'topic',
  }
  await fill(names.workQueue)
  const conversation = new Conversation(connection, names)
  const outcome = await conversation.run().then(
    () => 'closed',
    (error: unknown) => String(error),
  )
  if (cut === undefined) assert.equal(outcome, 'closed')
  await nothingIsLeft(`${JSON.stringify(cut)}: ${outcome}`)
  await messagesAreThere(names, cut)
  return { sent: frames.sent, received: frames.received }
}

async function fill(queue: string): Promise<void> {
  await using connection = await factory.createConnection()
  await using session = await connection.createSession()
  await using producer = await session.createProducer(session.createQueue(queue))
  await Promise.all(
    Array.from({ length: MESSAGES }, (_, i) => producer.send(session.createTextMessage(`${i}`))),
  )
}

async function nothingIsLeft(what: string): Promise<void> {
  const isEmpty = (): boolean => Object.values(provider.usage).every((count) => count === 0)
  await until(isEmpty).catch(() => undefined)
  assert.ok(isEmpty(), `${what} leaves ${JSON.stringify(provider.usage)}`)
  assert.deepEqual(errors, [], what)
}

async function drain(queue: string): Promise<string[]> {
  await using connection = await factory.createConnection()
  await connection.start()
  await using session = await connection.createSession()
  await using consumer = await session.createConsumer(session.createQueue(queue))
  const found: string[] = []
  for (;;) {
    const message = await consumer.receiveNoWait()
    if (message === null) return found
    found.push((message as TextMessage).getText() ?? '')
  }
}

/**
 * At most one message was consumed outside of transactions; the others remain, in order. Each
 * transaction took effect as a whole or not at all.
 */
async function messagesAreThere(
  names: { readonly workQueue: string; readonly outQueue: string },
  cut: Cut | undefined,
): Promise<void> {
  const what = JSON.stringify(cut)
  const out = (await drain(names.outQueue)).filter((text) => !text.startsWith('xxx'))
  assert.ok(out.length === 0 || out.join() === 'committed 1,committed 2', `${what}: ${out}`)
  const left = (await drain(names.workQueue)).map(Number)
  const sorted = left.toSorted((a, b) => a - b)
  assert.deepEqual(left, sorted, `${what}: out of order`)
  const consumed = MESSAGES - left.length - out.length
  assert.ok(consumed === 0 || consumed === 1, `${what}: ${left} with ${out.length} committed`)
}

describe('unauthenticated random bytes', () => {
  it('end only their own connection', async () => {
    const relay = (rest: Buffer): Buffer => Buffer.concat([Buffer.from('MILLRACE-RELAY '), rest])
    const starts = [
      // A key of the right length whose characters have two bytes each.
      relay(Buffer.concat([Buffer.alloc(32, 0xff), Buffer.from(' 10.0.0.1 \n')])),
      relay(Buffer.from('\n')),
      relay(Buffer.alloc(1000, 'x')),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(1000),
      Buffer.alloc(1000, 0xff),
    ]
    for (const start of starts) {
      const connection = await network.connect({ port })
      const closed = new Promise<void>((resolve) => {
        connection.onClose = () => resolve()
      })
      connection.write([start])
      await closed
    }
    await nothingIsLeft('garbage')
  })
})

describe('a client that crashes', () => {
  it('leaves no resources behind, at whichever frame it crashes', async () => {
    const whole = await talk()
    assert.ok(whole.sent > 50 && whole.received > 50, JSON.stringify(whole))
    for (const direction of ['sent', 'received'] as const) {
      for (let afterFrames = runs % STRIDE; afterFrames < whole[direction]; ) {
        // Cut between two frames, or within a frame.
        for (const extraBytes of [0, 11]) await talk({ direction, afterFrames, extraBytes })
        afterFrames += STRIDE
      }
    }
  })
})
