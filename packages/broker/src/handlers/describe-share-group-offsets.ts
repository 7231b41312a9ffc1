// SPDX-License-Identifier: Apache-2.0
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
  ErrorCode,
  ZERO_UUID,
} from '@millrace/protocol'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'

/**
 * DescribeShareGroupOffsets (key 90): start offsets of share groups (KIP-932). v1 returns the lag
 * (KIP-1226).
 */
export const describeShareGroupOffsets = defineHandler(
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
  async (request, context) => ({
    throttleTimeMs: 0,
    groups: await Promise.all(
      request.groups.map(({ groupId, topics }) =>
        attempt(
          context,
          async () => {
            context.access.requireGroup(groupId)
            return {
              groupId,
              errorCode: ErrorCode.NONE,
              errorMessage: null,
              topics: await describe(groupId, topics, context),
            }
          },
          (error) => ({
            groupId,
            errorCode: error.errorCode,
            errorMessage: textUnlessDenied(error),
            topics: [],
          }),
        ),
      ),
    ),
  }),
)

async function describe(
  groupId: string,
  topics: readonly { readonly topicName: string; readonly partitions: readonly number[] }[] | null,
  { broker, access }: RequestContext,
) {
  // A group that does not exist has read nothing, which is not an error.
  const asked =
    topics ??
    [...((await broker.groups.shareGroup(groupId))?.initialized.values() ?? [])].map(
      ({ name, partitions }) => ({
        topicName: name,
        partitions: [...partitions].sort((a, b) => a - b),
      }),
    )
  const names = asked.map(({ topicName }) => topicName)
  const denied = access.deniedTopics(names, { logsDenial: topics !== null })
  const shown = topics === null ? asked.filter(({ topicName }) => !denied.has(topicName)) : asked
  return Promise.all(
    shown.map(async ({ topicName, partitions }) => {
      if (denied.has(topicName)) {
        return {
          topicName,
          topicId: ZERO_UUID,
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            startOffset: -1n,
            leaderEpoch: 0,
            lag: -1n,
            errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
            errorMessage: access.denial('topic').message,
          })),
        }
      }
      const topic = broker.topics.get(topicName)
      if (topic === undefined) {
        return {
          topicName,
          topicId: ZERO_UUID,
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            startOffset: -1n,
            leaderEpoch: 0,
            lag: -1n,
            errorCode: ErrorCode.NONE,
          })),
        }
      }
      const offsets = await broker.shareGroups.offsets(groupId, topic.id, partitions)
      return {
        topicName,
        topicId: topic.id,
        partitions: offsets.map(({ partition, startOffset, leaderEpoch, lag }) => ({
          partitionIndex: partition,
          startOffset,
          leaderEpoch,
          lag,
          errorCode: ErrorCode.NONE,
        })),
      }
    }),
  )
}
