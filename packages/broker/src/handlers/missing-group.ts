// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, type ErrorName } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { type GroupKind, groupNotFoundText } from '../coordinator/group/group.ts'

/** Description of a group that the client is not authorized to describe. */
export function deniedGroup(groupId: string) {
  return emptyGroup(groupId, 'GROUP_AUTHORIZATION_FAILED', null)
}

/** Description of a group with topics that the client is not authorized to describe. */
export function hiddenGroup(
  groupId: string,
  message = 'The group has described topic(s) that the client is not authorized to describe.',
) {
  return emptyGroup(groupId, 'TOPIC_AUTHORIZATION_FAILED', message)
}

function emptyGroup(groupId: string, error: ErrorName, errorMessage: string | null) {
  return {
    groupId,
    errorCode: ErrorCode[error],
    errorMessage,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}

/** Description of a group that does not exist, or is of another type. */
export async function missingGroup({ groups }: BrokerServices, groupId: string, kind: GroupKind) {
  const isNamed = groupId !== ''
  const isOther = isNamed && (await groups.group(groupId)) !== undefined
  return {
    groupId,
    errorCode: isNamed ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.INVALID_GROUP_ID,
    errorMessage: isNamed ? groupNotFoundText(groupId, kind, isOther) : null,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    members: [],
  }
}
