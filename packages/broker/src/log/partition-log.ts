// SPDX-License-Identifier: Apache-2.0
import { attempt, type FileSystem, type Logger, type World } from '@millrace/base'
import {
  hasWholeBatch,
  ProtocolError,
  RECORD_BATCH_HEADER_SIZE,
  RecordBatch,
  readRecords,
} from '@millrace/protocol'
import { readEpochCheckpoint, writeEpochCheckpoint } from './checkpoint-files.ts'
import {
  type EndMarker,
  endMarkerBatch,
  isAbortMarker,
  markerCoordinatorEpoch,
} from './control-batch.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { ProducerState } from './producer-state.ts'
import { Segment, segmentName, UndoFailedError } from './segment.ts'
import type { LogSlice } from './shared-file.ts'
import { storageError, systemMessage } from './storage-error.ts'
import type { AbortedTransaction } from './transaction-index.ts'

export interface LogOptions {
  readonly world: World
  readonly logger: Logger
  /** The partition's directory. */
  readonly directory: string
  /** `topic-partition`, for messages. */
  readonly name: string
  readonly config: LogConfig
  /** Whether the last stop was clean: then files are trusted as they are. */
  readonly wasClean: boolean
  /** Offsets below are known to be on disk in good order. */
  readonly recoveryPoint: bigint
  readonly logStartOffset: bigint
  /** A log that is not durable (`--ephemeral`) is never synced. */
  readonly durable: boolean
  /**
   * Called when files and memory may no longer agree: the log's directory must not be used further.
   */
  readonly onFailure: (error: ProtocolError) => void
}

export interface AppendResult {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** -1 unless the topic stamps records on arrival. */
  readonly logAppendTimeMs: bigint
}

export interface ReadOptions {
  readonly offset: bigint
  readonly maxBytes: number
  /** Return the first batch although it is larger than `maxBytes` (KIP-74). */
  readonly atLeastOne: boolean
  /** Nothing at or after this offset is returned. */
  readonly endOffset: bigint
}

export interface TimestampAndOffset {
  readonly timestamp: bigint
  readonly offset: bigint
  readonly leaderEpoch: number
}

const EMPTY = Buffer.alloc(0)
const INDEX_SUFFIXES = ['.index', '.timeindex', '.txnindex'] as const

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function isIndexName(name: string): boolean {
  return /^\d{20}\.(index|timeindex|txnindex)$/.test(name)
}

/** Offset after the last whole batch in a segment's file, or undefined when it has none. */
function endOfFile(fs: FileSystem, path: string): bigint | undefined {
  const file = fs.open(path)
  const header = Buffer.alloc(RECORD_BATCH_HEADER_SIZE)
  let end: bigint | undefined
  try {
    for (let at = 0; file.read(header, 0, header.length, at) === header.length; ) {
      const batch = new RecordBatch(header)
      if (batch.size < header.length) break
      end = batch.nextOffset
      at += batch.size
    }
  } finally {
    file.close()
  }
  return end
}

/**
 * One partition's log: segments, indexes, producer state and leader epochs. All methods are
 * synchronous and touch the page cache only; `flush` makes what was appended durable and moves the
 * high watermark.
 */
export class PartitionLog {
  readonly name: string
  directory: string
  config: LogConfig
  readonly producers = new ProducerState()
  readonly #world: World
  readonly #fs: FileSystem
  readonly #logger: Logger
  readonly #durable: boolean
  #segments: Segment[] = []
  #epochs = new LeaderEpochs()
  #logStartOffset: bigint
  #logEndOffset = 0n
  #flushedOffset = 0n
  #highWatermark = 0n
  /** Segments with bytes that are not synced. */
  readonly #dirty = new Set<Segment>()
  #directoryDirty = true
  /** Resolves with what went wrong, or undefined. */
  #flushing: Promise<unknown> | undefined
  #flushWanted = false
  readonly #flushWaiters: {
    readonly offset: bigint
    resolve(): void
    reject(error: unknown): void
  }[] = []
  readonly #watchers = new Set<() => void>()
  #lastFlushMs: number
  #rollJitterMs: number
  #closed = false
  readonly #onFailure: (error: ProtocolError) => void
  /** Why the log cannot be used, once it cannot. */
  #failure: ProtocolError | undefined
  /** Whether the last write was refused: only the first of several is logged. */
  #isRefusing = false
  /** Offset up to which compaction has been done. */
  cleanedUpTo = 0n

  private constructor(options: LogOptions) {
    this.name = options.name
    this.directory = options.directory
    this.config = options.config
    this.#world = options.world
    this.#fs = options.world.fileSystem
    this.#logger = options.logger
    this.#durable = options.durable
    this.#onFailure = options.onFailure
    this.#logStartOffset = options.logStartOffset
    this.#lastFlushMs = options.world.clock.now()
    this.#rollJitterMs = this.#newJitter()
  }

  /**
   * Opens the log in a directory, making it when there is none, and repairs it after an unclean
   * stop.
   */
  static open(options: LogOptions): PartitionLog {
    const log = new PartitionLog(options)
    try {
      log.#fs.makeDirectory(options.directory)
      log.#load(options)
    } catch (error) {
      for (const segment of log.#segments) segment.close()
      throw storageError(`open ${options.name}`, error)
    }
    return log
  }

  /** Why the log cannot be used, or undefined while it can: its directory failed. */
  get failure(): ProtocolError | undefined {
    return this.#failure
  }

  /**
   * Ends the use of a log whose directory failed: all that wait are told, and every later call
   * throws the error.
   */
  fail(error: ProtocolError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const segment of this.#segments) segment.closeQuietly()
    for (const waiter of this.#flushWaiters.splice(0)) waiter.reject(error)
    this.#wake()
  }

  #requireSound(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Runs what must not stop half way: if it does, the log cannot be used further. */
  #critically<T>(what: string, run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw this.#failWith(what, error)
    }
  }

  #failWith(what: string, error: unknown): ProtocolError {
    const failure = new ProtocolError(
      'KAFKA_STORAGE_ERROR',
      `log directory ${parentOf(this.directory)} is offline: cannot ${what} of ${this.name}: ${systemMessage(error)}`,
      { cause: error },
    )
    this.fail(failure)
    this.#onFailure(failure)
    return failure
  }

  #newJitter(): number {
    const { segmentJitterMs, segmentMs } = this.config
    const limit = Math.min(segmentJitterMs, segmentMs)
    return limit <= 0 ? 0 : this.#world.random.integer(Math.min(limit, 2 ** 47))
  }

  // --------------------------------------------------------------------------------------- loading

  #load(options: LogOptions): void {
    const names = this.#fs.list(this.directory).map((entry) => entry.name)
    this.#finishSwaps(names)
    const baseOffsets = this.#fs
      .list(this.directory)
      .map((entry) => entry.name)
      .filter((name) => /^\d{20}\.log$/.test(name))
      .map((name) => BigInt(name.slice(0, 20)))
      .sort((a, b) => (a < b ? -1 : 1))
    this.#epochs = new LeaderEpochs(
      readEpochCheckpoint(this.#fs, `${this.directory}/leader-epoch-checkpoint`),
    )
    for (const baseOffset of baseOffsets) this.#segments.push(this.#openSegment(baseOffset))
    if (this.#segments.length === 0) {
      this.#segments.push(this.#openSegment(this.#logStartOffset))
    }
    const first = this.#segments[0] as Segment
    if (this.#logStartOffset < first.baseOffset) this.#logStartOffset = first.baseOffset
    if (options.wasClean) this.#logEndOffset = this.#endOfActive()
    else this.#recover(options.recoveryPoint)
    if (this.#logEndOffset < this.#logStartOffset) this.#startAfresh(this.#logStartOffset)
    this.#loadProducerState()
    this.#epochs.truncateEnd(this.#logEndOffset)
    this.#flushedOffset = this.#logEndOffset
    this.#highWatermark = this.#logEndOffset
  }

  /** Compaction replaces segments by renaming; a crash in between is finished or undone here. */
  #finishSwaps(names: readonly string[]): void {
    for (const name of names) {
      const path = `${this.directory}/${name}`
      if (name.endsWith('.cleaned') || name.endsWith('.deleted') || name.endsWith('.tmp')) {
        this.#fs.remove(path)
      } else if (name.endsWith('.log.swap')) this.#finishSwap(name, names)
      else if (name.endsWith('.swap')) this.#fs.remove(path)
      else if (isIndexName(name) && !names.includes(`${name.slice(0, 20)}.log`)) {
        if (!names.includes(`${name.slice(0, 20)}.log.swap`)) this.#fs.remove(path)
      }
    }
  }

  /** Puts a compacted segment in the place of those it was made of, whichever of them are left. */
  #finishSwap(name: string, names: readonly string[]): void {
    const baseOffset = BigInt(name.slice(0, 20))
    const path = `${this.directory}/${name}`
    const end = endOfFile(this.#fs, path) ?? baseOffset
    for (const other of names) {
      if (!/^\d{20}\.log$/.test(other)) continue
      const base = BigInt(other.slice(0, 20))
      if (base < baseOffset || base >= end) continue
      for (const suffix of INDEX_SUFFIXES) {
        this.#fs.remove(`${this.directory}/${other.slice(0, 20)}${suffix}`)
      }
      if (base !== baseOffset) this.#fs.remove(`${this.directory}/${other}`)
    }
    this.#fs.rename(path, path.slice(0, -'.swap'.length))
    this.#fs.syncDirectory(this.directory)
  }

  #openSegment(baseOffset: bigint): Segment {
    const path = `${this.directory}/${segmentName(baseOffset)}.log`
    return new Segment({
      fs: this.#fs,
      directory: this.directory,
      baseOffset,
      size: this.#fs.fileSize(path) ?? 0,
      createdMs: this.#world.clock.now(),
    })
  }

  #endOfActive(): bigint {
    const active = this.activeSegment
    const last = active.offsetIndex.last
    let end = active.baseOffset
    let position = last?.position ?? 0
    for (const { batch, position: at } of active.scan(position)) {
      end = batch.nextOffset
      position = at + batch.size
    }
    // Bytes after the last whole batch can only be a torn write that no clean stop leaves; cut them
    // all the same.
    if (position < active.size) active.truncate(position)
    return end
  }

  /**
   * Checks every batch from the recovery point on and cuts the log at the first that is torn or
   * damaged.
   */
  #recover(recoveryPoint: bigint): void {
    let from = this.#segments.findLastIndex((segment) => segment.baseOffset <= recoveryPoint)
    if (from < 0) from = 0
    let end = this.#segments[from]?.baseOffset ?? 0n
    for (let i = from; i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment
      // A roll that failed may have left its empty file behind, in the middle of what came after.
      if (segment.baseOffset < end && segment.size === 0) {
        this.#segments.splice(i--, 1)
        segment.remove()
        continue
      }
      const goodSize = this.#recoverSegment(segment)
      end = goodSize.endOffset
      if (goodSize.size === segment.size) continue
      this.#logger.warn('cut a damaged log', {
        log: this.name,
        at: end,
        bytes: segment.size - goodSize.size,
        segmentsDropped: this.#segments.length - i - 1,
      })
      segment.file.truncate(goodSize.size)
      segment.size = goodSize.size
      for (const dropped of this.#segments.splice(i + 1)) dropped.remove()
      break
    }
    this.#logEndOffset = end
    // Producer state is replayed over all that was checked, which also finds the aborted
    // transactions again.
    const checkedFrom = this.#segments[from]?.baseOffset ?? 0n
    for (const { offset, path } of this.#snapshots()) {
      if (offset > checkedFrom) this.#fs.remove(path)
    }
    // What survived the death of a process may still be in the page cache only.
    if (this.#durable) {
      for (const segment of this.#segments.slice(from)) segment.file.sync()
    }
  }

  #recoverSegment(segment: Segment): { readonly size: number; readonly endOffset: bigint } {
    segment.resetIndexes()
    let size = 0
    let endOffset = segment.baseOffset
    for (const { batch, position } of segment.scan()) {
      const isSound =
        batch.magic === 2 &&
        batch.baseOffset >= endOffset &&
        batch.lastOffsetDelta >= 0 &&
        batch.count >= 0 &&
        batch.lastOffset - segment.baseOffset <= 0x7fffffffn &&
        batch.computeCrc() === batch.crc
      if (!isSound) break
      if (batch.partitionLeaderEpoch >= 0) {
        this.#epochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
      }
      segment.noteBatch(batch, position, this.config.indexIntervalBytes)
      size = position + batch.size
      endOffset = batch.nextOffset
    }
    return { size, endOffset }
  }

  #startAfresh(offset: bigint): void {
    for (const segment of this.#segments) segment.remove()
    this.#segments = [this.#openSegment(offset)]
    this.#dirty.clear()
    this.#logEndOffset = offset
  }

  #snapshots(): { readonly offset: bigint; readonly path: string }[] {
    return this.#fs
      .list(this.directory)
      .filter((entry) => /^\d{20}\.snapshot$/.test(entry.name))
      .map((entry) => ({
        offset: BigInt(entry.name.slice(0, 20)),
        path: `${this.directory}/${entry.name}`,
      }))
      .sort((a, b) => (a.offset < b.offset ? 1 : -1))
  }

  #loadProducerState(): void {
    this.producers.clear()
    let from = this.#logStartOffset
    for (const { offset, path } of this.#snapshots()) {
      if (offset > this.#logEndOffset || offset < this.#logStartOffset) continue
      try {
        this.producers.restore(this.#fs.readFile(path))
        from = offset
        break
      } catch (error) {
        this.#logger.warn('dropped a damaged producer snapshot', { path, error })
        this.#fs.remove(path)
      }
    }
    for (const segment of this.#segments) this.#replayProducers(segment, from)
  }

  #replayProducers(segment: Segment, from: bigint): void {
    if (from >= this.#logEndOffset) return
    const next = this.#segments[this.#segments.indexOf(segment) + 1]
    if (next !== undefined && next.baseOffset <= from) return
    const position = from > segment.baseOffset ? segment.positionBefore(from) : 0
    // Recovery has reset the indexes, so aborted transactions are found again on the way.
    for (const { batch } of segment.scan(position)) {
      if (batch.baseOffset >= from) this.#noteProducer(batch, segment)
    }
  }

  #noteProducer(batch: RecordBatch, segment: Segment): void {
    if (!batch.hasProducerId) return
    if (!batch.isControl) {
      this.producers.update(batch)
      return
    }
    const isAborted = isAbortMarker(batch)
    if (isAborted === undefined) return
    const completed = this.producers.complete(batch, {
      isAborted,
      coordinatorEpoch: markerCoordinatorEpoch(batch),
    })
    if (completed?.isAborted !== true) return
    const known = segment.abortedTransactions.some(
      (entry) => entry.lastOffset === completed.lastOffset,
    )
    if (known) return
    segment.addAbortedTransaction({
      producerId: completed.producerId,
      firstOffset: completed.firstOffset,
      lastOffset: completed.lastOffset,
      lastStableOffset: this.producers.firstUnstableOffset ?? completed.lastOffset + 1n,
    })
  }

  // --------------------------------------------------------------------------------- what is known

  get activeSegment(): Segment {
    return this.#segments.at(-1) as Segment
  }
  get segments(): readonly Segment[] {
    return this.#segments
  }
  get logStartOffset(): bigint {
    return this.#logStartOffset
  }
  get logEndOffset(): bigint {
    return this.#logEndOffset
  }
  /** Records below are durable and may be read. */
  get highWatermark(): bigint {
    return this.#highWatermark
  }
  get flushedOffset(): bigint {
    return this.#flushedOffset
  }
  /** Records below belong to no open transaction. */
  get lastStableOffset(): bigint {
    const unstable = this.producers.firstUnstableOffset
    return unstable !== undefined && unstable < this.#highWatermark ? unstable : this.#highWatermark
  }
  get size(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0)
  }
  get leaderEpochs(): LeaderEpochs {
    return this.#epochs
  }

  /** Calls back, once per change, when records become readable. Returns how to stop. */
  watch(callback: () => void): () => void {
    this.#watchers.add(callback)
    return () => void this.#watchers.delete(callback)
  }

  // ------------------------------------------------------------------------------------- appending

  /**
   * Appends validated batches, assigning offsets and the leader epoch in place. Throws
   * `KAFKA_STORAGE_ERROR` when the disk refuses: then nothing has changed, or the log's directory
   * is offline.
   */
  append(batches: readonly RecordBatch[], leaderEpoch: number): AppendResult {
    this.#requireSound()
    let offset = this.#logEndOffset
    const baseOffset = offset
    for (const batch of batches) {
      batch.baseOffset = offset
      batch.partitionLeaderEpoch = leaderEpoch
      offset = batch.nextOffset
    }
    this.appendAsIs(batches)
    const last = batches.at(-1)
    return {
      baseOffset,
      lastOffset: offset - 1n,
      logAppendTimeMs: last?.hasLogAppendTime === true ? last.maxTimestamp : -1n,
    }
  }

  /** Ends a transaction here; throws as `ProducerState.checkMarker` does. */
  appendMarker(
    marker: EndMarker,
    options: { readonly leaderEpoch: number; readonly timestamp: bigint },
  ): AppendResult {
    this.#requireSound()
    this.producers.checkMarker(marker, this.name)
    return this.append([endMarkerBatch(marker, options.timestamp)], options.leaderEpoch)
  }

  /** Appends batches that carry their offsets and epochs already. */
  appendAsIs(batches: readonly RecordBatch[]): void {
    this.#requireSound()
    const first = batches[0]
    if (first === undefined) return
    const byteCount = batches.reduce((sum, batch) => sum + batch.size, 0)
    let active: Segment
    let position: number
    // Everything that the disk can refuse comes first, each step with its undoing; then memory
    // follows.
    try {
      this.#maybeRoll(byteCount, batches)
      this.#assignEpochs(batches)
      active = this.activeSegment
      position = active.size
      this.#dirty.add(active)
      active.append(
        batches.map((batch) => batch.bytes),
        byteCount,
      )
    } catch (error) {
      if (error instanceof UndoFailedError) throw this.#failWith('undo an append', error.cause)
      // What was written before the error is gone from the file, and must not come back after a
      // power cut.
      if (this.#durable) this.#requestFlush()
      throw this.#refused('append to', error)
    }
    this.#isRefusing = false
    for (const batch of batches) {
      active.noteBatch(batch, position, this.config.indexIntervalBytes)
      position += batch.size
      this.#logEndOffset = batch.nextOffset
      this.#noteProducer(batch, active)
    }
    if (!this.#durable || !this.#flushesEveryAppend) this.#moveHighWatermark(this.#logEndOffset)
    if (this.#durable) this.#flushAsConfigured()
  }

  #refused(what: string, error: unknown): unknown {
    const told = storageError(`${what} ${this.name}`, error)
    if (told !== error && !this.#isRefusing) {
      this.#isRefusing = true
      this.#logger.error(`cannot ${what} a log`, { log: this.name, error: systemMessage(error) })
    }
    return told
  }

  /** Notes the epochs of batches about to be appended, in the file first. */
  #assignEpochs(batches: readonly RecordBatch[]): void {
    const latest = this.#epochs.latestEpoch ?? -1
    if (batches.every(({ partitionLeaderEpoch }) => partitionLeaderEpoch <= latest)) return
    const epochs = new LeaderEpochs(this.#epochs.entries)
    for (const batch of batches) epochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
    this.#storeEpochs(epochs)
    this.#epochs = epochs
  }

  #storeEpochs(epochs = this.#epochs): void {
    writeEpochCheckpoint(this.#fs, `${this.directory}/leader-epoch-checkpoint`, epochs.entries)
  }

  #maybeRoll(byteCount: number, batches: readonly RecordBatch[]): void {
    const active = this.activeSegment
    if (active.size === 0) return
    const { config } = this
    const maxTimestamp = batches.reduce(
      (newest, batch) => (batch.maxTimestamp > newest ? batch.maxTimestamp : newest),
      -1n,
    )
    const lastOffset = batches.at(-1)?.lastOffset ?? this.#logEndOffset
    const full =
      active.size + byteCount > config.segmentBytes ||
      active.offsetIndex.count * 8 + 8 > config.segmentIndexBytes ||
      lastOffset - active.baseOffset > 0x7fffffffn
    if (full || this.#isOld(active, maxTimestamp)) this.roll()
  }

  #isOld(active: Segment, newTimestamp: bigint): boolean {
    const limit = this.config.segmentMs - this.#rollJitterMs
    if (active.firstTimestamp === undefined) {
      const [first] = active.scan()
      active.firstTimestamp = first?.batch.maxTimestamp
    }
    const started = active.firstTimestamp ?? -1n
    if (started >= 0n && newTimestamp >= 0n) return Number(newTimestamp - started) > limit
    return this.#world.clock.now() - active.createdMs > limit
  }

  /**
   * Seals the active segment and starts the next one at the log's end. Throws the system's error
   * when the disk refuses, and then the segment is still the active one.
   */
  roll(): void {
    this.#requireSound()
    const sealed = this.activeSegment
    if (sealed.size === 0) return
    this.#storeProducerSnapshot()
    sealed.storeIndexes()
    const next = this.#openSegment(this.#logEndOffset)
    try {
      next.resetIndexes()
      // The file says where the log goes on, also when everything before it is deleted before the
      // next append.
      next.file.truncate(0)
      next.size = 0
    } catch (error) {
      // Left behind, it would hide what is appended to the segment before it from the next start.
      this.#critically('undo a roll', () => next.remove())
      throw error
    }
    this.#segments.push(next)
    this.#directoryDirty = true
    this.#rollJitterMs = this.#newJitter()
    this.#dropOldSnapshots()
  }

  #storeProducerSnapshot(): void {
    const path = `${this.directory}/${segmentName(this.#logEndOffset)}.snapshot`
    const file = this.#fs.open(path, { create: true })
    let isWhole = false
    try {
      const data = this.producers.snapshot()
      file.write([data], 0)
      file.truncate(data.length)
      file.sync()
      isWhole = true
    } finally {
      file.close()
      // Without it, the next start replays from an older snapshot.
      if (!isWhole) this.#tidy(() => this.#fs.remove(path))
    }
  }

  /** Keeps the snapshots that stand at a segment's start, and the newest. */
  #dropOldSnapshots(): void {
    const starts = new Set(this.#segments.map((segment) => segment.baseOffset))
    this.#tidy(() => {
      const [, ...older] = this.#snapshots()
      for (const { offset, path } of older) {
        if (!starts.has(offset)) this.#fs.remove(path)
      }
    })
  }

  /** Removes files that do no harm if they stay. */
  #tidy(remove: () => void): void {
    try {
      remove()
    } catch (error) {
      this.#logger.warn('could not remove a file', {
        log: this.name,
        error: systemMessage(error),
      })
    }
  }

  // ------------------------------------------------------------------------------------ durability

  get #flushesEveryAppend(): boolean {
    return this.config.flushMessages === undefined && this.config.flushMs === undefined
  }

  #flushAsConfigured(): void {
    const { flushMessages, flushMs } = this.config
    if (this.#flushesEveryAppend) {
      this.#requestFlush()
      return
    }
    const pending = this.#logEndOffset - this.#flushedOffset
    const now = this.#world.clock.now()
    if (flushMessages !== undefined && pending >= BigInt(flushMessages)) this.#requestFlush()
    else if (flushMs !== undefined && now - this.#lastFlushMs >= flushMs) this.#requestFlush()
  }

  /** Flushes when `flush.ms` has passed; called from the log manager's schedule. */
  flushIfDue(now: number): void {
    const { flushMs } = this.config
    if (flushMs === undefined || this.#dirty.size === 0 || !this.#durable) return
    if (now - this.#lastFlushMs >= flushMs) this.#requestFlush()
  }

  /**
   * Resolves when everything below `offset` may be acknowledged: is durable, or is not meant to be.
   */
  acknowledged(offset: bigint): Promise<void> | undefined {
    this.#requireSound()
    if (this.#highWatermark >= offset) return undefined
    if (offset > this.#logEndOffset) {
      throw new ProtocolError(
        'KAFKA_STORAGE_ERROR',
        `${this.name} lost what was to be acknowledged`,
      )
    }
    return new Promise((resolve, reject) => this.#flushWaiters.push({ offset, resolve, reject }))
  }

  /**
   * Makes everything appended so far durable; throws `KAFKA_STORAGE_ERROR` when the disk cannot.
   */
  async flush(): Promise<void> {
    if (!this.#durable) return
    this.#requireSound()
    const target = this.#logEndOffset
    while (this.#flushedOffset < target || this.#dirty.size > 0) {
      this.#requestFlush()
      const failure = await this.#flushing
      if (failure !== undefined) throw failure
      this.#requireSound()
    }
  }

  /** One sync at a time; what is appended meanwhile shares the next one. */
  #requestFlush(): void {
    if (this.#flushing !== undefined) {
      this.#flushWanted = true
      return
    }
    if (this.#closed || this.#failure !== undefined) return
    this.#flushing = this.#syncDirty().finally(() => {
      this.#flushing = undefined
      if (this.#flushWanted) {
        this.#flushWanted = false
        this.#requestFlush()
      }
    })
  }

  async #syncDirty(): Promise<unknown> {
    // Whatever else this turn of the event loop appends comes along, and waiters are in place
    // before anything fails.
    await undefined
    const target = this.#logEndOffset
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    try {
      if (this.#directoryDirty) {
        this.#syncNames()
        this.#directoryDirty = false
      }
      if (dirty.length === 1) await dirty[0]?.file.syncAsync()
      else await Promise.all(dirty.map((segment) => segment.file.syncAsync()))
    } catch (error) {
      return this.#failFlush(error, dirty)
    }
    if (this.#failure !== undefined) return this.#failure
    this.#lastFlushMs = this.#world.clock.now()
    if (target > this.#flushedOffset) this.#flushedOffset = target
    this.#moveHighWatermark(this.#flushedOffset)
    return undefined
  }

  /**
   * Makes the directory, its metadata and the names in it durable, without which the records would
   * not be found.
   */
  #syncNames(): void {
    const metadata = `${this.directory}/partition.metadata`
    if (this.#fs.fileSize(metadata) !== undefined) {
      const file = this.#fs.open(metadata)
      file.sync()
      file.close()
    }
    this.#fs.syncDirectory(this.directory)
    this.#fs.syncDirectory(parentOf(this.directory))
  }

  /**
   * The system may have dropped the unsynced pages, so what they held must not be offered again:
   * the log goes back to its last durable state, and those who wait for more are told. Where
   * records are acknowledged before they are durable there is no such way back, and the log cannot
   * be used further.
   */
  #failFlush(error: unknown, dirty: readonly Segment[]): unknown {
    for (const segment of dirty) this.#dirty.add(segment)
    if (this.#failure !== undefined) return this.#failure
    if (this.#closed) return storageError(`flush ${this.name}`, error)
    if (!this.#flushesEveryAppend) return this.#failWith('flush the end', error)
    const failure = this.#refused('flush', error)
    const waiters = this.#flushWaiters.splice(0)
    try {
      this.truncate(this.#flushedOffset)
    } catch (truncateError) {
      for (const waiter of waiters) waiter.reject(failure)
      return truncateError
    }
    for (const waiter of waiters) waiter.reject(failure)
    // That it was taken back must be durable too.
    this.#flushWanted = this.#dirty.size > 0
    return failure
  }

  #moveHighWatermark(offset: bigint): void {
    if (offset <= this.#highWatermark) return
    this.#highWatermark = offset
    const waiters = this.#flushWaiters
    let done = 0
    while (done < waiters.length && (waiters[done]?.offset ?? 0n) <= offset)
      waiters[done++]?.resolve()
    if (done > 0) waiters.splice(0, done)
    this.#wake()
  }

  /** A watcher that fails stops neither the others nor the append. */
  #wake(): void {
    for (const callback of [...this.#watchers]) attempt(this.#logger, 'watching a log', callback)
  }

  // --------------------------------------------------------------------------------------- reading

  #segmentFor(offset: bigint): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle] as Segment).baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /**
   * Whole batches from the one that holds `offset` on. The caller has checked that the offset is in
   * range.
   */
  read(options: ReadOptions): Buffer {
    this.#requireSound()
    const { offset, endOffset } = options
    if (offset >= endOffset) return EMPTY
    return this.#reading(() => this.#read(options))
  }

  /** The disk's errors as clients are told them. An error of reading changes nothing. */
  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw storageError(`read ${this.name}`, error)
    }
  }

  #read(options: ReadOptions): Buffer {
    const { offset, endOffset } = options
    for (let i = Math.max(0, this.#segmentFor(offset)); i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment
      if (segment.baseOffset >= endOffset) return EMPTY
      const data = this.#readSegment(segment, options)
      // A compacted segment may end before the offset asked for: the next record is in a later one.
      if (data !== undefined) return data
    }
    return EMPTY
  }

  /**
   * The same, but what is longer than `readLimit` is left in its file and read when it is sent. A slice must be retained before anything
   * else happens to the log.
   */
  slice(options: ReadOptions & { readonly readLimit: number }): Buffer | LogSlice {
    this.#requireSound()
    const { offset, endOffset } = options
    if (offset >= endOffset) return EMPTY
    return this.#reading(() => this.#slice(options))
  }

  #slice(options: ReadOptions & { readonly readLimit: number }): Buffer | LogSlice {
    const { offset, endOffset, readLimit } = options
    for (let i = Math.max(0, this.#segmentFor(offset)); i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment
      if (segment.baseOffset >= endOffset) return EMPTY
      // Most readers are near the end of the log: then one read does it.
      const data =
        segment.size - segment.positionBefore(offset) <= readLimit
          ? this.#readSegment(segment, options)
          : this.#sliceSegment(segment, options, this.#segments[i + 1]?.baseOffset)
      if (data !== undefined) return data
    }
    return EMPTY
  }

  #sliceSegment(
    segment: Segment,
    options: ReadOptions & { readonly readLimit: number },
    nextBaseOffset = this.#logEndOffset,
  ): Buffer | LogSlice | undefined {
    const { offset, maxBytes, endOffset, atLeastOne, readLimit } = options
    const first = segment.find(offset)
    if (first === undefined) return undefined
    if (first.batch.baseOffset >= endOffset) return EMPTY
    const start = first.position
    const isWhole = endOffset >= nextBaseOffset && segment.size - start <= maxBytes
    const end = isWhole ? segment.size : this.#endWithin(segment, start, { endOffset, maxBytes })
    const length = end > start ? end - start : atLeastOne ? first.batch.size : 0
    return length <= readLimit ? segment.read(start, length) : segment.slice(start, length)
  }

  /** Where the batches end that start at `start`, lie below `endOffset` and take at most `maxBytes`. */
  #endWithin(
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

  #readSegment(segment: Segment, options: ReadOptions): Buffer | undefined {
    const { offset, maxBytes, endOffset, atLeastOne } = options
    const from = segment.positionBefore(offset)
    const lookahead = maxBytes + this.config.indexIntervalBytes
    let chunk = segment.read(from, lookahead)
    let chunkAt = from
    let start = 0
    for (;;) {
      if (!hasWholeBatch(chunk, start)) {
        // Either the segment's end, or a batch that reaches past the chunk.
        const position = chunkAt + start
        if (position >= segment.size) return undefined
        const header = segment.read(position, 61)
        if (header.length < 61) return undefined
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

  /** About how many bytes a read of `[from, to)` gives: exact to an index entry. */
  bytesBetween(from: bigint, to: bigint): number {
    this.#requireSound()
    return from >= to ? 0 : this.#reading(() => this.#bytesBetween(from, to))
  }

  #bytesBetween(from: bigint, to: bigint): number {
    let bytes = 0
    for (let i = Math.max(0, this.#segmentFor(from)); i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment
      if (segment.baseOffset >= to) break
      const start = from > segment.baseOffset ? (segment.find(from)?.position ?? segment.size) : 0
      bytes += segment.size - start
    }
    return bytes
  }

  /**
   * Aborted transactions that a reader of `[from, to)` must know, by the rule of the transaction
   * index.
   */
  abortedTransactions(from: bigint, to: bigint): AbortedTransaction[] {
    this.#requireSound()
    return this.#reading(() => this.#abortedTransactions(from, to))
  }

  #abortedTransactions(from: bigint, to: bigint): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (let i = Math.max(0, this.#segmentFor(from)); i < this.#segments.length; i++) {
      for (const aborted of (this.#segments[i] as Segment).abortedTransactions) {
        if (aborted.lastOffset >= from && aborted.firstOffset < to) found.push(aborted)
        if (aborted.lastStableOffset >= to) return found
      }
    }
    return found
  }

  /** First record with at least this timestamp, below `endOffset`. */
  offsetForTimestamp(timestamp: bigint, endOffset: bigint): TimestampAndOffset | undefined {
    this.#requireSound()
    return this.#reading(() => this.#offsetForTimestamp(timestamp, endOffset))
  }

  #offsetForTimestamp(timestamp: bigint, endOffset: bigint): TimestampAndOffset | undefined {
    for (const segment of this.#segments) {
      if (segment.baseOffset >= endOffset) return undefined
      if (segment.size === 0 || segment.maxTimestamp < timestamp) continue
      const from = segment.baseOffset + BigInt(segment.timeIndex.offsetBefore(timestamp))
      for (const { batch } of segment.scan(segment.positionBefore(from))) {
        if (batch.baseOffset >= endOffset) return undefined
        if (batch.maxTimestamp < timestamp || batch.lastOffset < this.#logStartOffset) continue
        const record = readRecords(batch).find(
          (candidate) =>
            candidate.timestamp >= timestamp && candidate.offset >= this.#logStartOffset,
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

  /** The record with the newest timestamp, the first of several (KIP-734). */
  offsetOfMaxTimestamp(): TimestampAndOffset | undefined {
    this.#requireSound()
    return this.#reading(() => {
      let newest: Segment | undefined
      for (const segment of this.#segments) {
        if (segment.size > 0 && segment.maxTimestamp > (newest?.maxTimestamp ?? -1n)) {
          newest = segment
        }
      }
      if (newest === undefined) return undefined
      return this.#offsetForTimestamp(newest.maxTimestamp, this.#highWatermark)
    })
  }

  /** All whole batches from `offset` to `endOffset`, for replay at start-up and for compaction. */
  *batches(offset: bigint, endOffset = this.#logEndOffset): Generator<RecordBatch> {
    this.#requireSound()
    for (let i = Math.max(0, this.#segmentFor(offset)); i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment
      const from = offset > segment.baseOffset ? segment.positionBefore(offset) : 0
      for (const { batch } of segment.scan(from)) {
        if (batch.baseOffset >= endOffset) return
        if (batch.lastOffset >= offset) yield batch
      }
    }
  }

  // ------------------------------------------------------------------------------------ shortening

  /**
   * Moves the start of the log; whole segments below it are deleted at the next retention check.
   */
  advanceLogStart(offset: bigint): void {
    this.#requireSound()
    if (offset <= this.#logStartOffset) return
    this.#logStartOffset = offset
    if (offset > this.#logEndOffset) {
      this.#critically('make a new start', () => this.#startAfresh(offset))
    }
    this.#epochs.truncateStart(offset)
  }

  /** Cuts everything from `endOffset` on. */
  truncate(endOffset: bigint): void {
    this.#requireSound()
    if (endOffset < this.#logEndOffset) {
      this.#critically('shorten the end', () => this.#truncate(endOffset))
    }
  }

  #truncate(endOffset: bigint): void {
    while (this.#segments.length > 1 && this.activeSegment.baseOffset >= endOffset) {
      const dropped = this.#segments.pop() as Segment
      this.#dirty.delete(dropped)
      dropped.remove()
      // Its name must not come back after a power cut.
      this.#directoryDirty = true
    }
    const active = this.activeSegment
    if (this.#directoryDirty) this.#dirty.add(active)
    const found = active.find(endOffset)
    if (found !== undefined) {
      active.truncate(found.position)
      active.truncateAborted(endOffset)
      this.#dirty.add(active)
    }
    this.#logEndOffset = endOffset
    this.#epochs.truncateEnd(endOffset)
    for (const { offset, path } of this.#snapshots()) {
      if (offset > endOffset) this.#fs.remove(path)
    }
    this.#loadProducerState()
    if (this.#highWatermark > endOffset) this.#highWatermark = endOffset
    if (this.#flushedOffset > endOffset) this.#flushedOffset = endOffset
  }

  /**
   * Deletes old segments by `retention.ms`, `retention.bytes` and the log start; returns how many.
   * The last segment is rolled first when all of it has expired, as Kafka does.
   */
  enforceRetention(now: number): number {
    this.#requireSound()
    const { config } = this
    let deleted = this.#deleteWhile((_oldest, next) => next.baseOffset <= this.#logStartOffset)
    if (!config.cleanupPolicy.delete) return deleted
    if (config.retentionMs >= 0) {
      const limit = BigInt(now) - BigInt(config.retentionMs)
      const isExpired = (segment: Segment): boolean => {
        const { maxTimestamp } = segment
        return (maxTimestamp >= 0n ? maxTimestamp : BigInt(segment.createdMs)) < limit
      }
      // Rolling takes space, of which there may be none before something is deleted.
      deleted += this.#deleteWhile(isExpired)
      const active = this.activeSegment
      if (
        active.size > 0 &&
        this.#logEndOffset === this.#highWatermark &&
        this.#segments.every(isExpired)
      ) {
        this.roll()
        deleted += this.#deleteWhile(isExpired)
      }
    }
    if (config.retentionBytes >= 0) {
      let excess = this.size - config.retentionBytes
      deleted += this.#deleteWhile((segment) => {
        if (excess < segment.size) return false
        excess -= segment.size
        return true
      })
    }
    return deleted
  }

  #deleteWhile(isDeletable: (segment: Segment, next: Segment) => boolean): number {
    let count = 0
    for (;;) {
      const [oldest, next] = this.#segments
      if (oldest === undefined || next === undefined || next.baseOffset > this.#highWatermark) break
      if (!isDeletable(oldest, next)) break
      if (this.#directoryDirty && this.#durable) {
        this.#syncNames()
        this.#directoryDirty = false
      }
      this.#removeOldest(oldest)
      this.#segments.shift()
      this.#dirty.delete(oldest)
      if (next.baseOffset > this.#logStartOffset) this.#logStartOffset = next.baseOffset
      count++
    }
    if (count > 0) {
      this.#epochs.truncateStart(this.#logStartOffset)
      this.#tidy(() => {
        for (const { offset, path } of this.#snapshots()) {
          if (offset < this.#logStartOffset) this.#fs.remove(path)
        }
      })
    }
    return count
  }

  /** Throws the system's error when the segment is still there, as it was. */
  #removeOldest(segment: Segment): void {
    try {
      segment.remove()
    } catch (error) {
      const isThere = this.#critically('look for a segment', () => segment.exists)
      if (isThere) throw error
      this.#logger.warn('could not remove the indexes of a segment', {
        log: this.name,
        error: systemMessage(error),
      })
    }
  }

  /** Removes a file that the next start would act on. */
  withdraw(path: string): void {
    this.#critically('withdraw a compaction', () => this.#fs.remove(path))
  }

  /**
   * Replaces sealed neighbours by one compacted segment whose file `….log.swap` is ready and
   * synced.
   */
  replaceSegments(replaced: readonly Segment[], baseOffset: bigint): void {
    this.#requireSound()
    this.#critically('finish a compaction', () => this.#replaceSegments(replaced, baseOffset))
  }

  #replaceSegments(replaced: readonly Segment[], baseOffset: bigint): void {
    const at = this.#segments.indexOf(replaced[0] as Segment)
    for (const segment of replaced) segment.close()
    const path = `${this.directory}/${segmentName(baseOffset)}.log`
    for (const segment of [...replaced].reverse()) {
      if (segment.baseOffset !== baseOffset) segment.remove()
    }
    for (const suffix of INDEX_SUFFIXES) this.#fs.remove(path.replace(/\.log$/, suffix))
    this.#fs.rename(`${path}.swap`, path)
    this.#fs.syncDirectory(this.directory)
    const segment = this.#openSegment(baseOffset)
    for (const aborted of replaced.flatMap((old) => [...old.abortedTransactions])) {
      segment.addAbortedTransaction(aborted)
    }
    segment.rebuildIndexes(this.config.indexIntervalBytes)
    segment.storeIndexes()
    for (const old of replaced) this.#dirty.delete(old)
    this.#segments.splice(at, replaced.length, segment)
  }

  expireProducers(before: bigint): void {
    this.producers.expire(before)
  }

  // ---------------------------------------------------------------------------------------- ending

  /**
   * Flushes, stores indexes and producer state, and closes the files: after this the log opens
   * without a scan.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#failure !== undefined) return this.abandon()
    await this.flush()
    this.#closed = true
    try {
      for (const segment of this.#segments) segment.storeIndexes()
      if (this.#durable) {
        this.#storeProducerSnapshot()
        this.#storeEpochs()
      }
    } catch (error) {
      throw storageError(`close ${this.name}`, error)
    } finally {
      for (const segment of this.#segments) segment.closeQuietly()
    }
  }

  /** Closes the files and leaves everything as a crash would. */
  abandon(): void {
    this.#closed = true
    for (const segment of this.#segments) segment.closeQuietly()
    for (const waiter of this.#flushWaiters.splice(0)) {
      waiter.reject(new ProtocolError('NOT_LEADER_OR_FOLLOWER', `${this.name} was closed`))
    }
  }

  /** Points the log at its renamed directory. */
  moveTo(directory: string): void {
    for (const segment of this.#segments) segment.closeQuietly()
    this.directory = directory
    this.#segments = this.#segments.map((old) => {
      const { baseOffset, size, createdMs } = old
      const moved = new Segment({ fs: this.#fs, directory, baseOffset, size, createdMs })
      moved.firstTimestamp = old.firstTimestamp
      return moved
    })
    this.#dirty.clear()
  }
}
