// SPDX-License-Identifier: Apache-2.0
import {
  AclOperation,
  ErrorCode,
  type ErrorName,
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '@millrace/protocol'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../coordinator/transaction/transaction.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

/** Idempotent producers need IDEMPOTENT_WRITE, or WRITE on any topic (KIP-679). */
function denialOf(
  request: { readonly transactionalId: string | null; readonly enable2Pc: boolean },
  { access }: RequestContext,
): ErrorName | undefined {
  const { transactionalId } = request
  if (transactionalId === null) {
    const isAllowed = access.allowsCluster({ logsDenial: false }) || access.allowsAny('topic')
    return isAllowed ? undefined : 'CLUSTER_AUTHORIZATION_FAILED'
  }
  const operation = AclOperation.TWO_PHASE_COMMIT
  const isAllowed =
    access.allows('transactionalId', transactionalId) &&
    (!request.enable2Pc || access.allows('transactionalId', transactionalId, { operation }))
  return isAllowed ? undefined : 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
}

/**
 * InitProducerId (key 22): a new id for an idempotent producer, or the next epoch of a
 * transactional one, which fences earlier producers. v3 lets a producer continue after an error
 * (KIP-360), v4 returns `PRODUCER_FENCED` (KIP-588).
 */
export const initProducerId = defineHandler(
  InitProducerIdRequest,
  InitProducerIdResponse,
  async (request, context) => {
    const { broker, version } = context
    const refuse = (errorCode: number) => ({ errorCode, producerId: -1n, producerEpoch: -1 })
    const { transactionalId, producerId, producerEpoch } = request
    const denial = denialOf(request, context)
    if (denial !== undefined) return refuse(ErrorCode[denial])
    if (transactionalId === '') return refuse(ErrorCode.INVALID_REQUEST)
    const hasId = producerId !== NO_PRODUCER_ID
    if (hasId !== (producerEpoch !== NO_PRODUCER_EPOCH)) return refuse(ErrorCode.INVALID_REQUEST)
    if (transactionalId === null) {
      return {
        errorCode: ErrorCode.NONE,
        producerId: await broker.producerIds.next(),
        producerEpoch: 0,
      }
    }
    const outcome = await attempt(
      context,
      () =>
        broker.transactions.initProducerId({
          transactionalId,
          timeoutMs: request.transactionTimeoutMs,
          isTwoPhaseCommit: request.enable2Pc,
          keepsPrepared: request.keepPreparedTxn,
          expected: hasId ? { producerId, producerEpoch } : undefined,
        }),
      ({ code }) => ({ error: code }),
    )
    if ('producerId' in outcome) return { ...outcome, errorCode: ErrorCode.NONE }
    const isOldFencing = outcome.error === 'PRODUCER_FENCED' && version < 4
    return refuse(ErrorCode[isOldFencing ? 'INVALID_PRODUCER_EPOCH' : outcome.error])
  },
)
