// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks'
import { attempt, type Clock, guard } from '@millrace/base'
import type { Connection } from './connection.ts'
import { ConnectionFactory } from './connection-factory.ts'
import type { Destination } from './destination.ts'
import { channels } from './diagnostics.ts'
import { JMSException, jmsException } from './exceptions.ts'
import type { ListenerContext, ListenerOptions, TypedListenerOptions } from './jms-listener.ts'
import { ListenerWorker } from './listener-worker.ts'
import type { Message } from './message/message.ts'
import { pause } from './waiting.ts'

const DEFAULT_CLOSE_MS = 30_000

/** Handler of a message, or of a body decoded by a codec. */
export type AnyHandler = (value: unknown, context: ListenerContext) => unknown
export type AnyListenerOptions = ListenerOptions & Partial<TypedListenerOptions<unknown>>

/** Connection and sessions of one `jmsListener`. */
export class ListenerContainer {
  readonly destination: Destination
  readonly handler: AnyHandler
  readonly options: AnyListenerOptions
  readonly #closing = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  readonly #workers: ListenerWorker[] = []
  readonly #inHandler = new AsyncLocalStorage<ListenerWorker>()
  #connection: Connection | undefined
  #stopObserving: () => void = () => {}
  #state: 'running' | 'interrupted' | 'closed' = 'running'
  #ending: Promise<void> | undefined

  constructor(destination: Destination, handler: AnyHandler, options: AnyListenerOptions) {
    this.destination = destination
    this.handler = handler
    this.options = options
    this.#closed.promise.catch(() => undefined)
  }

  get state(): 'running' | 'interrupted' | 'closed' {
    return this.#state
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Aborted when the listener stops receiving messages. */
  get closingSignal(): AbortSignal {
    return this.#closing.signal
  }

  get clock(): Clock {
    return this.connection.clock
  }

  get connection(): Connection {
    // Cast: `start` sets it before any other use.
    return this.#connection as Connection
  }

  /** Starts receiving. On failure it closes everything and rejects. */
  async start(): Promise<void> {
    const { connection: given, concurrency = 1, signal } = this.options
    signal?.throwIfAborted()
    const connection =
      given instanceof ConnectionFactory ? await given.createReconnectingConnection() : given
    this.#connection = connection
    this.#stopObserving = connection.observe({
      onLost: (error, isFinal) => {
        if (!isFinal) this.#onInterrupted(error)
      },
      onRestored: () => this.#onRestored(),
      onFailed: (error) => this.#endNow(error),
    })
    try {
      for (let i = 0; i < concurrency; i++) this.#workers.push(new ListenerWorker(this))
      for (const worker of this.#workers) await worker.open()
      await connection.start()
    } catch (error) {
      this.#closing.abort(closingReason())
      await this.#finish(0)
      throw error
    }
    const work = this.#workers.map((worker) => worker.run())
    // Workers return when the listener or its connection is closed.
    guard(
      () => Promise.all(work).then(() => this.#end(undefined)),
      (error) => this.#endNow(jmsException(error)),
    )
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted === true) this.#onAbort()
  }

  readonly #onAbort = (): void => {
    attempt(this.connection.logger, 'closing a message listener', () => this.close())
  }

  #endNow(error: JMSException): void {
    attempt(this.connection.logger, 'closing a message listener', () => this.#end(error))
  }

  #onInterrupted(error: JMSException): void {
    if (this.#state === 'running') this.#state = 'interrupted'
    this.#notify(() => this.options.onInterrupted?.(error))
  }

  #onRestored(): void {
    if (this.#state === 'interrupted') this.#state = 'running'
    this.#notify(() => this.options.onRestored?.())
  }

  /** Reports a failure to the diagnostics channel, the logger and `onError`. */
  report(error: unknown, message: Message | undefined): void {
    const { destination } = this
    channels.listenerError.publish({ destination, error, message })
    const reason = error instanceof Error ? error.message : String(error)
    this.connection.logger.warn('message listener failed', {
      destination: String(destination),
      messageId: message?.getJMSMessageID() ?? null,
      error: reason,
    })
    this.#notify(() => this.options.onError?.(error, message))
  }

  /** Runs a callback of the program. An exception is logged and does not end the listener. */
  #notify(callback: () => void): void {
    attempt(this.connection.logger, 'running a callback of a message listener', callback)
  }

  /** Runs a handler in an async context, so that `close` detects a call from the handler. */
  runHandler<T>(worker: ListenerWorker, work: () => T): T {
    return this.#inHandler.run(worker, work)
  }

  async close(timeoutMs = DEFAULT_CLOSE_MS): Promise<void> {
    const caller = this.#inHandler.getStore()
    const ended = this.#inHandler.exit(() => this.#end(undefined, timeoutMs))
    // A handler cannot wait for itself.
    if (caller === undefined) await ended
  }

  /** Ends the listener once, on an error or on request. */
  #end(error: JMSException | undefined, timeoutMs = DEFAULT_CLOSE_MS): Promise<void> {
    this.#ending ??= this.#endWith(error, timeoutMs)
    return this.#ending
  }

  async #endWith(error: JMSException | undefined, timeoutMs: number): Promise<void> {
    this.#closing.abort(error ?? closingReason())
    this.options.signal?.removeEventListener('abort', this.#onAbort)
    if (error !== undefined) this.#reportEnd(error)
    await this.#finish(timeoutMs)
    channels.listenerClosed.publish({ destination: this.destination, error })
    if (error === undefined) this.#closed.resolve()
    else this.#closed.reject(error)
  }

  #reportEnd(error: JMSException): void {
    this.report(error, undefined)
    if (this.options.onError !== undefined) return
    // Without `onError`, the process warning is the only report that messages are not handled.
    process.emitWarning(`the listener of ${this.destination} has ended: ${error.message}`, {
      type: 'JmsListenerWarning',
      code: error.code,
    })
  }

  async #finish(timeoutMs: number): Promise<void> {
    const { clock, connection } = this
    const isOwn = this.options.connection instanceof ConnectionFactory
    const deadline = new AbortController()
    const late = pause(clock, timeoutMs, deadline.signal)
    await Promise.race([Promise.all(this.#workers.map((worker) => worker.drain())), late])
    await Promise.race([
      Promise.all(this.#workers.map((worker) => worker.abandon())),
      pause(clock, RETURN_TIMEOUT_MS, deadline.signal),
    ])
    this.#stopObserving()
    this.#state = 'closed'
    if (isOwn) await connection.close().catch(() => undefined)
    deadline.abort()
  }
}

/**
 * Time limit for returning messages to the provider after the handlers' deadline, milliseconds.
 */
const RETURN_TIMEOUT_MS = 5000

function closingReason(): JMSException {
  return new JMSException('the listener is closing', 'JMS_CLOSING')
}
