// SPDX-License-Identifier: Apache-2.0

/** Bytes held by many holders, such as connections, together, and their limit. */
export abstract class SharedMemory<Holder> {
  readonly limit: number
  #used = 0
  readonly #counted = new Map<Holder, number>()
  /** Called when the limit was reached. */
  onExhausted: () => void = () => {}

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get isExhausted(): boolean {
    return this.#used >= this.limit
  }

  /** Number of bytes that a holder contributes. */
  usedBy(holder: Holder): number {
    return this.#counted.get(holder) ?? 0
  }

  /** Records that the holder contributes `bytes` now. Returns the increase. */
  protected count(holder: Holder, bytes: number): number {
    const more = bytes - this.usedBy(holder)
    if (more === 0) return 0
    if (bytes === 0) this.#counted.delete(holder)
    else this.#counted.set(holder, bytes)
    const wasExhausted = this.isExhausted
    this.#used += more
    if (this.isExhausted && !wasExhausted) this.onExhausted()
    return more
  }
}
