// SPDX-License-Identifier: Apache-2.0
import { guard } from '@millrace/base'
import type { MessageConsumer } from './consumer.ts'
import type { Session } from './session.ts'

/** A session of an application server's pool (Jakarta Messaging 3.1, section 8.2). */
export interface ServerSession {
  /** Session that handles the messages. */
  getSession(): Session | Promise<Session>
  /** Starts a call of `run` on the session. */
  start(): void | Promise<void>
}

/** Pool of sessions of an application server. */
export interface ServerSessionPool {
  /** Returns an idle session; waits for one if all are busy. */
  getServerSession(): ServerSession | Promise<ServerSession>
}

/** Consumes messages and passes them to the sessions of a pool. */
export class ConnectionConsumer implements AsyncDisposable {
  readonly #session: Session
  readonly #consumer: MessageConsumer
  readonly #pool: ServerSessionPool
  readonly #maxMessages: number
  readonly #onClose: () => void
  readonly #onError: (error: unknown) => void
  #isRunning = false
  #isClosed = false

  /** @internal */
  constructor(
    session: Session,
    consumer: MessageConsumer,
    options: {
      readonly sessionPool: ServerSessionPool
      readonly maxMessages: number
      readonly onClose: () => void
      readonly onError: (error: unknown) => void
    },
  ) {
    this.#session = session
    this.#consumer = consumer
    this.#pool = options.sessionPool
    this.#maxMessages = Math.max(options.maxMessages, 1)
    this.#onClose = options.onClose
    this.#onError = options.onError
  }

  /** Pool that receives the messages. */
  getServerSessionPool(): ServerSessionPool {
    return this.#pool
  }

  /** @internal */
  onStarted(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    guard(
      () => this.#run(),
      (error) => {
        if (!this.#isClosed) this.#onError(error)
      },
    )
  }

  async #run(): Promise<void> {
    for (;;) {
      const first = await this.#consumer.takeDelivery()
      if (first === undefined) return
      const batch = [first]
      while (batch.length < this.#maxMessages) {
        const more = this.#consumer.takeDeliveryNow()
        if (more === undefined) break
        batch.push(more)
      }
      const server = await this.#pool.getServerSession()
      const session = await server.getSession()
      session.load(batch, this.#consumer)
      await server.start()
    }
  }

  /** Stops consuming. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClose()
    await this.#session.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
