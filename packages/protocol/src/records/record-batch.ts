// SPDX-License-Identifier: Apache-2.0
import { CompressionType, compressionOfId } from '../compression/compression.ts'
import { crc32c } from './crc32c.ts'

/*
 * Record batch v2, big-endian:
 *   0 baseOffset i64 · 8 length i32 (of what follows) · 12 partitionLeaderEpoch i32 · 16 magic i8 · 17 crc u32
 *  21 attributes i16 · 23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64
 *  43 producerId i64 · 51 producerEpoch i16 · 53 baseSequence i32 · 57 count i32 · 61 records
 * The CRC-32C covers everything from the attributes on, so offset and leader epoch are set without touching it.
 */
export const RECORD_BATCH_HEADER_SIZE = 61
/** Bytes in front of what `length` counts. */
export const LOG_OVERHEAD = 12
export const MAGIC_V2 = 2
export const NO_PRODUCER_ID = -1n
export const NO_TIMESTAMP = -1n

const CRC_START = 21
const COMPRESSION_MASK = 0x07
const TIMESTAMP_TYPE_FLAG = 0x08
const TRANSACTIONAL_FLAG = 0x10
const CONTROL_FLAG = 0x20
const DELETE_HORIZON_FLAG = 0x40

/** The header of a batch inside a larger buffer; getters read, setters write in place. */
export class RecordBatch {
  readonly buffer: Buffer
  readonly start: number

  constructor(buffer: Buffer, start = 0) {
    this.buffer = buffer
    this.start = start
  }

  get baseOffset(): bigint {
    return this.buffer.readBigInt64BE(this.start)
  }
  set baseOffset(value: bigint) {
    this.buffer.writeBigInt64BE(value, this.start)
  }
  /** Bytes of the whole batch, header included. */
  get size(): number {
    return LOG_OVERHEAD + this.buffer.readInt32BE(this.start + 8)
  }
  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(this.start + 12)
  }
  set partitionLeaderEpoch(value: number) {
    this.buffer.writeInt32BE(value, this.start + 12)
  }
  get magic(): number {
    return this.buffer.readInt8(this.start + 16)
  }
  get crc(): number {
    return this.buffer.readUInt32BE(this.start + 17)
  }
  get attributes(): number {
    return this.buffer.readInt16BE(this.start + 21)
  }
  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.start + 23)
  }
  get lastOffset(): bigint {
    return this.baseOffset + BigInt(this.lastOffsetDelta)
  }
  get nextOffset(): bigint {
    return this.lastOffset + 1n
  }
  /** Timestamp of the first record, or the delete horizon when that flag is set (KIP-534). */
  get baseTimestamp(): bigint {
    return this.buffer.readBigInt64BE(this.start + 27)
  }
  get maxTimestamp(): bigint {
    return this.buffer.readBigInt64BE(this.start + 35)
  }
  get producerId(): bigint {
    return this.buffer.readBigInt64BE(this.start + 43)
  }
  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.start + 51)
  }
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.start + 53)
  }
  /** Sequence of the last record; sequences wrap after 2³¹ - 1. */
  get lastSequence(): number {
    const base = this.baseSequence
    return base < 0 ? base : incrementSequence(base, this.lastOffsetDelta)
  }
  get count(): number {
    return this.buffer.readInt32BE(this.start + 57)
  }

  get compression(): CompressionType | undefined {
    return compressionOfId(this.attributes & COMPRESSION_MASK)
  }
  get hasLogAppendTime(): boolean {
    return (this.attributes & TIMESTAMP_TYPE_FLAG) !== 0
  }
  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_FLAG) !== 0
  }
  get isControl(): boolean {
    return (this.attributes & CONTROL_FLAG) !== 0
  }
  get hasDeleteHorizon(): boolean {
    return (this.attributes & DELETE_HORIZON_FLAG) !== 0
  }
  get hasProducerId(): boolean {
    return this.producerId >= 0n
  }

  /** The bytes of the records, compressed as they are. */
  get payload(): Buffer {
    return this.buffer.subarray(this.start + RECORD_BATCH_HEADER_SIZE, this.start + this.size)
  }
  /** The whole batch. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.start + this.size)
  }

  computeCrc(): number {
    return crc32c(this.buffer.subarray(this.start + CRC_START, this.start + this.size))
  }

  /** Marks the batch as stamped by the broker and stores the time in place of the newest record's. */
  setLogAppendTime(timestamp: bigint): void {
    this.buffer.writeInt16BE(this.attributes | TIMESTAMP_TYPE_FLAG, this.start + 21)
    this.buffer.writeBigInt64BE(timestamp, this.start + 35)
    this.buffer.writeUInt32BE(this.computeCrc(), this.start + 17)
  }
}

export function incrementSequence(sequence: number, by: number): number {
  const next = sequence + by
  return next > 0x7fffffff ? next - 0x80000000 : next
}

/** Whether a whole batch lies at `offset`; the header alone needs `RECORD_BATCH_HEADER_SIZE` bytes. */
export function hasWholeBatch(buffer: Buffer, offset: number, end = buffer.length): boolean {
  if (end - offset < RECORD_BATCH_HEADER_SIZE) return false
  const length = buffer.readInt32BE(offset + 8)
  return length >= RECORD_BATCH_HEADER_SIZE - LOG_OVERHEAD && offset + LOG_OVERHEAD + length <= end
}

/** The whole batches at the front of `buffer`; a cut-off last one, as a fetch may return, is left out. */
export function* recordBatches(buffer: Buffer): Generator<RecordBatch> {
  for (let offset = 0; hasWholeBatch(buffer, offset); ) {
    const batch = new RecordBatch(buffer, offset)
    yield batch
    offset += batch.size
  }
}

export interface BatchHeaderFields {
  readonly baseOffset: bigint
  readonly partitionLeaderEpoch?: number
  readonly compression?: CompressionType
  readonly logAppendTime?: boolean
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly hasDeleteHorizon?: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly count: number
}

/** Puts a header in front of records that are already encoded and compressed. */
export function frameBatch(fields: BatchHeaderFields, payload: Uint8Array): Buffer {
  const size = RECORD_BATCH_HEADER_SIZE + payload.length
  const buffer = Buffer.allocUnsafe(size)
  buffer.writeBigInt64BE(fields.baseOffset, 0)
  buffer.writeInt32BE(size - LOG_OVERHEAD, 8)
  buffer.writeInt32BE(fields.partitionLeaderEpoch ?? -1, 12)
  buffer.writeInt8(MAGIC_V2, 16)
  buffer.writeInt16BE(
    CompressionType[fields.compression ?? 'none'] |
      (fields.logAppendTime ? TIMESTAMP_TYPE_FLAG : 0) |
      (fields.isTransactional ? TRANSACTIONAL_FLAG : 0) |
      (fields.isControl ? CONTROL_FLAG : 0) |
      (fields.hasDeleteHorizon ? DELETE_HORIZON_FLAG : 0),
    21,
  )
  buffer.writeInt32BE(fields.lastOffsetDelta, 23)
  buffer.writeBigInt64BE(fields.baseTimestamp, 27)
  buffer.writeBigInt64BE(fields.maxTimestamp, 35)
  buffer.writeBigInt64BE(fields.producerId ?? NO_PRODUCER_ID, 43)
  buffer.writeInt16BE(fields.producerEpoch ?? -1, 51)
  buffer.writeInt32BE(fields.baseSequence ?? -1, 53)
  buffer.writeInt32BE(fields.count, 57)
  buffer.set(payload, RECORD_BATCH_HEADER_SIZE)
  buffer.writeUInt32BE(crc32c(buffer.subarray(CRC_START)), 17)
  return buffer
}
