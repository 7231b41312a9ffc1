// SPDX-License-Identifier: Apache-2.0
import type { FileSystem, OpenFile } from '@millrace/base'
import { hasWholeBatch, RECORD_BATCH_HEADER_SIZE, RecordBatch } from '@millrace/protocol'
import { OffsetIndex } from './offset-index.ts'
import { LogSlice, SharedFile } from './shared-file.ts'
import { TimeIndex } from './time-index.ts'
import {
  type AbortedTransaction,
  decodeAbortedTransactions,
  storeAbortedTransactions,
} from './transaction-index.ts'

/** Chunk size for reading batches in sequence. */
const SCAN_CHUNK = 256 * 1024
/** Chunk size for reading headers only: about the distance between two index entries. */
const HEADER_CHUNK = 8 * 1024

/** File name of a segment without suffix: the base offset in 20 digits. */
export function segmentName(baseOffset: bigint): string {
  return baseOffset.toString().padStart(20, '0')
}

/** An append failed, and undoing it failed too: the file may contain more than it should. */
export class UndoFailedError extends Error {}

export interface ScannedBatch {
  readonly batch: RecordBatch
  readonly position: number
}

/** One `.log` file with its indexes. The last segment of a log grows; the others are sealed. */
export class Segment {
  readonly baseOffset: bigint
  readonly #fs: FileSystem
  readonly #basePath: string
  /** Bytes of the `.log` file that belong to the log. */
  size: number
  /** Timestamp of the first batch, relative to which `segment.ms` counts. */
  firstTimestamp: bigint | undefined
  /** When the segment was opened for writing, used while it has no timestamp. */
  createdMs: number
  #file: SharedFile | undefined
  #offsetIndex: OffsetIndex | undefined
  #timeIndex: TimeIndex | undefined
  #aborted: AbortedTransaction[] | undefined
  #bytesSinceIndexEntry = 0
  /** Whether the files lag behind memory. */
  #indexesUnsaved = false
  #maxTimestamp = -1n
  #offsetOfMaxTimestamp: bigint

  constructor(options: {
    readonly fs: FileSystem
    readonly directory: string
    readonly baseOffset: bigint
    readonly size: number
    readonly createdMs: number
  }) {
    this.#fs = options.fs
    this.baseOffset = options.baseOffset
    this.#basePath = `${options.directory}/${segmentName(options.baseOffset)}`
    this.size = options.size
    this.createdMs = options.createdMs
    this.#offsetOfMaxTimestamp = options.baseOffset
  }

  get path(): string {
    return `${this.#basePath}.log`
  }

  get file(): OpenFile {
    return this.#sharedFile.file
  }

  get #sharedFile(): SharedFile {
    // A file with contents that has disappeared must not be created again, empty.
    const create = this.size === 0
    this.#file ??= new SharedFile(this.#fs.open(this.path, { create }))
    return this.#file
  }

  /** Bytes that are read when they are sent. */
  slice(position: number, length: number): LogSlice {
    return new LogSlice(this.#sharedFile, position, length)
  }

  get offsetIndex(): OffsetIndex {
    if (this.#offsetIndex === undefined) this.#loadIndexes()
    return this.#offsetIndex as OffsetIndex
  }

  get timeIndex(): TimeIndex {
    if (this.#timeIndex === undefined) this.#loadIndexes()
    return this.#timeIndex as TimeIndex
  }

  get abortedTransactions(): readonly AbortedTransaction[] {
    this.#aborted ??= decodeAbortedTransactions(this.#readIfThere('.txnindex'))
    return this.#aborted
  }

  /** Maximum timestamp in the segment, -1 if it has none. */
  get maxTimestamp(): bigint {
    if (this.#timeIndex === undefined) this.#loadIndexes()
    return this.#maxTimestamp
  }

  get offsetOfMaxTimestamp(): bigint {
    if (this.#timeIndex === undefined) this.#loadIndexes()
    return this.#offsetOfMaxTimestamp
  }

  #readIfThere(suffix: string): Buffer {
    const path = this.#basePath + suffix
    return this.#fs.fileSize(path) === undefined ? Buffer.alloc(0) : this.#fs.readFile(path)
  }

  #loadIndexes(): void {
    const offsets = new OffsetIndex(this.#readIfThere('.index'))
    const times = new TimeIndex(this.#readIfThere('.timeindex'))
    if (
      this.#fs.fileSize(`${this.#basePath}.index`) === undefined ||
      !offsets.isSane(this.size) ||
      !times.isSane()
    ) {
      this.rebuildIndexes()
      return
    }
    this.#offsetIndex = offsets
    this.#timeIndex = times
    const newest = times.last
    if (newest !== undefined && newest.timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = newest.timestamp
      this.#offsetOfMaxTimestamp = this.baseOffset + BigInt(newest.relativeOffset)
    }
  }

  /** Resets the indexes; batches are then recorded one by one. */
  resetIndexes(): void {
    this.#offsetIndex = new OffsetIndex()
    this.#timeIndex = new TimeIndex()
    this.#aborted = []
    this.#bytesSinceIndexEntry = 0
    this.#maxTimestamp = -1n
    this.#offsetOfMaxTimestamp = this.baseOffset
    this.firstTimestamp = undefined
    this.#indexesUnsaved = true
  }

  rebuildIndexes(intervalBytes = 4096): void {
    const aborted = this.abortedTransactions
    this.resetIndexes()
    this.#aborted = [...aborted]
    for (const { batch, position } of this.scan()) this.noteBatch(batch, position, intervalBytes)
  }

  /** Records a batch at `position` in timestamps and indexes. */
  noteBatch(batch: RecordBatch, position: number, intervalBytes: number): void {
    const { maxTimestamp } = batch
    this.firstTimestamp ??= maxTimestamp
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp
      this.#offsetOfMaxTimestamp = batch.lastOffset
    }
    if (this.#bytesSinceIndexEntry > intervalBytes) {
      this.offsetIndex.append(Number(batch.lastOffset - this.baseOffset), position)
      this.timeIndex.maybeAppend(
        this.#maxTimestamp,
        Number(this.#offsetOfMaxTimestamp - this.baseOffset),
      )
      this.#bytesSinceIndexEntry = 0
    }
    this.#bytesSinceIndexEntry += batch.size
    this.#indexesUnsaved = true
  }

  /**
   * Appends bytes of the given batches. After an error the file has its previous length; if that
   * cannot be restored, `UndoFailedError` is thrown.
   */
  append(buffers: readonly Uint8Array[], byteCount: number): void {
    const position = this.size
    const { file } = this
    try {
      file.write(buffers, position)
    } catch (error) {
      try {
        file.truncate(position)
      } catch (undoError) {
        throw new UndoFailedError('append could not be undone', { cause: undoError })
      }
      throw error
    }
    this.size = position + byteCount
  }

  addAbortedTransaction(transaction: AbortedTransaction): void {
    this.#aborted = [...this.abortedTransactions, transaction]
    this.#indexesUnsaved = true
  }

  /** Reads complete and partial batches: up to `length` bytes from `position`. */
  read(position: number, length: number): Buffer {
    const wanted = Math.max(0, Math.min(length, this.size - position))
    const buffer = Buffer.allocUnsafeSlow(wanted)
    const count = this.file.read(buffer, 0, wanted, position)
    return count === wanted ? buffer : buffer.subarray(0, count)
  }

  /** Iterates over the batches from `position` on, up to the first incomplete one. */
  *scan(position = 0): Generator<ScannedBatch> {
    let at = position
    while (at < this.size) {
      let chunk = this.read(at, SCAN_CHUNK)
      if (chunk.length >= RECORD_BATCH_HEADER_SIZE && !hasWholeBatch(chunk, 0)) {
        const size = new RecordBatch(chunk).size
        if (size <= RECORD_BATCH_HEADER_SIZE - 1 || at + size > this.size) return
        chunk = this.read(at, size)
      }
      let offset = 0
      while (hasWholeBatch(chunk, offset)) {
        const batch = new RecordBatch(chunk, offset)
        yield { batch, position: at + offset }
        offset += batch.size
      }
      if (offset === 0) return
      at += offset
    }
  }

  /** Header of the first batch whose last offset is at least `offset`. */
  find(offset: bigint): ScannedBatch | undefined {
    for (const found of this.headers(this.positionBefore(offset))) {
      if (found.batch.lastOffset >= offset) return found
    }
    return undefined
  }

  /** A position at or before the batch that contains `offset`. */
  positionBefore(offset: bigint): number {
    return this.offsetIndex.positionBefore(Number(offset - this.baseOffset))
  }

  /** Headers of the batches from `position` on, which must be the start of one. */
  *headers(position: number): Generator<ScannedBatch> {
    let chunk = this.read(position, HEADER_CHUNK)
    let chunkAt = position
    for (let at = position; at + RECORD_BATCH_HEADER_SIZE <= this.size; ) {
      if (at + RECORD_BATCH_HEADER_SIZE > chunkAt + chunk.length) {
        chunk = this.read(at, HEADER_CHUNK)
        chunkAt = at
        if (chunk.length < RECORD_BATCH_HEADER_SIZE) return
      }
      const batch = new RecordBatch(chunk, at - chunkAt)
      if (batch.size < RECORD_BATCH_HEADER_SIZE || at + batch.size > this.size) return
      yield { batch, position: at }
      at += batch.size
    }
  }

  /** A position at or before `position` where a batch starts. */
  batchStartBefore(position: number): number {
    return this.offsetIndex.startBefore(position)
  }

  /** Truncates the file; the indexes are rebuilt when next needed. */
  truncate(size: number): void {
    this.file.truncate(size)
    this.size = size
    this.#aborted = undefined
    this.#offsetIndex = undefined
    this.#timeIndex = undefined
    this.#fs.remove(`${this.#basePath}.index`)
    this.#fs.remove(`${this.#basePath}.timeindex`)
  }

  /** Removes aborted transactions from `endOffset` on, whose markers are no longer in the log. */
  truncateAborted(endOffset: bigint): void {
    this.#aborted = this.abortedTransactions.filter((entry) => entry.lastOffset < endOffset)
    storeAbortedTransactions(this.#fs, `${this.#basePath}.txnindex`, this.#aborted)
  }

  /** Writes the indexes to their files, durably. */
  storeIndexes(): void {
    if (!this.#indexesUnsaved) return
    this.timeIndex.maybeAppend(
      this.#maxTimestamp,
      Number(this.#offsetOfMaxTimestamp - this.baseOffset),
    )
    this.offsetIndex.store(this.#fs, `${this.#basePath}.index`)
    this.timeIndex.store(this.#fs, `${this.#basePath}.timeindex`)
    storeAbortedTransactions(this.#fs, `${this.#basePath}.txnindex`, this.abortedTransactions)
    this.#indexesUnsaved = false
  }

  /** Releases the memory of a sealed segment's indexes; they are read again on demand. */
  releaseIndexes(): void {
    if (this.#indexesUnsaved) return
    this.#offsetIndex = undefined
    this.#timeIndex = undefined
  }

  close(): void {
    const file = this.#file
    this.#file = undefined
    file?.close()
  }

  /** Like `close`, for cases in which an error does not matter. */
  closeQuietly(): void {
    try {
      this.close()
    } catch {
      // What was not written is found at the next start.
    }
  }

  /** Whether the `.log` file exists. */
  get exists(): boolean {
    return this.#fs.fileSize(this.path) !== undefined
  }

  remove(): void {
    this.close()
    for (const suffix of ['.log', '.index', '.timeindex', '.txnindex']) {
      this.#fs.remove(this.#basePath + suffix)
    }
  }
}
