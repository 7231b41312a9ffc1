// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** Cuts a byte stream into frames: a size in 4 bytes, then that many bytes. */
export class FrameReader {
  readonly #maxSize: number
  #chunks: Buffer[] = []
  #buffered = 0
  /** Size of the frame under way, -1 until its four bytes are there. */
  #size = -1

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  /** Adds bytes and returns the frames they complete; throws `MalformedInputError` for an impossible size. */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = []
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    for (;;) {
      if (this.#size < 0) {
        if (this.#buffered < 4) break
        this.#size = this.#take(4).readInt32BE(0)
        if (this.#size < 0 || this.#size > this.#maxSize) {
          throw new MalformedInputError(
            `a request of ${this.#size} bytes is outside 0 to socket.request.max.bytes ${this.#maxSize}`,
          )
        }
      }
      if (this.#buffered < this.#size) break
      frames.push(this.#take(this.#size))
      this.#size = -1
    }
    return frames
  }

  #take(size: number): Buffer {
    this.#buffered -= size
    const first = this.#chunks[0]
    if (first === undefined || size === 0) return Buffer.alloc(0)
    if (first.length === size) {
      this.#chunks.shift()
      return first
    }
    if (first.length > size) {
      this.#chunks[0] = first.subarray(size)
      return first.subarray(0, size)
    }
    const taken = Buffer.allocUnsafe(size)
    let filled = 0
    while (filled < size) {
      const chunk = this.#chunks[0] as Buffer
      const part = Math.min(chunk.length, size - filled)
      chunk.copy(taken, filled, 0, part)
      filled += part
      if (part === chunk.length) this.#chunks.shift()
      else this.#chunks[0] = chunk.subarray(part)
    }
    return taken
  }
}
