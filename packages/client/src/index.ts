// SPDX-License-Identifier: Apache-2.0
export { MillraceError } from '@millrace/base'
export { AclAuthorizer, type AclRequest } from './admin/acl-authorizer.ts'
export { Admin, type AdminOptions, type OffsetSpec } from './admin/admin.ts'
export type {
  ClusterDescription,
  FeatureMetadata,
  FeatureRange,
  QuorumInfo,
  QuorumReplica,
  RaftEndpoint,
} from './admin/brokers.ts'
export { PartialFailureError } from './admin/caller.ts'
export type { ConfigChange, ConfigEntry, ConfigResource } from './admin/configs.ts'
export type {
  GroupDescription,
  GroupFilter,
  GroupListing,
  GroupType,
  MemberDescription,
  ShareGroupOffset,
  StreamsGroupDescription,
} from './admin/groups.ts'
export type {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  AlterConfigOperation,
  ConfigResourceType,
  ConfigSource,
  ConfigType,
  ElectionType,
  ScramMechanism,
  UpgradeType,
} from './admin/names.ts'
export type {
  LogDirDescription,
  PartitionReassignment,
  ReplicaInfo,
  ReplicaLogDir,
  TopicPartitionReplica,
} from './admin/replicas.ts'
export type {
  AclBinding,
  AclFilter,
  ClientQuotas,
  DelegationToken,
  QuotaEntity,
  QuotaMatch,
  ScramAlteration,
  ScramCredentialInfo,
} from './admin/security.ts'
export type {
  CreatedTopic,
  NewTopic,
  PartitionDescription,
  TopicDescription,
  TopicListing,
} from './admin/topics.ts'
export type {
  FencedProducer,
  ProducerState,
  TransactionDescription,
  TransactionListing,
} from './admin/transactions.ts'
export { Consumer, type TimestampedOffset } from './consumer/consumer.ts'
export type {
  AssignorName,
  AutoOffsetReset,
  ConsumerOptions,
  RecordOf,
} from './consumer/consumer-options.ts'
export {
  ConsumerRecord,
  type Deserializers,
  type Header,
  type TimestampType,
} from './consumer/consumer-record.ts'
export type {
  AssignmentInput,
  Assignor,
  GroupAssignment,
  GroupMember,
} from './consumer/group/assignor.ts'
export type { CommittedOffset, OffsetAndMetadata } from './consumer/offset-messages.ts'
export { PartitionStream } from './consumer/partition-stream.ts'
export type { RebalanceListener } from './consumer/rebalance-listener.ts'
export type { BatchContext, Ordering, RunOptions } from './consumer/runner.ts'
export { channels } from './diagnostics.ts'
export {
  type GroupAssignmentRequest,
  type GroupGeneration,
  GroupMembership,
  type GroupMembershipOptions,
  type GroupProtocol,
  type JoinedMember,
} from './group-membership/group-membership.ts'
export {
  type ClientKinds,
  fromJavaProperties,
  type JavaPropertiesSettings,
} from './java-properties.ts'
export type { Node, PartitionMetadata, TopicMetadata } from './metadata/metadata.ts'
export { SpecialTimestamp } from './metadata/offset-lookup.ts'
export { DisconnectedError } from './network/broker-connection.ts'
export { type ClientCredentialsOptions, clientCredentials } from './network/oauth-client.ts'
export type { OAuthToken, SaslOptions } from './network/sasl.ts'
export type { TlsOptions } from './network/tls.ts'
export { AbortedError } from './network/waiting.ts'
export { type ClientOptions, InvalidOptionError } from './options.ts'
export { murmur2 } from './producer/murmur2.ts'
export {
  type Partitioner,
  type PartitionerInput,
  type PartitionerName,
  partitionForKey,
} from './producer/partitioner.ts'
export {
  Producer,
  type SendOptions,
  type TopicRecord,
  type Transaction,
} from './producer/producer.ts'
export type { ProducerOptions } from './producer/producer-options.ts'
export type { HeadersInput, ProducerRecord, RecordMetadata } from './producer/producer-record.ts'
export type { ConsumerGroupMetadata } from './producer/transaction-manager.ts'
export { unsecuredToken } from './security-properties.ts'
export { MutableHeaders } from './serde/mutable-headers.ts'
export {
  boolean,
  bytes,
  type Deserializer,
  float32,
  float64,
  int16,
  int32,
  int64,
  json,
  type Serde,
  type SerdeContext,
  SerdeError,
  type SerdeHeaders,
  type Serializer,
  type SerializerContext,
  type SerializerHeaders,
  string,
  uuid,
} from './serde/serde.ts'
export { type SchemaOutput, type StandardSchema, schema } from './serde/standard-schema.ts'
export { type Topic, topic } from './serde/topic.ts'
export type { AcknowledgeType } from './share-consumer/acknowledgements.ts'
export { type AcknowledgedPartition, ShareConsumer } from './share-consumer/share-consumer.ts'
export type {
  AcknowledgementMode,
  ShareConsumerOptions,
} from './share-consumer/share-consumer-options.ts'
export type { FailedRecord, ShareRunOptions } from './share-consumer/share-runner.ts'
export type { TopicPartition } from './topic-partition.ts'
