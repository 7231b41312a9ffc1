// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** Result for a size that is not a varint of at most five bytes. */
export class MalformedVarintError extends MalformedInputError {}

/**
 * Reads the records of one batch in place, and checks that each field is within its record and each
 * record within the batch. It copies and allocates nothing: the fields of the current record are
 * properties.
 */
export class RecordCursor {
  /** Timestamp minus the batch's base timestamp. Exact only if `hasWideTimestamp` is false. */
  timestampDelta = 0
  /** Whether the timestamp delta needs more than 49 bits; then `wideTimestampDelta` has it. */
  hasWideTimestamp = false
  /** Timestamp minus the base timestamp, if `hasWideTimestamp` is true. */
  wideTimestampDelta = 0n
  /** Offset minus the batch's base offset. */
  offsetDelta = 0
  /** -1 for a null key. */
  keySize = -1
  /** -1 for a null value. */
  valueSize = -1
  /** Size of the record, without the size field. */
  size = 0
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  /** Starts at `start`, and reads up to `end`. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** Number of bytes after the current record. */
  get remaining(): number {
    return this.#end - this.#at
  }

  /** Reads the next record. Throws `MalformedInputError` if there is none, or it is incomplete. */
  next(): void {
    const bytes = this.#bytes
    let at = this.#at
    let size: number
    // Two bytes are enough for most sizes, and the batch does not end within them.
    const low = bytes[at] as number
    const high = bytes[at + 1] as number
    if (low >= 0x80 && high < 0x80 && at + 2 <= this.#end) {
      const zigzag = (low & 0x7f) | (high << 7)
      size = (zigzag >>> 1) ^ -(zigzag & 1)
      at += 2
    } else {
      size = this.#readSize()
      at = this.#at
    }
    const end = at + size
    if (size < 0 || end > this.#end) {
      throw new MalformedInputError(`record of ${size} bytes where ${this.#end - at} are left`)
    }
    this.size = size
    // The position only increases, so it suffices to check that the last field ends with the
    // record. Attributes are unused. Nearly all varints have one byte; longer ones are read out of
    // line.
    at++
    let byte = bytes[at++] as number
    if (byte < 0x80) {
      this.timestampDelta = (byte >>> 1) ^ -(byte & 1)
      this.hasWideTimestamp = false
    } else at = this.#readTimestampDelta(at - 1)
    byte = bytes[at++] as number
    if (byte >= 0x80) {
      byte = this.#readVarint(at - 1)
      at = this.#at
    }
    this.offsetDelta = (byte >>> 1) ^ -(byte & 1)
    byte = bytes[at++] as number
    if (byte >= 0x80) {
      byte = this.#readVarint(at - 1)
      at = this.#at
    }
    this.keySize = (byte >>> 1) ^ -(byte & 1)
    if (this.keySize >= 0) at += this.keySize
    byte = bytes[at++] as number
    if (byte >= 0x80) {
      const next = bytes[at] as number
      if (next < 0x80) {
        byte = (byte & 0x7f) | (next << 7)
        at++
      } else {
        byte = this.#readVarint(at - 1)
        at = this.#at
      }
    }
    this.valueSize = (byte >>> 1) ^ -(byte & 1)
    if (this.valueSize >= 0) at += this.valueSize
    if (this.keySize < -1 || this.valueSize < -1) {
      throw new MalformedInputError(
        `record with a key of ${this.keySize} and a value of ${this.valueSize} bytes`,
      )
    }
    byte = bytes[at++] as number
    if (byte !== 0) at = this.#skipHeaders(at - 1, end)
    if (at !== end) {
      throw new MalformedInputError(`record of ${size} bytes with fields of another size`)
    }
    this.#at = at
  }

  #readSize(): number {
    const bytes = this.#bytes
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#end) throw new MalformedInputError('records end within a size')
      const byte = bytes[this.#at++] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new MalformedVarintError('size of a record is longer than five bytes')
  }

  /** Reads a varint without zigzag decoding, and moves the cursor past it. */
  #readVarint(start: number): number {
    const bytes = this.#bytes
    let at = start
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.#at = at
        return value >>> 0
      }
    }
    throw new MalformedInputError('varint of a record is longer than five bytes')
  }

  /** Returns the position after the varint. */
  #readTimestampDelta(start: number): number {
    const bytes = this.#bytes
    let at = start
    this.hasWideTimestamp = false
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++] as number
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.timestampDelta = (low >>> 1) ^ -(low & 1)
        return at
      }
    }
    let high = 0
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = bytes[at++] as number
      high |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        const magnitude = high * 0x8000000 + (low >>> 1)
        this.timestampDelta = (low & 1) === 0 ? magnitude : -magnitude - 1
        return at
      }
    }
    return this.#readWideTimestampDelta(at, BigInt(low) | (BigInt(high) << 28n))
  }

  #readWideTimestampDelta(start: number, lowest: bigint): number {
    let at = start
    let value = lowest
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (value >> 64n !== 0n) break
      this.hasWideTimestamp = true
      this.wideTimestampDelta = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
      this.timestampDelta = Number(this.wideTimestampDelta)
      return at
    }
    throw new MalformedInputError('timestamp of a record is longer than 64 bits')
  }

  /** Returns the position after the headers; their count is at `start`. */
  #skipHeaders(start: number, end: number): number {
    const bytes = this.#bytes
    const zigzag = this.#readVarint(start)
    const count = (zigzag >>> 1) ^ -(zigzag & 1)
    let at = this.#at
    // A header has at least two bytes.
    if (count < 0 || count > (end - at) >> 1) {
      throw new MalformedInputError(`record with ${count} headers`)
    }
    // Keys and values alternate.
    for (let i = 0; i < count * 2 && at <= end; i++) {
      let byte = bytes[at++] as number
      if (byte >= 0x80) {
        byte = this.#readVarint(at - 1)
        at = this.#at
      }
      const size = (byte >>> 1) ^ -(byte & 1)
      if (size >= 0) at += size
      else if (size < -1 || i % 2 === 0) {
        throw new MalformedInputError(`header ${i % 2 === 0 ? 'key' : 'value'} of ${size} bytes`)
      }
    }
    return at
  }
}
