// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from '@millrace/protocol'
import { AuthorizedOperations } from './authorized-operations.ts'
import { describedAssignment } from './described-assignment.ts'
import { defineHandler } from './handler.ts'
import { missingGroup } from './missing-group.ts'

/** ShareGroupDescribe (key 77): share groups, their members and what each reads (KIP-932). */
export const shareGroupDescribe = defineHandler(
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
  async (request, { broker }) => ({
    throttleTimeMs: 0,
    groups: await Promise.all(
      request.groupIds.map(async (groupId) => {
        const group = await broker.groups.shareGroup(groupId)
        if (group === undefined) {
          return { ...(await missingGroup(broker, groupId, 'share')), assignorName: '' }
        }
        return {
          groupId,
          errorCode: ErrorCode.NONE as number,
          groupState: group.state,
          groupEpoch: group.groupEpoch,
          assignmentEpoch: group.assignmentEpoch,
          assignorName: 'simple',
          members: [...group.members.values()].map((member) => ({
            memberId: member.memberId,
            rackId: member.rackId,
            memberEpoch: member.memberEpoch,
            clientId: member.clientId,
            clientHost: member.clientHost,
            subscribedTopicNames: member.subscribedTopicNames,
            assignment: describedAssignment(member.assigned, broker.topics),
          })),
          authorizedOperations: request.includeAuthorizedOperations
            ? AuthorizedOperations.group
            : AuthorizedOperations.omitted,
        }
      }),
    ),
  }),
)
