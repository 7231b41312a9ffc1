// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, HeartbeatRequest, HeartbeatResponse } from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/** Heartbeat (key 12): keeps a member of a classic group alive. v3 adds static members. */
export const heartbeat = defineHandler(
  HeartbeatRequest,
  HeartbeatResponse,
  async (request, context) => {
    const error = await attempt(
      context,
      () => {
        context.access.requireGroup(request.groupId)
        return context.broker.groups.heartbeat(request)
      },
      (failure) => failure.code,
    )
    return { errorCode: ErrorCode[error] }
  },
)
