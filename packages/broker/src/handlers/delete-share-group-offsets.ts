// SPDX-License-Identifier: Apache-2.0
import {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
  ErrorCode,
  ZERO_UUID,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * DeleteShareGroupOffsets (key 92): deletes the state of a share group without members in topics
 * (KIP-932).
 */
export const deleteShareGroupOffsets = defineHandler(
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
  (request, context) =>
    attempt(
      context,
      async () => {
        const { access, broker } = context
        access.requireGroup(request.groupId)
        const asked = request.topics.map(({ topicName }) => topicName)
        const denied = access.deniedTopics(asked)
        const names = asked.filter((name) => !denied.has(name))
        const outcomes = await broker.shareGroups.deleteOffsets(request.groupId, names)
        const refused = [...denied].map((name) => ({
          name,
          topicId: ZERO_UUID,
          error: access.denial('topic'),
        }))
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          responses: [...outcomes, ...refused].map(({ name, topicId, error }) => ({
            topicName: name,
            topicId,
            errorCode: error?.errorCode ?? ErrorCode.NONE,
            errorMessage: error?.message ?? null,
          })),
        }
      },
      ({ errorCode, message }) => ({
        throttleTimeMs: 0,
        errorCode: errorCode,
        errorMessage: message,
        responses: [],
      }),
    ),
)
