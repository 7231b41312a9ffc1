// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'

/** Measurements of one exchange, milliseconds. */
export interface ExchangeTime {
  readonly elapsedMs: number
  /** Time in which this process or the server was runnable but had no processor. */
  readonly queuedMs: number
  /** Longest exchange with the undisturbed process that overlapped. */
  readonly controlMs: number
}

/** Exchanges of a period. */
export interface Period {
  /** Longest exchange without what the machine is responsible for, milliseconds. */
  readonly slowestMs: number
  /** Longest exchange by the clock, without the time in queues for a processor. */
  readonly longestMs: number
  /** Median of the exchanges with the undisturbed process. */
  readonly controlMs: number
}

export interface Exchanges {
  readonly exchange: () => Promise<void>
  /** An exchange with a process that the hostile clients do not disturb; resolves with its time. */
  readonly control: () => Promise<number>
  /** Total time in queues for a processor so far. */
  readonly queuedMs: () => number
}

/** Exchanges one after another while the work runs, each with exchanges of the control. */
export async function exchangesDuring(
  work: Promise<void>,
  { exchange, control, queuedMs }: Exchanges,
): Promise<ExchangeTime[]> {
  let isOver = false
  const watching = (async () => {
    const times: ExchangeTime[] = []
    while (!isOver) {
      const queuedBefore = queuedMs()
      const began = performance.now()
      let isDone = false
      const controls = (async () => {
        let slowest = 0
        while (!isDone) slowest = Math.max(slowest, await control())
        return slowest
      })()
      controls.catch(() => {})
      try {
        await exchange()
      } finally {
        isDone = true
      }
      const elapsedMs = performance.now() - began
      const queued = queuedMs() - queuedBefore
      times.push({ elapsedMs, queuedMs: queued, controlMs: await controls })
      await sleep(10)
    }
    return times
  })()
  // A failed exchange is reported once the work is over.
  watching.catch(() => {})
  try {
    await work
  } finally {
    isOver = true
  }
  return watching
}

/**
 * Summary of a period. What the control took longer than its usual time is not counted: it was not
 * disturbed by clients, only by the load of the machine.
 */
export function periodOf(times: readonly ExchangeTime[], usualControlMs?: number): Period {
  const controls = times.map(({ controlMs }) => controlMs).sort((a, b) => a - b)
  const controlMs = controls[Math.floor(controls.length / 2)] ?? 0
  const usual = usualControlMs ?? controlMs
  const without = times.map((each) => ({
    longest: each.elapsedMs - each.queuedMs,
    // A queue delays the control too: only the longer of the two is subtracted.
    counted: each.elapsedMs - Math.max(each.queuedMs, each.controlMs - usual),
  }))
  return {
    slowestMs: Math.max(0, ...without.map(({ counted }) => counted)),
    longestMs: Math.max(0, ...without.map(({ longest }) => longest)),
    controlMs,
  }
}
