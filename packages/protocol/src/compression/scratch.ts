// SPDX-License-Identifier: Apache-2.0
import { DecompressedTooLargeError } from './decompressed-too-large-error.ts'

/** Memory that is kept from one use to the next; a larger one is given back. */
const KEPT_BYTES = 4 * 1024 * 1024
/** Decoders copy a few bytes at a time, and may write this much after what they were asked for. */
const SLACK = 8

/**
 * Memory that decoders write into, used again and again: what a batch decompresses to is mostly
 * looked at once, and memory of its own would cost more than decompressing it.
 */
export class Scratch {
  #buffer: Buffer = Buffer.alloc(SLACK)
  #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, SLACK)

  get buffer(): Buffer {
    return this.#buffer
  }

  /** The same memory, for numbers of several bytes. */
  get view(): DataView {
    return this.#view
  }

  /** Bytes that there is room for. */
  get room(): number {
    return this.#buffer.length - SLACK
  }

  /**
   * Makes room for `size` bytes, the first `used` of them kept; throws `DecompressedTooLargeError`
   * beyond `limit`.
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

  /** The first `size` bytes. They are overwritten by the next use. */
  take(size: number): Buffer {
    const taken = this.#buffer.subarray(0, size)
    this.release()
    return taken
  }

  /** Gives back much memory; also to be called when decompression fails. */
  release(): void {
    if (this.#buffer.length <= KEPT_BYTES) return
    this.#buffer = Buffer.alloc(SLACK)
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, SLACK)
  }
}
