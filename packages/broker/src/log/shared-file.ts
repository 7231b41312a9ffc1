// SPDX-License-Identifier: Apache-2.0
import type { ByteSource, OpenFile } from '@millrace/base'

/** An open file that is closed when its owner and all readers are done with it. */
export class SharedFile {
  readonly file: OpenFile
  #readers = 0
  #isClosed = false

  constructor(file: OpenFile) {
    this.file = file
  }

  retain(): void {
    this.#readers++
  }

  release(): void {
    this.#readers--
    this.#closeIfUnused()
  }

  /** Called when the owner is done with it. */
  close(): void {
    this.#isClosed = true
    this.#closeIfUnused()
  }

  #closeIfUnused(): void {
    if (this.#isClosed && this.#readers === 0) this.file.close()
  }
}

/**
 * Part of a log file to be sent to a client. Only data below the high watermark is sent, which
 * never changes; while the slice is retained it stays readable even if its segment is deleted or
 * replaced by a compacted one.
 */
export class LogSlice implements ByteSource {
  readonly length: number
  readonly #file: SharedFile
  readonly #position: number

  constructor(file: SharedFile, position: number, length: number) {
    this.#file = file
    this.#position = position
    this.length = length
  }

  read(target: Uint8Array, offset: number): void {
    const { file } = this.#file
    const count = file.read(target, 0, target.length, this.#position + offset)
    if (count < target.length) {
      throw new Error(
        `${file.path} has ${count} of ${target.length} bytes at ${this.#position + offset}`,
      )
    }
  }

  retain(): void {
    this.#file.retain()
  }

  release(): void {
    this.#file.release()
  }
}
