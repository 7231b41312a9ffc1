// SPDX-License-Identifier: Apache-2.0

/** Sizes of buffers that are kept; larger ones are not. */
const LEAST_KEPT = 16 * 1024
const MOST_KEPT = 1024 * 1024
/** Bytes of all buffers that are kept. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024

/**
 * Buffers in which requests are assembled, reused by all connections. Memory outside of V8's heap
 * is freed by a full garbage collection only, and a new one starts with each few megabytes of it:
 * without reuse they cost more than anything else of a large Produce.
 */
export class FrameBuffers {
  /** Unused buffers by size. */
  readonly #free = new Map<number, ArrayBuffer[]>()
  #freeBytes = 0
  readonly #lent = new WeakSet<ArrayBufferLike>()

  /** A buffer of at least `size` bytes with arbitrary content. */
  take(size: number): Buffer {
    if (size > MOST_KEPT) return Buffer.allocUnsafeSlow(size)
    const rounded = Math.max(LEAST_KEPT, 2 ** Math.ceil(Math.log2(size)))
    const kept = this.#free.get(rounded)?.pop()
    if (kept === undefined) {
      const created = Buffer.allocUnsafeSlow(rounded)
      this.#lent.add(created.buffer)
      return created
    }
    this.#freeBytes -= rounded
    this.#lent.add(kept)
    return Buffer.from(kept)
  }

  /**
   * Takes back the memory of a buffer, or of a view of one; nothing may read it from now on. Memory
   * that `take` did not return is left alone.
   */
  give({ buffer }: Buffer): void {
    if (!(buffer instanceof ArrayBuffer) || !this.#lent.delete(buffer)) return
    const size = buffer.byteLength
    if (this.#freeBytes + size > MAX_KEPT_BYTES) return
    const kept = this.#free.get(size)
    if (kept === undefined) this.#free.set(size, [buffer])
    else kept.push(buffer)
    this.#freeBytes += size
  }
}
