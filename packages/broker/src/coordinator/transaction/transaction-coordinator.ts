// SPDX-License-Identifier: Apache-2.0
import type { Logger, Timer, World } from '@millrace/base'
import type { ErrorName } from '@millrace/protocol'
import type { NewTopic } from '../../metadata/topic-operations.ts'
import { type Topics, TRANSACTION_STATE_TOPIC } from '../../topics.ts'
import type { ShardRuntime } from '../runtime/shard-runtime.ts'
import { ShardedTopic } from '../runtime/sharded-topic.ts'
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  NO_PRODUCER_ID,
  NO_TIMEOUT_MS,
  type ReplayedTransaction,
  type Transaction,
  type TransactionPartitions,
  type TransactionRecord,
} from './transaction.ts'
import type { TransactionMarkers } from './transaction-markers.ts'
import {
  type EndRequest,
  type InitProducerIdRequest,
  isPrepared,
  type Outcome,
  type TransactionEffects,
  type TransactionRequest,
  TransactionShard,
  type TransactionTimer,
} from './transaction-shard.ts'

type Runtime = ShardRuntime<
  TransactionRecord,
  ReplayedTransaction,
  TransactionTimer,
  TransactionShard
>

/**
 * How long a request waits for a pending transition before it is answered with a retriable error.
 */
const MAX_WAIT_MS = 1000
const MARKER_RETRY_MS = 100

export interface TransactionCoordinatorOptions {
  readonly world: World
  readonly logger: Logger
  readonly topics: Topics
  readonly markers: TransactionMarkers
  readonly stateTopic: Omit<NewTopic, 'name'>
  readonly createTopic: (topic: NewTopic) => Promise<void>
  readonly newProducerId: () => Promise<bigint>
  /** The finalized feature level `transaction.version`. */
  readonly transactionVersion: () => number
  readonly maxTimeoutMs: number
  /** `transaction.two.phase.commit.enable` (KIP-939). */
  readonly isTwoPhaseCommitEnabled: boolean
  readonly idExpirationMs: number
  readonly expiryIntervalMs: number
}

/**
 * Transactional ids and their transactions: finds the shard of an id, runs its steps, and has the
 * markers written.
 */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions
  readonly #shards: ShardedTopic<
    TransactionRecord,
    ReplayedTransaction,
    TransactionTimer,
    TransactionShard
  >
  /** Transactions whose markers are being written, by id. */
  readonly #completions = new Map<string, Promise<void>>()
  /** Requests that wait for a pending transition of their id. */
  readonly #waiters = new Map<string, Set<() => void>>()

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
    this.#shards = new ShardedTopic({
      ...options,
      topic: { name: TRANSACTION_STATE_TOPIC, ...options.stateTopic },
      newShard: () => new TransactionShard(options.transactionVersion),
      serde: { encode: encodeTransactionRecord, decode: decodeTransactionRecord },
      onOpen: (runtime) => {
        for (const transactionalId of runtime.shard.prepared) {
          this.#startCompletion(runtime, transactionalId)
        }
      },
      onDurable: (runtime, records) => {
        for (const { key } of records) {
          runtime.shard.written(key.transactionalId)
          this.#startCompletion(runtime, key.transactionalId)
          this.#wake(key.transactionalId)
        }
      },
      onExpired: (runtime, timer) => {
        if (!runtime.shard.isOverdue(timer)) return
        this.#timeOut(runtime, timer).catch((error) => {
          const { transactionalId } = timer
          options.logger.error('could not abort a transaction after its time-out', {
            transactionalId,
            error,
          })
        })
      },
    })
    this.#shards.every(options.expiryIntervalMs, 'expiry of transactional ids', () =>
      this.#expireIds(),
    )
  }

  /**
   * Resumes transactions left open by a shutdown or crash: time-outs are started, and decided ones
   * are completed.
   */
  start(): void {
    this.#shards.all()
  }

  ensureTopic(): Promise<void> {
    return this.#shards.ensure()
  }

  // ----------------------------------------------------------------------------------------------
  // requests

  async initProducerId(
    request: Omit<InitProducerIdRequest, 'freshProducerId'> & {
      /**
       * Whether the transaction has no time-out: its participants decide in two phases (KIP-939).
       */
      readonly isTwoPhaseCommit: boolean
      /** Whether to keep a prepared transaction; Kafka 4.4 has the field and rejects it. */
      readonly keepsPrepared: boolean
    },
  ): Promise<Outcome> {
    const { transactionalId, isTwoPhaseCommit } = request
    const { maxTimeoutMs, isTwoPhaseCommitEnabled } = this.#options
    if (isTwoPhaseCommit && !isTwoPhaseCommitEnabled) {
      return { error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' }
    }
    if (request.keepsPrepared) return { error: 'UNSUPPORTED_VERSION' }
    if (!isTwoPhaseCommit && (request.timeoutMs <= 0 || request.timeoutMs > maxTimeoutMs)) {
      return { error: 'INVALID_TRANSACTION_TIMEOUT' }
    }
    const timeoutMs = isTwoPhaseCommit ? NO_TIMEOUT_MS : request.timeoutMs
    const runtime = await this.#shards.of(transactionalId)
    const freshProducerId = await this.#freshProducerId(runtime, transactionalId)
    return this.#settled(runtime, transactionalId, (shard, fx, now) =>
      shard.initProducerId(fx, { ...request, timeoutMs, freshProducerId }, now),
    )
  }

  /** Allocates a new producer id only for steps that may need one. */
  async #freshProducerId(runtime: Runtime, transactionalId: string): Promise<bigint> {
    return runtime.shard.needsProducerId(transactionalId)
      ? this.#options.newProducerId()
      : NO_PRODUCER_ID
  }

  async addPartitions(
    request: TransactionRequest & {
      readonly partitions: TransactionPartitions
      readonly clientVersion: number
    },
  ): Promise<ErrorName> {
    const { transactionalId } = request
    if (transactionalId === '') return 'INVALID_REQUEST'
    const runtime = await this.#shards.of(transactionalId)
    return this.#settled(runtime, transactionalId, (shard, fx, now) =>
      shard.addPartitions(fx, request, now),
    )
  }

  /** Whether the open transaction includes the partition. */
  verify(request: TransactionRequest, topic: string, partition: number): ErrorName {
    if (request.transactionalId === '') return 'INVALID_REQUEST'
    const runtime = this.#shards.ifExists(request.transactionalId)
    return runtime?.shard.verify(request, topic, partition) ?? 'INVALID_PRODUCER_ID_MAPPING'
  }

  async end(request: Omit<EndRequest, 'freshProducerId'>): Promise<Outcome> {
    const { transactionalId } = request
    if (transactionalId === '') return { error: 'INVALID_REQUEST' }
    const runtime = await this.#shards.of(transactionalId)
    const freshProducerId = await this.#freshProducerId(runtime, transactionalId)
    return this.#settled(runtime, transactionalId, (shard, fx, now) =>
      shard.end(fx, { ...request, freshProducerId }, now),
    )
  }

  /** The durable state. */
  find(transactionalId: string): Transaction | undefined {
    return this.#shards.ifExists(transactionalId)?.shard.durable(transactionalId)
  }

  list(): Transaction[] {
    return this.#shards.all().flatMap(({ shard }) => [...shard.transactions.values()])
  }

  /**
   * Runs a step when no transition of the id is pending, or after waiting too long for it; then the
   * shard returns `CONCURRENT_TRANSACTIONS`, as Kafka always does. Waiting saves the client a
   * back-off.
   */
  async #settled<R>(
    runtime: Runtime,
    transactionalId: string,
    step: (shard: TransactionShard, fx: TransactionEffects, nowMs: number) => R,
  ): Promise<R> {
    const { clock } = this.#options.world
    const deadline = clock.monotonic() + MAX_WAIT_MS
    while (runtime.shard.isPending(transactionalId)) {
      const left = deadline - clock.monotonic()
      if (left <= 0 || this.#shards.isClosed) break
      await this.#transition(transactionalId, left)
    }
    try {
      return await this.#shards.step(runtime, step)
    } finally {
      // After a failed write no later write would wake the waiting requests.
      this.#wake(transactionalId)
    }
  }

  /** Resolves after a transition of the id, at the latest after `timeoutMs`. */
  #transition(transactionalId: string, timeoutMs: number): Promise<void> {
    const waiters = this.#waiters.get(transactionalId) ?? new Set()
    this.#waiters.set(transactionalId, waiters)
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        waiters.delete(done)
        if (waiters.size === 0 && this.#waiters.get(transactionalId) === waiters) {
          this.#waiters.delete(transactionalId)
        }
        resolve()
      }
      const timer: Timer = this.#options.world.clock.setTimer(timeoutMs, done)
      waiters.add(done)
    })
  }

  #wake(transactionalId: string): void {
    for (const waiter of [...(this.#waiters.get(transactionalId) ?? [])]) waiter()
  }

  /** Aborts an overdue transaction if that requires a new producer id. */
  async #timeOut(runtime: Runtime, timer: TransactionTimer): Promise<void> {
    const freshProducerId = await this.#options.newProducerId()
    await this.#shards.step(runtime, (shard, fx, now) =>
      shard.timeOut(fx, timer, freshProducerId, now),
    )
  }

  // ----------------------------------------------------------------------------------------------
  // completion

  #startCompletion(runtime: Runtime, transactionalId: string): void {
    if (this.#completions.has(transactionalId)) return
    if (!runtime.shard.prepared.has(transactionalId)) return
    const completion = this.#complete(runtime, transactionalId).finally(() => {
      this.#completions.delete(transactionalId)
    })
    this.#completions.set(transactionalId, completion)
  }

  /** Writes the markers, then the end of the transaction; retries until it succeeds. */
  async #complete(runtime: Runtime, transactionalId: string): Promise<void> {
    const { logger, world } = this.#options
    while (!this.#shards.isClosed) {
      try {
        // While the log cannot be read, this throws too.
        const transaction = runtime.shard.transactions.get(transactionalId)
        if (transaction === undefined || !isPrepared(transaction.state)) return
        await this.#writeMarkers(transaction, runtime.leaderEpoch)
        await this.#shards.step(runtime, (shard, fx, now) => shard.complete(fx, transaction, now))
        return
      } catch (error) {
        if (this.#shards.isClosed) return
        logger.warn('could not complete a transaction, retrying', { transactionalId, error })
        await new Promise<void>((resolve) => world.clock.setTimer(MARKER_RETRY_MS, resolve))
      }
    }
  }

  async #writeMarkers(transaction: Transaction, coordinatorEpoch: number): Promise<void> {
    const marker = {
      producerId: transaction.producerId,
      producerEpoch: transaction.producerEpoch,
      coordinatorEpoch,
      isCommitted: transaction.state === 'PrepareCommit',
      transactionVersion: transaction.clientVersion,
    }
    const { markers } = this.#options
    await Promise.all(
      [...transaction.partitions].flatMap(([topic, indexes]) =>
        [...indexes].map((index) => markers.writeIfNeeded(topic, index, marker)),
      ),
    )
  }

  // ----------------------------------------------------------------------------------------------
  // expiry

  async #expireIds(): Promise<void> {
    const { idExpirationMs } = this.#options
    for (const runtime of this.#shards.all()) {
      await this.#shards.step(runtime, (shard, fx, now) =>
        shard.expireIds(fx, now - idExpirationMs),
      )
    }
  }

  close(): void {
    this.#shards.close()
  }
}
