// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import { FrameBuffers } from './frame-buffers.ts'

/** Memory that is initially allocated for a frame; more only as its bytes arrive. */
const FIRST_ALLOCATION = 64 * 1024
const GROWTH = 16

const NONE = Buffer.alloc(0)

/**
 * Splits a byte stream into frames: a size in 4 bytes, then that many bytes. A frame that is
 * complete within a chunk is a view of it. An incomplete frame is kept in one buffer that grows
 * with the received bytes, whatever size was announced.
 */
export class FrameReader {
  /** Maximum size of a frame, bytes. Applies to frames that start from now on. */
  maxSize: number
  /** Size of the current frame, -1 until its four bytes were received. */
  #size = -1
  /** Received bytes of the frame, or of its size. */
  #partial: Buffer = NONE
  #filled = 0

  readonly #buffers: FrameBuffers

  constructor(maxSize: number, buffers: FrameBuffers = new FrameBuffers()) {
    this.maxSize = maxSize
    this.#buffers = buffers
  }

  /** Bytes held of an incomplete frame. */
  get partialBytes(): number {
    return this.#filled
  }

  /**
   * Number of bytes that complete the current frame; undefined between frames, or while its size is
   * unknown.
   */
  get missingBytes(): number | undefined {
    return this.#size < 0 ? undefined : this.#size - this.#filled
  }

  /**
   * Adds bytes, and appends the frames that they complete to `frames`. Throws `MalformedInputError`
   * for an invalid size, after appending the frames before it. Returns whether a frame is a view of
   * the chunk, whose memory is then still needed.
   */
  push(chunk: Buffer, frames: Buffer[]): boolean {
    let at = 0
    let isViewed = false
    for (;;) {
      if (this.#size < 0) {
        at = this.#readSize(chunk, at)
        if (this.#size < 0) return isViewed
      }
      const missing = this.#size - this.#filled
      const available = chunk.length - at
      if (this.#filled === 0 && available >= missing) {
        frames.push(chunk.subarray(at, at + missing))
        isViewed = true
      } else {
        this.#keep(chunk, at, Math.min(available, missing))
        if (available < missing) return isViewed
        frames.push(this.#partial.subarray(0, this.#size))
      }
      at += missing
      this.#reset()
    }
  }

  #reset(): void {
    this.#size = -1
    this.#partial = NONE
    this.#filled = 0
  }

  /**
   * Reads the size at the start of the next frame, or keeps its first bytes. Returns the position
   * where the chunk continues.
   */
  #readSize(chunk: Buffer, at: number): number {
    if (this.#filled === 0 && chunk.length - at >= 4) {
      this.#size = this.#checked(chunk.readInt32BE(at))
      return at + 4
    }
    const count = Math.min(4 - this.#filled, chunk.length - at)
    if (count === 0) return at
    if (this.#filled === 0) this.#partial = Buffer.alloc(4)
    chunk.copy(this.#partial, this.#filled, at, at + count)
    this.#filled += count
    if (this.#filled === 4) {
      const size = this.#checked(this.#partial.readInt32BE(0))
      this.#reset()
      this.#size = size
    }
    return at + count
  }

  #checked(size: number): number {
    if (size >= 0 && size <= this.maxSize) return size
    throw new MalformedInputError(
      `a request of ${size} bytes is outside 0 to ${this.maxSize}, the largest that is allowed here`,
    )
  }

  #keep(chunk: Buffer, at: number, count: number): void {
    const needed = this.#filled + count
    if (needed > this.#partial.length) {
      const grown = Math.max(FIRST_ALLOCATION, needed * GROWTH)
      const buffer = this.#buffers.take(Math.min(this.#size, grown))
      this.#partial.copy(buffer, 0, 0, this.#filled)
      this.#buffers.give(this.#partial)
      this.#partial = buffer
    }
    chunk.copy(this.#partial, this.#filled, at, at + count)
    this.#filled = needed
  }
}
