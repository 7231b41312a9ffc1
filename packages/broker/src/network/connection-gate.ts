// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '@millrace/base'
import type { ConnectionLimits } from './connection-limits.ts'

/**
 * Connections whose address opened them too soon, and that wait to be closed. Above that they are
 * closed at once.
 */
const MAX_CLOSING = 1000

/** Options of a `ConnectionGate`. */
export interface ConnectionGateOptions {
  readonly listenerName: string
  readonly limits: ConnectionLimits
  readonly clock: Clock
  /** Connections that may wait: `socket.listen.backlog.size`. */
  readonly maxWaiting: number
  /** Counts a connection of an address; returns after how long it is to be closed, 0 for never. */
  readonly closingDelayMs: (address: string, nowMs: number) => number
  /** Called with the key of the limit that refuses a connection. */
  readonly onRefused: (address: string, limit: string) => void
  /** Called after a connection was counted, when there are more than the broker's limit. */
  readonly onExcess: () => void
}

interface Waiting {
  readonly address: string
  readonly settle: (isAdmitted: boolean) => void
  /** Earliest time for it; undefined until it is the first that waits. */
  notBeforeMs: number | undefined
}

/**
 * Admits the connections of a listener one after another, as Kafka's acceptor does. While the first
 * has to wait, for the rate of connections or until others have left, so do those behind it; they
 * are neither read nor counted.
 */
export class ConnectionGate {
  readonly #options: ConnectionGateOptions
  readonly #waiting: Waiting[] = []
  /** Connections that are to be closed later, and their timers. */
  readonly #closing = new Map<(isAdmitted: boolean) => void, Timer>()
  #timer: Timer | undefined
  #isAdmitting = false
  #isClosed = false

  constructor(options: ConnectionGateOptions) {
    this.#options = options
  }

  /** Number of connections that wait to be admitted. */
  get waitingCount(): number {
    return this.#waiting.length
  }

  /** Whether a connection is admitted and counted; a promise while it waits. */
  arrive(address: string): boolean | Promise<boolean> {
    if (this.#isClosed) return false
    const { limits, listenerName, clock, maxWaiting } = this.#options
    let notBeforeMs: number | undefined
    if (this.#waiting.length === 0) {
      const nowMs = clock.monotonic()
      notBeforeMs = nowMs + limits.delayMs(listenerName, nowMs)
      if (notBeforeMs <= nowMs && limits.hasRoom(listenerName)) return this.#decideNow(address)
    }
    if (this.#waiting.length >= maxWaiting) {
      this.#options.onRefused(address, 'socket.listen.backlog.size')
      return false
    }
    return new Promise((settle) => {
      this.#waiting.push({ address, settle, notBeforeMs })
      if (this.#waiting.length === 1) this.#admitWaiting()
    })
  }

  /** Admits those that wait, if they may: a connection has left, or a limit has changed. */
  onChange(): void {
    this.#admitWaiting()
  }

  /** Refuses all that wait, and those that arrive later. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    for (const { settle } of this.#waiting.splice(0)) settle(false)
    for (const [settle, timer] of this.#closing) {
      timer.cancel()
      settle(false)
    }
    this.#closing.clear()
  }

  #admitWaiting(): void {
    if (this.#isAdmitting || this.#isClosed) return
    this.#isAdmitting = true
    try {
      for (;;) {
        const [first] = this.#waiting
        if (first === undefined || !this.#mayPass(first)) return
        this.#waiting.shift()
        this.#decide(first.address, first.settle)
      }
    } finally {
      this.#isAdmitting = false
    }
  }

  #mayPass(first: Waiting): boolean {
    const { limits, listenerName, clock } = this.#options
    const nowMs = clock.monotonic()
    first.notBeforeMs ??= nowMs + limits.delayMs(listenerName, nowMs)
    this.#timer?.cancel()
    this.#timer = undefined
    if (first.notBeforeMs > nowMs) {
      this.#timer = clock.setTimer(Math.ceil(first.notBeforeMs - nowMs), () => this.#admitWaiting())
      return false
    }
    return limits.hasRoom(listenerName)
  }

  #decideNow(address: string): boolean | Promise<boolean> {
    let answer: boolean | undefined
    const later = Promise.withResolvers<boolean>()
    this.#decide(address, (isAdmitted) => {
      answer = isAdmitted
      later.resolve(isAdmitted)
    })
    return answer ?? later.promise
  }

  /** Limits of the address: they close connections and hold none back. */
  #decide(address: string, settle: (isAdmitted: boolean) => void): void {
    const { limits, listenerName, clock } = this.#options
    const delayMs = this.#options.closingDelayMs(address, clock.monotonic())
    if (delayMs > 0) {
      this.#closeLater(delayMs, settle)
      return
    }
    const limit = limits.add(address, listenerName)
    if (limit !== undefined) this.#options.onRefused(address, limit)
    settle(limit === undefined)
    if (limits.excess > 0) this.#options.onExcess()
  }

  /** Closes a connection that its address opened too soon, when the address may again (KIP-612). */
  #closeLater(delayMs: number, settle: (isAdmitted: boolean) => void): void {
    if (this.#closing.size >= MAX_CLOSING) {
      settle(false)
      return
    }
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#closing.delete(settle)
      settle(false)
    })
    this.#closing.set(settle, timer)
  }
}
