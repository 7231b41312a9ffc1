// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'

/**
 * Smaller pieces are copied together: as views they would retain the whole buffers that the socket
 * read.
 */
const MIN_KEPT_SIZE = 16 * 1024
const FIRST = 4 * 1024

/** Queue of received bytes. It keeps few pieces, however small the chunks that a peer sends. */
export class ByteQueue {
  readonly #pieces: Buffer[] = []
  #size = 0
  /** Buffer of the last piece, if the queue allocated it; it may have free space at the end. */
  #tail: Buffer | undefined
  /** Offsets of the last piece in `#tail`. */
  #start = 0
  #end = 0

  get size(): number {
    return this.#size
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#size += bytes.length
    if (bytes.length >= MIN_KEPT_SIZE || this.#pieces.length === 0) {
      this.#tail = undefined
      this.#pieces.push(bytes)
      return
    }
    if (this.#tail === undefined || this.#end + bytes.length > this.#tail.length) {
      this.#reserve(bytes.length)
    }
    const own = this.#tail as Buffer
    own.set(bytes, this.#end)
    this.#end += bytes.length
    this.#pieces[this.#pieces.length - 1] = own.subarray(this.#start, this.#end)
  }

  /**
   * Reserves space for `count` more bytes after the last piece: copies a small piece into a larger
   * buffer, or starts a new piece after a large one.
   */
  #reserve(count: number): void {
    const last = this.#pieces.at(-1) as Buffer
    const isKept = this.#tail === undefined && last.length >= MIN_KEPT_SIZE
    const known = isKept ? 0 : last.length
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * (known + count), FIRST))
    if (isKept) this.#pieces.push(grown)
    else last.copy(grown)
    this.#tail = grown
    this.#start = 0
    this.#end = known
  }

  /**
   * Returns at least `count` bytes in one buffer, without consuming them. The queue must hold that
   * many.
   */
  peek(count: number): Buffer {
    const first = elementAt(this.#pieces, 0)
    return first.length >= count ? first : this.#join()
  }

  #join(): Buffer {
    const joined = Buffer.concat(this.#pieces, this.#size)
    this.#pieces.splice(0, this.#pieces.length, joined)
    this.#tail = undefined
    return joined
  }

  /** Removes `count` bytes from the front and returns them. The queue must hold that many. */
  take(count: number): Buffer {
    const first = this.peek(count)
    this.#size -= count
    if (this.#pieces.length === 1) this.#start += count
    if (first.length > count) this.#pieces[0] = first.subarray(count)
    else {
      this.#pieces.shift()
      if (this.#pieces.length === 0) this.#tail = undefined
    }
    return first.subarray(0, count)
  }

  /** Removes and returns all bytes. */
  takeAll(): Buffer {
    return this.#size === 0 ? Buffer.alloc(0) : this.take(this.#size)
  }

  /** Copies a small remainder, so that it does not retain a larger buffer. */
  compact(): void {
    const [only] = this.#pieces
    if (this.#pieces.length !== 1 || only === undefined || this.#tail !== undefined) return
    if (only.length * 2 >= only.buffer.byteLength) return
    const copy = Buffer.allocUnsafeSlow(only.length)
    only.copy(copy)
    this.#pieces[0] = copy
  }
}
