// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpConnection,
  type Session as AmqpSession,
  ConnectionCapability,
  Described,
  JmsCapability,
  type SenderLink,
  textOf,
  ulong,
} from '@millrace/amqp'
import { type Clock, type Logger, nodeWorld, type Random, silentLogger } from '@millrace/base'
import { ConnectionConsumer, type ServerSessionPool } from './connection-consumer.ts'
import type { ResolvedOptions } from './connection-options.ts'
import {
  type Destination,
  type TemporaryOwner,
  TemporaryQueue,
  TemporaryTopic,
  type Topic,
} from './destination.ts'
import { channels } from './diagnostics.ts'
import {
  IllegalStateException,
  InvalidClientIDException,
  JMSException,
  jmsException,
} from './exceptions.ts'
import type { AddressPrefixes } from './message/codec.ts'
import { checkValue, listenerOrNull } from './options.ts'
import { RequestReply } from './request-reply.ts'
import { Session } from './session.ts'
import { SubscriptionNames } from './subscription-names.ts'
import { limited } from './waiting.ts'
import { Wire } from './wire.ts'

/**
 * Called when a connection is lost for good, or when the provider ends a consumer that has a message listener: what no call of the
 * program would report (Jakarta Messaging 3.1, section 6.1.7).
 */
export type ExceptionListener =
  | ((exception: JMSException) => void)
  | { onException(exception: JMSException): void }

/** What is notified of the state of a connection. */
export interface ConnectionObserver {
  /** The connection was lost. With `isFinal` it is not replaced. */
  onLost?(error: JMSException, isFinal: boolean): void
  /** A connection that was lost is in use again, with all its sessions, consumers and producers. */
  onRestored?(): void
  /** It will not be replaced any more. */
  onFailed?(error: JMSException): void
}

/** What may be consumed and produced: queue and topic connections have only the one. */
export type Domain = 'any' | 'queue' | 'topic'

/** What a provider and this library are. */
export interface ConnectionMetaData {
  /** Version of the Jakarta Messaging API, as `3.1`. */
  getJMSVersion(): string
  /** Major version of the API. */
  getJMSMajorVersion(): number
  /** Minor version of the API. */
  getJMSMinorVersion(): number
  /** Name of the provider. */
  getJMSProviderName(): string
  /** Version of the provider. */
  getProviderVersion(): string
  /** Major version of the provider. */
  getProviderMajorVersion(): number
  /** Minor version of the provider. */
  getProviderMinorVersion(): number
  /** Names of the `JMSX` properties that are supported. */
  getJMSXPropertyNames(): string[]
}

const metaData: ConnectionMetaData = {
  getJMSVersion: () => '3.1',
  getJMSMajorVersion: () => 3,
  getJMSMinorVersion: () => 1,
  getJMSProviderName: () => 'millrace',
  getProviderVersion: () => '0.1',
  getProviderMajorVersion: () => 0,
  getProviderMinorVersion: () => 1,
  getJMSXPropertyNames: () => ['JMSXUserID', 'JMSXGroupID', 'JMSXGroupSeq', 'JMSXDeliveryCount'],
}

/** A client's connection to a provider (Jakarta Messaging 3.1, section 6.1). Messages flow to it once it is started. */
export class Connection implements TemporaryOwner, AsyncDisposable {
  readonly #options: ResolvedOptions
  /** Whether the connection is for queues, topics or both. */
  readonly domain: Domain
  /** Time of the connection. */
  readonly clock: Clock
  /** Logger of the connection. */
  readonly logger: Logger
  readonly #random: Random
  readonly #wire: Wire
  #clientId: string | undefined
  #hasOwnClientId: boolean
  #isUsed = false
  #isStarted = false
  #isClosed = false
  #closing: Promise<void> | undefined
  #exceptionListener: ExceptionListener | null = null
  readonly #observers = new Set<ConnectionObserver>()
  readonly #sessions = new Set<Session>()
  readonly #consumers = new Set<ConnectionConsumer>()
  readonly #temporary = new Map<Destination, SenderLink>()
  #hidden: AmqpSession | undefined
  #requests: RequestReply | undefined
  #nextId = 0
  /** Prefixes that the provider puts before names of queues and topics. */
  prefixes: AddressPrefixes = { queue: '', topic: '' }
  /** Names of subscriptions in use. */
  readonly subscriptionNames = new SubscriptionNames()
  #hasAnonymousRelay = true

  /** @internal Made by a `ConnectionFactory`. */
  constructor(
    options: ResolvedOptions,
    credentials: { readonly username?: string | undefined; readonly password?: string | undefined },
    domain: Domain = 'any',
  ) {
    this.#options = options
    this.domain = domain
    const world = options.world ?? nodeWorld
    this.clock = world.clock
    this.logger = options.logger ?? silentLogger
    this.#random = world.random
    this.#clientId = options.clientID
    this.#hasOwnClientId = options.clientID !== undefined
    if (this.#hasOwnClientId) this.#isUsed = true
    this.#wire = new Wire(options, credentials, {
      containerId: () => this.containerId,
      events: {
        onLost: (error, isFinal) => this.#onLost(error, isFinal),
        onReplaced: (amqp) => this.#onReplaced(amqp),
        onDropped: (error) => this.#dropSessions(error),
        onRestored: () => this.#onRestored(),
        onFailed: (error) => this.#onFailed(error),
      },
    })
  }

  /**
   * @internal Reaches the provider and authenticates. A configured client id is claimed at once, so that one in use is reported by
   * `createConnection`; without one the connection is opened on first use, as `setClientID` may come first.
   */
  async connect(): Promise<void> {
    await this.#wire.dial()
    if (this.#hasOwnClientId) await this.amqp()
  }

  /** Options, with defaults filled in. */
  get options(): ResolvedOptions {
    return this.#options
  }

  /** Whether messages are delivered. */
  get isStarted(): boolean {
    return this.#isStarted && !this.#isClosed
  }

  /** @internal Whether there is a connection to the provider now. */
  get isUp(): boolean {
    return this.#wire.isUp
  }

  /** @internal Whether it was closed, or is lost for good. */
  get isEnded(): boolean {
    return this.#isClosed || this.#closing !== undefined || this.#wire.failure !== undefined
  }

  /** Whether messages can say themselves where they go. */
  get hasAnonymousRelay(): boolean {
    return this.#hasAnonymousRelay
  }

  /** The container id: the client id, or one of its own. */
  get containerId(): string {
    this.#clientId ??= `ID:${this.#random.bytes(16).toString('hex')}`
    return this.#clientId
  }

  /** Whether a client id was set. */
  get hasClientId(): boolean {
    return this.#hasOwnClientId
  }

  /** A new id, unlike all others anywhere. */
  newId(): string {
    return `${this.containerId.startsWith('ID:') ? '' : 'ID:'}${this.containerId}:${this.#nextId++}`
  }

  /** Throws `IllegalStateException` if the connection was closed. */
  checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the connection is closed')
    if (this.#wire.failure !== undefined) throw this.#wire.failure
  }

  /** @internal Returns a function that ends the observation. */
  observe(observer: ConnectionObserver): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  // The wire.

  /** @internal The open connection. Waits for a reconnect that is under way; rejects when it is lost for good. */
  async amqp(): Promise<AmqpConnection> {
    this.checkOpen()
    this.#isUsed = true
    const amqp = await this.#wire.open()
    this.#learn(amqp)
    return amqp
  }

  /** What the provider said in its open. */
  #learn({ remote }: AmqpConnection): void {
    const { properties, offeredCapabilities = [] } = remote ?? {}
    this.prefixes = {
      queue: textOf(properties?.get('queue-prefix')) ?? '',
      topic: textOf(properties?.get('topic-prefix')) ?? '',
    }
    this.#hasAnonymousRelay = offeredCapabilities.includes(ConnectionCapability.anonymousRelay)
  }

  #onLost(error: JMSException, isFinal: boolean): void {
    const clientID = this.containerId
    channels.lost.publish({ clientID, error, isFinal })
    if (!isFinal) {
      this.logger.warn('the connection to the JMS provider is lost; reconnecting', {
        clientID,
        error: error.message,
      })
    }
    this.#dropSessions(error)
    for (const observer of [...this.#observers]) observer.onLost?.(error, isFinal)
  }

  #dropSessions(error: JMSException): void {
    this.#hidden = undefined
    for (const session of [...this.#sessions]) session.onLost(error)
  }

  async #onReplaced(amqp: AmqpConnection): Promise<void> {
    this.#learn(amqp)
    await this.#recoverTemporary(amqp)
    for (const session of [...this.#sessions]) await session.recoverOn(amqp)
  }

  #onRestored(): void {
    const clientID = this.containerId
    channels.restored.publish({ clientID })
    this.logger.info('connected to the JMS provider again', { clientID })
    for (const observer of [...this.#observers]) observer.onRestored?.()
  }

  /** Temporary destinations ended with the connection: they are created again, empty, under new addresses. */
  async #recoverTemporary(amqp: AmqpConnection): Promise<void> {
    if (this.#temporary.size === 0) return
    const session = amqp.begin()
    this.#hidden = session
    await this.limited(session.begun, 'beginning a session')
    for (const destination of [...this.#temporary.keys()]) {
      const { address, link } = await this.#makeTemporary(session, destination.kind)
      destination.moveTo(address)
      this.#temporary.set(destination, link)
    }
  }

  #onFailed(error: JMSException): void {
    for (const session of [...this.#sessions]) session.onFailed(error)
    for (const observer of [...this.#observers]) observer.onFailed?.(error)
    if (this.#closing !== undefined) return
    const clientID = this.containerId
    channels.failed.publish({ clientID, error })
    this.logger.error('the connection to the JMS provider is lost for good', {
      clientID,
      error: error.message,
    })
    this.reportException(error)
  }

  /** @internal Passes an error that no call would report to the exception listener. */
  reportException(error: JMSException): void {
    const listener = this.#exceptionListener
    try {
      if (typeof listener === 'function') listener(error)
      else listener?.onException(error)
    } catch (thrown) {
      this.logger.error('an exception listener failed', { error: thrown })
    }
  }

  /** Waits for an answer of the provider, but not longer than `requestTimeoutMs`. */
  limited<T>(
    promise: Promise<T>,
    what: string,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<T> {
    return limited(this.clock, promise, { what, timeoutMs })
  }

  /**
   * @internal Runs work on the session of the connection itself, which is for temporary destinations and `unsubscribe`; once more
   * if the connection is lost and replaced meanwhile.
   */
  async onHiddenSession<T>(work: (session: AmqpSession) => Promise<T>): Promise<T> {
    for (;;) {
      const session = await this.#hiddenSession()
      try {
        return await work(session)
      } catch (error) {
        if (this.isUp && this.#hidden === session) throw error
        this.checkOpen()
      }
    }
  }

  async #hiddenSession(): Promise<AmqpSession> {
    for (;;) {
      const amqp = await this.amqp()
      if (amqp.isGone) continue
      if (this.#hidden === undefined || this.#hidden.isEnded) this.#hidden = amqp.begin()
      const session = this.#hidden
      try {
        await this.limited(session.begun, 'beginning a session')
        return session
      } catch (error) {
        if (!amqp.isGone) throw error
        this.checkOpen()
      }
    }
  }
  /** @internal Requests and replies over this connection. */
  get requests(): RequestReply {
    this.checkOpen()
    this.#requests ??= new RequestReply(this)
    return this.#requests
  }

  // Jakarta Messaging.

  /**
   * A session: transacted or not, in one of the modes of `Session`. With one argument it is the mode, `SESSION_TRANSACTED`
   * among them.
   */
  async createSession(
    transactedOrMode: boolean | number = Session.AUTO_ACKNOWLEDGE,
    acknowledgeMode: number = Session.AUTO_ACKNOWLEDGE,
  ): Promise<Session> {
    this.checkOpen()
    const mode =
      typeof transactedOrMode === 'number'
        ? transactedOrMode
        : transactedOrMode
          ? Session.SESSION_TRANSACTED
          : acknowledgeMode
    const allowed = [
      Session.SESSION_TRANSACTED,
      Session.AUTO_ACKNOWLEDGE,
      Session.CLIENT_ACKNOWLEDGE,
      Session.DUPS_OK_ACKNOWLEDGE,
    ]
    const isContradiction = transactedOrMode === false && mode === Session.SESSION_TRANSACTED
    if (!allowed.includes(mode as 0) || isContradiction) {
      throw new JMSException(
        `invalid acknowledge mode ${mode}: expected AUTO_ACKNOWLEDGE (1), CLIENT_ACKNOWLEDGE (2), DUPS_OK_ACKNOWLEDGE (3) or SESSION_TRANSACTED (0)`,
      )
    }
    for (;;) {
      const amqp = await this.amqp()
      const session = new Session(this, mode)
      try {
        await session.open(amqp)
        if (amqp.isGone) continue
        this.checkOpen()
        this.#sessions.add(session)
        return session
      } catch (error) {
        this.checkOpen()
        // Lost meanwhile: the next attempt waits for the connection that replaces it.
        if (!amqp.isGone) throw jmsException(error)
      }
    }
  }

  /** Of connections for queues only. */
  createQueueSession(transacted: boolean, acknowledgeMode: number): Promise<Session> {
    return this.createSession(transacted, acknowledgeMode)
  }

  /** Of connections for topics only. */
  createTopicSession(transacted: boolean, acknowledgeMode: number): Promise<Session> {
    return this.createSession(transacted, acknowledgeMode)
  }

  /** @internal */
  forget(session: Session): void {
    this.#sessions.delete(session)
  }

  /** Client id, or null. */
  getClientID(): string | null {
    this.checkOpen()
    return this.#hasOwnClientId ? (this.#clientId as string) : null
  }

  /**
   * Sets the client id and claims it at the provider. It must come before any other use of the connection.
   *
   * Throws `IllegalStateException` when the connection was used or has an id already, and `InvalidClientIDException` for an id that
   * is not a string or empty. The returned promise rejects with `InvalidClientIDException` when another connection has the id, and
   * with `JMSException` when the provider cannot be reached. A program may leave it alone: every later call reports the same error.
   */
  setClientID(clientID: string): Promise<void> {
    this.checkOpen()
    if (this.#isUsed) {
      throw new IllegalStateException('the client id can only be set before the connection is used')
    }
    if (typeof clientID !== 'string' || clientID === '') {
      throw new InvalidClientIDException(`${JSON.stringify(clientID)} is not a client id`)
    }
    this.#clientId = clientID
    this.#hasOwnClientId = true
    this.#isUsed = true
    const claimed = this.amqp().then(() => undefined)
    claimed.catch(() => undefined)
    return claimed
  }

  /** Describes the implementation and its version. */
  getMetaData(): ConnectionMetaData {
    this.checkOpen()
    return metaData
  }

  /** The listener of connection failures, or null. */
  getExceptionListener(): ExceptionListener | null {
    this.checkOpen()
    return this.#exceptionListener
  }

  /** Sets the listener that is called when the connection fails; null removes it. */
  setExceptionListener(listener: ExceptionListener | null): void {
    this.checkOpen()
    checkValue('setExceptionListener', 'listener', listener, listenerOrNull('onException'))
    this.#exceptionListener = listener
  }

  /**
   * Starts the delivery of messages. Rejects with `InvalidClientIDException` when another connection has the client id, and with
   * `JMSException` when the connection is lost.
   */
  async start(): Promise<void> {
    await this.amqp()
    this.#isStarted = true
    for (const session of this.#sessions) session.onStarted()
    for (const consumer of this.#consumers) consumer.onStarted()
  }

  /** Pauses the delivery of messages; resolves when no listener is running. Throws `IllegalStateException` in a listener. */
  async stop(): Promise<void> {
    this.checkOpen()
    for (const session of this.#sessions) session.checkNotInListener('stop')
    this.#isStarted = false
    for (const session of this.#sessions) session.onStopped()
    await Promise.all([...this.#sessions].map((session) => session.settled()))
  }

  /**
   * Closes all sessions and the connection, and ends attempts to reconnect. Waits for listeners that are running; to close without
   * waiting for a handler, use `jmsListener` and its deadline. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close().catch((error: unknown) => {
      this.#closing = undefined
      throw error
    })
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const session of this.#sessions) session.checkNotInListener('close')
    this.#wire.stop()
    this.#requests?.close()
    this.#isStarted = false
    for (const consumer of [...this.#consumers]) await consumer.close()
    await Promise.all([...this.#sessions].map((session) => session.close().catch(() => undefined)))
    this.#isClosed = true
    await this.#wire.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // Temporary destinations.

  /** @internal */
  async createTemporary(kind: 'queue' | 'topic'): Promise<TemporaryQueue | TemporaryTopic> {
    return this.onHiddenSession(async (session) => {
      const { address, link } = await this.#makeTemporary(session, kind)
      if (link.isRemotelyDetached) throw new JMSException(`the temporary ${kind} is gone already`)
      const destination =
        kind === 'queue' ? new TemporaryQueue(address, this) : new TemporaryTopic(address, this)
      this.#temporary.set(destination, link)
      return destination
    })
  }

  async #makeTemporary(
    session: AmqpSession,
    kind: 'queue' | 'topic',
  ): Promise<{ readonly address: string; readonly link: SenderLink }> {
    const capability =
      kind === 'queue' ? JmsCapability.temporaryQueue : JmsCapability.temporaryTopic
    const link = session.sender(`${this.newId()}:temporary`)
    link.attach({
      source: { kind: 'source' },
      target: {
        kind: 'target',
        durable: 0,
        expiryPolicy: 'link-detach',
        dynamic: true,
        dynamicNodeProperties: new Map([['lifetime-policy', new Described(ulong(0x2b), [])]]),
        capabilities: [capability],
      },
    })
    await this.limited(link.attached, `making a temporary ${kind}`).catch((error: unknown) => {
      throw jmsException(error)
    })
    const target = link.remote?.target
    const address = target?.kind === 'target' ? textOf(target.address) : undefined
    if (address === undefined) throw new JMSException(`the provider named no temporary ${kind}`)
    return { address, link }
  }

  /** @internal */
  async deleteTemporary(destination: TemporaryQueue | TemporaryTopic): Promise<void> {
    this.checkOpen()
    const link = this.#temporary.get(destination)
    if (link === undefined) return
    for (const session of this.#sessions) {
      if (session.consumesFrom(destination)) {
        throw new IllegalStateException(`${destination} has consumers`)
      }
    }
    // The provider deletes them with the connection; not to create it again is all there is to do.
    if (!this.isUp) {
      this.#temporary.delete(destination)
      return
    }
    const ended = Promise.withResolvers<void>()
    link.handler = {
      onSendable() {},
      onDisposition() {},
      onDetach: (detach) => {
        if (detach?.error === undefined) ended.resolve()
        else ended.reject(new IllegalStateException(`${destination}: ${detach.error.description}`))
      },
    }
    link.detach({ closed: true })
    await this.limited(ended.promise, `deleting ${destination}`)
    this.#temporary.delete(destination)
  }

  /** @internal Whether a temporary destination is gone, as far as this connection knows. */
  isDeleted(destination: Destination): boolean {
    if (!(destination instanceof TemporaryQueue || destination instanceof TemporaryTopic))
      return false
    return destination.isOwnedBy(this) && !this.#temporary.has(destination)
  }

  // Consumers for application servers.

  /** Hands messages to sessions of a pool (section 8.2, optional). */
  createConnectionConsumer(
    destination: Destination,
    messageSelector: string | null,
    sessionPool: ServerSessionPool,
    maxMessages: number,
  ): Promise<ConnectionConsumer> {
    return this.#connectionConsumer({ sessionPool, maxMessages }, (session) =>
      session.createConsumer(destination, messageSelector),
    )
  }

  /** As `createConnectionConsumer`, for a shared subscription. */
  createSharedConnectionConsumer(
    topic: Topic,
    subscriptionName: string,
    messageSelector: string | null,
    sessionPool: ServerSessionPool,
    maxMessages: number,
  ): Promise<ConnectionConsumer> {
    return this.#connectionConsumer({ sessionPool, maxMessages }, (session) =>
      session.createSharedConsumer(topic, subscriptionName, messageSelector),
    )
  }

  /** As `createConnectionConsumer`, for a durable subscription. */
  createDurableConnectionConsumer(
    topic: Topic,
    subscriptionName: string,
    messageSelector: string | null,
    sessionPool: ServerSessionPool,
    maxMessages: number,
  ): Promise<ConnectionConsumer> {
    return this.#connectionConsumer({ sessionPool, maxMessages }, (session) =>
      session.createDurableConsumer(topic, subscriptionName, messageSelector),
    )
  }

  /** As `createConnectionConsumer`, for a shared durable subscription. */
  createSharedDurableConnectionConsumer(
    topic: Topic,
    subscriptionName: string,
    messageSelector: string | null,
    sessionPool: ServerSessionPool,
    maxMessages: number,
  ): Promise<ConnectionConsumer> {
    return this.#connectionConsumer({ sessionPool, maxMessages }, (session) =>
      session.createSharedDurableConsumer(topic, subscriptionName, messageSelector),
    )
  }

  async #connectionConsumer(
    options: { readonly sessionPool: ServerSessionPool; readonly maxMessages: number },
    consume: (session: Session) => ReturnType<Session['createConsumer']>,
  ): Promise<ConnectionConsumer> {
    const session = await this.createSession(Session.CLIENT_ACKNOWLEDGE)
    const consumer = new ConnectionConsumer(session, await consume(session), {
      ...options,
      onClose: () => this.#consumers.delete(consumer),
      onError: (error) => this.reportException(jmsException(error)),
    })
    this.#consumers.add(consumer)
    if (this.isStarted) consumer.onStarted()
    return consumer
  }
}
