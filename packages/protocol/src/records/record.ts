// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, MalformedInputError } from '@millrace/base'
import { type CompressionType, compress, decompress } from '../compression/compression.ts'
import { frameBatch, NO_TIMESTAMP, type RecordBatch } from './record-batch.ts'

/** A record header. */
export interface RecordHeader {
  /** Name of the header. */
  readonly key: string
  /** Value, or null. */
  readonly value: Buffer | null
}

/** One record of a batch. */
export interface Record {
  /** Offset in the partition. */
  readonly offset: bigint
  /** Milliseconds since 1970, or -1 for none. */
  readonly timestamp: bigint
  /** Key, or null. */
  readonly key: Buffer | null
  /** Value; null is a tombstone. */
  readonly value: Buffer | null
  /** Headers in order; a name may occur several times. */
  readonly headers: readonly RecordHeader[]
}

/** A record to write to a batch. Offsets default to consecutive ones. */
export interface NewRecord {
  /** Offset. Default: one more than the previous record's, from 0. */
  readonly offset?: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: bigint
  /** Key, or null. */
  readonly key: Uint8Array | null
  /** Value; null is a tombstone. */
  readonly value: Uint8Array | null
  /** Headers. Default: none. */
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

function nullableBytes(reader: ByteReader): Buffer | null {
  const size = reader.varint()
  if (size < -1) throw new MalformedInputError(`record field has size ${size}`)
  return size === -1 ? null : reader.bytes(size)
}

/**
 * Decodes all records of a batch. Keys, values and header values share memory with the
 * (decompressed) batch.
 */
export function readRecords(batch: RecordBatch): Record[] {
  const compression = batch.compression
  if (compression === undefined) {
    throw new MalformedInputError(`batch at offset ${batch.baseOffset} has an unknown compression`)
  }
  const payload = compression === 'none' ? batch.payload : decompress(compression, batch.payload)
  const reader = new ByteReader(payload)
  const { baseOffset, baseTimestamp, count } = batch
  const appendTime = batch.hasLogAppendTime ? batch.maxTimestamp : undefined
  const records: Record[] = []
  for (let i = 0; i < count; i++) {
    const size = reader.varint()
    const end = reader.offset + size
    if (size < 0 || end > reader.end) {
      throw new MalformedInputError(
        `record ${i} of the batch at offset ${baseOffset} has size ${size}`,
      )
    }
    reader.int8()
    const timestampDelta = reader.varlong()
    const offsetDelta = reader.varint()
    const key = nullableBytes(reader)
    const value = nullableBytes(reader)
    const headers = readHeaders(reader)
    if (reader.offset !== end) {
      throw new MalformedInputError(
        `record ${i} of the batch at offset ${baseOffset} is not ${size} bytes long`,
      )
    }
    records.push({
      offset: baseOffset + BigInt(offsetDelta),
      timestamp: appendTime ?? baseTimestamp + timestampDelta,
      key,
      value,
      headers,
    })
  }
  if (reader.remaining > 0) {
    throw new MalformedInputError(
      `batch at offset ${baseOffset} has ${reader.remaining} bytes after its ${count} records`,
    )
  }
  return records
}

const NO_HEADERS: readonly RecordHeader[] = []

function readHeaders(reader: ByteReader): readonly RecordHeader[] {
  const count = reader.varint()
  if (count === 0) return NO_HEADERS
  if (count < 0 || count > reader.remaining) {
    throw new MalformedInputError(`record claims ${count} headers`)
  }
  const headers: RecordHeader[] = []
  for (let i = 0; i < count; i++) {
    const size = reader.varint()
    if (size < 0) throw new MalformedInputError('header key must not be null')
    headers.push({ key: reader.utf8(size), value: nullableBytes(reader) })
  }
  return headers
}

function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80
    ? 1
    : zigzag < 0x4000
      ? 2
      : zigzag < 0x200000
        ? 3
        : zigzag < 0x10000000
          ? 4
          : 5
}

function varlongSize(value: bigint): number {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  let size = 1
  while (rest > 0x7fn) {
    rest >>= 7n
    size++
  }
  return size
}

function bytesSize(value: Uint8Array | null): number {
  return value === null ? 1 : varintSize(value.length) + value.length
}

function writeBytes(writer: ByteWriter, value: Uint8Array | null): void {
  if (value === null) writer.varint(-1)
  else {
    writer.varint(value.length)
    writer.bytes(value)
  }
}

/** Writes one record with deltas to the batch's base offset and timestamp. */
export function writeRecord(
  writer: ByteWriter,
  record: NewRecord,
  base: { readonly timestamp: bigint; readonly offsetDelta: number },
): void {
  const headers = record.headers ?? []
  const timestampDelta = record.timestamp - base.timestamp
  const headerKeySizes = headers.map((header) => Buffer.byteLength(header.key))
  let size = 1 + varlongSize(timestampDelta) + varintSize(base.offsetDelta)
  size += bytesSize(record.key) + bytesSize(record.value) + varintSize(headers.length)
  headers.forEach((header, i) => {
    const keySize = headerKeySizes[i] ?? 0
    size += varintSize(keySize) + keySize + bytesSize(header.value)
  })
  writer.varint(size)
  writer.int8(0)
  writer.varlong(timestampDelta)
  writer.varint(base.offsetDelta)
  writeBytes(writer, record.key)
  writeBytes(writer, record.value)
  writer.varint(headers.length)
  headers.forEach((header, i) => {
    const keySize = headerKeySizes[i] ?? 0
    writer.varint(keySize)
    writer.utf8(header.key, keySize)
    writeBytes(writer, header.value)
  })
}

/** Header fields of a batch to build; the defaults are those of a producer without idempotence. */
export interface BatchOptions {
  /** Base offset; 0 for a producer, since the broker sets the offsets. */
  readonly baseOffset?: bigint
  /** Codec. Default none. */
  readonly compression?: CompressionType
  /** Level of the codec. Default: the codec's own. */
  readonly compressionLevel?: number
  /** Leader epoch. Default -1. */
  readonly partitionLeaderEpoch?: number
  /** Producer id. Default -1, none. */
  readonly producerId?: bigint
  /** Producer epoch. Default -1. */
  readonly producerEpoch?: number
  /** Sequence number of the first record. Default -1. */
  readonly baseSequence?: number
  /** Whether the batch is part of a transaction. Default false. */
  readonly isTransactional?: boolean
  /** Whether the batch has control records. Default false. */
  readonly isControl?: boolean
  /** `lastOffsetDelta` of a batch from which records were removed. */
  readonly lastOffset?: bigint
  /** Append time of all records, if the broker sets the timestamps. */
  readonly logAppendTime?: bigint
  /** Base timestamp for the header, instead of the first record's (KIP-534). */
  readonly deleteHorizonMs?: bigint
}

/**
 * Builds a batch from records; an empty list creates an empty batch, as compaction leaves behind.
 */
export function buildBatch(records: readonly NewRecord[], options: BatchOptions = {}): Buffer {
  const baseOffset = options.baseOffset ?? 0n
  const baseTimestamp = options.deleteHorizonMs ?? records[0]?.timestamp ?? NO_TIMESTAMP
  const compression = options.compression ?? 'none'
  const writer = new ByteWriter(Math.max(256, records.length * 64))
  let maxTimestamp = NO_TIMESTAMP
  let lastOffsetDelta = -1
  for (const record of records) {
    lastOffsetDelta =
      record.offset === undefined ? lastOffsetDelta + 1 : Number(record.offset - baseOffset)
    writeRecord(writer, record, { timestamp: baseTimestamp, offsetDelta: lastOffsetDelta })
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
  }
  if (options.lastOffset !== undefined) lastOffsetDelta = Number(options.lastOffset - baseOffset)
  const plain = writer.toBuffer()
  const payload =
    compression === 'none' ? plain : compress(compression, plain, options.compressionLevel)
  return frameBatch(
    {
      baseOffset,
      compression,
      lastOffsetDelta: Math.max(lastOffsetDelta, 0),
      baseTimestamp,
      maxTimestamp: options.logAppendTime ?? maxTimestamp,
      count: records.length,
      logAppendTime: options.logAppendTime !== undefined,
      hasDeleteHorizon: options.deleteHorizonMs !== undefined,
      partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
      producerId: options.producerId ?? -1n,
      producerEpoch: options.producerEpoch ?? -1,
      baseSequence: options.baseSequence ?? -1,
      isTransactional: options.isTransactional ?? false,
      isControl: options.isControl ?? false,
    },
    payload,
  )
}
