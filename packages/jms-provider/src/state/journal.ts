// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, MillraceError } from '@millrace/base'
import type { Producer } from '@millrace/client'
import type { Destination } from '../destination/destination.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { pause } from '../pause.ts'
import type { IndexChange, PartitionIndex } from '../subscription/partition-index.ts'
import type { Subscription } from '../subscription/subscription.ts'
import { type Commit, isRefusal, OutcomeUnknownError } from './commit.ts'
import { CommitQueue, type PendingCommit } from './commit-queue.ts'
import { EPOCH_HEADER, TOPIC_ID_HEADER } from './state-image.ts'
import { encodeKey, type StateChange } from './state-record.ts'
import {
  type PlainRecord,
  type Refusals,
  type SentGroup,
  type TransactionalProducer,
  Transactor,
} from './transactor.ts'

interface PendingWrite {
  readonly changes: readonly StateChange[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface FlushWaiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Minimum interval between writes of index changes for which no caller waits. */
const FLUSH_INTERVAL_MS = 5
/** Delay after a write that failed with a transient error. */
const RETRY_MS = 100
/**
 * A commit with more bytes uses a separate transaction, so that the others need not wait for it.
 */
const LARGE_BYTES = 8 * 1024 * 1024
/** Maximum size of a batch; topics accept a megabyte by default. */
const MAX_BATCH_BYTES = 512 * 1024

/**
 * Writes index changes and commits to the state topic. Commits that wait at the same time share one
 * Kafka transaction. All writes are sequential, so the last record of a key is the current one.
 */
export class Journal {
  readonly #topic: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #plain: Pick<Producer, 'send'>
  readonly #transactor: Transactor
  /** For large commits: their messages are sent while other commits run. */
  readonly #largeTransactor: Transactor
  #largeWaiting = 0
  #lastLarge: Promise<unknown> = Promise.resolve()
  /** A large commit whose messages have been sent and which waits to be committed. */
  #largeSent: { readonly group: readonly PendingCommit[]; readonly sent: SentGroup } | undefined
  readonly #epoch: number
  readonly #dirty = new Set<Subscription>()
  readonly #commits: CommitQueue
  #writes: PendingWrite[] = []
  /** Next offset of the state topic, provided that only this owner writes to it. */
  #stateEnd: number | undefined
  readonly #isSupersededSince: (offset: number) => Promise<boolean>
  #flushWaiters: FlushWaiter[] = []
  #isRunning = false
  #lastFlushMs = Number.NEGATIVE_INFINITY
  #isClosed = false
  readonly #onFatal: (error: Error) => void

  constructor(options: {
    readonly topic: string
    readonly epoch: number
    /** Next offset of the state topic. */
    readonly stateEnd: number
    readonly clock: Clock
    readonly logger: Logger
    /** For writes that need not be transactional. */
    readonly plain: Pick<Producer, 'send'>
    /** Fences the previous owner. */
    readonly transactional: TransactionalProducer
    /** Like `transactional`, for large commits. */
    readonly largeTransactional: TransactionalProducer
    /** Whether another owner has written to the state topic at or after an offset. */
    readonly isSupersededSince: (offset: number) => Promise<boolean>
    /**
     * Called once when this owner must stop: another provider owns the destinations, the cluster
     * cannot be written to, or the outcome of a commit is unknown. Nothing may be delivered
     * afterwards, and nothing is written.
     */
    readonly onFatal: (error: Error) => void
  }) {
    this.#topic = options.topic
    this.#clock = options.clock
    this.#logger = options.logger
    this.#plain = options.plain
    this.#transactor = new Transactor(options.transactional, options.clock)
    this.#largeTransactor = new Transactor(options.largeTransactional, options.clock)
    this.#commits = new CommitQueue(options.clock, () => this.#start())
    this.#epoch = options.epoch
    this.#stateEnd = options.stateEnd
    this.#onFatal = options.onFatal
    this.#isSupersededSince = options.isSupersededSince
  }

  /**
   * Commits sends and receipts. Rejects with `OutcomeUnknownError` if the outcome is unknown; any
   * other error means that nothing was committed and the state is unchanged.
   */
  async commit(commit: Commit): Promise<void> {
    if (this.#isClosed) throw new OutcomeUnknownError(new Error('the provider is closed'))
    if (commit.sends.bytes > LARGE_BYTES) return this.#commitLarge(commit)
    if (await this.#commitAlone(commit)) return
    await new Promise<void>((resolve, reject) => {
      this.#commits.add({ commit, resolve, reject })
      this.#start()
    })
  }

  /**
   * Few messages to one log are sent as one batch. A batch is atomic, so no transaction is needed.
   */
  async #commitAlone(commit: Commit): Promise<boolean> {
    const batch = batchOf(commit)
    if (batch === undefined) return false
    try {
      await batch.destination.appendTogether(batch.records)
      return true
    } catch (error) {
      if (!isRefusal(error)) throw new OutcomeUnknownError(error)
      // Each message may be small enough although the batch is not.
      if (batch.records.length > 1 && isTooLarge(error)) return false
      throw error
    }
  }

  /**
   * Sends the messages of a large commit while other commits run, one large commit at a time. It is
   * then committed between two groups.
   */
  #commitLarge(commit: Commit): Promise<void> {
    this.#largeWaiting++
    const result = this.#lastLarge
      .then(() => this.#sendLarge(commit))
      .finally(() => this.#largeWaiting--)
    this.#lastLarge = result.catch(() => undefined)
    return result
  }

  async #sendLarge(commit: Commit): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const group = [{ commit, resolve, reject }]
    try {
      const sent = await this.#largeTransactor.send(group, () => this.#largeWaiting > 1)
      this.#largeSent = { group, sent }
      this.#start()
    } catch (error) {
      this.#end(error)
      throw new OutcomeUnknownError(error)
    }
    await promise
  }

  /** The index of a subscription has changed. */
  changed(subscription: Subscription): void {
    if (this.#dirty.has(subscription)) return
    this.#dirty.add(subscription)
    this.#start()
  }

  /** Drops the pending changes of a deleted subscription. */
  forget(subscription: Subscription): void {
    this.#dirty.delete(subscription)
  }

  /** Resolves when all changes so far are written. Rejects if they can no longer be written. */
  flushed(): Promise<void> {
    if (this.#dirty.size === 0 && !this.#isRunning) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#flushWaiters.push({ resolve, reject })
      this.#start()
    })
  }

  /** Writes other state. Resolves when it is durable. */
  write(changes: readonly StateChange[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writes.push({ changes, resolve, reject })
      this.#start()
    })
  }

  #recordOf(change: StateChange): PlainRecord {
    return stateRecord(this.#topic, this.#epoch, change)
  }

  #start(): void {
    if (this.#isClosed) {
      this.#rejectAll(new MillraceError('MILLRACE_CLOSED', 'the provider is closed'))
      return
    }
    if (this.#isRunning) return
    this.#isRunning = true
    queueMicrotask(() => {
      // Any error here is a bug; callers must not wait forever.
      this.#run().catch((error: unknown) => this.#end(error))
    })
  }

  async #run(): Promise<void> {
    while (this.#hasWork && !this.#isClosed) {
      if (!this.#isUrgent) await this.#waitToFlush()
      const waiters = this.#flushWaiters.splice(0)
      try {
        await this.#writeOther(this.#writes.splice(0))
        const large = this.#largeSent
        this.#largeSent = undefined
        if (large !== undefined) await this.#writeGroup(large.group, large.sent)
        await this.#writeGroup(this.#commits.next())
      } catch (error) {
        this.#flushWaiters.unshift(...waiters)
        if (isFatal(error)) {
          this.#end(error)
          return
        }
        this.#logger.warn('cannot write to the state topic', { error })
        await pause(this.#clock, RETRY_MS)
        continue
      }
      for (const { resolve } of waiters) resolve()
    }
    this.#isRunning = false
    for (const { resolve } of this.#flushWaiters.splice(0)) resolve()
  }

  /**
   * Stops writing. Waiting callers are rejected with an unknown outcome, which a restart has to
   * determine.
   */
  #end(error: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isRunning = false
    attempt(this.#logger, 'releasing the ownership of the destinations', () =>
      this.#onFatal(error instanceof Error ? error : new Error(String(error))),
    )
    this.#rejectAll(error)
  }

  #rejectAll(error: unknown): void {
    const unknown = new OutcomeUnknownError(error)
    for (const { reject } of this.#largeSent?.group ?? []) reject(unknown)
    this.#largeSent = undefined
    for (const { reject } of this.#commits.takeAll()) reject(unknown)
    for (const { reject } of this.#writes.splice(0)) reject(unknown)
    for (const { reject } of this.#flushWaiters.splice(0)) reject(unknown)
  }

  get #hasWork(): boolean {
    return (
      this.#commits.size > 0 ||
      this.#writes.length > 0 ||
      this.#dirty.size > 0 ||
      this.#largeSent !== undefined
    )
  }

  /** Whether there is work that should not wait for more to accumulate. */
  get #isUrgent(): boolean {
    return this.#commits.hasReady || this.#writes.length > 0 || this.#largeSent !== undefined
  }

  /** Waits briefly for more changes to accumulate; a commit ends the wait. */
  async #waitToFlush(): Promise<void> {
    const due = this.#lastFlushMs + FLUSH_INTERVAL_MS
    while (!this.#isUrgent && this.#flushWaiters.length === 0) {
      const left = this.#dirty.size > 0 ? due - this.#clock.monotonic() : FLUSH_INTERVAL_MS
      if (left <= 0) return
      await pause(this.#clock, Math.min(left, 2))
    }
  }

  #takeChanges(): TakenChanges[] {
    const taken: TakenChanges[] = []
    for (const subscription of this.#dirty) {
      for (const { index, changes } of subscription.takeChanges()) {
        taken.push({ subscription, index, changes })
      }
    }
    this.#dirty.clear()
    return taken
  }

  #restoreChanges(taken: readonly TakenChanges[]): void {
    for (const { subscription, index, changes } of taken) {
      index.restoreChanges(changes)
      this.#dirty.add(subscription)
    }
  }

  /** Writes state that is unrelated to messages. A refused write does not fail the others. */
  async #writeOther(writes: readonly PendingWrite[]): Promise<void> {
    if (writes.length === 0) return
    try {
      await this.#writeState(
        writes.flatMap(({ changes }) => changes.map((each) => this.#recordOf(each))),
      )
    } catch (error) {
      if (isFatal(error)) {
        this.#writes.unshift(...writes)
        throw error
      }
      if (writes.length > 1 && isRefusal(error)) {
        for (const write of writes) await this.#writeOther([write])
        return
      }
      for (const { reject } of writes) reject(error)
      return
    }
    for (const { resolve } of writes) resolve()
  }

  /**
   * Writes a group of commits together with pending index changes. A refused commit is removed and
   * the others are retried.
   */
  async #writeGroup(group: readonly PendingCommit[], large?: SentGroup): Promise<void> {
    this.#lastFlushMs = this.#clock.monotonic()
    for (const { commit } of group) {
      for (const acquired of commit.receipts) {
        acquired.subscription.prepare(acquired)
        if (acquired.subscription.isDurable) this.#dirty.add(acquired.subscription)
      }
    }
    const taken = this.#takeChanges()
    const state = taken.flatMap(({ subscription, index, changes }) =>
      changes.map((change) => this.#recordOf(stateChange(subscription.id, index, change))),
    )
    const undo = (): void => {
      this.#restoreChanges(taken)
      for (const { commit } of group) {
        for (const acquired of commit.receipts) acquired.subscription.undo(acquired)
      }
    }
    try {
      const refusals =
        large === undefined
          ? await this.#writeTogether(state, group)
          : await this.#finish(this.#largeTransactor, large, state)
      if (refusals !== undefined) {
        undo()
        this.#commits.refused(group, refusals)
        return
      }
    } catch (error) {
      if (isFatal(error) || (group.length > 0 && !isRefusal(error))) {
        // The receipts may have been committed: acquired messages stay acquired, and nothing more
        // is written.
        for (const { reject } of group) reject(new OutcomeUnknownError(error))
        throw new OutcomeUnknownError(error)
      }
      undo()
      for (const { reject } of group) reject(error)
      throw error
    }
    for (const { index, changes } of taken) index.onWritten(changes)
    this.#commits.done(group)
    for (const { commit, resolve } of group) {
      for (const acquired of commit.receipts) {
        attempt(this.#logger, 'finishing a message', () => acquired.subscription.complete(acquired))
      }
      for (const { destination, record } of commit.sends.temporary) {
        if (destination.isClosed) continue
        attempt(this.#logger, `sending to ${destination.name}`, () => destination.append(record))
      }
      resolve()
    }
  }

  /** Returns the refused commits if nothing was written, undefined on success. */
  async #writeTogether(
    state: readonly PlainRecord[],
    group: readonly PendingCommit[],
  ): Promise<Refusals | undefined> {
    const sends = group.some(({ commit }) => commit.sends.count > commit.sends.temporary.length)
    if (!sends && (group.length === 0 || sizeOf(state) <= MAX_BATCH_BYTES)) {
      if (state.length > 0) await this.#writeState(state)
      return undefined
    }
    const sent = await this.#transactor.send(group, () => this.#commits.hasReady)
    return this.#finish(this.#transactor, sent, state)
  }

  async #finish(
    transactor: Transactor,
    sent: SentGroup,
    state: readonly PlainRecord[],
  ): Promise<Refusals | undefined> {
    const finished = await transactor.finish(sent, state)
    if (finished.kind === 'refused') {
      this.#stateEnd = undefined
      return finished.refusals
    }
    // The transaction marker takes the next offset.
    if (finished.lastStateOffset !== undefined) this.#stateEnd = finished.lastStateOffset + 2
    return undefined
  }

  /**
   * Writes state without a transaction, in batches. A batch is atomic; records that fit into one
   * are written together.
   */
  async #writeState(records: readonly PlainRecord[]): Promise<void> {
    for (const batch of batchesOf(records)) {
      const [first] = await this.#plain.send(batch, { atomic: true })
      await this.#checkWriteOffset(Number(first?.offset ?? -1n), batch.length)
    }
  }

  /**
   * The previous owner is fenced from transactions but not from plain batches, so it must not
   * acknowledge a batch that it wrote after its successor took over. An unexpected offset reveals
   * another writer.
   */
  async #checkWriteOffset(offset: number, count: number): Promise<void> {
    const expected = this.#stateEnd
    this.#stateEnd = offset < 0 ? undefined : offset + count
    if (expected === undefined || offset === expected) return
    if (!(await this.#isSupersededSince(expected))) return
    throw new MillraceError('PRODUCER_FENCED', 'another provider owns the destinations')
  }

  /** Writes pending changes and closes. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      const flushed = this.flushed().catch(() => undefined)
      await Promise.race([flushed, pause(this.#clock, 2000)])
    }
    this.#isClosed = true
    this.#rejectAll(new MillraceError('MILLRACE_CLOSED', 'the provider is closed'))
  }
}

/** A record of the state topic, written by the owner with the given epoch. */
export function stateRecord(
  topic: string,
  epoch: number,
  { key, value, topicId }: StateChange,
): PlainRecord {
  return {
    topic,
    partition: 0,
    key: encodeKey(key),
    value,
    headers: [
      { key: EPOCH_HEADER, value: String(epoch) },
      ...(topicId === undefined ? [] : [{ key: TOPIC_ID_HEADER, value: topicId }]),
    ],
  }
}

/** Returns the sends of a commit that fit into one batch to one log; undefined if they do not. */
function batchOf({
  sends,
  receipts,
}: Commit):
  | { readonly destination: Destination; readonly records: readonly NewRecord[] }
  | undefined {
  const [first] = sends.whole ?? []
  if (sends.whole === undefined || first === undefined || receipts.length > 0) return undefined
  const { destination } = first
  if (destination.isTemporary || destination.isDormant) return undefined
  if (destination.log.partitions > 1) return undefined
  // A message that exceeds the batch size is sent alone.
  if (sends.bytes > MAX_BATCH_BYTES && sends.count > 1) return undefined
  if (!sends.whole.every((each) => each.destination === destination)) return undefined
  return { destination, records: sends.whole.map(({ record }) => record) }
}

function isTooLarge(error: unknown): boolean {
  const code = (error as { readonly code?: string }).code
  return code === 'MESSAGE_TOO_LARGE' || code === 'RECORD_LIST_TOO_LARGE'
}

function sizeOf(records: readonly PlainRecord[]): number {
  let size = 0
  for (const { key, value } of records) size += 100 + (key?.length ?? 0) + (value?.length ?? 0)
  return size
}

/** Packs records into as few batches as possible. */
function batchesOf(records: readonly PlainRecord[]): PlainRecord[][] {
  const batches: PlainRecord[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const record of records) {
    size += sizeOf([record])
    if (size > MAX_BATCH_BYTES) {
      batches.push([])
      size = sizeOf([record])
    }
    batches.at(-1)?.push(record)
  }
  return batches
}

interface TakenChanges {
  readonly subscription: Subscription
  readonly index: PartitionIndex
  readonly changes: readonly IndexChange[]
}

function stateChange(
  id: string,
  { partition, topicId }: PartitionIndex,
  change: IndexChange,
): StateChange {
  if (change.kind === 'floor') {
    return { key: { kind: 'floor', partition, id }, value: String(change.offset), topicId }
  }
  const key = { kind: 'chunk', partition, number: change.number, id } as const
  return { key, value: change.value, topicId }
}

/** Whether an error means that this owner must not or cannot write any more. */
function isFatal(error: unknown): boolean {
  const code = (error as { readonly code?: string } | undefined)?.code
  return (
    error instanceof OutcomeUnknownError ||
    code === 'PRODUCER_FENCED' ||
    code === 'INVALID_PRODUCER_EPOCH' ||
    code === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' ||
    code === 'CLUSTER_AUTHORIZATION_FAILED' ||
    code === 'MILLRACE_CLOSED'
  )
}
