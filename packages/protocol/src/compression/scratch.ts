// SPDX-License-Identifier: Apache-2.0
import { DecompressedTooLargeError } from './decompressed-too-large-error.ts'

/** Memory kept between uses; a larger buffer is released. */
const KEPT_BYTES = 4 * 1024 * 1024
/** Decoders copy a few bytes at a time, and may write up to this many bytes past the end. */
const SLACK = 8

/**
 * Reused memory that decoders write into: decompressed batches are mostly read once, and allocating
 * memory for each would cost more than the decompression.
 */
export class Scratch {
  #buffer: Buffer = Buffer.alloc(SLACK)
  #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, SLACK)

  get buffer(): Buffer {
    return this.#buffer
  }

  /** The same memory as 32-bit words. */
  get view(): DataView {
    return this.#view
  }

  /** Capacity, bytes. */
  get room(): number {
    return this.#buffer.length - SLACK
  }

  /**
   * Makes space for `size` bytes and keeps the first `used`; throws `DecompressedTooLargeError`
   * above `limit`.
   */
  reserve(size: number, used: number, limit: number): void {
    if (size > limit) throw new DecompressedTooLargeError(`more than ${limit} bytes`)
    if (size <= this.room) return
    const wanted = Math.min(limit, Math.max(size, this.room * 2)) + SLACK
    const grown = Buffer.allocUnsafeSlow(wanted)
    this.#buffer.copy(grown, 0, 0, used)
    this.#buffer = grown
    this.#view = new DataView(grown.buffer, grown.byteOffset, wanted)
  }

  /** The first `size` bytes. The next use overwrites them. */
  take(size: number): Buffer {
    const taken = this.#buffer.subarray(0, size)
    this.release()
    return taken
  }

  /** Releases a large buffer; must also be called when decompression fails. */
  release(): void {
    if (this.#buffer.length <= KEPT_BYTES) return
    this.#buffer = Buffer.alloc(SLACK)
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, SLACK)
  }
}
