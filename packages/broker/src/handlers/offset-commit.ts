// SPDX-License-Identifier: Apache-2.0
import { OffsetCommitRequest, OffsetCommitResponse } from '@millrace/protocol'
import { commitOffsets, refuseAll } from './commit-offsets.ts'
import { defineHandler } from './handler.ts'

/**
 * OffsetCommit (key 8). v5 drops the retention time, v7 adds static members, v9 member epochs
 * (KIP-848), v10 topic ids.
 */
export const offsetCommit = defineHandler(
  OffsetCommitRequest,
  OffsetCommitResponse,
  async (request, context) => {
    const { version, access } = context
    if (!access.allows('group', request.groupId)) {
      return { topics: refuseAll(request.topics, 'GROUP_AUTHORIZATION_FAILED') }
    }
    const committer = {
      version,
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      generationId: request.generationIdOrMemberEpoch,
      retentionMs: request.retentionTimeMs,
    }
    return {
      topics: await commitOffsets(request.topics, committer, { context, byId: version >= 10 }),
    }
  },
)
