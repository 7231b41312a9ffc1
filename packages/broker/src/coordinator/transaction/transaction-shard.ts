// SPDX-License-Identifier: Apache-2.0
import type { ErrorName } from '@millrace/protocol'
import { Effects } from '../runtime/effects.ts'
import {
  isEpochExhausted,
  MAX_PRODUCER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type ReplayedTransaction,
  type Transaction,
  type TransactionPartitions,
  type TransactionRecord,
  type TransactionStateName,
  transactionOf,
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
  /** What the producer had before, when it asks for a new epoch (KIP-360). */
  readonly expected: ProducerIdentity | undefined
  /** An id never used before, for a new transactional id or one whose epochs are used up. */
  readonly freshProducerId: bigint
}

export interface TransactionRequest extends ProducerIdentity {
  readonly transactionalId: string
}

export interface EndRequest extends TransactionRequest {
  readonly isCommitted: boolean
  /** `transaction.version` that the request works by: EndTxn 5 and up bump the epoch. */
  readonly clientVersion: number
  readonly freshProducerId: bigint
}

/** An outcome: an error, or who the producer is from now on. */
export type Outcome =
  | { readonly error: Exclude<ErrorName, 'NONE'> }
  | ({ readonly error: 'NONE' } & ProducerIdentity)

const NO_PARTITIONS: TransactionPartitions = new Map()
const EPOCH_BUMPING_VERSION = 2

/**
 * The transactional ids of one partition of `__transaction_state` (KIP-98, KIP-360, KIP-890). State changes only in
 * `apply`; who completes prepared transactions finds them in `prepared`.
 */
export class TransactionShard {
  readonly transactions = new Map<string, Transaction>()
  /** Ids whose outcome is decided and whose markers are not all written. */
  readonly prepared = new Set<string>()
  readonly #recordVersion: () => number
  readonly #serverVersion: () => number
  /** The epoch before the last bump; a restart forgets it. */
  readonly #lastEpochs = new Map<string, number>()

  /** `transactionVersion`: the finalized feature level `transaction.version`. */
  constructor(transactionVersion: () => number) {
    this.#recordVersion = () => (transactionVersion() >= 1 ? 1 : 0)
    this.#serverVersion = transactionVersion
  }

  apply({ transactionalId, value }: ReplayedTransaction): void {
    if (value === null) {
      this.transactions.delete(transactionalId)
      this.prepared.delete(transactionalId)
      this.#lastEpochs.delete(transactionalId)
      return
    }
    const transaction = transactionOf(
      transactionalId,
      value,
      this.#lastEpochs.get(transactionalId) ?? NO_PRODUCER_EPOCH,
    )
    this.transactions.set(transactionalId, transaction)
    if (isPrepared(transaction.state)) this.prepared.add(transactionalId)
    else this.prepared.delete(transactionalId)
  }

  /** After the log was read: transactions under way go on until their time is up. */
  restore(): TransactionEffects {
    const fx: TransactionEffects = new Effects()
    for (const transaction of this.transactions.values()) this.#setTimeout(fx, transaction)
    return fx
  }

  expire(timer: TransactionTimer, nowMs: number): TransactionEffects {
    const fx: TransactionEffects = new Effects()
    const transaction = this.transactions.get(timer.transactionalId)
    const isSame =
      transaction?.state === 'Ongoing' &&
      transaction.producerId === timer.producerId &&
      transaction.startMs === timer.startMs
    if (isSame) this.#abortFenced(fx, transaction, { freshProducerId: NO_PRODUCER_ID, nowMs })
    return fx
  }

  /** Whether a step on this id may have to hand out a producer id. */
  needsProducerId(transactionalId: string): boolean {
    const transaction = this.transactions.get(transactionalId)
    return transaction === undefined || isEpochExhausted(transaction.producerEpoch)
  }

  // ---------------------------------------------------------------------------------------------- beginning

  /** `CONCURRENT_TRANSACTIONS` also when a transaction had to be aborted first: then it is to be asked again. */
  initProducerId(fx: TransactionEffects, request: InitProducerIdRequest, nowMs: number): Outcome {
    const { transactionalId, expected, freshProducerId } = request
    const known = this.transactions.get(transactionalId) ?? newTransaction(request, nowMs)
    if (expected !== undefined && !isKnownProducer(known, expected)) {
      return { error: 'PRODUCER_FENCED' }
    }
    if (isPrepared(known.state)) return { error: 'CONCURRENT_TRANSACTIONS' }
    if (known.state === 'Ongoing') {
      // Fenced first, so that nothing of the old producer gets in between; then the new one asks again.
      this.#abortFenced(fx, known, { freshProducerId, nowMs })
      return { error: 'CONCURRENT_TRANSACTIONS' }
    }
    const renewed = this.#renew(known, request)
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

  /** The producer id and epoch that an InitProducerId gives. */
  #renew(
    known: Transaction,
    { expected, freshProducerId }: InitProducerIdRequest,
  ): Pick<Transaction, 'producerId' | 'producerEpoch' | 'lastProducerEpoch'> | 'PRODUCER_FENCED' {
    const { producerId, producerEpoch, lastProducerEpoch } = known
    const isCurrent = expected === undefined || expected.producerEpoch === producerEpoch
    if (isEpochExhausted(producerEpoch) && isCurrent) {
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
    // The reply to the call before was lost: the same answer again.
    if (expected.producerEpoch === lastProducerEpoch) {
      return { producerId, producerEpoch, lastProducerEpoch }
    }
    return 'PRODUCER_FENCED'
  }

  addPartitions(
    fx: TransactionEffects,
    request: TransactionRequest & {
      readonly partitions: TransactionPartitions
      readonly clientVersion: number
    },
    nowMs: number,
  ): ErrorName {
    const transaction = this.transactions.get(request.transactionalId)
    const error = this.#identityError(transaction, request)
    if (error !== undefined) return error
    const known = transaction as Transaction
    const { partitions } = request
    const isOngoing = known.state === 'Ongoing'
    if (isOngoing && containsAll(known.partitions, partitions)) return 'NONE'
    this.#write(fx, {
      ...known,
      state: 'Ongoing',
      previousProducerId: known.producerId,
      partitions: union(isOngoing ? known.partitions : NO_PARTITIONS, partitions),
      startMs: isOngoing ? known.startMs : nowMs,
      updatedMs: nowMs,
      clientVersion: request.clientVersion,
    })
    return 'NONE'
  }

  /** Whether a producer of before KIP-890 may write to a partition: it must have added it. */
  verify(request: TransactionRequest, topic: string, partition: number): ErrorName {
    const transaction = this.transactions.get(request.transactionalId)
    const error = this.#identityError(transaction, request)
    if (error !== undefined) return error
    return transaction?.partitions.get(topic)?.has(partition) ? 'NONE' : 'TRANSACTION_ABORTABLE'
  }

  #identityError(
    transaction: Transaction | undefined,
    request: TransactionRequest,
  ): ErrorName | undefined {
    if (transaction === undefined || transaction.producerId !== request.producerId) {
      return 'INVALID_PRODUCER_ID_MAPPING'
    }
    if (transaction.producerEpoch !== request.producerEpoch) return 'PRODUCER_FENCED'
    return isPrepared(transaction.state) ? 'CONCURRENT_TRANSACTIONS' : undefined
  }

  // ---------------------------------------------------------------------------------------------- ending

  end(fx: TransactionEffects, request: EndRequest, nowMs: number): Outcome {
    const transaction = this.transactions.get(request.transactionalId)
    if (transaction === undefined) return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    return request.clientVersion >= EPOCH_BUMPING_VERSION
      ? this.#endBumping(fx, transaction, request, nowMs)
      : this.#endKeeping(fx, transaction, request, nowMs)
  }

  /** Before KIP-890 part 2: the epoch stays, and a repeated request looks like the one before. */
  #endKeeping(
    fx: TransactionEffects,
    transaction: Transaction,
    request: EndRequest,
    nowMs: number,
  ): Outcome {
    const { producerId, producerEpoch, isCommitted } = request
    if (transaction.producerId !== producerId) return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    if (transaction.producerEpoch !== producerEpoch) return { error: 'PRODUCER_FENCED' }
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
    if (transaction.state === (isCommitted ? 'PrepareCommit' : 'PrepareAbort')) {
      return { error: 'CONCURRENT_TRANSACTIONS' }
    }
    return { error: 'INVALID_TXN_STATE' }
  }

  /** As of KIP-890 part 2: every end bumps the epoch, so a late request of the last transaction is told apart. */
  #endBumping(
    fx: TransactionEffects,
    transaction: Transaction,
    request: EndRequest,
    nowMs: number,
  ): Outcome {
    const { producerId, producerEpoch, isCommitted, freshProducerId } = request
    const { state } = transaction
    const isRetryOfBump = transaction.producerEpoch === producerEpoch + 1
    const isRetryOfOverflow =
      transaction.previousProducerId === producerId &&
      producerEpoch === MAX_PRODUCER_EPOCH - 1 &&
      transaction.producerEpoch === 0
    const isRetry = isRetryOfBump || isRetryOfOverflow
    if (transaction.producerId !== producerId && !isRetryOfOverflow) {
      return { error: 'INVALID_PRODUCER_ID_MAPPING' }
    }
    const isSame = transaction.producerEpoch === producerEpoch
    const isComplete = state === 'CompleteCommit' || state === 'CompleteAbort'
    const isValid = isPrepared(state) ? isRetryOfBump : isComplete ? isRetry || isSame : isSame
    if (!isValid) return { error: 'PRODUCER_FENCED' }
    const prepare = (isEmpty: boolean): Outcome =>
      this.#prepare(fx, transaction, { isCommitted, isEmpty, freshProducerId, nowMs })
    if (state === 'Ongoing') return prepare(false)
    if (isPrepared(state)) {
      const isThat = state === (isCommitted ? 'PrepareCommit' : 'PrepareAbort')
      return { error: isThat ? 'CONCURRENT_TRANSACTIONS' : 'INVALID_TXN_STATE' }
    }
    if (isRetry) {
      if (state !== (isCommitted ? 'CompleteCommit' : 'CompleteAbort')) {
        return { error: 'INVALID_TXN_STATE' }
      }
      return {
        error: 'NONE',
        producerId: transaction.producerId,
        producerEpoch: transaction.producerEpoch,
      }
    }
    // An abort without a transaction still bumps the epoch, so that whatever is on its way cannot begin one.
    return isCommitted ? { error: 'INVALID_TXN_STATE' } : prepare(true)
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

  /** Aborts what is under way on behalf of somebody else; the bumped epoch, told to nobody, fences the producer. */
  #abortFenced(
    fx: TransactionEffects,
    transaction: Transaction,
    work: { readonly freshProducerId: bigint; readonly nowMs: number },
  ): void {
    if (this.#serverVersion() >= EPOCH_BUMPING_VERSION) {
      // Without a fresh id at hand an exhausted epoch stays, and the next InitProducerId brings one.
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

  /** All markers are written. */
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

  /** Forgets ids that nobody has used for `transactional.id.expiration.ms`. */
  expireIds(fx: TransactionEffects, before: number): void {
    for (const { transactionalId, state, updatedMs } of this.transactions.values()) {
      const isIdle = state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
      if (isIdle && updatedMs <= before) {
        fx.records.push({ key: { transactionalId }, value: null })
      }
    }
  }

  #write(fx: TransactionEffects, transaction: Transaction): void {
    const { transactionalId } = transaction
    this.#lastEpochs.set(transactionalId, transaction.lastProducerEpoch)
    fx.records.push({
      key: { transactionalId },
      value: { version: this.#recordVersion(), transaction },
    })
    this.#setTimeout(fx, transaction)
  }

  #setTimeout(fx: TransactionEffects, transaction: Transaction): void {
    const { transactionalId, state, producerId, startMs, timeoutMs } = transaction
    if (state !== 'Ongoing') fx.cancelTimer(transactionalId)
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

/** Whether the producer that asks for a new epoch is the last one: by its id, or by the one whose epochs ran out. */
function isKnownProducer(transaction: Transaction, expected: ProducerIdentity): boolean {
  return (
    transaction.producerEpoch === NO_PRODUCER_EPOCH ||
    expected.producerId === transaction.producerId ||
    (expected.producerId === transaction.previousProducerId &&
      isEpochExhausted(expected.producerEpoch))
  )
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
