// SPDX-License-Identifier: Apache-2.0
import { DescribeGroupsRequest, DescribeGroupsResponse, ErrorCode } from '@millrace/protocol'
import { ClassicGroupState } from '../coordinator/group/classic/classic-group.ts'
import { metadataOf } from '../coordinator/group/classic/classic-member.ts'
import { groupNotFoundText } from '../coordinator/group/group.ts'
import { AuthorizedOperations } from '../security/authorized-operations.ts'
import { defineHandler } from './handler.ts'

/**
 * DescribeGroups (key 15): classic groups. v6 returns an error for a missing group; before, such a
 * group is `Dead`.
 */
export const describeGroups = defineHandler(
  DescribeGroupsRequest,
  DescribeGroupsResponse,
  async (request, { broker, version, access }) => {
    const operations = (groupId: string): number =>
      request.includeAuthorizedOperations
        ? access.operations('group', groupId)
        : AuthorizedOperations.omitted
    return {
      groups: await Promise.all(
        request.groups.map(async (groupId) => {
          if (!access.allows('group', groupId)) {
            return {
              errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED,
              groupId,
              groupState: '',
              protocolType: '',
              protocolData: '',
              members: [],
            }
          }
          const group = await broker.groups.classicGroup(groupId)
          if (group === undefined) {
            const isMissing = version >= 6
            const isOther = (await broker.groups.group(groupId)) !== undefined
            return {
              errorCode: isMissing ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE,
              errorMessage: groupNotFoundText(groupId, 'classic', isOther),
              groupId,
              groupState: ClassicGroupState.Dead,
              protocolType: '',
              protocolData: '',
              members: [],
              authorizedOperations: isMissing ? AuthorizedOperations.omitted : operations(groupId),
            }
          }
          const isStable = group.isIn(ClassicGroupState.Stable)
          return {
            errorCode: ErrorCode.NONE,
            groupId,
            groupState: group.state,
            protocolType: group.protocolType ?? '',
            protocolData: isStable ? (group.protocolName ?? '') : '',
            members: [...group.members.values()].map((member) => ({
              memberId: member.memberId,
              groupInstanceId: member.groupInstanceId,
              clientId: member.clientId,
              clientHost: member.clientHost,
              memberMetadata: isStable ? metadataOf(member, group.protocolName) : Buffer.alloc(0),
              memberAssignment: isStable ? member.assignment : Buffer.alloc(0),
            })),
            authorizedOperations: operations(groupId),
          }
        }),
      ),
    }
  },
)
