// SPDX-License-Identifier: Apache-2.0
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
  ErrorCode,
} from '@millrace/protocol'
import type { ConsumerGroup } from '../coordinator/group/consumer/consumer-group.ts'
import type { ConsumerMember } from '../coordinator/group/consumer/consumer-member.ts'
import type { Assignment } from '../coordinator/group/modern/assignment.ts'
import { AuthorizedOperations } from '../security/authorized-operations.ts'
import { describedAssignment, topicNamesOf } from './described-assignment.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { hiddenGroup, missingGroup } from './missing-group.ts'
import { attempt } from './outcome.ts'

/**
 * ConsumerGroupDescribe (key 69): groups of the consumer protocol (KIP-848). v1 returns the
 * protocol of each member.
 */
export const consumerGroupDescribe = defineHandler(
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
  async (request, context) => {
    const { access } = context
    return {
      throttleTimeMs: 0,
      groups: await Promise.all(
        request.groupIds.map(async (groupId) => {
          const refused = (errorCode: number, errorMessage: string | null) => ({
            groupId,
            errorCode,
            errorMessage: errorMessage,
            groupState: '',
            groupEpoch: 0,
            assignmentEpoch: 0,
            assignorName: '',
            members: [] as ReturnType<typeof describedMember>[],
            authorizedOperations: AuthorizedOperations.omitted,
          })
          if (!access.allows('group', groupId)) {
            return refused(ErrorCode.GROUP_AUTHORIZATION_FAILED, null)
          }
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
              if (access.deniedTopics(topicsOf(group, context)).size > 0) {
                const { errorCode, errorMessage } = hiddenGroup(groupId)
                return refused(errorCode, errorMessage)
              }
              return {
                groupId,
                errorCode: ErrorCode.NONE,
                errorMessage: null,
                groupState: group.state as string,
                groupEpoch: group.groupEpoch,
                assignmentEpoch: group.assignmentEpoch,
                assignorName: assignor,
                members: [...group.members.values()].map((member) =>
                  describedMember(group, member, context),
                ),
                authorizedOperations: request.includeAuthorizedOperations
                  ? access.operations('group', groupId)
                  : AuthorizedOperations.omitted,
              }
            },
            ({ errorCode, message }) => refused(errorCode, message),
          )
        }),
      ),
    }
  },
)

/** Topics in the current or target assignments of members. */
function topicsOf(group: ConsumerGroup, { broker }: RequestContext): Set<string> {
  const assignments = [...group.members.values()].flatMap((member) => [
    currentAssignment(member),
    group.target(member.memberId),
  ])
  return topicNamesOf(assignments, broker.topics)
}

function currentAssignment({ assigned }: ConsumerMember): Assignment {
  return new Map([...assigned].map(([topicId, partitions]) => [topicId, [...partitions.keys()]]))
}

const CLASSIC_MEMBER = 0
const CONSUMER_MEMBER = 1

function describedMember(group: ConsumerGroup, member: ConsumerMember, { broker }: RequestContext) {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: describedAssignment(currentAssignment(member), broker.topics),
    targetAssignment: describedAssignment(group.target(member.memberId), broker.topics),
    memberType: member.classic === undefined ? CONSUMER_MEMBER : CLASSIC_MEMBER,
  }
}
