// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, JoinGroupRequest, JoinGroupResponse } from '@millrace/protocol'
import { joinError } from '../coordinator/group/classic/classic-requests.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * JoinGroup (key 11). v4 requires new members to rejoin with an id (KIP-394), v5 adds static
 * members, v9 skipping the assignment.
 */
export const joinGroup = defineHandler(
  JoinGroupRequest,
  JoinGroupResponse,
  async (request, context) => {
    const { version, broker, access } = context
    const prefix = request.groupInstanceId ?? context.clientId
    const reply = await attempt(
      context,
      () => {
        access.requireGroup(request.groupId)
        return broker.groups.join({
          groupId: request.groupId,
          memberId: request.memberId,
          groupInstanceId: request.groupInstanceId,
          clientId: context.clientId,
          clientHost: context.clientHost,
          sessionTimeoutMs: request.sessionTimeoutMs,
          rebalanceTimeoutMs: version === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
          protocolType: request.protocolType,
          protocols: request.protocols.map(({ name, metadata }) => ({
            name,
            // The memory of the request is reused by the network; the group keeps a copy.
            metadata: Buffer.from(metadata),
          })),
          requireKnownMemberId: version >= 4,
          supportsSkippingAssignment: version >= 9,
          reason: request.reason,
          newId: `${prefix}-${broker.newMemberId()}`,
        })
      },
      (error) =>
        joinError(error.code, error.code === 'GROUP_AUTHORIZATION_FAILED' ? '' : request.memberId),
    )
    return {
      errorCode: ErrorCode[reply.error],
      generationId: reply.generationId,
      protocolType: reply.protocolType,
      // Null exists since v7.
      protocolName: reply.protocolName ?? (version >= 7 ? null : ''),
      leader: reply.leaderId,
      skipAssignment: reply.skipAssignment,
      memberId: reply.memberId,
      members: reply.members.map(({ memberId, groupInstanceId, metadata }) => ({
        memberId,
        groupInstanceId,
        metadata,
      })),
    }
  },
)
