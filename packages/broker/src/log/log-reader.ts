// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import {
  hasWholeBatch,
  RECORD_BATCH_HEADER_SIZE,
  RecordBatch,
  readRecords,
} from '@millrace/protocol'
import type { Segment } from './segment.ts'
import type { LogSlice } from './shared-file.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** What to read of a log. */
export interface ReadOptions {
  readonly offset: bigint
  readonly maxBytes: number
  /** Whether the first batch is returned although it is larger than `maxBytes` (KIP-74). */
  readonly atLeastOne: boolean
  /** Nothing at or after this offset is returned. */
  readonly endOffset: bigint
}

/** `readLimit`: a longer result is left in its file and read when it is sent. */
export type SliceOptions = ReadOptions & { readonly readLimit: number }

/** A record that was found by its timestamp. */
export interface TimestampAndOffset {
  readonly timestamp: bigint
  readonly offset: bigint
  readonly leaderEpoch: number
}

/** The log that a reader reads; its properties change as the log does. */
export interface ReadableLog {
  readonly segments: readonly Segment[]
  readonly logStartOffset: bigint
  readonly logEndOffset: bigint
  readonly config: { readonly indexIntervalBytes: number }
}

const EMPTY = Buffer.alloc(0)

/** Reads a log by offset and by timestamp. Errors are the system's, and change nothing. */
export class LogReader {
  readonly #log: ReadableLog

  constructor(log: ReadableLog) {
    this.#log = log
  }

  /** Index of the segment that may contain `offset`, or of the first. */
  #segmentFor(offset: bigint): number {
    const { segments } = this.#log
    let low = 0
    let high = segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (elementAt(segments, middle).baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /** Whole batches, starting with the one that contains `offset`. */
  read(options: ReadOptions): Buffer {
    const { segments } = this.#log
    const { offset, endOffset } = options
    if (offset >= endOffset) return EMPTY
    for (let i = this.#segmentFor(offset); i < segments.length; i++) {
      const segment = elementAt(segments, i)
      if (segment.baseOffset >= endOffset) return EMPTY
      const data = this.#readSegment(segment, options)
      // A compacted segment may end before the requested offset: the next record is in a later one.
      if (data !== undefined) return data
    }
    return EMPTY
  }

  /** Like `read`, but a long result is returned as a slice of its file. */
  slice(options: SliceOptions): Buffer | LogSlice {
    const { segments } = this.#log
    const { offset, endOffset, readLimit } = options
    if (offset >= endOffset) return EMPTY
    for (let i = this.#segmentFor(offset); i < segments.length; i++) {
      const segment = elementAt(segments, i)
      if (segment.baseOffset >= endOffset) return EMPTY
      // Most readers are near the end of the log, where one read is enough.
      const data =
        segment.size - segment.positionBefore(offset) <= readLimit
          ? this.#readSegment(segment, options)
          : this.#sliceSegment(segment, options, segments[i + 1]?.baseOffset)
      if (data !== undefined) return data
    }
    return EMPTY
  }

  #sliceSegment(
    segment: Segment,
    options: SliceOptions,
    nextBaseOffset = this.#log.logEndOffset,
  ): Buffer | LogSlice | undefined {
    const { offset, maxBytes, endOffset, atLeastOne, readLimit } = options
    const first = segment.find(offset)
    if (first === undefined) return undefined
    if (first.batch.baseOffset >= endOffset) return EMPTY
    const start = first.position
    const isWhole = endOffset >= nextBaseOffset && segment.size - start <= maxBytes
    const end = isWhole ? segment.size : endWithin(segment, start, { endOffset, maxBytes })
    const length = end > start ? end - start : atLeastOne ? first.batch.size : 0
    return length <= readLimit ? segment.read(start, length) : segment.slice(start, length)
  }

  #readSegment(segment: Segment, options: ReadOptions): Buffer | undefined {
    const { offset, maxBytes, endOffset, atLeastOne } = options
    const lookahead = maxBytes + this.#log.config.indexIntervalBytes
    let chunkAt = segment.positionBefore(offset)
    let chunk = segment.read(chunkAt, lookahead)
    let start = 0
    for (;;) {
      if (!hasWholeBatch(chunk, start)) {
        // Either the end of the segment, or a batch that extends beyond the chunk.
        const position = chunkAt + start
        if (position >= segment.size) return undefined
        const header = segment.read(position, RECORD_BATCH_HEADER_SIZE)
        if (header.length < RECORD_BATCH_HEADER_SIZE) return undefined
        const batch = new RecordBatch(header)
        if (batch.lastOffset >= offset) {
          if (batch.baseOffset >= endOffset) return EMPTY
          return batch.size <= maxBytes || atLeastOne ? segment.read(position, batch.size) : EMPTY
        }
        chunkAt = position + batch.size
        chunk = segment.read(chunkAt, lookahead)
        start = 0
        continue
      }
      const batch = new RecordBatch(chunk, start)
      if (batch.lastOffset >= offset) break
      start += batch.size
    }
    let end = start
    while (hasWholeBatch(chunk, end)) {
      const batch = new RecordBatch(chunk, end)
      if (batch.baseOffset >= endOffset) break
      if (end + batch.size - start > maxBytes && !(atLeastOne && end === start)) break
      end += batch.size
    }
    return chunk.subarray(start, end)
  }

  /** Approximate number of bytes that a read of `[from, to)` returns: exact to an index entry. */
  bytesBetween(from: bigint, to: bigint): number {
    if (from >= to) return 0
    const { segments } = this.#log
    let bytes = 0
    for (let i = this.#segmentFor(from); i < segments.length; i++) {
      const segment = elementAt(segments, i)
      if (segment.baseOffset >= to) break
      const start = from > segment.baseOffset ? (segment.find(from)?.position ?? segment.size) : 0
      bytes += segment.size - start
    }
    return bytes
  }

  /**
   * Aborted transactions that a reader of `[from, to)` needs, by the rule of the transaction index.
   */
  abortedTransactions(from: bigint, to: bigint): AbortedTransaction[] {
    const { segments } = this.#log
    const found: AbortedTransaction[] = []
    for (let i = this.#segmentFor(from); i < segments.length; i++) {
      for (const aborted of elementAt(segments, i).abortedTransactions) {
        if (aborted.lastOffset >= from && aborted.firstOffset < to) found.push(aborted)
        if (aborted.lastStableOffset >= to) return found
      }
    }
    return found
  }

  /** The first record below `endOffset` whose timestamp is not before `timestamp`. */
  offsetForTimestamp(timestamp: bigint, endOffset: bigint): TimestampAndOffset | undefined {
    const { segments, logStartOffset } = this.#log
    for (const segment of segments) {
      if (segment.baseOffset >= endOffset) return undefined
      if (segment.size === 0 || segment.maxTimestamp < timestamp) continue
      const from = segment.baseOffset + BigInt(segment.timeIndex.offsetBefore(timestamp))
      for (const { batch } of segment.scan(segment.positionBefore(from))) {
        if (batch.baseOffset >= endOffset) return undefined
        if (batch.maxTimestamp < timestamp || batch.lastOffset < logStartOffset) continue
        const record = readRecords(batch).find(
          (candidate) => candidate.timestamp >= timestamp && candidate.offset >= logStartOffset,
        )
        if (record !== undefined && record.offset < endOffset) {
          return {
            timestamp: record.timestamp,
            offset: record.offset,
            leaderEpoch: batch.partitionLeaderEpoch,
          }
        }
      }
    }
    return undefined
  }

  /** The first of the records below `endOffset` with the newest timestamp (KIP-734). */
  offsetOfMaxTimestamp(endOffset: bigint): TimestampAndOffset | undefined {
    let newest: Segment | undefined
    for (const segment of this.#log.segments) {
      if (segment.size > 0 && segment.maxTimestamp > (newest?.maxTimestamp ?? -1n)) {
        newest = segment
      }
    }
    if (newest === undefined) return undefined
    return this.offsetForTimestamp(newest.maxTimestamp, endOffset)
  }

  /** All whole batches from `offset` to `endOffset`. */
  *batches(offset: bigint, endOffset: bigint): Generator<RecordBatch> {
    // The log may change between two steps.
    for (let i = this.#segmentFor(offset); i < this.#log.segments.length; i++) {
      const segment = elementAt(this.#log.segments, i)
      const from = offset > segment.baseOffset ? segment.positionBefore(offset) : 0
      for (const { batch } of segment.scan(from)) {
        if (batch.baseOffset >= endOffset) return
        if (batch.lastOffset >= offset) yield batch
      }
    }
  }
}

/** End of the batches from `start` that are below `endOffset` and have at most `maxBytes`. */
function endWithin(
  segment: Segment,
  start: number,
  { endOffset, maxBytes }: Pick<ReadOptions, 'endOffset' | 'maxBytes'>,
): number {
  const from = Math.min(
    segment.batchStartBefore(start + maxBytes),
    segment.positionBefore(endOffset),
  )
  let end = Math.max(start, from)
  for (const { batch, position } of segment.headers(end)) {
    const next = position + batch.size
    if (batch.baseOffset >= endOffset || next - start > maxBytes) break
    end = next
  }
  return end
}
