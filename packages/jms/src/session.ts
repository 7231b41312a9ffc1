// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks'
import { type AmqpConnection, type Session as AmqpSession, accepted } from '@millrace/amqp'
import { QueueBrowser } from './browser.ts'
import type { Connection } from './connection.ts'
import { type ConsumedDelivery, MessageConsumer, type MessageListener } from './consumer.ts'
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
  jmsException,
  TransactionRolledBackException,
} from './exceptions.ts'
import type { BytesMessage } from './message/bytes-message.ts'
import type { MapMessage } from './message/map-message.ts'
import type { Message } from './message/message.ts'
import type { ObjectMessage } from './message/object-message.ts'
import type { StreamMessage } from './message/stream-message.ts'
import type { TextMessage } from './message/text-message.ts'
import { messageFactories } from './message-factories.ts'
import { MessageProducer } from './producer.ts'
import { TransactionLink } from './transaction.ts'
import { unsubscribe } from './unsubscribe.ts'

const SESSION_TRANSACTED = 0
const AUTO_ACKNOWLEDGE = 1
const CLIENT_ACKNOWLEDGE = 2
const DUPS_OK_ACKNOWLEDGE = 3

/** A line of work: what it consumes and produces comes one after the other (Jakarta Messaging 3.1, section 6.2). */
export class Session implements AsyncDisposable {
  static readonly SESSION_TRANSACTED = SESSION_TRANSACTED
  static readonly AUTO_ACKNOWLEDGE = AUTO_ACKNOWLEDGE
  static readonly CLIENT_ACKNOWLEDGE = CLIENT_ACKNOWLEDGE
  static readonly DUPS_OK_ACKNOWLEDGE = DUPS_OK_ACKNOWLEDGE

  readonly connection: Connection
  readonly #mode: number
  #amqp: AmqpSession | undefined
  #transaction: TransactionLink | undefined
  readonly #producers = new Set<MessageProducer>()
  readonly #consumers = new Set<MessageConsumer>()
  readonly #browsers = new Set<QueueBrowser>()
  /** Consumed, in the order of delivery, and not acknowledged or committed yet. */
  #unacknowledged: ConsumedDelivery[] = []
  /** Sends without an answer. */
  readonly #sending = new Set<Promise<void>>()
  /** A send of the transaction that failed: it cannot be committed. */
  #sendFailure: JMSException | undefined
  #lostTransaction = false
  #isClosed = false
  #failure: JMSException | undefined
  #listener: MessageListener | null = null
  /** Messages for listeners, one after the other. */
  #dispatching: Promise<void> | undefined
  readonly #inListener = new AsyncLocalStorage<Session>()
  #loaded: { readonly delivery: ConsumedDelivery; readonly message: Message }[] = []

  /** @internal Made by a connection. */
  constructor(connection: Connection, mode: number) {
    this.connection = connection
    this.#mode = mode
  }

  /** @internal */
  async open(amqp: AmqpConnection): Promise<void> {
    const session = amqp.begin()
    this.#amqp = session
    session.handler = {
      onLink: (link) => link.refuse({ kind: 'error', condition: 'amqp:not-allowed' }),
      onEnd: (error) => {
        if (error !== undefined && !amqp.isGone) this.onFailed(jmsException(error, 'session ended'))
      },
    }
    await this.connection.limited(session.begun, 'beginning a session')
    if (this.#mode === SESSION_TRANSACTED) {
      const opened = TransactionLink.open(session, `${this.connection.newId()}:transactions`)
      this.#transaction = await this.connection.limited(opened, 'declaring a transaction')
    }
  }

  /** @internal */
  get amqp(): AmqpSession {
    return this.#amqp as AmqpSession
  }

  /** @internal The id that what is sent and consumed carries; undefined outside of transactions. */
  get txnId(): Buffer | undefined {
    if (this.#mode !== SESSION_TRANSACTED) return undefined
    if (this.#lostTransaction) {
      throw new TransactionRolledBackException('the transaction was lost with its connection')
    }
    return this.#transaction?.txnId
  }

  /** @internal */
  checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the session is closed')
    if (this.#failure !== undefined) throw this.#failure
    this.connection.checkOpen()
  }

  /** @internal */
  checkNotInListener(what: string): void {
    if (this.#inListener.getStore() === this) {
      throw new IllegalStateException(`a listener must not ${what} its own session or connection`)
    }
  }

  // Losing and finding the connection.

  /** @internal The connection is gone, perhaps to come back. */
  onLost(): void {
    // What was consumed is the provider's again.
    for (const delivery of this.#unacknowledged) delivery.isStale = true
    if (
      this.#transaction !== undefined &&
      (this.#unacknowledged.length > 0 || this.#sending.size > 0)
    ) {
      this.#lostTransaction = true
    }
    if (this.#sentInTransaction) this.#lostTransaction = this.#transaction !== undefined
    this.#unacknowledged = []
    for (const consumer of this.#consumers) consumer.onLost()
    for (const browser of this.#browsers) browser.onLost()
  }

  #sentInTransaction = false

  /** @internal */
  async recoverOn(amqp: AmqpConnection): Promise<void> {
    const isLost = this.#lostTransaction
    this.#lostTransaction = false
    await this.open(amqp)
    this.#lostTransaction = isLost
    for (const consumer of this.#consumers) await consumer.attach()
    for (const producer of this.#producers) await producer.attach()
    if (this.connection.isStarted) this.onStarted()
  }

  /** @internal Lost for good. */
  onFailed(error: JMSException): void {
    this.#failure ??= error
    for (const consumer of this.#consumers) consumer.onFailed(error)
    for (const producer of this.#producers) producer.onFailed(error)
    for (const browser of this.#browsers) browser.onLost()
  }

  // Messages.

  createMessage(): Message {
    this.checkOpen()
    return messageFactories.createMessage()
  }
  createTextMessage(text?: string | null): TextMessage {
    this.checkOpen()
    return messageFactories.createTextMessage(text)
  }
  createBytesMessage(): BytesMessage {
    this.checkOpen()
    return messageFactories.createBytesMessage()
  }
  createMapMessage(): MapMessage {
    this.checkOpen()
    return messageFactories.createMapMessage()
  }
  createStreamMessage(): StreamMessage {
    this.checkOpen()
    return messageFactories.createStreamMessage()
  }
  /** See `ObjectMessage` for what objects can be. */
  createObjectMessage(object?: unknown): ObjectMessage {
    this.checkOpen()
    return messageFactories.createObjectMessage(object)
  }

  // Destinations.

  #allow(domain: 'queue' | 'topic', what: string): void {
    const { domain: own } = this.connection
    if (own !== 'any' && own !== domain) {
      throw new IllegalStateException(`${what} of a session for ${own}s`)
    }
  }

  createQueue(queueName: string): Queue {
    this.checkOpen()
    this.#allow('queue', 'createQueue')
    return new Queue(queueName)
  }
  createTopic(topicName: string): Topic {
    this.checkOpen()
    this.#allow('topic', 'createTopic')
    return new Topic(topicName)
  }
  async createTemporaryQueue(): Promise<TemporaryQueue> {
    this.checkOpen()
    this.#allow('queue', 'createTemporaryQueue')
    return (await this.connection.createTemporary('queue')) as TemporaryQueue
  }
  async createTemporaryTopic(): Promise<TemporaryTopic> {
    this.checkOpen()
    this.#allow('topic', 'createTemporaryTopic')
    return (await this.connection.createTemporary('topic')) as TemporaryTopic
  }

  // Producers, consumers and browsers.

  /** Without a destination each send says where it goes. */
  async createProducer(destination: Destination | null = null): Promise<MessageProducer> {
    this.checkOpen()
    if (destination !== null) this.#checkDestination(destination)
    const producer = new MessageProducer(this, destination, () => this.#producers.delete(producer))
    this.#producers.add(producer)
    try {
      await producer.attach()
      return producer
    } catch (error) {
      this.#producers.delete(producer)
      throw jmsException(error, `cannot send to ${destination ?? 'any destination'}`)
    }
  }

  #checkDestination(destination: Destination | null): asserts destination is Destination {
    if (!(destination instanceof Queue || destination instanceof Topic)) {
      throw new InvalidDestinationException(`${String(destination)} is no destination`)
    }
    if (this.connection.isDeleted(destination)) {
      throw new InvalidDestinationException(`${destination} was deleted`)
    }
  }

  /** A selector that selects nothing in particular may be null. `noLocal` leaves out what this connection publishes. */
  createConsumer(
    destination: Destination,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<MessageConsumer> {
    return this.#consume(destination, { selector: messageSelector, noLocal })
  }
  createSharedConsumer(
    topic: Topic,
    sharedSubscriptionName: string,
    messageSelector: string | null = null,
  ): Promise<MessageConsumer> {
    return this.#consume(topic, {
      selector: messageSelector,
      subscription: sharedSubscriptionName,
      isShared: true,
    })
  }
  createDurableConsumer(
    topic: Topic,
    name: string,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<MessageConsumer> {
    return this.#consume(topic, {
      selector: messageSelector,
      noLocal,
      subscription: name,
      isDurable: true,
    })
  }
  createDurableSubscriber(
    topic: Topic,
    name: string,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<MessageConsumer> {
    return this.createDurableConsumer(topic, name, messageSelector, noLocal)
  }
  createSharedDurableConsumer(
    topic: Topic,
    name: string,
    messageSelector: string | null = null,
  ): Promise<MessageConsumer> {
    return this.#consume(topic, {
      selector: messageSelector,
      subscription: name,
      isDurable: true,
      isShared: true,
    })
  }

  async #consume(
    destination: Destination,
    options: {
      readonly selector: string | null
      readonly noLocal?: boolean
      readonly subscription?: string
      readonly isDurable?: boolean
      readonly isShared?: boolean
    },
  ): Promise<MessageConsumer> {
    this.checkOpen()
    this.#checkDestination(destination)
    const { subscription, isDurable = false, isShared = false } = options
    if (options.subscription !== undefined || isDurable) {
      this.#allow('topic', 'a subscription')
      if (!(destination instanceof Topic)) {
        throw new InvalidDestinationException(`${destination} is no topic`)
      }
      if (subscription === undefined || subscription === '') {
        throw new JMSException('a subscription needs a name')
      }
      if (isDurable && destination.isTemporary) {
        throw new InvalidDestinationException('a temporary topic has no durable subscriptions')
      }
      if (isDurable && !isShared && !this.connection.hasClientId) {
        throw new IllegalStateException(
          'a durable subscription that is not shared needs a connection with a client id',
        )
      }
    }
    if (destination.isTemporary && !(destination as TemporaryQueue).isOwnedBy(this.connection)) {
      throw new InvalidDestinationException(`${destination} belongs to another connection`)
    }
    const consumer = new MessageConsumer(this, destination, {
      selector: options.selector,
      noLocal: options.noLocal ?? false,
      subscription,
      isDurable,
      isShared,
      onClosed: () => this.#consumers.delete(consumer),
    })
    this.#consumers.add(consumer)
    try {
      await consumer.attach()
      if (this.connection.isStarted) consumer.onStarted()
      return consumer
    } catch (error) {
      this.#consumers.delete(consumer)
      throw consumer.explain(error)
    }
  }

  // The names of the classic domains.

  createReceiver(queue: Queue, messageSelector: string | null = null): Promise<MessageConsumer> {
    this.#allow('queue', 'createReceiver')
    return this.createConsumer(queue, messageSelector)
  }
  createSender(queue: Queue | null): Promise<MessageProducer> {
    this.#allow('queue', 'createSender')
    return this.createProducer(queue)
  }
  createSubscriber(
    topic: Topic,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<MessageConsumer> {
    this.#allow('topic', 'createSubscriber')
    return this.createConsumer(topic, messageSelector, noLocal)
  }
  createPublisher(topic: Topic | null): Promise<MessageProducer> {
    this.#allow('topic', 'createPublisher')
    return this.createProducer(topic)
  }

  async createBrowser(queue: Queue, messageSelector: string | null = null): Promise<QueueBrowser> {
    this.checkOpen()
    this.#allow('queue', 'createBrowser')
    this.#checkDestination(queue)
    if (!(queue instanceof Queue)) {
      throw new InvalidDestinationException(`${String(queue)} is no queue`)
    }
    const browser = new QueueBrowser(this, queue, messageSelector, () =>
      this.#browsers.delete(browser),
    )
    await browser.check()
    this.#browsers.add(browser)
    return browser
  }

  /** Ends a durable subscription. Rejects with `InvalidDestinationException` for an unknown one, `JMSException` for one in use. */
  async unsubscribe(name: string): Promise<void> {
    this.checkOpen()
    this.#allow('topic', 'unsubscribe')
    await unsubscribe(this.connection, name)
  }

  /** @internal */
  consumesFrom(destination: Destination): boolean {
    return [...this.#consumers].some(
      (each) => each.destination.equals(destination) && !each.isClosed,
    )
  }

  // Acknowledging.

  getTransacted(): boolean {
    this.checkOpen()
    return this.#mode === SESSION_TRANSACTED
  }
  getAcknowledgeMode(): number {
    this.checkOpen()
    return this.#mode
  }

  /** @internal A message goes to the program. `automatic` says whether it counts as consumed with that. */
  consumed(consumed: ConsumedDelivery, automatic: boolean): void {
    switch (this.#mode) {
      case SESSION_TRANSACTED:
        consumed.delivery.update({
          kind: 'transactionalState',
          txnId: this.txnId as Buffer,
          outcome: accepted,
        })
        this.#unacknowledged.push(consumed)
        return
      case CLIENT_ACKNOWLEDGE:
        this.#unacknowledged.push(consumed)
        return
      default:
        if (automatic) consumed.settle(accepted)
        else this.#unacknowledged.push(consumed)
    }
  }

  /** @internal A message that acknowledges itself is settled. */
  forgetConsumed(consumed: ConsumedDelivery): void {
    const at = this.#unacknowledged.indexOf(consumed)
    if (at >= 0) this.#unacknowledged.splice(at, 1)
  }

  /** @internal Whether messages count as consumed when the program has had them. */
  get acknowledgesItself(): boolean {
    return this.#mode === AUTO_ACKNOWLEDGE || this.#mode === DUPS_OK_ACKNOWLEDGE
  }

  /** @internal Whether messages of a consumer wait to be acknowledged. */
  holds(consumer: MessageConsumer): boolean {
    return this.#unacknowledged.some((each) => each.consumer === consumer)
  }

  /** @internal All that was consumed, for `Message.acknowledge`. */
  async acknowledge(): Promise<void> {
    this.checkOpen()
    if (this.#mode !== CLIENT_ACKNOWLEDGE) return
    this.#acceptAll()
  }

  #acceptAll(): void {
    const consumed = this.#unacknowledged
    this.#unacknowledged = []
    for (const each of consumed) each.settle(accepted)
    for (const consumer of [...this.#consumers]) consumer.onAcknowledged()
  }

  /** Has everything that was consumed and not acknowledged delivered again. */
  async recover(): Promise<void> {
    this.checkOpen()
    if (this.#mode === SESSION_TRANSACTED) {
      throw new IllegalStateException('recover of a transacted session: use rollback')
    }
    await this.#giveBack(async () => {
      const consumed = this.#unacknowledged
      this.#unacknowledged = []
      for (const each of consumed) each.settle({ kind: 'modified', deliveryFailed: true })
    })
  }

  /** Makes what was sent and consumed final, together. Rejects with `TransactionRolledBackException` when it could not be. */
  async commit(): Promise<void> {
    this.#checkTransacted('commit')
    await Promise.allSettled(this.#sending)
    if (this.#lostTransaction || this.#sendFailure !== undefined) {
      const why = this.#sendFailure?.message ?? 'the connection was lost'
      await this.rollback()
      throw new TransactionRolledBackException(`the transaction was rolled back: ${why}`)
    }
    const transaction = this.#transaction as TransactionLink
    this.#unacknowledged = []
    this.#sentInTransaction = false
    try {
      await this.connection.limited(transaction.discharge(false), 'committing')
    } catch (error) {
      await transaction.declare().catch(() => undefined)
      const known = jmsException(error)
      throw known instanceof TransactionRolledBackException
        ? known
        : new TransactionRolledBackException(known.message, known.code, known)
    }
    for (const consumer of [...this.#consumers]) consumer.onAcknowledged()
    await transaction.declare()
  }

  /** Undoes what was sent and consumed since the last commit: what was consumed is delivered again. */
  async rollback(): Promise<void> {
    this.#checkTransacted('rollback')
    await Promise.allSettled(this.#sending)
    this.#sendFailure = undefined
    this.#sentInTransaction = false
    if (this.#lostTransaction) {
      this.#lostTransaction = false
      return
    }
    const transaction = this.#transaction as TransactionLink
    await this.#giveBack(async () => {
      this.#unacknowledged = []
      await this.connection.limited(transaction.discharge(true), 'rolling back')
      await transaction.declare()
    })
    for (const consumer of [...this.#consumers]) consumer.onAcknowledged()
  }

  #checkTransacted(what: string): void {
    this.checkOpen()
    if (this.#mode !== SESSION_TRANSACTED) {
      throw new IllegalStateException(`${what} of a session that is not transacted`)
    }
  }

  /** Lets nothing more come while messages are given back, so that they come again in their order. */
  async #giveBack(give: () => Promise<void>): Promise<void> {
    const consumers = [...this.#consumers]
    await Promise.all(consumers.map((consumer) => consumer.suspend()))
    for (const consumer of consumers) consumer.releaseQueued()
    await give()
    for (const consumer of consumers) consumer.resume()
  }

  /** @internal */
  track(send: Promise<void>): void {
    if (this.#mode === SESSION_TRANSACTED) this.#sentInTransaction = true
    const tracked = send.then(
      () => void this.#sending.delete(tracked),
      (error: unknown) => {
        this.#sending.delete(tracked)
        if (this.#mode === SESSION_TRANSACTED) this.#sendFailure ??= jmsException(error)
      },
    )
    this.#sending.add(tracked)
  }

  // Listeners.

  getMessageListener(): MessageListener | null {
    this.checkOpen()
    return this.#listener
  }
  /** For application servers: `run` gives it the messages that a `ConnectionConsumer` brought. */
  setMessageListener(listener: MessageListener | null): void {
    this.checkOpen()
    this.#listener = listener
  }

  /** @internal A `ConnectionConsumer` brings messages. */
  load(deliveries: readonly ConsumedDelivery[], consumer: MessageConsumer): void {
    for (const delivery of deliveries) {
      const message = consumer.decode(delivery)
      if (message !== undefined) this.#loaded.push({ delivery, message })
    }
  }

  /** Gives the loaded messages to the listener of the session. */
  async run(): Promise<void> {
    const loaded = this.#loaded.splice(0)
    for (const { delivery, message } of loaded) {
      try {
        await this.inListener(() => call(this.#listener, message))
        delivery.settle(accepted)
      } catch {
        delivery.settle({ kind: 'modified', deliveryFailed: true })
      }
    }
  }

  /** @internal Runs a listener's work: one at a time, and known as such. */
  inListener<T>(work: () => Promise<T>): Promise<T> {
    return this.#inListener.run(this, work)
  }

  /** @internal Messages wait for a listener. */
  planDispatch(): void {
    this.#dispatching ??= this.#dispatch().finally(() => {
      this.#dispatching = undefined
      if ([...this.#consumers].some((consumer) => consumer.hasWork)) this.planDispatch()
    })
  }

  async #dispatch(): Promise<void> {
    // After whatever is going on now, so that a listener never runs inside of the call that set it.
    await Promise.resolve()
    for (let isBusy = true; isBusy; ) {
      isBusy = false
      for (const consumer of [...this.#consumers]) {
        if (this.#isClosed || !this.connection.isStarted) return
        if (!consumer.hasWork) continue
        isBusy = true
        await consumer.dispatchOne()
      }
    }
  }

  /** @internal Resolves when no listener is at work. */
  async settled(): Promise<void> {
    if (this.#inListener.getStore() === this) return
    await this.#dispatching
  }

  /** @internal */
  onStopped(): void {
    for (const consumer of this.#consumers) consumer.onStopped()
  }

  /** @internal */
  onStarted(): void {
    for (const consumer of this.#consumers) consumer.onStarted()
  }

  /** Ends it: a transaction is rolled back, and what was consumed and not acknowledged is delivered again. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.checkNotInListener('close')
    this.#isClosed = true
    await this.settled()
    for (const browser of [...this.#browsers]) await browser.close()
    for (const consumer of [...this.#consumers]) consumer.onSessionClosed()
    const unacknowledged = this.#unacknowledged
    this.#unacknowledged = []
    for (const each of unacknowledged) each.settle({ kind: 'modified', deliveryFailed: true })
    this.connection.forget(this)
    const amqp = this.#amqp
    if (amqp === undefined || amqp.isEnded) return
    await Promise.allSettled(this.#sending)
    if (this.#transaction !== undefined && !this.#lostTransaction) {
      await this.connection
        .limited(this.#transaction.discharge(true), 'rolling back', 5000)
        .catch(() => undefined)
    }
    await this.#end(amqp)
  }

  /** Waits until the provider has ended it too, so that what was given back can be consumed by others. */
  #end(amqp: AmqpSession): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    amqp.handler = { onLink() {}, onEnd: () => resolve() }
    amqp.end()
    return this.connection.limited(promise, 'ending a session', 5000).catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Calls a listener in either of its forms. */
export async function call(listener: MessageListener | null, message: Message): Promise<void> {
  if (typeof listener === 'function') await listener(message)
  else await listener?.onMessage(message)
}
