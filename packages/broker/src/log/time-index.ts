// SPDX-License-Identifier: Apache-2.0
import type { FileSystem } from '@millrace/base'
import { storeIndex, withRoomFor } from './offset-index.ts'

const ENTRY_SIZE = 12

export interface TimestampOffset {
  readonly timestamp: bigint
  readonly relativeOffset: number
}

/**
 * Maps a timestamp to the offset up to which no record is newer:
 * `timestamp i64, relativeOffset i32`, both increasing.
 */
export class TimeIndex {
  #entries: Buffer
  #size: number

  constructor(entries: Buffer = Buffer.alloc(0)) {
    this.#entries = entries
    this.#size = entries.length - (entries.length % ENTRY_SIZE)
  }

  get count(): number {
    return this.#size / ENTRY_SIZE
  }

  entry(i: number): TimestampOffset {
    const at = i * ENTRY_SIZE
    return {
      timestamp: this.#entries.readBigInt64BE(at),
      relativeOffset: this.#entries.readInt32BE(at + 8),
    }
  }

  get last(): TimestampOffset | undefined {
    return this.count === 0 ? undefined : this.entry(this.count - 1)
  }

  /** Ignored unless it is above the last entry. */
  maybeAppend(timestamp: bigint, relativeOffset: number): void {
    const { last } = this
    if (timestamp < 0n) return
    if (last !== undefined && timestamp <= last.timestamp) return
    this.#entries = withRoomFor(this.#entries, this.#size, ENTRY_SIZE)
    this.#entries.writeBigInt64BE(timestamp, this.#size)
    this.#entries.writeInt32BE(relativeOffset, this.#size + 8)
    this.#size += ENTRY_SIZE
  }

  /** Relative offset before which all records are older than `timestamp`. */
  offsetBefore(timestamp: bigint): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries.readBigInt64BE(middle * ENTRY_SIZE) < timestamp) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.#entries.readInt32BE((low - 1) * ENTRY_SIZE + 8)
  }

  isSane(): boolean {
    return this.#entries.length % ENTRY_SIZE === 0 && (this.count < 2 || this.#rises())
  }

  #rises(): boolean {
    const first = this.entry(0)
    const last = this.entry(this.count - 1)
    return last.timestamp > first.timestamp && last.relativeOffset >= first.relativeOffset
  }

  store(fs: FileSystem, path: string): void {
    storeIndex(fs, path, this.#entries.subarray(0, this.#size))
  }
}
