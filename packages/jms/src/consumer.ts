// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  type Session as AmqpSession,
  type AmqpValue,
  Condition,
  type DeliveryState,
  Described,
  type Detach,
  type IncomingDelivery,
  JmsCapability,
  JmsFilter,
  type ReceiverLink,
  type Source,
  ulong,
} from '@millrace/amqp'
import { attempt, guard, type Timer } from '@millrace/base'
import { capabilityOf, type Destination } from './destination.ts'
import { drain } from './drain.ts'
import {
  endedBy,
  IllegalStateException,
  InvalidSelectorException,
  type JMSException,
  jmsException,
} from './exceptions.ts'
import { addressOf, decodeJmsMessage } from './message/codec.ts'
import type { Message } from './message/message.ts'
import { checkValue, listenerOrNull, number, type OptionRule } from './options.ts'
import type { Session } from './session.ts'

/**
 * Receives messages one at a time: the next call follows after the listener has returned or its
 * promise has settled.
 */
export type MessageListener =
  | ((message: Message) => void | Promise<void>)
  | { onMessage(message: Message): void | Promise<void> }

/** Calls a listener in either form. */
export async function callListener(
  listener: MessageListener | null,
  message: Message,
): Promise<void> {
  if (typeof listener === 'function') await listener(message)
  else await listener?.onMessage(message)
}

/** A received delivery that is not settled yet. */
export class ConsumedDelivery {
  readonly delivery: IncomingDelivery
  readonly consumer: MessageConsumer
  #isStale = false
  /** Called when the connection of the delivery is lost. */
  onLost: ((error: JMSException) => void) | undefined

  constructor(delivery: IncomingDelivery, consumer: MessageConsumer) {
    this.delivery = delivery
    this.consumer = consumer
  }

  /**
   * Whether the connection of the delivery has ended: the provider owns the message again, and it
   * cannot be settled.
   */
  get isStale(): boolean {
    return this.#isStale || this.delivery.link.session.isEnded
  }

  lose(error: JMSException): void {
    if (this.#isStale) return
    this.#isStale = true
    this.onLost?.(error)
  }

  settle(state: DeliveryState): void {
    if (!this.isStale) this.delivery.update(state)
  }
}

interface Waiter {
  readonly resolve: (delivery: ConsumedDelivery | undefined) => void
  readonly reject: (error: Error) => void
  timer: Timer | undefined
}

/** Time limit for the provider's answer to a drain, milliseconds. */
const DRAIN_TIMEOUT_MS = 60_000

/** Receives messages from a destination (Jakarta Messaging 3.1, section 6.6). */
export class MessageConsumer implements AsyncDisposable {
  readonly #session: Session
  /** Destination of the consumer. */
  readonly destination: Destination
  readonly #options: {
    readonly selector: string | null
    readonly noLocal: boolean
    readonly subscription: string | undefined
    readonly isDurable: boolean
    readonly isShared: boolean
    readonly onClosed: () => void
  }
  #link: ReceiverLink | undefined
  #linkName: string | undefined
  /** Deliveries not yet passed to the program. */
  #queue: ConsumedDelivery[] = []
  readonly #waiters: Waiter[] = []
  #listener: MessageListener | null = null
  #isStarted = false
  #isSuspended = false
  #isClosed = false
  /** Closed by the program, but with unacknowledged messages. */
  #isDetachPending = false
  #failure: JMSException | undefined
  #drained: (() => void)[] = []
  #isEnded = false

  /** @internal Created by a session. */
  constructor(
    session: Session,
    destination: Destination,
    options: {
      readonly selector: string | null
      readonly noLocal: boolean
      readonly subscription: string | undefined
      readonly isDurable: boolean
      readonly isShared: boolean
      readonly onClosed: () => void
    },
  ) {
    this.#session = session
    this.destination = destination
    this.#options = options
  }

  /** Whether the consumer was closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  get #prefetch(): number {
    return this.#session.connection.options.prefetch
  }

  /**
   * @internal Attaches the link to a begun session; called again after the connection was replaced.
   */
  async attach(amqp: AmqpSession): Promise<void> {
    if (this.#isClosed || this.#failure !== undefined) return
    const { connection } = this.#session
    const { subscription, isDurable, isShared } = this.#options
    this.#linkName ??=
      subscription === undefined
        ? `${connection.newId()}:${this.destination}`
        : connection.subscriptionNames.reserve(subscription, {
            isShared,
            isDurable,
            hasClientId: connection.hasClientId,
          })
    const link = amqp.receiver(this.#linkName)
    this.#link = link
    link.handler = {
      onDelivery: (delivery) => this.#onDelivery(delivery),
      onDrained: () => {
        for (const done of this.#drained.splice(0)) done()
      },
      onDetach: (detach) => this.#onDetach(link, detach),
    }
    link.attach({
      source: this.#source(),
      target: { kind: 'target' },
      sndSettleMode: 0,
      rcvSettleMode: 0,
    })
    try {
      await connection.limited(link.attached, `consuming from ${this.destination}`)
    } catch (error) {
      link.detach({ closed: true })
      throw error
    }
    // Closed during the attach.
    if (this.#isClosed) link.detach({ closed: !this.#options.isDurable })
  }

  #source(): Source {
    const { isDurable, isShared, noLocal } = this.#options
    const { connection } = this.#session
    const selector = this.#selector
    const filter = new Map<string, AmqpValue>()
    if (selector !== null) {
      const { name, code } = JmsFilter.selector
      filter.set(name, new Described(ulong(code), selector))
    }
    if (noLocal) {
      const { name, code } = JmsFilter.noLocal
      filter.set(name, new Described(ulong(code), 'NoLocalFilter{}'))
    }
    const capabilities = [capabilityOf(this.destination)]
    if (isShared) {
      capabilities.push(JmsCapability.shared)
      if (!connection.hasClientId) capabilities.push(JmsCapability.global)
    }
    return {
      kind: 'source',
      address: addressOf(this.destination, connection.prefixes),
      durable: isDurable ? 2 : 0,
      expiryPolicy: isDurable ? 'never' : 'link-detach',
      distributionMode: isDurable ? 'copy' : undefined,
      filter: filter.size > 0 ? filter : undefined,
      defaultOutcome: { kind: 'modified', deliveryFailed: true } as Source['defaultOutcome'],
      outcomes: [
        'amqp:accepted:list',
        'amqp:rejected:list',
        'amqp:released:list',
        'amqp:modified:list',
      ],
      capabilities,
    }
  }

  get #selector(): string | null {
    const { selector } = this.#options
    return selector === null || selector === undefined || selector.trim() === '' ? null : selector
  }

  /** @internal Converts the error of a failed attach. */
  attachError(error: unknown): JMSException {
    const isField = error instanceof AmqpError && error.code === Condition.invalidField
    if (isField && this.#selector !== null) {
      return new InvalidSelectorException(error.message, error.code, error)
    }
    return jmsException(error, `cannot consume from ${this.destination}`)
  }

  /** @internal */
  releaseName(): void {
    if (this.#linkName !== undefined && this.#options.subscription !== undefined) {
      this.#session.connection.subscriptionNames.release(this.#linkName)
    }
  }

  #onDetach(link: ReceiverLink, detach: Detach | undefined): void {
    for (const done of this.#drained.splice(0)) done()
    if (detach === undefined || link !== this.#link) return
    link.detach({ closed: detach.closed ?? true })
    // Before the attach completes, `attach` reports the detach.
    if (this.#isClosed || link.remote === undefined || !isTerminus(link)) return
    const what = `the provider ended the consumer of ${this.destination}`
    this.onFailed(endedBy(detach, what))
  }

  // Incoming messages.

  #onDelivery(delivery: IncomingDelivery): void {
    const consumed = new ConsumedDelivery(delivery, this)
    if (this.#isDetachPending || this.#isClosed || this.#failure !== undefined) {
      consumed.settle({ kind: 'released' })
      return
    }
    this.#queue.push(consumed)
    this.#serve()
  }

  #serve(): void {
    if (!this.#isStarted || this.#isSuspended) return
    while (this.#waiters.length > 0 && this.#queue.length > 0) {
      const waiter = this.#waiters.shift() as Waiter
      waiter.timer?.cancel()
      waiter.resolve(this.#queue.shift())
    }
    if (this.#listener !== null && this.#queue.length > 0) this.#session.listeners.schedule()
  }

  #grantCredit(): void {
    const link = this.#link
    const prefetch = this.#prefetch
    if (
      link === undefined ||
      !this.#isStarted ||
      this.#isSuspended ||
      this.#isClosed ||
      this.#isDetachPending
    )
      return
    if (prefetch === 0) {
      const wanted = this.#listener === null ? this.#waiters.length : 1
      if (this.#queue.length === 0 && link.credit < wanted) link.setCredit(wanted)
      return
    }
    const held = link.credit + this.#queue.length
    if (held <= prefetch / 2) link.setCredit(prefetch - this.#queue.length)
  }

  /** @internal */
  onStarted(): void {
    this.#isStarted = true
    this.#grantCredit()
    this.#serve()
  }

  /** @internal */
  onStopped(): void {
    this.#isStarted = false
  }

  /** @internal Whether the listener has a message to handle. */
  get hasWork(): boolean {
    return (
      this.#listener !== null &&
      this.#queue.length > 0 &&
      !this.#isSuspended &&
      !this.#isClosed &&
      this.#session.connection.isStarted
    )
  }

  /** @internal Passes one message to the listener. */
  async dispatchOne(): Promise<void> {
    const consumed = this.#queue.shift()
    const listener = this.#listener
    if (consumed === undefined || listener === null || consumed.isStale) return
    this.#grantCredit()
    const message = this.decode(consumed)
    if (message === undefined) return
    const isAutomatic = this.#isAutomatic
    this.#session.consumed(consumed, false)
    try {
      await this.#session.listeners.run(() => callListener(listener, message))
      if (isAutomatic) consumed.settle({ kind: 'accepted' })
    } catch {
      // Redelivered with a higher delivery count: a message that fails too often becomes a dead
      // letter.
      if (isAutomatic) consumed.settle({ kind: 'modified', deliveryFailed: true })
    }
    if (isAutomatic) this.#session.unacknowledged.remove(consumed)
    this.#grantCredit()
  }

  get #isAutomatic(): boolean {
    return this.#session.acknowledgesAutomatically
  }

  /**
   * @internal Returns undefined for a message that expired or cannot be decoded, and settles it.
   */
  decode(consumed: ConsumedDelivery): Message | undefined {
    const { connection } = this.#session
    try {
      const { payload } = consumed.delivery
      const { prefixes, clock } = connection
      const nowMs = clock.now()
      const message = decodeJmsMessage(payload, { from: this.destination, prefixes, nowMs })
      const expiration = message.getJMSExpiration()
      if (expiration > 0 && expiration <= nowMs) {
        consumed.settle({ kind: 'modified', deliveryFailed: true, undeliverableHere: true })
        return undefined
      }
      message.received(() => this.#session.acknowledge())
      return message
    } catch {
      consumed.settle({ kind: 'modified', deliveryFailed: true, undeliverableHere: true })
      return undefined
    }
  }

  // Public API.

  #checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the consumer is closed')
    if (this.#failure !== undefined) throw this.#failure
    this.#session.checkOpen()
  }

  /** Selector, or null. */
  getMessageSelector(): string | null {
    this.#checkOpen()
    return this.#selector
  }

  /** The listener, or null. */
  getMessageListener(): MessageListener | null {
    this.#checkOpen()
    return this.#listener
  }

  /**
   * Sets the listener that is called with each message, one at a time; the promise of an async
   * listener is awaited. Null removes the listener.
   */
  setMessageListener(listener: MessageListener | null): void {
    this.#checkOpen()
    checkValue('setMessageListener', 'listener', listener, listenerOrNull('onMessage'))
    this.#listener = listener
    this.#grantCredit()
    this.#serve()
  }

  // Methods of the classic queue and topic domains.

  /** Queue of a `QueueReceiver`. */
  getQueue(): Destination {
    return this.destination
  }
  /** Topic of a `TopicSubscriber`. */
  getTopic(): Destination {
    return this.destination
  }
  /** Whether messages published by the same connection are excluded. */
  getNoLocal(): boolean {
    return this.#options.noLocal
  }

  /**
   * Returns the next message; waits up to `timeout` milliseconds, without limit if 0 or omitted.
   * Null if no message arrived in time, or the consumer was closed.
   */
  async receive(timeout = 0): Promise<Message | null> {
    this.#checkReceive()
    checkValue('receive', 'timeout', timeout, milliseconds)
    const deadline = timeout > 0 ? this.#session.connection.clock.monotonic() + timeout : undefined
    for (;;) {
      const left =
        deadline === undefined
          ? undefined
          : Math.max(deadline - this.#session.connection.clock.monotonic(), 0)
      const consumed = await this.takeDelivery(left)
      if (consumed === undefined) return null
      const message = this.#deliver(consumed)
      if (message !== undefined) return message
    }
  }

  /** Returns the next message if the provider has one now, else null. */
  async receiveNoWait(): Promise<Message | null> {
    this.#checkReceive()
    for (;;) {
      let consumed = this.takeDeliveryNow()
      if (consumed === undefined && this.#isStarted && !this.#isSuspended) {
        await this.#drain()
        consumed = this.takeDeliveryNow()
        this.#grantCredit()
      }
      if (consumed === undefined) return null
      const message = this.#deliver(consumed)
      if (message !== undefined) return message
    }
  }

  #checkReceive(): void {
    this.#checkOpen()
    if (this.#listener !== null) {
      throw new IllegalStateException('receive is not allowed while a message listener is set')
    }
  }

  #deliver(consumed: ConsumedDelivery): Message | undefined {
    this.#grantCredit()
    // The connection was lost after the message left the queue.
    if (consumed.isStale) return undefined
    const message = this.decode(consumed)
    if (message !== undefined) this.#session.consumed(consumed, true)
    return message
  }

  /** @internal */
  takeDeliveryNow(): ConsumedDelivery | undefined {
    return this.#isStarted && !this.#isSuspended ? this.#queue.shift() : undefined
  }

  /** @internal Returns undefined if no message arrived in time, or the consumer was closed. */
  takeDelivery(timeoutMs?: number): Promise<ConsumedDelivery | undefined> {
    const now = this.takeDeliveryNow()
    if (now !== undefined) return Promise.resolve(now)
    if (this.#isEnded) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject, timer: undefined }
      if (timeoutMs !== undefined) {
        waiter.timer = this.#session.connection.clock.setTimer(
          timeoutMs,
          () => {
            guard(
              () => this.#cancelReceive(waiter),
              (error) => waiter.reject(error),
            )
          },
          { keepsAlive: true },
        )
      }
      this.#waiters.push(waiter)
      this.#grantCredit()
    })
  }

  /**
   * @internal Returns the next message for a listener, unsettled. Undefined if the consumer was
   * closed or ended.
   */
  async take(): Promise<
    { readonly delivery: ConsumedDelivery; readonly message: Message } | undefined
  > {
    for (;;) {
      this.#checkOpen()
      const delivery = await this.takeDelivery()
      if (delivery === undefined) return undefined
      this.#grantCredit()
      const message = delivery.isStale ? undefined : this.decode(delivery)
      if (message !== undefined) return { delivery, message }
    }
  }

  async #cancelReceive(waiter: Waiter): Promise<void> {
    // Without prefetch a message may be in flight: the drain returns it.
    if (this.#prefetch === 0 && this.#isStarted) await this.#drain()
    const at = this.#waiters.indexOf(waiter)
    if (at < 0) return
    this.#waiters.splice(at, 1)
    waiter.resolve(undefined)
  }

  /**
   * Resolves when all messages that the provider has available were received, and no credit is
   * left.
   */
  async #drain(): Promise<void> {
    const link = this.#link
    if (link === undefined || link.isRemotelyDetached || link.isDetached) return
    if (link.credit === 0 && this.#prefetch === 0) link.setCredit(1)
    if (link.credit === 0) return
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    this.#drained.push(resolve)
    const what = `draining ${this.destination}`
    const timeoutMs = DRAIN_TIMEOUT_MS
    const { connection } = this.#session
    await drain(connection, { link, answered, what, timeoutMs }).catch(() => undefined)
  }

  // Called by the session.

  /** @internal Stops receiving until `resume`. */
  async suspend(): Promise<void> {
    this.#isSuspended = true
    await this.#drain()
  }

  /**
   * @internal Stops receiving and releases messages that the program has not seen; those it has
   * seen can still be settled.
   */
  async end(): Promise<void> {
    this.#isEnded = true
    this.endReceives()
    await this.suspend()
    this.releaseQueued()
  }

  /** @internal Releases messages that the program has not seen. */
  releaseQueued(): void {
    const queued = this.#queue
    this.#queue = []
    for (const consumed of queued) consumed.settle({ kind: 'released' })
  }

  /** @internal */
  resume(): void {
    if (this.#isEnded) return
    this.#isSuspended = false
    this.#grantCredit()
    this.#serve()
  }

  /** @internal The consumed messages are acknowledged: a closed consumer can detach. */
  onAcknowledged(): void {
    if (!this.#isDetachPending) return
    const { logger } = this.#session.connection
    attempt(logger, 'closing a consumer', () => this.#detach())
  }

  /** @internal The connection was lost; it may be replaced. */
  onLost(): void {
    this.#link = undefined
    this.#queue = []
    for (const done of this.#drained.splice(0)) done()
    // Messages consumed before the close can no longer be acknowledged.
    if (!this.#isDetachPending) return
    this.#isDetachPending = false
    this.#onEnded()
  }

  /**
   * @internal The consumer failed. Its listener is no longer called; the exception listener is
   * called instead.
   */
  onFailed(error: JMSException): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#session.loseDeliveries(this, error)
    this.#queue = []
    for (const done of this.#drained.splice(0)) done()
    for (const waiter of this.#waiters.splice(0)) {
      waiter.timer?.cancel()
      waiter.reject(error)
    }
    const { connection } = this.#session
    if (this.#listener !== null && connection.isConnected) connection.reportException(error)
  }

  /** @internal Completes pending receives without a message. */
  endReceives(): void {
    for (const waiter of this.#waiters.splice(0)) {
      waiter.timer?.cancel()
      waiter.resolve(undefined)
    }
  }

  /** @internal */
  onSessionClosed(): void {
    this.#isClosed = true
    this.releaseName()
    this.releaseQueued()
    this.endReceives()
    this.#options.onClosed()
  }

  /**
   * Closes the consumer; a durable subscription remains. Consumed messages can still be
   * acknowledged. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.endReceives()
    await this.#session.listeners.settled()
    const link = this.#link
    if (link === undefined || link.isRemotelyDetached || link.isDetached) {
      this.#onEnded()
      return
    }
    await this.#drain()
    this.releaseQueued()
    if (this.#link !== link) {
      // Connection lost during the drain.
      this.#onEnded()
      return
    }
    const mustStay =
      !this.#session.acknowledgesAutomatically && this.#session.unacknowledged.hasOf(this)
    if (mustStay) {
      this.#isDetachPending = true
      return
    }
    await this.#detach()
  }

  async #detach(): Promise<void> {
    this.#isDetachPending = false
    const link = this.#link
    this.#onEnded()
    if (link === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    link.handler = { onDelivery() {}, onDetach: () => resolve() }
    if (link.isRemotelyDetached) resolve()
    // A detach without close keeps a durable subscription.
    link.detach({ closed: !this.#options.isDurable })
    await this.#session.connection
      .limited(promise, `closing the consumer of ${this.destination}`, 5000)
      .catch(() => undefined)
  }

  #onEnded(): void {
    this.releaseName()
    this.#options.onClosed()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const milliseconds: OptionRule = { ...number(0), expected: 'milliseconds from 0' }

/** Whether the provider accepted the attach; it refuses with an attach without a source. */
function isTerminus(link: ReceiverLink): boolean {
  return link.remote?.source !== undefined
}
