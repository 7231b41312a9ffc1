// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpConnection,
  type AmqpError,
  type Session as AmqpSession,
  ConnectionCapability,
  connect,
  Described,
  JmsCapability,
  type Open,
  type SenderLink,
  textOf,
  ulong,
} from '@millrace/amqp'
import { type Clock, nodeWorld, type Random } from '@millrace/base'
import { ConnectionConsumer, type ServerSessionPool } from './connection-consumer.ts'
import type { ResolvedOptions } from './connection-options.ts'
import {
  type Destination,
  type TemporaryOwner,
  TemporaryQueue,
  TemporaryTopic,
  type Topic,
} from './destination.ts'
import {
  IllegalStateException,
  InvalidClientIDException,
  InvalidDestinationException,
  JMSException,
  JMSSecurityException,
  jmsException,
} from './exceptions.ts'
import type { AddressPrefixes } from './message/codec.ts'
import { Session } from './session.ts'
import { SubscriptionNames } from './subscription-names.ts'

/** Told when a connection is lost for good. */
export type ExceptionListener =
  | ((exception: JMSException) => void)
  | { onException(exception: JMSException): void }

/** What may be consumed and produced: queue and topic connections have only the one. */
export type Domain = 'any' | 'queue' | 'topic'

/** What a provider and this library are. */
export interface ConnectionMetaData {
  getJMSVersion(): string
  getJMSMajorVersion(): number
  getJMSMinorVersion(): number
  getJMSProviderName(): string
  getProviderVersion(): string
  getProviderMajorVersion(): number
  getProviderMinorVersion(): number
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
  readonly #credentials: {
    readonly username?: string | undefined
    readonly password?: string | undefined
  }
  readonly domain: Domain
  readonly clock: Clock
  readonly #random: Random
  #amqp: AmqpConnection | undefined
  #opening: Promise<AmqpConnection> | undefined
  #clientId: string | undefined
  #hasOwnClientId: boolean
  #isUsed = false
  #isStarted = false
  #isClosed = false
  #failure: JMSException | undefined
  #exceptionListener: ExceptionListener | null = null
  readonly #sessions = new Set<Session>()
  readonly #consumers = new Set<ConnectionConsumer>()
  readonly #temporary = new Map<Destination, SenderLink>()
  #hidden: AmqpSession | undefined
  #nextUrl = 0
  #reconnecting: Promise<void> | undefined
  #nextId = 0
  readonly #closing = new AbortController()
  prefixes: AddressPrefixes = { queue: '', topic: '' }
  readonly subscriptionNames = new SubscriptionNames()
  #hasAnonymousRelay = true

  /** @internal Made by a `ConnectionFactory`. */
  constructor(
    options: ResolvedOptions,
    credentials: { readonly username?: string | undefined; readonly password?: string | undefined },
    domain: Domain = 'any',
  ) {
    this.#options = options
    this.#credentials = credentials
    this.domain = domain
    const world = options.world ?? nodeWorld
    this.clock = world.clock
    this.#random = world.random
    this.#clientId = options.clientID
    this.#hasOwnClientId = options.clientID !== undefined
    if (this.#hasOwnClientId) this.#isUsed = true
  }

  /** @internal Reaches the provider and shows who we are, without being known to it by a client id yet. */
  async connect(): Promise<void> {
    const { startupMaxReconnectAttempts, maxReconnectAttempts, reconnect } = this.#options
    const attempts = reconnect ? (startupMaxReconnectAttempts ?? maxReconnectAttempts) : 0
    this.#amqp = await this.#dial(attempts)
  }

  get options(): ResolvedOptions {
    return this.#options
  }

  get isStarted(): boolean {
    return this.#isStarted && !this.#isClosed
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

  get hasClientId(): boolean {
    return this.#hasOwnClientId
  }

  /** A new id, unlike all others anywhere. */
  newId(): string {
    return `${this.containerId.startsWith('ID:') ? '' : 'ID:'}${this.containerId}:${this.#nextId++}`
  }

  checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the connection is closed')
    if (this.#failure !== undefined) throw this.#failure
  }

  // The wire.

  async #dial(maxAttempts: number): Promise<AmqpConnection> {
    const { urls, reconnectDelayMs, maxReconnectDelayMs } = this.#options
    let delay = reconnectDelayMs
    for (let attempt = 0; ; attempt++) {
      let failure: unknown
      for (let i = 0; i < urls.length; i++) {
        if (this.#isClosed) throw new IllegalStateException('the connection is closed')
        const url = urls[this.#nextUrl % urls.length] as string
        try {
          return await this.#dialOne(url)
        } catch (error) {
          failure = error
          this.#nextUrl++
          // Wrong credentials are no better elsewhere.
          if (jmsException(error) instanceof JMSSecurityException) throw jmsException(error)
        }
      }
      if (maxAttempts >= 0 && attempt >= maxAttempts) {
        throw jmsException(failure, `cannot connect to ${urls.join(', ')}`)
      }
      await this.pause(delay)
      delay = Math.min(delay * 2, maxReconnectDelayMs)
    }
  }

  #dialOne(url: string): Promise<AmqpConnection> {
    const { world, tls, connectTimeoutMs, idleTimeoutMs, saslMechanisms, virtualHost } =
      this.#options
    let self: AmqpConnection | undefined
    const dialled = connect({
      url,
      containerId: this.#clientId ?? 'not yet known',
      opensLater: true,
      hostname: virtualHost,
      username: this.#credentials.username,
      password: this.#credentials.password,
      mechanisms: saslMechanisms,
      tls,
      timeoutMs: connectTimeoutMs,
      idleTimeoutMs,
      desiredCapabilities: [
        ConnectionCapability.soleConnection,
        ConnectionCapability.delayedDelivery,
        ConnectionCapability.anonymousRelay,
        ConnectionCapability.sharedSubscriptions,
      ],
      handler: { onClose: (error) => this.#onGone(self, error) },
      ...(world === undefined ? {} : { world }),
    })
    return dialled.then((amqp) => {
      self = amqp
      return amqp
    })
  }

  async #open(amqp: AmqpConnection): Promise<AmqpConnection> {
    amqp.open({ containerId: this.containerId })
    let open: Open
    try {
      open = await this.limited(amqp.opened, 'opening the connection')
      if (open.properties?.has('amqp:connection-establishment-failed')) {
        // The reason follows in the close.
        await amqp.closed
        throw (
          this.#refusal ?? new InvalidClientIDException(`client id ${this.containerId} was refused`)
        )
      }
    } catch (error) {
      throw jmsException(this.#refusal ?? error)
    }
    const { properties, offeredCapabilities = [] } = open
    this.prefixes = {
      queue: textOf(properties?.get('queue-prefix')) ?? '',
      topic: textOf(properties?.get('topic-prefix')) ?? '',
    }
    this.#hasAnonymousRelay = offeredCapabilities.includes(ConnectionCapability.anonymousRelay)
    return amqp
  }

  #refusal: AmqpError | undefined

  /** The open connection. Rejects when it is lost for good. */
  async amqp(): Promise<AmqpConnection> {
    this.checkOpen()
    this.#isUsed = true
    if (this.#reconnecting !== undefined) await this.#reconnecting
    this.checkOpen()
    this.#opening ??= this.#open(this.#amqp as AmqpConnection)
    return this.#opening
  }

  #onGone(amqp: AmqpConnection | undefined, error: AmqpError | undefined): void {
    if (amqp === undefined || amqp !== this.#amqp || this.#isClosed) return
    if (
      this.#opening === undefined ||
      amqp.remote?.properties?.has('amqp:connection-establishment-failed')
    ) {
      this.#refusal = error
    }
    if (amqp.remote === undefined && this.#opening !== undefined) return
    this.#hidden = undefined
    for (const session of this.#sessions) session.onLost()
    if (!this.#options.reconnect) {
      this.#fail(jmsException(error ?? new JMSException('the provider closed the connection')))
      return
    }
    this.#reconnecting ??= this.#reconnect().finally(() => {
      this.#reconnecting = undefined
    })
  }

  async #reconnect(): Promise<void> {
    for (;;) {
      try {
        const amqp = await this.#dial(this.#options.maxReconnectAttempts)
        this.#amqp = amqp
        this.#opening = this.#open(amqp)
        await this.#opening
        await this.#recoverTemporary(amqp)
        for (const session of [...this.#sessions]) await session.recoverOn(amqp)
        return
      } catch (error) {
        if (this.#isClosed) return
        const known = jmsException(error)
        const isLasting =
          known instanceof JMSSecurityException || known instanceof InvalidDestinationException
        const { maxReconnectAttempts } = this.#options
        if (isLasting || maxReconnectAttempts >= 0) {
          this.#fail(known)
          return
        }
        this.#opening = undefined
        this.#amqp?.destroy()
        await this.pause(this.#options.reconnectDelayMs)
      }
    }
  }

  /** Temporary destinations died with the connection: they come back, empty, under new addresses. */
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

  #fail(error: JMSException): void {
    if (this.#failure !== undefined) return
    this.#failure = new JMSException(`the connection is lost: ${error.message}`, error.code, error)
    for (const session of this.#sessions) session.onFailed(this.#failure)
    const listener = this.#exceptionListener
    if (typeof listener === 'function') listener(this.#failure)
    else listener?.onException(this.#failure)
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#closing
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.clock.setTimer(ms, end, { keepsAlive: true })
      signal.addEventListener('abort', end)
    })
  }

  /** Waits for an answer of the provider, but not for ever. */
  async limited<T>(
    promise: Promise<T>,
    what: string,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<T> {
    if (timeoutMs <= 0) return promise
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = this.clock.setTimer(
      timeoutMs,
      () => reject(new JMSException(`${what}: no answer within ${timeoutMs} ms`, 'JMS_TIMEOUT')),
      { keepsAlive: true },
    )
    try {
      return await Promise.race([promise, late])
    } finally {
      timer.cancel()
    }
  }

  /** The session of the connection itself, for temporary destinations and `unsubscribe`. */
  async hiddenSession(): Promise<AmqpSession> {
    const amqp = await this.amqp()
    if (this.#hidden === undefined || this.#hidden.isEnded) this.#hidden = amqp.begin()
    await this.limited(this.#hidden.begun, 'beginning a session')
    return this.#hidden
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
        `invalid acknowledge mode ${mode}: allowed are AUTO_ACKNOWLEDGE (1), CLIENT_ACKNOWLEDGE (2), DUPS_OK_ACKNOWLEDGE (3) and SESSION_TRANSACTED (0)`,
      )
    }
    const session = new Session(this, mode)
    this.#sessions.add(session)
    try {
      await session.open(await this.amqp())
      return session
    } catch (error) {
      this.#sessions.delete(session)
      throw jmsException(error)
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

  getClientID(): string | null {
    this.checkOpen()
    return this.#hasOwnClientId ? (this.#clientId as string) : null
  }

  /** Throws `IllegalStateException` once the connection was used, `InvalidClientIDException` for an empty id. */
  setClientID(clientID: string): void {
    this.checkOpen()
    if (this.#isUsed) {
      throw new IllegalStateException('the client id can only be set before the connection is used')
    }
    if (typeof clientID !== 'string' || clientID === '') {
      throw new InvalidClientIDException(`${JSON.stringify(clientID)} is no client id`)
    }
    this.#clientId = clientID
    this.#hasOwnClientId = true
    this.#isUsed = true
  }

  getMetaData(): ConnectionMetaData {
    this.checkOpen()
    return metaData
  }

  getExceptionListener(): ExceptionListener | null {
    this.checkOpen()
    return this.#exceptionListener
  }

  setExceptionListener(listener: ExceptionListener | null): void {
    this.checkOpen()
    this.#exceptionListener = listener
  }

  /** Lets messages flow. Rejects with `InvalidClientIDException` when the client id is in use. */
  async start(): Promise<void> {
    await this.amqp()
    this.#isStarted = true
    for (const session of this.#sessions) session.onStarted()
    for (const consumer of this.#consumers) consumer.onStarted()
  }

  /** Holds messages back; resolves when no listener is at work any more. */
  async stop(): Promise<void> {
    this.checkOpen()
    for (const session of this.#sessions) session.checkNotInListener('stop')
    this.#isStarted = false
    for (const session of this.#sessions) session.onStopped()
    await Promise.all([...this.#sessions].map((session) => session.settled()))
  }

  /** Ends all sessions and the connection. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    for (const session of this.#sessions) session.checkNotInListener('close')
    for (const consumer of [...this.#consumers]) await consumer.close()
    this.#isStarted = false
    await Promise.all([...this.#sessions].map((session) => session.close().catch(() => undefined)))
    this.#isClosed = true
    this.#closing.abort()
    const amqp = this.#amqp
    if (amqp !== undefined && !amqp.isGone) await amqp.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // Temporary destinations.

  /** @internal */
  async createTemporary(kind: 'queue' | 'topic'): Promise<TemporaryQueue | TemporaryTopic> {
    const { address, link } = await this.#makeTemporary(await this.hiddenSession(), kind)
    const destination =
      kind === 'queue' ? new TemporaryQueue(address, this) : new TemporaryTopic(address, this)
    this.#temporary.set(destination, link)
    return destination
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
      onError: (error) => this.#fail(jmsException(error)),
    })
    this.#consumers.add(consumer)
    if (this.isStarted) consumer.onStarted()
    return consumer
  }
}
