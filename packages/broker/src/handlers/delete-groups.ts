// SPDX-License-Identifier: Apache-2.0
import {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
  ErrorCode,
  type ErrorName,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

const MESSAGES: Partial<Record<ErrorName, string>> = {
  GROUP_ID_NOT_FOUND: 'The group id does not exist.',
  NON_EMPTY_GROUP: 'The group is not empty.',
}

/** DeleteGroups (key 42): groups without members, and their offsets. v3 adds messages. */
export const deleteGroups = defineHandler(
  DeleteGroupsRequest,
  DeleteGroupsResponse,
  async (request, context) => ({
    throttleTimeMs: 0,
    results: await Promise.all(
      [...new Set(request.groupsNames)].map(async (groupId) => {
        const error = await attempt(
          context,
          () => {
            context.access.requireGroup(groupId)
            return context.broker.shareGroups.deleteGroup(groupId)
          },
          (failure) => failure.code,
        )
        return { groupId, errorCode: ErrorCode[error], errorMessage: MESSAGES[error] ?? null }
      }),
    ),
  }),
)
