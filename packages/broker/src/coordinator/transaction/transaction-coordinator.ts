// SPDX-License-Identifier: Apache-2.0
import type { Logger, Timer, World } from '@millrace/base'
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import type { NewTopic } from '../../metadata/topic-operations.ts'
import { type Topics, TRANSACTION_STATE_TOPIC } from '../../topics.ts'
import { Effects } from '../runtime/effects.ts'
import { InternalTopic } from '../runtime/internal-topic.ts'
import { partitionForKey } from '../runtime/partition-for-key.ts'
import { ShardRuntime } from '../runtime/shard-runtime.ts'
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
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

/** How long a request waits for the markers of the transaction before it, rather than to make its client ask again. */
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
  readonly idExpirationMs: number
  readonly expiryIntervalMs: number
}

/** Transactional ids and their transactions: finds the shard of an id, runs its steps, and sees to the markers. */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions
  readonly #topic: InternalTopic
  readonly #runtimes = new Map<number, Runtime>()
  /** Transactions whose markers are being written, by id. */
  readonly #completions = new Map<string, Promise<void>>()
  #expiryTimer: Timer | undefined
  #closed = false

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
    this.#topic = new InternalTopic(
      { name: TRANSACTION_STATE_TOPIC, ...options.stateTopic },
      options,
    )
    this.#scheduleExpiry()
  }

  /** Takes up the transactions that a stop left under way: their time runs, and decided ones are carried out. */
  start(): void {
    this.#allRuntimes()
  }

  ensureTopic(): Promise<void> {
    return this.#topic.ensure()
  }

  async #runtimeOf(transactionalId: string): Promise<Runtime> {
    if (this.#closed) {
      throw new ProtocolError('COORDINATOR_NOT_AVAILABLE', 'the broker is shutting down')
    }
    await this.ensureTopic()
    return this.#runtime(partitionForKey(transactionalId, this.#topic.partitionCount))
  }

  /** Undefined when the topic is not there: then no id is known. */
  #existingRuntime(transactionalId: string): Runtime | undefined {
    const count = this.#topic.partitionCount
    return count === 0 ? undefined : this.#runtime(partitionForKey(transactionalId, count))
  }

  #runtime(index: number): Runtime {
    let runtime = this.#runtimes.get(index)
    if (runtime === undefined) {
      const { world, logger, topics, transactionVersion } = this.#options
      const partition = topics.partition(TRANSACTION_STATE_TOPIC, index)
      runtime = new ShardRuntime({
        newShard: () => new TransactionShard(transactionVersion),
        serde: { encode: encodeTransactionRecord, decode: decodeTransactionRecord },
        log: partition.log,
        leaderEpoch: () => partition.leaderEpoch,
        clock: world.clock,
        logger,
        onDurable: (records) => {
          for (const { key } of records) this.#startCompletion(index, key.transactionalId)
        },
      })
      this.#runtimes.set(index, runtime)
      for (const transactionalId of runtime.shard.prepared) {
        this.#startCompletion(index, transactionalId)
      }
    }
    return runtime
  }

  #allRuntimes(): Runtime[] {
    return Array.from({ length: this.#topic.partitionCount }, (_, index) => this.#runtime(index))
  }

  #step<Result>(
    runtime: Runtime,
    step: (shard: TransactionShard, fx: TransactionEffects, nowMs: number) => Result,
  ): Promise<Result> {
    return runtime.run((shard, nowMs) => {
      const fx: TransactionEffects = new Effects()
      return { result: step(shard, fx, nowMs), fx }
    })
  }

  // ---------------------------------------------------------------------------------------------- requests

  async initProducerId(request: Omit<InitProducerIdRequest, 'freshProducerId'>): Promise<Outcome> {
    const { transactionalId, timeoutMs } = request
    if (timeoutMs <= 0 || timeoutMs > this.#options.maxTimeoutMs) {
      return { error: 'INVALID_TRANSACTION_TIMEOUT' }
    }
    const runtime = await this.#runtimeOf(transactionalId)
    return this.#settled(transactionalId, async () => {
      const freshProducerId = await this.#freshProducerId(runtime, transactionalId)
      return this.#step(runtime, (shard, fx, now) =>
        shard.initProducerId(fx, { ...request, freshProducerId }, now),
      )
    })
  }

  /** Takes a new producer id only where one may be given out. */
  async #freshProducerId(runtime: Runtime, transactionalId: string): Promise<bigint> {
    return runtime.shard.needsProducerId(transactionalId) ? this.#options.newProducerId() : -1n
  }

  async addPartitions(
    request: TransactionRequest & {
      readonly partitions: TransactionPartitions
      readonly clientVersion: number
    },
  ): Promise<ErrorName> {
    const { transactionalId } = request
    if (transactionalId === '') return 'INVALID_REQUEST'
    const runtime = await this.#runtimeOf(transactionalId)
    const { error } = await this.#settled(transactionalId, async () => ({
      error: await this.#step(runtime, (shard, fx, now) => shard.addPartitions(fx, request, now)),
    }))
    return error
  }

  /** Whether the transaction under way has the partition. */
  verify(request: TransactionRequest, topic: string, partition: number): ErrorName {
    if (request.transactionalId === '') return 'INVALID_REQUEST'
    const runtime = this.#existingRuntime(request.transactionalId)
    return runtime?.shard.verify(request, topic, partition) ?? 'INVALID_PRODUCER_ID_MAPPING'
  }

  async end(request: Omit<EndRequest, 'freshProducerId'>): Promise<Outcome> {
    const { transactionalId } = request
    if (transactionalId === '') return { error: 'INVALID_REQUEST' }
    const runtime = await this.#runtimeOf(transactionalId)
    return this.#settled(transactionalId, async () => {
      const freshProducerId = await this.#freshProducerId(runtime, transactionalId)
      return this.#step(runtime, (shard, fx, now) =>
        shard.end(fx, { ...request, freshProducerId }, now),
      )
    })
  }

  find(transactionalId: string): Transaction | undefined {
    return this.#existingRuntime(transactionalId)?.shard.transactions.get(transactionalId)
  }

  list(): Transaction[] {
    return this.#allRuntimes().flatMap(({ shard }) => [...shard.transactions.values()])
  }

  /** Asks again once the transaction before is completed, for a while. */
  async #settled<R extends { readonly error: ErrorName }>(
    transactionalId: string,
    ask: () => Promise<R>,
  ): Promise<R> {
    const { clock } = this.#options.world
    const deadline = clock.monotonic() + MAX_WAIT_MS
    for (;;) {
      const reply = await ask()
      if (reply.error !== 'CONCURRENT_TRANSACTIONS') return reply
      const completion = this.#completions.get(transactionalId)
      const left = deadline - clock.monotonic()
      if (completion === undefined || left <= 0) return reply
      let timer: Timer | undefined
      const late = new Promise<void>((resolve) => {
        timer = clock.setTimer(left, resolve)
      })
      await Promise.race([completion, late])
      timer?.cancel()
    }
  }

  // ---------------------------------------------------------------------------------------------- completing

  #startCompletion(index: number, transactionalId: string): void {
    const runtime = this.#runtimes.get(index)
    if (runtime === undefined || this.#completions.has(transactionalId)) return
    if (!runtime.shard.prepared.has(transactionalId)) return
    const completion = this.#complete(runtime, transactionalId).finally(() => {
      this.#completions.delete(transactionalId)
    })
    this.#completions.set(transactionalId, completion)
  }

  /** Writes the markers, then the end of the transaction; tries until it is done. */
  async #complete(runtime: Runtime, transactionalId: string): Promise<void> {
    const { logger, world } = this.#options
    while (!this.#closed) {
      const transaction = runtime.shard.transactions.get(transactionalId)
      if (transaction === undefined || !isPrepared(transaction.state)) return
      try {
        await this.#writeMarkers(transaction, runtime.leaderEpoch)
        await this.#step(runtime, (shard, fx, now) => shard.complete(fx, transaction, now))
        return
      } catch (error) {
        if (this.#closed) return
        logger.warn('could not complete a transaction, trying again', { transactionalId, error })
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

  // ---------------------------------------------------------------------------------------------- expiring

  #scheduleExpiry(): void {
    const { world, expiryIntervalMs, idExpirationMs, logger } = this.#options
    this.#expiryTimer = world.clock.setTimer(expiryIntervalMs, () => {
      const expire = async (): Promise<void> => {
        for (const runtime of this.#allRuntimes()) {
          await this.#step(runtime, (shard, fx, now) => shard.expireIds(fx, now - idExpirationMs))
        }
      }
      void expire()
        .catch((error) => logger.error('expiry of transactional ids failed', { error }))
        .then(() => {
          if (!this.#closed) this.#scheduleExpiry()
        })
    })
  }

  close(): void {
    this.#closed = true
    this.#expiryTimer?.cancel()
    for (const runtime of this.#runtimes.values()) runtime.close()
  }
}
