// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpConnection,
  AmqpError,
  type AmqpValue,
  Condition,
  ConnectionCapability,
  type ConnectionHandler,
  type Detach,
  type ErrorCondition,
  type HeldBytes,
  JmsCapability,
  type Open,
  type ReceiverLink,
  type SenderLink,
  type Session,
  type Source,
  symbol,
  type Target,
  textOf,
} from '@millrace/amqp'
import { attempt, type Clock, type Logger, systemErrorCode } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import { TEMPORARY_PREFIX } from '../destination/destination-name.ts'
import type { Engine } from '../engine.ts'
import { originOf } from '../mapping/to-record.ts'
import type { ClientAccess } from '../security/client-access.ts'
import type { DestinationKind } from '../state/state-record.ts'
import type { TransactionStore } from '../transaction/transaction-store.ts'
import { type Address, kindOfCapabilities, parseAddress } from './address.ts'
import { ConsumerLink } from './consumer-link.ts'
import { filtersOf } from './filters.ts'
import { MANAGEMENT_ADDRESS, type Management } from './management.ts'
import type { BudgetedConnection, MemoryBudget } from './memory-budget.ts'
import { amqpErrorOf, ProducerLink } from './producer-link.ts'
import { type JoinedSubscription, type Subscriptions, subscriptionGroup } from './subscriptions.ts'
import { Transactions } from './transactions.ts'

/** State that all connections of a provider share. */
export interface ConnectionContext {
  readonly engine: Engine
  readonly subscriptions: Subscriptions
  readonly management: Management
  readonly clock: Clock
  readonly logger: Logger
  /** Container ids of connections that requested exclusive use of their id. */
  readonly exclusiveContainerIds: Map<string, ProviderConnection>
  readonly connections: Set<ProviderConnection>
  /** Consumers and browsers by destination, to be closed when it is deleted. */
  readonly consumers: Map<Destination, Set<ConsumerLink>>
  readonly defaultKind: DestinationKind
  /** Credit of a producer: messages that it may send ahead. */
  readonly producerCredit: number
  readonly maxMessageBytes: number
  /** Memory and disk that the transactions of all connections hold. */
  readonly transactionStore: TransactionStore
  /**
   * Bytes of received messages that are not yet durable, over all connections. Above `maxBytes`,
   * reading from senders stops.
   */
  readonly pending: {
    bytes: number
    readonly maxBytes: number
    /** Connections whose reading is paused in the meantime. */
    readonly paused: Set<ProviderConnection>
  }
  /** Memory budget of all connections. */
  readonly memory: MemoryBudget
  /** Limit on links of a connection. */
  readonly maxLinks: number
  /** Limit on messages without an outcome that the consumers of a connection hold. */
  readonly maxUnsettled: number
  /** Addresses that clients may fail over to. */
  readonly failoverServers: readonly { readonly host: string; readonly port: number }[]
}

/** The client's use of a destination. */
export type DestinationUse = 'send' | 'receive' | 'browse'

/** Number of destinations to cache for an anonymous producer. */
const RECENT_DESTINATIONS = 100

/** One client connection: its sessions, links, transactions and temporary destinations. */
export class ProviderConnection implements ConnectionHandler, BudgetedConnection {
  readonly #context: ConnectionContext
  #connection: AmqpConnection | undefined
  /** Verified user; undefined for anonymous clients and where any name is accepted. */
  readonly username: string | undefined
  readonly access: ClientAccess
  readonly transactions: Transactions
  readonly #temporary = new Set<Destination>()
  readonly #recent = new Map<string, Destination>()
  /** Sessions that have a link to the transaction coordinator. */
  readonly #transacted = new WeakSet<Session>()
  #containerId = ''
  origin = 0n
  unsettled = 0
  #hasManyUnsettled = false
  #unsettledWaiters = new Set<() => void>()
  readonly startedAtMs: number

  constructor(
    context: ConnectionContext,
    client: { readonly username: string | undefined; readonly access: ClientAccess },
  ) {
    this.#context = context
    this.username = client.username
    this.access = client.access
    this.transactions = new Transactions({
      journal: context.engine.journal,
      logger: context.logger,
      store: context.transactionStore,
      onOutcomeUnknown: (error) => this.#endUnanswered(error),
    })
    this.startedAtMs = context.clock.now()
  }

  /** Sets the connection, which is created after its handler. */
  use(connection: AmqpConnection): void {
    this.#connection = connection
    this.#context.connections.add(this)
  }

  get clock(): Clock {
    return this.#context.clock
  }

  get logger(): Logger {
    return this.#context.logger
  }

  get containerId(): string {
    return this.#containerId
  }

  get remoteAddress(): string {
    return this.#connection?.remoteAddress ?? ''
  }

  flushed(): Promise<void> {
    return this.#context.engine.journal.flushed()
  }

  /** Counts received bytes that are not yet durable. Reading stops above a limit. */
  addBytes(count: number): void {
    const { pending } = this.#context
    pending.bytes += count
    if (count > 0 && pending.bytes > pending.maxBytes && !pending.paused.has(this)) {
      pending.paused.add(this)
      this.#connection?.pause()
    }
    if (count < 0 && pending.bytes < pending.maxBytes / 2) {
      for (const each of [...pending.paused]) {
        attempt(this.logger, 'resuming reading from a client', () => each.resumeReading())
      }
    }
  }

  /** Whether a message may be sent to a consumer now. If not, `wake` is called when it may be. */
  maySend(wake: () => void): boolean {
    if (this.unsettled < this.#context.maxUnsettled) return this.#context.memory.maySend(this, wake)
    if (!this.#hasManyUnsettled) {
      this.#hasManyUnsettled = true
      this.logger.warn(
        `delivery to a client is paused: unsettled messages reached amqp.connection.max.unsettled=${this.#context.maxUnsettled}`,
        { client: this.#containerId },
      )
    }
    this.#unsettledWaiters.add(wake)
    return false
  }

  /** Counts messages that consumers hold without an outcome. */
  countUnsettled(delta: number): void {
    this.unsettled += delta
    if (delta > 0 || this.#unsettledWaiters.size === 0) return
    if (this.unsettled > this.#context.maxUnsettled * 0.9) return
    const waiting = this.#unsettledWaiters
    this.#unsettledWaiters = new Set()
    for (const wake of waiting) attempt(this.logger, 'resuming delivery', wake)
  }

  /** Bytes written to the client that it has not read yet. */
  get unreadBytes(): number {
    return this.#connection?.unreadBytes ?? 0
  }

  /** The memory that the connection uses has changed. */
  onHeld(held: HeldBytes): void {
    this.#context.memory.update(this, held)
  }

  /**
   * Closes the connection: all connections together exceed a memory limit, and this one has stalled
   * or is the slowest.
   */
  closeForMemory(why: string): void {
    this.logger.warn('closing a connection that exceeds a memory limit', {
      client: this.#containerId,
      peer: this.remoteAddress,
      why,
    })
    const isUnread = this.unreadBytes > 0
    this.#connection?.terminate(new AmqpError(Condition.resourceLimitExceeded, why))
    // Unread bytes would stay in the socket's buffer.
    if (isUnread) this.#connection?.destroy()
  }

  resumeReading(): void {
    if (this.#context.pending.paused.delete(this)) this.#connection?.resume()
  }

  // The connection.

  onOpen(open: Open): void {
    const connection = this.#connection as AmqpConnection
    this.#containerId = open.containerId
    this.origin = originOf(open.containerId)
    const { exclusiveContainerIds, failoverServers } = this.#context
    const desired = open.desiredCapabilities ?? []
    if (desired.includes(ConnectionCapability.soleConnection)) {
      if (exclusiveContainerIds.has(open.containerId)) {
        connection.refuse(
          {
            kind: 'error',
            condition: Condition.invalidField,
            description: `client id ${JSON.stringify(open.containerId)} is in use`,
            info: new Map([['invalid-field', symbol('container-id')]]),
          },
          new Map([['amqp:connection-establishment-failed', true]]),
        )
        return
      }
      exclusiveContainerIds.set(open.containerId, this)
    }
    const properties = new Map<string, AmqpValue>([['product', 'millrace']])
    if (failoverServers.length > 0) {
      properties.set(
        'failover-server-list',
        failoverServers.map(
          ({ host, port }) =>
            new Map<AmqpValue, AmqpValue>([
              [symbol('network-host'), host],
              [symbol('port'), port],
            ]),
        ),
      )
    }
    connection.open({
      properties,
      offeredCapabilities: [
        ConnectionCapability.soleConnection,
        ConnectionCapability.delayedDelivery,
        ConnectionCapability.anonymousRelay,
        ConnectionCapability.sharedSubscriptions,
      ],
    })
  }

  onSession(session: Session): void {
    session.handler = {
      onLink: (link) => {
        attempt(this.logger, 'attaching a link', () => this.#onLink(link))
      },
      onEnd: () => {},
    }
  }

  /**
   * Releases all resources of the client. A step that fails is logged; the other steps still run.
   */
  onClose(error: AmqpError | undefined): void {
    const { connections, pending, exclusiveContainerIds, logger } = this.#context
    const release = (what: string, step: () => void): void =>
      attempt(logger, `releasing the ${what} of client ${this.#containerId}`, step)
    release('connection', () => {
      connections.delete(this)
      pending.paused.delete(this)
    })
    release('client id', () => {
      if (exclusiveContainerIds.get(this.#containerId) === this)
        exclusiveContainerIds.delete(this.#containerId)
    })
    release('transactions', () => this.transactions.close())
    for (const destination of this.#temporary) {
      release('temporary destination', () => this.#endTemporary(destination))
    }
    this.#recent.clear()
    if (error !== undefined && systemErrorCode(error.cause) !== 'ECONNRESET') {
      logger.debug('client disconnected', { client: this.#containerId, error })
    }
  }

  /** The outcome of a commit is unknown. Closing the connection reports that to the client. */
  #endUnanswered(error: Error): void {
    this.logger.warn('closing a connection: the outcome of its transaction is unknown', {
      client: this.#containerId,
      error,
    })
    const description = `transaction in doubt: ${error.message}`
    attempt(this.logger, 'closing a connection', () =>
      this.close({ kind: 'error', condition: Condition.connectionForced, description }),
    )
  }

  /** Closes the connection: the provider stops or has lost ownership. */
  close(error: ErrorCondition): Promise<void> {
    return this.#connection?.close(error) ?? Promise.resolve()
  }

  destroy(): void {
    this.#connection?.destroy()
  }

  // Destinations.

  /**
   * Resolves an address to a destination that the client may use. Rejects with `AmqpError` or
   * `EngineError`.
   */
  async destinationFor(
    { name, kind }: Pick<Address, 'name' | 'kind'>,
    use: DestinationUse,
  ): Promise<Destination> {
    const { engine, defaultKind } = this.#context
    const known = engine.kindsOf(name)
    if (name.startsWith(TEMPORARY_PREFIX)) {
      const [only] = known
      const wanted = kind ?? only
      if (wanted === undefined || !known.includes(wanted)) {
        throw new AmqpError(Condition.notFound, `temporary destination ${name} does not exist`)
      }
      const destination = await engine.destination(wanted, name)
      if (use !== 'send' && !this.access.isOpen && !this.#temporary.has(destination)) {
        throw new AmqpError(
          Condition.unauthorizedAccess,
          `temporary ${wanted} ${name} belongs to another connection`,
        )
      }
      return destination
    }
    const only = known.length === 1 ? known[0] : undefined
    const chosen = kind ?? only ?? defaultKind
    await this.#requireUse(chosen, name, use)
    return engine.destination(chosen, name)
  }

  /** Throws `amqp:unauthorized-access` before the existence of the destination is revealed. */
  async #requireUse(kind: DestinationKind, name: string, use: DestinationUse): Promise<void> {
    const { access } = this
    if (access.isOpen) return
    const { engine } = this.#context
    const topic = engine.topicOf(kind, name)
    access.requireTopic(use === 'send' ? 'WRITE' : 'READ', topic)
    if (use === 'receive' && kind === 'queue') access.requireGroup('READ', name)
    const existing = await engine.existing(kind, name)
    if (existing === undefined || existing.isDormant) access.requireCreate(topic)
  }

  recentDestination(key: string): Destination | undefined {
    const destination = this.#recent.get(key)
    if (destination?.isClosed !== true) return destination
    this.#recent.delete(key)
    return undefined
  }

  remember(key: string, destination: Destination): void {
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size < RECENT_DESTINATIONS) break
      this.#recent.delete(oldest)
    }
    this.#recent.set(key, destination)
  }

  /** Throws `amqp:unauthorized-access` if the client may no longer send to the destination. */
  requireSend({ topic, isTemporary }: Destination): void {
    if (topic !== undefined && !isTemporary) this.access.requireTopic('WRITE', topic)
  }

  /** Throws `amqp:unauthorized-access` if the client may no longer read the destination. */
  requireReceive({ topic, isTemporary }: Destination): void {
    if (topic !== undefined && !isTemporary) this.access.requireTopic('READ', topic)
  }

  #newTemporary(kind: DestinationKind): Destination {
    const { maxLinks } = this.#context
    if (this.#temporary.size >= maxLinks) {
      throw new AmqpError(
        Condition.resourceLimitExceeded,
        `the connection has reached the limit on temporary destinations, amqp.connection.max.links=${maxLinks}`,
      )
    }
    const prefix = `${TEMPORARY_PREFIX}${kind}.${this.#containerId}.`
    const destination = this.#context.engine.temporary(kind, prefix)
    this.#temporary.add(destination)
    return destination
  }

  /**
   * Called when the link that created a temporary destination has ended. A client's request is
   * refused while there are consumers.
   */
  #deleteTemporary(destination: Destination, isRequested: boolean): void {
    if (!this.#temporary.has(destination)) return
    const isUsed = [...destination.subscriptions].some(({ consumerCount }) => consumerCount > 0)
    if (isRequested && isUsed) {
      throw new AmqpError(
        Condition.resourceLocked,
        `temporary ${destination.kind} ${destination.name} has consumers`,
      )
    }
    this.#endTemporary(destination)
  }

  #endTemporary(destination: Destination): void {
    const { engine, consumers } = this.#context
    this.#temporary.delete(destination)
    engine.deleteTemporary(destination)
    const { name } = destination
    for (const consumer of [...(consumers.get(destination) ?? [])]) {
      attempt(this.logger, 'closing a consumer of a temporary destination', () =>
        consumer.end(Condition.resourceDeleted, `${name} was deleted`),
      )
    }
  }

  // Links.

  async #onLink(link: SenderLink | ReceiverLink): Promise<void> {
    try {
      this.#checkLinks(link)
      if (link.role === 'receiver') await this.#onProducer(link)
      else await this.#onConsumer(link)
    } catch (error) {
      const known = amqpErrorOf(error)
      if (known.code === Condition.internalError) {
        this.logger.warn('cannot attach a link', { link: link.name, error })
      }
      link.fail(known)
    }
  }

  /** Throws `amqp:resource-limit-exceeded` if the connection has too many links. */
  #checkLinks(link: SenderLink | ReceiverLink): void {
    const { maxLinks } = this.#context
    let count = 0
    for (const session of this.#connection?.sessions ?? []) count += session.linkCount
    if (count <= maxLinks) return
    throw new AmqpError(
      Condition.resourceLimitExceeded,
      `link ${link.name} exceeds amqp.connection.max.links=${maxLinks}`,
    )
  }

  async #onProducer(link: ReceiverLink): Promise<void> {
    const target = link.remote?.target
    if (target?.kind === 'coordinator') {
      this.#transacted.add(link.session)
      this.transactions.serve(link)
      return
    }
    if (target === undefined) throw new AmqpError(Condition.invalidField, 'the link has no target')
    if (textOf(target.address) === MANAGEMENT_ADDRESS) {
      this.#context.management.serve(link, this.access)
      return
    }
    const found = await this.#destinationOfTarget(target)
    const { destination } = found
    if (link.isOver) {
      found.onClosed?.(undefined)
      throw new AmqpError(Condition.detachForced, `link ${link.name} was detached`)
    }
    const producer = new ProducerLink(this, link, {
      destination,
      maxCredit: this.#context.producerCredit,
      onClosed: found.onClosed,
    })
    const { remote } = link
    link.attach({
      source: remote?.source,
      target: found.target,
      sndSettleMode: remote?.sndSettleMode,
      rcvSettleMode: 0,
      maxMessageSize: this.#context.maxMessageBytes,
      offeredCapabilities: remote?.desiredCapabilities?.filter(
        (each) => each === ConnectionCapability.delayedDelivery,
      ),
    })
    producer.start()
  }

  async #destinationOfTarget(target: Target): Promise<{
    readonly destination: Destination | undefined
    readonly target: Target
    readonly onClosed?: (detach: Detach | undefined) => void
  }> {
    if (target.dynamic === true) {
      const kind =
        kindOfCapabilities(target.capabilities ?? []) ??
        kindOfCapabilities(capabilitiesOf(target.dynamicNodeProperties)) ??
        'queue'
      const destination = this.#newTemporary(kind)
      return {
        destination,
        target: { ...target, address: destination.name },
        onClosed: (detach) => this.#deleteTemporary(destination, detach !== undefined),
      }
    }
    const text = textOf(target.address)
    // Without an address, each message names its destination (anonymous relay).
    if (text === undefined || text === '') return { destination: undefined, target }
    const destination = await this.destinationFor(parseAddress(text, target.capabilities), 'send')
    return { destination, target }
  }

  async #onConsumer(link: SenderLink): Promise<void> {
    const source = link.remote?.source
    if (source === undefined) {
      this.#onSubscriptionLookup(link)
      return
    }
    const filters = filtersOf(source)
    const found = await this.#destinationOfSource(source)
    const { destination } = found
    let joined: JoinedSubscription | undefined
    /** Releases the resources of the consumer other than messages. */
    const leave = (detach: Detach | undefined): void => {
      const { consumers } = this.#context
      const others = consumers.get(destination)
      if (consumer !== undefined) others?.delete(consumer)
      if (others?.size === 0) consumers.delete(destination)
      joined?.leave(detach?.closed === true)
      if (found.isOwnTemporary) this.#deleteTemporary(destination, detach !== undefined)
    }
    let consumer: ConsumerLink | undefined
    try {
      if (destination.kind === 'topic') {
        joined = await this.#context.subscriptions.join(destination, {
          linkName: link.name,
          containerId: this.#containerId,
          source,
          filters,
          access: this.access,
        })
      }
      if (link.isOver || destination.isClosed) {
        throw new AmqpError(Condition.resourceDeleted, `${destination.name} was deleted`)
      }
      consumer = new ConsumerLink(this, link, {
        subscription: joined?.subscription ?? destination.queue,
        // The subscription of a topic applies the selector itself.
        selector: joined === undefined ? filters.selector : undefined,
        isBrowser: source.distributionMode === 'copy' && destination.kind === 'queue',
        isExclusive:
          found.options.get('consumer.exclusive') === 'true' ||
          found.options.get('exclusive') === 'true',
        requireReceive: () => this.requireReceive(destination),
        countsOnLoss: () => this.#countsOnLoss(destination, link.session),
        onClosed: leave,
      })
    } catch (error) {
      leave(undefined)
      throw error
    }
    // After this, the end of the link calls `leave`.
    this.#register(destination, consumer)
    this.#attachConsumer(link, found.address, filters.applied)
    consumer.start()
  }

  #countsOnLoss({ policy }: Destination, session: Session): boolean {
    if (policy.countPrefetchedOnLoss !== 'unless-transacted') {
      return policy.countPrefetchedOnLoss === 'always'
    }
    return !this.#transacted.has(session)
  }

  #register(destination: Destination, consumer: ConsumerLink): void {
    const { consumers } = this.#context
    const known = consumers.get(destination)
    if (known === undefined) consumers.set(destination, new Set([consumer]))
    else known.add(consumer)
  }

  #attachConsumer(
    link: SenderLink,
    address: AmqpValue,
    applied: ReadonlyMap<string, AmqpValue>,
  ): void {
    const { remote } = link
    link.attach({
      source: {
        ...(remote?.source as Source),
        address,
        filter: applied.size > 0 ? applied : undefined,
        defaultOutcome: { kind: 'modified', deliveryFailed: true } as Source['defaultOutcome'],
        outcomes: [
          'amqp:accepted:list',
          'amqp:rejected:list',
          'amqp:released:list',
          'amqp:modified:list',
        ],
      },
      target: remote?.target,
      sndSettleMode: remote?.sndSettleMode,
      rcvSettleMode: remote?.rcvSettleMode,
      offeredCapabilities: remote?.desiredCapabilities,
    })
  }

  async #destinationOfSource(source: Source): Promise<{
    readonly destination: Destination
    readonly address: AmqpValue
    readonly options: ReadonlyMap<string, string>
    readonly isOwnTemporary: boolean
  }> {
    const capabilities = source.capabilities ?? []
    if (source.dynamic === true) {
      const kind =
        kindOfCapabilities(capabilities) ??
        kindOfCapabilities(capabilitiesOf(source.dynamicNodeProperties)) ??
        'queue'
      const destination = this.#newTemporary(kind)
      return { destination, address: destination.name, options: new Map(), isOwnTemporary: true }
    }
    const text = textOf(source.address)
    if (text === undefined) throw new AmqpError(Condition.invalidField, 'the source has no address')
    const address = parseAddress(text, capabilities)
    const isBrowser = source.distributionMode === 'copy'
    const destination = await this.destinationFor(address, isBrowser ? 'browse' : 'receive')
    return { destination, address: text, options: address.options, isOwnTemporary: false }
  }

  /** A receiver without a source looks up its durable subscription, in order to unsubscribe. */
  #onSubscriptionLookup(link: SenderLink): void {
    const desired = link.remote?.desiredCapabilities ?? []
    const record = this.#context.subscriptions.find({
      linkName: link.name,
      containerId: this.#containerId,
      isGlobal: desired.includes(JmsCapability.global),
    })
    if (record === undefined) {
      throw new AmqpError(Condition.notFound, `subscription ${link.name} does not exist`)
    }
    this.access.requireGroup('DELETE', subscriptionGroup(record))
    link.handler = {
      onSendable() {},
      onDisposition() {},
      onDetach: (detach) => {
        if (detach?.closed !== true) {
          link.detach({ closed: false })
          return
        }
        this.#context.subscriptions.remove(record.id).then(
          () => link.detach({ closed: true }),
          (error: unknown) => link.detach({ closed: true, error: amqpErrorOf(error).condition }),
        )
      },
    }
    link.attach({
      source: {
        kind: 'source',
        address: record.topic,
        durable: 2,
        expiryPolicy: 'never',
        distributionMode: 'copy',
        capabilities: record.isShared
          ? [JmsCapability.topic, JmsCapability.shared]
          : [JmsCapability.topic],
      },
      target: link.remote?.target,
      offeredCapabilities: desired,
    })
  }
}

function capabilitiesOf(properties: ReadonlyMap<string, AmqpValue> | undefined): string[] {
  const value = properties?.get('capabilities')
  const items = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return items.map((each: AmqpValue) => textOf(each) ?? '')
}
