// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, OffsetDeleteRequest, OffsetDeleteResponse } from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * OffsetDelete (key 47): deletes offsets of topics that no member of the group subscribes to
 * (KIP-496).
 */
export const offsetDelete = defineHandler(
  OffsetDeleteRequest,
  OffsetDeleteResponse,
  async (request, context) => {
    const { access } = context
    if (!access.allows('group', request.groupId)) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, topics: [] }
    }
    const denied = access.deniedTopics(request.topics.map(({ name }) => name))
    const entries = request.topics.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex }) => ({
        topic: topic.name,
        partition: partitionIndex,
        isKnown:
          !denied.has(topic.name) &&
          context.broker.topics.get(topic.name)?.partitions[partitionIndex] !== undefined,
      })),
    )
    const known = entries.filter((entry) => entry.isKnown)
    const { error, results } = await attempt(
      context,
      () => context.broker.groups.deleteOffsets(request.groupId, known),
      (failure) => ({ error: failure.code, results: [] }),
    )
    if (error !== 'NONE') return { errorCode: ErrorCode[error], topics: [] }
    return {
      errorCode: ErrorCode.NONE,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          if (denied.has(name)) {
            return { partitionIndex, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }
          }
          const at = known.findIndex(
            (entry) => entry.topic === name && entry.partition === partitionIndex,
          )
          const result = at < 0 ? 'UNKNOWN_TOPIC_OR_PARTITION' : (results[at] ?? 'NONE')
          return { partitionIndex, errorCode: ErrorCode[result] }
        }),
      })),
    }
  },
)
