// SPDX-License-Identifier: Apache-2.0
import type { Connection } from './connection.ts'
import type { ConnectionFactory } from './connection-factory.ts'
import type { MessageConsumer } from './consumer.ts'
import { type Destination, Queue, Topic } from './destination.ts'
import { JMSException } from './exceptions.ts'
import type { Message } from './message/message.ts'
import { Session } from './session.ts'

/** How often, and after how long, a message whose handler failed is handled again before it is given back. */
export interface RetryOptions {
  /** Tries in all. Default 3. */
  readonly maxAttempts?: number
  /** Wait before the second try, milliseconds. Default 1000. */
  readonly backoffMs?: number
  /** By which the wait grows. Default 2. */
  readonly multiplier?: number
  /** Default 30,000. */
  readonly maxBackoffMs?: number
}

export interface ListenerOptions {
  /** Where to connect: a factory, or a connection that is then neither started for others nor closed. */
  readonly connection: ConnectionFactory | Connection
  /** Sessions that handle messages side by side. Default 1, which keeps their order. */
  readonly concurrency?: number
  /**
   * `auto` (default) acknowledges when the handler is done and has a message that failed delivered again; `transacted` makes what
   * the handler sends through its session final together with the receipt; `client` leaves it to the handler to call `acknowledge`;
   * `dups-ok` is `auto` with fewer words.
   */
  readonly acknowledge?: 'auto' | 'client' | 'transacted' | 'dups-ok'
  readonly retry?: RetryOptions
  readonly selector?: string
  /** Name of a subscription of a topic; `durable` and `shared` say of which kind. */
  readonly subscription?: string
  readonly durable?: boolean
  readonly shared?: boolean
  /** Told of each failure of a handler, and of what else goes wrong. */
  readonly onError?: (error: unknown, message: Message | undefined) => void
}

/** What a handler gets beside the message. */
export interface ListenerContext {
  /** The session that the message came through: with `transacted`, what is sent through it is part of the transaction. */
  readonly session: Session
  /** 1 for the first try. */
  readonly attempt: number
}

export type ListenerHandler = (message: Message, context: ListenerContext) => unknown

/** A running listener. */
export interface JmsListener extends AsyncDisposable {
  /** Lets handlers finish, then ends it. */
  close(): Promise<void>
}

const modes = {
  auto: Session.AUTO_ACKNOWLEDGE,
  client: Session.CLIENT_ACKNOWLEDGE,
  transacted: Session.SESSION_TRANSACTED,
  'dups-ok': Session.DUPS_OK_ACKNOWLEDGE,
} as const

/**
 * Handles the messages of a destination, as Spring's `@JmsListener` does: a value the handler returns is sent to the message's
 * `JMSReplyTo`; a handler that throws is tried again as `retry` says, and then the message goes back to the provider, which delivers
 * it again until it is a dead letter.
 */
export async function jmsListener(
  destination: Destination | string,
  handler: ListenerHandler,
  options: ListenerOptions,
): Promise<JmsListener> {
  const { concurrency = 1 } = options
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new JMSException(`invalid concurrency ${concurrency}: allowed is a whole number from 1`)
  }
  const from = typeof destination === 'string' ? named(destination, options) : destination
  if (concurrency > 1 && from instanceof Topic && options.shared !== true) {
    throw new JMSException(
      'concurrency on a topic needs a shared subscription, or each handler gets every message',
    )
  }
  const isOwn = 'createConnection' in options.connection
  const connection = isOwn
    ? await (options.connection as ConnectionFactory).createConnection()
    : (options.connection as Connection)
  const workers: Worker[] = []
  try {
    for (let i = 0; i < concurrency; i++) {
      const session = await connection.createSession(modes[options.acknowledge ?? 'auto'])
      workers.push(new Worker(session, await consume(session, from, options), handler, options))
    }
    await connection.start()
  } catch (error) {
    if (isOwn) await connection.close()
    throw error
  }
  for (const worker of workers) worker.start()
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.close()))
    if (isOwn) await connection.close()
  }
  return { close, [Symbol.asyncDispose]: close }
}

function named(name: string, { subscription, durable, shared }: ListenerOptions): Destination {
  const isTopic = subscription !== undefined || durable === true || shared === true
  return isTopic ? new Topic(name) : new Queue(name)
}

function consume(
  session: Session,
  destination: Destination,
  options: ListenerOptions,
): Promise<MessageConsumer> {
  const { subscription, durable = false, shared = false } = options
  const selector = options.selector ?? null
  if (subscription === undefined) return session.createConsumer(destination, selector)
  const topic = destination as Topic
  if (durable && shared) return session.createSharedDurableConsumer(topic, subscription, selector)
  if (durable) return session.createDurableConsumer(topic, subscription, selector)
  return session.createSharedConsumer(topic, subscription, selector)
}

/** One session of a listener. */
class Worker {
  readonly #session: Session
  readonly #consumer: MessageConsumer
  readonly #handler: ListenerHandler
  readonly #options: ListenerOptions

  constructor(
    session: Session,
    consumer: MessageConsumer,
    handler: ListenerHandler,
    options: ListenerOptions,
  ) {
    this.#session = session
    this.#consumer = consumer
    this.#handler = handler
    this.#options = options
  }

  start(): void {
    this.#consumer.setMessageListener((message) => this.#handle(message))
  }

  async #handle(message: Message): Promise<void> {
    const {
      maxAttempts = 1,
      backoffMs = 1000,
      multiplier = 2,
      maxBackoffMs = 30_000,
    } = this.#options.retry === undefined ? {} : { maxAttempts: 3, ...this.#options.retry }
    let delay = backoffMs
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await this.#handler(message, { session: this.#session, attempt })
        await this.#reply(message, reply)
        if (this.#session.getTransacted()) await this.#session.commit()
        return
      } catch (error) {
        this.#options.onError?.(error, message)
        if (attempt >= maxAttempts) {
          await this.#giveBack()
          throw error
        }
        await this.#session.connection.pause(delay)
        delay = Math.min(delay * multiplier, maxBackoffMs)
      }
    }
  }

  /** The provider has it again, and counts the failure. */
  async #giveBack(): Promise<void> {
    const { acknowledge } = this.#options
    if (acknowledge === 'transacted') await this.#session.rollback()
    else if (acknowledge === 'client') await this.#session.recover()
  }

  async #reply(message: Message, reply: unknown): Promise<void> {
    const replyTo = message.getJMSReplyTo()
    if (reply === undefined || replyTo === null) return
    const answer = this.#messageFor(reply)
    answer.headers.correlationId = message.headers.correlationId ?? message.getJMSMessageID()
    const producer = await this.#session.createProducer(replyTo)
    await producer.send(answer)
    await producer.close()
  }

  #messageFor(reply: unknown): Message {
    const session = this.#session
    if (typeof reply === 'string') return session.createTextMessage(reply)
    if (reply instanceof Uint8Array) {
      const message = session.createBytesMessage()
      message.writeBytes(reply)
      return message
    }
    if (reply instanceof Map) {
      const message = session.createMapMessage()
      for (const [name, value] of reply as ReadonlyMap<string, unknown>)
        message.setObject(name, value)
      return message
    }
    const isMessage = typeof reply === 'object' && reply !== null && 'getJMSMessageID' in reply
    return isMessage ? (reply as Message) : session.createObjectMessage(reply)
  }

  async close(): Promise<void> {
    await this.#consumer.close().catch(() => undefined)
    await this.#session.close().catch(() => undefined)
  }
}
