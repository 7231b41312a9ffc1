// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import type { Event } from '../event.ts'

/** Events with consecutive positions. */
export interface Run {
  /** Position of the first. */
  readonly first: number
  readonly events: readonly Event[]
}

/** Events taken together: runs in ascending order. */
export interface Taken {
  readonly events: readonly Event[]
  readonly positions: readonly number[]
}

/**
 * A queue of runs. A run that fits is returned unchanged, so that whole batches pass without a loop
 * over their events. Returned events are restored to their positions.
 */
export class EventQueue {
  #runs: (Run | undefined)[] = []
  #head = 0
  #count = 0
  /** Runs that were taken and returned, ascending; they precede all others. */
  readonly #returned: Run[] = []

  get count(): number {
    return this.#count
  }

  push(run: Run): void {
    if (run.events.length === 0) return
    this.#runs.push(run)
    this.#count += run.events.length
  }

  take(max: number): Taken {
    const first = this.#shift(max)
    if (first === undefined) return { events: [], positions: [] }
    if (first.events.length >= max || this.#count === 0) {
      return { events: first.events, positions: positionsOf([first]) }
    }
    const runs = [first]
    let left = max - first.events.length
    while (left > 0) {
      const next = this.#shift(left)
      if (next === undefined) break
      runs.push(next)
      left -= next.events.length
    }
    return { events: runs.flatMap(({ events }) => events), positions: positionsOf(runs) }
  }

  /** Returns events of `take` to their positions. */
  giveBack({ events, positions }: Taken): void {
    let from = 0
    for (let i = 1; i <= positions.length; i++) {
      if (i < positions.length && positions[i] === elementAt(positions, i - 1) + 1) continue
      const run = { first: elementAt(positions, from), events: events.slice(from, i) }
      const at = this.#returned.findIndex(({ first }) => first > run.first)
      if (at < 0) this.#returned.push(run)
      else this.#returned.splice(at, 0, run)
      this.#count += run.events.length
      from = i
    }
  }

  clear(): void {
    this.#runs = []
    this.#head = 0
    this.#returned.length = 0
    this.#count = 0
  }

  /** The first run, or as much of it as `max` allows. */
  #shift(max: number): Run | undefined {
    const isReturned = this.#returned.length > 0
    const run = isReturned ? this.#returned[0] : this.#runs[this.#head]
    if (run === undefined || max <= 0) return undefined
    const { first, events } = run
    const isWhole = events.length <= max
    const rest = isWhole ? undefined : { first: first + max, events: events.slice(max) }
    if (isReturned) {
      if (rest === undefined) this.#returned.shift()
      else this.#returned[0] = rest
    } else {
      this.#runs[this.#head] = rest
      if (rest === undefined) this.#advance()
    }
    const taken = isWhole ? events : events.slice(0, max)
    this.#count -= taken.length
    return { first, events: taken }
  }

  #advance(): void {
    this.#head++
    if (this.#head > 1024 && this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head)
      this.#head = 0
    }
  }
}

function positionsOf(runs: readonly Run[]): readonly number[] {
  const positions: number[] = []
  for (const { first, events } of runs) {
    for (let i = 0; i < events.length; i++) positions.push(first + i)
  }
  return positions
}
