// SPDX-License-Identifier: Apache-2.0
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
  ErrorCode,
  type MessageOf,
  ProtocolError,
} from '@millrace/protocol'
import { LEAVE_EPOCH, STATIC_LEAVE_EPOCH } from '../coordinator/group/consumer/consumer-member.ts'
import { topicPartitionsOf } from '../coordinator/group/modern/assignment.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'
import { requireMembership, throwIfEmpty } from './request-checks.ts'

/**
 * ConsumerGroupHeartbeat (key 68): a member of a consumer group reports its subscription and
 * partitions, and receives its assignment (KIP-848). With v1 members choose their id and can
 * subscribe by pattern.
 */
export const consumerGroupHeartbeat = defineHandler(
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
  (request, context) =>
    attempt(
      context,
      async () => {
        const { broker, access } = context
        requireMembership(request, context)
        check(request, context)
        const reply = await broker.groups.consumerHeartbeat({
          groupId: request.groupId,
          memberId: request.memberId === '' ? broker.newMemberId() : request.memberId,
          memberEpoch: request.memberEpoch,
          instanceId: request.instanceId,
          rackId: request.rackId,
          clientId: context.clientId,
          clientHost: context.clientHost,
          rebalanceTimeoutMs: request.rebalanceTimeoutMs,
          subscribedTopicNames: request.subscribedTopicNames,
          subscribedTopicRegex: request.subscribedTopicRegex,
          serverAssignor: request.serverAssignor,
          owned: request.topicPartitions,
          ...(access.isOpen
            ? {}
            : { mayDescribe: (name: string) => access.allowsTopic(name, { logsDenial: false }) }),
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
            assignment === undefined
              ? null
              : {
                  topicPartitions: topicPartitionsOf(
                    new Map([...assignment].map(([id, epochs]) => [id, [...epochs.keys()]])),
                  ),
                },
        }
      },
      (error) => ({
        throttleTimeMs: 0,
        errorCode: error.errorCode,
        errorMessage: textUnlessDenied(error),
        memberEpoch: 0,
        heartbeatIntervalMs: 0,
      }),
    ),
)

function check(
  request: MessageOf<typeof ConsumerGroupHeartbeatRequest>,
  { broker, version }: RequestContext,
): void {
  const { memberEpoch } = request
  const invalid = (message: string): ProtocolError => new ProtocolError('INVALID_REQUEST', message)
  if (version >= 1 || memberEpoch > 0 || memberEpoch === LEAVE_EPOCH) {
    throwIfEmpty(request.memberId, 'MemberId')
  }
  throwIfEmpty(request.groupId, 'GroupId')
  throwIfEmpty(request.instanceId, 'InstanceId')
  throwIfEmpty(request.rackId, 'RackId')
  if (memberEpoch === 0) {
    if (request.rebalanceTimeoutMs === -1) {
      throw invalid('RebalanceTimeoutMs must be provided in first request.')
    }
    if (request.topicPartitions === null || request.topicPartitions.length > 0) {
      throw invalid('TopicPartitions must be empty when (re-)joining.')
    }
    if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
      throw invalid(
        'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
      )
    }
  } else if (memberEpoch === STATIC_LEAVE_EPOCH) {
    if (request.instanceId === null) throw invalid("InstanceId can't be null.")
  } else if (memberEpoch < STATIC_LEAVE_EPOCH) throw invalid('MemberEpoch is invalid.')
  const supported = broker.groups.consumerAssignors
  const { serverAssignor } = request
  if (serverAssignor !== null && !supported.includes(serverAssignor)) {
    throw new ProtocolError(
      'UNSUPPORTED_ASSIGNOR',
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${supported.join(', ')}.`,
    )
  }
}
