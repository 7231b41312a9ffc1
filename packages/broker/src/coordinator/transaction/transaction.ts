// SPDX-License-Identifier: Apache-2.0
import {
  decodeMessage,
  type MessageInput,
  type MessageOf,
  TransactionLogKey,
  TransactionLogValue,
} from '@millrace/protocol'
import { decodeValue, encodeKey, encodeValue } from '../runtime/coordinator-record.ts'

/** States of a transactional id, by the number in its record. */
export const TransactionState = {
  Empty: 0,
  Ongoing: 1,
  PrepareCommit: 2,
  PrepareAbort: 3,
  CompleteCommit: 4,
  CompleteAbort: 5,
  Dead: 6,
  PrepareEpochFence: 7,
} as const
export type TransactionStateName = keyof typeof TransactionState

const NAMES = Object.keys(TransactionState) as TransactionStateName[]

export function isTransactionStateName(name: string): name is TransactionStateName {
  return name in TransactionState
}

export const NO_PRODUCER_ID = -1n
export const NO_PRODUCER_EPOCH = -1
export const MAX_PRODUCER_EPOCH = 32767
/** Stored as the time-out of a transaction without one (KIP-939). */
export const NO_TIMEOUT_MS = 0x7fffffff

/** Whether no epoch is left to assign: the last one is reserved for fencing. */
export function isEpochExhausted(epoch: number): boolean {
  return epoch >= MAX_PRODUCER_EPOCH - 1
}

/** Partitions of a transaction, `topic-partition`, by topic. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>

/** State of one transactional id. */
export interface Transaction {
  readonly transactionalId: string
  readonly state: TransactionStateName
  readonly producerId: bigint
  readonly previousProducerId: bigint
  /** Assigned at completion if the epochs of the current id are exhausted. */
  readonly nextProducerId: bigint
  readonly producerEpoch: number
  /**
   * The epoch before the last increase, which identifies a repeated InitProducerId. Not in the log.
   */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly partitions: TransactionPartitions
  /** -1 when there is none. */
  readonly startMs: number
  readonly updatedMs: number
  /**
   * `transaction.version` of its client: 2 increases the epoch with every transaction (KIP-890).
   */
  readonly clientVersion: number
}

export type TransactionRecord = {
  readonly key: MessageOf<typeof TransactionLogKey>
  readonly value: { readonly version: number; readonly transaction: Transaction } | null
}

export interface ReplayedTransaction {
  readonly transactionalId: string
  readonly value: MessageOf<typeof TransactionLogValue> | null
}

export function encodeTransactionRecord(record: TransactionRecord): {
  readonly key: Buffer
  readonly value: Buffer | null
} {
  const key = encodeKey(TransactionLogKey, record.key)
  if (record.value === null) return { key, value: null }
  const { version, transaction } = record.value
  return {
    key,
    value: encodeValue(TransactionLogValue, version, recordValue(transaction, version)),
  }
}

function recordValue(
  transaction: Transaction,
  version: number,
): MessageInput<typeof TransactionLogValue> {
  return {
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: TransactionState[transaction.state],
    transactionPartitions:
      transaction.state === 'Empty'
        ? null
        : [...transaction.partitions].map(([topic, ids]) => ({ topic, partitionIds: [...ids] })),
    transactionLastUpdateTimestampMs: BigInt(transaction.updatedMs),
    transactionStartTimestampMs: BigInt(transaction.startMs),
    ...(version < 1
      ? {}
      : {
          previousProducerId: transaction.previousProducerId,
          nextProducerId: transaction.nextProducerId,
          clientTransactionVersion: transaction.clientVersion,
        }),
  }
}

export function decodeTransactionRecord(key: Buffer, value: Buffer | null): ReplayedTransaction {
  if (key.readInt16BE(0) !== TransactionLogKey.apiKey) return { transactionalId: '', value: null }
  const { transactionalId } = decodeMessage(TransactionLogKey, 0, key.subarray(2))
  return { transactionalId, value: value === null ? null : decodeValue(TransactionLogValue, value) }
}

/**
 * Fields that a record omits, always or before `transaction.version` 1: a coordinator has them
 * until it restarts, as in Kafka.
 */
export type UnrecordedState = Pick<
  Transaction,
  'lastProducerEpoch' | 'previousProducerId' | 'nextProducerId' | 'clientVersion'
>

export function transactionOf(
  transactionalId: string,
  value: MessageOf<typeof TransactionLogValue>,
  unrecorded: UnrecordedState | undefined,
): Transaction {
  return {
    transactionalId,
    state: NAMES[value.transactionStatus] ?? 'Dead',
    producerId: value.producerId,
    previousProducerId: unrecorded?.previousProducerId ?? value.previousProducerId,
    nextProducerId: unrecorded?.nextProducerId ?? value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: unrecorded?.lastProducerEpoch ?? NO_PRODUCER_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    partitions: new Map(
      (value.transactionPartitions ?? []).map(({ topic, partitionIds }) => [
        topic,
        new Set(partitionIds),
      ]),
    ),
    startMs: Number(value.transactionStartTimestampMs),
    updatedMs: Number(value.transactionLastUpdateTimestampMs),
    clientVersion: unrecorded?.clientVersion ?? value.clientTransactionVersion,
  }
}
