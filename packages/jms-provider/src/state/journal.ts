// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, MillraceError } from '@millrace/base'
import type { Producer, ProducerRecord, RecordMetadata } from '@millrace/client'
import type { Destination } from '../destination/destination.ts'
import { producerRecord } from '../destination/kafka-logs.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import type { IndexChange } from '../subscription/partition-index.ts'
import type { Acquired, Subscription } from '../subscription/subscription.ts'
import { EPOCH_HEADER } from './state-image.ts'
import { encodeKey, type StateChange } from './state-record.ts'

/** Sends and receipts that become final together, or not at all. */
export interface Commit {
  readonly sends: readonly { readonly destination: Destination; readonly record: NewRecord }[]
  readonly receipts: readonly Acquired[]
}

interface PendingWrite {
  readonly changes: readonly StateChange[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface PendingCommit {
  readonly commit: Commit
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Changes of indices that nobody waits for are written at most this often. */
const FLUSH_INTERVAL_MS = 5
/** Commits that share a Kafka transaction. */
const MAX_GROUP = 1000

type PlainRecord = ProducerRecord<Uint8Array | string, Uint8Array | string>

/**
 * Writes the changes of indices to the state topic, and commits: the many that wait at a time share one Kafka transaction.
 * All it writes goes one after the other, so that the last record of a key is the truth.
 */
export class Journal {
  readonly #topic: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #plain: Producer
  readonly #transactional: Producer
  readonly #epoch: number
  readonly #dirty = new Set<Subscription>()
  #commits: PendingCommit[] = []
  #writes: PendingWrite[] = []
  /** Where the next record of the state topic goes, as long as only this owner writes there. */
  #stateEnd: number | undefined
  readonly #isSupersededSince: (offset: number) => Promise<boolean>
  #flushWaiters: (() => void)[] = []
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
    readonly plain: Producer
    /** Fences whoever owned the destinations before. */
    readonly transactional: Producer
    /** Whether another owner has written to the state topic, at an offset or after it. */
    readonly isSupersededSince: (offset: number) => Promise<boolean>
    /** Somebody else owns the destinations now, or the cluster cannot be written to. */
    readonly onFatal: (error: Error) => void
  }) {
    this.#topic = options.topic
    this.#clock = options.clock
    this.#logger = options.logger
    this.#plain = options.plain
    this.#transactional = options.transactional
    this.#epoch = options.epoch
    this.#stateEnd = options.stateEnd
    this.#onFatal = options.onFatal
    this.#isSupersededSince = options.isSupersededSince
  }

  /** Makes sends and receipts final. Rejects when neither is, with everything as it was. */
  commit(commit: Commit): Promise<void> {
    const alone = destinationAlone(commit)
    // A single batch is taken whole or not at all: no transaction is needed for it.
    if (alone !== undefined) return alone.appendTogether(commit.sends.map(({ record }) => record))
    return new Promise((resolve, reject) => {
      this.#commits.push({ commit, resolve, reject })
      this.#start()
    })
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

  /** Resolves when the changes so far are written. */
  flushed(): Promise<void> {
    if (this.#dirty.size === 0 && !this.#isRunning) return Promise.resolve()
    return new Promise((resolve) => {
      this.#flushWaiters.push(resolve)
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
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#hasWork && !this.#isClosed) {
      if (this.#commits.length === 0 && this.#writes.length === 0) await this.#waitToFlush()
      const commits = this.#commits.splice(0, MAX_GROUP)
      const waiters = this.#flushWaiters.splice(0)
      try {
        if (commits.length > 0) await this.#commitAll(commits)
        else await this.#flush()
      } catch (error) {
        this.#logger.warn('could not write to the state topic', { error })
        if (isFatal(error)) this.#onFatal(error as Error)
        await new Promise<void>((resolve) => void this.#clock.setTimer(100, resolve))
        this.#flushWaiters.push(...waiters)
        continue
      }
      for (const wake of waiters) wake()
    }
    this.#isRunning = false
    for (const wake of this.#flushWaiters.splice(0)) wake()
  }

  get #hasWork(): boolean {
    return this.#commits.length > 0 || this.#writes.length > 0 || this.#dirty.size > 0
  }

  /** Gives changes a moment to gather; a commit ends the wait. */
  async #waitToFlush(): Promise<void> {
    const due = this.#lastFlushMs + FLUSH_INTERVAL_MS
    while (
      this.#commits.length === 0 &&
      this.#writes.length === 0 &&
      this.#flushWaiters.length === 0
    ) {
      const left = due - this.#clock.monotonic()
      if (left <= 0) return
      await new Promise<void>((resolve) => void this.#clock.setTimer(Math.min(left, 2), resolve))
    }
  }

  async #flush(): Promise<void> {
    await this.#commitAll([])
  }

  #takeChanges(): TakenChanges[] {
    const taken: TakenChanges[] = []
    for (const subscription of this.#dirty) {
      for (const { partition, changes } of subscription.takeChanges()) {
        taken.push({ subscription, partition, changes })
      }
    }
    this.#dirty.clear()
    return taken
  }

  #retake(taken: readonly TakenChanges[]): void {
    for (const { subscription, partition, changes } of taken) {
      subscription.indices.get(partition)?.retakeChanges(changes)
      this.#dirty.add(subscription)
    }
  }

  /** Writes all that waits: commits, other state, and what changed beside. */
  async #commitAll(pending: readonly PendingCommit[]): Promise<void> {
    this.#lastFlushMs = this.#clock.monotonic()
    const writes = this.#writes.splice(0)
    for (const { commit } of pending) {
      for (const acquired of commit.receipts) {
        acquired.subscription.prepare(acquired)
        if (acquired.subscription.isDurable) this.#dirty.add(acquired.subscription)
      }
    }
    const taken = this.#takeChanges()
    const state = [
      ...writes.flatMap(({ changes }) => changes.map((change) => this.#recordOf(change))),
      ...taken.flatMap(({ subscription, partition, changes }) =>
        changes.map((change) => this.#recordOf(stateChange(subscription.id, partition, change))),
      ),
    ]
    const sends = pending.flatMap(({ commit }) => commit.sends)
    const lasting = sends.filter(({ destination }) => destination.log.topic !== undefined)
    try {
      if (lasting.length > 0) await this.#transact(state, lasting)
      else if (state.length > 0) await this.#writeState(state)
    } catch (error) {
      this.#retake(taken)
      for (const { reject } of writes) reject(error)
      for (const { commit, reject } of pending) {
        for (const acquired of commit.receipts) acquired.subscription.undo(acquired)
        reject(error)
      }
      throw error
    }
    for (const { resolve } of writes) resolve()
    for (const { commit, resolve } of pending) {
      for (const acquired of commit.receipts) acquired.subscription.complete(acquired)
      for (const { destination, record } of commit.sends) {
        if (!destination.isTemporary || destination.isClosed) continue
        attempt(this.#logger, `sending to ${destination.name}`, () => destination.append(record))
      }
      resolve()
    }
  }

  /** State alone goes as one batch, which the log takes whole or not at all. */
  async #writeState(records: readonly PlainRecord[]): Promise<void> {
    const [first] = await this.#plain.send(records, { atomic: true })
    await this.#checkPlace(Number(first?.offset ?? -1n), records.length)
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

  async #transact(state: readonly PlainRecord[], sends: Commit['sends']): Promise<void> {
    let isEnding = false
    let written: readonly RecordMetadata[] = []
    const places = await this.#transactional
      .transaction(async (transaction) => {
        const sent: Promise<RecordMetadata>[] = []
        for (const { destination, record } of sends) {
          sent.push(transaction.send(producerRecord(destination.log.topic as string, record)))
        }
        if (state.length > 0) written = await transaction.send(state)
        const all = await Promise.all(sent)
        isEnding = true
        return all
      })
      .catch((error: unknown) => {
        // Whether it was committed is not known: only a new start, which asks the cluster, can tell.
        if (isEnding) this.#onFatal(error as Error)
        this.#stateEnd = undefined
        throw error
      })
    const last = written.at(-1)
    // A marker of the transaction follows.
    if (last !== undefined) this.#stateEnd = Number(last.offset) + 2
    sends.forEach(({ destination }, i) => {
      const place = places[i]
      if (place !== undefined) {
        destination.confirm({ partition: place.partition, offset: Number(place.offset) })
      }
    })
  }

  /** Writes what is left, and ends. */
  async close(): Promise<void> {
    await Promise.race([
      this.flushed(),
      new Promise<void>((resolve) => void this.#clock.setTimer(2000, resolve)),
    ])
    this.#isClosed = true
    const closed = new Error('the provider is closed')
    for (const { reject } of this.#commits.splice(0)) reject(closed)
    for (const { reject } of this.#writes.splice(0)) reject(closed)
  }
}

/** A record of the state topic, by the owner of an epoch. */
export function stateRecord(
  topic: string,
  epoch: number,
  { key, value }: StateChange,
): PlainRecord {
  return {
    topic,
    partition: 0,
    key: encodeKey(key),
    value,
    headers: [{ key: EPOCH_HEADER, value: String(epoch) }],
  }
}

/** The one destination of a commit that only sends there, when all of it can go in one batch. */
function destinationAlone({ sends, receipts }: Commit): Destination | undefined {
  const [first] = sends
  if (first === undefined || receipts.length > 0) return undefined
  const { destination } = first
  if (destination.log.topic === undefined || destination.log.partitions > 1) return undefined
  return sends.every((each) => each.destination === destination) ? destination : undefined
}

interface TakenChanges {
  readonly subscription: Subscription
  readonly partition: number
  readonly changes: readonly IndexChange[]
}

function stateChange(id: string, partition: number, change: IndexChange): StateChange {
  if (change.kind === 'floor') {
    return { key: { kind: 'floor', partition, id }, value: String(change.offset) }
  }
  return { key: { kind: 'chunk', partition, number: change.number, id }, value: change.value }
}

/** Errors after which this producer will never write again. */
function isFatal(error: unknown): boolean {
  const code = (error as { readonly code?: string } | undefined)?.code
  return (
    code === 'PRODUCER_FENCED' ||
    code === 'INVALID_PRODUCER_EPOCH' ||
    code === 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' ||
    code === 'CLUSTER_AUTHORIZATION_FAILED'
  )
}
