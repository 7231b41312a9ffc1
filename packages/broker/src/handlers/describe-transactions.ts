// SPDX-License-Identifier: Apache-2.0
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
  ErrorCode,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'

const UNKNOWN = {
  transactionState: '',
  transactionTimeoutMs: 0,
  transactionStartTimeMs: 0n,
  producerId: 0n,
  producerEpoch: 0,
  topics: [],
}

/** DescribeTransactions (key 65): the coordinator's state of transactional ids (KIP-664). */
export const describeTransactions = defineHandler(
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
  (request, { broker, access }) => ({
    throttleTimeMs: 0,
    transactionStates: request.transactionalIds.map((transactionalId) => {
      if (!access.allows('transactionalId', transactionalId)) {
        return {
          ...UNKNOWN,
          transactionalId,
          errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        }
      }
      const transaction =
        transactionalId === '' ? undefined : broker.transactions.find(transactionalId)
      if (transaction === undefined) {
        const { INVALID_REQUEST, TRANSACTIONAL_ID_NOT_FOUND } = ErrorCode
        return {
          ...UNKNOWN,
          transactionalId,
          errorCode: transactionalId === '' ? INVALID_REQUEST : TRANSACTIONAL_ID_NOT_FOUND,
        }
      }
      const topics = [...transaction.partitions]
      const hidden = access.deniedTopics(topics.map(([topic]) => topic))
      return {
        transactionalId,
        errorCode: ErrorCode.NONE,
        transactionState: transaction.state,
        transactionTimeoutMs: transaction.timeoutMs,
        transactionStartTimeMs: BigInt(transaction.startMs),
        producerId: transaction.producerId,
        producerEpoch: transaction.producerEpoch,
        topics: topics
          .filter(([topic]) => !hidden.has(topic))
          .map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
      }
    }),
  }),
)
