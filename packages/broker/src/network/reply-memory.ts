// SPDX-License-Identifier: Apache-2.0

/** How far over the limit replies may get before connections are closed for it. */
const OVERFLOW = 2

/** A connection, as far as its socket has not accepted what was written. */
export type ReplyWriter = object

/**
 * The bytes of replies that all connections together hold because their clients do not read them. As it fills up, replies to Fetch
 * get smaller, down to one batch.
 */
export class ReplyMemory {
  readonly #limit: number
  #used = 0
  readonly #counted = new Map<ReplyWriter, number>()
  /** Called when the limit was reached. */
  onExhausted: () => void = () => {}
  /** Called when replies take much more than the limit. */
  onOverflow: () => void = () => {}

  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  get isExhausted(): boolean {
    return this.#used >= this.#limit
  }

  get isOverflowing(): boolean {
    return this.#used >= OVERFLOW * this.#limit
  }

  /** How large one more reply may be, where its size can be chosen. Half of what is left, so that others get something too. */
  get allowance(): number {
    return Math.max(0, Math.floor((this.#limit - this.#used) / 2))
  }

  usedBy(writer: ReplyWriter): number {
    return this.#counted.get(writer) ?? 0
  }

  /** Notes that the writer holds `bytes` now. */
  update(writer: ReplyWriter, bytes: number): void {
    const before = this.#counted.get(writer) ?? 0
    if (bytes === before) return
    if (bytes === 0) this.#counted.delete(writer)
    else this.#counted.set(writer, bytes)
    const wasExhausted = this.isExhausted
    this.#used += bytes - before
    if (this.isExhausted && !wasExhausted) this.onExhausted()
    if (this.isOverflowing && bytes > before) this.onOverflow()
  }
}
