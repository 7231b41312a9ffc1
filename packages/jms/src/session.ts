// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpConnection,
  type Session as AmqpSession,
  accepted,
  type Outcome,
} from '@millrace/amqp'
import { QueueBrowser } from './browser.ts'
import { commitPlan } from './commit-plan.ts'
import type { Connection } from './connection.ts'
import {
  type ConsumedDelivery,
  callListener,
  MessageConsumer,
  type MessageListener,
} from './consumer.ts'
import {
  type ConsumerRequest,
  checkConsumerRequest,
  checkDestination,
  checkDomain,
} from './consumer-request.ts'
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
  InvalidSelectorException,
  type JMSException,
  JMSSecurityException,
  jmsException,
  TransactionInDoubtException,
  TransactionRolledBackException,
} from './exceptions.ts'
import type { BytesMessage } from './message/bytes-message.ts'
import type { MapMessage } from './message/map-message.ts'
import type { Message } from './message/message.ts'
import type { ObjectMessage } from './message/object-message.ts'
import type { StreamMessage } from './message/stream-message.ts'
import type { TextMessage } from './message/text-message.ts'
import { messageFactories } from './message-factories.ts'
import { checkValue, listenerOrNull, nonEmptyText, textOrNull } from './options.ts'
import { MessageProducer } from './producer.ts'
import { SessionListeners } from './session-listeners.ts'
import { SessionTransaction } from './session-transaction.ts'
import { Unacknowledged } from './unacknowledged.ts'
import { unsubscribe } from './unsubscribe.ts'

const SESSION_TRANSACTED = 0
const AUTO_ACKNOWLEDGE = 1
const CLIENT_ACKNOWLEDGE = 2
const DUPS_OK_ACKNOWLEDGE = 3

/**
 * A single-threaded context for producing and consuming messages (Jakarta Messaging 3.1, section
 * 6.2): its listeners are called one at a time. After a reconnect
 * the session continues: calls that need the provider wait for the reconnect, receives continue,
 * and unacknowledged messages are delivered again.
 */
export class Session implements AsyncDisposable {
  /** Sends and receipts take effect with `commit`. */
  static readonly SESSION_TRANSACTED = SESSION_TRANSACTED
  /** A message is acknowledged when `receive` returns it, or when the listener returns. */
  static readonly AUTO_ACKNOWLEDGE = AUTO_ACKNOWLEDGE
  /** `acknowledge` acknowledges all messages received so far. */
  static readonly CLIENT_ACKNOWLEDGE = CLIENT_ACKNOWLEDGE
  /** As `AUTO_ACKNOWLEDGE`, in batches: messages may be delivered again after a failure. */
  static readonly DUPS_OK_ACKNOWLEDGE = DUPS_OK_ACKNOWLEDGE

  /** Connection of the session. */
  readonly connection: Connection
  readonly #mode: number
  #amqp: AmqpSession | undefined
  /** Set if the session is transacted. */
  readonly #transaction: SessionTransaction | undefined
  readonly #producers = new Set<MessageProducer>()
  readonly #consumers = new Set<MessageConsumer>()
  readonly #browsers = new Set<QueueBrowser>()
  /** @internal Deliveries not yet acknowledged, committed or released. */
  readonly unacknowledged = new Unacknowledged()
  /** Unanswered sends. */
  readonly #sending = new Set<Promise<void>>()
  /** While the session is closing, only running listeners may use it. */
  #isClosing = false
  #isClosed = false
  #closing: Promise<void> | undefined
  #failure: JMSException | undefined
  #listener: MessageListener | null = null
  /** @internal Calls of message listeners. */
  readonly listeners = new SessionListeners(this.#consumers, {
    mayDispatch: () => !this.#isClosing && this.connection.isStarted,
    onError: (error) => this.connection.logger.error('dispatching a message failed', { error }),
  })
  #loaded: { readonly delivery: ConsumedDelivery; readonly message: Message }[] = []

  /** @internal Created by a connection. */
  constructor(connection: Connection, mode: number) {
    this.connection = connection
    this.#mode = mode
    if (mode !== SESSION_TRANSACTED) return
    this.#transaction = new SessionTransaction(connection, {
      onDeclared: () => {
        for (const producer of this.#producers) producer.flush()
      },
      onRollbackOnly: (error) => {
        for (const producer of this.#producers) producer.cancelWaiting(error)
      },
    })
  }

  /**
   * @internal Begins a session on an AMQP connection, and declares a transaction if it is
   * transacted.
   */
  async open(amqp: AmqpConnection): Promise<void> {
    const session = amqp.begin()
    session.handler = {
      onLink: (link) => link.refuse({ kind: 'error', condition: 'amqp:not-allowed' }),
      onEnd: (error) => {
        if (error === undefined || amqp.isGone || session !== this.#amqp) return
        this.onFailed(jmsException(error, 'the provider ended the session'))
      },
    }
    await this.connection.limited(session.begun, 'beginning a session')
    await this.#transaction?.open(session)
    this.#amqp = session
  }

  /** Whether the session was closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @internal Set if the session is transacted. */
  get transaction(): SessionTransaction | undefined {
    return this.#transaction
  }

  /** @internal */
  checkOpen(): void {
    if (this.#isClosed || (this.#isClosing && !this.listeners.isCaller)) {
      throw new IllegalStateException('the session is closed')
    }
    if (this.#failure !== undefined) throw this.#failure
    this.connection.checkOpen()
  }

  /**
   * @internal Runs work that needs the provider: waits for a reconnect in progress, and retries if
   * the connection is lost during the work and replaced. `finish` runs synchronously after the
   * work.
   */
  async onWire<T>(work: (amqp: AmqpSession) => Promise<T>, finish?: () => void): Promise<T> {
    for (;;) {
      this.checkOpen()
      await this.connection.amqp()
      this.checkOpen()
      const amqp = this.#amqp
      if (amqp === undefined || amqp.isEnded) continue
      try {
        const result = await work(amqp)
        this.checkOpen()
        if (amqp.isEnded) continue
        finish?.()
        return result
      } catch (error) {
        // Connection lost: the next attempt waits for its replacement.
        if (!amqp.isEnded) throw error
      }
    }
  }

  // Connection loss and recovery.

  /** @internal The connection was lost; it may be replaced. */
  onLost(error: JMSException): void {
    this.#amqp = undefined
    const unacknowledged = this.unacknowledged.takeAll()
    this.#transaction?.onLost(error, unacknowledged.length > 0 || this.#sending.size > 0)
    // The provider owns the consumed messages again.
    for (const delivery of unacknowledged) delivery.lose(error)
    for (const producer of this.#producers) producer.onLost()
    for (const consumer of [...this.#consumers]) consumer.onLost()
    for (const browser of this.#browsers) browser.onLost(error)
  }

  /** @internal The provider ended a consumer: its deliveries can no longer be acknowledged. */
  loseDeliveries(consumer: MessageConsumer, error: JMSException): void {
    const lost = this.unacknowledged.takeOf(consumer)
    if (lost.length === 0) return
    this.#transaction?.noteFailure(error)
    for (const delivery of lost) delivery.lose(error)
  }

  /**
   * @internal Begins on another connection, with all consumers and producers. A consumer or
   * producer that the provider refuses permanently fails alone; any other error rejects.
   */
  async recoverOn(amqp: AmqpConnection): Promise<void> {
    if (this.#isClosed || this.#failure !== undefined) return
    await this.open(amqp)
    const session = this.#amqp as AmqpSession
    await Promise.all([
      ...[...this.#consumers].map((consumer) => this.#reattach(consumer, session)),
      ...[...this.#producers].map((producer) => this.#reattach(producer, session)),
    ])
    if (this.connection.isStarted) this.onStarted()
  }

  async #reattach(end: MessageConsumer | MessageProducer, amqp: AmqpSession): Promise<void> {
    try {
      await end.attach(amqp)
    } catch (error) {
      const known = end.attachError(error)
      const isLasting =
        known instanceof InvalidDestinationException ||
        known instanceof InvalidSelectorException ||
        known instanceof JMSSecurityException
      if (!isLasting || amqp.isEnded) throw error
      end.onFailed(known)
    }
  }

  /** @internal The session failed permanently. */
  onFailed(error: JMSException): void {
    this.#failure ??= error
    this.onLost(error)
    for (const consumer of [...this.#consumers]) consumer.onFailed(error)
    for (const producer of [...this.#producers]) producer.onFailed(error)
  }

  // Messages.

  /** Creates a message without a body. */
  createMessage(): Message {
    this.checkOpen()
    return messageFactories.createMessage()
  }
  /** Creates a message whose body is a string, or null. */
  createTextMessage(text?: string | null): TextMessage {
    this.checkOpen()
    return messageFactories.createTextMessage(text)
  }
  /** Creates a message whose body is bytes. */
  createBytesMessage(): BytesMessage {
    this.checkOpen()
    return messageFactories.createBytesMessage()
  }
  /** Creates a message whose body is named values. */
  createMapMessage(): MapMessage {
    this.checkOpen()
    return messageFactories.createMapMessage()
  }
  /** Creates a message whose body is a sequence of values. */
  createStreamMessage(): StreamMessage {
    this.checkOpen()
    return messageFactories.createStreamMessage()
  }
  /** Creates a message whose body is an object; see `ObjectMessage`. */
  createObjectMessage(object?: unknown): ObjectMessage {
    this.checkOpen()
    return messageFactories.createObjectMessage(object)
  }

  // Destinations.

  #allow(domain: 'queue' | 'topic', what: string): void {
    checkDomain(this.connection, domain, what)
  }

  /** Returns a queue by name; nothing is created at the provider. */
  createQueue(queueName: string): Queue {
    this.checkOpen()
    this.#allow('queue', 'createQueue')
    return new Queue(queueName)
  }
  /** Returns a topic by name; nothing is created at the provider. */
  createTopic(topicName: string): Topic {
    this.checkOpen()
    this.#allow('topic', 'createTopic')
    return new Topic(topicName)
  }
  /**
   * Creates a queue that is deleted with the connection; only that connection may consume from it.
   */
  async createTemporaryQueue(): Promise<TemporaryQueue> {
    this.checkOpen()
    this.#allow('queue', 'createTemporaryQueue')
    return (await this.connection.createTemporary('queue')) as TemporaryQueue
  }
  /**
   * Creates a topic that is deleted with the connection; only that connection may consume from it.
   */
  async createTemporaryTopic(): Promise<TemporaryTopic> {
    this.checkOpen()
    this.#allow('topic', 'createTemporaryTopic')
    return (await this.connection.createTemporary('topic')) as TemporaryTopic
  }

  // Producers, consumers and browsers.

  /** Creates a producer. Without a destination, each send names one. */
  async createProducer(destination: Destination | null = null): Promise<MessageProducer> {
    this.checkOpen()
    if (destination !== null) checkDestination(this.connection, destination)
    const producer = new MessageProducer(this, destination, () => this.#producers.delete(producer))
    try {
      await this.onWire(
        (amqp) => producer.attach(amqp),
        () => this.#producers.add(producer),
      )
      return producer
    } catch (error) {
      throw producer.attachError(error)
    }
  }

  /**
   * Creates a consumer. A null or empty selector matches all messages. `noLocal` excludes messages
   * published by this connection.
   */
  createConsumer(
    destination: Destination,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<MessageConsumer> {
    return this.#consume(destination, { selector: messageSelector, noLocal })
  }
  /** Consumes from a subscription that several consumers share; it ends with the last of them. */
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
  /**
   * Consumes from a durable subscription that has at most one consumer at a time; messages are kept
   * while it has none. Requires a client id.
   */
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
  /** As `createDurableConsumer`, for a `TopicSession`. */
  createDurableSubscriber(
    topic: Topic,
    name: string,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<MessageConsumer> {
    return this.createDurableConsumer(topic, name, messageSelector, noLocal)
  }
  /** Consumes from a durable subscription that several consumers share. */
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
    options: Omit<ConsumerRequest, 'destination'>,
  ): Promise<MessageConsumer> {
    this.checkOpen()
    checkConsumerRequest(this.connection, { destination, ...options })
    const { subscription, isDurable = false, isShared = false } = options
    const consumer = new MessageConsumer(this, destination, {
      selector: options.selector,
      noLocal: options.noLocal ?? false,
      subscription,
      isDurable,
      isShared,
      onClosed: () => this.#consumers.delete(consumer),
    })
    try {
      await this.onWire(
        (amqp) => consumer.attach(amqp),
        () => {
          this.#consumers.add(consumer)
          if (this.connection.isStarted) consumer.onStarted()
        },
      )
      return consumer
    } catch (error) {
      consumer.releaseName()
      throw consumer.attachError(error)
    }
  }

  // Methods of the classic queue and topic domains.

  /** As `createConsumer` for a queue, for a `QueueSession`. */
  createReceiver(queue: Queue, messageSelector: string | null = null): Promise<MessageConsumer> {
    this.#allow('queue', 'createReceiver')
    return this.createConsumer(queue, messageSelector)
  }
  /** As `createProducer` for a queue, for a `QueueSession`. */
  createSender(queue: Queue | null): Promise<MessageProducer> {
    this.#allow('queue', 'createSender')
    return this.createProducer(queue)
  }
  /** As `createConsumer` for a topic, for a `TopicSession`. */
  createSubscriber(
    topic: Topic,
    messageSelector: string | null = null,
    noLocal = false,
  ): Promise<MessageConsumer> {
    this.#allow('topic', 'createSubscriber')
    return this.createConsumer(topic, messageSelector, noLocal)
  }
  /** As `createProducer` for a topic, for a `TopicSession`. */
  createPublisher(topic: Topic | null): Promise<MessageProducer> {
    this.#allow('topic', 'createPublisher')
    return this.createProducer(topic)
  }

  /**
   * Browses the messages of a queue without consuming them. Rejects with
   * `InvalidSelectorException`.
   */
  async createBrowser(queue: Queue, messageSelector: string | null = null): Promise<QueueBrowser> {
    this.checkOpen()
    this.#allow('queue', 'createBrowser')
    checkDestination(this.connection, queue)
    checkValue('createBrowser', 'messageSelector', messageSelector, textOrNull)
    if (!(queue instanceof Queue)) {
      throw new InvalidDestinationException(`${String(queue)} is not a queue`)
    }
    const browser = new QueueBrowser(this, queue, messageSelector, () =>
      this.#browsers.delete(browser),
    )
    await browser.check()
    this.#browsers.add(browser)
    return browser
  }

  /**
   * Deletes a durable subscription. Rejects with `InvalidDestinationException` if it does not
   * exist, and `JMSException` if it is in use.
   */
  async unsubscribe(name: string): Promise<void> {
    this.checkOpen()
    this.#allow('topic', 'unsubscribe')
    checkValue('unsubscribe', 'name', name, nonEmptyText)
    await unsubscribe(this.connection, name)
  }

  /** @internal */
  consumesFrom(destination: Destination): boolean {
    return [...this.#consumers].some(
      (each) => each.destination.equals(destination) && !each.isClosed,
    )
  }

  // Acknowledgment.

  /** Whether the session is transacted. */
  getTransacted(): boolean {
    this.checkOpen()
    return this.#mode === SESSION_TRANSACTED
  }
  /** Session mode, such as `AUTO_ACKNOWLEDGE`. */
  getAcknowledgeMode(): number {
    this.checkOpen()
    return this.#mode
  }

  /**
   * @internal Records a message passed to the program. `automatic`: accept it now if the session
   * acknowledges automatically.
   */
  consumed(consumed: ConsumedDelivery, automatic: boolean): void {
    if (automatic && this.acknowledgesAutomatically) consumed.settle(accepted)
    else this.unacknowledged.add(consumed)
  }

  /**
   * @internal Settles all unacknowledged deliveries with this outcome; a transaction is rolled
   * back.
   */
  async settleUnacknowledged(outcome: Outcome): Promise<void> {
    if (this.#transaction !== undefined) {
      await this.#cancelSends()
      await this.#rollBack(this.#transaction, outcome)
      return
    }
    const settle = async (): Promise<void> => {
      this.unacknowledged.settleAll(outcome)
    }
    await (this.acknowledgesAutomatically ? settle() : this.#returnMessages(settle))
  }

  /** @internal Whether messages are acknowledged automatically. */
  get acknowledgesAutomatically(): boolean {
    return this.#mode === AUTO_ACKNOWLEDGE || this.#mode === DUPS_OK_ACKNOWLEDGE
  }

  /** @internal Acknowledges all consumed messages, for `Message.acknowledge`. */
  async acknowledge(): Promise<void> {
    this.checkOpen()
    if (this.#mode !== CLIENT_ACKNOWLEDGE) return
    this.#acceptAll()
  }

  #acceptAll(): void {
    this.unacknowledged.settleAll(accepted)
    for (const consumer of [...this.#consumers]) consumer.onAcknowledged()
  }

  /** Redelivers all unacknowledged messages. */
  async recover(): Promise<void> {
    this.checkOpen()
    if (this.#mode === SESSION_TRANSACTED) {
      throw new IllegalStateException(
        'recover is not supported by a transacted session: use rollback',
      )
    }
    await this.#returnMessages(async () => {
      this.unacknowledged.settleAll({ kind: 'modified', deliveryFailed: true })
    })
  }

  /**
   * Commits the messages sent and consumed since the last commit or rollback, atomically, and
   * begins the next transaction.
   *
   * Rejects with `TransactionRolledBackException` if it was rolled back instead: the provider
   * refused the commit, a send failed, or the connection was lost since it began, in which case
   * `commit` does not wait for the reconnect. Consumed messages are delivered again. Rejects with
   * `TransactionInDoubtException` if the connection was lost before the provider answered. In both
   * cases the session continues with its next transaction. Rejects with `IllegalStateException` if
   * the session is not transacted.
   */
  async commit(): Promise<void> {
    const transaction = this.#checkTransacted('commit')
    await this.#sent()
    const { hasSent, rollbackOnlyCause, txnId } = transaction
    const hasReceipts = this.unacknowledged.all.length > 0
    const plan = commitPlan({ hasReceipts, hasSent, rollbackOnlyCause, txnId })
    if (plan.kind === 'nothing') return
    if (plan.kind === 'rollback') {
      await this.#rollBack(transaction)
      throw new TransactionRolledBackException(
        `the transaction was rolled back: ${plan.cause.message}`,
        'JMS_TRANSACTION_ROLLED_BACK',
        plan.cause,
      )
    }
    const accepts = { kind: 'transactionalState', txnId: plan.txnId, outcome: accepted } as const
    this.unacknowledged.settleAll(accepts)
    const outcome = await transaction.end('commit')
    if (outcome.kind === 'refused') {
      // The provider has the messages again; prefetched messages must not overtake them.
      await this.#returnMessages(async () => {})
      const { error } = outcome
      throw new TransactionRolledBackException(error.message, 'JMS_TRANSACTION_ROLLED_BACK', error)
    }
    for (const consumer of [...this.#consumers]) consumer.onAcknowledged()
    if (outcome.kind === 'unknown') {
      throw new TransactionInDoubtException(
        'connection lost before the provider answered the commit: the outcome of the transaction is unknown',
      )
    }
  }

  /**
   * Undoes the messages sent and consumed since the last commit or rollback, and begins the next
   * transaction: consumed messages are delivered again. Without a connection there is nothing to
   * undo, and it resolves immediately. Rejects with `IllegalStateException` if the session is not
   * transacted.
   */
  async rollback(): Promise<void> {
    const transaction = this.#checkTransacted('rollback')
    await this.#cancelSends()
    await this.#rollBack(transaction)
  }

  /** @internal Undoes the sends of the transaction. Consumed messages remain unsettled. */
  async undoSends(): Promise<void> {
    const transaction = this.#checkTransacted('rollback')
    await this.#cancelSends()
    if (transaction.hasSent || transaction.rollbackOnlyCause !== undefined)
      await transaction.end('rollback')
  }

  /** Cancels sends that wait for credit, and waits for the answers to the others. */
  async #cancelSends(): Promise<void> {
    const undone = new TransactionRolledBackException('the transaction was rolled back')
    for (const producer of this.#producers) producer.cancelWaiting(undone)
    await this.#sent()
  }

  /**
   * @internal Tracks a send until it is answered. A failed send makes its transaction
   * rollback-only.
   */
  track(send: Promise<void>): void {
    const tracked = send.then(
      () => {
        this.#sending.delete(tracked)
      },
      (error: unknown) => {
        this.#sending.delete(tracked)
        this.#transaction?.noteFailure(jmsException(error))
      },
    )
    this.#sending.add(tracked)
  }

  /** Resolves when all sends are answered. */
  async #sent(): Promise<void> {
    await Promise.all(this.#sending)
  }

  async #rollBack(
    transaction: SessionTransaction,
    outcome: Outcome = { kind: 'modified', deliveryFailed: true },
  ): Promise<void> {
    await this.#returnMessages(async () => {
      this.unacknowledged.settleAll(outcome)
      await transaction.end('rollback')
    })
    for (const consumer of [...this.#consumers]) consumer.onAcknowledged()
  }

  #checkTransacted(what: string): SessionTransaction {
    this.checkOpen()
    if (this.#transaction === undefined) {
      throw new IllegalStateException(`${what} requires a transacted session`)
    }
    return this.#transaction
  }

  /**
   * Suspends consumers while messages are returned to the provider, to keep the order of
   * redelivery.
   */
  async #returnMessages(settle: () => Promise<void>): Promise<void> {
    const consumers = [...this.#consumers]
    try {
      await Promise.all(consumers.map((consumer) => consumer.suspend()))
      for (const consumer of consumers) consumer.releaseQueued()
      await settle()
    } finally {
      for (const consumer of consumers) consumer.resume()
    }
  }

  // Listeners.

  /** Listener for messages passed in by an application server, or null. */
  getMessageListener(): MessageListener | null {
    this.checkOpen()
    return this.#listener
  }
  /**
   * For application servers: `run` calls the listener with the messages of a `ConnectionConsumer`.
   */
  setMessageListener(listener: MessageListener | null): void {
    this.checkOpen()
    checkValue('setMessageListener', 'listener', listener, listenerOrNull('onMessage'))
    this.#listener = listener
  }

  /** @internal Adds messages of a `ConnectionConsumer`. */
  load(deliveries: readonly ConsumedDelivery[], consumer: MessageConsumer): void {
    for (const delivery of deliveries) {
      const message = consumer.decode(delivery)
      if (message !== undefined) this.#loaded.push({ delivery, message })
    }
  }

  /** Passes the added messages to the listener of the session. */
  async run(): Promise<void> {
    const loaded = this.#loaded.splice(0)
    for (const { delivery, message } of loaded) {
      try {
        await this.listeners.run(() => callListener(this.#listener, message))
        delivery.settle(accepted)
      } catch {
        delivery.settle({ kind: 'modified', deliveryFailed: true })
      }
    }
  }

  /** @internal */
  onStopped(): void {
    for (const consumer of this.#consumers) consumer.onStopped()
  }

  /** @internal */
  onStarted(): void {
    for (const consumer of this.#consumers) consumer.onStarted()
  }

  /**
   * Closes the session: a transaction is rolled back, and unacknowledged messages are delivered
   * again. Waits for a running listener. Rejects with `IllegalStateException` in a listener of the
   * session. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closing === undefined) {
      if (this.#isClosed) return
      this.listeners.checkNotCaller('close')
      this.#closing = this.#closeAfterListeners()
    }
    // A call from a listener of the session must not wait for that listener.
    if (!this.listeners.isCaller) await this.#closing
  }

  async #closeAfterListeners(): Promise<void> {
    this.#isClosing = true
    for (const consumer of this.#consumers) consumer.endReceives()
    await this.listeners.settled()
    await this.connection.limited(this.#sent(), 'sending').catch(() => undefined)
    await this.abandon({ kind: 'modified', deliveryFailed: true })
  }

  /**
   * @internal Closes without waiting for running work. Unacknowledged deliveries are settled with
   * this outcome.
   */
  async abandon(outcome: Outcome): Promise<void> {
    this.#isClosing = true
    this.#isClosed = true
    this.connection.forget(this)
    for (const browser of [...this.#browsers]) await browser.close()
    for (const consumer of [...this.#consumers]) consumer.onSessionClosed()
    this.unacknowledged.settleAll(outcome)
    const closed = new IllegalStateException('the session is closed')
    for (const producer of [...this.#producers]) producer.onFailed(closed)
    const amqp = this.#amqp
    if (amqp === undefined || amqp.isEnded) return
    await this.#transaction?.close()
    await this.#end(amqp)
  }

  /**
   * Waits until the provider has ended the session, so that other consumers can receive the
   * returned messages.
   */
  #end(amqp: AmqpSession): Promise<void> {
    if (amqp.isEnded) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    amqp.handler = { onLink() {}, onEnd: () => resolve() }
    amqp.end()
    return this.connection.limited(promise, 'ending a session', 5000).catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
