// SPDX-License-Identifier: Apache-2.0
import { type Body, messageOf } from './body.ts'
import { bodyCodec } from './body-codec.ts'
import type { QueueBrowser } from './browser.ts'
import type { Connection, ConnectionMetaData, ExceptionListener } from './connection.ts'
import type { MessageConsumer } from './consumer.ts'
import {
  type Destination,
  Queue,
  type TemporaryQueue,
  type TemporaryTopic,
  Topic,
} from './destination.ts'
import {
  IllegalStateException,
  InvalidDestinationException,
  JMSException,
  unchecked,
} from './exceptions.ts'
import { JMSConsumer } from './jms-consumer.ts'
import { JMSProducer } from './jms-producer.ts'
import type { BytesMessage } from './message/bytes-message.ts'
import type { MapMessage } from './message/map-message.ts'
import type { Message } from './message/message.ts'
import type { ObjectMessage } from './message/object-message.ts'
import type { StreamMessage } from './message/stream-message.ts'
import type { TextMessage } from './message/text-message.ts'
import { messageFactories } from './message-factories.ts'
import { checkOptions, number, type OptionRule, type OptionRules, show, signal } from './options.ts'
import type { MessageProducer } from './producer.ts'
import type { RequestOptions, TypedRequestOptions } from './request-reply.ts'
import type { Session } from './session.ts'

const requestRules: OptionRules<RequestOptions> & { readonly reply: OptionRule } = {
  timeoutMs: number(0),
  signal,
  reply: bodyCodec,
}

/** A connection shared by contexts, with the number of its contexts. */
interface SharedConnection {
  readonly connection: Connection
  users: number
}

/**
 * A connection and a session in one: the simplified API (Jakarta Messaging 3.1, section 2.8).
 * Errors are the runtime exceptions.
 */
export class JMSContext implements AsyncDisposable {
  /** A message is acknowledged when `receive` returns it, or when the listener returns. */
  static readonly AUTO_ACKNOWLEDGE = 1
  /** `acknowledge` acknowledges all messages received so far. */
  static readonly CLIENT_ACKNOWLEDGE = 2
  /** As `AUTO_ACKNOWLEDGE`, in batches: messages may be delivered again after a failure. */
  static readonly DUPS_OK_ACKNOWLEDGE = 3
  /** Sends and receipts take effect with `commit`. */
  static readonly SESSION_TRANSACTED = 0

  readonly #shared: SharedConnection
  readonly #mode: number
  #session: Session | undefined
  #opening: Promise<Session> | undefined
  #producer: Promise<MessageProducer> | undefined
  #autoStart = true
  #isClosed = false

  private constructor(shared: SharedConnection, mode: number) {
    this.#shared = shared
    this.#mode = mode
    shared.users++
  }

  /** @internal Throws `JMSException` if `mode` is not a session mode. */
  static checkMode(mode: number): void {
    if (![0, 1, 2, 3].includes(mode)) {
      throw new JMSException(
        `invalid session mode ${mode}: expected SESSION_TRANSACTED (0), AUTO_ACKNOWLEDGE (1), CLIENT_ACKNOWLEDGE (2) or DUPS_OK_ACKNOWLEDGE (3)`,
      )
    }
  }

  /** @internal */
  static open(connection: Connection, mode: number): JMSContext {
    // The session is created on first use, because a client id may be set first.
    return new JMSContext({ connection, users: 0 }, mode)
  }

  get #connection(): Connection {
    return this.#shared.connection
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the context is closed')
  }

  async #open(): Promise<Session> {
    this.#checkOpen()
    // The next call retries a failed open.
    this.#opening ??= this.#connection.createSession(this.#mode).catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    this.#session = await this.#opening
    return this.#session
  }

  /** Messages and destinations are created without the provider. */
  #make<T>(make: (factories: typeof messageFactories) => T): T {
    return unchecked(() => {
      this.#checkOpen()
      return make(messageFactories)
    })
  }

  /** Creates another context on the same connection, which closes with its last context. */
  createContext(sessionMode: number): JMSContext {
    return unchecked(() => {
      this.#checkOpen()
      JMSContext.checkMode(sessionMode)
      return new JMSContext(this.#shared, sessionMode)
    })
  }

  /** Creates a producer. */
  createProducer(): JMSProducer {
    return unchecked(() => {
      this.#checkOpen()
      return new JMSProducer(async () => {
        this.#producer ??= this.#open()
          .then((session) => session.createProducer(null))
          .catch((error: unknown) => {
            this.#producer = undefined
            throw error
          })
        return this.#producer
      })
    })
  }

  /** Client id, or null. */
  getClientID(): string | null {
    return unchecked(() => this.#connection.getClientID())
  }
  /**
   * Sets the client id and claims it at the provider; see `Connection.setClientID`. The returned
   * promise rejects with `InvalidClientIDRuntimeException` if another connection has the id. The
   * promise need not be awaited: every later call reports the same error.
   */
  setClientID(clientID: string): Promise<void> {
    return unchecked(() => {
      const claimed = unchecked(() => this.#connection.setClientID(clientID))
      claimed.catch(() => undefined)
      return claimed
    })
  }
  /** Describes the implementation and its version. */
  getMetaData(): ConnectionMetaData {
    return unchecked(() => this.#connection.getMetaData())
  }
  /** Listener for connection failures, or null. */
  getExceptionListener(): ExceptionListener | null {
    return unchecked(() => this.#connection.getExceptionListener())
  }
  /** Sets the listener that is called when the connection fails; null removes it. */
  setExceptionListener(listener: ExceptionListener | null): void {
    unchecked(() => this.#connection.setExceptionListener(listener))
  }
  /**
   * Starts delivery. Creating a consumer also starts it, unless `setAutoStart(false)` was called.
   */
  async start(): Promise<void> {
    await unchecked(() => this.#connection.start())
  }
  /** Pauses delivery until `start`. */
  async stop(): Promise<void> {
    await unchecked(() => this.#connection.stop())
  }
  /** Sets whether creating a consumer starts delivery. Default true. */
  setAutoStart(autoStart: boolean): void {
    unchecked(() => this.#checkOpen())
    this.#autoStart = autoStart
  }
  /** Whether creating a consumer starts delivery. Default true. */
  getAutoStart(): boolean {
    unchecked(() => this.#checkOpen())
    return this.#autoStart
  }

  /** Closes the session and, with the last context, the connection. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    await unchecked(async () => {
      this.#session?.listeners.checkNotCaller('close')
      this.#isClosed = true
      await this.#session?.close()
      this.#shared.users--
      if (this.#shared.users === 0) await this.#connection.close()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Sends a request to a destination and waits for its reply. Any number of requests may be in
   * flight; each receives its own reply. A string names a queue. The body may be a message with
   * properties and headers; its `JMSReplyTo` is set, and its `JMSCorrelationID` if it has none.
   * Requests are sent outside the transaction of a transacted context, and start the connection
   * unless `setAutoStart(false)` was called.
   *
   * With `reply: json<Receipt>()` it resolves with the body of the reply, else with the reply
   * message. Rejects with `JMSRuntimeException` and the code `JMS_TIMEOUT` if no reply arrives in
   * time, or `JMS_CONNECTION_LOST` if the connection is lost first: the request may have been
   * handled. Rejects with `InvalidDestinationRuntimeException` if the destination does not exist.
   */
  request<R>(
    destination: Destination | string,
    body: Body,
    options: TypedRequestOptions<R>,
  ): Promise<R>
  /** Sends a request and resolves with its reply; any number of requests may be in flight. */
  request(destination: Destination | string, body: Body, options?: RequestOptions): Promise<Message>
  request(
    destination: Destination | string,
    body: Body,
    options: RequestOptions & Partial<TypedRequestOptions<unknown>> = {},
  ): Promise<unknown> {
    return unchecked(async () => {
      this.#checkOpen()
      checkOptions('request', options, requestRules)
      const to = typeof destination === 'string' ? new Queue(destination) : destination
      if (!(to instanceof Queue || to instanceof Topic)) {
        throw new InvalidDestinationException(`invalid destination ${show(to)}`)
      }
      const message = messageOf(body)
      const starts = this.#autoStart
      if (!starts && !this.#connection.isStarted) {
        throw new IllegalStateException('request: the connection is not started; call start()')
      }
      const { requests } = this.#connection
      const reply = await requests.request(to, message, { ...options, starts })
      if (options.reply === undefined) return reply
      await options.reply.prepareDecode?.(reply)
      return options.reply.decode(reply)
    })
  }

  /** Creates a message without a body. */
  createMessage(): Message {
    return this.#make((factories) => factories.createMessage())
  }
  /** Creates a message whose body is a string, or null. */
  createTextMessage(text?: string | null): TextMessage {
    return this.#make((factories) => factories.createTextMessage(text))
  }
  /** Creates a message whose body is bytes. */
  createBytesMessage(): BytesMessage {
    return this.#make((factories) => factories.createBytesMessage())
  }
  /** Creates a message whose body is named values. */
  createMapMessage(): MapMessage {
    return this.#make((factories) => factories.createMapMessage())
  }
  /** Creates a message whose body is a sequence of values. */
  createStreamMessage(): StreamMessage {
    return this.#make((factories) => factories.createStreamMessage())
  }
  /** Creates a message whose body is plain data; Java programs read it as lists and maps. */
  createObjectMessage(object?: unknown): ObjectMessage {
    return this.#make((factories) => factories.createObjectMessage(object))
  }

  /** Whether the context is transacted. */
  getTransacted(): boolean {
    unchecked(() => this.#checkOpen())
    return this.#mode === JMSContext.SESSION_TRANSACTED
  }
  /** Session mode, such as `AUTO_ACKNOWLEDGE`. */
  getSessionMode(): number {
    unchecked(() => this.#checkOpen())
    return this.#mode
  }
  /**
   * Commits the transaction. Rejects with `TransactionRolledBackRuntimeException` if it was rolled
   * back instead.
   */
  async commit(): Promise<void> {
    await unchecked(async () => (await this.#open()).commit())
  }
  /**
   * Rolls the transaction back: sent messages are discarded, received messages are delivered again.
   */
  async rollback(): Promise<void> {
    await unchecked(async () => (await this.#open()).rollback())
  }
  /** Redelivers all unacknowledged messages. */
  async recover(): Promise<void> {
    await unchecked(async () => (await this.#open()).recover())
  }
  /**
   * Acknowledges all messages that this context received. Has no effect in modes other than
   * `CLIENT_ACKNOWLEDGE`.
   */
  async acknowledge(): Promise<void> {
    await unchecked(async () => (await this.#open()).acknowledge())
  }

  /** Returns a queue by name; nothing is created at the provider. */
  createQueue(queueName: string): Queue {
    return this.#make((factories) => factories.createQueue(queueName))
  }
  /** Returns a topic by name; nothing is created at the provider. */
  createTopic(topicName: string): Topic {
    return this.#make((factories) => factories.createTopic(topicName))
  }
  /**
   * Creates a queue that is deleted with the connection; only that connection may consume from it.
   */
  createTemporaryQueue(): Promise<TemporaryQueue> {
    return unchecked(async () => (await this.#open()).createTemporaryQueue())
  }
  /**
   * Creates a topic that is deleted with the connection; only that connection may consume from it.
   */
  createTemporaryTopic(): Promise<TemporaryTopic> {
    return unchecked(async () => (await this.#open()).createTemporaryTopic())
  }

  async #consumer(make: (session: Session) => Promise<MessageConsumer>): Promise<JMSConsumer> {
    return unchecked(async () => {
      const consumer = new JMSConsumer(await make(await this.#open()))
      if (this.#autoStart) await this.#connection.start()
      return consumer
    })
  }

  /**
   * Consumes from a queue, or from a topic through a new subscription. Rejects with
   * `InvalidDestinationRuntimeException` or `InvalidSelectorRuntimeException`.
   */
  createConsumer(
    destination: Destination,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<JMSConsumer> {
    return this.#consumer((session) =>
      session.createConsumer(destination, messageSelector, noLocal),
    )
  }
  /**
   * Consumes from a durable subscription that has at most one consumer at a time; messages are kept
   * while it has none. Requires a client id.
   */
  createDurableConsumer(
    topic: Topic,
    name: string,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<JMSConsumer> {
    return this.#consumer((session) =>
      session.createDurableConsumer(topic, name, messageSelector, noLocal),
    )
  }
  /** Consumes from a durable subscription that several consumers share. */
  createSharedDurableConsumer(
    topic: Topic,
    name: string,
    messageSelector: string | null = null,
  ): Promise<JMSConsumer> {
    return this.#consumer((session) =>
      session.createSharedDurableConsumer(topic, name, messageSelector),
    )
  }
  /** Consumes from a subscription that several consumers share; it ends with the last of them. */
  createSharedConsumer(
    topic: Topic,
    sharedSubscriptionName: string,
    messageSelector: string | null = null,
  ): Promise<JMSConsumer> {
    return this.#consumer((session) =>
      session.createSharedConsumer(topic, sharedSubscriptionName, messageSelector),
    )
  }
  /**
   * Browses the messages of a queue without consuming them. Rejects with
   * `InvalidSelectorRuntimeException`.
   */
  createBrowser(queue: Queue, messageSelector: string | null = null): Promise<QueueBrowser> {
    return unchecked(async () => {
      const browser = await (await this.#open()).createBrowser(queue, messageSelector)
      if (this.#autoStart) await this.#connection.start()
      return browser
    })
  }
  /**
   * Deletes a durable subscription. Rejects with `InvalidDestinationRuntimeException` if it does
   * not exist.
   */
  unsubscribe(name: string): Promise<void> {
    return unchecked(async () => (await this.#open()).unsubscribe(name))
  }
}
