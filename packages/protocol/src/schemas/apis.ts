// SPDX-License-Identifier: Apache-2.0

import { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from './messages/add-offsets-to-txn.ts'
import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from './messages/add-partitions-to-txn.ts'
import { AddRaftVoterRequest, AddRaftVoterResponse } from './messages/add-raft-voter.ts'
import {
  AllocateProducerIdsRequest,
  AllocateProducerIdsResponse,
} from './messages/allocate-producer-ids.ts'
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from './messages/alter-client-quotas.ts'
import { AlterConfigsRequest, AlterConfigsResponse } from './messages/alter-configs.ts'
import { AlterPartitionRequest, AlterPartitionResponse } from './messages/alter-partition.ts'
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from './messages/alter-partition-reassignments.ts'
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
} from './messages/alter-replica-log-dirs.ts'
import {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from './messages/alter-share-group-offsets.ts'
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from './messages/alter-user-scram-credentials.ts'
import { ApiVersionsRequest, ApiVersionsResponse } from './messages/api-versions.ts'
import {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from './messages/assign-replicas-to-dirs.ts'
import { BeginQuorumEpochRequest, BeginQuorumEpochResponse } from './messages/begin-quorum-epoch.ts'
import { BrokerHeartbeatRequest, BrokerHeartbeatResponse } from './messages/broker-heartbeat.ts'
import {
  BrokerRegistrationRequest,
  BrokerRegistrationResponse,
} from './messages/broker-registration.ts'
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from './messages/consumer-group-describe.ts'
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from './messages/consumer-group-heartbeat.ts'
import {
  ControllerRegistrationRequest,
  ControllerRegistrationResponse,
} from './messages/controller-registration.ts'
import { CreateAclsRequest, CreateAclsResponse } from './messages/create-acls.ts'
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from './messages/create-delegation-token.ts'
import { CreatePartitionsRequest, CreatePartitionsResponse } from './messages/create-partitions.ts'
import { CreateTopicsRequest, CreateTopicsResponse } from './messages/create-topics.ts'
import { DeleteAclsRequest, DeleteAclsResponse } from './messages/delete-acls.ts'
import { DeleteGroupsRequest, DeleteGroupsResponse } from './messages/delete-groups.ts'
import { DeleteRecordsRequest, DeleteRecordsResponse } from './messages/delete-records.ts'
import {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from './messages/delete-share-group-offsets.ts'
import {
  DeleteShareGroupStateRequest,
  DeleteShareGroupStateResponse,
} from './messages/delete-share-group-state.ts'
import { DeleteTopicsRequest, DeleteTopicsResponse } from './messages/delete-topics.ts'
import { DescribeAclsRequest, DescribeAclsResponse } from './messages/describe-acls.ts'
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from './messages/describe-client-quotas.ts'
import { DescribeClusterRequest, DescribeClusterResponse } from './messages/describe-cluster.ts'
import { DescribeConfigsRequest, DescribeConfigsResponse } from './messages/describe-configs.ts'
import {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from './messages/describe-delegation-token.ts'
import { DescribeGroupsRequest, DescribeGroupsResponse } from './messages/describe-groups.ts'
import { DescribeLogDirsRequest, DescribeLogDirsResponse } from './messages/describe-log-dirs.ts'
import {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from './messages/describe-producers.ts'
import { DescribeQuorumRequest, DescribeQuorumResponse } from './messages/describe-quorum.ts'
import {
  DescribeShareGroupOffsetsRequest,
  DescribeShareGroupOffsetsResponse,
} from './messages/describe-share-group-offsets.ts'
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from './messages/describe-topic-partitions.ts'
import {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from './messages/describe-transactions.ts'
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from './messages/describe-user-scram-credentials.ts'
import { ElectLeadersRequest, ElectLeadersResponse } from './messages/elect-leaders.ts'
import { EndQuorumEpochRequest, EndQuorumEpochResponse } from './messages/end-quorum-epoch.ts'
import { EndTxnRequest, EndTxnResponse } from './messages/end-txn.ts'
import { EnvelopeRequest, EnvelopeResponse } from './messages/envelope.ts'
import {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from './messages/expire-delegation-token.ts'
import { FetchRequest, FetchResponse } from './messages/fetch.ts'
import { FetchSnapshotRequest, FetchSnapshotResponse } from './messages/fetch-snapshot.ts'
import { FindCoordinatorRequest, FindCoordinatorResponse } from './messages/find-coordinator.ts'
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from './messages/get-telemetry-subscriptions.ts'
import { HeartbeatRequest, HeartbeatResponse } from './messages/heartbeat.ts'
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from './messages/incremental-alter-configs.ts'
import { InitProducerIdRequest, InitProducerIdResponse } from './messages/init-producer-id.ts'
import {
  InitializeShareGroupStateRequest,
  InitializeShareGroupStateResponse,
} from './messages/initialize-share-group-state.ts'
import { JoinGroupRequest, JoinGroupResponse } from './messages/join-group.ts'
import { LeaveGroupRequest, LeaveGroupResponse } from './messages/leave-group.ts'
import {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
} from './messages/list-config-resources.ts'
import { ListGroupsRequest, ListGroupsResponse } from './messages/list-groups.ts'
import { ListOffsetsRequest, ListOffsetsResponse } from './messages/list-offsets.ts'
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from './messages/list-partition-reassignments.ts'
import { ListTransactionsRequest, ListTransactionsResponse } from './messages/list-transactions.ts'
import { MetadataRequest, MetadataResponse } from './messages/metadata.ts'
import { OffsetCommitRequest, OffsetCommitResponse } from './messages/offset-commit.ts'
import { OffsetDeleteRequest, OffsetDeleteResponse } from './messages/offset-delete.ts'
import { OffsetFetchRequest, OffsetFetchResponse } from './messages/offset-fetch.ts'
import {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from './messages/offset-for-leader-epoch.ts'
import { ProduceRequest, ProduceResponse } from './messages/produce.ts'
import { PushTelemetryRequest, PushTelemetryResponse } from './messages/push-telemetry.ts'
import {
  ReadShareGroupStateRequest,
  ReadShareGroupStateResponse,
} from './messages/read-share-group-state.ts'
import {
  ReadShareGroupStateSummaryRequest,
  ReadShareGroupStateSummaryResponse,
} from './messages/read-share-group-state-summary.ts'
import { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from './messages/remove-raft-voter.ts'
import {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from './messages/renew-delegation-token.ts'
import { SaslAuthenticateRequest, SaslAuthenticateResponse } from './messages/sasl-authenticate.ts'
import { SaslHandshakeRequest, SaslHandshakeResponse } from './messages/sasl-handshake.ts'
import { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from './messages/share-acknowledge.ts'
import { ShareFetchRequest, ShareFetchResponse } from './messages/share-fetch.ts'
import {
  ShareGroupDescribeRequest,
  ShareGroupDescribeResponse,
} from './messages/share-group-describe.ts'
import {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from './messages/share-group-heartbeat.ts'
import {
  StreamsGroupDescribeRequest,
  StreamsGroupDescribeResponse,
} from './messages/streams-group-describe.ts'
import {
  StreamsGroupHeartbeatRequest,
  StreamsGroupHeartbeatResponse,
} from './messages/streams-group-heartbeat.ts'
import {
  StreamsGroupTopologyDescriptionUpdateRequest,
  StreamsGroupTopologyDescriptionUpdateResponse,
} from './messages/streams-group-topology-description-update.ts'
import { SyncGroupRequest, SyncGroupResponse } from './messages/sync-group.ts'
import { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from './messages/txn-offset-commit.ts'
import { UnregisterBrokerRequest, UnregisterBrokerResponse } from './messages/unregister-broker.ts'
import {
  UnregisterControllerRequest,
  UnregisterControllerResponse,
} from './messages/unregister-controller.ts'
import { UpdateFeaturesRequest, UpdateFeaturesResponse } from './messages/update-features.ts'
import { UpdateRaftVoterRequest, UpdateRaftVoterResponse } from './messages/update-raft-voter.ts'
import { VoteRequest, VoteResponse } from './messages/vote.ts'
import {
  WriteShareGroupStateRequest,
  WriteShareGroupStateResponse,
} from './messages/write-share-group-state.ts'
import { WriteTxnMarkersRequest, WriteTxnMarkersResponse } from './messages/write-txn-markers.ts'
import type { MessageSchema } from './schema.ts'

/** One Kafka API: its key and the schemas of its request and response. */
export interface Api {
  readonly key: number
  readonly name: string
  readonly request: MessageSchema
  readonly response: MessageSchema
  /** The newest version exists but is not final: brokers do not advertise it unless told to. */
  readonly latestVersionUnstable: boolean
}

/** Every API of Apache Kafka 4.4.0 by key; the four removed ones (4 to 7) are absent. */
export const apis: ReadonlyMap<number, Api> = new Map([
  [
    0,
    {
      key: 0,
      name: 'Produce',
      request: ProduceRequest,
      response: ProduceResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    1,
    {
      key: 1,
      name: 'Fetch',
      request: FetchRequest,
      response: FetchResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    2,
    {
      key: 2,
      name: 'ListOffsets',
      request: ListOffsetsRequest,
      response: ListOffsetsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    3,
    {
      key: 3,
      name: 'Metadata',
      request: MetadataRequest,
      response: MetadataResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    8,
    {
      key: 8,
      name: 'OffsetCommit',
      request: OffsetCommitRequest,
      response: OffsetCommitResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    9,
    {
      key: 9,
      name: 'OffsetFetch',
      request: OffsetFetchRequest,
      response: OffsetFetchResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    10,
    {
      key: 10,
      name: 'FindCoordinator',
      request: FindCoordinatorRequest,
      response: FindCoordinatorResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    11,
    {
      key: 11,
      name: 'JoinGroup',
      request: JoinGroupRequest,
      response: JoinGroupResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    12,
    {
      key: 12,
      name: 'Heartbeat',
      request: HeartbeatRequest,
      response: HeartbeatResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    13,
    {
      key: 13,
      name: 'LeaveGroup',
      request: LeaveGroupRequest,
      response: LeaveGroupResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    14,
    {
      key: 14,
      name: 'SyncGroup',
      request: SyncGroupRequest,
      response: SyncGroupResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    15,
    {
      key: 15,
      name: 'DescribeGroups',
      request: DescribeGroupsRequest,
      response: DescribeGroupsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    16,
    {
      key: 16,
      name: 'ListGroups',
      request: ListGroupsRequest,
      response: ListGroupsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    17,
    {
      key: 17,
      name: 'SaslHandshake',
      request: SaslHandshakeRequest,
      response: SaslHandshakeResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    18,
    {
      key: 18,
      name: 'ApiVersions',
      request: ApiVersionsRequest,
      response: ApiVersionsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    19,
    {
      key: 19,
      name: 'CreateTopics',
      request: CreateTopicsRequest,
      response: CreateTopicsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    20,
    {
      key: 20,
      name: 'DeleteTopics',
      request: DeleteTopicsRequest,
      response: DeleteTopicsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    21,
    {
      key: 21,
      name: 'DeleteRecords',
      request: DeleteRecordsRequest,
      response: DeleteRecordsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    22,
    {
      key: 22,
      name: 'InitProducerId',
      request: InitProducerIdRequest,
      response: InitProducerIdResponse,
      latestVersionUnstable: true,
    },
  ],
  [
    23,
    {
      key: 23,
      name: 'OffsetForLeaderEpoch',
      request: OffsetForLeaderEpochRequest,
      response: OffsetForLeaderEpochResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    24,
    {
      key: 24,
      name: 'AddPartitionsToTxn',
      request: AddPartitionsToTxnRequest,
      response: AddPartitionsToTxnResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    25,
    {
      key: 25,
      name: 'AddOffsetsToTxn',
      request: AddOffsetsToTxnRequest,
      response: AddOffsetsToTxnResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    26,
    {
      key: 26,
      name: 'EndTxn',
      request: EndTxnRequest,
      response: EndTxnResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    27,
    {
      key: 27,
      name: 'WriteTxnMarkers',
      request: WriteTxnMarkersRequest,
      response: WriteTxnMarkersResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    28,
    {
      key: 28,
      name: 'TxnOffsetCommit',
      request: TxnOffsetCommitRequest,
      response: TxnOffsetCommitResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    29,
    {
      key: 29,
      name: 'DescribeAcls',
      request: DescribeAclsRequest,
      response: DescribeAclsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    30,
    {
      key: 30,
      name: 'CreateAcls',
      request: CreateAclsRequest,
      response: CreateAclsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    31,
    {
      key: 31,
      name: 'DeleteAcls',
      request: DeleteAclsRequest,
      response: DeleteAclsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    32,
    {
      key: 32,
      name: 'DescribeConfigs',
      request: DescribeConfigsRequest,
      response: DescribeConfigsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    33,
    {
      key: 33,
      name: 'AlterConfigs',
      request: AlterConfigsRequest,
      response: AlterConfigsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    34,
    {
      key: 34,
      name: 'AlterReplicaLogDirs',
      request: AlterReplicaLogDirsRequest,
      response: AlterReplicaLogDirsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    35,
    {
      key: 35,
      name: 'DescribeLogDirs',
      request: DescribeLogDirsRequest,
      response: DescribeLogDirsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    36,
    {
      key: 36,
      name: 'SaslAuthenticate',
      request: SaslAuthenticateRequest,
      response: SaslAuthenticateResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    37,
    {
      key: 37,
      name: 'CreatePartitions',
      request: CreatePartitionsRequest,
      response: CreatePartitionsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    38,
    {
      key: 38,
      name: 'CreateDelegationToken',
      request: CreateDelegationTokenRequest,
      response: CreateDelegationTokenResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    39,
    {
      key: 39,
      name: 'RenewDelegationToken',
      request: RenewDelegationTokenRequest,
      response: RenewDelegationTokenResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    40,
    {
      key: 40,
      name: 'ExpireDelegationToken',
      request: ExpireDelegationTokenRequest,
      response: ExpireDelegationTokenResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    41,
    {
      key: 41,
      name: 'DescribeDelegationToken',
      request: DescribeDelegationTokenRequest,
      response: DescribeDelegationTokenResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    42,
    {
      key: 42,
      name: 'DeleteGroups',
      request: DeleteGroupsRequest,
      response: DeleteGroupsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    43,
    {
      key: 43,
      name: 'ElectLeaders',
      request: ElectLeadersRequest,
      response: ElectLeadersResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    44,
    {
      key: 44,
      name: 'IncrementalAlterConfigs',
      request: IncrementalAlterConfigsRequest,
      response: IncrementalAlterConfigsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    45,
    {
      key: 45,
      name: 'AlterPartitionReassignments',
      request: AlterPartitionReassignmentsRequest,
      response: AlterPartitionReassignmentsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    46,
    {
      key: 46,
      name: 'ListPartitionReassignments',
      request: ListPartitionReassignmentsRequest,
      response: ListPartitionReassignmentsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    47,
    {
      key: 47,
      name: 'OffsetDelete',
      request: OffsetDeleteRequest,
      response: OffsetDeleteResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    48,
    {
      key: 48,
      name: 'DescribeClientQuotas',
      request: DescribeClientQuotasRequest,
      response: DescribeClientQuotasResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    49,
    {
      key: 49,
      name: 'AlterClientQuotas',
      request: AlterClientQuotasRequest,
      response: AlterClientQuotasResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    50,
    {
      key: 50,
      name: 'DescribeUserScramCredentials',
      request: DescribeUserScramCredentialsRequest,
      response: DescribeUserScramCredentialsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    51,
    {
      key: 51,
      name: 'AlterUserScramCredentials',
      request: AlterUserScramCredentialsRequest,
      response: AlterUserScramCredentialsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    52,
    {
      key: 52,
      name: 'Vote',
      request: VoteRequest,
      response: VoteResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    53,
    {
      key: 53,
      name: 'BeginQuorumEpoch',
      request: BeginQuorumEpochRequest,
      response: BeginQuorumEpochResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    54,
    {
      key: 54,
      name: 'EndQuorumEpoch',
      request: EndQuorumEpochRequest,
      response: EndQuorumEpochResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    55,
    {
      key: 55,
      name: 'DescribeQuorum',
      request: DescribeQuorumRequest,
      response: DescribeQuorumResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    56,
    {
      key: 56,
      name: 'AlterPartition',
      request: AlterPartitionRequest,
      response: AlterPartitionResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    57,
    {
      key: 57,
      name: 'UpdateFeatures',
      request: UpdateFeaturesRequest,
      response: UpdateFeaturesResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    58,
    {
      key: 58,
      name: 'Envelope',
      request: EnvelopeRequest,
      response: EnvelopeResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    59,
    {
      key: 59,
      name: 'FetchSnapshot',
      request: FetchSnapshotRequest,
      response: FetchSnapshotResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    60,
    {
      key: 60,
      name: 'DescribeCluster',
      request: DescribeClusterRequest,
      response: DescribeClusterResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    61,
    {
      key: 61,
      name: 'DescribeProducers',
      request: DescribeProducersRequest,
      response: DescribeProducersResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    62,
    {
      key: 62,
      name: 'BrokerRegistration',
      request: BrokerRegistrationRequest,
      response: BrokerRegistrationResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    63,
    {
      key: 63,
      name: 'BrokerHeartbeat',
      request: BrokerHeartbeatRequest,
      response: BrokerHeartbeatResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    64,
    {
      key: 64,
      name: 'UnregisterBroker',
      request: UnregisterBrokerRequest,
      response: UnregisterBrokerResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    65,
    {
      key: 65,
      name: 'DescribeTransactions',
      request: DescribeTransactionsRequest,
      response: DescribeTransactionsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    66,
    {
      key: 66,
      name: 'ListTransactions',
      request: ListTransactionsRequest,
      response: ListTransactionsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    67,
    {
      key: 67,
      name: 'AllocateProducerIds',
      request: AllocateProducerIdsRequest,
      response: AllocateProducerIdsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    68,
    {
      key: 68,
      name: 'ConsumerGroupHeartbeat',
      request: ConsumerGroupHeartbeatRequest,
      response: ConsumerGroupHeartbeatResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    69,
    {
      key: 69,
      name: 'ConsumerGroupDescribe',
      request: ConsumerGroupDescribeRequest,
      response: ConsumerGroupDescribeResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    70,
    {
      key: 70,
      name: 'ControllerRegistration',
      request: ControllerRegistrationRequest,
      response: ControllerRegistrationResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    71,
    {
      key: 71,
      name: 'GetTelemetrySubscriptions',
      request: GetTelemetrySubscriptionsRequest,
      response: GetTelemetrySubscriptionsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    72,
    {
      key: 72,
      name: 'PushTelemetry',
      request: PushTelemetryRequest,
      response: PushTelemetryResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    73,
    {
      key: 73,
      name: 'AssignReplicasToDirs',
      request: AssignReplicasToDirsRequest,
      response: AssignReplicasToDirsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    74,
    {
      key: 74,
      name: 'ListConfigResources',
      request: ListConfigResourcesRequest,
      response: ListConfigResourcesResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    75,
    {
      key: 75,
      name: 'DescribeTopicPartitions',
      request: DescribeTopicPartitionsRequest,
      response: DescribeTopicPartitionsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    76,
    {
      key: 76,
      name: 'ShareGroupHeartbeat',
      request: ShareGroupHeartbeatRequest,
      response: ShareGroupHeartbeatResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    77,
    {
      key: 77,
      name: 'ShareGroupDescribe',
      request: ShareGroupDescribeRequest,
      response: ShareGroupDescribeResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    78,
    {
      key: 78,
      name: 'ShareFetch',
      request: ShareFetchRequest,
      response: ShareFetchResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    79,
    {
      key: 79,
      name: 'ShareAcknowledge',
      request: ShareAcknowledgeRequest,
      response: ShareAcknowledgeResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    80,
    {
      key: 80,
      name: 'AddRaftVoter',
      request: AddRaftVoterRequest,
      response: AddRaftVoterResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    81,
    {
      key: 81,
      name: 'RemoveRaftVoter',
      request: RemoveRaftVoterRequest,
      response: RemoveRaftVoterResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    82,
    {
      key: 82,
      name: 'UpdateRaftVoter',
      request: UpdateRaftVoterRequest,
      response: UpdateRaftVoterResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    83,
    {
      key: 83,
      name: 'InitializeShareGroupState',
      request: InitializeShareGroupStateRequest,
      response: InitializeShareGroupStateResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    84,
    {
      key: 84,
      name: 'ReadShareGroupState',
      request: ReadShareGroupStateRequest,
      response: ReadShareGroupStateResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    85,
    {
      key: 85,
      name: 'WriteShareGroupState',
      request: WriteShareGroupStateRequest,
      response: WriteShareGroupStateResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    86,
    {
      key: 86,
      name: 'DeleteShareGroupState',
      request: DeleteShareGroupStateRequest,
      response: DeleteShareGroupStateResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    87,
    {
      key: 87,
      name: 'ReadShareGroupStateSummary',
      request: ReadShareGroupStateSummaryRequest,
      response: ReadShareGroupStateSummaryResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    88,
    {
      key: 88,
      name: 'StreamsGroupHeartbeat',
      request: StreamsGroupHeartbeatRequest,
      response: StreamsGroupHeartbeatResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    89,
    {
      key: 89,
      name: 'StreamsGroupDescribe',
      request: StreamsGroupDescribeRequest,
      response: StreamsGroupDescribeResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    90,
    {
      key: 90,
      name: 'DescribeShareGroupOffsets',
      request: DescribeShareGroupOffsetsRequest,
      response: DescribeShareGroupOffsetsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    91,
    {
      key: 91,
      name: 'AlterShareGroupOffsets',
      request: AlterShareGroupOffsetsRequest,
      response: AlterShareGroupOffsetsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    92,
    {
      key: 92,
      name: 'DeleteShareGroupOffsets',
      request: DeleteShareGroupOffsetsRequest,
      response: DeleteShareGroupOffsetsResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    93,
    {
      key: 93,
      name: 'StreamsGroupTopologyDescriptionUpdate',
      request: StreamsGroupTopologyDescriptionUpdateRequest,
      response: StreamsGroupTopologyDescriptionUpdateResponse,
      latestVersionUnstable: false,
    },
  ],
  [
    94,
    {
      key: 94,
      name: 'UnregisterController',
      request: UnregisterControllerRequest,
      response: UnregisterControllerResponse,
      latestVersionUnstable: false,
    },
  ],
])
