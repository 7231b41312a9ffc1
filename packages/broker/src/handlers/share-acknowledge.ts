// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '@millrace/protocol'
import { FINAL_EPOCH } from '../share/share-sessions.ts'
import { defineHandler } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'
import { acknowledgeAll, endSession, requireMember } from './share-acknowledgements.ts'

/**
 * ShareAcknowledge (key 79): acknowledges fetched records (KIP-932). v2 can renew locks (KIP-1222).
 */
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
        context.access.requireGroup(groupId)
        requireMember(request.groupId, request.memberId)
        const session = broker.shareSessions.forAcknowledge(groupId, memberId, epoch)
        const outcomes = await acknowledgeAll(
          request.topics.flatMap(({ topicId, partitions }) =>
            partitions
              .filter(
                ({ acknowledgementBatches }) =>
                  acknowledgementBatches.length > 0 || broker.topics.byId(topicId) === undefined,
              )
              .map(({ partitionIndex, acknowledgementBatches }) => ({
                topicId,
                partition: partitionIndex,
                batches: acknowledgementBatches,
              })),
          ),
          { groupId, memberId, isRenewal },
          context,
        )
        if (epoch === FINAL_EPOCH) await endSession(session, context)
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          acquisitionLockTimeoutMs: broker.sharePartitions.settingsOf(groupId).lockDurationMs,
          responses: [...Map.groupBy(outcomes, ({ topicId }) => topicId)].map(
            ([topicId, partitions]) => ({
              topicId,
              partitions: partitions.map(({ partition, errorCode, errorMessage }) => ({
                partitionIndex: partition,
                errorCode,
                errorMessage,
                currentLeader: { leaderId: 0, leaderEpoch: 0 },
              })),
            }),
          ),
          nodeEndpoints: [],
        }
      },
      (error) => ({
        throttleTimeMs: 0,
        errorCode: error.errorCode,
        errorMessage: textUnlessDenied(error),
        responses: [],
        nodeEndpoints: [],
      }),
    ),
)
