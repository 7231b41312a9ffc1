// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  type Session as AmqpSession,
  type Detach,
  type OutgoingDelivery,
  type SenderLink,
  type Target,
} from '@millrace/amqp'
import { capabilityOf, type Destination, Queue, Topic } from './destination.ts'
import {
  endedBy,
  IllegalStateException,
  InvalidDestinationException,
  JMSException,
  jmsException,
  MessageFormatException,
  TransactionRolledBackException,
} from './exceptions.ts'
import { addressOf, encodeJmsMessage } from './message/codec.ts'
import {
  DEFAULT_DELIVERY_DELAY,
  DEFAULT_DELIVERY_MODE,
  DEFAULT_PRIORITY,
  DEFAULT_TIME_TO_LIVE,
  DeliveryMode,
  Message,
} from './message/message.ts'
import { checkValue, type OptionRule, withMethods } from './options.ts'
import type { Session } from './session.ts'

/** Receives the outcome of asynchronous sends. */
export interface CompletionListener {
  /** Called when the provider has accepted the message. */
  onCompletion(message: Message): void
  /** Called when the message could not be sent. */
  onException(message: Message, exception: JMSException): void
}

export const completionListener: OptionRule = withMethods(
  'an object with onCompletion and onException',
  'onCompletion',
  'onException',
)

/** Settings of one send, in place of those of the producer. */
export interface SendSettings {
  readonly deliveryMode: number
  /** Priority, 0 to 9. */
  readonly priority: number
  /** Time to live, milliseconds; 0 means no limit. */
  readonly timeToLive: number
}

interface PendingSend {
  readonly payload: Buffer
  /**
   * Encodes the message again. Set if it names a temporary destination, whose address changes with
   * a reconnect.
   */
  readonly encode: (() => Buffer) | undefined
  readonly resolve: () => void
  readonly reject: (error: JMSException) => void
}

/** Sends messages to a destination (Jakarta Messaging 3.1, section 7). */
export class MessageProducer implements AsyncDisposable {
  readonly #session: Session
  readonly #destination: Destination | null
  readonly #onClosed: () => void
  #link: SenderLink | undefined
  /**
   * Producers by destination. Used if the producer has no destination and the provider has no
   * anonymous relay.
   */
  readonly #byDestination = new Map<string, MessageProducer>()
  #unsent: PendingSend[] = []
  readonly #sent = new Map<OutgoingDelivery, PendingSend>()
  #isClosed = false
  #failure: JMSException | undefined
  #disableMessageId = false
  #disableTimestamp = false
  #deliveryMode: number = DEFAULT_DELIVERY_MODE
  #priority: number = DEFAULT_PRIORITY
  #timeToLive: number = DEFAULT_TIME_TO_LIVE
  #deliveryDelay: number = DEFAULT_DELIVERY_DELAY
  /** Completion listeners are called in the order of the sends. */
  #lastCompletion: Promise<void> = Promise.resolve()

  /** @internal Created by a session. */
  constructor(session: Session, destination: Destination | null, onClosed: () => void) {
    this.#session = session
    this.#destination = destination
    this.#onClosed = onClosed
  }

  /**
   * @internal Attaches the link to a begun session; called again after the connection was replaced.
   */
  async attach(amqp: AmqpSession): Promise<void> {
    if (this.#isClosed || this.#failure !== undefined) return
    const { connection } = this.#session
    if (this.#destination === null && !connection.hasAnonymousRelay) {
      await Promise.all([...this.#byDestination.values()].map((each) => each.attach(amqp)))
      return
    }
    const link = amqp.sender(`${connection.newId()}:${this.#destination ?? 'anonymous'}`)
    this.#link = link
    link.handler = {
      onSendable: () => this.flush(),
      onDisposition: (delivery) => this.#onDisposition(delivery),
      onDetach: (detach) => this.#onDetach(link, detach),
    }
    link.attach({
      source: {
        kind: 'source',
        outcomes: [
          'amqp:accepted:list',
          'amqp:rejected:list',
          'amqp:released:list',
          'amqp:modified:list',
        ],
      },
      target: this.#target(),
      sndSettleMode: 0,
    })
    try {
      await connection.limited(link.attached, 'creating a producer')
    } catch (error) {
      link.detach({ closed: true })
      throw error
    }
    // Closed during the attach.
    if (this.#isClosed) link.detach({ closed: true })
    this.flush()
  }

  /** @internal Converts the error of a failed attach. */
  attachError(error: unknown): JMSException {
    return jmsException(error, `cannot send to ${this.#destination ?? 'any destination'}`)
  }

  #onDetach(link: SenderLink, detach: Detach | undefined): void {
    if (detach === undefined || link !== this.#link) return
    link.detach({ closed: detach.closed ?? true })
    // Before the attach completes, `attach` reports the detach.
    if (link.remote?.target === undefined) return
    const what = `the provider ended the producer of ${this.#destination ?? 'any destination'}`
    this.onFailed(endedBy(detach, what))
  }

  /**
   * @internal The connection was lost; it may be replaced. Unanswered sends are sent again, except
   * in a transaction, which can then only be rolled back.
   */
  onLost(): void {
    this.#link = undefined
    const unanswered = [...this.#sent.values()]
    this.#sent.clear()
    for (const producer of this.#byDestination.values()) producer.onLost()
    if (this.#session.transaction === undefined) this.#unsent = [...unanswered, ...this.#unsent]
    else this.#reject(unanswered, new JMSException('connection lost', 'JMS_CONNECTION_LOST'))
  }

  /** @internal Rejects sends that have not been transmitted. */
  cancelWaiting(error: JMSException): void {
    this.#reject(this.#unsent.splice(0), error)
    for (const producer of this.#byDestination.values()) producer.cancelWaiting(error)
  }

  #reject(sends: readonly PendingSend[], error: JMSException): void {
    for (const each of sends) each.reject(error)
  }

  #target(): Target {
    const destination = this.#destination
    if (destination === null) return { kind: 'target' }
    return {
      kind: 'target',
      address: addressOf(destination, this.#session.connection.prefixes),
      capabilities: [capabilityOf(destination)],
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the producer is closed')
    if (this.#failure !== undefined) throw this.#failure
    this.#session.checkOpen()
  }

  /** Sets whether messages are sent without a message id. */
  setDisableMessageID(value: boolean): void {
    this.#checkOpen()
    this.#disableMessageId = value
  }
  /** Whether messages are sent without a message id. Default false. */
  getDisableMessageID(): boolean {
    this.#checkOpen()
    return this.#disableMessageId
  }
  /** Sets whether messages are sent without a timestamp. */
  setDisableMessageTimestamp(value: boolean): void {
    this.#checkOpen()
    this.#disableTimestamp = value
  }
  /** Whether messages are sent without a timestamp. Default false. */
  getDisableMessageTimestamp(): boolean {
    this.#checkOpen()
    return this.#disableTimestamp
  }
  /** Sets the delivery mode: `DeliveryMode.PERSISTENT` or `NON_PERSISTENT`. */
  setDeliveryMode(deliveryMode: number): void {
    this.#checkOpen()
    checkDeliveryMode(deliveryMode)
    this.#deliveryMode = deliveryMode
  }
  /** Delivery mode. Default `PERSISTENT`. */
  getDeliveryMode(): number {
    this.#checkOpen()
    return this.#deliveryMode
  }
  /** Sets the priority, 0 (lowest) to 9. */
  setPriority(priority: number): void {
    this.#checkOpen()
    checkPriority(priority)
    this.#priority = priority
  }
  /** Priority. Default 4. */
  getPriority(): number {
    this.#checkOpen()
    return this.#priority
  }
  /** Sets the time to live of messages, milliseconds; 0 means no limit. */
  setTimeToLive(timeToLive: number): void {
    this.#checkOpen()
    checkDuration('time to live', timeToLive)
    this.#timeToLive = timeToLive
  }
  /** Time to live of messages, milliseconds. Default 0, no limit. */
  getTimeToLive(): number {
    this.#checkOpen()
    return this.#timeToLive
  }
  /** Sets the delivery delay of messages, milliseconds. */
  setDeliveryDelay(deliveryDelay: number): void {
    this.#checkOpen()
    checkDuration('delivery delay', deliveryDelay)
    this.#deliveryDelay = deliveryDelay
  }
  /** Delivery delay of messages, milliseconds. Default 0. */
  getDeliveryDelay(): number {
    this.#checkOpen()
    return this.#deliveryDelay
  }
  /** Destination passed to `createProducer`, or null. */
  getDestination(): Destination | null {
    this.#checkOpen()
    return this.#destination
  }
  // Methods of the classic queue and topic domains.
  /** Queue of a `QueueSender`. */
  getQueue(): Destination | null {
    return this.getDestination()
  }
  /** Topic of a `TopicPublisher`. */
  getTopic(): Destination | null {
    return this.getDestination()
  }

  /**
   * Sends a message; resolves when the provider has accepted it. `deliveryMode`, `priority` and
   * `timeToLive` replace those of the producer and are given together. With a `CompletionListener`
   * the send is asynchronous: it resolves immediately, and the listener is called with the outcome.
   */
  send(message: Message, completionListener?: CompletionListener): Promise<void>
  /**
   * Sends a message; resolves when the provider has accepted it. With a completion listener it
   * resolves immediately, and the listener is called later. Rejects with
   * `InvalidDestinationException` without a destination.
   */
  send(
    message: Message,
    deliveryMode: number,
    priority: number,
    timeToLive: number,
    completionListener?: CompletionListener,
  ): Promise<void>
  /**
   * Sends a message; resolves when the provider has accepted it. With a completion listener it
   * resolves immediately, and the listener is called later. Rejects with
   * `InvalidDestinationException` without a destination.
   */
  send(
    destination: Destination,
    message: Message,
    completionListener?: CompletionListener,
  ): Promise<void>
  /**
   * Sends a message; resolves when the provider has accepted it. With a completion listener it
   * resolves immediately, and the listener is called later. Rejects with
   * `InvalidDestinationException` without a destination.
   */
  send(
    destination: Destination,
    message: Message,
    deliveryMode: number,
    priority: number,
    timeToLive: number,
    completionListener?: CompletionListener,
  ): Promise<void>
  async send(...args: readonly unknown[]): Promise<void> {
    this.#checkOpen()
    const first = args[0]
    // Null in place of a destination is an invalid destination, not an omitted one.
    const namesDestination =
      first instanceof Queue || first instanceof Topic || args[1] instanceof Message
    const rest = namesDestination ? args.slice(1) : args
    const destination = this.#destinationFor(namesDestination, first)
    const message = rest[0]
    if (!(message instanceof Message))
      throw new MessageFormatException(`invalid message ${String(message)}`)
    let settings: SendSettings = {
      deliveryMode: this.#deliveryMode,
      priority: this.#priority,
      timeToLive: this.#timeToLive,
    }
    let listener = rest[1]
    if (typeof rest[1] === 'number') {
      const [, deliveryMode, priority, timeToLive] = rest as readonly [
        unknown,
        number,
        number,
        number,
      ]
      checkDeliveryMode(deliveryMode)
      checkPriority(priority)
      checkDuration('time to live', timeToLive)
      settings = { deliveryMode, priority, timeToLive }
      listener = rest[4]
    }
    if (listener !== undefined) {
      checkValue('send', 'completionListener', listener, completionListener)
    }
    const sent = this.#send(destination, message, settings)
    this.#session.track(sent)
    if (listener === undefined) return sent
    this.#complete(sent, message, listener as CompletionListener)
  }

  // Method of the classic topic domain.
  /** As `send`, for a `TopicPublisher`. */
  publish(...args: Parameters<MessageProducer['send']>): Promise<void> {
    return this.send(...args)
  }

  #destinationFor(isNamed: boolean, named: unknown): Destination {
    if (!isNamed) {
      if (this.#destination !== null) return this.#destination
      throw new UnsupportedOperationException('the producer has no destination: pass one to send')
    }
    if (this.#destination !== null) {
      throw new UnsupportedOperationException(
        `the producer sends to ${this.#destination}: send cannot name another destination`,
      )
    }
    if (!(named instanceof Queue || named instanceof Topic)) {
      throw new InvalidDestinationException(`invalid destination ${String(named)}`)
    }
    if (this.#session.connection.isDeleted(named)) {
      throw new InvalidDestinationException(`${named} was deleted`)
    }
    return named
  }

  #complete(sent: Promise<void>, message: Message, listener: CompletionListener): void {
    const outcome = sent.then(
      () => undefined,
      (error: unknown) => jmsException(error),
    )
    this.#lastCompletion = this.#lastCompletion.then(async () => {
      const error = await outcome
      try {
        if (error === undefined) listener.onCompletion(message)
        else listener.onException(message, error)
      } catch {
        // Exceptions thrown by the listener are ignored.
      }
    })
  }

  async #send(destination: Destination, message: Message, settings: SendSettings): Promise<void> {
    const { connection } = this.#session
    this.#prepare(destination, message, settings)
    const encode = (): Buffer =>
      encodeJmsMessage(message, connection.prefixes, connection.clock.now())
    const isMoving = destination.isTemporary || message.getJMSReplyTo()?.isTemporary === true
    const payload = encode()
    const producer =
      this.#destination === null && !connection.hasAnonymousRelay
        ? await this.#producerFor(destination)
        : this
    const { sendTimeoutMs } = connection.options
    const { promise, pending } = producer.#transfer(payload, isMoving ? encode : undefined)
    if (sendTimeoutMs === undefined) return promise
    try {
      await connection.limited(promise, 'sending', sendTimeoutMs)
    } catch (error) {
      // A send that was reported as failed must not be transmitted later.
      const at = producer.#unsent.indexOf(pending)
      if (at >= 0) producer.#unsent.splice(at, 1)
      throw error
    }
  }

  async #producerFor(destination: Destination): Promise<MessageProducer> {
    const key = `${destination.kind}/${destination.address}`
    let producer = this.#byDestination.get(key)
    if (producer === undefined) {
      const made = new MessageProducer(this.#session, destination, () => {})
      await this.#session.onWire(
        (amqp) => made.attach(amqp),
        () => {
          producer = this.#byDestination.get(key) ?? made
          this.#byDestination.set(key, producer)
        },
      )
    }
    return producer as MessageProducer
  }

  /** Sets the headers that a send sets (section 3.4). */
  #prepare(destination: Destination, message: Message, settings: SendSettings): void {
    const { connection } = this.#session
    const { headers } = message
    const now = connection.clock.now()
    headers.destination = destination
    headers.deliveryMode = settings.deliveryMode
    headers.priority = settings.priority
    headers.timestamp = this.#disableTimestamp ? 0 : now
    headers.messageId = this.#disableMessageId ? null : connection.newId()
    headers.deliveryTime = this.#deliveryDelay > 0 ? now + this.#deliveryDelay : 0
    headers.expiration =
      settings.timeToLive > 0 ? now + this.#deliveryDelay + settings.timeToLive : 0
    headers.deliveryCount = 0
  }

  #transfer(
    payload: Buffer,
    encode: (() => Buffer) | undefined,
  ): { readonly promise: Promise<void>; readonly pending: PendingSend } {
    const { transaction } = this.#session
    if (transaction?.rollbackOnlyCause !== undefined) {
      const { rollbackOnlyCause } = transaction
      throw new TransactionRolledBackException(
        `the transaction is rollback-only: ${rollbackOnlyCause.message}`,
        'JMS_TRANSACTION_ROLLED_BACK',
        rollbackOnlyCause,
      )
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const pending = { payload, encode, resolve, reject }
    this.#unsent.push(pending)
    this.flush()
    return { promise, pending }
  }

  /**
   * @internal Transmits pending sends while there is credit; in a transacted session only while a
   * transaction is declared.
   */
  flush(): void {
    for (const producer of this.#byDestination.values()) producer.flush()
    const link = this.#link
    const { transaction } = this.#session
    while (
      link !== undefined &&
      this.#unsent.length > 0 &&
      link.credit > 0 &&
      !link.isRemotelyDetached
    ) {
      const txnId = transaction?.txnId
      if (transaction !== undefined && txnId === undefined) return
      const pending = this.#unsent.shift() as PendingSend
      try {
        const delivery = link.send([pending.encode?.() ?? pending.payload], {
          settled: false,
          ...(txnId === undefined ? {} : { state: { kind: 'transactionalState', txnId } }),
        })
        transaction?.noteSent()
        this.#sent.set(delivery, pending)
      } catch (error) {
        pending.reject(jmsException(error))
      }
    }
  }

  #onDisposition(delivery: OutgoingDelivery): void {
    const pending = this.#sent.get(delivery)
    const { remoteState } = delivery
    const state = remoteState?.kind === 'transactionalState' ? remoteState.outcome : remoteState
    if (pending === undefined || state === undefined) return
    this.#sent.delete(delivery)
    delivery.settle()
    switch (state.kind) {
      case 'accepted':
        return pending.resolve()
      case 'rejected': {
        const error = state.error
        return pending.reject(
          error === undefined
            ? new JMSException('the provider rejected the message')
            : jmsException(AmqpError.from(error, 'the provider rejected the message')),
        )
      }
      default:
        return pending.reject(
          new JMSException(`the provider did not accept the message: outcome ${state.kind}`),
        )
    }
  }

  /** @internal The producer failed: pending sends are rejected. */
  onFailed(error: JMSException): void {
    this.#failure ??= error
    const waiting = [...this.#sent.values(), ...this.#unsent]
    this.#sent.clear()
    this.#unsent = []
    this.#reject(waiting, error)
    for (const producer of this.#byDestination.values()) producer.onFailed(error)
  }

  /** Closes the producer after all completion listeners were called. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#lastCompletion
    for (const producer of this.#byDestination.values()) await producer.close()
    this.#onClosed()
    const link = this.#link
    if (link === undefined || link.isRemotelyDetached || link.isDetached) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const handler = link.handler
    link.handler = {
      onSendable: () => handler?.onSendable(),
      onDisposition: (delivery) => handler?.onDisposition(delivery),
      onDetach: () => resolve(),
    }
    link.detach({ closed: true })
    await this.#session.connection
      .limited(promise, 'closing a producer', 5000)
      .catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A call that this kind of producer does not support; named after Java's exception. */
export class UnsupportedOperationException extends Error {
  override readonly name = 'UnsupportedOperationException'
}

export function checkDeliveryMode(deliveryMode: number): void {
  if (deliveryMode !== DeliveryMode.PERSISTENT && deliveryMode !== DeliveryMode.NON_PERSISTENT) {
    throw new JMSException(
      `invalid delivery mode ${deliveryMode}: expected NON_PERSISTENT (1) or PERSISTENT (2)`,
    )
  }
}

export function checkPriority(priority: number): void {
  if (!Number.isInteger(priority) || priority < 0 || priority > 9) {
    throw new JMSException(`invalid priority ${priority}: expected 0 to 9`)
  }
}

export function checkDuration(what: string, ms: number): void {
  if (!Number.isFinite(ms) || ms < 0) {
    throw new JMSException(`invalid ${what} ${ms}: expected milliseconds from 0`)
  }
}
