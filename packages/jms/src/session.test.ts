// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import {
  type AmqpConnection,
  type Session as AmqpSession,
  compositeFrom,
  type DeliveryState,
  EncodedMessage,
  encodeMessage,
  type ReceiverLink,
  type SenderLink,
  serve,
} from '@millrace/amqp'
import { MemoryNetwork, nodeWorld } from '@millrace/base'
import type { Connection } from './connection.ts'
import { ConnectionFactory } from './connection-factory.ts'
import type { MessageConsumer } from './consumer.ts'
import { Queue, Topic } from './destination.ts'
import type { Message } from './message/message.ts'
import type { TextMessage } from './message/text-message.ts'
import { Session } from './session.ts'

const PORT = 5672

/** A provider that logs what a client does with its messages, and does what a test says. */
class FakeProvider {
  readonly log: string[] = []
  readonly network = new MemoryNetwork()
  readonly #links = new Map<string, SenderLink>()
  #connection: AmqpConnection | undefined
  #transactions = 0
  /** Answer to a send; undefined leaves it unanswered. */
  outcome: DeliveryState | undefined = { kind: 'accepted' }
  /** Answer to a commit; undefined leaves it unanswered. */
  commit: DeliveryState | undefined = { kind: 'accepted' }
  /** Addresses that no link may attach to. */
  readonly missing = new Set<string>()
  #toAnswer: (() => void)[] = []

  async start(): Promise<this> {
    await this.network.listen({
      host: '',
      port: PORT,
      onError: (error) => {
        throw error
      },
      onConnection: (transport) =>
        serve(transport, {
          containerId: 'provider',
          authenticator: {
            mechanisms: ['ANONYMOUS'],
            checkPassword: async () => false,
            scramCredential: async () => undefined,
          },
          world: nodeWorld,
          admit: (connection) => {
            this.#connection = connection
            return {
              onOpen: () => connection.open({ offeredCapabilities: ['ANONYMOUS-RELAY'] }),
              onSession: (session) => this.#onSession(session),
              onClose: () => this.#links.clear(),
            }
          },
        }),
    })
    return this
  }

  #onSession(session: AmqpSession): void {
    session.handler = {
      onEnd: () => {},
      onLink: (link) => (link.role === 'sender' ? this.#onConsumer(link) : this.#onProducer(link)),
    }
  }

  #onConsumer(link: SenderLink): void {
    const source = link.remote?.source
    const address = String(source?.address)
    link.handler = {
      onSendable: () => {
        if (link.isDraining) link.drained()
      },
      onDisposition: (delivery) => {
        const state = delivery.remoteState
        if (state !== undefined) this.log.push(`${delivery.context} ${describeState(state)}`)
        delivery.settle()
      },
      onDetach: (detach) => {
        this.#links.delete(address)
        if (detach !== undefined)
          this.log.push(`detached from ${address}${detach.closed ? ', closed' : ''}`)
        link.detach({ closed: detach?.closed ?? true })
      },
    }
    if (this.missing.has(address)) {
      link.refuse({ kind: 'error', condition: 'amqp:not-found', description: `no ${address}` })
      return
    }
    this.#links.set(address, link)
    link.attach({ source, target: link.remote?.target })
  }

  #onProducer(link: ReceiverLink): void {
    const isCoordinator = link.remote?.target?.kind === 'coordinator'
    link.handler = {
      onDetach: (detach) => link.detach({ closed: detach?.closed ?? true }),
      onDelivery: (delivery) => {
        const message = new EncodedMessage(delivery.payload)
        const state = isCoordinator
          ? this.#command(message)
          : this.#sent(message, delivery.remoteState)
        if (state !== undefined) delivery.update(state)
        else this.#toAnswer.push(() => delivery.update({ kind: 'accepted' }))
      },
    }
    link.attach({ source: link.remote?.source, target: link.remote?.target })
    link.setCredit(100)
  }

  #command({ body }: EncodedMessage): DeliveryState | undefined {
    const command = (body.kind === 'value' ? compositeFrom(body.value) : undefined) as unknown as
      | { readonly kind: string; readonly txnId?: Buffer; readonly fail?: boolean }
      | undefined
    if (command?.kind === 'declare') {
      return { kind: 'declared', txnId: Buffer.from(`tx${++this.#transactions}`) }
    }
    this.log.push(`${command?.fail === true ? 'rollback' : 'commit'} ${command?.txnId}`)
    return command?.fail === true ? { kind: 'accepted' } : this.commit
  }

  #sent({ body }: EncodedMessage, state: DeliveryState | undefined): DeliveryState | undefined {
    const text = body.kind === 'value' ? body.value : body.kind
    const txnId = state?.kind === 'transactionalState' ? state.txnId : undefined
    this.log.push(`sent ${text}${txnId === undefined ? '' : ` in ${txnId}`}`)
    if (this.outcome === undefined || txnId === undefined) return this.outcome
    return { kind: 'transactionalState', txnId, outcome: this.outcome as never }
  }

  /** Delivers texts to the consumer of an address. */
  async deliver(address: string, ...texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      const payload = encodeMessage({
        header: { durable: true },
        body: { kind: 'value', value: text },
      })
      this.#links.get(address)?.send([payload], { settled: false, context: text })
    }
    await turns()
  }

  creditOf(address: string): number {
    return this.#links.get(address)?.credit ?? -1
  }

  /** Ends a consumer with an error. */
  async end(address: string): Promise<void> {
    const error = {
      kind: 'error',
      condition: 'amqp:resource-deleted',
      description: 'gone',
    } as const
    this.#links.get(address)?.detach({ closed: true, error })
    await turns()
  }

  /** Loses the connection of the client. */
  async lose(): Promise<void> {
    this.#connection?.destroy()
    await turns()
  }

  clear(): void {
    this.log.length = 0
  }
}

function describeState(state: DeliveryState): string {
  if (state.kind === 'transactionalState') return `${state.outcome?.kind} in ${state.txnId}`
  const isFailed = state.kind === 'modified' && state.deliveryFailed === true
  return `${state.kind}${isFailed ? ' failed' : ''}`
}

/** Lets everything happen that needs no time. */
async function turns(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve))
}

const opened: Connection[] = []
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close()
})

interface Bench {
  readonly provider: FakeProvider
  readonly connection: Connection
  readonly session: Session
  readonly consumer: MessageConsumer
}

const queue = new Queue('q')

/** A session of a mode with one consumer of the queue `q`. */
async function bench(
  mode: number,
  options: { readonly reconnect?: boolean; readonly prefetch?: number } = {},
): Promise<Bench> {
  const provider = await new FakeProvider().start()
  const factory = new ConnectionFactory(`amqp://localhost:${PORT}`, {
    reconnect: false,
    reconnectDelayMs: 0,
    ...options,
    world: { ...nodeWorld, network: provider.network },
  })
  const connection = await factory.createConnection()
  opened.push(connection)
  const session = await connection.createSession(mode)
  const consumer = await session.createConsumer(queue)
  await connection.start()
  await turns()
  return { provider, connection, session, consumer }
}

const textOf = (message: Message | null): string | null =>
  message === null ? null : (message as TextMessage).getText()

const { AUTO_ACKNOWLEDGE, CLIENT_ACKNOWLEDGE, DUPS_OK_ACKNOWLEDGE, SESSION_TRANSACTED } = Session

/** What a program does in a mode, and what the provider sees. */
type Rules = readonly (readonly [
  rule: string,
  mode: number,
  run: (bench: Bench) => Promise<void>,
  log: readonly string[],
])[]

function check(rules: Rules, options: Parameters<typeof bench>[1] = {}): void {
  for (const [rule, mode, run, log] of rules) {
    it(rule, async () => {
      const opened = await bench(mode, options)
      await run(opened)
      await turns()
      assert.deepEqual(opened.provider.log, log)
    })
  }
}

async function receive(
  { consumer, provider }: Bench,
  ...texts: readonly string[]
): Promise<Message[]> {
  await provider.deliver('q', ...texts)
  const messages: Message[] = []
  for (const text of texts) {
    const message = await consumer.receive()
    assert.equal(textOf(message), text)
    messages.push(message as Message)
  }
  return messages
}

describe('acknowledgement of received messages', () => {
  check([
    [
      'is automatic, as each is received',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        await receive(b, 'a')
        await turns()
        b.provider.log.push('before b')
        await receive(b, 'b')
      },
      ['a accepted', 'before b', 'b accepted'],
    ],
    [
      'is automatic with duplicates, too',
      DUPS_OK_ACKNOWLEDGE,
      async (b) => {
        await receive(b, 'a')
      },
      ['a accepted'],
    ],
    [
      'is up to the client: all messages received so far',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        const [first] = await receive(b, 'a', 'b')
        await b.provider.deliver('q', 'c')
        assert.deepEqual(b.provider.log, [])
        await first?.acknowledge()
      },
      ['a accepted', 'b accepted'],
    ],
    [
      'is nothing that a program does in another mode',
      SESSION_TRANSACTED,
      async (b) => {
        const [first] = await receive(b, 'a')
        await first?.acknowledge()
      },
      [],
    ],
    [
      'is refused once the session is closed',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        const [first] = await receive(b, 'a')
        await b.session.close()
        await assert.rejects(async () => first?.acknowledge(), { name: 'IllegalStateException' })
      },
      ['a modified failed'],
    ],
    [
      'is possible after the consumer was closed, which then detaches',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        const [first] = await receive(b, 'a')
        await b.provider.deliver('q', 'b')
        await b.consumer.close()
        await turns()
        await first?.acknowledge()
      },
      ['b released', 'a accepted', 'detached from q, closed'],
    ],
    [
      'of nothing is needed to close a consumer at once',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        await b.provider.deliver('q', 'a')
        await b.consumer.close()
      },
      ['a released', 'detached from q, closed'],
    ],
  ])
})

describe('recover', () => {
  check([
    [
      'returns all unacknowledged messages; those not seen do not count as delivered',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        await receive(b, 'a', 'b')
        await b.provider.deliver('q', 'c')
        await b.session.recover()
      },
      ['c released', 'a modified failed', 'b modified failed'],
    ],
    [
      'returns nothing that was acknowledged',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        const [first] = await receive(b, 'a')
        await first?.acknowledge()
        await receive(b, 'b')
        await b.session.recover()
      },
      ['a accepted', 'b modified failed'],
    ],
    [
      'lets the consumer continue',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        await receive(b, 'a')
        await b.session.recover()
        await turns()
        assert.equal(b.provider.creditOf('q'), 100)
        await receive(b, 'a')
      },
      ['a modified failed'],
    ],
    [
      'is refused in a transacted session',
      SESSION_TRANSACTED,
      (b) => assert.rejects(b.session.recover(), { name: 'IllegalStateException' }),
      [],
    ],
  ])
})

describe('a message listener', () => {
  check([
    [
      'acknowledges when it returns',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        b.consumer.setMessageListener(
          (message) => void b.provider.log.push(`got ${textOf(message)}`),
        )
        await b.provider.deliver('q', 'a', 'b')
      },
      ['got a', 'a accepted', 'got b', 'b accepted'],
    ],
    [
      'returns the message when it throws, which counts as a delivery',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        b.consumer.setMessageListener(() => {
          throw new Error('no')
        })
        await b.provider.deliver('q', 'a')
      },
      ['a modified failed'],
    ],
    [
      'returns nothing when it throws and the client acknowledges',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        b.consumer.setMessageListener(() => {
          throw new Error('no')
        })
        await b.provider.deliver('q', 'a')
        b.provider.log.push(`${b.session.unacknowledged.all.length} unacknowledged`)
      },
      ['1 unacknowledged'],
    ],
    [
      'may be a promise: the next message follows when it has settled',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        const first = Promise.withResolvers<void>()
        b.consumer.setMessageListener(async (message) => {
          b.provider.log.push(`got ${textOf(message)}`)
          if (textOf(message) === 'a') await first.promise
        })
        await b.provider.deliver('q', 'a', 'b')
        b.provider.log.push('waiting')
        first.resolve()
      },
      ['got a', 'waiting', 'a accepted', 'got b', 'b accepted'],
    ],
    [
      'may be an object',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        b.consumer.setMessageListener({
          onMessage: (message) => void b.provider.log.push(`got ${textOf(message)}`),
        })
        await b.provider.deliver('q', 'a')
      },
      ['got a', 'a accepted'],
    ],
    [
      'excludes receive',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        b.consumer.setMessageListener(() => {})
        await assert.rejects(b.consumer.receive(), { name: 'IllegalStateException' })
        b.consumer.setMessageListener(null)
        assert.equal(await b.consumer.receiveNoWait(), null)
      },
      [],
    ],
    [
      'is not called while the connection is stopped',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        b.consumer.setMessageListener(
          (message) => void b.provider.log.push(`got ${textOf(message)}`),
        )
        await b.connection.stop()
        await b.provider.deliver('q', 'a')
        b.provider.log.push('stopped')
        await b.connection.start()
      },
      ['stopped', 'got a', 'a accepted'],
    ],
    [
      'cannot close its own session',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        b.consumer.setMessageListener(async () => {
          await assert.rejects(b.session.close(), { name: 'IllegalStateException' })
          b.provider.log.push('refused')
        })
        await b.provider.deliver('q', 'a')
      },
      ['refused', 'a accepted'],
    ],
    [
      'is awaited by the close of the session',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        const work = Promise.withResolvers<void>()
        b.consumer.setMessageListener(() => work.promise)
        await b.provider.deliver('q', 'a', 'b')
        const closed = b.session.close().then(() => b.provider.log.push('closed'))
        await turns()
        b.provider.log.push('working')
        work.resolve()
        await closed
      },
      ['working', 'a accepted', 'b released', 'closed'],
    ],
  ])
})

describe('a transacted session', () => {
  async function send({ session }: Bench, ...texts: readonly string[]): Promise<void> {
    const producer = await session.createProducer(queue)
    for (const text of texts) await producer.send(session.createTextMessage(text))
  }
  const rollback: DeliveryState = {
    kind: 'rejected',
    error: { kind: 'error', condition: 'amqp:transaction:rollback', description: 'full' },
  }
  check([
    [
      'commits what was sent and received in one transaction, and begins the next',
      SESSION_TRANSACTED,
      async (b) => {
        await receive(b, 'a')
        await send(b, 'x')
        await b.session.commit()
        await send(b, 'y')
      },
      ['sent x in tx1', 'a accepted in tx1', 'commit tx1', 'sent y in tx2'],
    ],
    ['commits nothing if nothing happened', SESSION_TRANSACTED, (b) => b.session.commit(), []],
    [
      'commits what was received alone',
      SESSION_TRANSACTED,
      async (b) => {
        await receive(b, 'a')
        await b.session.commit()
        await b.session.commit()
      },
      ['a accepted in tx1', 'commit tx1'],
    ],
    [
      'rolls back: messages return, those not seen first',
      SESSION_TRANSACTED,
      async (b) => {
        await receive(b, 'a')
        await b.provider.deliver('q', 'b')
        await send(b, 'x')
        await b.session.rollback()
      },
      ['sent x in tx1', 'b released', 'a modified failed', 'rollback tx1'],
    ],
    [
      'is rolled back by a commit after a send failed',
      SESSION_TRANSACTED,
      async (b) => {
        await receive(b, 'a')
        b.provider.outcome = { kind: 'rejected' }
        await assert.rejects(send(b, 'x'), { name: 'JMSException' })
        await assert.rejects(b.session.commit(), { name: 'TransactionRolledBackException' })
        b.provider.outcome = { kind: 'accepted' }
        await send(b, 'y')
        await b.session.commit()
      },
      ['sent x in tx1', 'a modified failed', 'rollback tx1', 'sent y in tx2', 'commit tx2'],
    ],
    [
      'is rolled back if the provider refuses the commit',
      SESSION_TRANSACTED,
      async (b) => {
        await receive(b, 'a')
        await b.provider.deliver('q', 'b')
        b.provider.commit = rollback
        await assert.rejects(b.session.commit(), {
          name: 'TransactionRolledBackException',
          message: /the transaction was rolled back: full/,
        })
      },
      // The prefetched message must not overtake the one that returns.
      ['a accepted in tx1', 'commit tx1', 'b released'],
    ],
    [
      'is in doubt if the connection is lost before the answer',
      SESSION_TRANSACTED,
      async (b) => {
        await receive(b, 'a')
        b.provider.commit = undefined
        const committed = b.session.commit()
        const rejected = assert.rejects(committed, { name: 'TransactionInDoubtException' })
        await turns()
        await b.provider.lose()
        await rejected
      },
      ['a accepted in tx1', 'commit tx1'],
    ],
    [
      'is rolled back by close',
      SESSION_TRANSACTED,
      async (b) => {
        await receive(b, 'a')
        await send(b, 'x')
        await b.session.close()
      },
      ['sent x in tx1', 'a modified failed', 'rollback tx1'],
    ],
    [
      'waits for sends that are not answered',
      SESSION_TRANSACTED,
      async (b) => {
        const producer = await b.session.createProducer(queue)
        const sends = [1, 2].map((i) => producer.send(b.session.createTextMessage(`x${i}`)))
        await b.session.commit()
        await Promise.all(sends)
      },
      ['sent x1 in tx1', 'sent x2 in tx1', 'commit tx1'],
    ],
    [
      'alone can commit and roll back',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        await assert.rejects(b.session.commit(), { name: 'IllegalStateException' })
        await assert.rejects(b.session.rollback(), { name: 'IllegalStateException' })
        assert.equal(b.session.getTransacted(), false)
      },
      [],
    ],
  ])
})

describe('closing a session', () => {
  check([
    [
      'returns what was not acknowledged and what was not seen',
      CLIENT_ACKNOWLEDGE,
      async (b) => {
        await receive(b, 'a')
        await b.provider.deliver('q', 'b')
        await b.session.close()
      },
      ['b released', 'a modified failed'],
    ],
    [
      'ends pending receives without a message',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        const received = b.consumer.receive()
        await b.session.close()
        b.provider.log.push(`received ${textOf(await received)}`)
      },
      ['received null'],
    ],
    [
      'waits for sends',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        const producer = await b.session.createProducer(queue)
        const sent = producer.send(b.session.createTextMessage('x'))
        await b.session.close()
        await sent
      },
      ['sent x'],
    ],
    [
      'happens once, and everything else is refused',
      AUTO_ACKNOWLEDGE,
      async (b) => {
        await Promise.all([b.session.close(), b.session.close()])
        await b.session.close()
        assert.ok(b.session.isClosed)
        for (const call of [
          () => b.session.createTextMessage(),
          () => b.session.createQueue('a'),
          () => b.session.getAcknowledgeMode(),
          () => b.consumer.getMessageListener(),
        ]) {
          assert.throws(call, { name: 'IllegalStateException' })
        }
        await assert.rejects(b.session.createConsumer(queue), { name: 'IllegalStateException' })
      },
      [],
    ],
  ])
})

describe('credit of a consumer', () => {
  check(
    [
      [
        'without prefetch is one message, while it is wanted',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          b.provider.log.push(`credit ${b.provider.creditOf('q')}`)
          const received = b.consumer.receive()
          await turns()
          b.provider.log.push(`credit ${b.provider.creditOf('q')}`)
          await b.provider.deliver('q', 'a')
          b.provider.log.push(
            `received ${textOf(await received)}, credit ${b.provider.creditOf('q')}`,
          )
        },
        ['credit 0', 'credit 1', 'a accepted', 'received a, credit 0'],
      ],
      [
        'without prefetch is returned when a receive is not answered',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          assert.equal(await b.consumer.receiveNoWait(), null)
          b.provider.log.push(`credit ${b.provider.creditOf('q')}`)
        },
        ['credit 0'],
      ],
    ],
    { prefetch: 0 },
  )
  check(
    [
      [
        'is renewed when half of it is used',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          await b.provider.deliver('q', 'a', 'b')
          b.provider.log.push(`credit ${b.provider.creditOf('q')}`)
          await b.consumer.receive()
          await b.consumer.receive()
          await turns()
          b.provider.log.push(`credit ${b.provider.creditOf('q')}`)
        },
        ['credit 2', 'a accepted', 'b accepted', 'credit 4'],
      ],
    ],
    { prefetch: 4 },
  )
})

describe('after an outage', () => {
  check(
    [
      [
        'a consumer receives again, and what was unacknowledged belongs to the provider',
        CLIENT_ACKNOWLEDGE,
        async (b) => {
          const [lost] = await receive(b, 'a')
          await b.provider.lose()
          await lost?.acknowledge()
          await receive(b, 'a')
          assert.equal(b.session.unacknowledged.all.length, 1)
        },
        [],
      ],
      [
        'a receive that waits continues',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          const received = b.consumer.receive()
          await b.provider.lose()
          await b.provider.deliver('q', 'a')
          assert.equal(textOf(await received), 'a')
        },
        ['a accepted'],
      ],
      [
        'a listener is called again',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          b.consumer.setMessageListener(
            (message) => void b.provider.log.push(`got ${textOf(message)}`),
          )
          await b.provider.deliver('q', 'a')
          await b.provider.lose()
          await b.provider.deliver('q', 'b')
        },
        ['got a', 'a accepted', 'got b', 'b accepted'],
      ],
      [
        'a listener that ran during it is called again, and its old message is not acknowledged',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          const work = Promise.withResolvers<void>()
          b.consumer.setMessageListener(async (message) => {
            b.provider.log.push(`got ${textOf(message)}`)
            await work.promise
          })
          await b.provider.deliver('q', 'a', 'b')
          await b.provider.lose()
          work.resolve()
          await turns()
          await b.provider.deliver('q', 'a', 'b')
        },
        ['got a', 'got a', 'a accepted', 'got b', 'b accepted'],
      ],
      [
        'an unanswered send is sent again',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          b.provider.outcome = undefined
          const producer = await b.session.createProducer(queue)
          const sent = producer.send(b.session.createTextMessage('x'))
          await turns()
          b.provider.outcome = { kind: 'accepted' }
          await b.provider.lose()
          await sent
        },
        ['sent x', 'sent x'],
      ],
      [
        'a transaction with messages can only be rolled back, and the next one commits',
        SESSION_TRANSACTED,
        async (b) => {
          await receive(b, 'a')
          await b.provider.lose()
          await assert.rejects(b.session.commit(), { name: 'TransactionRolledBackException' })
          await receive(b, 'a')
          await b.session.commit()
        },
        ['rollback tx2', 'a accepted in tx3', 'commit tx3'],
      ],
      [
        'an empty transaction continues',
        SESSION_TRANSACTED,
        async (b) => {
          await b.provider.lose()
          await receive(b, 'a')
          await b.session.commit()
        },
        ['a accepted in tx2', 'commit tx2'],
      ],
      [
        'a consumer whose destination is gone fails alone',
        AUTO_ACKNOWLEDGE,
        async (b) => {
          const other = await b.session.createConsumer(new Queue('other'))
          const received = b.consumer.receive()
          const rejected = assert.rejects(received, { name: 'InvalidDestinationException' })
          b.provider.missing.add('q')
          await b.provider.lose()
          await rejected
          await b.provider.deliver('other', 'b')
          assert.equal(textOf(await other.receive()), 'b')
        },
        ['detached from q, closed', 'b accepted'],
      ],
    ],
    { reconnect: true },
  )

  it('without reconnect, everything fails and the exception listener is called once', async () => {
    const { provider, connection, session, consumer } = await bench(AUTO_ACKNOWLEDGE)
    const errors: string[] = []
    connection.setExceptionListener(({ message }) => errors.push(message))
    const rejected = assert.rejects(consumer.receive(), { name: 'JMSException' })
    await provider.lose()
    await rejected
    assert.equal(errors.length, 1)
    assert.match(errors[0] ?? '', /connection lost/)
    assert.throws(() => session.createTextMessage(), { name: 'JMSException' })
  })
})

describe('a consumer that the provider ended', () => {
  it('fails, which the exception listener is called with; others continue', async () => {
    const { provider, connection, session, consumer } = await bench(CLIENT_ACKNOWLEDGE)
    const errors: string[] = []
    connection.setExceptionListener(({ name }) => errors.push(name))
    consumer.setMessageListener(() => {})
    await provider.deliver('q', 'a')
    await provider.end('q')
    assert.deepEqual(errors, ['InvalidDestinationException'])
    assert.throws(() => consumer.getMessageListener(), { name: 'InvalidDestinationException' })
    // Its deliveries can no longer be acknowledged.
    assert.equal(session.unacknowledged.all.length, 0)
    await session.createConsumer(new Queue('other'))
  })

  it('makes a transaction with its messages rollback-only', async () => {
    const b = await bench(SESSION_TRANSACTED)
    await receive(b, 'a')
    await b.provider.end('q')
    await assert.rejects(b.session.commit(), { name: 'TransactionRolledBackException' })
  })
})

describe('creating a consumer or producer', () => {
  for (const [what, create, name] of [
    [
      'a missing destination',
      (s: Session) => s.createConsumer(new Queue('missing')),
      'InvalidDestinationException',
    ],
    [
      'no destination',
      (s: Session) => s.createConsumer(null as never),
      'InvalidDestinationException',
    ],
    ['a name', (s: Session) => s.createConsumer('q' as never), 'InvalidDestinationException'],
    [
      'a selector that is no text',
      (s: Session) => s.createConsumer(queue, 7 as never),
      'InvalidOptionException',
    ],
    [
      'a subscription of a queue',
      (s: Session) => s.createSharedConsumer(queue as never, 's'),
      'InvalidDestinationException',
    ],
    [
      'a subscription without a name',
      (s: Session) => s.createSharedConsumer(new Topic('t'), ''),
      'InvalidOptionException',
    ],
    [
      'a durable one without a client id',
      (s: Session) => s.createDurableConsumer(new Topic('t'), 's'),
      'IllegalStateException',
    ],
    [
      'a producer to a name',
      (s: Session) => s.createProducer('q' as never),
      'InvalidDestinationException',
    ],
    [
      'a browser of a topic',
      (s: Session) => s.createBrowser(new Topic('t') as never),
      'InvalidDestinationException',
    ],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      const { provider, session } = await bench(AUTO_ACKNOWLEDGE)
      provider.missing.add('missing')
      await assert.rejects(create(session) as Promise<unknown>, { name })
    })
  }

  for (const mode of [-1, 4, 1.5, '1']) {
    it(`needs a session of a known mode, not ${mode}`, async () => {
      const { connection } = await bench(AUTO_ACKNOWLEDGE)
      await assert.rejects(connection.createSession(mode as number), { name: 'JMSException' })
    })
  }
})

describe('sending', () => {
  it('sets the headers of the message', async () => {
    const { session } = await bench(AUTO_ACKNOWLEDGE)
    const producer = await session.createProducer(queue)
    producer.setPriority(7)
    producer.setTimeToLive(1000)
    producer.setDeliveryDelay(50)
    producer.setDeliveryMode(1)
    const message = session.createTextMessage('x')
    await producer.send(message)
    const sentAt = message.getJMSTimestamp()
    assert.match(message.getJMSMessageID() ?? '', /^ID:/)
    assert.deepEqual(
      [
        message.getJMSDestination(),
        message.getJMSPriority(),
        message.getJMSDeliveryMode(),
        message.getJMSDeliveryTime() - sentAt,
        message.getJMSExpiration() - sentAt,
      ],
      [queue, 7, 1, 50, 1050],
    )
    producer.setDisableMessageID(true)
    producer.setDisableMessageTimestamp(true)
    await producer.send(message, 2, 0, 0)
    assert.deepEqual(
      [
        message.getJMSMessageID(),
        message.getJMSTimestamp(),
        message.getJMSPriority(),
        message.getJMSDeliveryMode(),
        message.getJMSExpiration(),
      ],
      [null, 0, 0, 2, 0],
    )
  })

  const error = {
    kind: 'error',
    condition: 'amqp:resource-limit-exceeded',
    description: 'full',
  } as const
  for (const [outcome, name, message] of [
    [{ kind: 'rejected' }, 'JMSException', 'the provider rejected the message'],
    [
      { kind: 'rejected', error },
      'ResourceAllocationException',
      'the provider rejected the message: full',
    ],
    [
      { kind: 'released' },
      'JMSException',
      'the provider did not accept the message: outcome released',
    ],
    [
      { kind: 'modified' },
      'JMSException',
      'the provider did not accept the message: outcome modified',
    ],
  ] as const) {
    it(`fails with ${name} if the outcome is ${outcome.kind}`, async () => {
      const { provider, session } = await bench(AUTO_ACKNOWLEDGE)
      const producer = await session.createProducer(queue)
      provider.outcome = outcome
      await assert.rejects(producer.send(session.createTextMessage('x')), { name, message })
    })
  }

  for (const [what, send, name] of [
    ['no message', (_: Session, p: Producer) => p.send(null as never), 'MessageFormatException'],
    [
      'a second destination',
      (s: Session, p: Producer) => p.send(queue, s.createMessage()),
      'UnsupportedOperationException',
    ],
    [
      'a mode of 3',
      (s: Session, p: Producer) => p.send(s.createMessage(), 3, 4, 0),
      'JMSException',
    ],
    [
      'a priority of 10',
      (s: Session, p: Producer) => p.send(s.createMessage(), 2, 10, 0),
      'JMSException',
    ],
    [
      'a negative time to live',
      (s: Session, p: Producer) => p.send(s.createMessage(), 2, 4, -1),
      'JMSException',
    ],
    [
      'a listener that is none',
      (s: Session, p: Producer) => p.send(s.createMessage(), {} as never),
      'InvalidOptionException',
    ],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      const { provider, session } = await bench(AUTO_ACKNOWLEDGE)
      const producer = await session.createProducer(queue)
      await assert.rejects(send(session, producer), { name })
      assert.deepEqual(provider.log, [])
    })
  }

  it('needs a destination, of the producer or of the call', async () => {
    const { provider, session } = await bench(AUTO_ACKNOWLEDGE)
    const producer = await session.createProducer(null)
    const message = session.createTextMessage('x')
    await assert.rejects(producer.send(message), { name: 'UnsupportedOperationException' })
    await assert.rejects(producer.send(null as never, message), {
      name: 'InvalidDestinationException',
    })
    await producer.send(new Topic('t'), message)
    assert.deepEqual(provider.log, ['sent x'])
  })

  it('with a completion listener resolves at once and reports in order', async () => {
    const { provider, session } = await bench(AUTO_ACKNOWLEDGE)
    const producer = await session.createProducer(queue)
    const log: string[] = []
    const listener = {
      onCompletion: (message: Message) => {
        log.push(`${textOf(message)} done`)
        throw new Error('ignored')
      },
      onException: (message: Message, exception: Error) =>
        log.push(`${textOf(message)} ${exception.name}`),
    }
    await producer.send(session.createTextMessage('a'), listener)
    await turns()
    provider.outcome = { kind: 'rejected', error }
    await producer.send(session.createTextMessage('b'), listener)
    assert.deepEqual(log, ['a done'])
    await producer.close()
    assert.deepEqual(log, ['a done', 'b ResourceAllocationException'])
    await assert.rejects(producer.send(session.createMessage()), { name: 'IllegalStateException' })
  })
})

type Producer = Awaited<ReturnType<Session['createProducer']>>
