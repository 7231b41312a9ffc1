// SPDX-License-Identifier: Apache-2.0

export { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from './messages/add-offsets-to-txn.ts'
export {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from './messages/add-partitions-to-txn.ts'
export { AddRaftVoterRequest, AddRaftVoterResponse } from './messages/add-raft-voter.ts'
export {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from './messages/allocate-producer-ids.ts'
export {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from './messages/alter-client-quotas.ts'
export { AlterConfigsRequest, AlterConfigsResponse } from './messages/alter-configs.ts'
export { AlterPartitionRequest, AlterPartitionResponse } from './messages/alter-partition.ts'
export {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from './messages/alter-partition-reassignments.ts'
export {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from './messages/alter-replica-log-dirs.ts'
export {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from './messages/alter-share-group-offsets.ts'
export {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from './messages/alter-user-scram-credentials.ts'
export { ApiVersionsRequest, ApiVersionsResponse } from './messages/api-versions.ts'
export {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from './messages/assign-replicas-to-dirs.ts'
export { BeginQuorumEpochRequest, BeginQuorumEpochResponse } from './messages/begin-quorum-epoch.ts'
export { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from './messages/broker-heartbeat.ts'
export {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from './messages/broker-registration.ts'
export {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from './messages/consumer-group-describe.ts'
export {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from './messages/consumer-group-heartbeat.ts'
export {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from './messages/controller-registration.ts'
export { CreateAclsRequest, CreateAclsResponse } from './messages/create-acls.ts'
export {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from './messages/create-delegation-token.ts'
export { CreatePartitionsRequest, CreatePartitionsResponse } from './messages/create-partitions.ts'
export { CreateTopicsRequest, CreateTopicsResponse } from './messages/create-topics.ts'
export { DeleteAclsRequest, DeleteAclsResponse } from './messages/delete-acls.ts'
export { DeleteGroupsRequest, DeleteGroupsResponse } from './messages/delete-groups.ts'
export { DeleteRecordsRequest, DeleteRecordsResponse } from './messages/delete-records.ts'
export {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from './messages/delete-share-group-offsets.ts'
export {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from './messages/delete-share-group-state.ts'
export { DeleteTopicsRequest, DeleteTopicsResponse } from './messages/delete-topics.ts'
export { DescribeAclsRequest, DescribeAclsResponse } from './messages/describe-acls.ts'
export {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from './messages/describe-client-quotas.ts'
export { DescribeClusterRequest, DescribeClusterResponse } from './messages/describe-cluster.ts'
export { DescribeConfigsRequest, DescribeConfigsResponse } from './messages/describe-configs.ts'
export {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from './messages/describe-delegation-token.ts'
export { DescribeGroupsRequest, DescribeGroupsResponse } from './messages/describe-groups.ts'
export { DescribeLogDirsRequest, DescribeLogDirsResponse } from './messages/describe-log-dirs.ts'
export {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from './messages/describe-producers.ts'
export { DescribeQuorumRequest, DescribeQuorumResponse } from './messages/describe-quorum.ts'
export {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from './messages/describe-share-group-offsets.ts'
export {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from './messages/describe-topic-partitions.ts'
export {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from './messages/describe-transactions.ts'
export {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from './messages/describe-user-scram-credentials.ts'
export { ElectLeadersRequest, ElectLeadersResponse } from './messages/elect-leaders.ts'
export { EndQuorumEpochRequest, EndQuorumEpochResponse } from './messages/end-quorum-epoch.ts'
export { EndTxnRequest, EndTxnResponse } from './messages/end-txn.ts'
export { EnvelopeRequest, EnvelopeResponse } from './messages/envelope.ts'
export {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from './messages/expire-delegation-token.ts'
export { FetchRequest, FetchResponse } from './messages/fetch.ts'
export { FetchSnapshotRequest, FetchSnapshotResponse } from './messages/fetch-snapshot.ts'
export { FindCoordinatorRequest, FindCoordinatorResponse } from './messages/find-coordinator.ts'
export {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from './messages/get-telemetry-subscriptions.ts'
export { HeartbeatRequest, HeartbeatResponse } from './messages/heartbeat.ts'
export {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from './messages/incremental-alter-configs.ts'
export { InitProducerIdRequest, InitProducerIdResponse } from './messages/init-producer-id.ts'
export {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from './messages/initialize-share-group-state.ts'
export { JoinGroupRequest, JoinGroupResponse } from './messages/join-group.ts'
export { LeaveGroupRequest, LeaveGroupResponse } from './messages/leave-group.ts'
export {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from './messages/list-config-resources.ts'
export { ListGroupsRequest, ListGroupsResponse } from './messages/list-groups.ts'
export { ListOffsetsRequest, ListOffsetsResponse } from './messages/list-offsets.ts'
export {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from './messages/list-partition-reassignments.ts'
export { ListTransactionsRequest, ListTransactionsResponse } from './messages/list-transactions.ts'
export { MetadataRequest, MetadataResponse } from './messages/metadata.ts'
export { OffsetCommitRequest, OffsetCommitResponse } from './messages/offset-commit.ts'
export { OffsetDeleteRequest, OffsetDeleteResponse } from './messages/offset-delete.ts'
export { OffsetFetchRequest, OffsetFetchResponse } from './messages/offset-fetch.ts'
export {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from './messages/offset-for-leader-epoch.ts'
export { ProduceRequest, ProduceResponse } from './messages/produce.ts'
export { PushTelemetryRequest, PushTelemetryResponse } from './messages/push-telemetry.ts'
export {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from './messages/read-share-group-state.ts'
export {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from './messages/read-share-group-state-summary.ts'
export { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from './messages/remove-raft-voter.ts'
export {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from './messages/renew-delegation-token.ts'
export { SaslAuthenticateRequest, SaslAuthenticateResponse } from './messages/sasl-authenticate.ts'
export { SaslHandshakeRequest, SaslHandshakeResponse } from './messages/sasl-handshake.ts'
export { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from './messages/share-acknowledge.ts'
export { ShareFetchRequest, ShareFetchResponse } from './messages/share-fetch.ts'
export {
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from './messages/share-group-describe.ts'
export {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from './messages/share-group-heartbeat.ts'
export {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from './messages/streams-group-describe.ts'
export {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from './messages/streams-group-heartbeat.ts'
export {
  StreamsGroupTopologyDescriptionUpdateRequest,
  StreamsGroupTopologyDescriptionUpdateResponse,
} from './messages/streams-group-topology-description-update.ts'
export { SyncGroupRequest, SyncGroupResponse } from './messages/sync-group.ts'
export { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from './messages/txn-offset-commit.ts'
export { UnregisterBrokerRequest, UnregisterBrokerResponse } from './messages/unregister-broker.ts'
export {
  UnregisterControllerRequest,
  UnregisterControllerResponse,
} from './messages/unregister-controller.ts'
export { UpdateFeaturesRequest, UpdateFeaturesResponse } from './messages/update-features.ts'
export { UpdateRaftVoterRequest, UpdateRaftVoterResponse } from './messages/update-raft-voter.ts'
export { VoteRequest, VoteResponse } from './messages/vote.ts'
export {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from './messages/write-share-group-state.ts'
export { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from './messages/write-txn-markers.ts'
