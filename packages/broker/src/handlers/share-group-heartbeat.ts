// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ProtocolError,
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '@millrace/protocol'
import { topicPartitionsOf } from '../coordinator/group/modern/assignment.ts'
import { defineHandler } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'
import { requireMembership, throwIfEmpty } from './request-checks.ts'

/** As long as an id of `Uuid`. */
const MAX_MEMBER_ID_LENGTH = 36

/**
 * ShareGroupHeartbeat (key 76): a member of a share group reports its subscription, and receives
 * its partitions (KIP-932).
 */
export const shareGroupHeartbeat = defineHandler(
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
  (request, context) =>
    attempt(
      context,
      async () => {
        requireMembership(request, context)
        if (request.memberId === '' || request.memberId.length > MAX_MEMBER_ID_LENGTH) {
          throw new ProtocolError('INVALID_REQUEST', '')
        }
        throwIfEmpty(request.groupId, 'GroupId')
        throwIfEmpty(request.rackId, 'RackId')
        if (request.memberEpoch === 0 && (request.subscribedTopicNames?.length ?? 0) === 0) {
          throw new ProtocolError(
            'INVALID_REQUEST',
            'SubscribedTopicNames must be set in first request.',
          )
        }
        if (request.memberEpoch < -1) {
          throw new ProtocolError('INVALID_REQUEST', 'MemberEpoch is invalid.')
        }
        const reply = await context.broker.shareGroups.heartbeat({
          groupId: request.groupId,
          memberId: request.memberId,
          memberEpoch: request.memberEpoch,
          rackId: request.rackId,
          clientId: context.clientId,
          clientHost: context.clientHost,
          subscribedTopicNames: request.subscribedTopicNames,
        })
        const { assignment } = reply
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          memberId: reply.memberId,
          memberEpoch: reply.memberEpoch,
          heartbeatIntervalMs: reply.heartbeatIntervalMs,
          assignment:
            assignment === undefined ? null : { topicPartitions: topicPartitionsOf(assignment) },
        }
      },
      (error) => ({
        throttleTimeMs: 0,
        errorCode: error.errorCode,
        errorMessage: textUnlessDenied(error) || null,
        memberEpoch: 0,
        heartbeatIntervalMs: 0,
      }),
    ),
)
