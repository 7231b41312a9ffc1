// SPDX-License-Identifier: Apache-2.0
import { EndTxnRequest, EndTxnResponse, ErrorCode } from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * EndTxn (key 26): commits or aborts. v2 returns `PRODUCER_FENCED`, v5 increases the epoch and
 * returns the new one (KIP-890).
 */
export const endTxn = defineHandler(EndTxnRequest, EndTxnResponse, async (request, context) => {
  const { broker, version } = context
  const outcome = await attempt(
    context,
    () => {
      context.access.requireTransactionalId(request.transactionalId)
      return broker.transactions.end({
        transactionalId: request.transactionalId,
        producerId: request.producerId,
        producerEpoch: request.producerEpoch,
        isCommitted: request.committed,
        clientVersion: version >= 5 ? 2 : 0,
      })
    },
    ({ code }) => ({ error: code }),
  )
  if ('producerId' in outcome) {
    const { producerId, producerEpoch } = outcome
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch }
  }
  const isOldFencing = outcome.error === 'PRODUCER_FENCED' && version < 2
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode[isOldFencing ? 'INVALID_PRODUCER_EPOCH' : outcome.error],
  }
})
