// SPDX-License-Identifier: Apache-2.0
import { ProtocolError, TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '@millrace/protocol'
import { GROUP_METADATA_TOPIC } from '../topics.ts'
import { commitOffsets, refuseAll } from './commit-offsets.ts'
import { defineHandler } from './handler.ts'

/** First version whose clients know `TRANSACTION_ABORTABLE`. */
const FIRST_ABORTABLE_VERSION = 4
/** First version in which the request itself adds the group to the transaction (KIP-890 part 2). */
const FIRST_ADDING_VERSION = 5

/**
 * TxnOffsetCommit (key 28): offsets committed with a transaction. v3 adds the member (KIP-447), v5
 * adds the group to the transaction, v6 uses topic ids.
 */
export const txnOffsetCommit = defineHandler(
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
  async (request, context) => {
    const { broker, version, access } = context
    const { transactionalId, producerId, producerEpoch } = request
    const refusal = !access.allows('transactionalId', transactionalId)
      ? 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
      : !access.allows('group', request.groupId)
        ? 'GROUP_AUTHORIZATION_FAILED'
        : undefined
    if (refusal !== undefined) {
      return { throttleTimeMs: 0, topics: refuseAll(request.topics, refusal) }
    }
    const committer = {
      version,
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      generationId: request.generationIdOrMemberEpoch,
      retentionMs: -1n,
      producer: { producerId, producerEpoch },
    }
    const admit = async (): Promise<void> => {
      const { groupId } = request
      if (groupId === '') throw new ProtocolError('INVALID_GROUP_ID', 'the group id is empty')
      await broker.groups.ensureTopic()
      await broker.transactionAdmission.admit(
        { transactionalId, producerId, producerEpoch },
        [{ topic: GROUP_METADATA_TOPIC, partition: broker.groups.partitionFor(groupId) }],
        {
          isImplicit: version >= FIRST_ADDING_VERSION,
          knowsAbortable: version >= FIRST_ABORTABLE_VERSION,
        },
      )
    }
    const options = { context, byId: version >= 6, admit }
    return {
      throttleTimeMs: 0,
      topics: await commitOffsets(request.topics, committer, options),
    }
  },
)
