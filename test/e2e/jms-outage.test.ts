// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import {
  type Attach,
  Condition,
  type Detach,
  decodeComposite,
  Encoder,
  type ErrorCondition,
  encodeComposite,
} from '@millrace/amqp'
import { ByteReader } from '@millrace/base'
import { Admin, Producer } from '@millrace/client'
import {
  type Connection,
  ConnectionFactory,
  type ConnectionFactoryOptions,
  IllegalStateException,
  InvalidClientIDException,
  JMSContext,
  JMSException,
  type JmsListener,
  jmsListener,
  json,
  type Message,
  Queue,
  QueueRequestor,
  Session,
  TextMessage,
  Topic,
  TransactionInDoubtException,
  TransactionRolledBackException,
} from '@millrace/jms'
import { FrameNetwork } from '../simulation/frame-network.ts'
import { FIRST_AMQP_PORT, SimulatedProvider } from '../simulation/simulated-provider.ts'
import { SimulatedWorld } from '../simulation/simulated-world.ts'

const LONGEST_RUN_MS = 600_000
const WAIT_MS = 5000

/** A provider in simulated time, over a network that the test can break. */
interface Outage {
  readonly world: SimulatedWorld
  readonly provider: SimulatedProvider
  readonly network: FrameNetwork
  readonly url: string
  factory(options?: ConnectionFactoryOptions): ConnectionFactory
  /** Creates a started connection that reconnects. */
  connect(options?: ConnectionFactoryOptions): Promise<Connection>
  /** Creates a connection over a separate network that never breaks. */
  bystander(): Promise<Connection>
  until(condition: () => boolean): Promise<void>
}

async function during(
  work: (outage: Outage) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const world = new SimulatedWorld(1, { 'group.initial.rebalance.delay.ms': '0' })
  world.calm()
  const provider = new SimulatedProvider(world, { config })
  const network = new FrameNetwork(world.network.machine())
  const url = `amqp://127.0.0.1:${FIRST_AMQP_PORT}`
  const clock = world.clock.process()
  const factory = (options: ConnectionFactoryOptions = {}): ConnectionFactory =>
    new ConnectionFactory(url, { world: { clock, random: world.random, network }, ...options })
  const started = async (from: ConnectionFactory): Promise<Connection> => {
    const connection = await from.createConnection()
    await connection.start()
    return connection
  }
  const outage: Outage = {
    world,
    provider,
    network,
    url,
    factory,
    connect: (options) => started(factory({ reconnect: true, ...options })),
    bystander: () =>
      started(
        factory({ world: { clock, random: world.random, network: world.network.machine() } }),
      ),
    async until(condition) {
      const deadline = world.clock.elapsedMs + 60_000
      while (!condition()) {
        if (world.clock.elapsedMs > deadline) throw new Error(`still not true: ${condition}`)
        await world.pass(10)
      }
    },
  }
  const run = async (): Promise<void> => {
    await world.start()
    await provider.start()
    await work(outage)
    network.cut()
    await provider.close()
    await world.close()
  }
  await world.clock.run(run(), LONGEST_RUN_MS)
}

const textOf = (message: Message | null): string | null => {
  if (message === null) return null
  assert.ok(message instanceof TextMessage)
  return message.getText()
}

async function send(outage: Outage, queue: string, ...texts: readonly string[]): Promise<void> {
  await using connection = await outage.bystander()
  await using session = await connection.createSession()
  await using producer = await session.createProducer(session.createQueue(queue))
  for (const text of texts) await producer.send(session.createTextMessage(text))
}

/** Returns the messages of a queue, each with its delivery count. */
async function drain(outage: Outage, queue: string): Promise<string[]> {
  await using connection = await outage.bystander()
  await using session = await connection.createSession()
  await using consumer = await session.createConsumer(session.createQueue(queue))
  const found: string[] = []
  for (;;) {
    const message = await consumer.receive(500)
    if (message === null) return found
    found.push(`${textOf(message)}/${message.getIntProperty('JMSXDeliveryCount')}`)
  }
}

/** A promise and the function that resolves it. */
function event(): { readonly happened: Promise<void>; fire(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { happened: promise, fire: resolve }
}

describe('a transacted session that loses its connection', () => {
  it('rolls back without waiting for the reconnect, and receives again after it', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a', 'b')
      await using connection = await outage.connect()
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      const consumer = await session.createConsumer(session.createQueue('in'))
      const producer = await session.createProducer(session.createQueue('out'))
      assert.equal(textOf(await consumer.receive(WAIT_MS)), 'a')
      await producer.send(session.createTextMessage('from a'))
      outage.network.goDown()
      await outage.world.pass(50)
      await assert.rejects(session.commit(), TransactionRolledBackException)
      await session.rollback()
      await assert.rejects(
        (async () => {
          await session.rollback()
          await session.commit()
          throw new Error('both resolved')
        })(),
        /both resolved/,
      )
      outage.network.isDown = false
      for (const expected of ['a', 'b']) {
        const message = await consumer.receive(WAIT_MS)
        assert.equal(textOf(message), expected)
        await producer.send(session.createTextMessage(`from ${expected}`))
        await session.commit()
      }
      assert.deepEqual(await drain(outage, 'out'), ['from a/1', 'from b/1'])
      assert.deepEqual(await drain(outage, 'in'), [])
    }))

  it('does so in a message listener as well', () =>
    during(async (outage) => {
      await using connection = await outage.connect()
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      const consumer = await session.createConsumer(session.createQueue('in'))
      const seen: string[] = []
      consumer.setMessageListener(async (message) => {
        seen.push(`${textOf(message)}/${message.getIntProperty('JMSXDeliveryCount')}`)
        if (seen.length === 1) {
          outage.network.goDown()
          await outage.world.pass(50)
        }
        try {
          await session.commit()
        } catch {
          await session.rollback()
          outage.network.isDown = false
        }
      })
      await send(outage, 'in', 'a', 'b')
      await outage.until(() => seen.length === 3)
      assert.deepEqual(seen, ['a/1', 'a/2', 'b/1'])
      assert.deepEqual(await drain(outage, 'in'), [])
    }))

  it('keeps a transaction that is still empty', () =>
    during(async (outage) => {
      await using connection = await outage.connect()
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      const producer = await session.createProducer(session.createQueue('out'))
      outage.network.goDown()
      await outage.world.pass(50)
      const sent = producer.send(session.createTextMessage('patient'))
      await outage.world.pass(1000)
      outage.network.isDown = false
      await sent
      await session.commit()
      assert.deepEqual(await drain(outage, 'out'), ['patient/1'])
    }))

  it('refuses to send in a transaction that is rollback-only', () =>
    during(async (outage) => {
      await using connection = await outage.connect()
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      const producer = await session.createProducer(session.createQueue('out'))
      await producer.send(session.createTextMessage('lost'))
      outage.network.cut()
      await outage.until(() => connection.isConnected === false)
      await outage.until(() => connection.isConnected)
      const late = producer.send(session.createTextMessage('late'))
      await assert.rejects(late, TransactionRolledBackException)
      await assert.rejects(session.commit(), TransactionRolledBackException)
      await producer.send(session.createTextMessage('next'))
      await session.commit()
      assert.deepEqual(await drain(outage, 'out'), ['next/1'])
    }))

  it('reports a commit with an unknown outcome, which is atomic either way', async () => {
    // Frame 1: the commit is lost. Frame 2: its answer is lost.
    for (const [frame, expected] of [
      [1, ['a/1']],
      [2, []],
    ] as const) {
      await during(async (outage) => {
        await send(outage, 'in', 'a')
        await using connection = await outage.connect({ prefetch: 1 })
        const session = await connection.createSession(Session.SESSION_TRANSACTED)
        const consumer = await session.createConsumer(session.createQueue('in'))
        const producer = await session.createProducer(session.createQueue('out'))
        await consumer.receive(WAIT_MS)
        await producer.send(session.createTextMessage('a'))
        await outage.world.pass(100)
        // The client sends three frames: disposition, discharge, next declare. The answers follow.
        outage.network.cutAt = outage.network.frames + (frame === 1 ? 2 : 4)
        await assert.rejects(session.commit(), (error) => {
          assert.ok(error instanceof TransactionInDoubtException, String(error))
          return true
        })
        await session.rollback()
        await consumer.close()
        await outage.until(() => connection.isConnected)
        const isCommitted = frame === 2
        assert.equal((await drain(outage, 'out')).length, isCommitted ? 1 : 0)
        assert.equal((await drain(outage, 'in')).length, isCommitted ? 0 : expected.length)
      })
    }
  })

  it('delivers in order after a commit that the provider rejected', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a', 'b', 'c')
      await using connection = await outage.connect()
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      const consumer = await session.createConsumer(session.createQueue('in'))
      assert.equal(textOf(await consumer.receive(WAIT_MS)), 'a')
      refuseNextCommit(outage)
      await assert.rejects(session.commit(), TransactionRolledBackException)
      const seen: (string | null)[] = []
      for (let i = 0; i < 3; i++) seen.push(textOf(await consumer.receive(WAIT_MS)))
      assert.deepEqual(seen, ['a', 'b', 'c'])
      await session.commit()
      assert.deepEqual(await drain(outage, 'in'), [])
    }))
})

/** Makes the provider fail to write the next transaction. */
function refuseNextCommit(outage: Outage): void {
  const journal = outage.provider.provider?.engine?.journal
  assert.ok(journal)
  const { commit } = journal
  journal.commit = async () => {
    journal.commit = commit
    throw new Error('rejected by the test')
  }
}

const FRAME_HEAD = 8

/** Ends links of a client on behalf of the provider, as when an administrator deletes the queue. */
class LinkEnder {
  readonly #network: FrameNetwork
  readonly #links: { readonly channel: Buffer; readonly attach: Attach }[] = []

  constructor({ network }: Outage) {
    this.#network = network
    network.onReceived = (frame) => {
      const isAmqp =
        frame.length > FRAME_HEAD && frame[5] === 0 && frame.toString('latin1', 0, 4) !== 'AMQP'
      if (!isAmqp) return
      const performative = decodeComposite(new ByteReader(frame, FRAME_HEAD))
      if (performative.kind !== 'attach') return
      this.#links.push({ channel: frame.subarray(6, 8), attach: performative as Attach })
    }
  }

  /** Ends the consumers or producers whose link names contain the queue. */
  end(role: 'consumer' | 'producer', queue: string): void {
    for (const { channel, attach } of this.#links) {
      // The provider's role: it is the sender for a consumer.
      if (attach.role === (role === 'producer') && attach.name.endsWith(`:${queue}`)) {
        this.#network.inject(this.#detach(channel, attach.handle))
      }
    }
  }

  #detach(channel: Buffer, handle: number): Buffer {
    const encoder = new Encoder()
    const error = {
      kind: 'error',
      condition: Condition.resourceDeleted,
      description: 'the queue was deleted',
    }
    const detach: Detach = { kind: 'detach', handle, closed: true, error: error as ErrorCondition }
    encodeComposite(encoder, detach)
    const body = encoder.finish()
    const head = Buffer.alloc(FRAME_HEAD)
    head.writeUInt32BE(FRAME_HEAD + body.length, 0)
    head[4] = 2
    channel.copy(head, 6)
    return Buffer.concat([head, body])
  }
}

describe('a jmsListener', () => {
  it('works after an outage during a handler, in every mode', async () => {
    for (const acknowledge of ['auto', 'client', 'transacted', 'dups-ok'] as const) {
      await during(async (outage) => {
        const seen: string[] = []
        await using listener = await jmsListener<TextMessage>(
          'in',
          async (message) => {
            seen.push(message.getText() ?? '')
            if (seen.length === 1) {
              outage.network.goDown()
              await outage.world.pass(100)
            }
            if (acknowledge === 'client') await message.acknowledge()
            outage.network.isDown = false
          },
          { connection: outage.factory(), acknowledge },
        )
        await send(outage, 'in', 'a', 'b')
        await outage.until(() => seen.length === 3)
        assert.deepEqual(seen, ['a', 'a', 'b'], acknowledge)
        assert.equal(listener.state, 'running')
        await listener.close()
        assert.deepEqual(await drain(outage, 'in'), [], acknowledge)
      })
    }
  })

  it('rolls back what failed attempts have sent', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a', 'b')
      const attempts: string[] = []
      await using listener = await jmsListener<TextMessage>(
        'in',
        async (message, { session, attempt }) => {
          attempts.push(
            `${message.getText()}${attempt}/${message.getIntProperty('JMSXDeliveryCount')}`,
          )
          await using producer = await session.createProducer(session.createQueue('out'))
          await producer.send(session.createTextMessage(`${message.getText()}${attempt}`))
          if (message.getText() === 'a' && attempt < 3) throw new Error('not yet')
        },
        { connection: outage.factory(), acknowledge: 'transacted', retry: { maxAttempts: 3 } },
      )
      await outage.until(() => attempts.length === 4)
      await listener.close()
      // The provider counts no failed delivery, and no other message overtakes.
      assert.deepEqual(attempts, ['a1/1', 'a2/1', 'a3/1', 'b1/1'])
      assert.deepEqual(await drain(outage, 'out'), ['a3/1', 'b1/1'])
      assert.deepEqual(await drain(outage, 'in'), [])
    }))

  it('returns a message whose handler failed finally, and rolls back what it sent', () =>
    during(
      async (outage) => {
        await send(outage, 'in', 'a')
        let calls = 0
        await using listener = await jmsListener(
          'in',
          async (_message, { session }) => {
            calls++
            await using producer = await session.createProducer(session.createQueue('out'))
            await producer.send(session.createTextMessage('never'))
            throw new Error('always')
          },
          {
            connection: outage.factory(),
            acknowledge: 'transacted',
            retry: { maxAttempts: 2, backoffMs: 10 },
          },
        )
        await outage.until(() => calls === 6)
        await outage.world.pass(500)
        await listener.close()
        assert.equal(calls, 6, 'three deliveries of two attempts')
        assert.deepEqual(await drain(outage, 'out'), [])
        assert.deepEqual((await drain(outage, 'DLQ')).length, 1)
      },
      { 'amqp.max.delivery.attempts': '3' },
    ))

  it('does not call the handler again after a failed commit: the provider redelivers the message', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a')
      const seen: string[] = []
      const errors: unknown[] = []
      await using listener = await jmsListener<TextMessage>(
        'in',
        async (message, { session, attempt }) => {
          seen.push(`${attempt}/${message.getIntProperty('JMSXDeliveryCount')}`)
          await using producer = await session.createProducer(session.createQueue('out'))
          await producer.send(session.createTextMessage('once'))
          if (seen.length === 1) refuseNextCommit(outage)
        },
        {
          connection: outage.factory(),
          acknowledge: 'transacted',
          retry: { maxAttempts: 3, backoffMs: 10 },
          onError: (error) => errors.push(error),
        },
      )
      await outage.until(() => seen.length === 2)
      await outage.world.pass(200)
      await listener.close()
      assert.deepEqual(seen, ['1/1', '1/2'])
      assert.equal(errors.length, 1)
      assert.ok(errors[0] instanceof TransactionRolledBackException)
      assert.deepEqual(await drain(outage, 'out'), ['once/1'])
      assert.deepEqual(await drain(outage, 'in'), [])
    }))

  it('does not call the handler again for a message lost with its connection, and aborts the signal', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a')
      const calls: string[] = []
      await using listener = await jmsListener(
        'in',
        async (message, { attempt, signal }) => {
          calls.push(`${attempt}/${message.getIntProperty('JMSXDeliveryCount')}`)
          if (calls.length > 1) return
          const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
          outage.network.cut()
          await aborted
          assert.ok(signal.reason instanceof JMSException)
          throw new Error('interrupted')
        },
        { connection: outage.factory(), retry: { maxAttempts: 5, backoffMs: 10 } },
      )
      await outage.until(() => calls.length === 2)
      await outage.world.pass(200)
      assert.deepEqual(calls, ['1/1', '1/2'])
      await listener.close()
    }))

  it('reconnects with a plain URL, and reports it', () =>
    during(async (outage) => {
      const told: string[] = []
      const published: string[] = []
      const note = (_message: unknown, name: string | symbol): void => {
        published.push(String(name))
      }
      const names = ['millrace:jms:lost', 'millrace:jms:restored']
      for (const name of names) subscribe(name, note)
      try {
        await using listener = await jmsListener(
          'in',
          () => {
            told.push('message')
          },
          {
            connection: outage.factory(),
            onInterrupted: (error) => {
              assert.ok(error instanceof JMSException)
              told.push('interrupted')
            },
            onRestored: () => told.push('restored'),
            onError: (error) => assert.fail(String(error)),
          },
        )
        outage.provider.kill()
        await outage.until(() => told.length === 1)
        assert.equal(listener.state, 'interrupted')
        await outage.provider.start()
        await outage.until(() => told.length === 2)
        assert.equal(listener.state, 'running')
        await send(outage, 'in', 'a')
        await outage.until(() => told.length === 3)
        assert.deepEqual(told, ['interrupted', 'restored', 'message'])
        assert.deepEqual(published, names)
      } finally {
        for (const name of names) unsubscribe(name, note)
      }
    }))

  it('fails if its connection must not be replaced', () =>
    during(async (outage) => {
      for (const makeConnection of [
        () => outage.factory({ reconnect: false }),
        () => outage.factory().createConnection(),
      ]) {
        const errors: unknown[] = []
        const listener = await jmsListener('in', () => {}, {
          connection: await makeConnection(),
          onError: (error) => errors.push(error),
        })
        outage.network.cut()
        await assert.rejects(listener.closed, JMSException)
        assert.equal(listener.state, 'closed')
        assert.equal(errors.length, 1)
      }
    }))

  it('rejects when the provider cannot be reached at all', () =>
    during(async (outage) => {
      outage.network.isDown = true
      await assert.rejects(
        jmsListener('in', () => {}, { connection: outage.factory() }),
        /cannot connect to amqp:\/\/127\.0\.0\.1:5672: .*ECONNREFUSED/,
      )
    }))

  it('consumes again after the provider has ended its consumer', () =>
    during(async (outage) => {
      const seen: string[] = []
      const errors: string[] = []
      const links = new LinkEnder(outage)
      await using listener = await jmsListener<TextMessage>(
        'in',
        (message) => {
          seen.push(message.getText() ?? '')
        },
        { connection: outage.factory(), onError: (error) => errors.push((error as Error).message) },
      )
      await send(outage, 'in', 'a')
      await outage.until(() => seen.length === 1)
      links.end('consumer', 'in')
      await outage.until(() => errors.length === 1)
      assert.match(errors[0] as string, /the provider ended the consumer of in/)
      await outage.world.pass(1000)
      await send(outage, 'in', 'b')
      await outage.until(() => seen.length === 2)
      assert.equal(listener.state, 'running')
    }))

  it('does not call the handler again if the reply cannot be delivered', async () => {
    for (const acknowledge of ['auto', 'client', 'transacted'] as const) {
      await during(async (outage) => {
        await using connection = await outage.bystander()
        const session = await connection.createSession()
        const replyTo = await session.createTemporaryQueue()
        await using producer = await session.createProducer(session.createQueue('in'))
        const request = session.createTextMessage('?')
        request.setJMSReplyTo(replyTo)
        await producer.send(request)
        await replyTo.delete()
        let calls = 0
        const errors: { readonly code: string }[] = []
        await using listener = await jmsListener(
          'in',
          async (message, { session: own }) => {
            calls++
            await using sender = await own.createProducer(own.createQueue('out'))
            await sender.send(own.createTextMessage('handled'))
            if (acknowledge === 'client') await message.acknowledge()
            return 'the reply'
          },
          {
            connection: outage.factory(),
            acknowledge,
            retry: { maxAttempts: 3, backoffMs: 10 },
            onError: (error) => errors.push(error as { readonly code: string }),
          },
        )
        await outage.until(() => errors.length === 1)
        await outage.world.pass(500)
        await listener.close()
        assert.equal(calls, 1, acknowledge)
        assert.deepEqual(
          errors.map(({ code }) => code),
          ['JMS_REPLY_FAILED'],
        )
        assert.deepEqual(await drain(outage, 'out'), ['handled/1'], acknowledge)
        assert.deepEqual(await drain(outage, 'in'), [], acknowledge)
      })
    }
  })
})

describe('closing a jmsListener', () => {
  it('lets handlers finish, and notifies them', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a', 'b')
      const begun = event()
      const seen: string[] = []
      const listener = await jmsListener<TextMessage>(
        'in',
        async (message, { signal }) => {
          begun.fire()
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          seen.push(message.getText() ?? '')
        },
        { connection: outage.factory() },
      )
      await begun.happened
      await listener.close()
      await listener.closed
      assert.deepEqual(seen, ['a'])
      // A message that no handler saw does not count as delivered.
      assert.deepEqual(await drain(outage, 'in'), ['b/1'])
    }))

  it('returns a message that a handler left because of the signal, without counting a delivery', async () => {
    for (const acknowledge of ['auto', 'client', 'transacted'] as const) {
      await during(async (outage) => {
        await send(outage, 'in', 'a')
        const begun = event()
        const listener = await jmsListener(
          'in',
          async (_message, { signal }) => {
            begun.fire()
            await new Promise((_resolve, reject) =>
              signal.addEventListener('abort', () => reject(signal.reason)),
            )
          },
          { connection: outage.factory(), acknowledge, retry: { maxAttempts: 3 } },
        )
        await begun.happened
        await listener.close()
        assert.deepEqual(await drain(outage, 'in'), ['a/1'], acknowledge)
      })
    }
  })

  it('ends the wait between two attempts', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a')
      const failed = event()
      const listener = await jmsListener(
        'in',
        () => {
          throw new Error('no')
        },
        {
          connection: outage.factory(),
          retry: { maxAttempts: 2, backoffMs: 3_600_000, maxBackoffMs: 3_600_000 },
          onError: failed.fire,
        },
      )
      await failed.happened
      const before = outage.world.clock.elapsedMs
      await listener.close()
      assert.ok(outage.world.clock.elapsedMs - before < 1000)
      assert.deepEqual(await drain(outage, 'in'), ['a/2'])
    }))

  it('has a timeout, after which the message of a hanging handler is redelivered', async () => {
    for (const acknowledge of ['auto', 'client', 'transacted'] as const) {
      await during(async (outage) => {
        await send(outage, 'in', 'a')
        const begun = event()
        const errors: unknown[] = []
        const listener = await jmsListener(
          'in',
          async () => {
            begun.fire()
            await new Promise(() => {})
          },
          { connection: outage.factory(), acknowledge, onError: (error) => errors.push(error) },
        )
        await begun.happened
        const before = outage.world.clock.elapsedMs
        await listener.close({ timeoutMs: 2000 })
        const took = outage.world.clock.elapsedMs - before
        assert.ok(took >= 2000 && took < 3000, `${took} ms`)
        assert.match(String(errors[0]), /did not finish before the close timeout/)
        assert.equal((await drain(outage, 'in')).length, 1, acknowledge)
      })
    }
  })

  it('is fast while the provider is unreachable', () =>
    during(async (outage) => {
      const interrupted = event()
      const listener = await jmsListener('in', () => {}, {
        connection: outage.factory(),
        onInterrupted: interrupted.fire,
      })
      outage.network.goDown()
      await interrupted.happened
      await outage.world.pass(60_000)
      const before = outage.world.clock.elapsedMs
      await listener.close()
      assert.ok(outage.world.clock.elapsedMs - before < 1000)
    }))

  it('can be requested by a handler, and by a signal', () =>
    during(async (outage) => {
      await send(outage, 'in', 'a', 'b')
      let seen = 0
      const first: { listener?: JmsListener } = {}
      first.listener = await jmsListener(
        'in',
        async () => {
          seen++
          await outage.until(() => first.listener !== undefined)
          await first.listener?.close()
        },
        { connection: outage.factory() },
      )
      await first.listener.closed
      assert.equal(seen, 1)
      assert.deepEqual(await drain(outage, 'in'), ['b/1'])
      const abort = new AbortController()
      const second = await jmsListener('in', () => {}, {
        connection: outage.factory(),
        signal: abort.signal,
      })
      abort.abort()
      await second.closed
      assert.equal(second.state, 'closed')
    }))
})

describe('a client id in use', () => {
  it('is reported by the first call that needs it, and by all later ones', () =>
    during(async (outage) => {
      await using first = await outage.factory({ clientID: 'me' }).createConnection()
      assert.equal(first.getClientID(), 'me')
      await assert.rejects(
        outage.factory({ clientID: 'me' }).createConnection(),
        InvalidClientIDException,
      )
      await assert.rejects(outage.factory({ clientID: 'me' }).createContext(), {
        name: 'InvalidClientIDRuntimeException',
      })
      await assert.rejects(
        jmsListener('in', () => {}, { connection: outage.factory({ clientID: 'me' }) }),
        InvalidClientIDException,
      )
      const second = await outage.factory().createConnection()
      await assert.rejects(second.setClientID('me'), InvalidClientIDException)
      await assert.rejects(second.start(), InvalidClientIDException)
      await assert.rejects(second.createSession(), InvalidClientIDException)
      await second.close()
      await using context = await outage.factory().createContext()
      await assert.rejects(context.setClientID('me'), { name: 'InvalidClientIDRuntimeException' })
      await first.close()
      await using third = await outage.factory().createConnection()
      await third.setClientID('me')
    }))

  it('is requested again after an outage, as soon as the provider has dropped the lost connection', () =>
    during(async (outage) => {
      await using connection = await outage.connect({ clientID: 'me', reconnectDelayMs: 50 })
      outage.network.vanish()
      assert.ok(!connection.isConnected)
      await outage.world.pass(5000)
      assert.ok(!connection.isConnected, 'the provider still has the lost connection')
      await using session = await connection.createSession()
      await session.createDurableConsumer(session.createTopic('t'), 'sub')
    }))
})

describe('calls during a reconnect', () => {
  it('wait for it, however long it takes', () =>
    during(async (outage) => {
      await using connection = await outage.connect()
      const session = await connection.createSession()
      const queue = session.createQueue('q')
      outage.network.goDown()
      await outage.world.pass(100)
      const calls = Promise.all([
        session.createProducer(queue),
        session.createConsumer(queue),
        session.createBrowser(queue),
        session.createTemporaryQueue(),
        connection.createSession(),
        connection.start(),
        session.createSharedDurableConsumer(new Topic('t'), 's'),
      ])
      await outage.world.pass(90_000)
      outage.network.isDown = false
      const [producer, consumer] = await calls
      await producer.send(session.createTextMessage('x'))
      assert.equal(textOf(await consumer.receive(WAIT_MS)), 'x')
      // The provider has one consumer, not two.
      const destination = await outage.provider.provider?.engine?.destination('queue', 'q')
      assert.equal(destination?.queue.consumerCount, 1)
    }))

  it('continue if the connection is lost during the call', () =>
    during(async (outage) => {
      await using connection = await outage.connect()
      for (let frame = 1; frame <= 8; frame++) {
        outage.network.cutAt = outage.network.frames + frame
        const session = await connection.createSession(Session.SESSION_TRANSACTED)
        const producer = await session.createProducer(session.createQueue('q'))
        const consumer = await session.createConsumer(session.createQueue('q'))
        outage.network.cutAt = Number.POSITIVE_INFINITY
        await producer.send(session.createTextMessage(`${frame}`))
        await session.commit()
        assert.equal(textOf(await consumer.receive(WAIT_MS)), `${frame}`)
        await session.commit()
        await session.close()
      }
      assert.ok(outage.network.cuts > 4)
    }))

  it('fail if the connection is closed in the meantime', () =>
    during(async (outage) => {
      const connection = await outage.connect()
      const session = await connection.createSession()
      outage.network.goDown()
      await outage.world.pass(100)
      const call = session.createProducer(session.createQueue('q'))
      const outcome = assert.rejects(call, IllegalStateException)
      await connection.close()
      await outcome
    }))
})

describe('other effects of an outage', () => {
  it('a requestor: its request fails, and the next one receives its own reply', () =>
    during(async (outage) => {
      await using connection = await outage.connect()
      const session = await connection.createSession()
      await using requestor = new QueueRequestor(session, new Queue('questions'))
      const answered: string[] = []
      await using _listener = await jmsListener<TextMessage>(
        'questions',
        async (message) => {
          answered.push(message.getText() ?? '')
          if (message.getText() === 'first') outage.network.cut()
          return `re: ${message.getText()}`
        },
        {
          connection: outage.factory({
            world: {
              clock: outage.world.clock.process(),
              random: outage.world.random,
              network: outage.world.network.machine(),
            },
          }),
        },
      )
      await assert.rejects(requestor.request(session.createTextMessage('first')), {
        code: 'JMS_CONNECTION_LOST',
      })
      const reply = await requestor.request(session.createTextMessage('second'))
      assert.equal(textOf(reply), 're: second')
      assert.deepEqual(answered, ['first', 'second'])
    }))

  it('a browser: its enumeration fails instead of ending early', () =>
    during(async (outage) => {
      await send(outage, 'q', ...Array.from({ length: 150 }, (_, i) => `${i}`))
      await using connection = await outage.connect()
      const session = await connection.createSession()
      await using browser = await session.createBrowser(session.createQueue('q'))
      await assert.rejects(async () => {
        let count = 0
        for await (const _message of browser) {
          if (++count !== 100) continue
          outage.network.goDown()
          await outage.until(() => !connection.isConnected)
          outage.network.isDown = false
        }
      }, /connection lost/)
    }))

  it('a classic listener whose consumer the provider ends: the exception listener is called', () =>
    during(async (outage) => {
      const links = new LinkEnder(outage)
      await using connection = await outage.connect()
      const errors: string[] = []
      connection.setExceptionListener((error) => errors.push(error.message))
      const session = await connection.createSession()
      const consumer = await session.createConsumer(session.createQueue('q'))
      consumer.setMessageListener(() => {})
      const producer = await session.createProducer(session.createQueue('q'))
      await producer.send(session.createTextMessage('x'))
      links.end('consumer', 'q')
      await outage.until(() => errors.length === 1)
      assert.match(errors[0] as string, /the provider ended the consumer of q.*deleted/)
      links.end('producer', 'q')
      await assert.rejects(
        producer.send(session.createTextMessage('y')),
        /the provider ended the producer of q.*deleted/,
      )
    }))
})

describe('a provider that restarts', () => {
  it('serves a client that was authenticating during the restart', () =>
    during(async (outage) => {
      // The provider has offered its mechanisms, and the client chooses none.
      outage.network.onReceived = () => {
        outage.network.onReceived = () => {}
        outage.network.isHeld = true
      }
      const connecting = outage.factory().createConnection()
      await outage.world.pass(100)
      const { engine } = outage.provider.provider ?? {}
      await loseOwnership(outage)
      await outage.until(() => {
        const current = outage.provider.provider?.engine
        return current !== undefined && current !== engine
      })
      outage.network.release()
      await using connection = await connecting
      await connection.start()
      await using session = await connection.createSession()
      await using consumer = await session.createConsumer(session.createQueue('q'))
      await using producer = await session.createProducer(session.createQueue('q'))
      await producer.send(session.createTextMessage('x'))
      assert.equal(textOf(await consumer.receive(WAIT_MS)), 'x')
    }))
})

/** Fences the transactional ids of the provider, as another provider would. */
async function loseOwnership(outage: Outage): Promise<void> {
  await using admin = new Admin(outage.world.client)
  for (const { transactionalId } of await admin.listTransactions()) {
    await using producer = new Producer({ ...outage.world.client, transactionalId })
    await producer.initTransactions()
  }
  await using connection = await outage.bystander()
  const session = await connection.createSession(Session.SESSION_TRANSACTED)
  const producer = await session.createProducer()
  for (const queue of ['one', 'other']) {
    await producer.send(session.createQueue(queue), session.createTextMessage('x'))
  }
  await assert.rejects(session.commit(), JMSException)
}

describe('context.request', () => {
  interface Sum {
    readonly a: number
    readonly b: number
  }

  it('supports many concurrent requests, each with its own reply', () =>
    during(async (outage) => {
      await using _listener = await jmsListener(
        'sums',
        async ({ a, b }: Sum) => {
          await outage.world.pass(outage.world.random.integer(50))
          return { sum: a + b }
        },
        {
          connection: outage.factory(),
          concurrency: 8,
          body: json<Sum>(),
          reply: json<{ readonly sum: number }>(),
        },
      )
      await using context = await outage.factory().createContext(JMSContext.SESSION_TRANSACTED)
      const replies = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          context.request('sums', json<Sum>().encode({ a: i, b: i }), {
            timeoutMs: 5000,
            reply: json<{ readonly sum: number }>(),
          }),
        ),
      )
      assert.deepEqual(
        replies.map(({ sum }) => sum),
        Array.from({ length: 40 }, (_, i) => 2 * i),
      )
    }))

  it('times out, and its request expires', () =>
    during(async (outage) => {
      await using context = await outage.factory().createContext()
      await assert.rejects(context.request('silence', 'hello?', { timeoutMs: 1000 }), {
        name: 'JMSRuntimeException',
        code: 'JMS_TIMEOUT',
        message: /no reply from silence within 1000 ms/,
      })
      assert.deepEqual(await drain(outage, 'silence'), [])
      const abort = new AbortController()
      const aborted = context.request('silence', 'hello?', { signal: abort.signal })
      abort.abort(new Error('no longer interested'))
      await assert.rejects(aborted, /no longer interested/)
    }))

  it('fails with the connection, and works after the reconnect', () =>
    during(async (outage) => {
      const bystander = {
        clock: outage.world.clock.process(),
        random: outage.world.random,
        network: outage.world.network.machine(),
      }
      const answered: string[] = []
      await using _listener = await jmsListener<TextMessage>(
        'questions',
        (message) => {
          answered.push(message.getText() ?? '')
          if (message.getText() === 'first') outage.network.goDown()
          return `re: ${message.getText()}`
        },
        { connection: outage.factory({ world: bystander }) },
      )
      await using context = await outage.factory({ reconnect: true }).createContext()
      await assert.rejects(context.request('questions', 'first'), { code: 'JMS_CONNECTION_LOST' })
      await assert.rejects(context.request('questions', 'second', { timeoutMs: 500 }), {
        code: 'JMS_TIMEOUT',
        message: /not connected to the provider/,
      })
      outage.network.isDown = false
      const reply = await context.request('questions', 'third')
      assert.equal(reply.getBody(String), 're: third')
      assert.deepEqual(answered, ['first', 'third'])
    }))
})
