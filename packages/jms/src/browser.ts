// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  type Session as AmqpSession,
  type AmqpValue,
  Condition,
  Described,
  type IncomingDelivery,
  JmsFilter,
  type ReceiverLink,
  ulong,
} from '@millrace/amqp'
import type { Connection } from './connection.ts'
import { capabilityOf, type Queue } from './destination.ts'
import { drain } from './drain.ts'
import {
  endedBy,
  IllegalStateException,
  InvalidSelectorException,
  JMSException,
  jmsException,
} from './exceptions.ts'
import { addressOf, decodeJmsMessage } from './message/codec.ts'
import type { Message } from './message/message.ts'
import type { Session } from './session.ts'

/** Messages requested at a time. */
const BATCH_SIZE = 100

/** Reads the messages of a queue without removing them (Jakarta Messaging 3.1, section 4.1.7). */
export class QueueBrowser implements AsyncDisposable {
  readonly #session: Session
  readonly #queue: Queue
  readonly #selector: string | null
  readonly #onClosed: () => void
  #isClosed = false
  readonly #enumerations = new Set<BrowserEnumeration>()

  /** @internal Created by a session. */
  constructor(session: Session, queue: Queue, selector: string | null, onClosed: () => void) {
    this.#session = session
    this.#queue = queue
    this.#selector = selector === null || selector.trim() === '' ? null : selector
    this.#onClosed = onClosed
  }

  /** @internal Attaches once, so that a refusal is reported when the browser is created. */
  async check(): Promise<void> {
    const enumeration = await this.#open()
    await enumeration.close()
  }

  /** Queue of the browser. */
  getQueue(): Queue {
    this.#checkOpen()
    return this.#queue
  }

  /** Selector, or null. */
  getMessageSelector(): string | null {
    this.#checkOpen()
    return this.#selector
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the browser is closed')
    this.#session.checkOpen()
  }

  /** Enumerates the messages in the queue, in delivery order. */
  getEnumeration(): AsyncIterableIterator<Message> & AsyncDisposable {
    this.#checkOpen()
    return this.#messages()
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.getEnumeration()
  }

  async *#messages(): AsyncGenerator<Message, undefined> {
    const enumeration = await this.#open()
    this.#enumerations.add(enumeration)
    try {
      for (;;) {
        const page = await enumeration.next()
        if (page.length === 0) return undefined
        for (const delivery of page) {
          const { prefixes, clock } = this.#session.connection
          const from = this.#queue
          const nowMs = clock.now()
          const message = decodeJmsMessage(delivery.payload, { from, prefixes, nowMs })
          message.received(async () => {})
          yield message
        }
      }
    } finally {
      this.#enumerations.delete(enumeration)
      await enumeration.close()
    }
  }

  #open(): Promise<BrowserEnumeration> {
    return this.#session.onWire((amqp) => this.#attach(amqp))
  }

  async #attach(amqp: AmqpSession): Promise<BrowserEnumeration> {
    const { connection } = this.#session
    const link = amqp.receiver(`${connection.newId()}:browse`)
    const enumeration = new BrowserEnumeration(connection, this.#queue, link)
    const filter = new Map<string, AmqpValue>()
    if (this.#selector !== null) {
      const { name, code } = JmsFilter.selector
      filter.set(name, new Described(ulong(code), this.#selector))
    }
    link.attach({
      source: {
        kind: 'source',
        address: addressOf(this.#queue, connection.prefixes),
        durable: 0,
        expiryPolicy: 'link-detach',
        distributionMode: 'copy',
        filter: filter.size > 0 ? filter : undefined,
        capabilities: [capabilityOf(this.#queue)],
      },
      target: { kind: 'target' },
      sndSettleMode: 1,
    })
    try {
      await connection.limited(link.attached, `browsing ${this.#queue}`)
      return enumeration
    } catch (error) {
      link.detach({ closed: true })
      const isField = error instanceof AmqpError && error.code === Condition.invalidField
      if (isField && this.#selector !== null) {
        throw new InvalidSelectorException(error.message, error.code, error)
      }
      throw jmsException(error, `cannot browse ${this.#queue}`)
    }
  }

  /** @internal Enumerations in progress fail, because their remaining messages are unknown. */
  onLost(error: JMSException): void {
    for (const enumeration of this.#enumerations) {
      enumeration.end(new JMSException(`connection lost: ${error.message}`, error.code, error))
    }
  }

  /** Closes the browser and its enumerations. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClosed()
    for (const enumeration of [...this.#enumerations]) await enumeration.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** One enumeration of the queue over its own link. */
class BrowserEnumeration {
  readonly #connection: Connection
  readonly #queue: Queue
  readonly #link: ReceiverLink
  #page: IncomingDelivery[] = []
  #done: () => void = () => {}
  #isEnded = false
  #failure: JMSException | undefined

  constructor(connection: Connection, queue: Queue, link: ReceiverLink) {
    this.#connection = connection
    this.#queue = queue
    this.#link = link
    link.handler = {
      onDelivery: (delivery) => {
        this.#page.push(delivery)
        delivery.update({ kind: 'released' })
        if (this.#page.length === BATCH_SIZE) this.#done()
      },
      onDrained: () => this.#done(),
      onDetach: (detach) => {
        if (detach === undefined) return
        link.detach({ closed: detach.closed ?? true })
        if (this.#isEnded) return
        const what = 'the provider ended the browser'
        this.end(endedBy(detach, what))
      },
    }
  }

  /** Returns the next messages; empty at the end of the queue. */
  async next(): Promise<IncomingDelivery[]> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isEnded) return []
    this.#page = []
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#done = resolve
    this.#link.setCredit(BATCH_SIZE)
    const what = `browsing ${this.#queue}`
    await drain(this.#connection, { link: this.#link, answered: promise, what })
    // Cast: `#failure` may have been set during the await.
    if ((this.#failure as JMSException | undefined) !== undefined) throw this.#failure
    return this.#page
  }

  end(failure?: JMSException): void {
    this.#failure ??= failure
    this.#isEnded = true
    this.#done()
  }

  close(): Promise<void> {
    this.end()
    this.#link.detach({ closed: true })
    return Promise.resolve()
  }
}
