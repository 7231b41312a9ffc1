// SPDX-License-Identifier: Apache-2.0
import type { Timer } from '@millrace/base'
import type { BodyCodec } from './body-codec.ts'
import type { Connection } from './connection.ts'
import type { MessageConsumer } from './consumer.ts'
import type { Destination, TemporaryQueue } from './destination.ts'
import { IllegalStateException, JMSException } from './exceptions.ts'
import { DEFAULT_DELIVERY_MODE, DEFAULT_PRIORITY, type Message } from './message/message.ts'
import type { MessageProducer } from './producer.ts'
import { Session } from './session.ts'

/** Options of a request. */
export interface RequestOptions {
  /**
   * Time limit for the whole request, milliseconds; 0 means no limit. Default 30,000. The request
   * message expires after this time, so that a late responder does not handle it.
   */
  readonly timeoutMs?: number
  /** Cancels the request when aborted; the request rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Options of a request whose reply is decoded by a codec. */
export interface TypedRequestOptions<R> extends RequestOptions {
  /** Decodes the body of the reply: `json<Receipt>()`. */
  readonly reply: BodyCodec<R>
}

interface Pending {
  readonly resolve: (reply: Message) => void
  readonly reject: (error: unknown) => void
}

interface ReplyChannel {
  readonly session: Session
  readonly replyTo: TemporaryQueue
  readonly consumer: MessageConsumer
  readonly producer: MessageProducer
}

const DEFAULT_TIMEOUT_MS = 30_000

/**
 * Concurrent requests of a connection over one temporary queue for replies. The
 * correlation id of a reply is the correlation id or the message id of its request.
 */
export class RequestReply {
  readonly #connection: Connection
  #replyChannel: Promise<ReplyChannel> | undefined
  readonly #pending = new Map<string, Pending>()
  /** Messages whose correlation id was generated here. */
  readonly #correlated = new WeakSet<Message>()
  readonly #stopObserving: () => void

  constructor(connection: Connection) {
    this.#connection = connection
    this.#stopObserving = connection.observe({
      onLost: (error) => this.#onLost(error),
      onFailed: (error) => this.#rejectAll(error),
    })
  }

  /** Sends a request and resolves with its reply. `starts` also starts the connection. */
  async request(
    destination: Destination,
    message: Message,
    {
      timeoutMs = DEFAULT_TIMEOUT_MS,
      signal,
      starts,
    }: RequestOptions & { readonly starts: boolean },
  ): Promise<Message> {
    signal?.throwIfAborted()
    const { clock } = this.#connection
    const answer = Promise.withResolvers<Message>()
    // The promise may reject before it is awaited.
    answer.promise.catch(() => undefined)
    const ids: string[] = []
    const onAbort = (): void => answer.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    let timer: Timer | undefined
    const startedMs = clock.monotonic()
    if (timeoutMs > 0) {
      const late = (): void => answer.reject(this.#timeoutError(destination, timeoutMs))
      timer = clock.setTimer(timeoutMs, late, { keepsAlive: true })
    }
    try {
      const channel = await Promise.race([this.#ready(starts), answer.promise.then(() => never())])
      message.setJMSReplyTo(channel.replyTo)
      this.#register(this.#correlationIdOf(message), answer, ids)
      const leftMs = Math.max(1, Math.ceil(timeoutMs - (clock.monotonic() - startedMs)))
      const timeToLive = timeoutMs > 0 ? leftMs : 0
      const settings = [DEFAULT_DELIVERY_MODE, DEFAULT_PRIORITY, timeToLive] as const
      const sent = channel.producer.send(destination, message, ...settings)
      // The message id is set now; a responder may correlate by it.
      const messageId = message.getJMSMessageID()
      if (messageId !== null) this.#register(messageId, answer, ids)
      sent.catch((error: unknown) => answer.reject(error))
      return await answer.promise
    } finally {
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
      for (const id of ids) this.#pending.delete(id)
    }
  }

  /**
   * Returns the correlation id set by the program, or sets a new one for each request, even if the
   * message is sent again.
   */
  #correlationIdOf(message: Message): string {
    const given = message.getJMSCorrelationID()
    if (given !== null && !this.#correlated.has(message)) return given
    const id = this.#connection.newId()
    message.setJMSCorrelationID(id)
    this.#correlated.add(message)
    return id
  }

  #register(id: string, pending: Pending, ids: string[]): void {
    if (this.#pending.has(id)) {
      throw new IllegalStateException(
        `a request with the correlation id ${id} is already in progress`,
      )
    }
    this.#pending.set(id, pending)
    ids.push(id)
  }

  #timeoutError(destination: Destination, timeoutMs: number): JMSException {
    const cause = this.#connection.isConnected ? '' : ': not connected to the provider'
    return new JMSException(
      `no reply from ${destination} within ${timeoutMs} ms${cause}`,
      'JMS_TIMEOUT',
    )
  }

  async #ready(starts: boolean): Promise<ReplyChannel> {
    if (starts) await this.#connection.start()
    this.#replyChannel ??= this.#prepare().catch((error: unknown) => {
      this.#replyChannel = undefined
      throw error
    })
    return this.#replyChannel
  }

  async #prepare(): Promise<ReplyChannel> {
    const session = await this.#connection.createSession(Session.AUTO_ACKNOWLEDGE)
    try {
      const replyTo = await session.createTemporaryQueue()
      const consumer = await session.createConsumer(replyTo)
      const producer = await session.createProducer()
      consumer.setMessageListener((reply) => this.#onReply(reply))
      return { session, replyTo, consumer, producer }
    } catch (error) {
      await session.close()
      throw error
    }
  }

  /** Resolves the request of a reply. A reply without a pending request is dropped. */
  #onReply(reply: Message): void {
    const id = reply.getJMSCorrelationID()
    if (id !== null) this.#pending.get(id)?.resolve(reply)
  }

  /** The reply queue was deleted with the connection: replies to pending requests cannot arrive. */
  #onLost(error: JMSException): void {
    const lost = new JMSException(
      `the connection was lost before the reply arrived: ${error.message}`,
      'JMS_CONNECTION_LOST',
      error,
    )
    this.#rejectAll(lost)
    // Requests not yet transmitted contain the address of the deleted queue.
    this.#replyChannel?.then(({ producer }) => producer.cancelWaiting(lost)).catch(() => undefined)
  }

  #rejectAll(error: JMSException): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  /** Called when the connection closes. */
  close(): void {
    this.#stopObserving()
    this.#rejectAll(new IllegalStateException('the connection is closed'))
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
