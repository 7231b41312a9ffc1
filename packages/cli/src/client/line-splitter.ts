// SPDX-License-Identifier: Apache-2.0

const NEWLINE = 0x0a

/** Splits a stream of bytes into lines, which may contain any byte except newline. */
export class LineSplitter {
  #rest: Buffer[] = []
  #restSize = 0
  readonly #maxLength: number
  #count = 0

  /** `maxLength`: longest line, bytes. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  /**
   * Returns the lines that the chunk completes; they share memory with it. Throws `RangeError` for
   * a line that is too long.
   */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(start, end)
      lines.push(this.#restSize === 0 ? part : this.#join(part))
      this.#count++
      start = end + 1
    }
    if (start < chunk.length) {
      // A copy: the chunk may be large, and its rest small.
      this.#rest.push(Buffer.from(chunk.subarray(start)))
      this.#restSize += chunk.length - start
      if (this.#restSize > this.#maxLength) {
        throw new RangeError(`line ${this.#count + 1} is longer than ${this.#maxLength} bytes`)
      }
    }
    return lines
  }

  #join(part: Buffer): Buffer {
    const line = Buffer.concat([...this.#rest, part])
    this.#rest = []
    this.#restSize = 0
    return line
  }

  /** The last line, if it does not end in a newline. */
  finish(): Buffer | undefined {
    return this.#restSize === 0 ? undefined : this.#join(Buffer.alloc(0))
  }
}
