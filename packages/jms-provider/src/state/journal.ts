// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, MillraceError } from '@millrace/base'
import type { Producer } from '@millrace/client'
import type { Destination } from '../destination/destination.ts'
import type { NewRecord } from '../mapping/to-record.ts'
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

/** Changes of indices that nobody waits for are written at most this often. */
const FLUSH_INTERVAL_MS = 5
/** Wait after a write that failed for a reason that may pass. */
const RETRY_MS = 100
/** A commit that sends more is sent apart, so that the others need not wait for it. */
const LARGE_BYTES = 8 * 1024 * 1024
/** What goes in one batch; topics take a megabyte by default. */
const MAX_BATCH_BYTES = 512 * 1024

/**
 * Writes the changes of indices to the state topic, and commits: the many that wait at a time share one Kafka transaction.
 * All it writes goes one after the other, so that the last record of a key is the truth.
 */
export class Journal {
  readonly #topic: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #plain: Pick<Producer, 'send'>
  readonly #transactor: Transactor
  /** For commits that send much: their messages go out while others are committed. */
  readonly #largeTransactor: Transactor
  #largeWaiting = 0
  #lastLarge: Promise<unknown> = Promise.resolve()
  /** A large commit whose messages are sent, and which is to be finished in its turn. */
  #largeSent: { readonly group: readonly PendingCommit[]; readonly sent: SentGroup } | undefined
  readonly #epoch: number
  readonly #dirty = new Set<Subscription>()
  readonly #commits: CommitQueue
  #writes: PendingWrite[] = []
  /** Where the next record of the state topic goes, as long as only this owner writes there. */
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
    /** Where the next record of the topic goes. */
    readonly stateEnd: number
    readonly clock: Clock
    readonly logger: Logger
    /** For what need not be atomic. */
    readonly plain: Pick<Producer, 'send'>
    /** Fences whoever owned the destinations before. */
    readonly transactional: TransactionalProducer
    /** The same, for commits that send much. */
    readonly largeTransactional: TransactionalProducer
    /** Whether another owner has written to the state topic, at an offset or after it. */
    readonly isSupersededSince: (offset: number) => Promise<boolean>
    /**
     * Somebody else owns the destinations now, the cluster cannot be written to, or the outcome of a commit is not known: nothing may
     * be delivered any more. Called once; nothing is written after it.
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
   * Makes sends and receipts final. Rejects with `OutcomeUnknownError` when nobody knows whether they are, and otherwise when they
   * are not, with everything as it was.
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

  /** A few messages to one log are one batch, which is taken whole or not at all: no transaction is needed for it. */
  async #commitAlone(commit: Commit): Promise<boolean> {
    const batch = batchOf(commit)
    if (batch === undefined) return false
    try {
      await batch.destination.appendTogether(batch.records)
      return true
    } catch (error) {
      if (!isRefusal(error)) throw new OutcomeUnknownError(error)
      // Each of them may be small enough where all together are not.
      if (batch.records.length > 1 && isTooLarge(error)) return false
      throw error
    }
  }

  /** Sends what it sends beside the other commits, one of its kind at a time; then it is finished between two groups. */
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

  /** Forgets a subscription that is no more. */
  forget(subscription: Subscription): void {
    this.#dirty.delete(subscription)
  }

  /** Resolves when the changes so far are written; rejects when they can no longer be. */
  flushed(): Promise<void> {
    if (this.#dirty.size === 0 && !this.#isRunning) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#flushWaiters.push({ resolve, reject })
      this.#start()
    })
  }

  /** Writes other state; resolves when it is safe. */
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
      // Whatever comes out of it is a mistake of ours; nobody may wait for ever.
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
        this.#logger.warn('could not write to the state topic', { error })
        await this.#pause(RETRY_MS)
        continue
      }
      for (const { resolve } of waiters) resolve()
    }
    this.#isRunning = false
    for (const { resolve } of this.#flushWaiters.splice(0)) resolve()
  }

  /** Writes nothing more: whoever waits learns that its outcome is not known, and a new start has to find out. */
  #end(error: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isRunning = false
    attempt(this.#logger, 'ending the ownership of the destinations', () =>
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

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(ms, resolve))
  }

  get #hasWork(): boolean {
    return (
      this.#commits.size > 0 ||
      this.#writes.length > 0 ||
      this.#dirty.size > 0 ||
      this.#largeSent !== undefined
    )
  }

  /** Whether there is something that need not wait for more to gather. */
  get #isUrgent(): boolean {
    return this.#commits.hasReady || this.#writes.length > 0 || this.#largeSent !== undefined
  }

  /** Gives changes a moment to gather; a commit ends the wait. */
  async #waitToFlush(): Promise<void> {
    const due = this.#lastFlushMs + FLUSH_INTERVAL_MS
    while (!this.#isUrgent && this.#flushWaiters.length === 0) {
      const left = this.#dirty.size > 0 ? due - this.#clock.monotonic() : FLUSH_INTERVAL_MS
      if (left <= 0) return
      await this.#pause(Math.min(left, 2))
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

  #retake(taken: readonly TakenChanges[]): void {
    for (const { subscription, index, changes } of taken) {
      index.retakeChanges(changes)
      this.#dirty.add(subscription)
    }
  }

  /** Writes what has nothing to do with messages: one that is refused does not take the others with it. */
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

  /** Writes a group of commits, and what changed beside. A commit that is refused is taken out, and the others come next. */
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
      this.#retake(taken)
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
        // The receipts may be final: what is in hand stays there, and nothing more is written.
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

  /** Returns which commits were refused when none of it was written. */
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
    // A marker of the transaction follows.
    if (finished.lastStateOffset !== undefined) this.#stateEnd = finished.lastStateOffset + 2
    return undefined
  }

  /** State alone goes in batches, which the log takes whole or not at all; what fits into one is written together. */
  async #writeState(records: readonly PlainRecord[]): Promise<void> {
    for (const batch of batchesOf(records)) {
      const [first] = await this.#plain.send(batch, { atomic: true })
      await this.#checkPlace(Number(first?.offset ?? -1n), batch.length)
    }
  }

  /**
   * Whoever owned the destinations before is fenced from transactions, but not from single batches. So it must not answer for one
   * that came after its successor took over: then its place in the log is not where only one writer would be.
   */
  async #checkPlace(offset: number, count: number): Promise<void> {
    const expected = this.#stateEnd
    this.#stateEnd = offset < 0 ? undefined : offset + count
    if (expected === undefined || offset === expected) return
    if (!(await this.#isSupersededSince(expected))) return
    throw new MillraceError('PRODUCER_FENCED', 'another provider owns the destinations')
  }

  /** Writes what is left, and ends. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      const flushed = this.flushed().catch(() => undefined)
      await Promise.race([flushed, this.#pause(2000)])
    }
    this.#isClosed = true
    this.#rejectAll(new MillraceError('MILLRACE_CLOSED', 'the provider is closed'))
  }
}

/** A record of the state topic, by the owner of an epoch. */
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

/** What a commit sends, when it is so little and to one log that it can be one batch. */
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
  // A message that is too large for any other batch is one of its own.
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

/** Records in as few batches as they fit in. */
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

/** Errors after which this owner must not, or cannot, write again. */
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
