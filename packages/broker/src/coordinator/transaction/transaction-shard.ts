// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import { Effects } from '../runtime/effects.ts'
import {
  isEpochExhausted,
  MAX_PRODUCER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_TIMEOUT_MS,
  type ReplayedTransaction,
  type Transaction,
  type TransactionPartitions,
  type TransactionRecord,
  type TransactionStateName,
  transactionOf,
  type UnrecordedState,
} from './transaction.ts'

export type TransactionTimer = {
  readonly kind: 'timeout'
  readonly transactionalId: string
  readonly producerId: bigint
  readonly startMs: number
}

export type TransactionEffects = Effects<TransactionRecord, TransactionTimer>

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface InitProducerIdRequest {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** The producer id and epoch that the producer had, if it requests a new epoch (KIP-360). */
  readonly expected: ProducerIdentity | undefined
  /** An unused producer id, for a new transactional id or one whose epochs are exhausted. */
  readonly freshProducerId: bigint
}

export interface TransactionRequest extends ProducerIdentity {
  readonly transactionalId: string
}

export interface EndRequest extends TransactionRequest {
  readonly isCommitted: boolean
  /** `transaction.version` of the request: EndTxn 5 and later increase the epoch. */
  readonly clientVersion: number
  readonly freshProducerId: bigint
}

/** An outcome: an error, or the producer's new id and epoch. */
export type Outcome =
  | { readonly error: Exclude<ErrorName, 'NONE'> }
  | ({ readonly error: 'NONE' } & ProducerIdentity)

const NO_PARTITIONS: TransactionPartitions = new Map()
const EPOCH_BUMPING_VERSION = 2
/**
 * Delay before a time-out is retried because a transition of its transaction was not durable yet.
 */
const TIMEOUT_RETRY_MS = 100

/**
 * The transactional ids of one partition of `__transaction_state` (KIP-98, KIP-360, KIP-890). State
 * changes only in `apply`; the coordinator completes the transactions in `prepared`.
 *
 * The order of checks is Kafka's, and clients depend on it: while a transition is pending, most
 * requests return `CONCURRENT_TRANSACTIONS` before their epoch is checked, because the client may
 * hold the epoch from before or after it.
 */
export class TransactionShard {
  readonly transactions = new Map<string, Transaction>()
  /** Ids whose outcome is decided and whose markers are not all written yet. */
  readonly prepared = new Set<string>()
  /** Ids with a record that is not durable yet, and their state before that record. */
  readonly unwritten = new Map<string, Transaction | undefined>()
  readonly #recordVersion: () => number
  readonly #serverVersion: () => number
  readonly #unrecorded = new Map<string, UnrecordedState>()

  /** `transactionVersion`: the finalized feature level `transaction.version`. */
  constructor(transactionVersion: () => number) {
    this.#recordVersion = () => (transactionVersion() >= 1 ? 1 : 0)
    this.#serverVersion = transactionVersion
  }

  apply({ transactionalId, value }: ReplayedTransaction): void {
    if (value === null) {
      this.transactions.delete(transactionalId)
      this.prepared.delete(transactionalId)
      this.#unrecorded.delete(transactionalId)
      return
    }
    const unrecorded = this.#unrecorded.get(transactionalId)
    const transaction = transactionOf(transactionalId, value, unrecorded)
    this.transactions.set(transactionalId, transaction)
    if (isPrepared(transaction.state)) this.prepared.add(transactionalId)
    else this.prepared.delete(transactionalId)
  }

  /** After the log was replayed: open transactions continue until their time-out. */
  restore(): TransactionEffects {
    const fx: TransactionEffects = new Effects()
    for (const transaction of this.transactions.values()) this.#setTimeout(fx, transaction)
    return fx
  }

  /**
   * Whether a transition is pending: its record is not durable, or the markers of a decided outcome
   * are not written.
   */
  isPending(transactionalId: string): boolean {
    return this.unwritten.has(transactionalId) || this.prepared.has(transactionalId)
  }

  /** Called when the last record of the id is durable. */
  written(transactionalId: string): void {
    this.unwritten.delete(transactionalId)
  }

  /** The durable state. */
  durable(transactionalId: string): Transaction | undefined {
    return this.unwritten.has(transactionalId)
      ? this.unwritten.get(transactionalId)
      : this.transactions.get(transactionalId)
  }

  /** Aborts an overdue transaction, unless that requires a new producer id: see `isOverdue`. */
  expire(timer: TransactionTimer, nowMs: number): TransactionEffects {
    const fx: TransactionEffects = new Effects()
    if (!this.isOverdue(timer)) this.timeOut(fx, timer, NO_PRODUCER_ID, nowMs)
    return fx
  }

  /**
   * Whether the time-out requires a new producer id because the epochs are exhausted, so that the
   * coordinator has to call `timeOut`.
   */
  isOverdue(timer: TransactionTimer): boolean {
    const transaction = this.#timedOut(timer)
    return transaction !== undefined && isEpochExhausted(transaction.producerEpoch)
  }

  timeOut(
    fx: TransactionEffects,
    timer: TransactionTimer,
    freshProducerId: bigint,
    nowMs: number,
  ): void {
    const transaction = this.#timedOut(timer)
    if (transaction === undefined) return
    if (this.isPending(timer.transactionalId)) {
      fx.setTimer(timer.transactionalId, nowMs + TIMEOUT_RETRY_MS, timer)
      return
    }
    this.#abortFenced(fx, transaction, { freshProducerId, nowMs })
  }

  #timedOut(timer: TransactionTimer): Transaction | undefined {
    const transaction = this.transactions.get(timer.transactionalId)
    const isSame =
      transaction?.state === 'Ongoing' &&
      transaction.producerId === timer.producerId &&
      transaction.startMs === timer.startMs
    return isSame ? transaction : undefined
  }

  /** Whether a step on this id may need a new producer id. */
  needsProducerId(transactionalId: string): boolean {
    const transaction = this.transactions.get(transactionalId)
    return transaction === undefined || isEpochExhausted(transaction.producerEpoch)
  }

  // ----------------------------------------------------------------------------------------------
  // InitProducerId, adding partitions

  /**
   * Returns `CONCURRENT_TRANSACTIONS` also if it aborts an open transaction first: the client
   * retries.
   */
  initProducerId(fx: TransactionEffects, request: InitProducerIdRequest, nowMs: number): Outcome {
    const { transactionalId, expected, freshProducerId } = request
    if (this.isPending(transactionalId)) return { error: 'CONCURRENT_TRANSACTIONS' }
    const known = this.transactions.get(transactionalId) ?? newTransaction(request, nowMs)
    if (expected !== undefined && !isKnownProducer(known, expected)) {
      return { error: 'PRODUCER_FENCED' }
    }
    if (known.state === 'Ongoing') {
      // The old producer is fenced first, so that none of its writes is accepted in between; then
      // the new one retries.
      this.#abortFenced(fx, known, { freshProducerId, nowMs })
      return { error: 'CONCURRENT_TRANSACTIONS' }
    }
    const renewed = renew(known, request)
    if (typeof renewed === 'string') return { error: renewed }
    this.#write(fx, {
      ...known,
      ...renewed,
      state: 'Empty',
      previousProducerId: known.producerId,
      nextProducerId: NO_PRODUCER_ID,
      timeoutMs: request.timeoutMs,
      partitions: NO_PARTITIONS,
      startMs: -1,
      updatedMs: nowMs,
    })
    return {
      error: 'NONE',
      producerId: renewed.producerId,
      producerEpoch: renewed.producerEpoch,
    }
  }

  addPartitions(
    fx: TransactionEffects,
    request: TransactionRequest & {
      readonly partitions: TransactionPartitions
      readonly clientVersion: number
    },
    nowMs: number,
  ): ErrorName {
    const { transactionalId, partitions, clientVersion } = request
    if (this.isPending(transactionalId)) return 'CONCURRENT_TRANSACTIONS'
    const transaction = this.transactions.get(transactionalId)
    if (transaction === undefined) return 'INVALID_PRODUCER_ID_MAPPING'
    const error = identityError(transaction, request)
    if (error !== undefined) return error
    const isOngoing = transaction.state === 'Ongoing'
    if (isOngoing && containsAll(transaction.partitions, partitions)) return 'NONE'
    this.#write(fx, {
      ...transaction,
      state: 'Ongoing',
      previousProducerId: transaction.producerId,
      partitions: union(isOngoing ? transaction.partitions : NO_PARTITIONS, partitions),
      startMs: isOngoing ? transaction.startMs : nowMs,
      updatedMs: nowMs,
      clientVersion,
    })
    return 'NONE'
  }

  /**
   * Whether a producer older than KIP-890 may write to a partition: it must have added the
   * partition.
   */
  verify(request: TransactionRequest, topic: string, partition: number): ErrorName {
    const transaction = this.durable(request.transactionalId)
    if (transaction === undefined) return 'INVALID_PRODUCER_ID_MAPPING'
    const error = identityError(transaction, request)
    if (error !== undefined) return error
    if (isPrepared(transaction.state)) return 'CONCURRENT_TRANSACTIONS'
    return transaction.partitions.get(topic)?.has(partition) ? 'NONE' : 'TRANSACTION_ABORTABLE'
  }

  // ----------------------------------------------------------------------------------------------
  // EndTxn

  end(fx: TransactionEffects, request: EndRequest, nowMs: number): Outcome {
    const transaction = this.transactions.get(request.transactionalId)
    if (transaction === undefined) return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    return request.clientVersion >= EPOCH_BUMPING_VERSION
      ? this.#endBumping(fx, transaction, request, nowMs)
      : this.#endKeeping(fx, transaction, request, nowMs)
  }

  /**
   * Before KIP-890 part 2 the epoch is unchanged, and a repeated request is indistinguishable from
   * the first.
   */
  #endKeeping(
    fx: TransactionEffects,
    transaction: Transaction,
    request: EndRequest,
    nowMs: number,
  ): Outcome {
    const { producerId, producerEpoch, isCommitted } = request
    const error = identityError(transaction, request)
    if (error !== undefined) return { error }
    if (this.isPending(request.transactionalId)) return { error: 'CONCURRENT_TRANSACTIONS' }
    if (transaction.state === 'Ongoing') {
      this.#write(fx, {
        ...transaction,
        state: isCommitted ? 'PrepareCommit' : 'PrepareAbort',
        previousProducerId: producerId,
        nextProducerId: NO_PRODUCER_ID,
        updatedMs: nowMs,
        clientVersion: 0,
      })
      return { error: 'NONE', producerId, producerEpoch }
    }
    if (transaction.state === (isCommitted ? 'CompleteCommit' : 'CompleteAbort')) {
      return { error: 'NONE', producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH }
    }
    return { error: 'INVALID_TXN_STATE' }
  }

  /**
   * KIP-890 part 2: every end increases the epoch, so that a late request of the previous
   * transaction is detected.
   */
  #endBumping(
    fx: TransactionEffects,
    transaction: Transaction,
    request: EndRequest,
    nowMs: number,
  ): Outcome {
    const { producerId, producerEpoch, isCommitted, freshProducerId } = request
    const { state } = transaction
    if (this.isPending(request.transactionalId)) return { error: 'CONCURRENT_TRANSACTIONS' }
    const isRetryOfOverflow =
      transaction.previousProducerId === producerId &&
      producerEpoch === MAX_PRODUCER_EPOCH - 1 &&
      transaction.producerEpoch === 0
    if (transaction.producerId !== producerId && !isRetryOfOverflow) {
      return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    }
    const isRetry = isRetryOfOverflow || transaction.producerEpoch === producerEpoch + 1
    const isSame = transaction.producerEpoch === producerEpoch
    const isComplete = state === 'CompleteCommit' || state === 'CompleteAbort'
    if (!isSame && !(isComplete && isRetry)) return { error: 'PRODUCER_FENCED' }
    const decision = { isCommitted, freshProducerId, nowMs }
    if (state === 'Ongoing') {
      return this.#prepare(fx, transaction, { ...decision, isEmpty: false })
    }
    if (isComplete && isRetry) {
      if (state !== (isCommitted ? 'CompleteCommit' : 'CompleteAbort')) {
        return { error: 'INVALID_TXN_STATE' }
      }
      return {
        error: 'NONE',
        producerId: transaction.producerId,
        producerEpoch: transaction.producerEpoch,
      }
    }
    if (isCommitted) return { error: 'INVALID_TXN_STATE' }
    // An abort without a transaction still increases the epoch, so that a late request cannot start
    // one.
    return this.#prepare(fx, transaction, { ...decision, isEmpty: true })
  }

  #prepare(
    fx: TransactionEffects,
    transaction: Transaction,
    decision: {
      readonly isCommitted: boolean
      readonly isEmpty: boolean
      readonly freshProducerId: bigint
      readonly nowMs: number
    },
  ): Outcome {
    const { isCommitted, isEmpty, freshProducerId, nowMs } = decision
    const { producerId, producerEpoch } = transaction
    const isExhausted = isEpochExhausted(producerEpoch)
    const bumped = Math.min(producerEpoch + 1, MAX_PRODUCER_EPOCH)
    this.#write(fx, {
      ...transaction,
      state: isCommitted ? 'PrepareCommit' : 'PrepareAbort',
      previousProducerId: producerId,
      nextProducerId: isExhausted ? freshProducerId : NO_PRODUCER_ID,
      producerEpoch: bumped,
      lastProducerEpoch: producerEpoch,
      partitions: isEmpty ? NO_PARTITIONS : transaction.partitions,
      startMs: isEmpty ? nowMs : transaction.startMs,
      updatedMs: nowMs,
      clientVersion: EPOCH_BUMPING_VERSION,
    })
    return isExhausted
      ? { error: 'NONE', producerId: freshProducerId, producerEpoch: 0 }
      : { error: 'NONE', producerId, producerEpoch: bumped }
  }

  /**
   * Aborts an open transaction for another producer or after its time-out. The increased epoch is
   * assigned to no producer, which fences the old one.
   */
  #abortFenced(
    fx: TransactionEffects,
    transaction: Transaction,
    work: { readonly freshProducerId: bigint; readonly nowMs: number },
  ): void {
    if (this.#serverVersion() >= EPOCH_BUMPING_VERSION) {
      this.#prepare(fx, transaction, { ...work, isCommitted: false, isEmpty: false })
      return
    }
    this.#write(fx, {
      ...transaction,
      state: 'PrepareAbort',
      previousProducerId: transaction.producerId,
      nextProducerId: NO_PRODUCER_ID,
      producerEpoch: Math.min(transaction.producerEpoch + 1, MAX_PRODUCER_EPOCH),
      lastProducerEpoch: NO_PRODUCER_EPOCH,
      updatedMs: work.nowMs,
      clientVersion: 0,
    })
  }

  /** Called when all markers are written. */
  complete(fx: TransactionEffects, prepared: Transaction, nowMs: number): void {
    const current = this.transactions.get(prepared.transactionalId)
    if (current !== prepared) return
    const rotates =
      prepared.clientVersion >= EPOCH_BUMPING_VERSION && prepared.nextProducerId !== NO_PRODUCER_ID
    this.#write(fx, {
      ...prepared,
      state: prepared.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
      producerId: rotates ? prepared.nextProducerId : prepared.producerId,
      producerEpoch: rotates ? 0 : prepared.producerEpoch,
      previousProducerId: prepared.producerId,
      nextProducerId: NO_PRODUCER_ID,
      partitions: NO_PARTITIONS,
      updatedMs: nowMs,
    })
  }

  /** Deletes ids that were not used for `transactional.id.expiration.ms`. */
  expireIds(fx: TransactionEffects, before: number): void {
    for (const transaction of this.transactions.values()) {
      const { transactionalId, state, updatedMs } = transaction
      const isIdle = state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
      if (!isIdle || updatedMs > before || this.isPending(transactionalId)) continue
      this.unwritten.set(transactionalId, transaction)
      fx.records.push({ key: { transactionalId }, value: null })
    }
  }

  #write(fx: TransactionEffects, transaction: Transaction): void {
    const { transactionalId } = transaction
    this.unwritten.set(transactionalId, this.transactions.get(transactionalId))
    const { lastProducerEpoch, previousProducerId, nextProducerId, clientVersion } = transaction
    this.#unrecorded.set(transactionalId, {
      lastProducerEpoch,
      previousProducerId,
      nextProducerId,
      clientVersion,
    })
    fx.records.push({
      key: { transactionalId },
      value: { version: this.#recordVersion(), transaction },
    })
    this.#setTimeout(fx, transaction)
  }

  #setTimeout(fx: TransactionEffects, transaction: Transaction): void {
    const { transactionalId, state, producerId, startMs, timeoutMs } = transaction
    if (state !== 'Ongoing' || timeoutMs === NO_TIMEOUT_MS) fx.cancelTimer(transactionalId)
    else {
      fx.setTimer(transactionalId, startMs + timeoutMs, {
        kind: 'timeout',
        transactionalId,
        producerId,
        startMs,
      })
    }
  }
}

export function isPrepared(state: TransactionStateName): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

function newTransaction(request: InitProducerIdRequest, nowMs: number): Transaction {
  return {
    transactionalId: request.transactionalId,
    state: 'Empty',
    producerId: request.freshProducerId,
    previousProducerId: NO_PRODUCER_ID,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: request.timeoutMs,
    partitions: NO_PARTITIONS,
    startMs: -1,
    updatedMs: nowMs,
    clientVersion: 0,
  }
}

/**
 * Whether the producer that requests a new epoch is the current one: by its id, or by the previous
 * id if its epochs were exhausted.
 */
function isKnownProducer(transaction: Transaction, expected: ProducerIdentity): boolean {
  return (
    transaction.producerEpoch === NO_PRODUCER_EPOCH ||
    expected.producerId === transaction.producerId ||
    (expected.producerId === transaction.previousProducerId &&
      isEpochExhausted(expected.producerEpoch))
  )
}

/** The producer id and epoch that an InitProducerId returns. */
function renew(
  known: Transaction,
  { expected, freshProducerId }: InitProducerIdRequest,
):
  | Pick<Transaction, 'producerId' | 'producerEpoch' | 'lastProducerEpoch'>
  | 'PRODUCER_FENCED'
  | 'UNKNOWN_SERVER_ERROR' {
  const { producerId, producerEpoch, lastProducerEpoch } = known
  const isCurrent = expected === undefined || expected.producerEpoch === producerEpoch
  if (isEpochExhausted(producerEpoch)) {
    // Kafka has no epoch to return if a producer repeats the request from before the last increase,
    // and fails.
    if (!isCurrent) return 'UNKNOWN_SERVER_ERROR'
    return {
      producerId: freshProducerId,
      producerEpoch: 0,
      lastProducerEpoch: expected === undefined ? NO_PRODUCER_EPOCH : producerEpoch,
    }
  }
  if (expected === undefined) {
    return { producerId, producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH }
  }
  if (isCurrent || producerEpoch === NO_PRODUCER_EPOCH) {
    return { producerId, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
  }
  // The reply to the last request was lost: return it again.
  if (expected.producerEpoch === lastProducerEpoch) {
    return { producerId, producerEpoch, lastProducerEpoch }
  }
  return 'PRODUCER_FENCED'
}

function identityError(
  transaction: Transaction,
  { producerId, producerEpoch }: TransactionRequest,
): 'INVALID_PRODUCER_ID_MAPPING' | 'PRODUCER_FENCED' | undefined {
  if (transaction.producerId !== producerId) return 'INVALID_PRODUCER_ID_MAPPING'
  return transaction.producerEpoch === producerEpoch ? undefined : 'PRODUCER_FENCED'
}

function containsAll(known: TransactionPartitions, asked: TransactionPartitions): boolean {
  for (const [topic, indexes] of asked) {
    const ours = known.get(topic)
    if (ours === undefined) return false
    for (const index of indexes) if (!ours.has(index)) return false
  }
  return true
}

function union(a: TransactionPartitions, b: TransactionPartitions): TransactionPartitions {
  const all = new Map(a)
  for (const [topic, indexes] of b) all.set(topic, new Set([...(a.get(topic) ?? []), ...indexes]))
  return all
}
