// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import {
  buildBatch,
  type CompressionType,
  DecompressedTooLargeError,
  decompressExactly,
  type ErrorName,
  LOG_OVERHEAD,
  MAGIC_V2,
  MalformedVarintError,
  NO_TIMESTAMP,
  ProtocolError,
  RECORD_BATCH_HEADER_SIZE,
  RecordBatch,
  RecordCursor,
  readRecords,
} from '@millrace/protocol'
import type { LogConfig } from './log-config.ts'
import { RecordTimestamps } from './record-timestamps.ts'

export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** A rejected batch, with the invalid records (KIP-467). */
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
  /** Maximum decompressed size of the records of one batch, bytes. */
  readonly maxDecompressedBytes: number
}

/** Bytes of a batch up to and including its magic. */
const HEADER_UP_TO_MAGIC = 17
/** Minimum size of a record of any format, which Kafka checks before it knows the format. */
const MIN_RECORD_OVERHEAD = 14

/**
 * Finds the single batch that a producer may send per partition, and runs the checks that do not
 * depend on the topic. A few trailing bytes, too short for a batch, are ignored.
 */
export function requireOneBatch(
  records: Buffer,
  { partition, version }: Pick<ProduceContext, 'partition' | 'version'>,
): RecordBatch {
  const requests = `Produce requests with version ${version}`
  const size = sizeOfBatchAt(records, 0)
  if (size === undefined) {
    throw new InvalidRecordsError(
      'INVALID_RECORD',
      `${requests} must have at least one whole record batch per partition, ${partition} has none`,
    )
  }
  const magic = records.readInt8(HEADER_UP_TO_MAGIC - 1)
  if (magic !== MAGIC_V2) {
    throw new InvalidRecordsError(
      'INVALID_RECORD',
      `${requests} are only allowed to contain record batches with magic version ${MAGIC_V2}, the one for ${partition} has ${magic}`,
    )
  }
  const batch = new RecordBatch(records.subarray(0, size))
  const { compression } = batch
  if (compression === undefined) {
    throw new ProtocolError(
      'UNKNOWN_SERVER_ERROR',
      `Unknown compression type id: ${batch.attributes & 7}, in the batch for ${partition}`,
    )
  }
  if (compression === 'zstd' && version < 7) {
    throw new ProtocolError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `${requests} are not allowed to use ZStandard compression, the batch for ${partition} does`,
    )
  }
  if (sizeOfBatchAt(records, size) !== undefined) {
    throw new InvalidRecordsError(
      'INVALID_RECORD',
      `${requests} are only allowed to contain exactly one record batch per partition, ${partition} has more`,
    )
  }
  return batch
}

/** Size of the batch that starts at `at`, or undefined if it is incomplete. */
function sizeOfBatchAt(records: Buffer, at: number): number | undefined {
  const remaining = records.length - at
  if (remaining < LOG_OVERHEAD) return undefined
  const length = records.readInt32BE(at + LOG_OVERHEAD - 4)
  if (length < MIN_RECORD_OVERHEAD) {
    throw new ProtocolError(
      'CORRUPT_MESSAGE',
      `Record size ${length} is less than the minimum record overhead (${MIN_RECORD_OVERHEAD})`,
    )
  }
  if (remaining < HEADER_UP_TO_MAGIC) return undefined
  const magic = records.readInt8(at + HEADER_UP_TO_MAGIC - 1)
  if (magic < 0 || magic > MAGIC_V2) {
    throw new ProtocolError('CORRUPT_MESSAGE', `Invalid magic found in record: ${magic}`)
  }
  return length + LOG_OVERHEAD > remaining ? undefined : length + LOG_OVERHEAD
}

/**
 * Validates a client's batch, record by record, and returns it ready for the log: with its maximum
 * timestamp computed, and append times or recompression as the topic is configured. Nothing that
 * the header claims about the records is trusted.
 */
export function prepareBatch(batch: RecordBatch, context: ProduceContext): RecordBatch {
  checkHeader(batch, context)
  const { config, partition } = context
  const source = batch.compression ?? 'none'
  const target = config.compressionType === 'producer' ? source : config.compressionType
  const isRebuilt = source !== target
  const found = checkRecords(batch, { ...context, isRebuilt })
  if (!isRebuilt && found.areConsecutive) {
    const isAppendTime = config.messageTimestampType === 'LogAppendTime'
    batch.setMaxTimestamp(isAppendTime, isAppendTime ? BigInt(context.nowMs) : found.maxTimestamp)
    return batch
  }
  if (!isRebuilt && source !== 'none') {
    throw new ProtocolError(
      'UNKNOWN_SERVER_ERROR',
      `offsets of the records in the compressed batch for ${partition} are not consecutive`,
    )
  }
  const rebuilt = rebuild(batch, target, context)
  checkSize(rebuilt, context)
  return rebuilt
}

function checkHeader(batch: RecordBatch, context: ProduceContext): void {
  const { partition } = context
  const { baseOffset } = batch
  const invalid = (message: string): InvalidRecordsError =>
    new InvalidRecordsError('INVALID_RECORD', message)
  if (baseOffset !== 0n) {
    throw invalid(
      `The baseOffset of the record batch in the append to ${partition} should be 0, but it is ${baseOffset}`,
    )
  }
  checkSize(batch, context)
  if (batch.size < RECORD_BATCH_HEADER_SIZE) {
    throw new ProtocolError(
      'CORRUPT_MESSAGE',
      `Record batch is corrupt (the size ${batch.size} is smaller than the minimum allowed overhead ${RECORD_BATCH_HEADER_SIZE}) in topic partition ${partition}`,
    )
  }
  const computed = batch.computeCrc()
  if (computed !== batch.crc) {
    throw new ProtocolError(
      'CORRUPT_MESSAGE',
      `Record is corrupt (stored crc = ${batch.crc}, computed crc = ${computed}) in topic partition ${partition}`,
    )
  }
  const { lastOffset, count, producerId, baseSequence } = batch
  if (lastOffset < baseOffset) {
    throw invalid(
      `Batch has an invalid offset range: [${baseOffset}, ${lastOffset}] in topic partition ${partition}`,
    )
  }
  if (count <= 0) {
    throw invalid(
      `Invalid reported count for record batch: ${count} in topic partition ${partition}`,
    )
  }
  if (batch.lastOffsetDelta !== count - 1) {
    throw invalid(
      `Inconsistent batch offset range [${baseOffset}, ${lastOffset}] and count of records ${count} in topic partition ${partition}`,
    )
  }
  if (batch.isControl) {
    throw invalid(
      `Clients are not allowed to write control records in topic partition ${partition}`,
    )
  }
  if (batch.hasProducerId && baseSequence < 0) {
    throw invalid(
      `Invalid sequence number ${baseSequence} in record batch with producerId ${producerId} in topic partition ${partition}`,
    )
  }
}

function checkSize(batch: RecordBatch, { config, partition }: ProduceContext): void {
  const { size } = batch
  if (size > config.maxMessageBytes) {
    throw new ProtocolError(
      'MESSAGE_TOO_LARGE',
      `The record batch size in the append to ${partition} is ${size} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}.`,
    )
  }
  if (size > config.segmentBytes) {
    throw new ProtocolError(
      'RECORD_LIST_TOO_LARGE',
      `The total record(s) size in the append to ${partition} is ${size} bytes, which exceeds the maximum configured segment value of ${config.segmentBytes}.`,
    )
  }
}

interface CheckedRecords {
  readonly maxTimestamp: bigint
  /** Whether their offsets are 0, 1, 2 … relative to the batch's. */
  readonly areConsecutive: boolean
}

type CheckContext = ProduceContext & {
  /** Whether the batch will be rebuilt from its records, so that its own bytes are not stored. */
  readonly isRebuilt: boolean
}

/**
 * The single pass over the records. Throws for the first malformed one, and for all that the topic
 * rejects together.
 */
function checkRecords(batch: RecordBatch, context: CheckContext): CheckedRecords {
  const { config, partition } = context
  const cursor = openRecords(batch, context)
  const timestamps = new RecordTimestamps(batch, context)
  const { base, oldest, latest } = timestamps
  let newest = -1
  const isCompacted = config.cleanupPolicy.compact
  const maxSize = batch.compression === 'none' ? 0x7fffffff : config.maxDecompressedMessageBytes
  const refused: (RecordError & { readonly isTimestamp: boolean })[] = []
  const { count } = batch
  let areConsecutive = true
  let index = 0
  try {
    for (; index < count; index++) {
      cursor.next()
      if (cursor.size > maxSize) {
        throw new MalformedInputError(
          `record of ${cursor.size} bytes exceeds max.decompressed.message.bytes ${maxSize}`,
        )
      }
      if (cursor.offsetDelta !== index) areConsecutive = false
      if (isCompacted && cursor.keySize < 0) {
        const message = `Compacted topic cannot accept message without key in topic partition ${partition}`
        refused.push({ batchIndex: index, message, isTimestamp: false })
        continue
      }
      const timestamp = base + cursor.timestampDelta
      if (timestamp >= oldest && timestamp <= latest && !cursor.hasWideTimestamp) {
        if (timestamp > newest) newest = timestamp
        continue
      }
      const wrongTimestamp = timestamps.check(cursor)
      if (wrongTimestamp !== undefined) {
        refused.push({ batchIndex: index, message: wrongTimestamp, isTimestamp: true })
      }
    }
    if (cursor.remaining > 0) {
      throw new MalformedInputError(
        `Incorrect declared batch size, ${cursor.remaining} bytes are left after the last record`,
      )
    }
  } catch (error) {
    throw malformed(error, { batch, index, partition })
  }
  if (refused.length > 0) throw refusal(refused)
  const maxTimestamp = timestamps.newest > BigInt(newest) ? timestamps.newest : BigInt(newest)
  return { maxTimestamp, areConsecutive }
}

function openRecords(batch: RecordBatch, context: ProduceContext): RecordCursor {
  const { partition, maxDecompressedBytes } = context
  const compression = batch.compression ?? 'none'
  if (compression === 'none') {
    const { buffer, start } = batch
    return new RecordCursor(buffer, start + RECORD_BATCH_HEADER_SIZE, start + batch.size)
  }
  const { payload } = batch
  // Kafka's reader treats missing zstd data as its end, and missing data of the other codecs as an
  // error.
  if (compression === 'zstd' && payload.length === 0) return new RecordCursor(payload, 0, 0)
  try {
    const plain = decompressExactly(compression, payload, maxDecompressedBytes)
    return new RecordCursor(plain, 0, plain.length)
  } catch (error) {
    if (!(error instanceof MalformedInputError)) throw error
    throw new ProtocolError(
      error instanceof DecompressedTooLargeError ? 'MESSAGE_TOO_LARGE' : 'UNKNOWN_SERVER_ERROR',
      `batch for ${partition}: ${error.message}`,
    )
  }
}

function malformed(
  error: unknown,
  { batch, index, partition }: { batch: RecordBatch; index: number; partition: string },
): unknown {
  if (!(error instanceof MalformedInputError)) return error
  const message = `record ${index} of ${batch.count} of the batch for ${partition}: ${error.message}`
  // This is Kafka's reply if it reads the size from the batch itself.
  if (error instanceof MalformedVarintError && batch.compression === 'none') {
    return new ProtocolError('UNKNOWN_SERVER_ERROR', message)
  }
  return new InvalidRecordsError('INVALID_RECORD', message)
}

function refusal(
  refused: readonly (RecordError & { readonly isTimestamp: boolean })[],
): InvalidRecordsError {
  const errors = refused.map(({ batchIndex, message }) => ({ batchIndex, message }))
  if (refused.some(({ isTimestamp }) => isTimestamp)) {
    return new InvalidRecordsError(
      'INVALID_TIMESTAMP',
      'One or more records have been rejected due to invalid timestamp',
      errors,
    )
  }
  return refusedRecords(errors)
}

/** The error for records that a topic rejects. */
export function refusedRecords(errors: readonly RecordError[]): InvalidRecordsError {
  const shown = errors
    .slice(0, 3)
    .map(({ batchIndex, message }) => `RecordError(batchIndex=${batchIndex}, message='${message}')`)
  return new InvalidRecordsError(
    'INVALID_RECORD',
    `One or more records have been rejected due to ${errors.length} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
    errors,
  )
}

/** A batch of the same records in the topic's codec, with consecutive offsets. */
function rebuild(
  batch: RecordBatch,
  compression: CompressionType,
  { config, nowMs, partition }: ProduceContext,
): RecordBatch {
  const { producerId, producerEpoch, baseSequence } = batch
  if (producerId !== -1n && (producerEpoch < 0 || baseSequence < 0)) {
    throw new ProtocolError(
      'UNKNOWN_SERVER_ERROR',
      `batch for ${partition} has producer id ${producerId}, epoch ${producerEpoch} and sequence ${baseSequence}`,
    )
  }
  const level =
    compression === 'gzip' || compression === 'lz4' || compression === 'zstd'
      ? config.compressionLevels[compression]
      : undefined
  const records = readRecords(batch).map(({ timestamp, key, value, headers }) => ({
    timestamp: BigInt.asIntN(64, timestamp),
    key,
    value,
    headers,
  }))
  const negative = records.find(({ timestamp }) => timestamp < NO_TIMESTAMP)
  if (negative !== undefined) {
    throw new ProtocolError(
      'UNKNOWN_SERVER_ERROR',
      `Invalid negative timestamp ${negative.timestamp}, in the batch for ${partition}`,
    )
  }
  return new RecordBatch(
    buildBatch(records, {
      compression,
      ...(level === undefined ? {} : { compressionLevel: level }),
      producerId,
      producerEpoch,
      baseSequence,
      isTransactional: batch.isTransactional,
      ...(config.messageTimestampType === 'LogAppendTime' ? { logAppendTime: BigInt(nowMs) } : {}),
    }),
  )
}
