// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, type ErrorName } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { GroupKind } from '../coordinator/group/group.ts'

/** The description of a group that the client may not describe. */
export function deniedGroup(groupId: string) {
  return emptyGroup(groupId, 'GROUP_AUTHORIZATION_FAILED', null)
}

/** The description of a group that has topics which the client may not describe. */
export function hiddenGroup(
  groupId: string,
  message = 'The group has described topic(s) that the client is not authorized to describe.',
) {
  return emptyGroup(groupId, 'TOPIC_AUTHORIZATION_FAILED', message)
}

function emptyGroup(groupId: string, error: ErrorName, errorMessage: string | null) {
  return {
    groupId,
    errorCode: ErrorCode[error] as number,
    errorMessage,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}

/** What a description tells of a group that is not there, or is of another kind. */
export async function missingGroup({ groups }: BrokerServices, groupId: string, kind: GroupKind) {
  const isNamed = groupId !== ''
  const isOther = isNamed && (await groups.group(groupId)) !== undefined
  const message = isOther
    ? `Group ${groupId} is not a ${kind} group.`
    : `Group ${groupId} not found.`
  return {
    groupId,
    errorCode: (isNamed ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.INVALID_GROUP_ID) as number,
    errorMessage: isNamed ? message : null,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    members: [],
  }
}
