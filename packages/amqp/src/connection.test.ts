// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteReader, type Connection, connectionPair, nodeWorld } from '@millrace/base'
import { seededRandom } from '@millrace/testkit'
import fc from 'fast-check'
import { decodeValue } from './codec/decode.ts'
import { Encoder } from './codec/encoder.ts'
import { amqpHeader, encodeFrame } from './codec/frames.ts'
import { type AmqpValue, Described, symbol, Typed } from './codec/types.ts'
import { AmqpConnection } from './connection.ts'
import type { IncomingDelivery } from './delivery.ts'
import type { SenderLink } from './link.ts'
import { EncodedMessage, encodeMessage } from './message.ts'
import type { Session } from './session.ts'

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

/** A server that records received deliveries and uses all credit on its sender links. */
function serve(transport: Connection, received: IncomingDelivery[] = []): AmqpConnection {
  const connection: AmqpConnection = new AmqpConnection(transport, {
    role: 'server',
    clock: nodeWorld.clock,
    containerId: 'server',
    handler: {
      onOpen: () => connection.open(),
      onClose() {},
      onSession(session) {
        session.handler = {
          onEnd() {},
          onLink(link) {
            if (link.role === 'receiver') {
              link.handler = {
                onDelivery(delivery) {
                  received.push(delivery)
                },
                onDetach: () => link.detach({ closed: true }),
              }
              link.attach({
                target: link.remote?.target,
                source: link.remote?.source,
                maxMessageSize: 1 << 20,
              })
              link.setCredit(10)
              return
            }
            link.handler = {
              onSendable() {
                while (link.isSendable) link.send([Buffer.alloc(100)], { settled: false })
                link.drained()
              },
              onDisposition: (delivery) => delivery.settle(),
              onDetach: () => link.detach({ closed: true }),
            }
            link.attach({ target: link.remote?.target, source: link.remote?.source })
          },
        }
      },
    },
  })
  return connection
}

async function pair(received: IncomingDelivery[] = []): Promise<{
  readonly client: AmqpConnection
  readonly session: Session
  readonly server: AmqpConnection
}> {
  const [near, far] = connectionPair(5672)
  const server = serve(far, received)
  const client = new AmqpConnection(near, {
    role: 'client',
    clock: nodeWorld.clock,
    containerId: 'client',
    maxFrameSize: 512,
    handler: { onClose() {} },
  })
  await client.opened
  const session = client.begin()
  await session.begun
  return { client, session, server }
}

async function sender(session: Session): Promise<SenderLink> {
  const link = session.sender('out')
  link.handler = { onSendable() {}, onDisposition() {}, onDetach() {} }
  link.attach({ source: { kind: 'source' }, target: { kind: 'target', address: 'q' } })
  await link.attached
  await pause()
  return link
}

describe('AMQP values', () => {
  const scalar = fc.oneof<fc.Arbitrary<AmqpValue>[]>(
    fc.constant(null),
    fc.boolean(),
    fc.string(),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.integer({ min: 0, max: 255 }).map((value) => new Typed('ubyte', value)),
    fc.integer({ min: -128, max: 127 }).map((value) => new Typed('byte', value)),
    fc.integer({ min: 0, max: 65_535 }).map((value) => new Typed('ushort', value)),
    fc.integer({ min: -32_768, max: 32_767 }).map((value) => new Typed('short', value)),
    fc.integer({ min: 0, max: 0xffffffff }).map((value) => new Typed('uint', value)),
    fc.integer().map((value) => new Typed('int', value)),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new Typed('ulong', value)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => new Typed('long', value)),
    fc.float({ noNaN: true }).map((value) => new Typed('float', value)),
    fc.double({ noNaN: true }).map((value) => new Typed('double', value)),
    fc.uuid().map((value) => new Typed('uuid', value)),
    fc.integer({ min: 0, max: 2 ** 45 }).map((value) => new Typed('timestamp', value)),
    fc.string({ minLength: 1 }).map((text) => symbol(text)),
  )
  const value = fc.letrec<{ any: AmqpValue }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('any'), { maxLength: 5 }),
      fc
        .uniqueArray(fc.string(), { maxLength: 5 })
        .chain((keys) =>
          fc
            .tuple(...keys.map(() => tie('any')))
            .map((items) => new Map(keys.map((key, i) => [key, items[i] as AmqpValue]))),
        ),
      tie('any').map((inner) => new Described(symbol('x'), inner)),
    ),
  })).any

  it('are unchanged after a round trip', () => {
    fc.assert(
      fc.property(value, (original) => {
        const encoder = new Encoder()
        encoder.value(original)
        const reader = new ByteReader(encoder.finish())
        assert.deepEqual(decodeValue(reader), original)
        assert.equal(reader.remaining, 0)
      }),
    )
  })

  it('are rejected if they are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeValue(new ByteReader(Buffer.from(bytes)))
        } catch (error) {
          assert.equal((error as Error).name, 'MalformedInputError')
        }
      }),
    )
  })

  it('are rejected if nested too deeply or too numerous', () => {
    const deep = Buffer.concat([
      ...Array(100).fill(Buffer.from([0xc0, 0xff, 1])),
      Buffer.from([0x40]),
    ])
    assert.throws(() => decodeValue(new ByteReader(deep)), { name: 'MalformedInputError' })
    // Thirteen bytes that declare an array of four billion nulls.
    const bomb = Buffer.from([0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40])
    assert.throws(() => decodeValue(new ByteReader(bomb)), { name: 'MalformedInputError' })
  })
})

describe('connections, sessions and links', () => {
  it('carry a message of many frames and one outcome per message', async () => {
    const received: IncomingDelivery[] = []
    const { session, client } = await pair(received)
    const link = await sender(session)
    const large = encodeMessage({ body: { kind: 'data', data: Buffer.alloc(100_000, 'z') } })
    const outcomes: unknown[] = []
    link.handler = {
      onSendable() {},
      onDisposition(delivery) {
        outcomes.push([delivery.context, delivery.remoteState?.kind])
        delivery.settle()
      },
      onDetach() {},
    }
    for (let i = 0; i < 3; i++) link.send([large], { settled: false, context: i })
    await pause()
    assert.equal(received.length, 3)
    const body = new EncodedMessage(received[0]?.payload as Buffer).body
    assert.equal(body.kind === 'data' && body.data.length, 100_000)
    // Three different outcomes in one turn must arrive as three dispositions.
    received[0]?.update({ kind: 'accepted' })
    received[1]?.update({ kind: 'rejected' })
    received[2]?.update({ kind: 'released' })
    await pause()
    assert.deepEqual(outcomes, [
      [0, 'accepted'],
      [1, 'rejected'],
      [2, 'released'],
    ])
    await client.close()
  })

  it('drain a link and detach it, and the other links stay attached', async () => {
    const { session, client } = await pair()
    const link = session.receiver('in')
    let count = 0
    const drained = Promise.withResolvers<void>()
    link.handler = {
      onDelivery(delivery) {
        count++
        delivery.update({ kind: 'accepted' })
      },
      onDrained: () => drained.resolve(),
      onDetach() {},
    }
    link.attach({ source: { kind: 'source', address: 'q' }, target: { kind: 'target' } })
    await link.attached
    link.setCredit(5)
    link.drain()
    await drained.promise
    assert.equal(count, 5)
    assert.equal(link.credit, 0)
    link.detach({ closed: true })
    const other = await sender(session)
    assert.ok(other.credit > 0)
    assert.throws(() => {
      for (let i = 0; i < 11; i++) other.send([Buffer.alloc(1)], { settled: true })
    }, /no credit/)
    await client.close()
  })

  it('detach a link with message-size-exceeded after a message that is too large', async () => {
    const { session, client } = await pair()
    const link = await sender(session)
    const detached = Promise.withResolvers<string | undefined>()
    link.handler = {
      onSendable() {},
      onDisposition() {},
      onDetach: (detach) => detached.resolve(detach?.error?.condition),
    }
    link.send([Buffer.alloc(2 << 20)], { settled: false })
    assert.equal(await detached.promise, 'amqp:link:message-size-exceeded')
    await client.close()
  })

  /** A complete exchange as bytes, from the client's side. */
  function conversation(): Buffer {
    const frame = (body: { readonly kind: string }, payload: Buffer = Buffer.alloc(0)): Buffer =>
      Buffer.concat([encodeFrame(0, 0, body, payload.length), payload])
    const attach = (name: string, handle: number, role: boolean): Buffer =>
      frame({
        kind: 'attach',
        name,
        handle,
        role,
        source: { kind: 'source', address: 'q' },
        target: { kind: 'target', address: 'q' },
        initialDeliveryCount: 0,
      } as never)
    const message = encodeMessage({
      header: { durable: true },
      properties: { messageId: 'm' },
      body: { kind: 'value', value: 'x' },
    })
    return Buffer.concat([
      amqpHeader,
      frame({ kind: 'open', containerId: 'c', maxFrameSize: 1024 } as never),
      frame({
        kind: 'begin',
        nextOutgoingId: 0,
        incomingWindow: 100,
        outgoingWindow: 100,
      } as never),
      attach('out', 0, false),
      attach('in', 1, true),
      frame(
        { kind: 'transfer', handle: 0, deliveryId: 0, deliveryTag: Buffer.from('t') } as never,
        message,
      ),
      frame({
        kind: 'flow',
        nextIncomingId: 0,
        incomingWindow: 100,
        nextOutgoingId: 1,
        outgoingWindow: 100,
        handle: 1,
        deliveryCount: 0,
        linkCredit: 3,
        drain: true,
      } as never),
      frame({
        kind: 'disposition',
        role: true,
        first: 0,
        last: 2,
        settled: true,
        state: { kind: 'accepted' },
      } as never),
      frame({ kind: 'detach', handle: 0, closed: true } as never),
      frame({ kind: 'end' }),
      frame({ kind: 'close' }),
    ])
  }

  it('handle any mutation of valid input without an unhandled exception', async () => {
    const whole = conversation()
    const random = seededRandom(7)
    let untouched = 0
    for (let run = 0; run < 2000; run++) {
      const [near, far] = connectionPair(5672)
      const server = serve(far)
      let answer = 0
      near.onData = (chunk) => {
        answer += chunk.length
      }
      const bytes: Buffer = Buffer.from(whole)
      for (let k = random.integer(6); k > 0; k--) {
        bytes[random.integer(bytes.length)] = random.integer(256)
      }
      const cut = random.integer(3) === 0 ? random.integer(bytes.length) : bytes.length
      for (let at = 0; at < cut; ) {
        const size = Math.min(1 + random.integer(200), cut - at)
        near.write([bytes.subarray(at, at + size)])
        at += size
      }
      await new Promise((resolve) => setImmediate(resolve))
      if (bytes.equals(whole) && cut === whole.length) {
        untouched++
        assert.ok(answer > 100 && server.isGone)
      }
      near.destroy()
      await new Promise((resolve) => setImmediate(resolve))
      assert.ok(server.isGone)
    }
    assert.ok(untouched > 10)
  })
})
