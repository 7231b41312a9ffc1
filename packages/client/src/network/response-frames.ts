// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import { ForeignProtocolError, foreignProtocolOf } from './foreign-protocol.ts'

const SCRATCH_SIZE = 64 * 1024
const NO_BYTES: Buffer = Buffer.alloc(0)

/**
 * Splits the bytes of a broker into replies: a size in 4 bytes, then that many bytes. A reply
 * larger than the scratch buffer is read into its own memory: `nextBuffer` is where the next bytes
 * go.
 */
export class ResponseFrames {
  readonly #maxSize: number
  readonly #onFrame: (frame: Buffer) => void
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE)
  readonly #sizeBytes = Buffer.alloc(4)
  #sizeFilled = 0
  #isFirst = true
  #frame: Buffer = NO_BYTES
  #filled = 0

  constructor(maxSize: number, onFrame: (frame: Buffer) => void) {
    this.#maxSize = maxSize
    this.#onFrame = onFrame
  }

  nextBuffer = (): Buffer => {
    if (this.#frame.length - this.#filled <= SCRATCH_SIZE / 4) return this.#scratch
    return this.#frame.subarray(this.#filled)
  }

  /**
   * Accepts bytes, from `nextBuffer` or elsewhere. Throws `MalformedInputError` for an impossible
   * size, and `ForeignProtocolError` if the first bytes are those of another protocol.
   */
  push(chunk: Buffer): void {
    if (chunk.buffer === this.#frame.buffer && this.#frame.length > 0) {
      this.#filled += chunk.length
      if (this.#filled === this.#frame.length) this.#finish()
      return
    }
    let at = 0
    while (at < chunk.length) {
      if (this.#frame.length === 0) {
        while (this.#sizeFilled < 4 && at < chunk.length) {
          this.#sizeBytes[this.#sizeFilled++] = chunk[at++] as number
        }
        if (this.#sizeFilled < 4) return
        if (this.#isFirst) {
          this.#isFirst = false
          const protocol = foreignProtocolOf(this.#sizeBytes)
          if (protocol !== undefined) throw new ForeignProtocolError(protocol)
        }
        const size = this.#sizeBytes.readInt32BE(0)
        if (size < 4 || size > this.#maxSize) {
          throw new MalformedInputError(
            `a reply of ${size} bytes is outside 4 to receiveMessageMaxBytes ${this.#maxSize}`,
          )
        }
        this.#sizeFilled = 0
        this.#filled = 0
        this.#frame = Buffer.allocUnsafeSlow(size)
      }
      const part = Math.min(chunk.length - at, this.#frame.length - this.#filled)
      chunk.copy(this.#frame, this.#filled, at, at + part)
      this.#filled += part
      at += part
      if (this.#filled === this.#frame.length) this.#finish()
    }
  }

  #finish(): void {
    const frame = this.#frame
    this.#frame = NO_BYTES
    this.#onFrame(frame)
  }
}
