// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  type AmqpValue,
  Condition,
  Described,
  type IncomingDelivery,
  JmsFilter,
  type ReceiverLink,
  ulong,
} from '@millrace/amqp'
import { capabilityOf, type Queue } from './destination.ts'
import { IllegalStateException, InvalidSelectorException, jmsException } from './exceptions.ts'
import { addressOf, decodeJmsMessage } from './message/codec.ts'
import type { Message } from './message/message.ts'
import type { Session } from './session.ts'

/** Messages that are asked for at a time. */
const PAGE = 100

/** Looks at the messages of a queue and leaves them there (Jakarta Messaging 3.1, section 4.1.7). */
export class QueueBrowser implements AsyncDisposable {
  readonly #session: Session
  readonly #queue: Queue
  readonly #selector: string | null
  readonly #onClosed: () => void
  #isClosed = false
  readonly #looks = new Set<Look>()

  /** @internal Made by a session. */
  constructor(session: Session, queue: Queue, selector: string | null, onClosed: () => void) {
    this.#session = session
    this.#queue = queue
    this.#selector = selector === null || selector.trim() === '' ? null : selector
    this.#onClosed = onClosed
  }

  /** @internal Whether the provider would let us. */
  async check(): Promise<void> {
    const look = await this.#look()
    await look.close()
  }

  getQueue(): Queue {
    this.#checkOpen()
    return this.#queue
  }

  getMessageSelector(): string | null {
    this.#checkOpen()
    return this.#selector
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new IllegalStateException('the browser is closed')
    this.#session.checkOpen()
  }

  /** The messages as they are now, the first to be delivered first. */
  getEnumeration(): AsyncIterableIterator<Message> & AsyncDisposable {
    this.#checkOpen()
    return this.#messages()
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.getEnumeration()
  }

  async *#messages(): AsyncGenerator<Message, undefined> {
    const look = await this.#look()
    this.#looks.add(look)
    try {
      for (;;) {
        const page = await look.next()
        if (page.length === 0) return undefined
        for (const delivery of page) {
          const { prefixes } = this.#session.connection
          const message = decodeJmsMessage(delivery.payload, this.#queue, prefixes)
          message.received(async () => {})
          yield message
        }
      }
    } finally {
      this.#looks.delete(look)
      await look.close()
    }
  }

  async #look(): Promise<Look> {
    const { connection, amqp } = this.#session
    const link = amqp.receiver(`${connection.newId()}:browse`)
    const look = new Look(link)
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
      return look
    } catch (error) {
      link.detach({ closed: true })
      const isField = error instanceof AmqpError && error.code === Condition.invalidField
      if (isField && this.#selector !== null) {
        throw new InvalidSelectorException(error.message, error.code, error)
      }
      throw jmsException(error, `cannot browse ${this.#queue}`)
    }
  }

  /** @internal */
  onLost(): void {
    for (const look of this.#looks) look.end()
  }

  /** Ends it and its enumerations. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClosed()
    for (const look of [...this.#looks]) await look.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** One pass over the queue. */
class Look {
  readonly #link: ReceiverLink
  #page: IncomingDelivery[] = []
  #done: () => void = () => {}
  #isEnded = false

  constructor(link: ReceiverLink) {
    this.#link = link
    link.handler = {
      onDelivery: (delivery) => {
        this.#page.push(delivery)
        delivery.update({ kind: 'released' })
        if (this.#page.length === PAGE) this.#done()
      },
      onDrained: () => this.#done(),
      onDetach: (detach) => {
        this.end()
        if (detach !== undefined) link.detach({ closed: detach.closed ?? true })
      },
    }
  }

  /** Some more messages; none when there are no more. */
  async next(): Promise<IncomingDelivery[]> {
    if (this.#isEnded) return []
    this.#page = []
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#done = resolve
    this.#link.setCredit(PAGE)
    this.#link.drain()
    await promise
    return this.#page
  }

  end(): void {
    this.#isEnded = true
    this.#done()
  }

  close(): Promise<void> {
    this.end()
    this.#link.detach({ closed: true })
    return Promise.resolve()
  }
}
