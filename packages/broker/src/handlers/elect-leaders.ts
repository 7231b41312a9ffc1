// SPDX-License-Identifier: Apache-2.0
import { ElectLeadersRequest, ElectLeadersResponse, ErrorCode } from '@millrace/protocol'
import type { Access } from '../security/access.ts'
import { defineHandler } from './handler.ts'

/**
 * ElectLeaders (key 43): the only replica is already the leader, so an election is never needed.
 */
export const electLeaders = defineHandler(
  ElectLeadersRequest,
  ElectLeadersResponse,
  (request, { broker, access }) => {
    if (!access.allowsCluster()) return denied(request, access)
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      // For a request without partitions, Kafka returns all topics, with only the partitions that
      // had an election.
      replicaElectionResults: (
        request.topicPartitions ??
        [...broker.topics.all.keys()].map((topic) => ({ topic, partitions: [] as number[] }))
      ).map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map((partitionId) => {
          const isKnown = broker.topics.get(topic)?.partitions[partitionId] !== undefined
          return {
            partitionId,
            errorCode: isKnown
              ? ErrorCode.ELECTION_NOT_NEEDED
              : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            errorMessage: isKnown
              ? 'Leader election not needed for topic partition.'
              : `No such topic as ${topic}`,
          }
        }),
      })),
    }
  },
)

function denied(request: ElectLeadersRequest, access: Access) {
  const { errorCode, message } = access.denial('cluster')
  return {
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({
        partitionId,
        errorCode,
        errorMessage: message,
      })),
    })),
  }
}
