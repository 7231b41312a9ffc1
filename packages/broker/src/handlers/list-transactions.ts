// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ListTransactionsRequest, ListTransactionsResponse } from '@millrace/protocol'
import { isTransactionStateName, type Transaction } from '../coordinator/transaction/transaction.ts'
import { defineHandler } from './handler.ts'

/**
 * ListTransactions (key 66): transactional ids (KIP-664). v1 filters by duration (KIP-994), v2 by
 * pattern (KIP-1152).
 */
export const listTransactions = defineHandler(
  ListTransactionsRequest,
  ListTransactionsResponse,
  (request, { broker, access }) => {
    const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request
    const now = BigInt(broker.world.clock.now())
    const empty = {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      unknownStateFilters: [],
      transactionStates: [],
    }
    let pattern: RegExp | undefined
    try {
      if (transactionalIdPattern) pattern = new RegExp(`^(?:${transactionalIdPattern})$`, 'u')
    } catch {
      return { ...empty, errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION }
    }
    const isAsked = (transaction: Transaction): boolean => {
      const { state, producerId, startMs, transactionalId } = transaction
      if (state === 'Dead') return false
      if (producerIdFilters.length > 0 && !producerIdFilters.includes(producerId)) return false
      if (stateFilters.length > 0 && !stateFilters.includes(state)) return false
      if (durationFilter >= 0n && now - BigInt(startMs) <= durationFilter) return false
      return pattern === undefined || pattern.test(transactionalId)
    }
    return {
      ...empty,
      unknownStateFilters: stateFilters.filter((name) => !isTransactionStateName(name)),
      transactionStates: broker.transactions
        .list()
        .filter(isAsked)
        .filter(({ transactionalId }) => access.allows('transactionalId', transactionalId))
        .map(({ transactionalId, producerId, state }) => ({
          transactionalId,
          producerId,
          transactionState: state,
        })),
    }
  },
)
