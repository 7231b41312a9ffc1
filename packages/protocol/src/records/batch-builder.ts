// SPDX-License-Identifier: Apache-2.0
import {
  type CompressionType,
  CompressionType as CompressionTypes,
  compress,
} from '../compression/compression.ts'
import { crc32c } from './crc32c.ts'
import { LOG_OVERHEAD, MAGIC_V2, RECORD_BATCH_HEADER_SIZE } from './record-batch.ts'

/** A key, a value or a header value. A string is written as UTF-8. */
export type RecordBytes = Uint8Array | string | null

/** A record header to write; strings are written as UTF-8. */
export interface BuilderHeader {
  /** Name of the header. */
  readonly key: string
  /** Value, or null. */
  readonly value: RecordBytes
}

const NO_HEADERS: readonly BuilderHeader[] = []
/** Maximum size of the other parts of a record: five varints and the attributes. */
const MAX_RECORD_OVERHEAD = 5 + 1 + 10 + 5 + 5 + 5 + 5
/** Below this size a loop is faster than a call into the engine. */
const SHORT = 24

type WritableBuffer = Buffer & {
  utf8Write(text: string, offset: number, length: number): number
}

function sizeOf(bytes: RecordBytes): number {
  if (bytes === null) return 0
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

/**
 * Builds one batch, record by record, in one growing buffer; only the encoded bytes of a record are
 * kept. Offsets are consecutive from 0; the broker sets the real ones.
 */
export class RecordBatchBuilder {
  #buffer: WritableBuffer
  #position = RECORD_BATCH_HEADER_SIZE
  #count = 0
  #baseTimestamp = -1
  #maxTimestamp = -1

  readonly #allocate: (size: number) => Buffer

  /**
   * `initialSize`: initial capacity, ideally the size of the whole batch. `allocate` may return
   * more than requested.
   */
  constructor(initialSize = 1024, allocate: (size: number) => Buffer = Buffer.allocUnsafeSlow) {
    this.#allocate = allocate
    this.#buffer = allocate(
      Math.max(initialSize, RECORD_BATCH_HEADER_SIZE + MAX_RECORD_OVERHEAD),
    ) as WritableBuffer
  }

  /** The buffer of the batch, for reuse. */
  get memory(): Buffer {
    return this.#buffer
  }

  /** Number of records added. */
  get count(): number {
    return this.#count
  }

  /** Size of the batch so far, before compression, header included. */
  get size(): number {
    return this.#position
  }

  /** Maximum size of a record. */
  static maxSizeOf(
    key: RecordBytes,
    value: RecordBytes,
    headers: readonly BuilderHeader[],
  ): number {
    let size = MAX_RECORD_OVERHEAD + sizeOf(key) + sizeOf(value)
    for (const header of headers) size += 10 + sizeOf(header.key) + sizeOf(header.value)
    return size
  }

  /** `timestamp`: milliseconds since 1970. */
  append(
    timestamp: number,
    key: RecordBytes,
    value: RecordBytes,
    headers: readonly BuilderHeader[] = NO_HEADERS,
  ): void {
    if (this.#count === 0) this.#baseTimestamp = timestamp
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    const keySize = sizeOf(key)
    const valueSize = sizeOf(value)
    const delta = timestamp - this.#baseTimestamp
    let size =
      1 +
      this.#timestampSize(delta) +
      varintSize(this.#count) +
      (key === null ? 1 : varintSize(keySize) + keySize) +
      (value === null ? 1 : varintSize(valueSize) + valueSize) +
      varintSize(headers.length)
    for (const header of headers) {
      const headerKeySize = sizeOf(header.key)
      const headerValueSize = sizeOf(header.value)
      size += varintSize(headerKeySize) + headerKeySize
      size += header.value === null ? 1 : varintSize(headerValueSize) + headerValueSize
    }
    this.#reserve(size + 5)
    this.#varint(size)
    this.#buffer[this.#position++] = 0
    this.#timestampDelta(delta)
    this.#varint(this.#count)
    this.#bytes(key, keySize)
    this.#bytes(value, valueSize)
    this.#varint(headers.length)
    for (const header of headers) {
      this.#bytes(header.key, sizeOf(header.key))
      this.#bytes(header.value, sizeOf(header.value))
    }
    this.#count++
  }

  #reserve(size: number): void {
    const needed = this.#position + size
    if (needed <= this.#buffer.length) return
    const grown = this.#allocate(Math.max(this.#buffer.length * 2, needed))
    this.#buffer.copy(grown, 0, 0, this.#position)
    this.#buffer = grown as WritableBuffer
  }

  #varint(value: number): void {
    const buffer = this.#buffer
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 0x7f) {
      buffer[this.#position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.#position++] = rest
  }

  #timestampSize(delta: number): number {
    if (delta >= -0x40000000 && delta < 0x40000000) return varintSize(delta)
    let rest = zigzag(delta)
    let size = 1
    for (; rest > 0x7fn; rest >>= 7n) size++
    return size
  }

  #timestampDelta(delta: number): void {
    if (delta >= -0x40000000 && delta < 0x40000000) {
      this.#varint(delta)
      return
    }
    let rest = zigzag(delta)
    for (; rest > 0x7fn; rest >>= 7n) {
      this.#buffer[this.#position++] = Number(rest & 0x7fn) | 0x80
    }
    this.#buffer[this.#position++] = Number(rest)
  }

  #bytes(bytes: RecordBytes, size: number): void {
    if (bytes === null) {
      this.#varint(-1)
      return
    }
    this.#varint(size)
    const at = this.#position
    const buffer = this.#buffer
    if (typeof bytes === 'string') buffer.utf8Write(bytes, at, size)
    else if (size <= SHORT) for (let i = 0; i < size; i++) buffer[at + i] = bytes[i] as number
    else buffer.set(bytes, at)
    this.#position = at + size
  }

  /**
   * Ends the batch, without producer and CRC: `sealBatch` sets both. The builder must not be used
   * afterwards.
   */
  finish(
    options: {
      readonly compression?: CompressionType
      readonly compressionLevel?: number | undefined
    } = {},
  ): Buffer {
    const compression = options.compression ?? 'none'
    let batch: Buffer = this.#buffer.subarray(0, this.#position)
    if (compression !== 'none') {
      const records = batch.subarray(RECORD_BATCH_HEADER_SIZE)
      const packed = compress(compression, records, options.compressionLevel)
      batch = Buffer.allocUnsafeSlow(RECORD_BATCH_HEADER_SIZE + packed.length)
      batch.set(packed, RECORD_BATCH_HEADER_SIZE)
    }
    batch.writeBigInt64BE(0n, 0)
    batch.writeInt32BE(batch.length - LOG_OVERHEAD, 8)
    batch.writeInt32BE(-1, 12)
    batch.writeInt8(MAGIC_V2, 16)
    batch.writeInt16BE(CompressionTypes[compression], 21)
    batch.writeInt32BE(Math.max(0, this.#count - 1), 23)
    batch.writeBigInt64BE(BigInt(this.#baseTimestamp), 27)
    batch.writeBigInt64BE(BigInt(this.#maxTimestamp), 35)
    batch.writeInt32BE(this.#count, 57)
    return batch
  }
}

function zigzag(value: number): bigint {
  const wide = BigInt(value)
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
}

/** Attribute bit: the batch is part of a transaction. */
const TRANSACTIONAL = 0x10

/** Sets the producer of a batch, -1 for none, and computes the CRC. */
export function sealBatch(
  batch: Buffer,
  producer: {
    readonly producerId: bigint
    readonly producerEpoch: number
    readonly baseSequence: number
    readonly isTransactional?: boolean
  },
): void {
  if (producer.isTransactional === true) {
    batch.writeInt16BE(batch.readInt16BE(21) | TRANSACTIONAL, 21)
  }
  batch.writeBigInt64BE(producer.producerId, 43)
  batch.writeInt16BE(producer.producerEpoch, 51)
  batch.writeInt32BE(producer.baseSequence, 53)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
}
