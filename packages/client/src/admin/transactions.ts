// SPDX-License-Identifier: Apache-2.0
import {
  DescribeProducersRequest,
  DescribeProducersResponse,
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
  ListTransactionsRequest,
  ListTransactionsResponse,
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
} from '@millrace/protocol'
import { byLeader } from '../metadata/offset-lookup.ts'
import { partitionName, partitionsByTopic, type TopicPartition } from '../topic-partition.ts'
import { type AdminCaller, type Target, throwIfError } from './caller.ts'

/** State of a producer in a partition. */
export interface ProducerState {
  /** Producer id. */
  readonly producerId: bigint
  /** Producer epoch. */
  readonly producerEpoch: number
  /** Sequence number of its last record. */
  readonly lastSequence: number
  /** Time of its last record, milliseconds since 1970. */
  readonly lastTimestamp: number
  /** Epoch of the coordinator that wrote its last transaction marker; -1 for none. */
  readonly coordinatorEpoch: number
  /** First offset of its open transaction, -1 for none. */
  readonly currentTransactionStartOffset: bigint
}

/** Producers that partitions know; keys are `topic-partition`. */
export async function describeProducers(
  caller: AdminCaller,
  partitions: readonly TopicPartition[],
): Promise<Map<string, ProducerState[]>> {
  const found = new Map<string, ProducerState[]>()
  await byLeader(caller.cluster, partitions, {
    what: 'producers',
    timeoutMs: caller.timeoutMs,
    ask: async (node, items) => {
      const { topics } = await caller.cluster.request(
        node,
        DescribeProducersRequest,
        DescribeProducersResponse,
        {
          topics: [...partitionsByTopic(items)].map(([name, partitionIndexes]) => ({
            name,
            partitionIndexes,
          })),
        },
      )
      return topics.flatMap(({ name, partitions: list }) =>
        list.map(({ partitionIndex, errorCode, activeProducers }) => {
          const place = { topic: name, partition: partitionIndex }
          found.set(
            partitionName(place),
            activeProducers.map(({ currentTxnStartOffset, lastTimestamp, ...producer }) => ({
              ...producer,
              lastTimestamp: Number(lastTimestamp),
              currentTransactionStartOffset: currentTxnStartOffset,
            })),
          )
          return { ...place, errorCode }
        }),
      )
    },
  })
  return found
}

function transactionCoordinator(transactionalId: string): Target {
  return { kind: 'coordinator', type: 'transaction', key: transactionalId }
}

/** A transaction. */
export interface TransactionDescription {
  /** Id of the broker that coordinates it. */
  readonly coordinator: number
  /** State, such as `Ongoing`. */
  readonly state: string
  /** Producer id. */
  readonly producerId: bigint
  /** Producer epoch. */
  readonly producerEpoch: number
  /** Time after which it is aborted. */
  readonly timeoutMs: number
  /** When the transaction began, milliseconds since 1970; -1 while none is open. */
  readonly startTimeMs: number
  /** Partitions in the transaction. */
  readonly partitions: readonly TopicPartition[]
}

export async function describeTransactions(
  caller: AdminCaller,
  transactionalIds: readonly string[],
): Promise<Map<string, TransactionDescription>> {
  return caller.forEach(transactionalIds, async (transactionalId) => {
    const response = await caller.call(
      transactionCoordinator(transactionalId),
      DescribeTransactionsRequest,
      DescribeTransactionsResponse,
      { transactionalIds: [transactionalId] },
      ({ transactionStates }) => {
        for (const state of transactionStates)
          throwIfError(state, `transactional id ${transactionalId}`)
      },
    )
    const state = response.transactionStates[0] as (typeof response.transactionStates)[number]
    return {
      coordinator: (await caller.cluster.coordinator('transaction', transactionalId)).id,
      state: state.transactionState,
      producerId: state.producerId,
      producerEpoch: state.producerEpoch,
      timeoutMs: state.transactionTimeoutMs,
      startTimeMs: Number(state.transactionStartTimeMs),
      partitions: state.topics.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    }
  })
}

/** A transaction without details. */
export interface TransactionListing {
  /** Transactional id. */
  readonly transactionalId: string
  /** Producer id. */
  readonly producerId: bigint
  /** State, such as `Ongoing`. */
  readonly state: string
}

export async function listTransactions(
  caller: AdminCaller,
  filter: {
    readonly states?: readonly string[]
    readonly producerIds?: readonly bigint[]
    /** Only transactions that have been open for at least this many milliseconds. */
    readonly minDurationMs?: number
    /** A regular expression for the broker (KIP-1152). */
    readonly transactionalIdPattern?: string
  } = {},
): Promise<TransactionListing[]> {
  const listed = await caller.everywhere(async (node) => {
    const response = await caller.call(
      node,
      ListTransactionsRequest,
      ListTransactionsResponse,
      {
        stateFilters: [...(filter.states ?? [])],
        producerIdFilters: [...(filter.producerIds ?? [])],
        ...(filter.minDurationMs === undefined
          ? {}
          : { durationFilter: BigInt(filter.minDurationMs) }),
        ...(filter.transactionalIdPattern === undefined
          ? {}
          : { transactionalIdPattern: filter.transactionalIdPattern }),
      },
      (reply) => throwIfError(reply, 'ListTransactions'),
    )
    return response.transactionStates
  })
  return listed.map(({ transactionalId, producerId, transactionState }) => ({
    transactionalId,
    producerId,
    state: transactionState,
  }))
}

/** Aborts a transaction that hangs in one partition, as `describeProducers` shows it (KIP-664). */
export async function abortTransaction(
  caller: AdminCaller,
  transaction: TopicPartition & {
    readonly producerId: bigint
    readonly producerEpoch: number
    readonly coordinatorEpoch: number
  },
): Promise<void> {
  await byLeader(caller.cluster, [transaction], {
    what: 'abortion of a transaction',
    timeoutMs: caller.timeoutMs,
    ask: async (node) => {
      const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = transaction
      const response = await caller.cluster.request(
        node,
        WriteTxnMarkersRequest,
        WriteTxnMarkersResponse,
        {
          markers: [
            {
              producerId,
              producerEpoch,
              transactionResult: false,
              topics: [{ name: topic, partitionIndexes: [partition] }],
              coordinatorEpoch,
            },
          ],
        },
      )
      return response.markers.flatMap(({ topics }) =>
        topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, errorCode }) => ({
            topic: name,
            partition: partitionIndex,
            errorCode,
          })),
        ),
      )
    },
  })
}

/** A producer that was fenced. */
export interface FencedProducer {
  /** Producer id. */
  readonly producerId: bigint
  /** Epoch that a new producer continues from. */
  readonly producerEpoch: number
}

/** Fences the current producers of transactional ids; their open transactions are aborted. */
export async function fenceProducers(
  caller: AdminCaller,
  transactionalIds: readonly string[],
): Promise<Map<string, FencedProducer>> {
  return caller.forEach(transactionalIds, async (transactionalId) => {
    const { producerId, producerEpoch } = await caller.call(
      transactionCoordinator(transactionalId),
      InitProducerIdRequest,
      InitProducerIdResponse,
      { transactionalId, transactionTimeoutMs: caller.timeoutMs },
      (reply) => throwIfError(reply, `transactional id ${transactionalId}`),
    )
    return { producerId, producerEpoch }
  })
}
