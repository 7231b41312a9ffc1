// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import {
  type ConnectionFactory,
  JMSContext,
  JMSException,
  type JmsListener,
  jmsListener,
  json,
  type Message,
  type RetryOptions,
  Session,
  type TextMessage,
  Topic,
  TransactionInDoubtException,
  TransactionRolledBackException,
} from '@millrace/jms'
import type { FrameNetwork } from './frame-network.ts'
import type { Simulation } from './simulation.ts'

/** Time that a receive waits for a message, milliseconds. */
const RECEIVE_MS = 500

/** Outcome of the messages that a program sent, by text. */
export class Ledger {
  readonly committed = new Set<string>()
  readonly rolledBack = new Set<string>()
  readonly inDoubt = new Set<string>()

  note(texts: readonly string[], outcome: 'committed' | 'rolledBack' | 'inDoubt'): void {
    for (const text of texts) this[outcome].add(text)
  }
}

/** The outcome `modified` with `delivery-failed` and `undeliverable-here`. */
const refusal = Buffer.from([0x00, 0x53, 0x27, 0xc0, 0x03, 0x02, 0x41, 0x41])

/** Deliveries to one listener. */
export class Deliveries {
  /** Number of handler calls by message text. */
  readonly calls = new Map<string, number>()
  /** Number of failures thrown by the handler itself, by message text. */
  readonly failures = new Map<string, number>()
  /** Texts in the order of their first calls. */
  readonly order: string[] = []
  /** Network of the listener's connection. */
  readonly #network: FrameNetwork
  interruptions = 0
  readonly errors: unknown[] = []
  /** Deliveries counted by the provider without a cause. */
  readonly #miscounted: string[] = []

  /** Messages that the client returned because they had expired by its clock, which may jump. */
  #expiries = 0

  constructor(network: FrameNetwork) {
    this.#network = network
    network.onSent = (frame) => {
      if (frame.includes(refusal)) this.#expiries++
    }
  }

  /**
   * Number of events that explain a redelivery: losses of the connection, failures of the handler,
   * and messages that the client found expired.
   */
  #causes(text: string): number {
    return this.#network.losses + (this.failures.get(text) ?? 0) + this.#expiries
  }

  /** Records a call, and checks that the provider's delivery count has a cause. */
  call(text: string, message: Message): void {
    const before = this.calls.get(text) ?? 0
    if (before === 0) this.order.push(text)
    this.calls.set(text, before + 1)
    const counted = message.getIntProperty('JMSXDeliveryCount') - 1
    const causes = this.#causes(text)
    if (counted > causes) this.#miscounted.push(`${text}: ${counted} times, ${causes} causes`)
  }

  fail(text: string): never {
    this.failures.set(text, (this.failures.get(text) ?? 0) + 1)
    throw new Error('intended failure')
  }

  /** Checks that no message was handled again, or counted, without a cause. */
  check(name: string): void {
    assert.deepEqual(this.#miscounted, [], `${name}: counted without a cause`)
    for (const [text, calls] of this.calls) {
      const causes = this.#causes(text)
      assert.ok(
        calls - 1 <= causes,
        `${name}: ${text} was handled ${calls} times, ${causes} causes`,
      )
    }
  }
}

const textOf = (message: Message): string => (message as TextMessage).getText() ?? ''

/** A factory, and the network of its connections. */
export interface Client {
  readonly factory: ConnectionFactory
  readonly network: FrameNetwork
}

/** Programs of JMS users. None of them creates a new connection after a loss. */
export class JmsPrograms {
  readonly #simulation: Simulation
  /** A factory that reconnects, as with a failover URL. */
  readonly #lasting: () => ConnectionFactory
  /** A factory with one plain URL. */
  readonly #plain: () => Client

  constructor(
    simulation: Simulation,
    factories: {
      readonly lasting: () => ConnectionFactory
      readonly plain: () => Client
    },
  ) {
    this.#simulation = simulation
    this.#lasting = factories.lasting
    this.#plain = factories.plain
  }

  /** Sends texts in transactions of up to three. Rolled-back texts are not sent again. */
  async send(
    destination: 'queue' | 'topic',
    name: string,
    texts: readonly string[],
    pauseMs: number,
  ): Promise<Ledger> {
    const ledger = new Ledger()
    const { random } = this.#simulation
    await using connection = await this.#lasting().createConnection()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    const to = destination === 'queue' ? session.createQueue(name) : session.createTopic(name)
    await using producer = await session.createProducer(to)
    for (let next = 0; next < texts.length; ) {
      await this.#simulation.pass(random.integer(pauseMs))
      const batch = texts.slice(next, next + 1 + random.integer(3))
      next += batch.length
      try {
        for (const text of batch) await producer.send(session.createTextMessage(text))
        if (random.integer(8) === 0) {
          await session.rollback()
          ledger.note(batch, 'rolledBack')
          continue
        }
        await session.commit()
        ledger.note(batch, 'committed')
      } catch (error) {
        ledger.note(batch, outcomeOf(error))
        await session.rollback()
      }
    }
    return ledger
  }

  /** Moves messages from queue to queue with one transacted session of the classic API. */
  async forward(
    from: string,
    to: string,
    isOver: () => boolean,
  ): Promise<{ readonly forwarded: ReadonlySet<string> }> {
    const { random } = this.#simulation
    const forwarded = new Set<string>()
    await using connection = await this.#lasting().createConnection()
    await connection.start()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    await using consumer = await session.createConsumer(session.createQueue(from))
    await using producer = await session.createProducer(session.createQueue(to))
    while (!isOver()) {
      const message = await consumer.receive(RECEIVE_MS)
      if (message === null) continue
      const text = textOf(message)
      assert.ok(!forwarded.has(text), `${text} arrives after its commit`)
      try {
        await producer.send(session.createTextMessage(text))
        await this.#simulation.pass(random.integer(30))
        if (random.integer(8) === 0) {
          await session.rollback()
          continue
        }
        await session.commit()
        forwarded.add(text)
      } catch (error) {
        assert.ok(error instanceof JMSException, String(error))
        // Before the reconnect has completed, as programs do.
        await session.rollback()
      }
    }
    return { forwarded }
  }

  /** Forwards messages with a listener whose attempts sometimes fail after the send. */
  async forwardByListener(
    from: string | { readonly topic: string; readonly subscription: string },
    to: string,
    options: { readonly concurrency: number; readonly retry: RetryOptions | undefined },
  ): Promise<{ readonly listener: JmsListener; readonly deliveries: Deliveries }> {
    const { random } = this.#simulation
    const { factory, network } = this.#plain()
    const deliveries = new Deliveries(network)
    const isTopic = typeof from !== 'string'
    const listener = await jmsListener<TextMessage>(
      isTopic ? new Topic(from.topic) : from,
      async (message, { session, attempt }) => {
        const text = textOf(message)
        deliveries.call(text, message)
        await using producer = await session.createProducer(session.createQueue(to))
        await producer.send(session.createTextMessage(text))
        await this.#simulation.pass(random.integer(20))
        if (attempt < 3 && random.integer(4) === 0) deliveries.fail(text)
      },
      {
        connection: factory,
        acknowledge: 'transacted',
        concurrency: options.concurrency,
        ...(options.retry === undefined ? {} : { retry: options.retry }),
        ...(isTopic ? { subscription: from.subscription, durable: true, shared: true } : {}),
        ...observed(deliveries),
      },
    )
    return { listener, deliveries }
  }

  /** Answers requests; the reply destination of some of them no longer exists. */
  async answer(
    queue: string,
  ): Promise<{ readonly listener: JmsListener; readonly deliveries: Deliveries }> {
    const { random } = this.#simulation
    const { factory, network } = this.#plain()
    const deliveries = new Deliveries(network)
    const listener = await jmsListener(
      queue,
      async ({ question }: Question, { message }): Promise<Answer> => {
        deliveries.call(String(question), message)
        await this.#simulation.pass(random.integer(20))
        return { answer: question * 2 }
      },
      {
        connection: factory,
        concurrency: 2,
        body: json<Question>(),
        reply: json<Answer>(),
        retry: { maxAttempts: 3, backoffMs: 10 },
        ...observed(deliveries),
      },
    )
    return { listener, deliveries }
  }

  /** Sends concurrent requests: each receives its own reply, or an error with the reason. */
  async ask(queue: string, questions: readonly number[], pauseMs: number): Promise<number> {
    const { random } = this.#simulation
    let answered = 0
    await using context = await this.#lasting().createContext()
    await Promise.all(
      questions.map(async (question) => {
        await this.#simulation.pass(random.integer(pauseMs))
        try {
          const { answer } = await context.request(queue, json<Question>().encode({ question }), {
            timeoutMs: 5000,
            reply: json<Answer>(),
          })
          assert.equal(answer, question * 2, `the reply to ${question}`)
          answered++
        } catch (error) {
          const { code } = error as { readonly code?: string }
          const known = ['JMS_TIMEOUT', 'JMS_CONNECTION_LOST']
          assert.ok(known.includes(code ?? ''), `request ${question}: ${error}`)
        }
      }),
    )
    return answered
  }

  /** Sends requests whose temporary queue is deleted before they are answered. */
  async askInVain(queue: string, questions: readonly number[]): Promise<void> {
    await using connection = await this.#lasting().createConnection()
    await using session = await connection.createSession(Session.SESSION_TRANSACTED)
    await using producer = await session.createProducer(session.createQueue(queue))
    for (const question of questions) {
      const replyTo = await session.createTemporaryQueue()
      const message = json<Question>().encode({ question })
      message.setJMSReplyTo(replyTo)
      try {
        await producer.send(message)
        await replyTo.delete()
        await session.commit()
      } catch (error) {
        assert.ok(error instanceof JMSException, String(error))
        await session.rollback()
      }
    }
  }

  /**
   * A durable subscriber of the simplified API that acknowledges at random. `seen` has the order of
   * first arrival.
   */
  async follow(
    topic: string,
    name: string,
    options: {
      readonly clientID: string
      readonly seen: Set<string>
      readonly isOver: () => boolean
    },
  ): Promise<void> {
    const { random } = this.#simulation
    await using context = await this.#lasting().createContext(JMSContext.CLIENT_ACKNOWLEDGE)
    await context.setClientID(options.clientID)
    const consumer = await context.createDurableConsumer(context.createTopic(topic), name)
    while (!options.isOver()) {
      const message = await consumer.receive(RECEIVE_MS)
      if (message === null) continue
      options.seen.add(textOf(message))
      if (random.integer(3) === 0) await context.acknowledge()
    }
    await context.acknowledge()
  }

  /** Creates and closes JMS objects continuously: no call fails because of an outage. */
  async create(isOver: () => boolean): Promise<number> {
    const { random } = this.#simulation
    let count = 0
    await using connection = await this.#lasting().createConnection()
    // One session that survives every outage, and others that begin during one.
    await using lasting = await connection.createSession()
    while (!isOver()) {
      await using fresh = await connection.createSession()
      for (const session of [lasting, fresh]) {
        await this.#simulation.pass(random.integer(200))
        const queue = session.createQueue(`created-${random.integer(3)}`)
        await using _producer = await session.createProducer(queue)
        await using _consumer = await session.createConsumer(queue)
        await using _browser = await session.createBrowser(queue)
        const temporary = await session.createTemporaryQueue()
        await temporary.delete()
        count++
      }
    }
    return count
  }

  /** Returns all messages of a queue, in order. */
  async drain(queue: string): Promise<string[]> {
    await using connection = await this.#lasting().createConnection()
    await connection.start()
    await using session = await connection.createSession()
    await using consumer = await session.createConsumer(session.createQueue(queue))
    const found: string[] = []
    for (;;) {
      const message = await consumer.receive(2000)
      if (message === null) return found
      found.push(textOf(message))
    }
  }
}

export interface Question {
  readonly question: number
}
export interface Answer {
  readonly answer: number
}

function observed(deliveries: Deliveries) {
  return {
    onInterrupted: () => {
      deliveries.interruptions++
    },
    onError: (error: unknown) => {
      deliveries.errors.push(error)
    },
  }
}

function outcomeOf(error: unknown): 'rolledBack' | 'inDoubt' {
  if (error instanceof TransactionInDoubtException) return 'inDoubt'
  if (error instanceof TransactionRolledBackException) return 'rolledBack'
  assert.ok(error instanceof JMSException, String(error))
  // A send failed: its transaction was not committed.
  return 'rolledBack'
}
