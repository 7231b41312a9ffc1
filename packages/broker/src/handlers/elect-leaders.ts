// SPDX-License-Identifier: Apache-2.0
import { ElectLeadersRequest, ElectLeadersResponse, ErrorCode } from '@millrace/protocol'
import { defineHandler } from './handler.ts'

/** ElectLeaders (key 43): there is one replica, which leads already, so no election is ever needed. */
export const electLeaders = defineHandler(
  ElectLeadersRequest,
  ElectLeadersResponse,
  (request, { broker }) => ({
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    // Asked for all partitions, Kafka lists all topics, and of each the partitions that were elected.
    replicaElectionResults: (
      request.topicPartitions ??
      [...broker.topics.all.keys()].map((topic) => ({ topic, partitions: [] as number[] }))
    ).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => {
        const isKnown = broker.topics.get(topic)?.partitions[partitionId] !== undefined
        return {
          partitionId,
          errorCode: isKnown ? ErrorCode.ELECTION_NOT_NEEDED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          errorMessage: isKnown
            ? 'Leader election not needed for topic partition.'
            : `No such topic as ${topic}`,
        }
      }),
    })),
  }),
)
