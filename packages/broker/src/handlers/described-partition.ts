// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from '@millrace/protocol'
import type { Partition } from '../topics.ts'

/** A partition as Metadata and DescribeTopicPartitions tell it: this node is its one replica, and leads. */
export function describedPartition(partition: Partition, nodeId: number) {
  return {
    errorCode: ErrorCode.NONE,
    partitionIndex: partition.index,
    leaderId: nodeId,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: [nodeId],
    isrNodes: [nodeId],
    offlineReplicas: [],
  }
}
