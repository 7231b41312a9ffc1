// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '@millrace/base'

interface Event {
  readonly dueMs: number
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
}

/** Clock of one simulated process: its timers end with it, its wall clock may jump. */
export interface ProcessClock extends Clock {
  /** Ends the process: no further timer fires. */
  kill(): void
}

/**
 * Simulated time, which advances only when no other work is pending: the next timer is then due at
 * once. Work must not depend on the real world, so that a run depends only on its seed.
 */
export class SimulatedClock {
  #nowMs = 0
  #count = 0
  /** A heap by time, then by order. */
  readonly #events: Event[] = []
  /**
   * Offset of the wall clock from simulated time, for all processes; negative after it was set
   * back.
   */
  skewMs = 1_700_000_000_000

  get elapsedMs(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, run: () => void): Timer {
    const event: Event = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#count++,
      run,
      isCancelled: false,
    }
    this.#push(event)
    return {
      cancel() {
        event.isCancelled = true
      },
    }
  }

  process(): ProcessClock {
    let isAlive = true
    return {
      now: () => Math.floor(this.#nowMs + this.skewMs),
      monotonic: () => this.#nowMs,
      setTimer: (delayMs, callback) =>
        this.schedule(delayMs, () => {
          if (isAlive) callback()
        }),
      yield: () =>
        new Promise((resolve) => {
          this.schedule(0, () => {
            if (isAlive) resolve()
          })
        }),
      kill() {
        isAlive = false
      },
    }
  }

  /**
   * Advances time until the work is done. Throws if it takes longer than `limitMs`, or can never
   * complete.
   */
  async run<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let isDone = false
    const note = (): void => {
      isDone = true
    }
    work.then(note, note)
    for (;;) {
      // Completes all work that needs no further time.
      await new Promise((resolve) => setImmediate(resolve))
      if (isDone) return work
      const event = this.#pop()
      if (event === undefined) throw new Error('the work waits for an event that cannot occur')
      if (event.isCancelled) continue
      this.#nowMs = event.dueMs
      if (this.#nowMs > limitMs) throw new Error(`the work is not done after ${limitMs} ms`)
      event.run()
    }
  }

  #push(event: Event): void {
    const heap = this.#events
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent] as Event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#events
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) {
        child++
      }
      if (!isBefore(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}
