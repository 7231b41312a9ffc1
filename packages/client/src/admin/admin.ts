// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { Cluster } from '../metadata/cluster.ts'
import { type FoundOffset, lookUpOffsets, SpecialTimestamp } from '../metadata/offset-lookup.ts'
import {
  type ClientOptions,
  clientOptionNames,
  numberOption,
  rejectUnknownOptions,
  resolveClientOptions,
} from '../options.ts'
import type { TopicPartition } from '../topic-partition.ts'
import * as brokers from './brokers.ts'
import { AdminCaller } from './caller.ts'
import * as configs from './configs.ts'
import * as groups from './groups.ts'
import type { ConfigResourceType } from './names.ts'
import * as replicas from './replicas.ts'
import * as security from './security.ts'
import * as topics from './topics.ts'
import * as transactions from './transactions.ts'

/** Options of an `Admin`: those of every client, and its own. */
export interface AdminOptions extends ClientOptions {
  /** How long one call may take, all attempts included. Default 60,000. */
  readonly defaultApiTimeoutMs?: number
}

/**
 * Offset to look up: an end of the log, the record with the largest timestamp, or the first record
 * at or after a time (milliseconds since 1970).
 */
export type OffsetSpec =
  | 'earliest'
  | 'latest'
  | 'maxTimestamp'
  | 'earliestLocal'
  | 'latestTiered'
  | 'earliestPendingUpload'
  /** Offset of the first record at or after this time, milliseconds since 1970. */
  | { readonly timestamp: number }

export const adminOptionNames = [...clientOptionNames, 'defaultApiTimeoutMs']

/** The parameters of a function after the caller. */
type Rest<F> = F extends (caller: AdminCaller, ...rest: infer R) => unknown ? R : never

/**
 * Administers a cluster. Methods have Java's names. If some of several items fail, a
 * `PartialFailureError` has the results of the others; if a single item was requested, its `code`
 * is the code of that item. docs/reference/admin.md lists all methods.
 */
export class Admin implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #caller: AdminCaller
  readonly #requests = new Map<string, number>()

  /** Creates an admin client; it connects on first use. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: AdminOptions) {
    rejectUnknownOptions(options, adminOptionNames)
    const timeoutMs = numberOption('defaultApiTimeoutMs', options.defaultApiTimeoutMs, {
      fallback: 60_000,
      min: 1,
    })
    this.#cluster = new Cluster(resolveClientOptions(options))
    this.#caller = new AdminCaller(this.#cluster, timeoutMs)
  }

  #count<T>(name: string, work: Promise<T>): Promise<T> {
    this.#requests.set(name, (this.#requests.get(name) ?? 0) + 1)
    return work
  }

  // Topics and records

  /**
   * Creates topics; returns the created ones. Rejects with a `PartialFailureError` if some already
   * exist (`TOPIC_ALREADY_EXISTS`) or are invalid.
   */
  createTopics(...args: Rest<typeof topics.createTopics>) {
    return this.#count('createTopics', topics.createTopics(this.#caller, ...args))
  }
  /** Deletes topics by name or id. */
  deleteTopics(...args: Rest<typeof topics.deleteTopics>) {
    return this.#count('deleteTopics', topics.deleteTopics(this.#caller, ...args))
  }
  /** Lists the topics that the client is authorized to see. */
  listTopics(...args: Rest<typeof topics.listTopics>) {
    return this.#count('listTopics', topics.listTopics(this.#caller, ...args))
  }
  /** Describes topics with their partitions, leaders and replicas. */
  describeTopics(...args: Rest<typeof topics.describeTopics>) {
    return this.#count('describeTopics', topics.describeTopics(this.#caller, ...args))
  }
  /** Raises the number of partitions of topics. */
  createPartitions(...args: Rest<typeof topics.createPartitions>) {
    return this.#count('createPartitions', topics.createPartitions(this.#caller, ...args))
  }
  /** Deletes the records before an offset, by partition; returns the new first offsets. */
  deleteRecords(...args: Rest<typeof topics.deleteRecords>) {
    return this.#count('deleteRecords', topics.deleteRecords(this.#caller, ...args))
  }

  /** Returns offsets in the order of the request; -1n where no record matches. */
  async listOffsets(
    wanted: readonly (TopicPartition & { readonly spec: OffsetSpec })[],
    options: { readonly isolationLevel?: 'read_uncommitted' | 'read_committed' } = {},
  ): Promise<(TopicPartition & FoundOffset)[]> {
    const found = await this.#count(
      'listOffsets',
      lookUpOffsets(
        this.#cluster,
        wanted.map(({ topic, partition, spec }) => ({
          topic,
          partition,
          timestamp: typeof spec === 'object' ? BigInt(spec.timestamp) : SpecialTimestamp[spec],
        })),
        {
          isReadCommitted: options.isolationLevel === 'read_committed',
          timeoutMs: this.#caller.timeoutMs,
        },
      ),
    )
    return wanted.map(({ topic, partition }, i) => ({
      topic,
      partition,
      ...elementAt(found, i),
    }))
  }

  // Configuration

  /** Describes the configuration of topics, brokers, groups and client metrics. */
  describeConfigs(...args: Rest<typeof configs.describeConfigs>) {
    return this.#count('describeConfigs', configs.describeConfigs(this.#caller, ...args))
  }
  /** Sets, deletes, appends to or subtracts from single keys (KIP-339). */
  incrementalAlterConfigs(...args: Rest<typeof configs.incrementalAlterConfigs>) {
    const work = configs.incrementalAlterConfigs(this.#caller, ...args)
    return this.#count('incrementalAlterConfigs', work)
  }
  /** Lists resources that have a configuration, of all or of the given types (KIP-1142). */
  listConfigResources(types?: readonly ConfigResourceType[]) {
    return this.#count('listConfigResources', configs.listConfigResources(this.#caller, types))
  }
  /** Names of the client metrics subscriptions (KIP-714). */
  async listClientMetricsResources(): Promise<string[]> {
    return (await this.listConfigResources(['client-metrics'])).map(({ name }) => name)
  }

  // Groups

  /** Lists groups of all types, or those that match a filter. */
  listGroups(filter?: groups.GroupFilter) {
    return this.#count('listGroups', groups.listGroups(this.#caller, filter))
  }
  /** Lists consumer groups, of the classic protocol or KIP-848. */
  async listConsumerGroups(filter: Pick<groups.GroupFilter, 'states'> = {}) {
    const all = await this.listGroups({ ...filter, types: ['classic', 'consumer'] })
    return all.filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
  }
  /** Describes consumer groups, of the classic protocol or KIP-848, with their members. */
  describeConsumerGroups(...args: Rest<typeof groups.describeConsumerGroups>) {
    return this.#count(
      'describeConsumerGroups',
      groups.describeConsumerGroups(this.#caller, ...args),
    )
  }
  /** Describes groups of the classic protocol, also those of Connect and others. */
  describeClassicGroups(...args: Rest<typeof groups.describeClassicGroups>) {
    return this.#count('describeClassicGroups', groups.describeClassicGroups(this.#caller, ...args))
  }
  /** Describes share groups (KIP-932). */
  describeShareGroups(...args: Rest<typeof groups.describeShareGroups>) {
    return this.#count('describeShareGroups', groups.describeShareGroups(this.#caller, ...args))
  }
  /** Describes streams groups (KIP-1071). */
  describeStreamsGroups(...args: Rest<typeof groups.describeStreamsGroups>) {
    return this.#count('describeStreamsGroups', groups.describeStreamsGroups(this.#caller, ...args))
  }
  /**
   * Offset to look up: an end of the log, the record with the largest timestamp, or the first
   * record at or after a time.
   */
  deleteConsumerGroups(groupIds: readonly string[]) {
    return this.#count('deleteConsumerGroups', groups.deleteGroups(this.#caller, groupIds))
  }
  /** Deletes share groups. Fails with `NON_EMPTY_GROUP` while they have members. */
  deleteShareGroups(groupIds: readonly string[]) {
    return this.#count('deleteShareGroups', groups.deleteGroups(this.#caller, groupIds))
  }
  /** Deletes streams groups. Fails with `NON_EMPTY_GROUP` while they have members. */
  deleteStreamsGroups(groupIds: readonly string[]) {
    return this.#count('deleteStreamsGroups', groups.deleteGroups(this.#caller, groupIds))
  }
  /** Removes members, or all, from a classic group. */
  removeMembersFromConsumerGroup(...args: Rest<typeof groups.removeMembersFromConsumerGroup>) {
    const work = groups.removeMembersFromConsumerGroup(this.#caller, ...args)
    return this.#count('removeMembersFromConsumerGroup', work)
  }
  /** Committed offsets of consumer groups, of all or of the given partitions. */
  listConsumerGroupOffsets(...args: Rest<typeof groups.listGroupOffsets>) {
    return this.#count('listConsumerGroupOffsets', groups.listGroupOffsets(this.#caller, ...args))
  }
  /** Committed offsets of streams groups, of all or of the given partitions. */
  listStreamsGroupOffsets(...args: Rest<typeof groups.listGroupOffsets>) {
    return this.#count('listStreamsGroupOffsets', groups.listGroupOffsets(this.#caller, ...args))
  }
  /** Start offsets and lag of share groups, of all or of the given partitions. */
  listShareGroupOffsets(...args: Rest<typeof groups.listShareGroupOffsets>) {
    return this.#count('listShareGroupOffsets', groups.listShareGroupOffsets(this.#caller, ...args))
  }
  /** Sets the committed offsets of a group without active members. */
  alterConsumerGroupOffsets(...args: Rest<typeof groups.alterGroupOffsets>) {
    return this.#count('alterConsumerGroupOffsets', groups.alterGroupOffsets(this.#caller, ...args))
  }
  /** Sets the committed offsets of a streams group without active members. */
  alterStreamsGroupOffsets(...args: Rest<typeof groups.alterGroupOffsets>) {
    return this.#count('alterStreamsGroupOffsets', groups.alterGroupOffsets(this.#caller, ...args))
  }
  /** Sets the start offsets of a share group without members. */
  alterShareGroupOffsets(...args: Rest<typeof groups.alterShareGroupOffsets>) {
    return this.#count(
      'alterShareGroupOffsets',
      groups.alterShareGroupOffsets(this.#caller, ...args),
    )
  }
  /** Deletes committed offsets of partitions that the group does not subscribe to. */
  deleteConsumerGroupOffsets(...args: Rest<typeof groups.deleteGroupOffsets>) {
    return this.#count(
      'deleteConsumerGroupOffsets',
      groups.deleteGroupOffsets(this.#caller, ...args),
    )
  }
  /** Deletes committed offsets of a streams group. */
  deleteStreamsGroupOffsets(...args: Rest<typeof groups.deleteGroupOffsets>) {
    return this.#count(
      'deleteStreamsGroupOffsets',
      groups.deleteGroupOffsets(this.#caller, ...args),
    )
  }
  /** Deletes the state of topics from a share group without members. */
  deleteShareGroupOffsets(...args: Rest<typeof groups.deleteShareGroupOffsets>) {
    return this.#count(
      'deleteShareGroupOffsets',
      groups.deleteShareGroupOffsets(this.#caller, ...args),
    )
  }

  // The parameters of a function after the caller.

  /** Describes the brokers of the cluster and its controller. */
  describeCluster(...args: Rest<typeof brokers.describeCluster>) {
    return this.#count('describeCluster', brokers.describeCluster(this.#caller, ...args))
  }
  /** Features that the cluster uses and that the broker supports (KIP-584). */
  describeFeatures() {
    return this.#count('describeFeatures', brokers.describeFeatures(this.#caller))
  }
  /** Raises or lowers the levels of features (KIP-584). */
  updateFeatures(...args: Rest<typeof brokers.updateFeatures>) {
    return this.#count('updateFeatures', brokers.updateFeatures(this.#caller, ...args))
  }
  /** Describes the voters and observers of the metadata log (KIP-836). */
  describeMetadataQuorum() {
    return this.#count('describeMetadataQuorum', brokers.describeMetadataQuorum(this.#caller))
  }
  /** Adds a voter to the metadata quorum (KIP-853). */
  addRaftVoter(...args: Rest<typeof brokers.addRaftVoter>) {
    return this.#count('addRaftVoter', brokers.addRaftVoter(this.#caller, ...args))
  }
  /** Removes a voter from the metadata quorum (KIP-853). */
  removeRaftVoter(...args: Rest<typeof brokers.removeRaftVoter>) {
    return this.#count('removeRaftVoter', brokers.removeRaftVoter(this.#caller, ...args))
  }
  /** Removes the registration of a broker that no longer exists. */
  unregisterBroker(brokerId: number) {
    return this.#count('unregisterBroker', brokers.unregisterBroker(this.#caller, brokerId))
  }
  /** Removes the registration of a controller that no longer exists. */
  unregisterController(controllerId: number) {
    return this.#count(
      'unregisterController',
      brokers.unregisterController(this.#caller, controllerId),
    )
  }
  /** Id of this client for telemetry (KIP-714). */
  clientInstanceId() {
    return this.#count('clientInstanceId', brokers.clientInstanceId(this.#caller))
  }
  /** Number of calls of each method. */
  metrics(): ReadonlyMap<string, number> {
    return new Map(this.#requests)
  }

  // Replicas

  /** Elects preferred or unclean leaders of partitions. */
  electLeaders(...args: Rest<typeof replicas.electLeaders>) {
    return this.#count('electLeaders', replicas.electLeaders(this.#caller, ...args))
  }
  /** Starts reassignments, and cancels those whose replicas are null (KIP-455). */
  alterPartitionReassignments(...args: Rest<typeof replicas.alterPartitionReassignments>) {
    const work = replicas.alterPartitionReassignments(this.#caller, ...args)
    return this.#count('alterPartitionReassignments', work)
  }
  /** Reassignments in progress, of all or of the given partitions. */
  listPartitionReassignments(...args: Rest<typeof replicas.listPartitionReassignments>) {
    const work = replicas.listPartitionReassignments(this.#caller, ...args)
    return this.#count('listPartitionReassignments', work)
  }
  /** Describes the log directories of brokers, with their logs and free space. */
  describeLogDirs(...args: Rest<typeof replicas.describeLogDirs>) {
    return this.#count('describeLogDirs', replicas.describeLogDirs(this.#caller, ...args))
  }
  /** Current log directories of replicas, and those they are being moved to. */
  describeReplicaLogDirs(...args: Rest<typeof replicas.describeReplicaLogDirs>) {
    return this.#count(
      'describeReplicaLogDirs',
      replicas.describeReplicaLogDirs(this.#caller, ...args),
    )
  }
  /** Moves replicas into other log directories of their broker (KIP-113). */
  alterReplicaLogDirs(...args: Rest<typeof replicas.alterReplicaLogDirs>) {
    return this.#count('alterReplicaLogDirs', replicas.alterReplicaLogDirs(this.#caller, ...args))
  }

  // Producers and transactions

  /** Producers whose state partitions keep (KIP-664). */
  describeProducers(...args: Rest<typeof transactions.describeProducers>) {
    return this.#count('describeProducers', transactions.describeProducers(this.#caller, ...args))
  }
  /** Describes transactions by transactional id (KIP-664). */
  describeTransactions(...args: Rest<typeof transactions.describeTransactions>) {
    return this.#count(
      'describeTransactions',
      transactions.describeTransactions(this.#caller, ...args),
    )
  }
  /** Lists transactions, of all or of those that match a filter (KIP-664). */
  listTransactions(...args: Rest<typeof transactions.listTransactions>) {
    return this.#count('listTransactions', transactions.listTransactions(this.#caller, ...args))
  }
  /** Aborts a transaction that hangs in a partition (KIP-664). */
  abortTransaction(...args: Rest<typeof transactions.abortTransaction>) {
    return this.#count('abortTransaction', transactions.abortTransaction(this.#caller, ...args))
  }
  /** Fences the producers of transactional ids and aborts their transactions. */
  fenceProducers(...args: Rest<typeof transactions.fenceProducers>) {
    return this.#count('fenceProducers', transactions.fenceProducers(this.#caller, ...args))
  }
  /** Aborts the open transaction of an id, whatever state its producer is in (KIP-939). */
  async forceTerminateTransaction(transactionalId: string): Promise<void> {
    const work = transactions.fenceProducers(this.#caller, [transactionalId])
    await this.#count('forceTerminateTransaction', work)
  }

  // Security and quotas

  /** Creates ACLs. Fails with `SECURITY_DISABLED` on a cluster without an authorizer. */
  createAcls(...args: Rest<typeof security.createAcls>) {
    return this.#count('createAcls', security.createAcls(this.#caller, ...args))
  }
  /** ACLs that match a filter. */
  describeAcls(...args: Rest<typeof security.describeAcls>) {
    return this.#count('describeAcls', security.describeAcls(this.#caller, ...args))
  }
  /** Deletes the ACLs that match filters; returns them. */
  deleteAcls(...args: Rest<typeof security.deleteAcls>) {
    return this.#count('deleteAcls', security.deleteAcls(this.#caller, ...args))
  }
  /** SCRAM mechanisms of users, without secrets (KIP-554). */
  describeUserScramCredentials(...args: Rest<typeof security.describeUserScramCredentials>) {
    const work = security.describeUserScramCredentials(this.#caller, ...args)
    return this.#count('describeUserScramCredentials', work)
  }
  /**
   * Creates, replaces and deletes SCRAM credentials (KIP-554). Passwords are salted here and not
   * sent.
   */
  alterUserScramCredentials(...args: Rest<typeof security.alterUserScramCredentials>) {
    const work = security.alterUserScramCredentials(this.#caller, ...args)
    return this.#count('alterUserScramCredentials', work)
  }
  /** Quotas that match a filter (KIP-546). */
  describeClientQuotas(...args: Rest<typeof security.describeClientQuotas>) {
    return this.#count('describeClientQuotas', security.describeClientQuotas(this.#caller, ...args))
  }
  /** Sets and removes quotas (KIP-546). */
  alterClientQuotas(...args: Rest<typeof security.alterClientQuotas>) {
    return this.#count('alterClientQuotas', security.alterClientQuotas(this.#caller, ...args))
  }
  /** Creates a delegation token (KIP-48). */
  createDelegationToken(...args: Rest<typeof security.createDelegationToken>) {
    return this.#count(
      'createDelegationToken',
      security.createDelegationToken(this.#caller, ...args),
    )
  }
  /** Renews a delegation token; returns when it expires. */
  renewDelegationToken(...args: Rest<typeof security.renewDelegationToken>) {
    return this.#count('renewDelegationToken', security.renewDelegationToken(this.#caller, ...args))
  }
  /** Changes when a delegation token expires; returns the new time. */
  expireDelegationToken(...args: Rest<typeof security.expireDelegationToken>) {
    return this.#count(
      'expireDelegationToken',
      security.expireDelegationToken(this.#caller, ...args),
    )
  }
  /** Delegation tokens of all or of the given owners. */
  describeDelegationToken(...args: Rest<typeof security.describeDelegationToken>) {
    return this.#count(
      'describeDelegationToken',
      security.describeDelegationToken(this.#caller, ...args),
    )
  }

  /** Closes all connections; calls in progress fail. Idempotent. */
  async close(): Promise<void> {
    this.#cluster.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
