// SPDX-License-Identifier: Apache-2.0
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  ErrorCode,
  type MessageInput,
  ZERO_UUID,
} from '@millrace/protocol'
import { AuthorizedOperations } from '../security/authorized-operations.ts'
import { topicNameError } from '../topic-name.ts'
import { isInternalTopic } from '../topics.ts'
import { describedPartition } from './described-partition.ts'
import { defineHandler } from './handler.ts'

type Response = MessageInput<typeof DescribeTopicPartitionsResponse>

/**
 * DescribeTopicPartitions (key 75): topics ordered by name, a limited number of partitions per
 * reply; the cursor is the position to continue from (KIP-966). An empty list means all topics.
 */
export const describeTopicPartitions = defineHandler(
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  (request, { broker, access }) => {
    const { cursor } = request
    const asked =
      request.topics.length === 0
        ? [...broker.topics.all.keys()]
        : request.topics.map((t) => t.name)
    const candidates = [...new Set(asked)]
      .sort()
      .filter((name) => cursor === null || name >= cursor.topicName)
    const isAll = request.topics.length === 0
    const denied = access.deniedTopics(candidates, { logsDenial: !isAll })
    const names = candidates.filter((name) => !denied.has(name))
    const configured = broker.config.number('max.request.partition.size.limit')
    let remaining = Math.min(Math.max(request.responsePartitionLimit, 1), configured)
    let nextCursor: Response['nextCursor'] = null
    const topics: Response['topics'][number][] = []
    for (const name of names) {
      const topic = broker.topics.get(name)
      const first = cursor !== null && cursor.topicName === name ? cursor.partitionIndex : 0
      if (remaining <= 0) {
        nextCursor = { topicName: name, partitionIndex: first }
        break
      }
      if (topic === undefined) {
        topics.push({
          errorCode:
            topicNameError(name) === undefined
              ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
              : ErrorCode.INVALID_TOPIC_EXCEPTION,
          name,
          topicId: ZERO_UUID,
          isInternal: isInternalTopic(name),
          partitions: [],
          topicAuthorizedOperations: access.operations('topic', name),
        })
        continue
      }
      const partitions = topic.partitions.slice(first, first + remaining)
      topics.push({
        errorCode: ErrorCode.NONE,
        name,
        topicId: topic.id,
        isInternal: topic.isInternal,
        partitions: partitions.map((partition) => ({
          ...describedPartition(partition, broker.nodeId),
          errorCode: ErrorCode.NONE,
          eligibleLeaderReplicas: [],
          lastKnownElr: [],
        })),
        topicAuthorizedOperations: access.operations('topic', name),
      })
      remaining -= partitions.length
      if (first + partitions.length < topic.partitions.length) {
        nextCursor = { topicName: name, partitionIndex: first + partitions.length }
        break
      }
    }
    for (const name of isAll ? [] : denied) {
      topics.push({
        errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
        name,
        topicId: ZERO_UUID,
        isInternal: false,
        partitions: [],
        topicAuthorizedOperations: AuthorizedOperations.omitted,
      })
    }
    return { throttleTimeMs: 0, topics, nextCursor }
  },
)
