// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '@millrace/base'

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = clock.setTimer(ms, done, { keepsAlive: true })
    function done(): void {
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done)
  })
}

/** Waiters that another part of the program wakes. */
export class WaitingRoom {
  readonly #clock: Clock
  readonly #waiting = new Set<(woken: boolean) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Resolves with true when `wake` is called, with false after `ms` or when `signal` is aborted.
   */
  wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve(false)
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const leave = (woken: boolean): void => {
        this.#waiting.delete(leave)
        timer?.cancel()
        signal?.removeEventListener('abort', abort)
        resolve(woken)
      }
      const abort = (): void => leave(false)
      if (ms < 2 ** 31) timer = this.#clock.setTimer(ms, abort)
      signal?.addEventListener('abort', abort)
      this.#waiting.add(leave)
    })
  }

  wake(): void {
    if (this.#waiting.size === 0) return
    for (const leave of [...this.#waiting]) leave(true)
  }
}

/** Yields to timers, sockets and signals when a loop has run for long. */
export class Breather {
  readonly #clock: Clock
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  async breathe(): Promise<void> {
    if (this.#clock.monotonic() - this.#since < 5) return
    await this.#clock.yield()
    this.#since = this.#clock.monotonic()
  }
}
