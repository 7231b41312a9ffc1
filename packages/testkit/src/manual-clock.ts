// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '@millrace/base'

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #nowMs: number
  #timers: { readonly dueMs: number; readonly callback: () => void }[] = []

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), callback }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Moves time on and fires what comes due on the way, in order; lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms
    for (;;) {
      const [next] = this.#timers
        .filter((timer) => timer.dueMs <= end)
        .sort((a, b) => a.dueMs - b.dueMs)
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.callback()
      await this.yield()
    }
    this.#nowMs = end
    await this.yield()
  }
}
