// SPDX-License-Identifier: Apache-2.0
import { CompressionType, compressionOfId } from '../compression/compression.ts'
import { crc32c } from './crc32c.ts'

/*
 * Record batch v2, big-endian:
 *   0 baseOffset i64 · 8 length i32 (of the rest) · 12 partitionLeaderEpoch i32 · 16 magic i8
 *  17 crc u32 · 21 attributes i16 · 23 lastOffsetDelta i32 · 27 baseTimestamp i64
 *  35 maxTimestamp i64 · 43 producerId i64 · 51 producerEpoch i16 · 53 baseSequence i32
 *  57 count i32 · 61 records
 * The CRC-32C covers everything from the attributes on, so offset and leader epoch are set without
 * touching it.
 */
/** Size of the header of a batch. */
export const RECORD_BATCH_HEADER_SIZE = 61
/** Bytes before those that `length` counts. */
export const LOG_OVERHEAD = 12
/** The only version of the record format that is written. */
export const MAGIC_V2 = 2
/** Producer id of batches without a producer. */
export const NO_PRODUCER_ID = -1n
/** Timestamp of batches without records. */
export const NO_TIMESTAMP = -1n

const CRC_START = 21
const COMPRESSION_MASK = 0x07
const TIMESTAMP_TYPE_FLAG = 0x08
const TRANSACTIONAL_FLAG = 0x10
const CONTROL_FLAG = 0x20
const DELETE_HORIZON_FLAG = 0x40
/** All attribute bits that are defined. */
const ATTRIBUTES_MASK = 0x7f

/** Header of a batch inside a larger buffer; getters read, setters write in place. */
export class RecordBatch {
  /** Buffer that contains the batch. */
  readonly buffer: Buffer
  /** Position of the batch in `buffer`. */
  readonly start: number

  /** Creates a view of the batch at `start` of `buffer`, without copying or checks. */
  constructor(buffer: Buffer, start = 0) {
    this.buffer = buffer
    this.start = start
  }

  /** Offset of the first record. */
  get baseOffset(): bigint {
    return this.buffer.readBigInt64BE(this.start)
  }
  set baseOffset(value: bigint) {
    this.buffer.writeBigInt64BE(value, this.start)
  }
  /** Size of the whole batch, header included. */
  get size(): number {
    return LOG_OVERHEAD + this.buffer.readInt32BE(this.start + 8)
  }
  /** Leader epoch; the checksum does not cover it. */
  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(this.start + 12)
  }
  set partitionLeaderEpoch(value: number) {
    this.buffer.writeInt32BE(value, this.start + 12)
  }
  /** Version of the record format. */
  get magic(): number {
    return this.buffer.readInt8(this.start + 16)
  }
  /** Checksum in the header, CRC-32C from the attributes on. */
  get crc(): number {
    return this.buffer.readUInt32BE(this.start + 17)
  }
  /** Bits: 0 to 2 codec, 3 append time, 4 transactional, 5 control, 6 delete horizon. */
  get attributes(): number {
    return this.buffer.readInt16BE(this.start + 21)
  }
  /** Offset of the last record minus the base offset. */
  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.start + 23)
  }
  /** Offset of the last record. */
  get lastOffset(): bigint {
    return this.baseOffset + BigInt(this.lastOffsetDelta)
  }
  /** Offset after the last record. */
  get nextOffset(): bigint {
    return this.lastOffset + 1n
  }
  /** Timestamp of the first record, or the delete horizon if that flag is set (KIP-534). */
  get baseTimestamp(): bigint {
    return this.buffer.readBigInt64BE(this.start + 27)
  }
  /** Largest timestamp of a record, milliseconds since 1970. */
  get maxTimestamp(): bigint {
    return this.buffer.readBigInt64BE(this.start + 35)
  }
  /** Producer id; -1 for none. */
  get producerId(): bigint {
    return this.buffer.readBigInt64BE(this.start + 43)
  }
  /** Producer epoch. */
  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.start + 51)
  }
  /** Sequence number of the first record. */
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.start + 53)
  }
  /** Sequence of the last record; sequences wrap after 2³¹ - 1. */
  get lastSequence(): number {
    const base = this.baseSequence
    return base < 0 ? base : incrementSequence(base, this.lastOffsetDelta)
  }
  /** Number of records. */
  get count(): number {
    return this.buffer.readInt32BE(this.start + 57)
  }

  /** Codec of the records. */
  get compression(): CompressionType | undefined {
    return compressionOfId(this.attributes & COMPRESSION_MASK)
  }
  /** Whether the broker set the timestamps (LogAppendTime). */
  get hasLogAppendTime(): boolean {
    return (this.attributes & TIMESTAMP_TYPE_FLAG) !== 0
  }
  /** Whether the batch is part of a transaction. */
  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_FLAG) !== 0
  }
  /** Whether the batch has control records. */
  get isControl(): boolean {
    return (this.attributes & CONTROL_FLAG) !== 0
  }
  /** Whether the base timestamp is the time at which tombstones may be removed (KIP-534). */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & DELETE_HORIZON_FLAG) !== 0
  }
  /** Whether an idempotent producer sent the batch. */
  get hasProducerId(): boolean {
    return this.producerId >= 0n
  }

  /** The bytes of the records, still compressed. */
  get payload(): Buffer {
    return this.buffer.subarray(this.start + RECORD_BATCH_HEADER_SIZE, this.start + this.size)
  }
  /** The whole batch. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.start + this.size)
  }

  /** Computes the CRC of the batch. */
  computeCrc(): number {
    return crc32c(this.buffer.subarray(this.start + CRC_START, this.start + this.size))
  }

  /**
   * Sets the maximum timestamp, and whether it is the append time of all records. A batch that
   * already has both keeps its bytes; otherwise undefined attribute bits are cleared, as in Kafka,
   * and the CRC is updated.
   */
  setMaxTimestamp(isLogAppendTime: boolean, timestamp: bigint): void {
    if (this.hasLogAppendTime === isLogAppendTime && this.maxTimestamp === timestamp) return
    const others = this.attributes & ATTRIBUTES_MASK & ~TIMESTAMP_TYPE_FLAG
    this.buffer.writeInt16BE(others | (isLogAppendTime ? TIMESTAMP_TYPE_FLAG : 0), this.start + 21)
    this.buffer.writeBigInt64BE(timestamp, this.start + 35)
    this.buffer.writeUInt32BE(this.computeCrc(), this.start + 17)
  }
}

/** The sequence number `by` steps after `sequence`; it wraps to 0 after 2^31 - 1. */
export function incrementSequence(sequence: number, by: number): number {
  const next = sequence + by
  return next > 0x7fffffff ? next - 0x80000000 : next
}

/**
 * Whether a complete batch is at `offset`; the header alone needs `RECORD_BATCH_HEADER_SIZE` bytes.
 */
export function hasWholeBatch(buffer: Buffer, offset: number, end = buffer.length): boolean {
  if (end - offset < RECORD_BATCH_HEADER_SIZE) return false
  const length = buffer.readInt32BE(offset + 8)
  return length >= RECORD_BATCH_HEADER_SIZE - LOG_OVERHEAD && offset + LOG_OVERHEAD + length <= end
}

/**
 * The complete batches at the start of `buffer`; a truncated last one, as a fetch may return, is
 * omitted.
 */
export function* recordBatches(buffer: Buffer): Generator<RecordBatch> {
  for (let offset = 0; hasWholeBatch(buffer, offset); ) {
    const batch = new RecordBatch(buffer, offset)
    yield batch
    offset += batch.size
  }
}

/** Header fields of a batch whose records are already encoded. */
export interface BatchHeaderFields {
  /** Offset of the first record. */
  readonly baseOffset: bigint
  /** Leader epoch. */
  readonly partitionLeaderEpoch?: number
  /** Codec of the records. */
  readonly compression?: CompressionType
  /** Whether the broker set the timestamps (LogAppendTime). */
  readonly logAppendTime?: boolean
  /** Whether the batch is part of a transaction. */
  readonly isTransactional?: boolean
  /** Whether the batch has control records. */
  readonly isControl?: boolean
  /**
   * Whether `baseTimestamp` is the delete horizon, at which tombstones may be removed (KIP-534).
   */
  readonly hasDeleteHorizon?: boolean
  /** Offset of the last record minus the base offset. */
  readonly lastOffsetDelta: number
  /** Base timestamp of the records, milliseconds since 1970. */
  readonly baseTimestamp: bigint
  /** Largest timestamp of a record, milliseconds since 1970. */
  readonly maxTimestamp: bigint
  /** Producer id; -1 for none. */
  readonly producerId?: bigint
  /** Producer epoch. */
  readonly producerEpoch?: number
  /** Sequence number of the first record. */
  readonly baseSequence?: number
  /** Number of records. */
  readonly count: number
}

/** Prepends a header to records that are already encoded and compressed. */
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
