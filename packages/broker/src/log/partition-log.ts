// SPDX-License-Identifier: Apache-2.0
import { elementAt, type Logger, type World } from '@millrace/base'
import { ProtocolError, type RecordBatch } from '@millrace/protocol'
import { type EndMarker, endMarkerBatch } from './control-batch.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { INDEX_SUFFIXES, LogFiles, parentOf } from './log-files.ts'
import { type FlushedLog, LogFlusher } from './log-flusher.ts'
import { loadProducers, noteProducer } from './log-producers.ts'
import {
  LogReader,
  type ReadableLog,
  type ReadOptions,
  type SliceOptions,
  type TimestampAndOffset,
} from './log-reader.ts'
import { recoverLog } from './log-recovery.ts'
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
  /** Whether the last shutdown was clean: then files are trusted. */
  readonly wasClean: boolean
  /** Offsets below are known to be durable and intact. */
  readonly recoveryPoint: bigint
  readonly logStartOffset: bigint
  /** A log that is not durable (`--ephemeral`) is never synced. */
  readonly durable: boolean
  /**
   * Called when files and memory may no longer agree: the log's directory must not be used any
   * more.
   */
  readonly onFailure: (error: ProtocolError) => void
}

export interface AppendResult {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** -1 unless the topic sets append times. */
  readonly logAppendTimeMs: bigint
}

/**
 * The log of one partition: segments, indexes, producer state and leader epochs. All methods are
 * synchronous and use the page cache only; `flush` makes appended batches durable and advances the
 * high watermark.
 */
export class PartitionLog implements ReadableLog, FlushedLog {
  readonly name: string
  config: LogConfig
  readonly producers = new ProducerState()
  readonly #world: World
  readonly #logger: Logger
  readonly #durable: boolean
  readonly #files: LogFiles
  readonly #reader = new LogReader(this)
  readonly #flusher: LogFlusher
  #segments: Segment[]
  #epochs: LeaderEpochs
  #logStartOffset: bigint
  #logEndOffset: bigint
  #rollJitterMs: number
  #closed = false
  readonly #onFailure: (error: ProtocolError) => void
  /** Why the log cannot be used, once it cannot. */
  #failure: ProtocolError | undefined
  /** Whether the last write failed: only the first of several is logged. */
  #isRefusing = false
  /** Offset up to which the log is compacted. */
  cleanedUpTo = 0n

  private constructor(options: LogOptions) {
    const { world, logger, name, directory, config, durable } = options
    this.name = name
    this.config = config
    this.#world = world
    this.#logger = logger
    this.#durable = durable
    this.#onFailure = options.onFailure
    this.#files = new LogFiles({ world, logger, name, directory })
    this.#files.fs.makeDirectory(directory)
    const { indexIntervalBytes } = config
    const recovered = recoverLog(this.#files, { ...options, indexIntervalBytes })
    this.#segments = recovered.segments
    this.#epochs = recovered.epochs
    this.#logStartOffset = recovered.logStartOffset
    this.#logEndOffset = recovered.logEndOffset
    this.#flusher = new LogFlusher(this, { files: this.#files, clock: world.clock, durable })
    this.#flusher.opened(this.#logEndOffset)
    this.#rollJitterMs = this.#newJitter()
    try {
      loadProducers(this.producers, this.#files, this)
    } catch (error) {
      for (const segment of this.#segments) segment.closeQuietly()
      throw error
    }
    this.#epochs.truncateEnd(this.#logEndOffset)
  }

  /**
   * Opens the log in a directory, creating it if it does not exist, and repairs it after an unclean
   * shutdown. Throws `KAFKA_STORAGE_ERROR` if the disk fails.
   */
  static open(options: LogOptions): PartitionLog {
    try {
      return new PartitionLog(options)
    } catch (error) {
      throw storageError(`open ${options.name}`, error)
    }
  }

  // Failure.

  /** Why the log cannot be used, or undefined while it can: its directory failed. */
  get failure(): ProtocolError | undefined {
    return this.#failure
  }

  /**
   * Ends the use of a log whose directory failed: everything that waits is rejected, and every
   * later call throws the error.
   */
  fail(error: ProtocolError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const segment of this.#segments) segment.closeQuietly()
    this.#flusher.rejectWaiters(error)
    this.#flusher.wake()
  }

  #requireSound(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Runs what must not stop half way: if it does, the log cannot be used any more. */
  #critically<T>(what: string, run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw this.failWith(what, error)
    }
  }

  /** Takes the log's directory offline because a step failed half way. Returns the error. */
  failWith(what: string, error: unknown): ProtocolError {
    const failure = new ProtocolError(
      'KAFKA_STORAGE_ERROR',
      `log directory ${parentOf(this.directory)} is offline: cannot ${what} of ${this.name}: ${systemMessage(error)}`,
      { cause: error },
    )
    this.fail(failure)
    this.#onFailure(failure)
    return failure
  }

  /** The error of a failed write, after which nothing has changed. Only the first is logged. */
  refused(what: string, error: unknown): unknown {
    const reported = storageError(`${what} ${this.name}`, error)
    if (reported !== error && !this.#isRefusing) {
      this.#isRefusing = true
      this.#logger.error(`cannot ${what} a log`, { log: this.name, error: systemMessage(error) })
    }
    return reported
  }

  #newJitter(): number {
    const { segmentJitterMs, segmentMs } = this.config
    const limit = Math.min(segmentJitterMs, segmentMs)
    return limit <= 0 ? 0 : this.#world.random.integer(Math.min(limit, 2 ** 47))
  }

  // State.

  get directory(): string {
    return this.#files.directory
  }
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
    return this.#flusher.highWatermark
  }
  get flushedOffset(): bigint {
    return this.#flusher.flushedOffset
  }
  /** Records below belong to no open transaction. */
  get lastStableOffset(): bigint {
    const unstable = this.producers.firstUnstableOffset
    const { highWatermark } = this
    return unstable !== undefined && unstable < highWatermark ? unstable : highWatermark
  }
  get size(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0)
  }
  get leaderEpochs(): LeaderEpochs {
    return this.#epochs
  }
  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Calls back, once per change, when records become readable. Returns a function that stops it.
   */
  watch(callback: () => void): () => void {
    return this.#flusher.watch(callback)
  }

  // Appending.

  /**
   * Appends validated batches, assigning offsets and the leader epoch in place. Throws
   * `KAFKA_STORAGE_ERROR` if the disk fails: then nothing has changed, or the log's directory is
   * offline.
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

  /** Ends a transaction; throws as `ProducerState.checkMarker` does. */
  appendMarker(
    marker: EndMarker,
    options: { readonly leaderEpoch: number; readonly timestamp: bigint },
  ): AppendResult {
    this.#requireSound()
    this.producers.checkMarker(marker, this.name)
    return this.append([endMarkerBatch(marker, options.timestamp)], options.leaderEpoch)
  }

  /** Appends batches that have their offsets and leader epochs. */
  appendAsIs(batches: readonly RecordBatch[]): void {
    this.#requireSound()
    const first = batches[0]
    if (first === undefined) return
    const byteCount = batches.reduce((sum, batch) => sum + batch.size, 0)
    let active: Segment
    let position: number
    // Everything that can fail comes first, and each step is undone on failure; memory follows.
    try {
      this.#maybeRoll(byteCount, batches)
      this.#assignEpochs(batches)
      active = this.activeSegment
      position = active.size
      this.#flusher.changed(active)
      active.append(
        batches.map((batch) => batch.bytes),
        byteCount,
      )
    } catch (error) {
      if (error instanceof UndoFailedError) throw this.failWith('undo an append', error.cause)
      // Data written before the error is no longer in the file, and must not reappear after a power
      // failure.
      this.#flusher.undone()
      throw this.refused('append to', error)
    }
    this.#isRefusing = false
    for (const batch of batches) {
      active.noteBatch(batch, position, this.config.indexIntervalBytes)
      position += batch.size
      this.#logEndOffset = batch.nextOffset
      noteProducer(this.producers, batch, active)
    }
    this.#flusher.appended()
  }

  /** Assigns the epochs of batches that are about to be appended, in the file first. */
  #assignEpochs(batches: readonly RecordBatch[]): void {
    const latest = this.#epochs.latestEpoch ?? -1
    if (batches.every(({ partitionLeaderEpoch }) => partitionLeaderEpoch <= latest)) return
    const epochs = new LeaderEpochs(this.#epochs.entries)
    for (const batch of batches) epochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
    this.#files.storeEpochs(epochs)
    this.#epochs = epochs
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
    const isFull =
      active.size + byteCount > config.segmentBytes ||
      active.offsetIndex.count * 8 + 8 > config.segmentIndexBytes ||
      lastOffset - active.baseOffset > 0x7fffffffn
    if (isFull || this.#isOld(active, maxTimestamp)) this.roll()
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
   * Seals the active segment and starts the next one at the log's end. Throws the system's error if
   * the disk fails; then the segment is still the active one.
   */
  roll(): void {
    this.#requireSound()
    const sealed = this.activeSegment
    if (sealed.size === 0) return
    this.#files.storeSnapshot(this.producers, this.#logEndOffset)
    sealed.storeIndexes()
    const next = this.#files.openSegment(this.#logEndOffset)
    try {
      next.resetIndexes()
      // The file holds the log's end offset, also if everything before it is deleted before the
      // next append.
      next.file.truncate(0)
      next.size = 0
    } catch (error) {
      // The next start would miss what is appended to the segment before it.
      this.#critically('undo a roll', () => next.remove())
      throw error
    }
    this.#segments.push(next)
    this.#flusher.namesChanged()
    this.#rollJitterMs = this.#newJitter()
    this.#files.dropOldSnapshots(this.#segments)
  }

  // Durability.

  /** Flushes if `flush.ms` has passed; called from the log manager's schedule. */
  flushIfDue(now: number): void {
    this.#flusher.flushIfDue(now)
  }

  /**
   * Resolves when everything below `offset` may be acknowledged: it is durable, or need not be.
   * Undefined if it may be at once.
   */
  acknowledged(offset: bigint): Promise<void> | undefined {
    this.#requireSound()
    return this.#flusher.acknowledged(offset)
  }

  /** Makes everything that was appended durable. Throws `KAFKA_STORAGE_ERROR` if that fails. */
  flush(): Promise<void> {
    return this.#flusher.flush()
  }

  // Reading. An error changes nothing.

  #reading<T>(read: (reader: LogReader) => T): T {
    this.#requireSound()
    try {
      return read(this.#reader)
    } catch (error) {
      throw storageError(`read ${this.name}`, error)
    }
  }

  /**
   * Whole batches, starting with the one that contains `offset`. The caller has checked that the
   * offset is in range.
   */
  read(options: ReadOptions): Buffer {
    return this.#reading((reader) => reader.read(options))
  }

  /**
   * Like `read`, but a result longer than `readLimit` is left in its file and read when it is sent.
   * A slice must be retained before anything else happens to the log.
   */
  slice(options: SliceOptions): Buffer | LogSlice {
    return this.#reading((reader) => reader.slice(options))
  }

  /** Approximate number of bytes that a read of `[from, to)` returns: exact to an index entry. */
  bytesBetween(from: bigint, to: bigint): number {
    return this.#reading((reader) => reader.bytesBetween(from, to))
  }

  /**
   * Aborted transactions that a reader of `[from, to)` needs, by the rule of the transaction index.
   */
  abortedTransactions(from: bigint, to: bigint): AbortedTransaction[] {
    return this.#reading((reader) => reader.abortedTransactions(from, to))
  }

  /** The first record below `endOffset` whose timestamp is not before `timestamp`. */
  offsetForTimestamp(timestamp: bigint, endOffset: bigint): TimestampAndOffset | undefined {
    return this.#reading((reader) => reader.offsetForTimestamp(timestamp, endOffset))
  }

  /** The first of the records with the newest timestamp (KIP-734). */
  offsetOfMaxTimestamp(): TimestampAndOffset | undefined {
    return this.#reading((reader) => reader.offsetOfMaxTimestamp(this.highWatermark))
  }

  /**
   * All complete batches from `offset` to `endOffset`, for replay at start-up and for compaction.
   */
  *batches(offset: bigint, endOffset = this.#logEndOffset): Generator<RecordBatch> {
    this.#requireSound()
    yield* this.#reader.batches(offset, endOffset)
  }

  // Truncation and retention.

  /**
   * Advances the log start offset; whole segments below it are deleted at the next retention check.
   */
  advanceLogStart(offset: bigint): void {
    this.#requireSound()
    if (offset <= this.#logStartOffset) return
    this.#logStartOffset = offset
    if (offset > this.#logEndOffset) {
      this.#critically('move the start', () => this.#restartAt(offset))
    }
    this.#epochs.truncateStart(offset)
  }

  /** Removes everything and starts an empty log at an offset. */
  #restartAt(offset: bigint): void {
    for (const segment of this.#segments) segment.remove()
    this.#segments = [this.#files.openSegment(offset)]
    this.#flusher.forgetAll()
    this.#logEndOffset = offset
  }

  /** Removes everything from `endOffset` on. */
  truncate(endOffset: bigint): void {
    this.#requireSound()
    if (endOffset < this.#logEndOffset) {
      this.#critically('truncate the end', () => this.#truncate(endOffset))
    }
  }

  #truncate(endOffset: bigint): void {
    while (this.#segments.length > 1 && this.activeSegment.baseOffset >= endOffset) {
      const dropped = this.#segments.pop() as Segment
      this.#flusher.forget(dropped)
      dropped.remove()
      // Its name must not reappear after a power failure.
      this.#flusher.namesChanged()
    }
    const active = this.activeSegment
    if (this.#flusher.hasDirtyNames) this.#flusher.changed(active)
    const found = active.find(endOffset)
    if (found !== undefined) {
      active.truncate(found.position)
      active.truncateAborted(endOffset)
      this.#flusher.changed(active)
    }
    this.#logEndOffset = endOffset
    this.#epochs.truncateEnd(endOffset)
    this.#files.removeSnapshots((offset) => offset > endOffset)
    loadProducers(this.producers, this.#files, this)
    this.#flusher.truncated(endOffset)
  }

  /**
   * Deletes old segments by `retention.ms`, `retention.bytes` and the log start; returns how many.
   * The last segment is rolled first if all of it has expired, as in Kafka, or if all of it is
   * below the log start; Kafka keeps it until it is full.
   */
  enforceRetention(now: number): number {
    this.#requireSound()
    const { config } = this
    const isBelowStart = (_oldest: Segment, next: Segment): boolean =>
      next.baseOffset <= this.#logStartOffset
    let deleted = this.#deleteWhile(isBelowStart)
    const isEmpty = this.#logStartOffset === this.#logEndOffset
    if (isEmpty && this.activeSegment.size > 0 && this.#logEndOffset === this.highWatermark) {
      this.roll()
      deleted += this.#deleteWhile(isBelowStart)
    }
    if (!config.cleanupPolicy.delete) return deleted
    if (config.retentionMs >= 0) {
      const limit = BigInt(now) - BigInt(config.retentionMs)
      const isExpired = (segment: Segment): boolean => {
        const { maxTimestamp } = segment
        return (maxTimestamp >= 0n ? maxTimestamp : BigInt(segment.createdMs)) < limit
      }
      // Rolling takes space, which a full disk has only after something is deleted.
      deleted += this.#deleteWhile(isExpired)
      const active = this.activeSegment
      if (
        active.size > 0 &&
        this.#logEndOffset === this.highWatermark &&
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
      if (oldest === undefined || next === undefined || next.baseOffset > this.highWatermark) break
      if (!isDeletable(oldest, next)) break
      this.#flusher.syncNames()
      this.#removeOldest(oldest)
      this.#segments.shift()
      this.#flusher.forget(oldest)
      if (next.baseOffset > this.#logStartOffset) this.#logStartOffset = next.baseOffset
      count++
    }
    if (count > 0) {
      this.#epochs.truncateStart(this.#logStartOffset)
      this.#files.tidy(() => this.#files.removeSnapshots((offset) => offset < this.#logStartOffset))
    }
    return count
  }

  /** Throws the system's error if the segment is still there, unchanged. */
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

  // Compaction.

  /** Removes the file of a compaction that was given up: the next start would complete it. */
  withdraw(path: string): void {
    this.#critically('revert a compaction', () => this.#files.fs.remove(path))
  }

  /**
   * Replaces sealed neighbours by one compacted segment whose file `….log.swap` is complete and
   * synced.
   */
  replaceSegments(replaced: readonly Segment[], baseOffset: bigint): void {
    this.#requireSound()
    this.#critically('complete a compaction', () => this.#replaceSegments(replaced, baseOffset))
  }

  #replaceSegments(replaced: readonly Segment[], baseOffset: bigint): void {
    const { fs } = this.#files
    const at = this.#segments.indexOf(elementAt(replaced, 0))
    for (const segment of replaced) segment.close()
    const path = this.#files.path(segmentName(baseOffset))
    for (const segment of [...replaced].reverse()) {
      if (segment.baseOffset !== baseOffset) segment.remove()
    }
    for (const suffix of INDEX_SUFFIXES) fs.remove(path + suffix)
    fs.rename(`${path}.log.swap`, `${path}.log`)
    fs.syncDirectory(this.directory)
    const segment = this.#files.openSegment(baseOffset)
    for (const aborted of replaced.flatMap((old) => [...old.abortedTransactions])) {
      segment.addAbortedTransaction(aborted)
    }
    segment.rebuildIndexes(this.config.indexIntervalBytes)
    segment.storeIndexes()
    this.#flusher.forget(...replaced)
    this.#segments.splice(at, replaced.length, segment)
  }

  expireProducers(before: bigint): void {
    this.producers.expire(before)
  }

  // Closing.

  /**
   * Flushes, stores indexes and producer state, and closes the files: afterwards the log opens
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
        this.#files.storeSnapshot(this.producers, this.#logEndOffset)
        this.#files.storeEpochs(this.#epochs)
      }
    } catch (error) {
      throw storageError(`close ${this.name}`, error)
    } finally {
      for (const segment of this.#segments) segment.closeQuietly()
    }
  }

  /** Closes the files and leaves them as a crash would. */
  abandon(): void {
    this.#closed = true
    for (const segment of this.#segments) segment.closeQuietly()
    this.#flusher.rejectWaiters(
      new ProtocolError('NOT_LEADER_OR_FOLLOWER', `${this.name} was closed`),
    )
  }

  /** Uses the renamed directory from now on. */
  moveTo(directory: string): void {
    for (const segment of this.#segments) segment.closeQuietly()
    this.#files.directory = directory
    this.#segments = this.#segments.map((old) => {
      const { baseOffset, size, createdMs } = old
      const moved = new Segment({ fs: this.#files.fs, directory, baseOffset, size, createdMs })
      moved.firstTimestamp = old.firstTimestamp
      return moved
    })
    this.#flusher.forgetAll()
  }
}
