// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { GroupKind } from '../coordinator/group/group.ts'

/** What a description tells of a group that is not there, or is of another kind. */
export async function missingGroup({ groups }: BrokerServices, groupId: string, kind: GroupKind) {
  const isOther = (await groups.group(groupId)) !== undefined
  return {
    groupId,
    errorCode: ErrorCode.GROUP_ID_NOT_FOUND as number,
    errorMessage: isOther
      ? `Group ${groupId} is not a ${kind} group.`
      : `Group ${groupId} not found.`,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    members: [],
  }
}
