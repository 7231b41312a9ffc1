// SPDX-License-Identifier: Apache-2.0
import type { RateWindowOptions } from './rate-window.ts'

/**
 * Tokens that are refilled at a constant rate (KIP-599). A request that finds any token may take as
 * many as it needs, so the bucket may go below zero. Pure: time is passed in.
 */
export class TokenBucket {
  readonly #burstSeconds: number
  #tokens: number | undefined
  #limit = 0
  #lastMs = 0

  constructor({ count, sampleMs }: RateWindowOptions) {
    this.#burstSeconds = (count * sampleMs) / 1000
  }

  /** Takes tokens. */
  take(tokens: number, limit: number, nowMs: number): void {
    this.#tokens = this.available(limit, nowMs) - tokens
  }

  /** Tokens that are there; below zero if more were taken. */
  available(limit: number, nowMs: number): number {
    const burst = limit * this.#burstSeconds
    if (this.#tokens === undefined) this.#tokens = burst
    const elapsedMs = Math.max(0, nowMs - this.#lastMs)
    this.#tokens = Math.min(burst, this.#tokens + (limit * elapsedMs) / 1000)
    this.#lastMs = nowMs
    this.#limit = limit
    return this.#tokens
  }

  /** How long to wait until there are tokens again; 0 if there are. */
  throttleMs(limit: number, nowMs: number): number {
    const tokens = this.available(limit, nowMs)
    return tokens < 0 ? Math.round((-tokens / limit) * 1000) : 0
  }

  /** Whether the bucket is full, so that a new one is as good. */
  isIdle(nowMs: number): boolean {
    if (this.#tokens === undefined) return true
    return this.available(this.#limit, nowMs) >= this.#limit * this.#burstSeconds
  }
}
