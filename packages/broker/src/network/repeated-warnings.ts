// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '@millrace/base'

/** Time in which one kind of event of one address is logged once. */
const WINDOW_MS = 60_000
const MAX_WINDOWS = 1000

interface Window {
  suppressed: number
  /** Logs the last suppressed event. */
  log: (suppressed: number) => void
  timer: Timer
}

/**
 * Limits the log lines about clients that have not authenticated: each kind of event of an address
 * is logged once a minute, because such clients reconnect again and again, and anyone can be one.
 */
export class RepeatedWarnings {
  readonly #clock: Pick<Clock, 'setTimer'>
  readonly #windows = new Map<string, Window>()

  constructor(clock: Pick<Clock, 'setTimer'>) {
    this.#clock = clock
  }

  /**
   * Calls `log`, or suppresses the event if its window is open. When a window with suppressed
   * events ends, `log` of the last one is called with the number of the others. `kind` must not
   * contain text of the client.
   */
  report(address: string, kind: string, log: (suppressed: number) => void): void {
    const key = `${address} ${kind}`
    const open = this.#windows.get(key)
    if (open !== undefined) {
      open.suppressed++
      open.log = log
      return
    }
    const [oldest] = this.#windows.size >= MAX_WINDOWS ? this.#windows.keys() : []
    if (oldest !== undefined) this.#end(oldest)
    this.#begin(key, log)
    log(0)
  }

  #begin(key: string, log: Window['log']): void {
    const timer = this.#clock.setTimer(WINDOW_MS, () => {
      if (this.#end(key)) this.#begin(key, log)
    })
    this.#windows.set(key, { suppressed: 0, log, timer })
  }

  /** Returns whether events were suppressed. */
  #end(key: string): boolean {
    const window = this.#windows.get(key)
    this.#windows.delete(key)
    window?.timer.cancel()
    if (window === undefined || window.suppressed === 0) return false
    window.log(window.suppressed - 1)
    return true
  }

  /** Ends all windows. */
  close(): void {
    for (const key of [...this.#windows.keys()]) this.#end(key)
  }
}
