// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from '@millrace/protocol'
import type { Partition } from '../topics.ts'

/**
 * A partition as Metadata tells it: this node is its one replica, and leads, unless the log
 * directory is offline.
 */
export function describedPartition(partition: Partition, nodeId: number) {
  const { isOffline } = partition
  return {
    errorCode: isOffline ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
    partitionIndex: partition.index,
    leaderId: isOffline ? -1 : nodeId,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: [nodeId],
    isrNodes: isOffline ? [] : [nodeId],
    offlineReplicas: isOffline ? [nodeId] : [],
  }
}
