// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '@millrace/base'

/** The time for which a connection starts no request, as its client is above a quota (KIP-219). */
export class Muting {
  readonly #clock: Clock
  readonly #onEnd: () => void
  /** By the monotonic clock; 0 while the connection is not muted. */
  #untilMs = 0
  #timer: Timer | undefined

  /** `onEnd` is called when the time is over, but not by `end`. */
  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
  }

  get isMuted(): boolean {
    return this.#untilMs > 0
  }

  /** Mutes for a time from now; a longer time that was set before remains. */
  extend(throttleMs: number): void {
    const now = this.#clock.monotonic()
    this.#untilMs = Math.max(this.#untilMs, now + throttleMs)
    this.#timer?.cancel()
    this.#timer = this.#clock.setTimer(Math.ceil(this.#untilMs - now), () => {
      this.#untilMs = 0
      this.#onEnd()
    })
  }

  end(): void {
    this.#timer?.cancel()
    this.#untilMs = 0
  }
}
