// SPDX-License-Identifier: Apache-2.0

/** Smaller buffers are cheap to make. */
const SMALLEST_POOLED = 16 * 1024

/** Memory of batches that were sent, for the next ones: large buffers are slow to come by, and their garbage is slow to collect. */
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

  /** Takes a buffer back that nobody reads any more. */
  release(buffer: Buffer): void {
    if (buffer.length === this.#size && this.#free.length < this.#limit) this.#free.push(buffer)
  }
}
