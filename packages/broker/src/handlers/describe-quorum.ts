// SPDX-License-Identifier: Apache-2.0
import { DescribeQuorumRequest, DescribeQuorumResponse, ErrorCode } from '@millrace/protocol'
import { CLUSTER_METADATA_TOPIC } from '../topic-name.ts'
import { defineHandler } from './handler.ts'

/**
 * DescribeQuorum (key 55): the metadata quorum, which is this node (KIP-595; v2 with directories
 * and endpoints, KIP-853).
 */
export const describeQuorum = defineHandler(
  DescribeQuorumRequest,
  DescribeQuorumResponse,
  (request, { broker, access }) => {
    if (!access.allowsCluster()) {
      const { errorCode, message } = access.denial('cluster')
      return { errorCode, errorMessage: message, topics: [], nodes: [] }
    }
    const [topic] = request.topics
    const [partition] = topic?.partitions ?? []
    const isMetadata =
      request.topics.length === 1 &&
      topic?.topicName === CLUSTER_METADATA_TOPIC &&
      topic.partitions.length === 1 &&
      partition?.partitionIndex === 0
    const { metadata, nodeId, topicDefaults, world } = broker
    if (!isMetadata) {
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        topics: request.topics.map(({ topicName, partitions }) => ({
          topicName,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            errorMessage: null,
            leaderId: 0,
            leaderEpoch: 0,
            highWatermark: 0n,
            currentVoters: [],
            observers: [],
          })),
        })),
        nodes: [],
      }
    }
    const now = BigInt(world.clock.now())
    const isDynamic = metadata.kraftVersion > 0
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      topics: [
        {
          topicName: CLUSTER_METADATA_TOPIC,
          partitions: [
            {
              partitionIndex: 0,
              errorCode: ErrorCode.NONE,
              errorMessage: null,
              leaderId: nodeId,
              leaderEpoch: metadata.leaderEpoch,
              highWatermark: metadata.endOffset,
              currentVoters: [
                {
                  replicaId: nodeId,
                  ...(isDynamic ? { replicaDirectoryId: topicDefaults.directoryId } : {}),
                  logEndOffset: metadata.endOffset,
                  lastFetchTimestamp: now,
                  lastCaughtUpTimestamp: now,
                },
              ],
              observers: [],
            },
          ],
        },
      ],
      nodes: [
        {
          nodeId,
          listeners: metadata.voterEndpoints.map(({ name, host, port }) => ({ name, host, port })),
        },
      ],
    }
  },
)
