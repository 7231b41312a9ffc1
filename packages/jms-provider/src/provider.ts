// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os'
import { Condition, foreignProtocolOf, serve } from '@millrace/amqp'
import {
  attempt,
  type Connection,
  guard,
  guardedClock,
  type ListenOptions,
  type Logger,
  type NetworkListener,
  nodeWorld,
  resolveReferences,
  silentLogger,
  type Timer,
  type World,
} from '@millrace/base'
import { Admin, type ClientOptions, Producer } from '@millrace/client'
import { type ListenerAddress, ProviderConfig, parseListener } from './config/provider-config.ts'
import { TemporaryMemory } from './destination/memory-log.ts'
import { MAX_RECORD_BYTES } from './destination/topic-admin.ts'
import { Engine } from './engine.ts'
import type { ListenerTls } from './listener/listener-tls.ts'
import { Management } from './listener/management.ts'
import { MemoryBudget } from './listener/memory-budget.ts'
import { type ConnectionContext, ProviderConnection } from './listener/provider-connection.ts'
import { newRelayKey, relay, unwrapRelay, watchClose, withName } from './listener/relay.ts'
import { Subscriptions } from './listener/subscriptions.ts'
import { readableSecrets, Users } from './listener/users.ts'
import { createStateTopic, isSuperseded, Ownership, StateFollower } from './ownership.ts'
import { pause } from './pause.ts'
import { ClientAccess } from './security/client-access.ts'
import type { ProviderSecurity } from './security/provider-security.ts'
import { Journal, stateRecord } from './state/journal.ts'
import type { OwnerRecord } from './state/state-record.ts'
import { TransactionStore } from './transaction/transaction-store.ts'
import { noUsage, type ProviderUsage, usageOf } from './usage.ts'

/** Options of `JmsProvider.start`. */
export interface ProviderOptions {
  /** Connection to the Kafka cluster. */
  readonly client: ClientOptions
  /**
   * `amqp.…` settings as text, with references to config providers (`config.providers`). Other keys
   * are ignored.
   */
  readonly config?: Readonly<Record<string, string>> | ReadonlyMap<string, string>
  /**
   * If true, the state topic is created and the consumer group joined only when the first client
   * connects, unless the topic already exists: a cluster without JMS clients stays unchanged.
   * Default false.
   */
  readonly startsOnFirstUse?: boolean
  /**
   * Users and permissions of the cluster. Default: the users of `amqp.users`, which are allowed
   * everything.
   */
  readonly security?: ProviderSecurity
  /** Receives warnings and errors. Default: none. */
  readonly logger?: Logger
  /**
   * Clock, randomness and network, for clients of the provider and for its connections to the
   * cluster; settings in `client` take precedence. Default: those of Node.
   */
  readonly world?: ProviderWorld
}

/**
 * The parts of a `World` that a provider needs. Its state is in the cluster. The file system holds
 * the data of transactions beyond their memory limit; without one, such transactions are refused.
 */
export type ProviderWorld = Pick<World, 'clock' | 'random' | 'network'> &
  Partial<Pick<World, 'fileSystem'>>

/** Maximum time that a client connection waits for an owner of the destinations. */
const OWNER_WAIT_MS = 15_000

/**
 * Size of the AMQP protocol header, and the number of bytes to buffer from a client before it is
 * served.
 */
const HEADER_BYTES = 8
const MAX_HELD_BYTES = 64 * 1024
/**
 * Interval between log messages about one client of another protocol, and the number of such
 * clients to remember.
 */
const FOREIGN_CLIENT_MS = 60_000
const MAX_FOREIGN_CLIENTS = 100
/** Time that clients have to send outcomes when the provider stops. */
const OUTCOME_GRACE_MS = 50
/** How often files of certificates are read to see whether they changed. */
const CERTIFICATE_CHECK_MS = 1000

/** State of the provider that owns the destinations. */
interface OwnedState {
  readonly engine: Engine
  /** Transactional producers. */
  readonly producers: readonly Producer[]
  readonly context: ConnectionContext
}

/**
 * A JMS provider on a Kafka cluster. Clients connect over AMQP 1.0. Several providers may share a
 * cluster: one owns the destinations; the others relay connections to it and take over if it fails.
 */
export class JmsProvider implements AsyncDisposable {
  readonly #config: ProviderConfig
  readonly #world: ProviderWorld
  readonly #logger: Logger
  readonly #client: ClientOptions
  readonly #users: Users
  readonly #security: ProviderSecurity | undefined
  readonly #relayKey: string
  readonly #listeners: NetworkListener[] = []
  #tls: ListenerTls | undefined
  #certificateTimer: Timer | undefined
  readonly #bound: ListenerAddress[] = []
  readonly #connections = new Set<ProviderConnection>()
  #replicationFactor: number | undefined
  #follower: StateFollower | undefined
  #ownership: Ownership | undefined
  #owned: OwnedState | undefined
  /** Ownership changes run one after another. */
  #changing: Promise<void> = Promise.resolve()
  #isOwner = false
  #ownerWaiters: (() => void)[] = []
  readonly #startsOnFirstUse: boolean
  #beginning: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #openConnections = 0
  /** Error because of which the destinations cannot be served; undefined if unknown. */
  #unavailable: unknown
  /** Time until which refused connections are not logged again. */
  #logsRefusalsFromMs = Number.NEGATIVE_INFINITY
  /** Clients of other protocols and the time until which they are not logged again. */
  readonly #foreignClients = new Map<string, number>()

  private constructor(options: ProviderOptions) {
    const settings = options.config ?? {}
    this.#config = new ProviderConfig(
      resolveReferences(
        settings instanceof Map
          ? (settings as ReadonlyMap<string, string>)
          : new Map(Object.entries(settings as Readonly<Record<string, string>>)),
      ),
    )
    this.#logger = options.logger ?? silentLogger
    const world: ProviderWorld = options.world ?? nodeWorld
    this.#world = { ...world, clock: guardedClock(world.clock, this.#logger) }
    this.#relayKey = newRelayKey(this.#world.random)
    const { network, ...rest } = this.#world
    this.#client = {
      clientId: 'millrace-jms',
      ...(options.world === undefined ? {} : { network, world: rest }),
      ...options.client,
      logger: this.#logger,
    }
    this.#startsOnFirstUse = options.startsOnFirstUse ?? false
    this.#security = options.security
    this.#users = new Users(this.#config, this.#world.random, options.security)
  }

  /**
   * Starts a provider. Resolves when clients can connect. Rejects with `ProviderConfigError` for an
   * invalid setting, with a Node error such as `EADDRINUSE`, or with an error of the cluster.
   */
  static async start(options: ProviderOptions): Promise<JmsProvider> {
    const provider = new JmsProvider(options)
    try {
      await provider.#start()
      return provider
    } catch (error) {
      await provider.close()
      throw error
    }
  }

  async #start(): Promise<void> {
    for (const warning of readableSecrets(this.#config)) this.#logger.warn(warning)
    // Report an invalid address or certificate before anything is created.
    for (const listener of this.#config.listeners) await this.#listen(listener)
    this.#watchCertificates()
    if (!this.#startsOnFirstUse || (await this.#hasStateTopic())) await this.#begin()
  }

  async #hasStateTopic(): Promise<boolean> {
    const admin = new Admin(this.#client)
    try {
      const topics = await admin.listTopics({ listInternal: true })
      return topics.some(({ name }) => name === this.#config.text('state.topic'))
    } finally {
      await admin.close()
    }
  }

  /**
   * Joins the providers of the cluster. Resolves when the owner of the destinations is known, or
   * after a timeout.
   */
  #begin(): Promise<void> {
    this.#beginning ??= this.#joinProviders().catch((error: unknown) => {
      this.#beginning = undefined
      throw error
    })
    return this.#beginning
  }

  async #joinProviders(): Promise<void> {
    const topic = this.#config.text('state.topic')
    this.#replicationFactor = await this.#replication()
    await createStateTopic(this.#client, { topic, replicationFactor: this.#replicationFactor })
    const { clock } = this.#world
    this.#follower = new StateFollower(this.#client, { topic, clock, logger: this.#logger })
    this.#follower.start()
    this.#ownership = new Ownership(this.#client, {
      topic,
      groupId: this.#config.text('group.id'),
      instanceId: this.#config.text('provider.id'),
      clock,
      logger: this.#logger,
      onOwner: (isOwner) => this.#onOwner(isOwner),
    })
    this.#unavailable = undefined
    await this.#within(OWNER_WAIT_MS, this.#ownerKnown())
  }

  /** Waits for a promise, up to a time limit. */
  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#world.clock.setTimer(ms, resolve, { keepsAlive: true })
    await Promise.race([work, promise])
    timer.cancel()
  }

  async #replication(): Promise<number | undefined> {
    const wanted = this.#config.number('replication.factor')
    if (wanted > 0) return wanted
    const admin = new Admin(this.#client)
    try {
      const { nodes } = await admin.describeCluster()
      return Math.min(nodes.length, 3)
    } finally {
      await admin.close()
    }
  }

  /** `host:port` of the first listener. */
  get address(): string {
    return this.addresses[0] ?? ''
  }

  /** `host:port` of each listener, with the scheme in front unless it is plain AMQP. */
  get addresses(): string[] {
    return this.#bound.map(({ scheme, host, port }) => {
      const shown = host === '' || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
      const text = `${shown.includes(':') ? `[${shown}]` : shown}:${port}`
      return scheme === 'amqp' ? text : `${scheme}://${text}`
    })
  }

  /** Whether this provider owns the destinations now. */
  get isOwner(): boolean {
    return this.#owned !== undefined
  }

  /** The destinations and subscriptions; undefined while another provider owns them. */
  get engine(): Engine | undefined {
    return this.#owned?.engine
  }

  /** Resources that clients hold; all 0 while another provider owns the destinations. */
  get usage(): ProviderUsage {
    return this.#owned === undefined ? noUsage : usageOf(this.#owned.context)
  }

  // Ownership.

  #onOwner(isOwner: boolean): void {
    this.#isOwner = isOwner
    this.#changing = this.#changing
      .then(() => this.#change())
      .catch((error: unknown) => {
        this.#logger.error('cannot change the ownership of the destinations', { error })
      })
  }

  async #change(): Promise<void> {
    if (this.#isOwner && this.#owned === undefined && this.#closing === undefined) {
      await this.#takeOver()
    } else if (!this.#isOwner && this.#owned !== undefined) {
      await this.#releaseOwnership('another provider takes over')
    }
    for (const wake of this.#ownerWaiters.splice(0)) wake()
  }

  async #takeOver(): Promise<void> {
    const follower = this.#follower as StateFollower
    const topic = this.#config.text('state.topic')
    const { clock } = this.#world
    const producer = (transactionalId: string): Producer =>
      new Producer({
        ...this.#client,
        transactionalId,
        // Longer than any commit takes, including that of the largest client transaction.
        transactionTimeoutMs: 300_000,
        deliveryTimeoutMs: 45_000,
        maxRequestSize: MAX_RECORD_BYTES,
        bufferMemory: 2 * MAX_RECORD_BYTES,
        allowAutoCreateTopics: false,
      })
    const transactional = producer(`${topic}-owner`)
    const largeTransactional = producer(`${topic}-owner-large`)
    let owner: OwnerRecord
    let stateEnd: number
    try {
      // Fences the previous owner: it can no longer commit, and its open transactions are aborted.
      await Promise.all([transactional.initTransactions(), largeTransactional.initTransactions()])
      await follower.caughtUp()
      const epoch = (follower.image.owner?.epoch ?? 0) + 1
      owner = { epoch, address: this.#advertised(), relayKey: this.#relayKey }
      stateEnd = await this.#writeOwner(transactional, owner)
      // Records that the previous owner wrote before the owner record are valid; later ones are
      // not.
      await follower.caughtUp()
    } catch (error) {
      await Promise.all([
        transactional.close({ timeoutMs: 0 }),
        largeTransactional.close({ timeoutMs: 0 }),
      ])
      if (this.#closing !== undefined) return
      this.#unavailable = error
      this.#logger.warn('takeover of the destinations failed; retrying', { error })
      await pause(this.#world.clock, 500)
      if (this.#isOwner && this.#closing === undefined) this.#onOwner(true)
      return
    }
    await follower.stop()
    const { image } = follower
    const { epoch } = owner
    const engine = new Engine({
      client: this.#client,
      clock,
      logger: this.#logger,
      image,
      replicationFactor: this.#replicationFactor,
      temporaryMemory: new TemporaryMemory(this.#config.number('temporary.max.bytes')),
      policyOf: (kind, name) => this.#config.policyOf(kind, name),
      journal: (logs) =>
        new Journal({
          topic,
          epoch,
          stateEnd,
          clock,
          logger: this.#logger,
          plain: logs.producer,
          transactional,
          largeTransactional,
          isSupersededSince: (offset) => isSuperseded(this.#client, { topic, offset, epoch }),
          onFatal: (error) => this.#onFatal(error),
        }),
    })
    this.#owned = {
      engine,
      producers: [transactional, largeTransactional],
      context: this.#contextFor(engine),
    }
    this.#unavailable = undefined
    this.#logger.info('this provider owns the JMS destinations', { epoch })
    attempt(this.#logger, 'opening the destinations', () => engine.openAll())
  }

  /** Writes the owner record. Returns the next offset of the state topic. */
  async #writeOwner(transactional: Producer, owner: OwnerRecord): Promise<number> {
    const record = stateRecord(this.#config.text('state.topic'), owner.epoch, {
      key: { kind: 'owner' },
      value: JSON.stringify(owner),
    })
    const { offset } = await transactional.transaction((transaction) => transaction.send(record))
    // Skip the offset of the transaction marker.
    return Number(offset) + 2
  }

  #contextFor(engine: Engine): ConnectionContext {
    const subscriptions = new Subscriptions(engine)
    return {
      engine,
      subscriptions,
      management: new Management(engine, subscriptions),
      clock: this.#world.clock,
      logger: this.#logger,
      exclusiveContainerIds: new Map(),
      connections: this.#connections,
      consumers: new Map(),
      defaultKind: this.#config.text('default.destination') as 'queue' | 'topic',
      producerCredit: this.#config.number('producer.credit'),
      maxMessageBytes: this.#config.number('max.message.bytes'),
      transactionStore: new TransactionStore(
        {
          maxBytes: this.#config.number('transaction.max.bytes'),
          maxTotalBytes: this.#config.number('transactions.max.bytes'),
          memoryBytes: this.#config.number('transactions.memory.bytes'),
          directory: this.#config.text('transactions.directory'),
        },
        { fileSystem: this.#world.fileSystem, random: this.#world.random },
      ),
      pending: {
        bytes: 0,
        maxBytes: this.#config.number('pending.max.bytes'),
        paused: new Set(),
      },
      memory: new MemoryBudget(
        {
          incomplete: this.#config.number('incomplete.max.bytes'),
          unread: this.#config.number('unread.max.bytes'),
        },
        { clock: this.#world.clock, logger: this.#logger },
      ),
      maxLinks: this.#config.number('connection.max.links'),
      maxUnsettled: this.#config.number('connection.max.unsettled'),
      failoverServers: [],
    }
  }

  /** Writing is impossible or its outcome is unknown: restart from the state in the cluster. */
  #onFatal(error: Error): void {
    if (this.#owned === undefined) return
    // Stop immediately: a message with an unknown outcome must not be delivered to another
    // consumer.
    this.#owned.engine.stopDelivering()
    this.#logger.warn('restarting from the state topic', { error })
    this.#changing = this.#changing
      .then(() => this.#releaseOwnership('the provider restarts'))
      .then(() => this.#change())
      .catch((failure: unknown) => {
        this.#logger.error('cannot restart from the state topic', { error: failure })
      })
  }

  async #releaseOwnership(why: string): Promise<void> {
    const reign = this.#owned
    if (reign === undefined) return
    this.#owned = undefined
    const condition = {
      kind: 'error',
      condition: Condition.connectionForced,
      description: why,
    } as const
    for (const connection of [...this.#connections]) {
      attempt(this.#logger, 'closing a connection', () => {
        attempt(this.#logger, 'closing a connection', () => connection.close(condition))
        connection.destroy()
      })
    }
    await this.#closeOwned(reign)
    if (this.#closing === undefined) this.#follower?.start()
  }

  async #closeOwned({ engine, producers, context }: OwnedState): Promise<void> {
    await this.#step('the destinations', () => engine.close())
    for (const producer of producers) {
      await this.#step('a transactional producer', () => producer.close({ timeoutMs: 1000 }))
    }
    attempt(this.#logger, 'removing temporary files', () => context.transactionStore.close())
    context.memory.close()
  }

  /** Runs one step of a shutdown; an error is logged and does not stop the following steps. */
  async #step(what: string, close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close()
    } catch (error) {
      this.#logger.error(`error closing ${what}`, { error })
    }
  }

  /** Address at which other providers reach this one. */
  #advertised(): string {
    const advertised = this.#config.text('advertised.listener')
    if (advertised !== '') return advertised
    const [first] = this.#bound
    if (first === undefined) return ''
    const isAny = first.host === '' || first.host === '0.0.0.0' || first.host === '::'
    return `${first.scheme}://${isAny ? hostname() : first.host}:${first.port}`
  }

  /** Resolves when the owner is known: this provider, or one with a known address. */
  async #ownerKnown(): Promise<void> {
    while (this.#owned === undefined && this.#closing === undefined) {
      const owner = this.#follower?.image.owner
      if (owner !== undefined && !this.#isOwner && (await this.#canReach(owner.address))) return
      await new Promise<void>((resolve) => {
        this.#ownerWaiters.push(resolve)
        this.#world.clock.setTimer(200, resolve)
      })
    }
  }

  async #canReach(address: string): Promise<boolean> {
    try {
      const { host, port } = parseListener(address)
      if (this.#bound.some((each) => each.port === port && each.host === host)) return false
      const connection = await this.#world.network.connect({ host, port, timeoutMs: 1000 })
      connection.destroy()
      return true
    } catch {
      return false
    }
  }

  // Listening.

  async #listen(address: ListenerAddress): Promise<void> {
    const { scheme, host, port } = address
    const tls = scheme === 'amqps' || scheme === 'wss' ? (await this.#openTls()).options : undefined
    const options: ListenOptions = {
      host,
      port,
      ...(tls === undefined ? {} : { tls }),
      onConnection: (transport) => this.#onConnection(transport),
      onError: (error) => this.#logger.warn('listener error', { error }),
    }
    const isWebSocket = scheme === 'ws' || scheme === 'wss'
    // Loaded on demand.
    const listener = isWebSocket
      ? await (await import('@millrace/amqp/web-socket')).listenWebSocket({
          ...options,
          allowedOrigins: this.#config.list('websocket.allowed.origins'),
        })
      : await this.#world.network.listen(options)
    this.#listeners.push(listener)
    this.#bound.push({ ...address, port: listener.port })
  }

  /** TLS of all listeners; loaded with the first that needs it. */
  async #openTls(): Promise<ListenerTls> {
    const { ListenerTls } = await import('./listener/listener-tls.ts')
    this.#tls ??= new ListenerTls(this.#config, this.#logger)
    return this.#tls
  }

  /** Uses certificates that have changed for new connections. */
  #watchCertificates(): void {
    if (this.#tls === undefined) return
    this.#certificateTimer = this.#world.clock.setTimer(CERTIFICATE_CHECK_MS, () => {
      this.#watchCertificates()
      attempt(this.#logger, 'loading certificates', () => {
        const options = this.#tls?.refresh()
        if (options === undefined) return
        for (const listener of this.#listeners) listener.updateTls?.(options)
      })
    })
  }

  /** Accepts a connection. On an error it is closed, and the listener continues. */
  #onConnection(accepted: Connection): void {
    const maxConnections = this.#config.number('max.connections')
    if (this.#openConnections >= maxConnections) {
      accepted.destroy()
      const now = this.#world.clock.monotonic()
      if (now < this.#logsRefusalsFromMs) return
      this.#logsRefusalsFromMs = now + FOREIGN_CLIENT_MS
      this.#logger.warn(`refusing connections: amqp.max.connections=${maxConnections} is reached`)
      return
    }
    this.#openConnections++
    const watched = watchClose(accepted, () => this.#openConnections--)
    const transport = this.#named(watched)
    if (transport === undefined) return
    const give = (error: Error): void => {
      this.#logger.error('cannot serve a connection', {
        peer: transport.remoteAddress,
        error,
      })
      transport.destroy()
    }
    const { clock } = this.#world
    unwrapRelay(transport, { key: this.#relayKey, clock }, (client) =>
      guard(() => {
        if (this.#owned === undefined) return this.#serveLater(client)
        return this.#serve(client, this.#owned)
      }, give),
    )
  }

  /** A connection whose `peerName` is the user of its certificate; undefined if it is refused. */
  #named(accepted: Connection): Connection | undefined {
    let name: string | undefined
    try {
      name = this.#users.externalName(accepted)
    } catch (error) {
      this.#logger.warn('a client is refused: its certificate has no user', {
        peer: accepted.remoteAddress,
        error,
      })
      accepted.destroy()
      return undefined
    }
    return withName(accepted, name)
  }

  #serve(transport: Connection, { context }: OwnedState): void {
    serve(transport, {
      containerId: 'millrace',
      idleTimeoutMs: this.#config.number('idle.timeout.ms'),
      logger: this.#logger,
      onForeignProtocol: (protocol) => this.#onForeignProtocol(protocol.name, transport),
      authenticator: this.#users.authenticatorFor(transport.remoteAddress, transport.peerName),
      admit: (connection, name) => {
        // The owner or its engine may have changed while the client authenticated.
        const current = this.#owned?.context
        if (current === undefined) transport.destroy()
        const username = this.#users.verified(name, transport.peerName)
        const handler = new ProviderConnection(current ?? context, {
          username,
          access: new ClientAccess(this.#security, {
            principal: `User:${username ?? 'ANONYMOUS'}`,
            host: transport.remoteAddress.replace(/^::ffff:/, ''),
          }),
        })
        handler.use(connection)
        return handler
      },
      world: this.#world,
    })
  }

  /**
   * Logs a client of another protocol, at most once per interval: such clients reconnect
   * repeatedly.
   */
  #onForeignProtocol(name: string, { remoteAddress, localPort }: Connection): void {
    const key = `${name} ${remoteAddress}`
    const now = this.#world.clock.monotonic()
    if (now < (this.#foreignClients.get(key) ?? Number.NEGATIVE_INFINITY)) return
    if (this.#foreignClients.size >= MAX_FOREIGN_CLIENTS) this.#foreignClients.clear()
    this.#foreignClients.set(key, now + FOREIGN_CLIENT_MS)
    const kafka = [this.#client.bootstrapServers].flat().join(',')
    const where = name === 'Kafka' ? `; Kafka listens on ${kafka}` : ''
    this.#logger.warn(
      `client speaks ${name} on port ${localPort}, which serves only AMQP 1.0${where}`,
      { client: remoteAddress },
    )
  }

  /**
   * Relays a client to the owner once there is one, or serves it if this provider becomes the
   * owner.
   */
  async #serveLater(client: Connection): Promise<void> {
    const held: Buffer[] = []
    let heldBytes = 0
    let isGone = false
    const started = Promise.withResolvers<void>()
    client.onData = (chunk) => {
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes >= HEADER_BYTES) started.resolve()
      // Limit the bytes that are buffered before the client is served.
      if (heldBytes > MAX_HELD_BYTES) client.pause()
    }
    client.onClose = () => {
      isGone = true
      started.resolve()
    }
    const deadline = this.#world.clock.monotonic() + OWNER_WAIT_MS
    await this.#within(OWNER_WAIT_MS, started.promise)
    // A client of another protocol must not start JMS.
    const start = Buffer.concat(held).subarray(0, HEADER_BYTES)
    const foreign = start.length < HEADER_BYTES ? undefined : foreignProtocolOf(start)
    if (start.length < HEADER_BYTES || foreign !== undefined) {
      if (foreign !== undefined) this.#onForeignProtocol(foreign.name, client)
      if (foreign?.answer !== undefined) client.write([foreign.answer])
      client.end()
      return
    }
    this.#begin().catch((error: unknown) => {
      this.#unavailable = error
      this.#logger.warn('cannot serve JMS; retrying', { error })
    })
    while (!isGone && this.#closing === undefined && this.#world.clock.monotonic() < deadline) {
      if (this.#owned !== undefined) {
        this.#serve(client, this.#owned)
        for (const chunk of held) client.onData(chunk)
        client.resume()
        return
      }
      const owner = this.#follower?.image.owner
      if (owner !== undefined && !this.#isOwner && (await this.#tryRelay(client, owner, held)))
        return
      await new Promise<void>((resolve) => {
        this.#ownerWaiters.push(resolve)
        this.#world.clock.setTimer(200, resolve)
      })
    }
    if (isGone || this.#closing !== undefined) client.destroy()
    else this.#refuse(client, held)
  }

  /** Refuses a client with an AMQP error that reports the reason. */
  #refuse(client: Connection, held: readonly Buffer[]): void {
    const { message } = (this.#unavailable ?? {}) as { readonly message?: string }
    const why = message === undefined ? '' : `: ${message}`
    serve(client, {
      containerId: 'millrace',
      logger: this.#logger,
      authenticator: this.#users.authenticatorFor(client.remoteAddress, client.peerName),
      admit: (connection) => ({
        onOpen: () =>
          connection.refuse(
            {
              kind: 'error',
              condition: Condition.connectionForced,
              description: `the JMS destinations are not available${why}`,
            },
            new Map([['amqp:connection-establishment-failed', true]]),
          ),
        onClose: () => {},
      }),
      world: this.#world,
    })
    for (const chunk of held) client.onData(chunk)
    client.resume()
  }

  async #tryRelay(
    client: Connection,
    owner: { readonly address: string; readonly relayKey?: string },
    held: Buffer[],
  ): Promise<boolean> {
    const { onData, onClose } = client
    try {
      const { host, port } = parseListener(owner.address)
      if (this.#bound.some((each) => each.port === port && each.host === host)) return false
      const key = owner.relayKey ?? ''
      await relay(client, { network: this.#world.network, host, port, key, held })
      return true
    } catch {
      client.onData = onData
      client.onClose = onClose
      client.resume()
      return false
    }
  }

  /** Disconnects clients, writes pending state and leaves the consumer group. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#certificateTimer?.cancel()
    await Promise.all(
      this.#listeners.map((listener) => Promise.race([listener.close(), this.#nextTurn()])),
    )
    const reign = this.#owned
    const condition = {
      kind: 'error',
      condition: Condition.connectionForced,
      description: 'the provider is shutting down',
    } as const
    // Outcomes of consumed messages may still arrive. Wait briefly, so that those messages are not
    // redelivered.
    reign?.engine.stopDelivering()
    if (this.#connections.size > 0) await this.#within(OUTCOME_GRACE_MS, new Promise(() => {}))
    const closing = [...this.#connections].map((connection) =>
      this.#step('a connection', () => connection.close(condition)),
    )
    await this.#within(1000, Promise.all(closing))
    for (const connection of [...this.#connections]) {
      attempt(this.#logger, 'closing a connection', () => connection.destroy())
    }
    this.#owned = undefined
    if (reign !== undefined) await this.#closeOwned(reign)
    await this.#step('the group membership of the provider', () => this.#ownership?.close())
    await this.#step('the state topic', () => this.#follower?.close())
    await this.#step('the security of the cluster', () => this.#security?.close?.())
    for (const wake of this.#ownerWaiters.splice(0)) wake()
  }

  /** Resolves in the next turn: listeners close only after their connections, closed next. */
  #nextTurn(): Promise<void> {
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
