// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks'
import type { MessageConsumer } from './consumer.ts'
import { IllegalStateException } from './exceptions.ts'

/**
 * Calls of a session's message listeners: one at a time, and detected if a listener calls methods
 * of the same session.
 */
export class SessionListeners {
  readonly #consumers: ReadonlySet<MessageConsumer>
  readonly #mayDispatch: () => boolean
  readonly #onError: (error: unknown) => void
  /** Dispatch of messages to listeners, while it runs. */
  #dispatching: Promise<void> | undefined
  /** Running listeners. */
  readonly #running = new Set<Promise<void>>()
  readonly #context = new AsyncLocalStorage<SessionListeners>()

  /** `mayDispatch`: whether the session is started and not closing. */
  constructor(
    consumers: ReadonlySet<MessageConsumer>,
    options: { readonly mayDispatch: () => boolean; readonly onError: (error: unknown) => void },
  ) {
    this.#consumers = consumers
    this.#mayDispatch = options.mayDispatch
    this.#onError = options.onError
  }

  /** Whether the caller is a listener of the session. */
  get isCaller(): boolean {
    return this.#context.getStore() === this
  }

  /** Throws `IllegalStateException` if the caller is a listener of the session. */
  checkNotCaller(what: string): void {
    if (this.isCaller) {
      throw new IllegalStateException(`a listener cannot ${what} its own session or connection`)
    }
  }

  /** Runs a listener. Its calls are recognized by `isCaller`. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#context.run(this, work)
    const ended = (): void => {
      this.#running.delete(running)
    }
    const running = result.then(ended, ended)
    this.#running.add(running)
    return result
  }

  /** Schedules the dispatch of messages to listeners. */
  schedule(): void {
    this.#dispatching ??= this.#dispatch().finally(() => {
      this.#dispatching = undefined
      if ([...this.#consumers].some((consumer) => consumer.hasWork)) this.schedule()
    })
  }

  async #dispatch(): Promise<void> {
    // Yields, so that a listener never runs inside the call that set it.
    await Promise.resolve()
    for (let isBusy = true; isBusy; ) {
      isBusy = false
      for (const consumer of [...this.#consumers]) {
        if (!this.#mayDispatch()) return
        if (!consumer.hasWork) continue
        isBusy = true
        // A delivery that cannot be settled must not end the dispatch of the others.
        await consumer.dispatchOne().catch(this.#onError)
      }
    }
  }

  /** Resolves when no listener is running; immediately if the caller is a listener. */
  async settled(): Promise<void> {
    if (this.isCaller) return
    await this.#dispatching
    await Promise.all(this.#running)
  }
}
