// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { messageOf } from './body.ts'
import type { ConsumedDelivery, MessageConsumer } from './consumer.ts'
import type { Topic } from './destination.ts'
import { JMSException, jmsException } from './exceptions.ts'
import type { ListenerContext } from './jms-listener.ts'
import type { ListenerContainer } from './listener-container.ts'
import type { Message } from './message/message.ts'
import { Session } from './session.ts'
import { pause } from './waiting.ts'

const modes = {
  auto: Session.AUTO_ACKNOWLEDGE,
  client: Session.CLIENT_ACKNOWLEDGE,
  transacted: Session.SESSION_TRANSACTED,
  'dups-ok': Session.DUPS_OK_ACKNOWLEDGE,
} as const

/** Delays before the consumer is created again after the provider ended it, milliseconds. */
const REOPEN_MS = { first: 100, last: 30_000 } as const

const failed = { kind: 'modified', deliveryFailed: true } as const
const released = { kind: 'released' } as const

/** A message that is being handled. */
interface Delivered {
  readonly session: Session
  readonly delivery: ConsumedDelivery
  readonly message: Message
  /** Aborted when the outcome of the handler has no effect any more. */
  readonly signal: AbortSignal
}

/**
 * One session of a listener: handles messages one at a time, and creates its consumer again if the
 * provider ends it.
 */
export class ListenerWorker {
  readonly #container: ListenerContainer
  #session: Session | undefined
  #consumer: MessageConsumer | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(container: ListenerContainer) {
    this.#container = container
  }

  /** Opens the session and the consumer. Rejects if the provider refuses. */
  async open(): Promise<void> {
    const { connection, options } = this.#container
    const session = await connection.createSession(modes[options.acknowledge ?? 'auto'])
    this.#session = session
    this.#consumer = await this.#consume(session)
  }

  #consume(session: Session): Promise<MessageConsumer> {
    const { destination, options } = this.#container
    const { subscription, durable = false, shared = !durable, selector = null } = options
    if (subscription === undefined) return session.createConsumer(destination, selector)
    // Cast: only topics have subscriptions (checked before).
    const topic = destination as Topic
    if (!durable) return session.createSharedConsumer(topic, subscription, selector)
    return shared
      ? session.createSharedDurableConsumer(topic, subscription, selector)
      : session.createDurableConsumer(topic, subscription, selector)
  }

  /**
   * Handles messages until the listener closes or the connection fails permanently. Never rejects.
   */
  run(): Promise<void> {
    this.#running = this.#run()
    return this.#running
  }

  async #run(): Promise<void> {
    const { clock, closingSignal, connection } = this.#container
    let delay: number = REOPEN_MS.first
    while (!closingSignal.aborted) {
      try {
        if (this.#session === undefined) await this.open()
        delay = REOPEN_MS.first
        await this.#takeMessages()
        return
      } catch (error) {
        // The container ends the listener if its connection failed or was closed.
        if (closingSignal.aborted || connection.isEnded) return
        this.#container.report(error, undefined)
        const session = this.#session
        this.#session = undefined
        this.#consumer = undefined
        await session?.abandon(failed)
        await pause(clock, delay, closingSignal)
        delay = Math.min(delay * 2, REOPEN_MS.last)
      }
    }
  }

  /** Returns when the consumer is closed; rejects if it failed. */
  async #takeMessages(): Promise<void> {
    const consumer = this.#consumer as MessageConsumer
    for (;;) {
      const taken = await consumer.take()
      if (taken === undefined) return
      await this.#handle(taken.delivery, taken.message)
    }
  }

  async #handle(delivery: ConsumedDelivery, message: Message): Promise<void> {
    const session = this.#session as Session
    const { closingSignal } = this.#container
    const unacknowledged = new AbortController()
    const onClosing = (): void => unacknowledged.abort(closingSignal.reason)
    if (closingSignal.aborted) onClosing()
    else closingSignal.addEventListener('abort', onClosing)
    delivery.onLost = (error) => unacknowledged.abort(error)
    session.consumed(delivery, false)
    try {
      await this.#attempt({ session, delivery, message, signal: unacknowledged.signal })
    } finally {
      closingSignal.removeEventListener('abort', onClosing)
      delivery.onLost = undefined
      // Sends made while the connection was lost cannot be committed: roll back before the next
      // message.
      const isOpen = session === this.#session && !session.isClosed
      if (isOpen && session.transaction?.rollbackOnlyCause !== undefined) await session.rollback()
    }
  }

  async #attempt(delivered: Delivered): Promise<void> {
    const { session, delivery, message, signal } = delivered
    const { clock, handler, options } = this.#container
    const {
      maxAttempts,
      backoffMs = 1000,
      multiplier = 2,
      maxBackoffMs = 30_000,
    } = options.retry ?? {}
    const attempts = maxAttempts ?? (options.retry === undefined ? 1 : 3)
    let value: unknown = message
    try {
      const preparing = options.body?.prepareDecode?.(message)
      if (preparing !== undefined) await preparing
      if (options.body !== undefined) value = options.body.decode(message)
    } catch (error) {
      this.#container.report(error, message)
      const isRetriable = error instanceof MillraceError && error.retriable
      if (isRetriable) await pause(clock, backoffMs, signal)
      // Another delivery of a message that cannot be decoded would fail in the same way.
      if (session.unacknowledged.has(delivery)) {
        await session.settleUnacknowledged(isRetriable ? released : failed)
      }
      return
    }
    let delay = backoffMs
    for (let attempt = 1; ; attempt++) {
      let isInterrupted = false
      const context: ListenerContext = { message, session, attempt, signal }
      try {
        const reply = await session.listeners.run(() =>
          this.#container.runHandler(this, async () => handler(value, context)),
        )
        await this.#finish(delivered, reply)
        return
      } catch (error) {
        isInterrupted = signal.aborted
        this.#container.report(error, message)
      }
      // Lost, or settled by the handler: the listener no longer owns the delivery.
      if (!session.unacknowledged.has(delivery)) return
      if (session.transaction !== undefined) await session.undoSends()
      if (attempt < attempts) await pause(clock, delay, signal)
      delay = Math.min(delay * multiplier, maxBackoffMs)
      if (!session.unacknowledged.has(delivery)) return
      if (attempt < attempts && !signal.aborted) continue
      // A handler that stopped because its signal was aborted has not failed.
      await session.settleUnacknowledged(isInterrupted && attempt === 1 ? released : failed)
      return
    }
  }

  /**
   * Completes a successful attempt. The handler is not called again, even if the reply or commit
   * fails.
   */
  async #finish({ session, delivery, message }: Delivered, reply: unknown): Promise<void> {
    if (delivery.isStale) return
    if (reply !== undefined) await this.#reply(session, message, reply)
    switch (this.#container.options.acknowledge) {
      case 'client':
        return
      case 'transacted':
        if (delivery.isStale) return
        await session.commit().catch((error: unknown) => this.#container.report(error, message))
        return
      default:
        delivery.settle({ kind: 'accepted' })
        session.unacknowledged.remove(delivery)
    }
  }

  /**
   * Sends the handler's result as a reply. If the reply cannot be delivered, the error is reported
   * and the message counts as handled.
   */
  async #reply(session: Session, message: Message, value: unknown): Promise<void> {
    const replyTo = message.getJMSReplyTo()
    if (replyTo === null) return
    const { reply } = this.#container.options
    try {
      // Cast: the handler returns the type that its codec encodes.
      await reply?.prepareEncode?.(value as never)
      const answer = reply === undefined ? messageOf(value) : reply.encode(value as never)
      answer.headers.correlationId = message.headers.correlationId ?? message.getJMSMessageID()
      const producer = await session.createProducer(replyTo)
      await producer.send(answer)
      await producer.close()
    } catch (error) {
      const known = jmsException(error)
      const text = `cannot send the reply to message ${message.getJMSMessageID()} to ${replyTo}: ${known.message}`
      this.#container.report(new JMSException(text, 'JMS_REPLY_FAILED', error), message)
    }
  }

  /**
   * Stops receiving, releases messages that no handler has seen, and resolves when the running
   * handler has finished.
   */
  async drain(): Promise<void> {
    await this.#consumer?.end()
    await this.#running
  }

  /** Closes the session without waiting for its handler; unsettled messages are released. */
  async abandon(): Promise<void> {
    const session = this.#session
    if (session === undefined) return
    this.#reportLate(session)
    await session.abandon(released).catch(() => undefined)
  }

  #reportLate(session: Session): void {
    const [late] = session.unacknowledged.all
    if (late === undefined) return
    this.#container.report(
      new JMSException(
        `a handler of ${this.#container.destination} did not finish before the close timeout; its message is delivered again`,
        'JMS_TIMEOUT',
      ),
      undefined,
    )
  }
}
