// SPDX-License-Identifier: Apache-2.0

/** Time in which one address is logged once. */
const WINDOW_MS = 60_000
const MAX_ADDRESSES = 1000

/**
 * Limits the log lines about clients that have not authenticated: each address is logged once a
 * minute, because such clients reconnect again and again, and anyone can be one.
 */
export class RepeatedWarnings {
  readonly #addresses = new Map<string, { readonly sinceMs: number; suppressed: number }>()

  /**
   * The number of lines about the address that were suppressed before this one; undefined if this
   * one is suppressed, too.
   */
  next(address: string, nowMs: number): number | undefined {
    const known = this.#addresses.get(address)
    if (known !== undefined && nowMs - known.sinceMs < WINDOW_MS) {
      known.suppressed++
      return undefined
    }
    this.#addresses.delete(address)
    const [oldest] = this.#addresses.size >= MAX_ADDRESSES ? this.#addresses.keys() : []
    if (oldest !== undefined) this.#addresses.delete(oldest)
    this.#addresses.set(address, { sinceMs: nowMs, suppressed: 0 })
    return known?.suppressed ?? 0
  }
}
