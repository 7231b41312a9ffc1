// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import type { LogConfig } from './log-config.ts'
import type { LogFiles } from './log-files.ts'
import type { Segment } from './segment.ts'
import { storageError } from './storage-error.ts'

const errorAsResult = (error: unknown): unknown => error

/** The log whose end is flushed. */
export interface FlushedLog {
  readonly name: string
  readonly config: Pick<LogConfig, 'flushMessages' | 'flushMs'>
  readonly logEndOffset: bigint
  /** Why the log cannot be used, or undefined while it can. */
  readonly failure: ProtocolError | undefined
  readonly isClosed: boolean
  /** Removes everything from an offset on. */
  truncate(endOffset: bigint): void
  /** Takes the log directory offline; returns the error. */
  failWith(what: string, error: unknown): ProtocolError
  /** The error of a failed write for clients; logs the first of several. */
  refused(what: string, error: unknown): unknown
}

interface FlushWaiter {
  readonly offset: bigint
  resolve(): void
  reject(error: unknown): void
}

/**
 * Durability of a log: which bytes are synced, the calls that wait for it, and the high watermark.
 * One sync runs at a time; what is appended in the meantime shares the next one.
 */
export class LogFlusher {
  readonly #log: FlushedLog
  readonly #files: LogFiles
  readonly #clock: Clock
  /** Whether the log is ever synced. */
  readonly #durable: boolean
  #flushedOffset = 0n
  #highWatermark = 0n
  /** Segments with bytes that are not synced. */
  readonly #dirty = new Set<Segment>()
  /** Whether a name in the directory may not be durable. */
  #namesDirty = true
  /** The sync in progress. Never rejects. */
  #flushing: Promise<void> | undefined
  #failures: { readonly count: number; readonly last: unknown } = { count: 0, last: undefined }
  #flushWanted = false
  /** Whether the last flush failed, and the log has been truncated but not synced since. */
  #isTakingBack = false
  readonly #waiters: FlushWaiter[] = []
  readonly #watchers = new Set<() => void>()
  #lastFlushMs: number

  constructor(
    log: FlushedLog,
    options: { readonly files: LogFiles; readonly clock: Clock; readonly durable: boolean },
  ) {
    this.#log = log
    this.#files = options.files
    this.#clock = options.clock
    this.#durable = options.durable
    this.#lastFlushMs = options.clock.now()
  }

  /** Records below are durable. */
  get flushedOffset(): bigint {
    return this.#flushedOffset
  }

  /** Records below may be read. */
  get highWatermark(): bigint {
    return this.#highWatermark
  }

  // The written end of the log.

  /** The log was opened: everything up to its end is durable. */
  opened(endOffset: bigint): void {
    this.#flushedOffset = endOffset
    this.#highWatermark = endOffset
  }

  /** A segment has, or may have, bytes that are not synced. */
  changed(segment: Segment): void {
    this.#dirty.add(segment)
  }

  /** A segment was created or removed, so its name must be synced. */
  namesChanged(): void {
    this.#namesDirty = true
  }

  get hasDirtyNames(): boolean {
    return this.#namesDirty
  }

  /** Segments left the log: they are not synced any more. */
  forget(...segments: readonly Segment[]): void {
    for (const segment of segments) this.#dirty.delete(segment)
  }

  /** All segments left the log. */
  forgetAll(): void {
    this.#dirty.clear()
  }

  /** The log now ends at `endOffset`. */
  truncated(endOffset: bigint): void {
    if (this.#highWatermark > endOffset) this.#highWatermark = endOffset
    if (this.#flushedOffset > endOffset) this.#flushedOffset = endOffset
  }

  /** Batches were appended: they may be readable at once, or a flush may be due. */
  appended(): void {
    if (!this.#durable || !this.#flushesEveryAppend) this.#moveHighWatermark(this.#log.logEndOffset)
    if (this.#durable) this.#flushAsConfigured()
  }

  /** A failed append was undone, which must become durable too. */
  undone(): void {
    if (this.#durable) this.#requestFlush()
  }

  /** Syncs the names in the directory if one may not be durable. */
  syncNames(): void {
    if (!this.#namesDirty || !this.#durable) return
    this.#files.syncNames()
    this.#namesDirty = false
  }

  // Waiting.

  /**
   * Calls back, once per change, when records become readable. Returns a function that stops it.
   */
  watch(callback: () => void): () => void {
    this.#watchers.add(callback)
    return () => {
      this.#watchers.delete(callback)
    }
  }

  /**
   * Resolves when everything below `offset` may be acknowledged: it is durable, or need not be.
   * Undefined if it may be at once.
   */
  acknowledged(offset: bigint): Promise<void> | undefined {
    if (this.#highWatermark >= offset) return undefined
    if (offset > this.#log.logEndOffset) {
      throw new ProtocolError(
        'KAFKA_STORAGE_ERROR',
        `${this.#log.name} lost records before they were acknowledged`,
      )
    }
    return new Promise((resolve, reject) => this.#waiters.push({ offset, resolve, reject }))
  }

  /** Rejects everything that waits. */
  rejectWaiters(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  /** Calls all watchers: one that throws affects neither the others nor the append. */
  wake(): void {
    for (const callback of [...this.#watchers]) {
      attempt(this.#files.logger, 'watching a log', callback)
    }
  }

  // Flushing.

  get #flushesEveryAppend(): boolean {
    const { flushMessages, flushMs } = this.#log.config
    return flushMessages === undefined && flushMs === undefined
  }

  #flushAsConfigured(): void {
    const { flushMessages, flushMs } = this.#log.config
    if (this.#flushesEveryAppend) {
      this.#requestFlush()
      return
    }
    const pending = this.#log.logEndOffset - this.#flushedOffset
    const now = this.#clock.now()
    if (flushMessages !== undefined && pending >= BigInt(flushMessages)) this.#requestFlush()
    else if (flushMs !== undefined && now - this.#lastFlushMs >= flushMs) this.#requestFlush()
  }

  /** Flushes if `flush.ms` has passed since the last flush. */
  flushIfDue(now: number): void {
    const { flushMs } = this.#log.config
    if (flushMs === undefined || this.#dirty.size === 0 || !this.#durable) return
    if (now - this.#lastFlushMs >= flushMs) this.#requestFlush()
  }

  /** Makes everything that was appended durable. Throws `KAFKA_STORAGE_ERROR` if that fails. */
  async flush(): Promise<void> {
    if (!this.#durable) return
    this.#requireSound()
    const target = this.#log.logEndOffset
    const { count } = this.#failures
    while (this.#flushedOffset < target || this.#dirty.size > 0) {
      if (this.#log.isClosed) {
        throw new ProtocolError('NOT_LEADER_OR_FOLLOWER', `${this.#log.name} was closed`)
      }
      this.#requestFlush()
      await this.#flushing
      // Also one that ended before this resumes: the records are gone, and no flush reaches target.
      if (this.#failures.count > count) throw this.#failures.last
      this.#requireSound()
    }
  }

  #requireSound(): void {
    if (this.#log.failure !== undefined) throw this.#log.failure
  }

  #requestFlush(): void {
    if (this.#flushing !== undefined) {
      this.#flushWanted = true
      return
    }
    if (this.#log.isClosed || this.#log.failure !== undefined) return
    this.#flushing = this.#syncDirty()
      .catch(errorAsResult)
      .then((failure) => {
        if (failure !== undefined) {
          this.#failures = { count: this.#failures.count + 1, last: failure }
        }
        this.#flushing = undefined
        if (this.#flushWanted) {
          this.#flushWanted = false
          this.#requestFlush()
        }
      })
  }

  async #syncDirty(): Promise<unknown> {
    // What else this turn of the event loop appends shares the sync, and waiters are in place
    // before anything fails.
    await undefined
    const target = this.#log.logEndOffset
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    try {
      this.syncNames()
      if (dirty.length === 1) await dirty[0]?.file.syncAsync()
      else await Promise.all(dirty.map((segment) => segment.file.syncAsync()))
    } catch (error) {
      return this.#failFlush(error, dirty)
    }
    if (this.#log.failure !== undefined) return this.#log.failure
    this.#isTakingBack = false
    this.#lastFlushMs = this.#clock.now()
    if (target > this.#flushedOffset) this.#flushedOffset = target
    this.#moveHighWatermark(this.#flushedOffset)
    return undefined
  }

  /**
   * The system may have dropped the unsynced pages, so their records must not be readable again:
   * the log is truncated to its last durable state, and everything that waits is rejected. A log
   * that acknowledges records before they are durable cannot do that: its directory goes offline.
   */
  #failFlush(error: unknown, dirty: readonly Segment[]): unknown {
    for (const segment of dirty) this.#dirty.add(segment)
    const log = this.#log
    if (log.failure !== undefined) return log.failure
    if (log.isClosed) return storageError(`flush ${log.name}`, error)
    // At a second failure in a row, a crash may restore what the first one took back, and further
    // attempts would follow without end.
    if (!this.#flushesEveryAppend || this.#isTakingBack) {
      return log.failWith('flush the end', error)
    }
    const failure = log.refused('flush', error)
    const waiters = this.#waiters.splice(0)
    try {
      log.truncate(this.#flushedOffset)
    } catch (truncateError) {
      for (const waiter of waiters) waiter.reject(failure)
      return truncateError
    }
    for (const waiter of waiters) waiter.reject(failure)
    // The truncation must become durable too.
    this.#isTakingBack = this.#dirty.size > 0
    this.#flushWanted = this.#isTakingBack
    return failure
  }

  #moveHighWatermark(offset: bigint): void {
    if (offset <= this.#highWatermark) return
    this.#highWatermark = offset
    const waiters = this.#waiters
    let done = 0
    while (done < waiters.length && (waiters[done]?.offset ?? 0n) <= offset)
      waiters[done++]?.resolve()
    if (done > 0) waiters.splice(0, done)
    this.wake()
  }
}
