// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from '@millrace/protocol'
import { AuthorizedOperations } from '../security/authorized-operations.ts'
import { describedAssignment, topicNamesOf } from './described-assignment.ts'
import { defineHandler } from './handler.ts'
import { deniedGroup, hiddenGroup, missingGroup } from './missing-group.ts'

/** ShareGroupDescribe (key 77): share groups, their members and their partitions (KIP-932). */
export const shareGroupDescribe = defineHandler(
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
  async (request, { broker, access }) => ({
    throttleTimeMs: 0,
    groups: await Promise.all(
      request.groupIds.map(async (groupId) => {
        if (!access.allows('group', groupId)) return deniedGroup(groupId)
        const group = await broker.groups.shareGroup(groupId)
        if (group === undefined) {
          return { ...(await missingGroup(broker, groupId, 'share')), assignorName: '' }
        }
        const members = [...group.members.values()]
        const names = topicNamesOf(
          members.map(({ assigned }) => assigned),
          broker.topics,
        )
        if (access.deniedTopics(names).size > 0) return hiddenGroup(groupId)
        return {
          groupId,
          errorCode: ErrorCode.NONE,
          groupState: group.state,
          groupEpoch: group.groupEpoch,
          assignmentEpoch: group.assignmentEpoch,
          assignorName: 'simple',
          members: members.map((member) => ({
            memberId: member.memberId,
            rackId: member.rackId,
            memberEpoch: member.memberEpoch,
            clientId: member.clientId,
            clientHost: member.clientHost,
            subscribedTopicNames: member.subscribedTopicNames,
            assignment: describedAssignment(member.assigned, broker.topics),
          })),
          authorizedOperations: request.includeAuthorizedOperations
            ? access.operations('group', groupId)
            : AuthorizedOperations.omitted,
        }
      }),
    ),
  }),
)
