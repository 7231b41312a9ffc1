// SPDX-License-Identifier: Apache-2.0
import type { ApiName } from '@millrace/protocol'
import { AclOperation } from '@millrace/protocol'

/** Kinds of resources that requests name. */
export type ResourceKind =
  | 'topic'
  | 'group'
  | 'cluster'
  | 'transactionalId'
  | 'delegationToken'
  | 'user'

/** Operations that one API needs, by kind of resource. The first is the default of a check. */
export type ApiPermissions = Readonly<
  Partial<Record<ResourceKind, readonly [AclOperation, ...AclOperation[]]>>
>

const {
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
  CREATE_TOKENS,
  DESCRIBE_TOKENS,
  TWO_PHASE_COMMIT,
} = AclOperation

const NOTHING: ApiPermissions = {}
const DESCRIBES_CLUSTER: ApiPermissions = { cluster: [DESCRIBE] }
const ALTERS_CLUSTER: ApiPermissions = { cluster: [ALTER] }
/** APIs between brokers, and between brokers and controllers. */
const INTERNAL: ApiPermissions = { cluster: [CLUSTER_ACTION] }
const READS_GROUP: ApiPermissions = { group: [READ] }

/**
 * Permissions of each API of Apache Kafka 4.4.0. A handler can only check operations that its API
 * has here, so an API without an entry does not compile, and a check that is missing here throws.
 */
export const apiPermissions: Readonly<Record<ApiName, ApiPermissions>> = {
  // Records
  Produce: { topic: [WRITE], transactionalId: [WRITE] },
  Fetch: { topic: [READ], cluster: [CLUSTER_ACTION] },
  ListOffsets: { topic: [DESCRIBE] },
  OffsetForLeaderEpoch: { topic: [DESCRIBE], cluster: [CLUSTER_ACTION] },
  DeleteRecords: { topic: [DELETE] },
  DescribeProducers: { topic: [READ] },

  // Topics and the cluster
  Metadata: { topic: [DESCRIBE, CREATE], cluster: [CREATE, DESCRIBE] },
  DescribeTopicPartitions: { topic: [DESCRIBE] },
  CreateTopics: { topic: [CREATE, DESCRIBE_CONFIGS], cluster: [CREATE] },
  DeleteTopics: { topic: [DELETE, DESCRIBE], cluster: [DELETE] },
  CreatePartitions: { topic: [ALTER] },
  DescribeCluster: DESCRIBES_CLUSTER,
  DescribeLogDirs: DESCRIBES_CLUSTER,
  AlterReplicaLogDirs: ALTERS_CLUSTER,
  ElectLeaders: ALTERS_CLUSTER,
  AlterPartitionReassignments: ALTERS_CLUSTER,
  ListPartitionReassignments: DESCRIBES_CLUSTER,
  DescribeQuorum: DESCRIBES_CLUSTER,
  AddRaftVoter: ALTERS_CLUSTER,
  RemoveRaftVoter: ALTERS_CLUSTER,
  UpdateFeatures: ALTERS_CLUSTER,
  UnregisterBroker: ALTERS_CLUSTER,
  UnregisterController: ALTERS_CLUSTER,

  // Configuration
  DescribeConfigs: {
    topic: [DESCRIBE_CONFIGS],
    group: [DESCRIBE_CONFIGS],
    cluster: [DESCRIBE_CONFIGS],
  },
  AlterConfigs: { topic: [ALTER_CONFIGS], group: [ALTER_CONFIGS], cluster: [ALTER_CONFIGS] },
  IncrementalAlterConfigs: {
    topic: [ALTER_CONFIGS],
    group: [ALTER_CONFIGS],
    cluster: [ALTER_CONFIGS],
  },
  ListConfigResources: { cluster: [DESCRIBE_CONFIGS] },
  DescribeClientQuotas: { cluster: [DESCRIBE_CONFIGS] },
  AlterClientQuotas: { cluster: [ALTER_CONFIGS] },
  GetTelemetrySubscriptions: NOTHING,
  PushTelemetry: NOTHING,

  // Groups
  FindCoordinator: {
    group: [DESCRIBE],
    transactionalId: [DESCRIBE],
    cluster: [CLUSTER_ACTION],
  },
  OffsetCommit: { group: [READ], topic: [READ] },
  OffsetFetch: { group: [DESCRIBE], topic: [DESCRIBE] },
  OffsetDelete: { group: [DELETE], topic: [READ] },
  JoinGroup: READS_GROUP,
  SyncGroup: READS_GROUP,
  Heartbeat: READS_GROUP,
  LeaveGroup: READS_GROUP,
  ListGroups: { group: [DESCRIBE], cluster: [DESCRIBE] },
  DescribeGroups: { group: [DESCRIBE] },
  DeleteGroups: { group: [DELETE] },
  ConsumerGroupHeartbeat: { group: [READ], topic: [DESCRIBE] },
  ConsumerGroupDescribe: { group: [DESCRIBE], topic: [DESCRIBE] },
  ShareGroupHeartbeat: { group: [READ], topic: [DESCRIBE] },
  ShareGroupDescribe: { group: [DESCRIBE], topic: [DESCRIBE] },
  ShareFetch: { group: [READ], topic: [READ] },
  ShareAcknowledge: { group: [READ], topic: [READ] },
  DescribeShareGroupOffsets: { group: [DESCRIBE], topic: [DESCRIBE] },
  AlterShareGroupOffsets: { group: [READ], topic: [READ] },
  DeleteShareGroupOffsets: { group: [DELETE], topic: [READ] },
  StreamsGroupHeartbeat: { group: [READ], topic: [DESCRIBE, CREATE], cluster: [CREATE] },
  StreamsGroupDescribe: { group: [DESCRIBE], topic: [DESCRIBE] },
  StreamsGroupTopologyDescriptionUpdate: READS_GROUP,
  InitializeShareGroupState: INTERNAL,
  ReadShareGroupState: INTERNAL,
  WriteShareGroupState: INTERNAL,
  DeleteShareGroupState: INTERNAL,
  ReadShareGroupStateSummary: INTERNAL,

  // Transactions
  InitProducerId: {
    transactionalId: [WRITE, TWO_PHASE_COMMIT],
    cluster: [IDEMPOTENT_WRITE],
    topic: [WRITE],
  },
  AddPartitionsToTxn: { transactionalId: [WRITE], topic: [WRITE], cluster: [CLUSTER_ACTION] },
  AddOffsetsToTxn: { transactionalId: [WRITE], group: [READ] },
  EndTxn: { transactionalId: [WRITE] },
  TxnOffsetCommit: { transactionalId: [WRITE], group: [READ], topic: [READ] },
  WriteTxnMarkers: { cluster: [ALTER, CLUSTER_ACTION] },
  DescribeTransactions: { transactionalId: [DESCRIBE], topic: [DESCRIBE] },
  ListTransactions: { transactionalId: [DESCRIBE] },

  // Security
  SaslHandshake: NOTHING,
  SaslAuthenticate: NOTHING,
  ApiVersions: NOTHING,
  DescribeAcls: DESCRIBES_CLUSTER,
  CreateAcls: ALTERS_CLUSTER,
  DeleteAcls: ALTERS_CLUSTER,
  DescribeUserScramCredentials: DESCRIBES_CLUSTER,
  AlterUserScramCredentials: ALTERS_CLUSTER,
  CreateDelegationToken: { user: [CREATE_TOKENS] },
  // The token's owner and its renewers are authorized; there are no ACLs for it.
  RenewDelegationToken: NOTHING,
  ExpireDelegationToken: NOTHING,
  DescribeDelegationToken: { delegationToken: [DESCRIBE], user: [DESCRIBE_TOKENS] },

  // Between nodes
  AllocateProducerIds: INTERNAL,
  AlterPartition: INTERNAL,
  AssignReplicasToDirs: INTERNAL,
  BeginQuorumEpoch: INTERNAL,
  BrokerHeartbeat: INTERNAL,
  BrokerRegistration: INTERNAL,
  ControllerRegistration: INTERNAL,
  EndQuorumEpoch: INTERNAL,
  Envelope: INTERNAL,
  FetchSnapshot: INTERNAL,
  UpdateRaftVoter: INTERNAL,
  Vote: INTERNAL,
}
