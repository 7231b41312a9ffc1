// SPDX-License-Identifier: Apache-2.0

/** Smaller buffers are cheap to allocate. */
const SMALLEST_POOLED = 16 * 1024

/** Reuses the memory of sent batches: large buffers are slow to allocate and to collect. */
export class BufferPool {
  readonly #size: number
  readonly #limit: number
  readonly #free: Buffer[] = []

  /** `size`: bytes of each buffer. `limitBytes`: most bytes that are kept. */
  constructor(size: number, limitBytes: number) {
    this.#size = size
    this.#limit = Math.floor(limitBytes / Math.max(1, size))
  }

  allocate = (size: number): Buffer => {
    if (size < SMALLEST_POOLED || size > this.#size) return Buffer.allocUnsafeSlow(size)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size)
  }

  /** Returns a buffer that is no longer read. */
  release(buffer: Buffer): void {
    if (buffer.length === this.#size && this.#free.length < this.#limit) this.#free.push(buffer)
  }
}
