// SPDX-License-Identifier: Apache-2.0
import { addOffsetsToTxn } from './add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './add-partitions-to-txn.ts'
import { alterConfigs } from './alter-configs.ts'
import { alterPartitionReassignments } from './alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from './alter-replica-log-dirs.ts'
import { alterShareGroupOffsets } from './alter-share-group-offsets.ts'
import { apiVersions } from './api-versions.ts'
import { consumerGroupDescribe } from './consumer-group-describe.ts'
import { consumerGroupHeartbeat } from './consumer-group-heartbeat.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteGroups } from './delete-groups.ts'
import { deleteRecords } from './delete-records.ts'
import { deleteShareGroupOffsets } from './delete-share-group-offsets.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeConfigs } from './describe-configs.ts'
import { describeGroups } from './describe-groups.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { describeProducers } from './describe-producers.ts'
import { describeShareGroupOffsets } from './describe-share-group-offsets.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'
import { describeTransactions } from './describe-transactions.ts'
import { electLeaders } from './elect-leaders.ts'
import { endTxn } from './end-txn.ts'
import { fetch } from './fetch.ts'
import { findCoordinator } from './find-coordinator.ts'
import type { Handler } from './handler.ts'
import { heartbeat } from './heartbeat.ts'
import { incrementalAlterConfigs } from './incremental-alter-configs.ts'
import { initProducerId } from './init-producer-id.ts'
import { joinGroup } from './join-group.ts'
import { leaveGroup } from './leave-group.ts'
import { listConfigResources } from './list-config-resources.ts'
import { listGroups } from './list-groups.ts'
import { listOffsets } from './list-offsets.ts'
import { listPartitionReassignments } from './list-partition-reassignments.ts'
import { listTransactions } from './list-transactions.ts'
import { metadata } from './metadata.ts'
import { offsetCommit } from './offset-commit.ts'
import { offsetDelete } from './offset-delete.ts'
import { offsetFetch } from './offset-fetch.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { produce } from './produce.ts'
import { shareAcknowledge } from './share-acknowledge.ts'
import { shareFetch } from './share-fetch.ts'
import { shareGroupDescribe } from './share-group-describe.ts'
import { shareGroupHeartbeat } from './share-group-heartbeat.ts'
import { streamsGroupDescribe } from './streams-group-describe.ts'
import { streamsGroupHeartbeat } from './streams-group-heartbeat.ts'
import { syncGroup } from './sync-group.ts'
import { txnOffsetCommit } from './txn-offset-commit.ts'
import { writeTxnMarkers } from './write-txn-markers.ts'

const all: readonly Handler[] = [
  addOffsetsToTxn,
  addPartitionsToTxn,
  alterConfigs,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  alterShareGroupOffsets,
  apiVersions,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  createPartitions,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteShareGroupOffsets,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeGroups,
  describeLogDirs,
  describeProducers,
  describeShareGroupOffsets,
  describeTopicPartitions,
  describeTransactions,
  electLeaders,
  endTxn,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listConfigResources,
  listGroups,
  listOffsets,
  listPartitionReassignments,
  listTransactions,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  shareAcknowledge,
  shareFetch,
  shareGroupDescribe,
  shareGroupHeartbeat,
  streamsGroupDescribe,
  streamsGroupHeartbeat,
  syncGroup,
  txnOffsetCommit,
  writeTxnMarkers,
]

/** What the broker answers, by API key. ApiVersions advertises exactly this. */
export const handlers: ReadonlyMap<number, Handler> = new Map(
  all.map((handler) => [handler.request.apiKey ?? -1, handler]),
)
