// SPDX-License-Identifier: Apache-2.0
import type { EncodingBuffer } from './buffer-encoders.ts'

/**
 * Largest byte string that is copied into the writer's own buffer; larger ones are kept by
 * reference.
 */
const COPY_LIMIT = 4096

/** Bytes that are read when they are sent, such as part of a file on its way to a socket. */
export interface ByteSource {
  /** Number of bytes to send. */
  readonly length: number
  /** Fills `target` with the bytes from `offset` on; throws if they no longer exist. */
  read(target: Uint8Array, offset: number): void
  /** Keeps the bytes readable until `release`, even if the file is deleted. Called once. */
  retain(): void
  /** Called once, when the bytes are no longer needed. */
  release(): void
}

/**
 * Writes big-endian numbers and Kafka's varints. Large byte strings are not copied: `finish`
 * returns all pieces in order, ready for a gathered write.
 */
export class ByteWriter {
  #buffer: EncodingBuffer
  #start = 0
  #position = 0
  readonly #pieces: (Uint8Array | ByteSource)[] = []
  #piecesSize = 0
  #hasSources = false

  /** Creates a writer whose first buffer has `initialSize` bytes. */
  constructor(initialSize = 256) {
    this.#buffer = Buffer.allocUnsafe(initialSize) as EncodingBuffer
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#piecesSize + this.#position - this.#start
  }

  #reserve(size: number): number {
    const at = this.#position
    const next = at + size
    if (next > this.#buffer.length) {
      const used = at - this.#start
      const grown = Buffer.allocUnsafe(
        Math.max(this.#buffer.length * 2, used + size, 1024),
      ) as EncodingBuffer
      this.#buffer.copy(grown, 0, this.#start, at)
      this.#buffer = grown
      this.#start = 0
      this.#position = used + size
      return used
    }
    this.#position = next
    return at
  }

  /** Writes a signed number of one byte. */
  int8(value: number): void {
    const at = this.#reserve(1)
    this.#buffer[at] = value
  }

  /** Writes a signed number of two bytes, big-endian. */
  int16(value: number): void {
    const at = this.#reserve(2)
    this.#buffer.writeInt16BE(value, at)
  }

  /** Writes an unsigned number of two bytes, big-endian. */
  uint16(value: number): void {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
  }

  /** Writes a signed number of four bytes, big-endian. */
  int32(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeInt32BE(value, at)
  }

  /** Writes an unsigned number of four bytes, big-endian. */
  uint32(value: number): void {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value, at)
  }

  /** Writes a signed number of eight bytes, big-endian. */
  int64(value: bigint): void {
    const at = this.#reserve(8)
    this.#buffer.writeBigInt64BE(value, at)
  }

  /** Writes an IEEE 754 number of eight bytes, big-endian. */
  float64(value: number): void {
    const at = this.#reserve(8)
    this.#buffer.writeDoubleBE(value, at)
  }

  /** Writes 1 for true and 0 for false. */
  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  /** Writes an unsigned number in 7-bit groups, lowest first. */
  uvarint(value: number): void {
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.int8((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.int8(rest)
  }

  /** Writes a signed number of 32 bits, zigzag-encoded, in 7-bit groups. */
  varint(value: number): void {
    this.uvarint((value << 1) ^ (value >> 31))
  }

  /** Writes a signed number of 64 bits, zigzag-encoded, in 7-bit groups. */
  varlong(value: bigint): void {
    if (value >= -1073741824n && value <= 1073741823n) {
      this.varint(Number(value))
      return
    }
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      this.int8(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.int8(Number(rest))
  }

  /** Writes the string as UTF-8, without a length. */
  utf8(value: string, byteLength: number): void {
    const at = this.#reserve(byteLength)
    this.#buffer.utf8Write(value, at, byteLength)
  }

  /**
   * Copies small byte strings and keeps a reference to large ones: they must not change until they
   * are sent.
   */
  bytes(value: Uint8Array): void {
    if (value.length <= COPY_LIMIT) {
      const at = this.#reserve(value.length)
      this.#buffer.set(value, at)
      return
    }
    this.#flushPiece()
    this.#pieces.push(value)
    this.#piecesSize += value.length
  }

  /**
   * Adds bytes that are read when they are sent. The result must then be taken with `finishPieces`.
   */
  source(value: ByteSource): void {
    this.#flushPiece()
    this.#pieces.push(value)
    this.#piecesSize += value.length
    this.#hasSources = true
  }

  /** Writes 16 bytes from 22 characters of URL-safe base64. */
  uuid(value: string): void {
    const at = this.#reserve(16)
    this.#buffer.base64urlWrite(value, at, 16)
  }

  #flushPiece(): void {
    if (this.#position === this.#start) return
    const piece = this.#buffer.subarray(this.#start, this.#position)
    this.#pieces.push(piece)
    this.#piecesSize += piece.length
    this.#start = this.#position
  }

  /** All written bytes as a list of pieces. The writer must not be used afterwards. */
  finish(): Uint8Array[] {
    if (this.#hasSources)
      throw new TypeError('the message has bytes that are read later: use finishPieces')
    return this.finishPieces() as Uint8Array[]
  }

  /** All written bytes as a list of pieces, including bytes that are read later. */
  finishPieces(): (Uint8Array | ByteSource)[] {
    this.#flushPiece()
    return this.#pieces
  }

  /** All written bytes in one buffer. The writer must not be used afterwards. */
  toBuffer(): Buffer {
    const pieces = this.finish()
    const [only] = pieces
    if (pieces.length === 1 && only instanceof Buffer) return only
    return Buffer.concat(pieces)
  }
}
