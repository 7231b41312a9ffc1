// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ListGroupsRequest, ListGroupsResponse } from '@millrace/protocol'
import { ClassicGroupState } from '../coordinator/group/classic/classic-group.ts'
import { defineHandler } from './handler.ts'

/**
 * ListGroups (key 16). v4 filters by state (KIP-518), v5 by type (KIP-848); filters are
 * case-insensitive.
 */
export const listGroups = defineHandler(
  ListGroupsRequest,
  ListGroupsResponse,
  (request, { broker, access }) => {
    const lists = (groupId: string): boolean =>
      listsAll || access.allows('group', groupId, { logsDenial: false })
    const listsAll = access.isOpen || access.allowsCluster({ logsDenial: false })
    const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
    const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
    const groups = broker.groups.groups().filter((group) => {
      if (group.state === ClassicGroupState.Dead) return false
      if (states.size > 0 && !states.has(group.state.toLowerCase())) return false
      return (types.size === 0 || types.has(group.kind)) && lists(group.groupId)
    })
    return {
      errorCode: ErrorCode.NONE,
      groups: groups.map((group) => ({
        groupId: group.groupId,
        protocolType: group.protocolType ?? '',
        groupState: group.state,
        groupType: group.kind,
      })),
    }
  },
)
