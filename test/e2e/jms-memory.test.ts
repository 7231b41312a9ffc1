// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  AmqpConnection,
  type AmqpError,
  type AnyComposite,
  connect,
  Encoder,
  encodeComposite,
  encodeMessage,
  type IncomingDelivery,
  type Session,
} from '@millrace/amqp'
import { type Connection, nodeWorld } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { ConnectionFactory } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { WebSocket } from 'ws'
import { until } from './until.ts'

const MEGABYTE = 1024 * 1024
const WAIT_MS = 5000

let broker: Broker
let provider: JmsProvider

before(async () => {
  broker = await Broker.start()
  provider = await JmsProvider.start({
    client: { bootstrapServers: broker.address, network: broker.network },
    config: {
      'amqp.listener': '127.0.0.1:0,ws://127.0.0.1:0',
      'amqp.unread.max.bytes': String(2 * MEGABYTE),
      'amqp.incomplete.max.bytes': String(16 * MEGABYTE),
      'amqp.temporary.max.bytes': String(MEGABYTE),
      'amqp.connection.max.links': '20',
      'amqp.connection.max.unsettled': '50',
      'amqp.max.connections': '60',
    },
  })
})
after(async () => {
  await provider.close()
  await broker.close()
})

const [host, port] = ['127.0.0.1', () => Number(provider.addresses[0]?.split(':').at(-1))]

/** A client whose socket can stop reading, or stop sending after a number of bytes. */
async function hostile(limit = Number.POSITIVE_INFINITY): Promise<{
  readonly transport: Connection
  readonly connection: AmqpConnection
  readonly session: Session
  readonly closed: Promise<AmqpError | undefined>
}> {
  const transport = await nodeWorld.network.connect({ host, port: port() })
  const { write } = transport
  let left = limit
  transport.write = (buffers) => {
    const bytes = Buffer.concat(buffers).subarray(0, left)
    left -= bytes.length
    return bytes.length === 0 || write([bytes])
  }
  const closed = Promise.withResolvers<AmqpError | undefined>()
  const connection = new AmqpConnection(transport, {
    role: 'client',
    clock: nodeWorld.clock,
    containerId: `hostile-${Math.random()}`,
    handler: { onClose: (error) => closed.resolve(error) },
  })
  await connection.opened
  const session = connection.begin()
  await session.begun
  return { transport, connection, session, closed: closed.promise }
}

/** A flow frame of the session that asks for a flow in return. */
function flowWithEcho(channel: number): Buffer {
  const encoder = new Encoder()
  encoder.raw(Buffer.from([0, 0, 0, 0, 2, 0, 0, channel]))
  const windows = { nextIncomingId: 0, incomingWindow: 2048, nextOutgoingId: 0, outgoingWindow: 1 }
  encodeComposite(encoder, { kind: 'flow', ...windows, echo: true } as AnyComposite)
  const frame = encoder.finish()
  frame.writeUInt32BE(frame.length, 0)
  return frame
}

/** Sends a message when credit is available. */
async function sendWhole(session: Session, body: Buffer): Promise<void> {
  const link = session.sender('out')
  const sent = Promise.withResolvers<void>()
  link.handler = {
    onSendable() {
      if (link.credit === 0) return
      link.send([body], { settled: false })
      sent.resolve()
    },
    onDisposition() {},
    onDetach() {},
  }
  link.attach({ source: { kind: 'source' }, target: { kind: 'target', address: 'never' } })
  await sent.promise
}

/** Another client sends and receives a message. */
async function anotherIsServed(size = 100): Promise<void> {
  const factory = new ConnectionFactory(`amqp://${host}:${port()}`)
  await using connection = await factory.createConnection()
  await connection.start()
  await using session = await connection.createSession()
  const queue = session.createQueue(`other-${Math.random()}`)
  await using producer = await session.createProducer(queue)
  await using consumer = await session.createConsumer(queue)
  await producer.send(session.createTextMessage('x'.repeat(size)))
  assert.ok(await consumer.receive(WAIT_MS))
}

async function fill(name: string, count: number, size: number): Promise<void> {
  const factory = new ConnectionFactory(`amqp://${host}:${port()}`)
  await using connection = await factory.createConnection()
  await using session = await connection.createSession()
  await using producer = await session.createProducer(session.createQueue(name))
  const body = 'x'.repeat(size)
  await Promise.all(
    Array.from({ length: count }, () => producer.send(session.createTextMessage(body))),
  )
}

async function allIsGone(): Promise<void> {
  await until(() => provider.usage.connections === 0)
  assert.equal(provider.usage.unreadBytes, 0)
  assert.equal(provider.usage.incompleteBytes, 0)
}

describe('memory, over all connections', () => {
  it('is bounded if clients receive messages and never read them', async () => {
    await fill('unread', 40, MEGABYTE)
    const clients = await Promise.all(Array.from({ length: 30 }, hostile))
    for (const { transport, session } of clients) {
      const link = session.receiver('in')
      link.attach({
        // A browser, so that each client receives all messages.
        source: { kind: 'source', address: 'unread', distributionMode: 'copy' },
        target: { kind: 'target' },
      })
      await link.attached
      transport.pause()
      link.setCredit(1000)
    }
    await until(() => provider.usage.unreadBytes > 2 * MEGABYTE)
    await anotherIsServed()
    await anotherIsServed(3 * MEGABYTE)
    const { unreadBytes } = provider.usage
    // Each has at most what a socket accepts at once.
    assert.ok(unreadBytes < 80 * MEGABYTE, `${unreadBytes}`)
    for (const { transport } of clients) transport.destroy()
    await allIsGone()
  })

  it('is bounded if a client sends requests and never reads the replies', async () => {
    const { transport, session } = await hostile()
    const link = session.sender('out')
    link.attach({ source: { kind: 'source' }, target: { kind: 'target', address: 'flows' } })
    await link.attached
    transport.pause()
    let isFull = false
    transport.onDrain = () => {
      isFull = false
    }
    const requests = Buffer.concat(Array(5000).fill(flowWithEcho(session.channel)))
    for (let round = 0; round < 300 && !isFull; round++) {
      isFull = !transport.write([requests]) && transport.unsentBytes > 8 * MEGABYTE
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(isFull, 'the server continues to read')
    assert.ok(provider.usage.unreadBytes < 2 * MEGABYTE, `${provider.usage.unreadBytes}`)
    await anotherIsServed()
    transport.destroy()
    await allIsGone()
  })

  it('is bounded if messages are never completed', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => hostile(3 * MEGABYTE)))
    const body = encodeMessage({ body: { kind: 'data', data: Buffer.alloc(5 * MEGABYTE) } })
    const ends: Promise<AmqpError | undefined>[] = []
    for (const { session, closed } of clients) {
      await sendWhole(session, body)
      ends.push(closed)
    }
    const first = await Promise.race(ends)
    assert.equal(first?.code, 'amqp:resource-limit-exceeded')
    assert.match(String(first), /amqp\.incomplete\.max\.bytes=16777216/)
    assert.ok(provider.usage.incompleteBytes <= 17 * MEGABYTE, `${provider.usage.incompleteBytes}`)
    assert.ok(provider.usage.incompleteBytes > 8 * MEGABYTE, `${provider.usage.incompleteBytes}`)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    // The stalled messages are dropped, and a message that completes is accepted.
    await anotherIsServed(12 * MEGABYTE)
    for (const { transport } of clients) transport.destroy()
    await allIsGone()
  })

  it('is bounded if messages are sent to a temporary queue without consumers', async () => {
    const connection = await connect({ url: `amqp://${host}:${port()}`, containerId: 'temporary' })
    const session = connection.begin()
    const link = session.sender('out')
    const refused = Promise.withResolvers<string>()
    const body = encodeMessage({ body: { kind: 'data', data: Buffer.alloc(100_000) } })
    link.handler = {
      onSendable() {
        if (link.isSendable) link.send([body], { settled: false })
      },
      onDisposition(delivery) {
        const { remoteState } = delivery
        delivery.settle()
        if (remoteState?.kind === 'rejected') refused.resolve(JSON.stringify(remoteState.error))
        else if (link.isSendable) link.send([body], { settled: false })
      },
      onDetach() {},
    }
    link.attach({ source: { kind: 'source' }, target: { kind: 'target', dynamic: true } })
    assert.match(
      await refused.promise,
      /resource-limit-exceeded.*amqp\.temporary\.max\.bytes=1048576/,
    )
    await connection.close()
    await allIsGone()
  })

  it('is bounded if a client never settles messages; it receives more once it does', async () => {
    await fill('unsettled', 200, 10)
    const { transport, session } = await hostile()
    const link = session.receiver('in')
    const deliveries: IncomingDelivery[] = []
    link.handler = { onDelivery: (delivery) => deliveries.push(delivery), onDetach() {} }
    link.attach({
      source: { kind: 'source', address: 'unsettled' },
      target: { kind: 'target' },
    })
    await link.attached
    link.setCredit(1000)
    await until(() => deliveries.length === 50)
    await anotherIsServed()
    assert.equal(deliveries.length, 50)
    for (let count = 50; count < 200; ) {
      for (const delivery of deliveries.splice(0)) delivery.update({ kind: 'accepted' })
      count += 50
      await until(() => deliveries.length === 50)
    }
    transport.destroy()
    await allIsGone()
  })

  it('is bounded for links and connections', async () => {
    const { transport, session } = await hostile()
    const links = Array.from({ length: 25 }, (_, i) => {
      const link = session.sender(`${i}`)
      link.attach({ source: { kind: 'source' }, target: { kind: 'target', address: 'links' } })
      return link.attached.then(() => 'attached', String)
    })
    const outcomes = await Promise.all(links)
    assert.equal(outcomes.filter((each) => each === 'attached').length, 20)
    assert.match(outcomes.at(-1) ?? '', /amqp\.connection\.max\.links=20/)
    transport.destroy()
    const sockets = await Promise.all(
      Array.from({ length: 80 }, () => nodeWorld.network.connect({ host, port: port() })),
    )
    let closed = 0
    for (const socket of sockets) {
      socket.onClose = () => {
        closed++
      }
    }
    await until(() => closed === 20)
    for (const socket of sockets) socket.destroy()
    await until(() => closed === 80)
    await until(async () => {
      await anotherIsServed()
      return true
    })
    await allIsGone()
  })

  it('is bounded for WebSocket messages before authentication', async () => {
    const socket = new WebSocket(provider.addresses[1] ?? '', 'amqp')
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    socket.send(Buffer.alloc(5 * MEGABYTE))
    // Close code 1009: message too big.
    assert.equal(await closed, 1009)
  })
})
