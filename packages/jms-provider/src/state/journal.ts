// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger } from '@millrace/base'
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
  readonly #epoch: Buffer
  readonly #dirty = new Set<Subscription>()
  #commits: PendingCommit[] = []
  #flushWaiters: (() => void)[] = []
  #isRunning = false
  #lastFlushMs = Number.NEGATIVE_INFINITY
  #isClosed = false
  readonly #onFatal: (error: Error) => void

  constructor(options: {
    readonly topic: string
    readonly epoch: number
    readonly clock: Clock
    readonly logger: Logger
    /** For what need not be atomic. */
    readonly plain: Producer
    /** Fences whoever owned the destinations before. */
    readonly transactional: Producer
    /** Somebody else owns the destinations now, or the cluster cannot be written to. */
    readonly onFatal: (error: Error) => void
  }) {
    this.#topic = options.topic
    this.#clock = options.clock
    this.#logger = options.logger
    this.#plain = options.plain
    this.#transactional = options.transactional
    this.#epoch = Buffer.from(String(options.epoch))
    this.#onFatal = options.onFatal
  }

  /** Makes sends and receipts final. Rejects when neither is, with everything as it was. */
  commit(commit: Commit): Promise<void> {
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
  async write(changes: readonly StateChange[]): Promise<void> {
    if (changes.length > 0) await this.#plain.send(changes.map((change) => this.#recordOf(change)))
  }

  #recordOf({ key, value }: StateChange): PlainRecord {
    return {
      topic: this.#topic,
      partition: 0,
      key: encodeKey(key),
      value,
      headers: [{ key: EPOCH_HEADER, value: this.#epoch }],
    }
  }

  #start(): void {
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    while ((this.#commits.length > 0 || this.#dirty.size > 0) && !this.#isClosed) {
      if (this.#commits.length === 0) await this.#waitToFlush()
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

  /** Gives changes a moment to gather; a commit ends the wait. */
  async #waitToFlush(): Promise<void> {
    const due = this.#lastFlushMs + FLUSH_INTERVAL_MS
    while (this.#commits.length === 0 && this.#flushWaiters.length === 0) {
      const left = due - this.#clock.monotonic()
      if (left <= 0) return
      await new Promise<void>((resolve) => void this.#clock.setTimer(Math.min(left, 2), resolve))
    }
  }

  async #flush(): Promise<void> {
    this.#lastFlushMs = this.#clock.monotonic()
    const taken = this.#takeChanges()
    const records = taken.flatMap(({ subscription, partition, changes }) =>
      changes.map((change) => this.#recordOf(stateChange(subscription.id, partition, change))),
    )
    if (records.length === 0) return
    try {
      await this.#plain.send(records)
    } catch (error) {
      this.#retake(taken)
      throw error
    }
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

  async #commitAll(pending: readonly PendingCommit[]): Promise<void> {
    for (const { commit } of pending) {
      for (const acquired of commit.receipts) {
        acquired.subscription.prepare(acquired)
        if (acquired.subscription.isDurable) this.#dirty.add(acquired.subscription)
      }
    }
    const taken = this.#takeChanges()
    const state = taken.flatMap(({ subscription, partition, changes }) =>
      changes.map((change) => this.#recordOf(stateChange(subscription.id, partition, change))),
    )
    const sends = pending.flatMap(({ commit }) => commit.sends)
    const lasting = sends.filter(({ destination }) => destination.log.topic !== undefined)
    try {
      if (state.length > 0 || lasting.length > 0) await this.#transact(state, lasting)
    } catch (error) {
      this.#retake(taken)
      for (const { commit, reject } of pending) {
        for (const acquired of commit.receipts) acquired.subscription.undo(acquired)
        reject(error)
      }
      throw error
    }
    for (const { commit, resolve } of pending) {
      for (const acquired of commit.receipts) acquired.subscription.complete(acquired)
      for (const { destination, record } of commit.sends) {
        if (destination.isTemporary && !destination.isClosed) void destination.append(record)
      }
      resolve()
    }
  }

  async #transact(state: readonly PlainRecord[], sends: Commit['sends']): Promise<void> {
    let isEnding = false
    const places = await this.#transactional
      .transaction(async (transaction) => {
        const sent: Promise<RecordMetadata>[] = []
        for (const { destination, record } of sends) {
          sent.push(transaction.send(producerRecord(destination.log.topic as string, record)))
        }
        if (state.length > 0) void transaction.send(state)
        const all = await Promise.all(sent)
        isEnding = true
        return all
      })
      .catch((error: unknown) => {
        // Whether it was committed is not known: only a new start, which asks the cluster, can tell.
        if (isEnding) this.#onFatal(error as Error)
        throw error
      })
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
  }
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
