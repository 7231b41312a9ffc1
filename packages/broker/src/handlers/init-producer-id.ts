// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, InitProducerIdRequest, InitProducerIdResponse } from '@millrace/protocol'
import { defineHandler } from './handler.ts'

/** InitProducerId (key 22): a new id for an idempotent producer. Transactional ones have no coordinator here yet. */
export const initProducerId = defineHandler(
  InitProducerIdRequest,
  InitProducerIdResponse,
  async (request, { broker }) => {
    const refuse = (errorCode: number) => ({ errorCode, producerId: -1n, producerEpoch: -1 })
    if (request.transactionalId === '') return refuse(ErrorCode.INVALID_REQUEST)
    if (request.transactionalId !== null) return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return {
      errorCode: ErrorCode.NONE,
      producerId: await broker.producerIds.next(),
      producerEpoch: 0,
    }
  },
)
