// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, LeaveGroupRequest, LeaveGroupResponse } from '@millrace/protocol'
import type { LeaveReply } from '../coordinator/group/classic/classic-requests.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * LeaveGroup (key 13): one member, from v3 on several, static ones by their instance id (KIP-345).
 */
export const leaveGroup = defineHandler(
  LeaveGroupRequest,
  LeaveGroupResponse,
  async (request, context) => {
    const members =
      context.version >= 3
        ? request.members
        : [{ memberId: request.memberId, groupInstanceId: null }]
    const reply = await attempt(
      context,
      () => {
        context.access.requireGroup(request.groupId)
        return context.broker.groups.leave({ groupId: request.groupId, members })
      },
      (error): LeaveReply => ({ error: error.code, members: [] }),
    )
    if (context.version < 3) {
      const error = reply.error === 'NONE' ? (reply.members[0]?.error ?? 'NONE') : reply.error
      return { errorCode: ErrorCode[error] }
    }
    return {
      errorCode: ErrorCode[reply.error],
      members: reply.members.map(({ memberId, groupInstanceId, error }) => ({
        memberId,
        groupInstanceId,
        errorCode: ErrorCode[error],
      })),
    }
  },
)
