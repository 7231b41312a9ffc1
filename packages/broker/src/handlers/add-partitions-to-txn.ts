// SPDX-License-Identifier: Apache-2.0
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  ErrorCode,
  type ErrorName,
} from '@millrace/protocol'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

interface AskedTransaction {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly verifyOnly: boolean
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[]
}

/**
 * AddPartitionsToTxn (key 24): adds partitions that the transaction is about to write to, for
 * producers older than KIP-890 part 2. v2 returns `PRODUCER_FENCED`; v4 and v5 are for requests
 * between brokers, with several transactions.
 */
export const addPartitionsToTxn = defineHandler(
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  async (request, context) => {
    const { access, version } = context
    if (version >= 4 && !access.allowsCluster()) {
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
        resultsByTransaction: [],
      }
    }
    if (version >= 4) {
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        resultsByTransaction: await Promise.all(
          request.transactions.map(async (transaction) => ({
            transactionalId: transaction.transactionalId,
            topicResults: await add(transaction, context),
          })),
        ),
      }
    }
    const transaction = {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    }
    return { throttleTimeMs: 0, resultsByTopicV3AndBelow: await add(transaction, context) }
  },
)

const NO_TOPICS: ReadonlySet<string> = new Set()

async function add(transaction: AskedTransaction, context: RequestContext) {
  const { broker, version, access } = context
  const { topics, verifyOnly } = transaction
  // From v4 on requests are sent by brokers, which are authorized for every topic.
  const isClient = version < 4
  const isDenied = isClient && !access.allows('transactionalId', transaction.transactionalId)
  const denied = isClient ? access.deniedTopics(topics.map(({ name }) => name)) : NO_TOPICS
  const exists = (name: string, index: number): boolean =>
    broker.topics.get(name)?.partitions[index] !== undefined
  const isComplete = topics.every(({ name, partitions }) =>
    partitions.every((index) => exists(name, index)),
  )
  let outcome: (name: string, index: number) => ErrorName
  if (isDenied) {
    outcome = () => 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  } else if (denied.size > 0 || !isComplete) {
    outcome = (name, index) => {
      if (denied.has(name)) return 'TOPIC_AUTHORIZATION_FAILED'
      return exists(name, index) ? 'OPERATION_NOT_ATTEMPTED' : 'UNKNOWN_TOPIC_OR_PARTITION'
    }
  } else if (verifyOnly) {
    outcome = (name, index) => broker.transactions.verify(transaction, name, index)
  } else {
    const error = await attempt(
      context,
      () =>
        broker.transactions.addPartitions({
          ...transaction,
          partitions: new Map(topics.map(({ name, partitions }) => [name, new Set(partitions)])),
          clientVersion: version >= 4 ? 2 : 0,
        }),
      ({ code }) => code,
    )
    outcome = () => (error === 'PRODUCER_FENCED' && version < 2 ? 'INVALID_PRODUCER_EPOCH' : error)
  }
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: ErrorCode[outcome(name, partitionIndex)],
    })),
  }))
}
