// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger } from '@millrace/base'

/**
 * Handler time in one turn of the event loop before requests wait for the next turn, milliseconds.
 */
const TURN_MS = 10
/** Share of it for one connection. */
const CONNECTION_TURN_MS = 1
/** Half-life of used time. */
const HALF_LIFE_MS = 200

/**
 * Shares the event loop between connections. A request starts at once while its connection, and all
 * together, have used little time in this turn of the event loop. Otherwise its connection is
 * queued, so that sockets are read and written in between. Connections with the least recent usage
 * are served first: a client that sends one request is not delayed by clients that pipeline a
 * hundred expensive ones.
 */
export class FairTurns {
  readonly #clock: Clock
  readonly #logger: Logger
  #line: TurnTaker[] = []
  #turn = 0
  #usedMs = 0
  #isScheduled = false

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Queued connections. */
  get waiting(): number {
    return this.#line.length
  }

  /** A connection's share. `run` is called on a later turn, after `mayStart` returned false. */
  taker(run: () => void): TurnTaker {
    return new TurnTaker(run)
  }

  /** Whether a request may start now. If not, the connection is queued, once. */
  mayStart(taker: TurnTaker): boolean {
    if (this.#usedMs < TURN_MS && taker.usedIn(this.#turn) < CONNECTION_TURN_MS) return true
    if (!taker.isWaiting) {
      taker.isWaiting = true
      this.#line.push(taker)
    }
    this.#schedule()
    return false
  }

  /** Counts the time since `startedMs` of the monotonic clock as used by a request. */
  count(taker: TurnTaker, startedMs: number): void {
    const nowMs = this.#clock.monotonic()
    this.#usedMs += nowMs - startedMs
    taker.count(this.#turn, nowMs - startedMs, nowMs)
    // Otherwise time used in earlier turns would count for this one.
    if (this.#usedMs > CONNECTION_TURN_MS) this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    attempt(this.#logger, 'serving connections', () => this.#clock.yield().then(() => this.#next()))
  }

  #next(): void {
    this.#isScheduled = false
    this.#turn++
    this.#usedMs = 0
    const nowMs = this.#clock.monotonic()
    const line = this.#line.sort((a, b) => a.recentMs(nowMs) - b.recentMs(nowMs))
    this.#line = []
    for (const [i, taker] of line.entries()) {
      if (this.#usedMs >= TURN_MS) {
        this.#line.push(...line.slice(i))
        break
      }
      taker.isWaiting = false
      attempt(this.#logger, 'serving a connection', taker.run)
    }
    if (this.waiting > 0) this.#schedule()
  }
}

export class TurnTaker {
  readonly run: () => void
  isWaiting = false
  #turn = -1
  #usedMs = 0
  #recentMs = 0
  #recentAtMs = 0

  constructor(run: () => void) {
    this.run = run
  }

  usedIn(turn: number): number {
    return this.#turn === turn ? this.#usedMs : 0
  }

  /** Recently used time; older usage counts less. */
  recentMs(nowMs: number): number {
    return this.#recentMs * 0.5 ** ((nowMs - this.#recentAtMs) / HALF_LIFE_MS)
  }

  count(turn: number, ms: number, nowMs: number): void {
    this.#usedMs = this.usedIn(turn) + ms
    this.#turn = turn
    this.#recentMs = this.recentMs(nowMs) + ms
    this.#recentAtMs = nowMs
  }
}
