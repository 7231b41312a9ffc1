// SPDX-License-Identifier: Apache-2.0
import type { EncodingBuffer } from './buffer-encoders.ts'
import { MillraceError } from './errors.ts'

/** Input that violates its format. `retriable` is false: the same bytes fail again. */
export class MalformedInputError extends MillraceError {
  override readonly name = 'MalformedInputError'
  /** Creates the error; `message` says what was expected and what was found. */
  constructor(message: string) {
    super('MILLRACE_MALFORMED_INPUT', message)
  }
}

/**
 * Reads big-endian numbers and Kafka's varints from a buffer. Reading past the end throws
 * `MalformedInputError`.
 */
export class ByteReader {
  /** The bytes that are read. */
  readonly buffer: EncodingBuffer
  /** Position of the next byte to read. */
  offset: number
  /** End of the readable bytes, exclusive. */
  readonly end: number

  /**
   * Reads `buffer` from `offset`, by default from its start, up to `end`, by default its length.
   */
  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    this.buffer = buffer as EncodingBuffer
    this.offset = offset
    this.end = end
  }

  /** Number of bytes left. */
  get remaining(): number {
    return this.end - this.offset
  }

  #advance(size: number): number {
    const at = this.offset
    if (at + size > this.end) {
      throw new MalformedInputError(
        `needed ${size} bytes at ${at}, but the input ends at ${this.end}`,
      )
    }
    this.offset = at + size
    return at
  }

  /**
   * Reads a signed number of one byte. Throws `MalformedInputError` at the end, as all reads do.
   */
  int8(): number {
    return this.buffer.readInt8(this.#advance(1))
  }

  /** Reads an unsigned number of one byte. */
  uint8(): number {
    return this.buffer.readUInt8(this.#advance(1))
  }

  /** Reads a signed number of two bytes, big-endian. */
  int16(): number {
    return this.buffer.readInt16BE(this.#advance(2))
  }

  /** Reads an unsigned number of two bytes, big-endian. */
  uint16(): number {
    return this.buffer.readUInt16BE(this.#advance(2))
  }

  /** Reads a signed number of four bytes, big-endian. */
  int32(): number {
    return this.buffer.readInt32BE(this.#advance(4))
  }

  /** Reads an unsigned number of four bytes, big-endian. */
  uint32(): number {
    return this.buffer.readUInt32BE(this.#advance(4))
  }

  /** Reads a signed number of eight bytes, big-endian. */
  int64(): bigint {
    return this.buffer.readBigInt64BE(this.#advance(8))
  }

  /** Reads an unsigned number of eight bytes, big-endian. */
  uint64(): bigint {
    return this.buffer.readBigUInt64BE(this.#advance(8))
  }

  /** Reads an IEEE 754 number of four bytes, big-endian. */
  float32(): number {
    return this.buffer.readFloatBE(this.#advance(4))
  }

  /** Reads an IEEE 754 number of eight bytes, big-endian. */
  float64(): number {
    return this.buffer.readDoubleBE(this.#advance(8))
  }

  /** Reads one byte; 0 is false, every other value is true. */
  bool(): boolean {
    return this.uint8() !== 0
  }

  /** Unsigned LEB128 of at most five bytes; bits beyond 32 are dropped, as Kafka's reader does. */
  uvarint(): number {
    const { buffer } = this
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = buffer[this.#advance(1)] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new MalformedInputError(`varint at ${this.offset} is longer than 32 bits`)
  }

  /** Zig-zag varint of at most 32 bits. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zig-zag varint of at most 64 bits. */
  varlong(): bigint {
    const { buffer } = this
    let low = 0
    let shift = 0
    for (; shift < 28; shift += 7) {
      const byte = buffer[this.#advance(1)] as number
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1))
    }
    let value = BigInt(low)
    for (let bits = 28n; bits < 70n; bits += 7n) {
      const byte = buffer[this.#advance(1)] as number
      value |= BigInt(byte & 0x7f) << bits
      if (byte < 0x80) {
        if (value >> 64n !== 0n) break
        return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
      }
    }
    throw new MalformedInputError(`varlong at ${this.offset} is longer than 64 bits`)
  }

  /** Reads `size` bytes as UTF-8. */
  utf8(size: number): string {
    const at = this.#advance(size)
    return this.buffer.utf8Slice(at, at + size)
  }

  /** Reads `size` bytes as a view, not a copy: it shares memory with the input. */
  bytes(size: number): Buffer {
    const at = this.#advance(size)
    return this.buffer.subarray(at, at + size)
  }

  /** Reads 16 bytes in Kafka's text form: URL-safe base64 without padding, 22 characters. */
  uuid(): string {
    const at = this.#advance(16)
    return this.buffer.base64urlSlice(at, at + 16)
  }

  /** Skips `size` bytes. */
  skip(size: number): void {
    if (size < 0) throw new MalformedInputError(`negative size ${size} at ${this.offset}`)
    this.#advance(size)
  }
}
