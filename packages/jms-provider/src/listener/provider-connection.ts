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
import { type Clock, type Logger, systemErrorCode } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import type { Engine } from '../engine.ts'
import { originOf } from '../mapping/to-record.ts'
import type { DestinationKind } from '../state/state-record.ts'
import { type Address, kindOfCapabilities, parseAddress, TEMPORARY_PREFIX } from './address.ts'
import { ConsumerLink } from './consumer-link.ts'
import { filtersOf } from './filters.ts'
import { MANAGEMENT_ADDRESS, type Management } from './management.ts'
import { amqpErrorOf, ProducerLink } from './producer-link.ts'
import type { Joined, Subscriptions } from './subscriptions.ts'
import { Transactions } from './transactions.ts'

/** What the connections of a provider share. */
export interface ConnectionContext {
  readonly engine: Engine
  readonly subscriptions: Subscriptions
  readonly management: Management
  readonly clock: Clock
  readonly logger: Logger
  /** Container ids that are in use by connections that want to be the only one. */
  readonly soleContainers: Map<string, ProviderConnection>
  readonly connections: Set<ProviderConnection>
  readonly defaultKind: DestinationKind
  /** Messages a producer may send ahead. */
  readonly producerCredit: number
  readonly maxMessageBytes: number
  /** Bytes of messages that came and are not safe yet, over all connections. */
  readonly underWay: { bytes: number }
  /** Where clients may go when this provider is gone. */
  readonly failoverServers: readonly { readonly host: string; readonly port: number }[]
}

/** Above this many bytes under way nothing more is read from clients that send. */
const MAX_BYTES_UNDER_WAY = 64 * 1024 * 1024
/** Destinations of an anonymous producer that are kept at hand. */
const RECENT_DESTINATIONS = 100

/** One client, by its connection: its sessions, links, transactions and temporary destinations. */
export class ProviderConnection implements ConnectionHandler {
  readonly #context: ConnectionContext
  #connection: AmqpConnection | undefined
  readonly username: string | undefined
  readonly transactions: Transactions
  readonly #temporary = new Set<Destination>()
  readonly #recent = new Map<string, Destination>()
  #containerId = ''
  origin = 0n
  #isSole = false
  #isPaused = false
  readonly startedAtMs: number

  constructor(context: ConnectionContext, username: string | undefined) {
    this.#context = context
    this.username = username
    this.transactions = new Transactions(context.engine)
    this.startedAtMs = context.clock.now()
  }

  /** The connection it serves, which needs its handler first. */
  use(connection: AmqpConnection): void {
    this.#connection = connection
    this.#context.connections.add(this)
  }

  get clock(): Clock {
    return this.#context.clock
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

  /** Counts what came in and is not safe yet; beyond a limit nothing more is read. */
  addBytes(count: number): void {
    const { underWay, connections } = this.#context
    underWay.bytes += count
    if (count > 0 && underWay.bytes > MAX_BYTES_UNDER_WAY && !this.#isPaused) {
      this.#isPaused = true
      this.#connection?.pause()
    }
    if (count < 0 && underWay.bytes < MAX_BYTES_UNDER_WAY / 2) {
      for (const each of connections) each.goOn()
    }
  }

  goOn(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#connection?.resume()
  }

  // The connection.

  onOpen(open: Open): void {
    const connection = this.#connection as AmqpConnection
    this.#containerId = open.containerId
    this.origin = originOf(open.containerId)
    const { soleContainers, failoverServers } = this.#context
    const desired = open.desiredCapabilities ?? []
    if (desired.includes(ConnectionCapability.soleConnection)) {
      if (soleContainers.has(open.containerId)) {
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
      this.#isSole = true
      soleContainers.set(open.containerId, this)
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
        void this.#onLink(link).catch((error: unknown) => {
          this.#context.logger.warn('a link could not be attached', { error })
        })
      },
      onEnd: () => {},
    }
  }

  onClose(error: AmqpError | undefined): void {
    this.#context.connections.delete(this)
    if (this.#isSole && this.#context.soleContainers.get(this.#containerId) === this) {
      this.#context.soleContainers.delete(this.#containerId)
    }
    this.transactions.close()
    for (const destination of this.#temporary) this.#context.engine.deleteTemporary(destination)
    this.#temporary.clear()
    if (error !== undefined && systemErrorCode(error.cause) !== 'ECONNRESET') {
      this.#context.logger.debug('a client is gone', { client: this.#containerId, error })
    }
  }

  /** Ends it: the provider stops, or is no longer the owner. */
  close(error: ErrorCondition): Promise<void> {
    return this.#connection?.close(error) ?? Promise.resolve()
  }

  destroy(): void {
    this.#connection?.destroy()
  }

  // Destinations.

  /** Where an address leads. Rejects with `AmqpError` or `EngineError`. */
  async destinationFor({ name, kind }: Pick<Address, 'name' | 'kind'>): Promise<Destination> {
    const { engine, defaultKind } = this.#context
    const known = engine.kindsOf(name)
    if (name.startsWith(TEMPORARY_PREFIX)) {
      const [only] = known
      const wanted = kind ?? only
      if (wanted === undefined || !known.includes(wanted)) {
        throw new AmqpError(Condition.notFound, `there is no temporary destination ${name}`)
      }
      return engine.destination(wanted, name)
    }
    return engine.destination(
      kind ?? (known.length === 1 ? known[0] : undefined) ?? defaultKind,
      name,
    )
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

  #newTemporary(kind: DestinationKind): Destination {
    const prefix = `${TEMPORARY_PREFIX}${kind}.${this.#containerId}.`
    const destination = this.#context.engine.temporary(kind, prefix)
    this.#temporary.add(destination)
    return destination
  }

  #deleteTemporary(destination: Destination): void {
    for (const subscription of destination.subscriptions) {
      if (subscription.consumerCount > 0) {
        throw new AmqpError(
          Condition.resourceLocked,
          `temporary ${destination.kind} ${destination.name} has consumers`,
        )
      }
    }
    this.#temporary.delete(destination)
    this.#context.engine.deleteTemporary(destination)
  }

  // Links.

  async #onLink(link: SenderLink | ReceiverLink): Promise<void> {
    try {
      if (link.role === 'receiver') await this.#onProducer(link)
      else await this.#onConsumer(link)
    } catch (error) {
      if (link.isRemotelyDetached && link.local === undefined) link.isDetached = true
      else if (link.local === undefined) link.refuse(amqpErrorOf(error).condition)
      else throw error
    }
  }

  async #onProducer(link: ReceiverLink): Promise<void> {
    const target = link.remote?.target
    if (target?.kind === 'coordinator') {
      this.transactions.serve(link)
      return
    }
    if (target === undefined) throw new AmqpError(Condition.invalidField, 'a link without a target')
    if (textOf(target.address) === MANAGEMENT_ADDRESS) {
      this.#context.management.serve(link)
      return
    }
    const found = await this.#destinationOfTarget(target)
    const { destination } = found
    if (link.isRemotelyDetached) return
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
    readonly onClosed?: () => void
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
        onClosed: () => {
          if (this.#temporary.has(destination)) this.#deleteTemporary(destination)
        },
      }
    }
    const text = textOf(target.address)
    // Without an address messages say themselves where they go: the anonymous relay.
    if (text === undefined || text === '') return { destination: undefined, target }
    const destination = await this.destinationFor(parseAddress(text, target.capabilities))
    return { destination, target }
  }

  async #onConsumer(link: SenderLink): Promise<void> {
    const source = link.remote?.source
    if (source === undefined) {
      this.#onLookUp(link)
      return
    }
    const filters = filtersOf(source)
    const { destination, address, options, isOwnTemporary } =
      await this.#destinationOfSource(source)
    const isBrowser = source.distributionMode === 'copy' && destination.kind === 'queue'
    let joined: Joined | undefined
    if (destination.kind === 'topic') {
      joined = await this.#context.subscriptions.join(destination, {
        linkName: link.name,
        containerId: this.#containerId,
        source,
        filters,
      })
    }
    if (link.isRemotelyDetached || destination.isClosed) {
      joined?.leave(false)
      throw new AmqpError(Condition.resourceDeleted, `${destination.name} is gone`)
    }
    const subscription = joined?.subscription ?? destination.queue
    const consumer = new ConsumerLink(this, link, {
      subscription,
      // A topic's subscription has its selector already.
      selector: joined === undefined ? filters.selector : undefined,
      isBrowser,
      isExclusive:
        options.get('consumer.exclusive') === 'true' || options.get('exclusive') === 'true',
      onClosed: (detach: Detach | undefined) => {
        joined?.leave(detach?.closed === true)
        if (isOwnTemporary && this.#temporary.has(destination)) this.#deleteTemporary(destination)
      },
    })
    const { remote } = link
    link.attach({
      source: {
        ...source,
        address,
        filter: filters.applied.size > 0 ? filters.applied : undefined,
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
    consumer.start()
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
    if (text === undefined)
      throw new AmqpError(Condition.invalidField, 'a source without an address')
    const address = parseAddress(text, capabilities)
    const destination = await this.destinationFor(address)
    return { destination, address: text, options: address.options, isOwnTemporary: false }
  }

  /** A receiver without a source asks what it had: how a durable subscription is looked up to be ended. */
  #onLookUp(link: SenderLink): void {
    const desired = link.remote?.desiredCapabilities ?? []
    const record = this.#context.subscriptions.find({
      linkName: link.name,
      containerId: this.#containerId,
      isGlobal: desired.includes(JmsCapability.global),
    })
    if (record === undefined) {
      throw new AmqpError(Condition.notFound, `there is no subscription ${link.name}`)
    }
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
