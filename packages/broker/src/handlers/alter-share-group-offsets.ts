// SPDX-License-Identifier: Apache-2.0
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
  ErrorCode,
  ZERO_UUID,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * AlterShareGroupOffsets (key 91): sets the start offsets of a share group without members
 * (KIP-932).
 */
export const alterShareGroupOffsets = defineHandler(
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
  (request, context) =>
    attempt(
      context,
      async () => {
        const { broker, access } = context
        access.requireGroup(request.groupId)
        const denied = access.deniedTopics(request.topics.map(({ topicName }) => topicName))
        const outcomes = await broker.shareGroups.alterOffsets(
          request.groupId,
          request.topics
            .filter(({ topicName }) => !denied.has(topicName))
            .map(({ topicName, partitions }) => ({
              name: topicName,
              partitions: partitions.map(({ partitionIndex, startOffset }) => ({
                partition: partitionIndex,
                startOffset,
              })),
            })),
        )
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          responses: byTopic(request.topics).map(({ topicName, partitions }) => ({
            topicName,
            topicId: broker.topics.get(topicName)?.id ?? ZERO_UUID,
            partitions: partitions.map(({ partitionIndex }) => {
              if (denied.has(topicName)) {
                const { errorCode, message } = access.denial('topic')
                return { partitionIndex, errorCode: errorCode, errorMessage: message }
              }
              const error = outcomes.get(`${topicName}-${partitionIndex}`) ?? 'NONE'
              return {
                partitionIndex,
                errorCode: ErrorCode[error],
                errorMessage:
                  error === 'NONE' ? null : 'This server does not host this topic-partition.',
              }
            }),
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

/** Each topic once, with all its partitions in the request. */
function byTopic<T>(
  topics: readonly { readonly topicName: string; readonly partitions: readonly T[] }[],
): { readonly topicName: string; readonly partitions: readonly T[] }[] {
  const names = Map.groupBy(topics, ({ topicName }) => topicName)
  return [...names].map(([topicName, same]) => ({
    topicName,
    partitions: same.flatMap(({ partitions }) => partitions),
  }))
}
