// SPDX-License-Identifier: Apache-2.0

/** Smaller pieces are copied together: as views they would keep all that the socket read with them. */
const SMALL = 16 * 1024
const FIRST = 4 * 1024

/** Bytes as they arrive, in few pieces, whatever the size of those that a peer sends. */
export class ByteQueue {
  readonly #pieces: Buffer[] = []
  #size = 0
  /** The memory of the last piece, when it is a copy of ours that may have room behind it. */
  #own: Buffer | undefined
  /** Where the last piece starts and ends in it. */
  #start = 0
  #end = 0

  get size(): number {
    return this.#size
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#size += bytes.length
    if (bytes.length >= SMALL || this.#pieces.length === 0) {
      this.#own = undefined
      this.#pieces.push(bytes)
      return
    }
    if (this.#own === undefined || this.#end + bytes.length > this.#own.length) {
      this.#makeRoom(bytes.length)
    }
    const own = this.#own as Buffer
    own.set(bytes, this.#end)
    this.#end += bytes.length
    this.#pieces[this.#pieces.length - 1] = own.subarray(this.#start, this.#end)
  }

  /** Gives the last piece room for so many bytes more; one that is large is left alone, and a new one follows. */
  #makeRoom(count: number): void {
    const last = this.#pieces.at(-1) as Buffer
    const isKept = this.#own === undefined && last.length >= SMALL
    const known = isKept ? 0 : last.length
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * (known + count), FIRST))
    if (isKept) this.#pieces.push(grown)
    else last.copy(grown)
    this.#own = grown
    this.#start = 0
    this.#end = known
  }

  /** At least so many bytes in one piece, left where they are; there must be as many. */
  peek(count: number): Buffer {
    const first = this.#pieces[0] as Buffer
    return first.length >= count ? first : this.#join()
  }

  #join(): Buffer {
    const joined = Buffer.concat(this.#pieces, this.#size)
    this.#pieces.splice(0, this.#pieces.length, joined)
    this.#own = undefined
    return joined
  }

  /** Takes so many bytes off the front; there must be as many. */
  take(count: number): Buffer {
    const first = this.peek(count)
    this.#size -= count
    if (this.#pieces.length === 1) this.#start += count
    if (first.length > count) this.#pieces[0] = first.subarray(count)
    else {
      this.#pieces.shift()
      if (this.#pieces.length === 0) this.#own = undefined
    }
    return first.subarray(0, count)
  }

  /** Takes all there is. */
  takeAll(): Buffer {
    return this.#size === 0 ? Buffer.alloc(0) : this.take(this.#size)
  }

  /** What is left for longer keeps nothing else in memory. */
  compact(): void {
    const [only] = this.#pieces
    if (this.#pieces.length !== 1 || only === undefined || this.#own !== undefined) return
    if (only.length * 2 >= only.buffer.byteLength) return
    const copy = Buffer.allocUnsafeSlow(only.length)
    only.copy(copy)
    this.#pieces[0] = copy
  }
}
