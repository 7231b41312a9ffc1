// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import {
  buildBatch,
  type ErrorName,
  hasWholeBatch,
  MAGIC_V2,
  ProtocolError,
  type Record,
  RecordBatch,
  readRecords,
} from '@millrace/protocol'
import type { LogConfig } from './log-config.ts'

export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** A batch that was refused, with the records to blame (KIP-467). */
export class InvalidRecordsError extends ProtocolError {
  readonly recordErrors: readonly RecordError[]
  constructor(code: ErrorName, message: string, recordErrors: readonly RecordError[] = []) {
    super(code, message)
    this.recordErrors = recordErrors
  }
}

export interface ProduceContext {
  /** `topic-partition`, for messages. */
  readonly partition: string
  readonly config: LogConfig
  readonly nowMs: number
  /** Version of the Produce request: zstd needs 7. */
  readonly version: number
}

/**
 * Checks that what a producer sent for one partition is exactly one batch, whole, of the current format and an allowed
 * size, with a right checksum.
 */
export function requireOneBatch(records: Buffer, context: ProduceContext): RecordBatch {
  const { config, partition } = context
  if (records.length > 0 && records.length >= 17 && (records[16] as number) !== MAGIC_V2) {
    throw new ProtocolError(
      'INVALID_RECORD',
      `batch for ${partition} has magic ${records.readInt8(16)}, only ${MAGIC_V2} is allowed`,
    )
  }
  if (!hasWholeBatch(records, 0)) {
    throw new ProtocolError('CORRUPT_MESSAGE', `batch for ${partition} is not whole`)
  }
  const batch = new RecordBatch(records)
  if (batch.size !== records.length) {
    throw new ProtocolError(
      'INVALID_RECORD',
      `a produce request must hold exactly one batch for ${partition}`,
    )
  }
  if (batch.size > config.maxMessageBytes) {
    throw new ProtocolError(
      'MESSAGE_TOO_LARGE',
      `batch of ${batch.size} bytes for ${partition} exceeds max.message.bytes ${config.maxMessageBytes}`,
    )
  }
  if (batch.size > config.segmentBytes) {
    throw new ProtocolError(
      'RECORD_LIST_TOO_LARGE',
      `batch of ${batch.size} bytes for ${partition} exceeds segment.bytes ${config.segmentBytes}`,
    )
  }
  if (batch.computeCrc() !== batch.crc) {
    throw new ProtocolError('CORRUPT_MESSAGE', `batch for ${partition} fails its checksum`)
  }
  return batch
}

/** Checks a batch's contents, and returns it ready for the log: stamped or recompressed if the topic asks for it. */
export function prepareBatch(batch: RecordBatch, context: ProduceContext): RecordBatch {
  checkHeader(batch, context)
  return convert(batch, context)
}

function checkHeader(batch: RecordBatch, { partition, version }: ProduceContext): void {
  const invalid = (why: string): InvalidRecordsError =>
    new InvalidRecordsError('INVALID_RECORD', `batch for ${partition} ${why}`)
  if (batch.isControl) throw invalid('is a control batch, which clients must not write')
  if (batch.baseOffset !== 0n) throw invalid(`has base offset ${batch.baseOffset}, expected 0`)
  const { count } = batch
  if (count <= 0 || batch.lastOffsetDelta !== count - 1) {
    throw invalid(`claims ${count} records and a last offset delta of ${batch.lastOffsetDelta}`)
  }
  if (batch.hasProducerId && batch.baseSequence < 0) {
    throw invalid(`has producer id ${batch.producerId} but sequence ${batch.baseSequence}`)
  }
  const { compression } = batch
  if (compression === undefined) throw invalid(`has unknown compression ${batch.attributes & 7}`)
  if (compression === 'zstd' && version < 7) {
    throw new ProtocolError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `zstd needs Produce version 7, not ${version} (${partition})`,
    )
  }
}

function convert(batch: RecordBatch, context: ProduceContext): RecordBatch {
  const { config, partition } = context
  const target = config.compressionType === 'producer' ? batch.compression : config.compressionType
  // Records are looked into only where the topic's semantics need it, or where it costs no decompression.
  const mustRead = config.cleanupPolicy.compact || target !== batch.compression
  const records = mustRead ? checkRecords(batch, context) : undefined
  if (!mustRead && batch.compression === 'none') walkRecords(batch, partition)
  if (config.messageTimestampType === 'CreateTime') checkTimestamps(batch, records, context)
  if (records !== undefined && target !== batch.compression)
    return recompress(batch, records, context)
  if (config.messageTimestampType === 'LogAppendTime') batch.setLogAppendTime(BigInt(context.nowMs))
  return batch
}

/** Decodes the records, and refuses those that a compacted topic cannot keep. */
function checkRecords(batch: RecordBatch, context: ProduceContext): readonly Record[] {
  const { config, partition } = context
  let records: readonly Record[]
  try {
    records = readRecords(batch)
  } catch (error) {
    if (!(error instanceof MalformedInputError)) throw error
    throw new ProtocolError('CORRUPT_MESSAGE', `${partition}: ${error.message}`)
  }
  if (config.cleanupPolicy.compact) {
    const keyless = records.flatMap((record, i) =>
      record.key === null ? [{ batchIndex: i, message: compactedKeyMessage(partition) }] : [],
    )
    if (keyless.length > 0) {
      throw new InvalidRecordsError('INVALID_RECORD', compactedKeyMessage(partition), keyless)
    }
  }
  return records
}

function compactedKeyMessage(partition: string): string {
  return `Compacted topic cannot accept message without key in topic partition ${partition}.`
}

/** Follows the records' lengths and offsets through an uncompressed batch without decoding them. */
function walkRecords(batch: RecordBatch, partition: string): void {
  const { buffer, count } = batch
  const end = batch.start + batch.size
  let at = batch.start + 61
  for (let i = 0; i < count; i++) {
    let size = 0
    let shift = 0
    for (;;) {
      if (at >= end || shift > 28) throw corrupt(partition, i)
      const byte = buffer[at++] as number
      size |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      shift += 7
    }
    size = (size >>> 1) ^ -(size & 1)
    if (size < 6 || at + size > end) throw corrupt(partition, i)
    at += size
  }
  if (at !== end) throw corrupt(partition, count)
}

function corrupt(partition: string, index: number): InvalidRecordsError {
  return new InvalidRecordsError(
    'INVALID_RECORD',
    `batch for ${partition} is malformed at record ${index}`,
  )
}

function checkTimestamps(
  batch: RecordBatch,
  records: readonly Record[] | undefined,
  context: ProduceContext,
): void {
  const { config, nowMs, partition } = context
  const oldest = BigInt(nowMs) - BigInt(config.messageTimestampBeforeMaxMs)
  const newest = BigInt(nowMs) + BigInt(config.messageTimestampAfterMaxMs)
  const { baseTimestamp, maxTimestamp } = batch
  if (maxTimestamp < 0n) return
  const isWithin = (timestamp: bigint): boolean =>
    timestamp < 0n || (timestamp >= oldest && timestamp <= newest)
  if (isWithin(maxTimestamp) && isWithin(baseTimestamp)) return
  const message = (timestamp: bigint): string =>
    `Timestamp ${timestamp} of message for ${partition} is out of range. The timestamp should be within [${oldest}, ${newest}]`
  const offenders = (records ?? readRecords(batch)).flatMap((record, i) =>
    isWithin(record.timestamp) ? [] : [{ batchIndex: i, message: message(record.timestamp) }],
  )
  if (offenders.length === 0) return
  throw new InvalidRecordsError(
    'INVALID_TIMESTAMP',
    'One or more records have been rejected due to invalid timestamp',
    offenders,
  )
}

function recompress(
  batch: RecordBatch,
  records: readonly Record[],
  { config, nowMs }: ProduceContext,
): RecordBatch {
  const compression = config.compressionType === 'producer' ? 'none' : config.compressionType
  const level =
    compression === 'gzip' || compression === 'lz4' || compression === 'zstd'
      ? config.compressionLevels[compression]
      : undefined
  return new RecordBatch(
    buildBatch(records, {
      compression,
      ...(level === undefined ? {} : { compressionLevel: level }),
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      isTransactional: batch.isTransactional,
      ...(config.messageTimestampType === 'LogAppendTime' ? { logAppendTime: BigInt(nowMs) } : {}),
    }),
  )
}
