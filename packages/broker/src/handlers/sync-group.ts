// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, SyncGroupRequest, SyncGroupResponse } from '@millrace/protocol'
import { syncError } from '../coordinator/group/classic/classic-requests.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * SyncGroup (key 14): the leader sends the assignment, the others wait for it. v5 names the
 * protocol (KIP-559).
 */
export const syncGroup = defineHandler(
  SyncGroupRequest,
  SyncGroupResponse,
  async (request, context) => {
    const hasProtocol = request.protocolType !== null && request.protocolName !== null
    const reply =
      context.version >= 5 && !hasProtocol
        ? syncError('INCONSISTENT_GROUP_PROTOCOL')
        : await attempt(
            context,
            () => {
              context.access.requireGroup(request.groupId)
              return context.broker.groups.sync({
                groupId: request.groupId,
                memberId: request.memberId,
                generationId: request.generationId,
                groupInstanceId: request.groupInstanceId,
                protocolType: request.protocolType,
                protocolName: request.protocolName,
                assignments: request.assignments.map(({ memberId, assignment }) => ({
                  memberId,
                  assignment: Buffer.from(assignment),
                })),
              })
            },
            (error) => syncError(error.code),
          )
    return {
      errorCode: ErrorCode[reply.error],
      protocolType: reply.protocolType,
      protocolName: reply.protocolName,
      assignment: reply.assignment,
    }
  },
)
