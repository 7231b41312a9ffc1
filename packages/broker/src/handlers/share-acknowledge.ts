// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@millrace/protocol'
import { FINAL_EPOCH } from '../share/share-sessions.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'
import { acknowledgeAll } from './share-acknowledgements.ts'

/** ShareAcknowledge (key 79): what became of records that were fetched (KIP-932). v2 can renew locks (KIP-1222). */
export const shareAcknowledge = defineHandler(
  ShareAcknowledgeRequest,
  ShareAcknowledgeResponse,
  (request, context) =>
    attempt(
      context,
      async () => {
        const { broker } = context
        const groupId = request.groupId ?? ''
        const memberId = request.memberId ?? ''
        const { shareSessionEpoch: epoch, isRenewAck: isRenewal } = request
        const session = broker.shareSessions.forAcknowledge(groupId, memberId, epoch)
        const outcomes = await acknowledgeAll(
          request.topics.flatMap(({ topicId, partitions }) =>
            partitions.map(({ partitionIndex, acknowledgementBatches }) => ({
              topicId,
              partition: partitionIndex,
              batches: acknowledgementBatches,
            })),
          ),
          { groupId, memberId, isRenewal },
          context,
        )
        if (epoch === FINAL_EPOCH && broker.shareSessions.end(session)) {
          await broker.sharePartitions.release(groupId, memberId)
        }
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE as number,
          errorMessage: null as string | null,
          acquisitionLockTimeoutMs: broker.sharePartitions.settingsOf(groupId).lockDurationMs,
          responses: request.topics.map(({ topicId, partitions }) => ({
            topicId,
            partitions: partitions.map(({ partitionIndex }) => {
              const outcome = outcomes.find(
                (each) => each.topicId === topicId && each.partition === partitionIndex,
              )
              return {
                partitionIndex,
                errorCode: outcome?.errorCode ?? ErrorCode.NONE,
                errorMessage: outcome?.errorMessage ?? null,
                currentLeader: { leaderId: 0, leaderEpoch: 0 },
              }
            }),
          })),
          nodeEndpoints: [],
        }
      },
      ({ errorCode, message }) => ({
        throttleTimeMs: 0,
        errorCode: errorCode as number,
        errorMessage: message as string | null,
        responses: [],
        nodeEndpoints: [],
      }),
    ),
)
