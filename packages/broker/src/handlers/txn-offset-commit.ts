// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  type ErrorName,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@millrace/protocol'
import { GROUP_METADATA_TOPIC } from '../topics.ts'
import { commitOffsets } from './commit-offsets.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/** From here on the request itself adds the group to the transaction (KIP-890 part 2). */
const FIRST_ADDING_VERSION = 5

/**
 * TxnOffsetCommit (key 28): offsets that are committed with a transaction. v3 adds the member (KIP-447), v5 adds the
 * group to the transaction by itself, v6 names topics by id.
 */
export const txnOffsetCommit = defineHandler(
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
  async (request, context) => {
    const { broker, version } = context
    const { transactionalId, producerId, producerEpoch } = request
    const error = await attempt(
      context,
      async (): Promise<ErrorName> => {
        if (request.groupId === '') return 'INVALID_GROUP_ID'
        await broker.groups.ensureTopic()
        await broker.transactionAdmission.admit(
          { transactionalId, producerId, producerEpoch },
          [{ topic: GROUP_METADATA_TOPIC, partition: broker.groups.partitionFor(request.groupId) }],
          { isImplicit: version >= FIRST_ADDING_VERSION, knowsAbortable: true },
        )
        return 'NONE'
      },
      (failure) => failure.code,
    )
    if (error !== 'NONE') {
      return {
        throttleTimeMs: 0,
        topics: request.topics.map((topic) => ({
          name: topic.name,
          topicId: topic.topicId,
          partitions: topic.partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ErrorCode[error],
          })),
        })),
      }
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
    return {
      throttleTimeMs: 0,
      topics: await commitOffsets(request.topics, committer, { context, byId: version >= 6 }),
    }
  },
)
