// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { GroupKind } from '../coordinator/group/group.ts'

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
