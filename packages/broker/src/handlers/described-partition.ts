// SPDX-License-Identifier: Apache-2.0
import { ErrorCode } from '@millrace/protocol'
import type { Partition } from '../topics.ts'

/**
 * A partition in Metadata: this node is its only replica, and its leader unless the log directory
 * is offline.
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
