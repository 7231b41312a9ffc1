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
  readonly #shards: ShardedTopic<
    TransactionRecord,
    ReplayedTransaction,
    TransactionTimer,
    TransactionShard
  >
  /** Transactions whose markers are being written, by id. */
  readonly #completions = new Map<string, Promise<void>>()

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
        for (const { key } of records) this.#startCompletion(runtime, key.transactionalId)
      },
    })
    this.#shards.every(options.expiryIntervalMs, 'expiry of transactional ids', () =>
      this.#expireIds(),
    )
  }

  /** Takes up the transactions that a stop left under way: their time runs, and decided ones are carried out. */
  start(): void {
    this.#shards.all()
  }

  ensureTopic(): Promise<void> {
    return this.#shards.ensure()
  }

  // ---------------------------------------------------------------------------------------------- requests

  async initProducerId(request: Omit<InitProducerIdRequest, 'freshProducerId'>): Promise<Outcome> {
    const { transactionalId, timeoutMs } = request
    if (timeoutMs <= 0 || timeoutMs > this.#options.maxTimeoutMs) {
      return { error: 'INVALID_TRANSACTION_TIMEOUT' }
    }
    const runtime = await this.#shards.of(transactionalId)
    return this.#settled(transactionalId, async () => {
      const freshProducerId = await this.#freshProducerId(runtime, transactionalId)
      return this.#shards.step(runtime, (shard, fx, now) =>
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
    const runtime = await this.#shards.of(transactionalId)
    const { error } = await this.#settled(transactionalId, async () => ({
      error: await this.#shards.step(runtime, (shard, fx, now) =>
        shard.addPartitions(fx, request, now),
      ),
    }))
    return error
  }

  /** Whether the transaction under way has the partition. */
  verify(request: TransactionRequest, topic: string, partition: number): ErrorName {
    if (request.transactionalId === '') return 'INVALID_REQUEST'
    const runtime = this.#shards.ifThere(request.transactionalId)
    return runtime?.shard.verify(request, topic, partition) ?? 'INVALID_PRODUCER_ID_MAPPING'
  }

  async end(request: Omit<EndRequest, 'freshProducerId'>): Promise<Outcome> {
    const { transactionalId } = request
    if (transactionalId === '') return { error: 'INVALID_REQUEST' }
    const runtime = await this.#shards.of(transactionalId)
    return this.#settled(transactionalId, async () => {
      const freshProducerId = await this.#freshProducerId(runtime, transactionalId)
      return this.#shards.step(runtime, (shard, fx, now) =>
        shard.end(fx, { ...request, freshProducerId }, now),
      )
    })
  }

  find(transactionalId: string): Transaction | undefined {
    return this.#shards.ifThere(transactionalId)?.shard.transactions.get(transactionalId)
  }

  list(): Transaction[] {
    return this.#shards.all().flatMap(({ shard }) => [...shard.transactions.values()])
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

  #startCompletion(runtime: Runtime, transactionalId: string): void {
    if (this.#completions.has(transactionalId)) return
    if (!runtime.shard.prepared.has(transactionalId)) return
    const completion = this.#complete(runtime, transactionalId).finally(() => {
      this.#completions.delete(transactionalId)
    })
    this.#completions.set(transactionalId, completion)
  }

  /** Writes the markers, then the end of the transaction; tries until it is done. */
  async #complete(runtime: Runtime, transactionalId: string): Promise<void> {
    const { logger, world } = this.#options
    while (!this.#shards.isClosed) {
      const transaction = runtime.shard.transactions.get(transactionalId)
      if (transaction === undefined || !isPrepared(transaction.state)) return
      try {
        await this.#writeMarkers(transaction, runtime.leaderEpoch)
        await this.#shards.step(runtime, (shard, fx, now) => shard.complete(fx, transaction, now))
        return
      } catch (error) {
        if (this.#shards.isClosed) return
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
