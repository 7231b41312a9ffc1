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
import {
  attempt,
  type Clock,
  type Logger,
  nodeWorld,
  type Random,
  silentLogger,
} from '@millrace/base'
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
 * Called when a connection fails permanently, or when the provider ends a consumer that has a
 * message listener: errors that are not reported by any call (Jakarta Messaging 3.1, section
 * 6.1.7).
 */
export type ExceptionListener =
  | ((exception: JMSException) => void)
  | { onException(exception: JMSException): void }

/** Callbacks for changes of the connection's state. */
export interface ConnectionObserver {
  /** The connection was lost. If `isFinal`, it is not replaced. */
  onLost?(error: JMSException, isFinal: boolean): void
  /** A lost connection is usable again, with all its sessions, consumers and producers. */
  onRestored?(): void
  /** The connection failed permanently. */
  onFailed?(error: JMSException): void
}

/**
 * Destinations that a connection can use: queue and topic connections only their own kind.
 */
export type Domain = 'any' | 'queue' | 'topic'

/** Describes the provider and this library. */
export interface ConnectionMetaData {
  /** Version of the Jakarta Messaging API, such as `3.1`. */
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
  /** Names of the supported `JMSX` properties. */
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

/**
 * A client's connection to a provider (Jakarta Messaging 3.1, section 6.1). Messages are delivered
 * after `start`.
 */
export class Connection implements TemporaryOwner, AsyncDisposable {
  readonly #options: ResolvedOptions
  /** Whether the connection is for queues, topics or both. */
  readonly domain: Domain
  /** Clock of the connection. */
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
  #internalSession: AmqpSession | undefined
  #requests: RequestReply | undefined
  #nextId = 0
  /** Prefixes of queue and topic addresses at the provider. */
  prefixes: AddressPrefixes = { queue: '', topic: '' }
  /** Link names of the subscriptions in use. */
  readonly subscriptionNames = new SubscriptionNames()
  #hasAnonymousRelay = true

  /** @internal Created by a `ConnectionFactory`. */
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
   * @internal Connects to the provider and authenticates. A configured client id is claimed
   * immediately, so that `createConnection` reports an id that is in use. Without a client id the
   * AMQP connection is opened on first use, because `setClientID` may be called first.
   */
  async connect(): Promise<void> {
    await this.#wire.dial()
    if (this.#hasOwnClientId) await this.amqp()
  }

  /** Options with defaults applied. */
  get options(): ResolvedOptions {
    return this.#options
  }

  /** Whether messages are delivered. */
  get isStarted(): boolean {
    return this.#isStarted && !this.#isClosed
  }

  /** @internal Whether the connection to the provider is established. */
  get isConnected(): boolean {
    return this.#wire.isConnected
  }

  /** @internal Whether the connection was closed or failed permanently. */
  get isEnded(): boolean {
    return this.#isClosed || this.#closing !== undefined || this.#wire.failure !== undefined
  }

  /**
   * Whether the provider supports the anonymous relay, where each message names its destination.
   */
  get hasAnonymousRelay(): boolean {
    return this.#hasAnonymousRelay
  }

  /** The container id: the client id, or a random id. */
  get containerId(): string {
    this.#clientId ??= `ID:${this.#random.bytes(16).toString('hex')}`
    return this.#clientId
  }

  /** Whether a client id was set. */
  get hasClientId(): boolean {
    return this.#hasOwnClientId
  }

  /** Returns a new globally unique id. */
  newId(): string {
    return `${this.containerId.startsWith('ID:') ? '' : 'ID:'}${this.containerId}:${this.#nextId++}`
  }

  /**
   * Throws `IllegalStateException` if the connection was closed, and the error of a connection that
   * failed permanently.
   */
  checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the connection is closed')
    if (this.#wire.failure !== undefined) throw this.#wire.failure
  }

  /** @internal Adds an observer; the returned function removes it. */
  observe(observer: ConnectionObserver): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  // AMQP connection.

  /**
   * @internal Returns the open AMQP connection. Waits for a reconnect in progress; rejects if the
   * connection failed permanently.
   */
  async amqp(): Promise<AmqpConnection> {
    this.checkOpen()
    this.#isUsed = true
    const amqp = await this.#wire.open()
    this.#readRemote(amqp)
    return amqp
  }

  /** Reads address prefixes and capabilities from the provider's open frame. */
  #readRemote({ remote }: AmqpConnection): void {
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
      this.logger.warn('connection to the JMS provider lost; reconnecting', {
        clientID,
        error: error.message,
      })
    }
    this.#dropSessions(error)
    for (const observer of [...this.#observers]) observer.onLost?.(error, isFinal)
  }

  #dropSessions(error: JMSException): void {
    this.#internalSession = undefined
    for (const session of [...this.#sessions]) session.onLost(error)
  }

  async #onReplaced(amqp: AmqpConnection): Promise<void> {
    this.#readRemote(amqp)
    await this.#recoverTemporary(amqp)
    for (const session of [...this.#sessions]) await session.recoverOn(amqp)
  }

  #onRestored(): void {
    const clientID = this.containerId
    channels.restored.publish({ clientID })
    this.logger.info('reconnected to the JMS provider', { clientID })
    for (const observer of [...this.#observers]) observer.onRestored?.()
  }

  /**
   * Creates the temporary destinations again: the provider deleted them with the lost connection.
   * They are empty and have new addresses.
   */
  async #recoverTemporary(amqp: AmqpConnection): Promise<void> {
    if (this.#temporary.size === 0) return
    const session = amqp.begin()
    this.#internalSession = session
    await this.limited(session.begun, 'beginning a session')
    for (const destination of [...this.#temporary.keys()]) {
      const { address, link } = await this.#attachTemporary(session, destination.kind)
      destination.changeAddress(address)
      this.#temporary.set(destination, link)
    }
  }

  #onFailed(error: JMSException): void {
    for (const session of [...this.#sessions]) session.onFailed(error)
    for (const observer of [...this.#observers]) observer.onFailed?.(error)
    if (this.#closing !== undefined) return
    const clientID = this.containerId
    channels.failed.publish({ clientID, error })
    this.logger.error('connection to the JMS provider failed permanently', {
      clientID,
      error: error.message,
    })
    this.reportException(error)
  }

  /** @internal Passes an error that is not reported by any call to the exception listener. */
  reportException(error: JMSException): void {
    const listener = this.#exceptionListener
    attempt(this.logger, 'an exception listener', () =>
      typeof listener === 'function' ? listener(error) : listener?.onException(error),
    )
  }

  /** Waits for an answer of the provider, for at most `timeoutMs`; default `requestTimeoutMs`. */
  limited<T>(
    promise: Promise<T>,
    what: string,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<T> {
    return limited(this.clock, promise, { what, timeoutMs })
  }

  /**
   * @internal Runs work on the connection's internal session, which serves temporary destinations
   * and `unsubscribe`. Retries if the connection is lost and replaced.
   */
  async onHiddenSession<T>(work: (session: AmqpSession) => Promise<T>): Promise<T> {
    for (;;) {
      const session = await this.#openInternalSession()
      try {
        return await work(session)
      } catch (error) {
        if (this.isConnected && this.#internalSession === session) throw error
        this.checkOpen()
      }
    }
  }

  async #openInternalSession(): Promise<AmqpSession> {
    for (;;) {
      const amqp = await this.amqp()
      if (amqp.isGone) continue
      if (this.#internalSession === undefined || this.#internalSession.isEnded)
        this.#internalSession = amqp.begin()
      const session = this.#internalSession
      try {
        await this.limited(session.begun, 'beginning a session')
        return session
      } catch (error) {
        if (!amqp.isGone) throw error
        this.checkOpen()
      }
    }
  }
  /** @internal Request-reply over this connection. */
  get requests(): RequestReply {
    this.checkOpen()
    this.#requests ??= new RequestReply(this)
    return this.#requests
  }

  // Jakarta Messaging API.

  /**
   * Creates a session, transacted or not, in one of the modes of `Session`. A number as the first
   * argument is the mode, including `SESSION_TRANSACTED`.
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
    const isOther = typeof transactedOrMode !== 'number' && typeof transactedOrMode !== 'boolean'
    if (!allowed.includes(mode as 0) || isContradiction || isOther) {
      throw new JMSException(
        `invalid acknowledge mode ${isOther ? transactedOrMode : mode}: expected AUTO_ACKNOWLEDGE (1), CLIENT_ACKNOWLEDGE (2), DUPS_OK_ACKNOWLEDGE (3) or SESSION_TRANSACTED (0)`,
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
        // Connection lost: the next attempt waits for its replacement.
        if (!amqp.isGone) throw jmsException(error)
      }
    }
  }

  /** As `createSession`, for a queue connection. */
  createQueueSession(transacted: boolean, acknowledgeMode: number): Promise<Session> {
    return this.createSession(transacted, acknowledgeMode)
  }

  /** As `createSession`, for a topic connection. */
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
   * Sets the client id and claims it at the provider. Must be called before any other use of the
   * connection.
   *
   * Throws `IllegalStateException` if the connection was used or already has an id, and
   * `InvalidClientIDException` if the id is empty or not a string. The returned promise rejects
   * with `InvalidClientIDException` if another connection has the id, and with `JMSException` if
   * the provider cannot be reached. The promise need not be awaited: every later call reports the
   * same error.
   */
  setClientID(clientID: string): Promise<void> {
    this.checkOpen()
    if (this.#isUsed) {
      throw new IllegalStateException('the client id can only be set before the connection is used')
    }
    if (typeof clientID !== 'string' || clientID === '') {
      throw new InvalidClientIDException(
        `invalid client id ${JSON.stringify(clientID)}: expected non-empty text`,
      )
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

  /** Listener for connection failures, or null. */
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
   * Starts delivery of messages. Rejects with `InvalidClientIDException` if another connection has
   * the client id, and with `JMSException` if the connection is lost.
   */
  async start(): Promise<void> {
    await this.amqp()
    this.#isStarted = true
    for (const session of this.#sessions) session.onStarted()
    for (const consumer of this.#consumers) consumer.onStarted()
  }

  /**
   * Pauses delivery of messages; resolves when no listener is running. Rejects with
   * `IllegalStateException` in a listener.
   */
  async stop(): Promise<void> {
    this.checkOpen()
    for (const session of this.#sessions) session.listeners.checkNotCaller('stop')
    this.#isStarted = false
    for (const session of this.#sessions) session.onStopped()
    await Promise.all([...this.#sessions].map((session) => session.listeners.settled()))
  }

  /**
   * Closes all sessions and the connection, and stops reconnecting. Waits for running listeners;
   * for a close with a deadline, use `jmsListener`. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close().catch((error: unknown) => {
      this.#closing = undefined
      throw error
    })
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const session of this.#sessions) session.listeners.checkNotCaller('close')
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
      const { address, link } = await this.#attachTemporary(session, kind)
      if (link.isRemotelyDetached)
        throw new JMSException(`the provider deleted the temporary ${kind}`)
      const destination =
        kind === 'queue' ? new TemporaryQueue(address, this) : new TemporaryTopic(address, this)
      this.#temporary.set(destination, link)
      return destination
    })
  }

  async #attachTemporary(
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
    await this.limited(link.attached, `creating a temporary ${kind}`).catch((error: unknown) => {
      throw jmsException(error)
    })
    const target = link.remote?.target
    const address = target?.kind === 'target' ? textOf(target.address) : undefined
    if (address === undefined)
      throw new JMSException(`the provider returned no address for the temporary ${kind}`)
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
    // The provider deletes temporary destinations with the connection: without this, a reconnect
    // would create it again.
    if (!this.isConnected) {
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

  /** @internal Whether a temporary destination of this connection was deleted. */
  isDeleted(destination: Destination): boolean {
    if (!(destination instanceof TemporaryQueue || destination instanceof TemporaryTopic))
      return false
    return destination.isOwnedBy(this) && !this.#temporary.has(destination)
  }

  // Consumers for application servers.

  /** Passes messages to the sessions of a pool (section 8.2, optional). */
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
