// SPDX-License-Identifier: Apache-2.0
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
  ErrorCode,
} from '@millrace/protocol'
import type { ConsumerGroup } from '../coordinator/group/consumer/consumer-group.ts'
import type { ConsumerMember } from '../coordinator/group/consumer/consumer-member.ts'
import type { Assignment } from '../coordinator/group/modern/assignment.ts'
import { AuthorizedOperations } from './authorized-operations.ts'
import { describedAssignment } from './described-assignment.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { missingGroup } from './missing-group.ts'
import { attempt } from './outcome.ts'

/** ConsumerGroupDescribe (key 69): groups of the consumer protocol (KIP-848). v1 tells which protocol a member speaks. */
export const consumerGroupDescribe = defineHandler(
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
  async (request, context) => {
    const authorizedOperations = request.includeAuthorizedOperations
      ? AuthorizedOperations.group
      : AuthorizedOperations.omitted
    return {
      throttleTimeMs: 0,
      groups: await Promise.all(
        request.groupIds.map(async (groupId) => {
          const refused = (errorCode: number, errorMessage: string | null) => ({
            groupId,
            errorCode,
            errorMessage: errorMessage as string | null,
            groupState: '',
            groupEpoch: 0,
            assignmentEpoch: 0,
            assignorName: '',
            members: [] as ReturnType<typeof describedMember>[],
            authorizedOperations: AuthorizedOperations.omitted as number,
          })
          if (groupId === '') {
            return refused(ErrorCode.INVALID_GROUP_ID, 'The configured groupId is invalid.')
          }
          return attempt(
            context,
            async () => {
              const found = await context.broker.groups.describeConsumerGroup(groupId)
              if (found === undefined) {
                const missing = await missingGroup(context.broker, groupId, 'consumer')
                return refused(missing.errorCode, missing.errorMessage)
              }
              const { group, assignor } = found
              return {
                groupId,
                errorCode: ErrorCode.NONE as number,
                errorMessage: null as string | null,
                groupState: group.state as string,
                groupEpoch: group.groupEpoch,
                assignmentEpoch: group.assignmentEpoch,
                assignorName: assignor,
                members: [...group.members.values()].map((member) =>
                  describedMember(group, member, context),
                ),
                authorizedOperations: authorizedOperations as number,
              }
            },
            ({ errorCode, message }) => refused(errorCode, message),
          )
        }),
      ),
    }
  },
)

const CLASSIC_MEMBER = 0
const CONSUMER_MEMBER = 1

function describedMember(group: ConsumerGroup, member: ConsumerMember, { broker }: RequestContext) {
  const current: Assignment = new Map(
    [...member.assigned].map(([topicId, partitions]) => [topicId, [...partitions.keys()]]),
  )
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: describedAssignment(current, broker.topics),
    targetAssignment: describedAssignment(group.target(member.memberId), broker.topics),
    memberType: member.classic === undefined ? CONSUMER_MEMBER : CLASSIC_MEMBER,
  }
}
