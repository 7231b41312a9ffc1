// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { Condition, foreignProtocolOf, serve } from '@millrace/amqp'
import {
  attempt,
  type Connection,
  type ListenOptions,
  type Logger,
  type NetworkListener,
  nodeWorld,
  silentLogger,
  systemErrorCode,
  type World,
} from '@millrace/base'
import { Admin, type ClientOptions, Producer } from '@millrace/client'
import {
  type ListenerAddress,
  ProviderConfig,
  ProviderConfigError,
  parseListener,
} from './config/provider-config.ts'
import { TemporaryMemory } from './destination/memory-log.ts'
import { MAX_RECORD_BYTES } from './destination/topic-admin.ts'
import { Engine } from './engine.ts'
import { Management } from './listener/management.ts'
import { MemoryBudget } from './listener/memory-budget.ts'
import { type ConnectionContext, ProviderConnection } from './listener/provider-connection.ts'
import { newRelayKey, relay, unwrapRelay, watchClose } from './listener/relay.ts'
import { Subscriptions } from './listener/subscriptions.ts'
import { Users } from './listener/users.ts'
import { createStateTopic, isSuperseded, Ownership, StateFollower } from './ownership.ts'
import { Journal, stateRecord } from './state/journal.ts'
import type { OwnerRecord } from './state/state-record.ts'
import { TransactionStore } from './transaction/transaction-store.ts'
import { noUsage, type ProviderUsage, usageOf } from './usage.ts'

/** Options of `JmsProvider.start`. */
export interface ProviderOptions {
  /** How to reach the Kafka cluster. */
  readonly client: ClientOptions
  /** `amqp.…` settings as text; others are left alone. */
  readonly config?: Readonly<Record<string, string>> | ReadonlyMap<string, string>
  /**
   * Makes the state topic and joins the group of providers only when the first client connects, unless the topic is there already:
   * a cluster that nobody uses for JMS stays as it is. Default false.
   */
  readonly startsOnFirstUse?: boolean
  /** Receives warnings and errors. Default: none. */
  readonly logger?: Logger
  /**
   * Clock, randomness and network in place of the real ones, for clients of the provider and for its own connections to the
   * cluster; what `client` sets itself has precedence.
   */
  readonly world?: ProviderWorld
}

/**
 * What a provider needs of a `World`. Its state is in the cluster; the file system is for what transactions hold beyond their share of
 * memory, which is refused without one.
 */
export type ProviderWorld = Pick<World, 'clock' | 'random' | 'network'> &
  Partial<Pick<World, 'fileSystem'>>

/** How long a client that connects while nobody owns the destinations may have to wait. */
const OWNER_WAIT_MS = 15_000

/** What AMQP starts with, and what a client may send before it is served. */
const HEADER_BYTES = 8
const MAX_HELD_BYTES = 64 * 1024
/** How often a client is told of that speaks another protocol, and how many are remembered. */
const FOREIGN_CLIENT_MS = 60_000
const MAX_FOREIGN_CLIENTS = 100
/** How long clients may still say what became of messages when the provider stops. */
const LAST_WORDS_MS = 50

/** Everything that only the owner of the destinations has. */
interface Reign {
  readonly engine: Engine
  /** Those of transactions. */
  readonly producers: readonly Producer[]
  readonly context: ConnectionContext
}

/**
 * A JMS provider over a Kafka cluster: programs connect to it with AMQP 1.0. Several may run over one cluster; one owns the
 * destinations, the others pass connections on to it and take its place when it is gone.
 */
export class JmsProvider implements AsyncDisposable {
  readonly #config: ProviderConfig
  readonly #world: ProviderWorld
  readonly #logger: Logger
  readonly #client: ClientOptions
  readonly #users: Users
  readonly #relayKey: string
  readonly #listeners: NetworkListener[] = []
  readonly #bound: ListenerAddress[] = []
  readonly #connections = new Set<ProviderConnection>()
  #replicationFactor: number | undefined
  #follower: StateFollower | undefined
  #ownership: Ownership | undefined
  #reign: Reign | undefined
  /** Changes of ownership happen one after the other. */
  #changing: Promise<void> = Promise.resolve()
  #isOwner = false
  #ownerWaiters: (() => void)[] = []
  readonly #startsOnFirstUse: boolean
  #beginning: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #openConnections = 0
  /** When it is told again that connections are refused. */
  #tellsRefusalsFrom = Number.NEGATIVE_INFINITY
  /** Clients that spoke another protocol, and when they are told of again. */
  readonly #foreignClients = new Map<string, number>()

  private constructor(options: ProviderOptions) {
    const settings = options.config ?? {}
    this.#config = new ProviderConfig(
      settings instanceof Map ? settings : new Map(Object.entries(settings)),
    )
    this.#world = options.world ?? nodeWorld
    this.#logger = options.logger ?? silentLogger
    this.#relayKey = newRelayKey(this.#world.random)
    const { network, ...rest } = this.#world
    this.#client = {
      clientId: 'millrace-jms',
      ...(options.world === undefined ? {} : { network, world: rest }),
      ...options.client,
      logger: this.#logger,
    }
    this.#startsOnFirstUse = options.startsOnFirstUse ?? false
    this.#users = new Users(this.#config, this.#world.random)
  }

  /**
   * Resolves when clients can connect. Rejects with `ProviderConfigError` for a wrong setting, with Node's `EADDRINUSE`, and
   * with what the cluster says.
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
    // A wrong address or certificate should be told before anything is made.
    for (const listener of this.#config.listeners) await this.#listen(listener)
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

  /** Takes part in the cluster: from here on this provider owns the destinations, or knows who does. */
  #begin(): Promise<void> {
    this.#beginning ??= this.#takePart().catch((error: unknown) => {
      this.#beginning = undefined
      throw error
    })
    return this.#beginning
  }

  async #takePart(): Promise<void> {
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
    await this.#within(OWNER_WAIT_MS, this.#ownerKnown())
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.clock.setTimer(ms, resolve)
    })
  }

  /** Waits for something, but not longer than so. */
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

  /** `host:port` of each listener; those that are not plain AMQP with their scheme in front. */
  get addresses(): string[] {
    return this.#bound.map(({ scheme, host, port }) => {
      const shown = host === '' || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
      const text = `${shown.includes(':') ? `[${shown}]` : shown}:${port}`
      return scheme === 'amqp' ? text : `${scheme}://${text}`
    })
  }

  /** Whether this provider owns the destinations now. */
  get isOwner(): boolean {
    return this.#reign !== undefined
  }

  /** The destinations and subscriptions; undefined while another provider owns them. */
  get engine(): Engine | undefined {
    return this.#reign?.engine
  }

  /** What clients hold of this provider; all 0 while another one owns the destinations. */
  get usage(): ProviderUsage {
    return this.#reign === undefined ? noUsage : usageOf(this.#reign.context)
  }

  // Owning.

  #onOwner(isOwner: boolean): void {
    this.#isOwner = isOwner
    this.#changing = this.#changing
      .then(() => this.#change())
      .catch((error: unknown) => {
        this.#logger.error('the provider could not take or give up its destinations', { error })
      })
  }

  async #change(): Promise<void> {
    if (this.#isOwner && this.#reign === undefined && this.#closing === undefined) {
      await this.#takeOver()
    } else if (!this.#isOwner && this.#reign !== undefined) {
      await this.#giveUp('another provider takes over')
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
        // Longer than any commit takes, of a client's largest transaction too.
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
      // Whoever owned the destinations can no longer commit, and what it left open is aborted.
      await Promise.all([transactional.initTransactions(), largeTransactional.initTransactions()])
      await follower.caughtUp()
      const epoch = (follower.image.owner?.epoch ?? 0) + 1
      owner = { epoch, address: this.#advertised(), relayKey: this.#relayKey }
      stateEnd = await this.#writeOwner(transactional, owner)
      // What it still wrote before this record counts; what comes after does not.
      await follower.caughtUp()
    } catch (error) {
      await Promise.all([
        transactional.close({ timeoutMs: 0 }),
        largeTransactional.close({ timeoutMs: 0 }),
      ])
      this.#logger.warn('could not take over; trying again', { error })
      await this.#pause(500)
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
    this.#reign = {
      engine,
      producers: [transactional, largeTransactional],
      context: this.#contextFor(engine),
    }
    this.#logger.info('this provider owns the JMS destinations', { epoch })
    attempt(this.#logger, 'opening the destinations', () => engine.openAll())
  }

  /** Tells everybody who owns the destinations; returns where the next record of the state topic goes. */
  async #writeOwner(transactional: Producer, owner: OwnerRecord): Promise<number> {
    const record = stateRecord(this.#config.text('state.topic'), owner.epoch, {
      key: { kind: 'owner' },
      value: JSON.stringify(owner),
    })
    const { offset } = await transactional.transaction((transaction) => transaction.send(record))
    // The marker of the transaction comes between.
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
      soleContainers: new Map(),
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
      underWay: { bytes: 0, maxBytes: this.#config.number('pending.max.bytes') },
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

  /** Writing is no longer possible, or nobody knows what was written: begin anew from what the cluster has. */
  #onFatal(error: Error): void {
    if (this.#reign === undefined) return
    // At once: what is in doubt must not be given to anybody else.
    this.#reign.engine.stopDelivering()
    this.#logger.warn('the provider starts anew from the state topic', { error })
    this.#changing = this.#changing
      .then(() => this.#giveUp('the provider starts anew'))
      .then(() => this.#change())
      .catch((failure: unknown) => {
        this.#logger.error('the provider could not start anew', { error: failure })
      })
  }

  async #giveUp(why: string): Promise<void> {
    const reign = this.#reign
    if (reign === undefined) return
    this.#reign = undefined
    const condition = {
      kind: 'error',
      condition: Condition.connectionForced,
      description: why,
    } as const
    for (const connection of [...this.#connections]) {
      attempt(this.#logger, 'ending a connection', () => {
        attempt(this.#logger, 'closing a connection', () => connection.close(condition))
        connection.destroy()
      })
    }
    await this.#endReign(reign)
    if (this.#closing === undefined) this.#follower?.start()
  }

  async #endReign({ engine, producers, context }: Reign): Promise<void> {
    await this.#step('the destinations', () => engine.close())
    for (const producer of producers) {
      await this.#step('a producer of transactions', () => producer.close({ timeoutMs: 1000 }))
    }
    attempt(this.#logger, 'removing temporary files', () => context.transactionStore.close())
    context.memory.close()
  }

  /** One step of an end: the next ones follow, whatever it throws. */
  async #step(what: string, close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close()
    } catch (error) {
      this.#logger.error(`closing ${what} failed`, { error })
    }
  }

  /** Where other providers reach this one. */
  #advertised(): string {
    const advertised = this.#config.text('advertised.listener')
    if (advertised !== '') return advertised
    const [first] = this.#bound
    if (first === undefined) return ''
    const isAny = first.host === '' || first.host === '0.0.0.0' || first.host === '::'
    return `${first.scheme}://${isAny ? hostname() : first.host}:${first.port}`
  }

  /** Resolves when somebody owns the destinations: this provider, or one whose address is known. */
  async #ownerKnown(): Promise<void> {
    while (this.#reign === undefined && this.#closing === undefined) {
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
    const tls = scheme === 'amqps' || scheme === 'wss' ? this.#tls() : undefined
    const options: ListenOptions = {
      host,
      port,
      ...(tls === undefined ? {} : { tls }),
      onConnection: (transport) => this.#onConnection(transport),
      onError: (error) => this.#logger.warn('a listener failed', { error }),
    }
    const isWebSocket = scheme === 'ws' || scheme === 'wss'
    // Loaded by those only who want it.
    const listen = isWebSocket
      ? (await import('@millrace/amqp/web-socket')).listenWebSocket
      : this.#world.network.listen
    const listener = await listen(options)
    this.#listeners.push(listener)
    this.#bound.push({ ...address, port: listener.port })
  }

  #tls(): NonNullable<ListenOptions['tls']> {
    const read = (
      key: 'tls.certificate.file' | 'tls.key.file' | 'tls.ca.file',
    ): Buffer | undefined => {
      const path = this.#config.text(key)
      if (path === '') return undefined
      try {
        return readFileSync(path)
      } catch (error) {
        throw new ProviderConfigError(
          `cannot read amqp.${key} ${path}: ${systemErrorCode(error) ?? error}`,
        )
      }
    }
    const cert = read('tls.certificate.file')
    const key = read('tls.key.file')
    if (cert === undefined || key === undefined) {
      throw new ProviderConfigError(
        'a listener with TLS needs amqp.tls.certificate.file and amqp.tls.key.file',
      )
    }
    const ca = read('tls.ca.file')
    const auth = this.#config.text('tls.client.auth')
    return {
      cert,
      key,
      ...(ca === undefined ? {} : { ca }),
      requestCert: auth !== 'none',
      rejectUnauthorized: auth === 'required',
    }
  }

  /** A connection that cannot be served is closed, whatever the reason: nothing that a client sends may reach the listener. */
  #onConnection(accepted: Connection): void {
    const maxConnections = this.#config.number('max.connections')
    if (this.#openConnections >= maxConnections) {
      accepted.destroy()
      const now = this.#world.clock.monotonic()
      if (now < this.#tellsRefusalsFrom) return
      this.#tellsRefusalsFrom = now + FOREIGN_CLIENT_MS
      this.#logger.warn(`connections are refused: there are amqp.max.connections ${maxConnections}`)
      return
    }
    this.#openConnections++
    const transport = watchClose(accepted, () => this.#openConnections--)
    const guarded = (work: () => Promise<void> | undefined): void => {
      const give = (error: unknown): void => {
        this.#logger.error('a connection could not be served', {
          peer: transport.remoteAddress,
          error,
        })
        transport.destroy()
      }
      try {
        work()?.catch(give)
      } catch (error) {
        give(error)
      }
    }
    const { clock } = this.#world
    unwrapRelay(transport, { key: this.#relayKey, clock }, (client) =>
      guarded(() => {
        if (this.#reign === undefined) return this.#serveLater(client)
        this.#serve(client, this.#reign)
        return undefined
      }),
    )
  }

  #serve(transport: Connection, { context }: Reign): void {
    serve(transport, {
      containerId: 'millrace',
      idleTimeoutMs: this.#config.number('idle.timeout.ms'),
      logger: this.#logger,
      onForeignProtocol: (protocol) => this.#onForeignProtocol(protocol.name, transport),
      authenticator: this.#users.authenticatorFor(transport.remoteAddress, transport.peerName),
      admit: (connection, username) => {
        // While the client authenticated, the destinations may have gone to another engine, or to another provider.
        const current = this.#reign?.context
        if (current === undefined) transport.destroy()
        const handler = new ProviderConnection(current ?? context, username)
        handler.use(connection)
        return handler
      },
      world: this.#world,
    })
  }

  /** A client that is on the wrong port is told of in the log, each now and then: such clients come again and again. */
  #onForeignProtocol(name: string, { remoteAddress, localPort }: Connection): void {
    const key = `${name} ${remoteAddress}`
    const now = this.#world.clock.monotonic()
    if (now < (this.#foreignClients.get(key) ?? Number.NEGATIVE_INFINITY)) return
    if (this.#foreignClients.size >= MAX_FOREIGN_CLIENTS) this.#foreignClients.clear()
    this.#foreignClients.set(key, now + FOREIGN_CLIENT_MS)
    const kafka = [this.#client.bootstrapServers].flat().join(',')
    const where = name === 'Kafka' ? `; Kafka is at ${kafka}` : ''
    this.#logger.warn(
      `a client speaks ${name} on port ${localPort}, where only AMQP 1.0 is served${where}`,
      { client: remoteAddress },
    )
  }

  /** Passes a client on to the owner, once there is one; it may turn out to be us. */
  async #serveLater(client: Connection): Promise<void> {
    const held: Buffer[] = []
    let heldBytes = 0
    let isGone = false
    const started = Promise.withResolvers<void>()
    client.onData = (chunk) => {
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes >= HEADER_BYTES) started.resolve()
      // Nobody may send much before it is served.
      if (heldBytes > MAX_HELD_BYTES) client.pause()
    }
    client.onClose = () => {
      isGone = true
      started.resolve()
    }
    const deadline = this.#world.clock.monotonic() + OWNER_WAIT_MS
    await this.#within(OWNER_WAIT_MS, started.promise)
    // A client of another protocol is no use of JMS.
    const start = Buffer.concat(held).subarray(0, HEADER_BYTES)
    const foreign = start.length < HEADER_BYTES ? undefined : foreignProtocolOf(start)
    if (start.length < HEADER_BYTES || foreign !== undefined) {
      if (foreign !== undefined) this.#onForeignProtocol(foreign.name, client)
      if (foreign?.answer !== undefined) client.write([foreign.answer])
      client.end()
      return
    }
    this.#begin().catch((error: unknown) => {
      this.#logger.warn('JMS cannot be served for the moment', { error })
    })
    while (!isGone && this.#closing === undefined && this.#world.clock.monotonic() < deadline) {
      if (this.#reign !== undefined) {
        this.#serve(client, this.#reign)
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
    client.destroy()
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

  /** Lets clients go, writes what is left and leaves the group of providers. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all(
      this.#listeners.map((listener) => Promise.race([listener.close(), this.#soon()])),
    )
    const reign = this.#reign
    const condition = {
      kind: 'error',
      condition: Condition.connectionForced,
      description: 'the provider stops',
    } as const
    // What was consumed is still being told: give it a moment, so that it need not come again.
    reign?.engine.stopDelivering()
    if (this.#connections.size > 0) await this.#within(LAST_WORDS_MS, new Promise(() => {}))
    const closing = [...this.#connections].map((connection) =>
      this.#step('a connection', () => connection.close(condition)),
    )
    await this.#within(1000, Promise.all(closing))
    for (const connection of [...this.#connections]) {
      attempt(this.#logger, 'ending a connection', () => connection.destroy())
    }
    this.#reign = undefined
    if (reign !== undefined) await this.#endReign(reign)
    await this.#step('the membership of the provider', () => this.#ownership?.close())
    await this.#step('the state topic', () => this.#follower?.close())
    for (const wake of this.#ownerWaiters.splice(0)) wake()
  }

  /** Listeners close when their last connection has; those are next. */
  #soon(): Promise<void> {
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
