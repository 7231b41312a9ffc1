// SPDX-License-Identifier: Apache-2.0
import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, ErrorCode } from '@millrace/protocol'
import { GROUP_METADATA_TOPIC } from '../topics.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * AddOffsetsToTxn (key 25): adds a group whose offsets the transaction will commit; used before
 * KIP-890 part 2.
 */
export const addOffsetsToTxn = defineHandler(
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  async (request, context) => {
    const { broker, version } = context
    const error = await attempt(
      context,
      async () => {
        context.access.requireTransactionalId(request.transactionalId)
        context.access.requireGroup(request.groupId)
        await broker.groups.ensureTopic()
        const partition = broker.groups.partitionFor(request.groupId)
        return broker.transactions.addPartitions({
          transactionalId: request.transactionalId,
          producerId: request.producerId,
          producerEpoch: request.producerEpoch,
          partitions: new Map([[GROUP_METADATA_TOPIC, new Set([partition])]]),
          clientVersion: 0,
        })
      },
      ({ code }) => code,
    )
    const isOldFencing = error === 'PRODUCER_FENCED' && version < 2
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode[isOldFencing ? 'INVALID_PRODUCER_EPOCH' : error],
    }
  },
)
