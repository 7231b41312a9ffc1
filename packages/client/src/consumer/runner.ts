// SPDX-License-Identifier: Apache-2.0
import { elementAt, guard } from '@millrace/base'
import { channels } from '../diagnostics.ts'
import { InvalidOptionError, numberOption } from '../options.ts'
import { murmur2 } from '../producer/murmur2.ts'
import { type ConsumerCore, LOOK_EVERY } from './consumer-core.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { Cursor, PartitionState, Position } from './partition-state.ts'

/** Which order is kept: of all records of a partition, of those with one key, or none. */
export type Ordering = 'partition' | 'key' | 'none'

interface CommonRunOptions {
  /**
   * Number of concurrent handlers. Default 1. With `ordering: 'partition'` at most one per
   * partition.
   */
  readonly concurrency?: number
  /** Stops the run: handlers in progress finish, no new one starts. */
  readonly signal?: AbortSignal
}

/** Options of `Consumer.run`: either `eachRecord` or `eachBatch`, and how much runs at once. */
export type RunOptions<R> = CommonRunOptions &
  (
    | {
        /** A handler that returns no promise is not awaited, which is much faster. */
        readonly eachRecord: (record: R) => unknown
        readonly eachBatch?: never
        /** Which order is kept. Default `partition`. */
        readonly ordering?: Ordering
      }
    | {
        /** Records of one partition, in order, as many as one fetch returned. */
        readonly eachBatch: (records: readonly R[], partition: BatchContext) => unknown
        readonly eachRecord?: never
        /** Most records in one batch. Default: all of a fetch. */
        readonly maxBatchRecords?: number
      }
  )

/** What `eachBatch` gets beside the records. */
export interface BatchContext {
  /** Topic of the batch. */
  readonly topic: string
  /** Partition of the batch. */
  readonly partition: number
  /** Records after this batch in the partition, as of the last fetch. */
  readonly lag: bigint
}

const WAIT_MS = 60_000
/** Records that may be queued for each worker if partitions are not kept in order. */
const QUEUE_FACTOR = 16

type AnyRecord = ConsumerRecord<unknown, unknown>

/**
 * Progress of a partition whose records are handled in any order: up to the first that is not
 * finished.
 */
class Progress implements Cursor {
  readonly state: PartitionState
  readonly #seekCount: number
  readonly #open: { readonly record: AnyRecord; isDone: boolean }[] = []
  #handled: Position | undefined

  constructor(state: PartitionState) {
    this.state = state
    this.#seekCount = state.seekCount
    this.#handled = state.position
  }

  /** The partition was moved by a seek, so earlier records do not count. */
  get isStale(): boolean {
    return this.state.isRevoked || this.state.seekCount !== this.#seekCount
  }

  get isIdle(): boolean {
    return this.#open.length === 0
  }

  begin(record: AnyRecord): () => void {
    const entry = { record, isDone: false }
    this.#open.push(entry)
    return () => {
      entry.isDone = true
      while (this.#open[0]?.isDone === true) {
        const { record: done } = this.#open.shift() as { record: AnyRecord }
        this.#handled = { offset: done.offset + 1n, leaderEpoch: done.leaderEpoch }
      }
      if (this.#open.length === 0 && !this.isStale) this.state.consumedAll()
    }
  }

  delivered(): Position | undefined {
    return this.handled()
  }

  handled(): Position | undefined {
    return this.#handled
  }
}

/** `consumer.run`: passes records to handlers. */
export class Runner<R> {
  readonly #core: ConsumerCore
  readonly #options: RunOptions<R>
  readonly #concurrency: number
  readonly #ordering: Ordering
  /** Handlers in progress: their partition and start time. */
  readonly #busy = new Map<object, { readonly state: PartitionState; readonly sinceMs: number }>()
  readonly #busyStates = new Set<PartitionState>()
  readonly #lanes: Lane[] = []
  readonly #progress = new Map<PartitionState, Progress>()
  readonly #settled: (() => void)[] = []
  /** While partitions are being revoked, no new handler starts. */
  #isHeld = false
  #error: { readonly error: unknown } | undefined
  #queued = 0

  constructor(core: ConsumerCore, options: RunOptions<R>) {
    this.#core = core
    this.#options = options
    const isBoth = options.eachRecord !== undefined && options.eachBatch !== undefined
    if (isBoth || typeof (options.eachRecord ?? options.eachBatch) !== 'function') {
      throw new InvalidOptionError('run', Object.keys(options), 'one of eachRecord and eachBatch')
    }
    this.#concurrency = numberOption('concurrency', options.concurrency, { fallback: 1, min: 1 })
    this.#ordering = ('ordering' in options ? options.ordering : undefined) ?? 'partition'
    if (!['partition', 'key', 'none'].includes(this.#ordering)) {
      throw new InvalidOptionError('ordering', this.#ordering, 'partition, key, none')
    }
    for (let i = 0; i < this.#concurrency; i++) this.#lanes.push({ queue: [], isBusy: false })
  }

  async run(): Promise<void> {
    const core = this.#core
    const { signal } = this.#options
    const onAbort = (): void => core.wake()
    signal?.addEventListener('abort', onAbort, { once: true })
    core.attach({
      settle: (states) => this.#settle(states),
      progressMs: () => {
        let oldest = core.now()
        for (const { sinceMs } of this.#busy.values()) oldest = Math.min(oldest, sinceMs)
        return oldest
      },
    })
    try {
      await core.turn(0)
      while (!this.#isOver) {
        const hasBegun = this.#begin()
        await core.breathe()
        if (this.#isOver) break
        // With records at hand only pending work is done; else it waits.
        await core.turn(hasBegun && this.#mayBegin ? 0 : WAIT_MS)
      }
    } catch (error) {
      if (!core.isClosed) this.#error ??= { error }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      await this.#drained()
      for (const progress of this.#progress.values()) this.#forget(progress)
    }
    if (this.#error !== undefined) throw this.#error.error
  }

  get #isOver(): boolean {
    return (
      this.#core.isClosed || this.#error !== undefined || this.#options.signal?.aborted === true
    )
  }

  get #mayBegin(): boolean {
    if (this.#isHeld) return false
    return this.#ordering === 'partition'
      ? this.#busyStates.size < this.#concurrency
      : this.#queued < this.#concurrency * QUEUE_FACTOR
  }

  /** Starts handlers for buffered records; true if there were any. */
  #begin(): boolean {
    let hasBegun = false
    for (const state of [...this.#core.states()]) {
      if (this.#isOver || !this.#mayBegin) break
      if (state.isPaused || state.isRevoked || !state.isReady || this.#busyStates.has(state))
        continue
      hasBegun = true
      if (this.#ordering === 'partition') this.#beginPartition(state)
      else this.#beginRecords(state)
    }
    return hasBegun
  }

  #beginPartition(state: PartitionState): void {
    const { eachBatch, eachRecord } = this.#options
    const max =
      'maxBatchRecords' in this.#options
        ? (this.#options.maxBatchRecords ?? Number.POSITIVE_INFINITY)
        : Number.POSITIVE_INFINITY
    const records = this.#core.take(state, max)
    if (records.length === 0) {
      state.consumedAll()
      return
    }
    const work =
      eachRecord === undefined
        ? this.#handleBatch(state, records, eachBatch)
        : this.#handleEach(state, records, eachRecord)
    if (work === undefined) return
    const token = {}
    this.#busyStates.add(state)
    const done = (): void => {
      this.#busy.delete(token)
      this.#busyStates.delete(state)
      this.#released()
    }
    if (!this.#busy.has(token)) this.#busy.set(token, { state, sinceMs: this.#core.now() })
    work.renew = () => this.#busy.set(token, { state, sinceMs: this.#core.now() })
    work.promise.then(done, (error: unknown) => {
      this.#error ??= { error }
      done()
    })
  }

  /** Undefined if the handler finished synchronously. */
  #handleBatch(
    state: PartitionState,
    records: readonly AnyRecord[],
    eachBatch: NonNullable<RunOptions<R>['eachBatch']>,
  ): Work | undefined {
    const end = state.takenTo
    const { topic, partition, highWatermark } = state
    const last = records.at(-1)
    const behind = last === undefined ? 0n : highWatermark - last.offset - 1n
    const context = { topic, partition, lag: behind > 0n ? behind : 0n }
    const start = state.position
    const { seekCount } = state
    // Unless a handler moved the partition by a seek.
    const isCurrent = (): boolean => !state.isRevoked && state.seekCount === seekCount
    const finish = (): void => {
      if (isCurrent()) state.consumedTo(end)
    }
    const rewind = (): void => {
      // The batch remains to be read, by this consumer or another.
      if (start !== undefined && isCurrent()) state.seek(start)
    }
    const fail = (error: unknown): never => {
      rewind()
      throw error
    }
    try {
      const result = this.#observed({ batch: records }, () => eachBatch(records as R[], context))
      if (result instanceof Promise) {
        return { promise: result.then(finish, fail), renew() {} }
      }
      finish()
    } catch (error) {
      rewind()
      this.#fail(error)
    }
    return undefined
  }

  /** Runs through the records without a promise as long as the handler returns none. */
  #handleEach(
    state: PartitionState,
    records: readonly AnyRecord[],
    eachRecord: NonNullable<RunOptions<R>['eachRecord']>,
  ): Work | undefined {
    const end = state.takenTo
    let handled = 0
    const start = state.position
    const cursor = (): Position | undefined => {
      const record = records[handled - 1]
      if (record === undefined) return start
      return { offset: record.offset + 1n, leaderEpoch: record.leaderEpoch }
    }
    state.follow({ delivered: cursor, handled: cursor })
    const { seekCount } = state
    const isCurrent = (): boolean => !state.isRevoked && state.seekCount === seekCount
    const stop = (): void => {
      const position = cursor()
      if (position !== undefined && isCurrent()) state.seek(position)
    }
    /** Whether `step` returned a handler's promise rather than a pause. */
    let isHandling = false
    const step = (): Promise<unknown> | undefined => {
      const isObserved = channels.processStart.hasSubscribers || channels.processEnd.hasSubscribers
      while (handled < records.length) {
        if (this.#mustStop(state) || state.seekCount !== seekCount) {
          stop()
          return undefined
        }
        if (handled % LOOK_EVERY === LOOK_EVERY - 1 && this.#core.isBreathDue()) {
          isHandling = false
          return this.#core.breathe()
        }
        const record = elementAt(records, handled)
        const result = isObserved
          ? this.#observed({ record }, () => eachRecord(record as R))
          : eachRecord(record as R)
        if (result instanceof Promise) {
          isHandling = true
          return result
        }
        handled++
      }
      if (isCurrent()) state.consumedTo(end)
      return undefined
    }
    try {
      const first = step()
      if (first === undefined) return undefined
      const work: Work = { promise: Promise.resolve(), renew() {} }
      work.promise = (async () => {
        try {
          for (let pending: Promise<unknown> | undefined = first; pending !== undefined; ) {
            await pending
            if (isHandling) handled++
            work.renew()
            pending = step()
          }
        } catch (error) {
          stop()
          throw error
        }
      })()
      return work
    } catch (error) {
      stop()
      this.#fail(error)
      return undefined
    }
  }

  #mustStop(state: PartitionState): boolean {
    return this.#isHeld || state.isRevoked || state.isPaused || this.#isOver
  }

  #fail(error: unknown): void {
    this.#error ??= { error }
  }

  #observed(
    what: { readonly record: AnyRecord } | { readonly batch: readonly AnyRecord[] },
    handle: () => unknown,
  ): unknown {
    if (!channels.processStart.hasSubscribers && !channels.processEnd.hasSubscribers)
      return handle()
    const event: Record<string, unknown> = { ...what, groupId: this.#core.groupId }
    channels.processStart.publish(event)
    const end = (error?: unknown): void => {
      event.error = error
      channels.processEnd.publish(event)
    }
    try {
      const result = handle()
      if (!(result instanceof Promise)) {
        end()
        return result
      }
      return result.then(
        (value: unknown) => end() ?? value,
        (error: unknown) => {
          end(error)
          throw error
        },
      )
    } catch (error) {
      end(error)
      throw error
    }
  }

  /** Queues records in the lanes of their keys, or in any free lane. */
  #beginRecords(state: PartitionState): void {
    const room = this.#concurrency * QUEUE_FACTOR - this.#queued
    let progress = this.#progress.get(state)
    if (progress === undefined || progress.isStale) {
      progress = new Progress(state)
      this.#progress.set(state, progress)
    }
    const records = this.#core.take(state, Math.max(1, room))
    if (records.length === 0) {
      if (progress.isIdle) state.consumedAll()
      return
    }
    state.follow(progress)
    for (const record of records) this.#enqueue(progress, record)
  }

  #enqueue(progress: Progress, record: AnyRecord): void {
    const { state } = progress
    const done = progress.begin(record)
    const lane = elementAt(this.#lanes, this.#laneOf(record))
    this.#queued++
    lane.queue.push(async () => {
      this.#queued--
      if (this.#mustStop(state) || progress.isStale) return
      const token = {}
      this.#busy.set(token, { state, sinceMs: this.#core.now() })
      try {
        const { eachRecord } = this.#options
        await this.#observed({ record }, () => eachRecord?.(record as R))
        done()
      } catch (error) {
        this.#fail(error)
      } finally {
        this.#busy.delete(token)
      }
    })
    if (lane.isBusy) return
    guard(
      () => this.#work(lane),
      (error) => this.#fail(error),
    )
  }

  #laneOf(record: AnyRecord): number {
    if (this.#ordering === 'key') {
      const key = record.keyBytes
      const hash = key === null ? record.partition : murmur2(key)
      return (hash & 0x7fffffff) % this.#concurrency
    }
    let shortest = 0
    for (const [i, lane] of this.#lanes.entries()) {
      const best = this.#lanes[shortest]
      if (
        best !== undefined &&
        lane.queue.length + Number(lane.isBusy) < best.queue.length + Number(best.isBusy)
      ) {
        shortest = i
      }
    }
    return shortest
  }

  async #work(lane: Lane): Promise<void> {
    lane.isBusy = true
    try {
      for (let task = lane.queue.shift(); task !== undefined; task = lane.queue.shift()) {
        await task()
        await this.#core.breathe()
        if (lane.queue.length === 0) this.#core.wake()
      }
    } finally {
      lane.isBusy = false
      this.#released()
    }
  }

  #released(): void {
    this.#core.wake()
    if (this.#isIdle) for (const resolve of this.#settled.splice(0)) resolve()
  }

  get #isIdle(): boolean {
    return this.#busy.size === 0 && this.#busyStates.size === 0 && this.#queued === 0
  }

  #drained(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#settled.push(resolve))
  }

  /**
   * Waits for handlers in progress; records that are queued behind them are read again by the next
   * owner of the partition.
   */
  async #settle(states: readonly PartitionState[]): Promise<void> {
    this.#isHeld = true
    try {
      await this.#drained()
      for (const [state, progress] of this.#progress) {
        this.#forget(progress)
        if (!states.includes(state)) this.#core.wake()
      }
    } finally {
      this.#isHeld = false
    }
  }

  /** Moves back to the first record that was not handled. */
  #forget(progress: Progress): void {
    const { state } = progress
    this.#progress.delete(state)
    const position = progress.handled()
    if (!progress.isStale && !progress.isIdle && position !== undefined) state.seek(position)
  }
}

/** Records that are handled in sequence. */
interface Lane {
  readonly queue: (() => Promise<void>)[]
  isBusy: boolean
}

interface Work {
  promise: Promise<unknown>
  renew: () => void
}
