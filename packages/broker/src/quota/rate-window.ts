// SPDX-License-Identifier: Apache-2.0

/** How a rate is measured: `count` samples of `sampleMs` each. */
export interface RateWindowOptions {
  /** `quota.window.num`. */
  readonly count: number
  /** `quota.window.size.seconds`, in milliseconds. */
  readonly sampleMs: number
}

interface Sample {
  startMs: number
  lastMs: number
  total: number
}

/**
 * A rate over a sliding window of samples, as Kafka's quotas measure it: until the window is full,
 * the time that has not passed counts, too, so that a burst may exceed the limit at first. Pure:
 * time is passed in.
 */
export class RateWindow {
  readonly #options: RateWindowOptions
  readonly #samples: Sample[] = []

  constructor(options: RateWindowOptions) {
    this.#options = options
  }

  /** Adds to the current sample; a negative value takes back what was added. */
  record(value: number, nowMs: number): void {
    this.#purge(nowMs)
    const { sampleMs } = this.#options
    let current = this.#samples.at(-1)
    if (current === undefined || nowMs - current.startMs >= sampleMs) {
      current = { startMs: nowMs, lastMs: nowMs, total: 0 }
      this.#samples.push(current)
    }
    current.total += value
    current.lastMs = nowMs
  }

  /** Units in a second. */
  ratePerSecond(nowMs: number): number {
    this.#purge(nowMs)
    let total = 0
    for (const sample of this.#samples) total += sample.total
    return (total * 1000) / this.windowMs(nowMs)
  }

  /** Length of the window that the rate is about: at least all samples but one. */
  windowMs(nowMs: number): number {
    const { count, sampleMs } = this.#options
    const oldest = this.#samples[0]
    const elapsedMs = oldest === undefined ? 0 : nowMs - oldest.startMs
    const missing = count - 1 - Math.floor(elapsedMs / sampleMs)
    const windowMs = missing > 0 ? elapsedMs + missing * sampleMs : elapsedMs
    return windowMs === 0 ? sampleMs : windowMs
  }

  /** How long to wait until the rate is down to the limit; 0 if it is not above it. */
  throttleMs(limit: number, nowMs: number): number {
    const rate = this.ratePerSecond(nowMs)
    if (rate <= limit) return 0
    return Math.round(((rate - limit) / limit) * this.windowMs(nowMs))
  }

  /** Whether nothing in the window is left, so that a new one is as good. */
  isIdle(nowMs: number): boolean {
    this.#purge(nowMs)
    return this.#samples.length === 0
  }

  #purge(nowMs: number): void {
    const { count, sampleMs } = this.#options
    let oldest = this.#samples[0]
    while (oldest !== undefined && nowMs - oldest.lastMs >= count * sampleMs) {
      this.#samples.shift()
      oldest = this.#samples[0]
    }
  }
}
