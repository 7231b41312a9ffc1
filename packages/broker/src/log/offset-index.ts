// SPDX-License-Identifier: Apache-2.0
import type { FileSystem } from '@millrace/base'

const ENTRY_SIZE = 8

export interface OffsetPosition {
  /** Offset minus the segment's base offset. */
  readonly relativeOffset: number
  /** Byte position of the batch in the segment's `.log` file. */
  readonly position: number
}

/**
 * Maps offsets to file positions, one entry every `index.interval.bytes`:
 * `relativeOffset i32, position i32`. Kept in memory while its segment is written, and stored in a
 * file when the segment is sealed.
 */
export class OffsetIndex {
  #entries: Buffer
  #size: number

  constructor(entries: Buffer = Buffer.alloc(0)) {
    this.#entries = entries
    this.#size = entries.length - (entries.length % ENTRY_SIZE)
  }

  get count(): number {
    return this.#size / ENTRY_SIZE
  }

  append(relativeOffset: number, position: number): void {
    this.#entries = withRoomFor(this.#entries, this.#size, ENTRY_SIZE)
    this.#entries.writeInt32BE(relativeOffset, this.#size)
    this.#entries.writeInt32BE(position, this.#size + 4)
    this.#size += ENTRY_SIZE
  }

  entry(i: number): OffsetPosition {
    const at = i * ENTRY_SIZE
    return {
      relativeOffset: this.#entries.readInt32BE(at),
      position: this.#entries.readInt32BE(at + 4),
    }
  }

  get last(): OffsetPosition | undefined {
    return this.count === 0 ? undefined : this.entry(this.count - 1)
  }

  /** Position at or before which a batch with `relativeOffset` starts. */
  positionBefore(relativeOffset: number): number {
    return this.#positionOfLast(0, relativeOffset)
  }

  /** The last recorded batch position at or below `position`. */
  startBefore(position: number): number {
    return this.#positionOfLast(4, position)
  }

  /** Position of the last entry whose value at `field` is at most `value`; 0 without one. */
  #positionOfLast(field: 0 | 4, value: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries.readInt32BE(middle * ENTRY_SIZE + field) <= value) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.#entries.readInt32BE((low - 1) * ENTRY_SIZE + 4)
  }

  /**
   * Whether entries increase and point into a file of `fileSize` bytes, as those of an intact index
   * do.
   */
  isSane(fileSize: number): boolean {
    const { last } = this
    if (this.#entries.length % ENTRY_SIZE !== 0) return false
    if (last === undefined) return true
    const first = this.entry(0)
    return (
      first.relativeOffset >= 0 &&
      last.relativeOffset >= first.relativeOffset &&
      last.position < fileSize &&
      (this.count === 1 || last.position > first.position)
    )
  }

  store(fs: FileSystem, path: string): void {
    storeIndex(fs, path, this.#entries.subarray(0, this.#size))
  }
}

/** Replaces an index file durably. */
export function storeIndex(fs: FileSystem, path: string, data: Buffer): void {
  const file = fs.open(path, { create: true })
  try {
    if (data.length > 0) file.write([data], 0)
    file.truncate(data.length)
    file.sync()
  } finally {
    file.close()
  }
}

export function withRoomFor(buffer: Buffer, used: number, more: number): Buffer {
  if (used + more <= buffer.length) return buffer
  const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, 512))
  buffer.copy(grown, 0, 0, used)
  return grown
}
