// SPDX-License-Identifier: Apache-2.0
import { guard } from './isolation.ts'
import type { Clock } from './world.ts'

/** Time that the connections of all servers may use in one turn of the event loop, milliseconds. */
const TURN_MS = 1
/**
 * A connection that was idle for this long does not queue, unless the turn has used `IDLE_TURN_MS`.
 */
const IDLE_MS = 100
const IDLE_TURN_MS = 5

/**
 * Shares the event loop between connections. Work is done in small steps, each after
 * `WorkTurn.next`. When the steps of a turn of the event loop have used their time, connections
 * queue, and one is released in each later turn.
 */
export class WorkTurns {
  readonly #clock: Clock
  readonly #line: (() => void)[] = []
  #beganMs = 0
  #isScheduled = false

  /** Creates the turns of one event loop; `workTurnsOf` shares them. */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The share of one connection. */
  taker(): WorkTurn {
    return new WorkTurn(this.#clock, (isIdle) => this.#next(isIdle))
  }

  #next(isIdle: boolean): Promise<void> | undefined {
    this.#schedule()
    const usedMs = this.#clock.monotonic() - this.#beganMs
    const isFree = this.#line.length === 0 && usedMs < TURN_MS
    if (isFree || (isIdle && usedMs < IDLE_TURN_MS)) return undefined
    return new Promise((resolve) => this.#line.push(resolve))
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#beganMs = this.#clock.monotonic()
    guard(
      () => this.#clock.yield().then(() => this.#nextTurn()),
      () => this.#nextTurn(),
    )
  }

  #nextTurn(): void {
    this.#isScheduled = false
    const released = this.#line.shift()
    if (released === undefined) return
    this.#schedule()
    released()
  }
}

/** The share of one connection. */
export class WorkTurn {
  readonly #clock: Clock
  readonly #take: (isIdle: boolean) => Promise<void> | undefined
  #lastMs = Number.NEGATIVE_INFINITY

  /** Created by `WorkTurns.taker`. */
  constructor(clock: Clock, take: (isIdle: boolean) => Promise<void> | undefined) {
    this.#clock = clock
    this.#take = take
  }

  /** Undefined if the next step may run now; otherwise resolves when it may. */
  next(): Promise<void> | undefined {
    const nowMs = this.#clock.monotonic()
    const isIdle = nowMs - this.#lastMs > IDLE_MS
    this.#lastMs = nowMs
    const released = this.#take(isIdle)
    return released?.then(() => {
      this.#lastMs = this.#clock.monotonic()
    })
  }
}

const shared = new WeakMap<Clock, WorkTurns>()

/** The turns that all connections of a process with this clock share. */
export function workTurnsOf(clock: Clock): WorkTurns {
  let turns = shared.get(clock)
  if (turns === undefined) {
    turns = new WorkTurns(clock)
    shared.set(clock, turns)
  }
  return turns
}
