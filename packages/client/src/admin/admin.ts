// SPDX-License-Identifier: Apache-2.0
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

export interface AdminOptions extends ClientOptions {
  /** How long one call may take, all attempts included. Default 60,000. */
  readonly defaultApiTimeoutMs?: number
}

/** Which offset is asked for: an end of the log, the newest record, or the first one from a time on (milliseconds since 1970). */
export type OffsetSpec =
  | 'earliest'
  | 'latest'
  | 'maxTimestamp'
  | 'earliestLocal'
  | 'latestTiered'
  | 'earliestPendingUpload'
  | { readonly timestamp: number }

export const adminOptionNames = [...clientOptionNames, 'defaultApiTimeoutMs']

/** The rest of a function's parameters after the caller. */
type Rest<F> = F extends (caller: AdminCaller, ...rest: infer R) => unknown ? R : never

/**
 * Administers a cluster. Methods have Java's names. When several things are asked for and some fail, a `PartialFailureError` has
 * the results of the others; when one is asked for, its `code` is that one's. docs/reference/admin.md lists all methods.
 */
export class Admin implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #caller: AdminCaller
  readonly #requests = new Map<string, number>()

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

  createTopics(...args: Rest<typeof topics.createTopics>) {
    return this.#count('createTopics', topics.createTopics(this.#caller, ...args))
  }
  deleteTopics(...args: Rest<typeof topics.deleteTopics>) {
    return this.#count('deleteTopics', topics.deleteTopics(this.#caller, ...args))
  }
  listTopics(...args: Rest<typeof topics.listTopics>) {
    return this.#count('listTopics', topics.listTopics(this.#caller, ...args))
  }
  describeTopics(...args: Rest<typeof topics.describeTopics>) {
    return this.#count('describeTopics', topics.describeTopics(this.#caller, ...args))
  }
  createPartitions(...args: Rest<typeof topics.createPartitions>) {
    return this.#count('createPartitions', topics.createPartitions(this.#caller, ...args))
  }
  deleteRecords(...args: Rest<typeof topics.deleteRecords>) {
    return this.#count('deleteRecords', topics.deleteRecords(this.#caller, ...args))
  }

  /** Offsets in the order asked; -1n where no record matches. */
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
      ...(found[i] as FoundOffset),
    }))
  }

  // Configuration

  describeConfigs(...args: Rest<typeof configs.describeConfigs>) {
    return this.#count('describeConfigs', configs.describeConfigs(this.#caller, ...args))
  }
  incrementalAlterConfigs(...args: Rest<typeof configs.incrementalAlterConfigs>) {
    const work = configs.incrementalAlterConfigs(this.#caller, ...args)
    return this.#count('incrementalAlterConfigs', work)
  }
  listConfigResources(types?: readonly ConfigResourceType[]) {
    return this.#count('listConfigResources', configs.listConfigResources(this.#caller, types))
  }
  async listClientMetricsResources(): Promise<string[]> {
    return (await this.listConfigResources(['client-metrics'])).map(({ name }) => name)
  }

  // Groups

  listGroups(filter?: groups.GroupFilter) {
    return this.#count('listGroups', groups.listGroups(this.#caller, filter))
  }
  /** Groups of consumers, of the new protocol or the classic one. */
  async listConsumerGroups(filter: Pick<groups.GroupFilter, 'states'> = {}) {
    const all = await this.listGroups({ ...filter, types: ['classic', 'consumer'] })
    return all.filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
  }
  describeConsumerGroups(...args: Rest<typeof groups.describeConsumerGroups>) {
    return this.#count(
      'describeConsumerGroups',
      groups.describeConsumerGroups(this.#caller, ...args),
    )
  }
  describeClassicGroups(...args: Rest<typeof groups.describeClassicGroups>) {
    return this.#count('describeClassicGroups', groups.describeClassicGroups(this.#caller, ...args))
  }
  describeShareGroups(...args: Rest<typeof groups.describeShareGroups>) {
    return this.#count('describeShareGroups', groups.describeShareGroups(this.#caller, ...args))
  }
  describeStreamsGroups(...args: Rest<typeof groups.describeStreamsGroups>) {
    return this.#count('describeStreamsGroups', groups.describeStreamsGroups(this.#caller, ...args))
  }
  deleteConsumerGroups(groupIds: readonly string[]) {
    return this.#count('deleteConsumerGroups', groups.deleteGroups(this.#caller, groupIds))
  }
  deleteShareGroups(groupIds: readonly string[]) {
    return this.#count('deleteShareGroups', groups.deleteGroups(this.#caller, groupIds))
  }
  deleteStreamsGroups(groupIds: readonly string[]) {
    return this.#count('deleteStreamsGroups', groups.deleteGroups(this.#caller, groupIds))
  }
  removeMembersFromConsumerGroup(...args: Rest<typeof groups.removeMembersFromConsumerGroup>) {
    const work = groups.removeMembersFromConsumerGroup(this.#caller, ...args)
    return this.#count('removeMembersFromConsumerGroup', work)
  }
  listConsumerGroupOffsets(...args: Rest<typeof groups.listGroupOffsets>) {
    return this.#count('listConsumerGroupOffsets', groups.listGroupOffsets(this.#caller, ...args))
  }
  listStreamsGroupOffsets(...args: Rest<typeof groups.listGroupOffsets>) {
    return this.#count('listStreamsGroupOffsets', groups.listGroupOffsets(this.#caller, ...args))
  }
  listShareGroupOffsets(...args: Rest<typeof groups.listShareGroupOffsets>) {
    return this.#count('listShareGroupOffsets', groups.listShareGroupOffsets(this.#caller, ...args))
  }
  alterConsumerGroupOffsets(...args: Rest<typeof groups.alterGroupOffsets>) {
    return this.#count('alterConsumerGroupOffsets', groups.alterGroupOffsets(this.#caller, ...args))
  }
  alterStreamsGroupOffsets(...args: Rest<typeof groups.alterGroupOffsets>) {
    return this.#count('alterStreamsGroupOffsets', groups.alterGroupOffsets(this.#caller, ...args))
  }
  alterShareGroupOffsets(...args: Rest<typeof groups.alterShareGroupOffsets>) {
    return this.#count(
      'alterShareGroupOffsets',
      groups.alterShareGroupOffsets(this.#caller, ...args),
    )
  }
  deleteConsumerGroupOffsets(...args: Rest<typeof groups.deleteGroupOffsets>) {
    return this.#count(
      'deleteConsumerGroupOffsets',
      groups.deleteGroupOffsets(this.#caller, ...args),
    )
  }
  deleteStreamsGroupOffsets(...args: Rest<typeof groups.deleteGroupOffsets>) {
    return this.#count(
      'deleteStreamsGroupOffsets',
      groups.deleteGroupOffsets(this.#caller, ...args),
    )
  }
  deleteShareGroupOffsets(...args: Rest<typeof groups.deleteShareGroupOffsets>) {
    return this.#count(
      'deleteShareGroupOffsets',
      groups.deleteShareGroupOffsets(this.#caller, ...args),
    )
  }

  // The cluster

  describeCluster(...args: Rest<typeof brokers.describeCluster>) {
    return this.#count('describeCluster', brokers.describeCluster(this.#caller, ...args))
  }
  describeFeatures() {
    return this.#count('describeFeatures', brokers.describeFeatures(this.#caller))
  }
  updateFeatures(...args: Rest<typeof brokers.updateFeatures>) {
    return this.#count('updateFeatures', brokers.updateFeatures(this.#caller, ...args))
  }
  describeMetadataQuorum() {
    return this.#count('describeMetadataQuorum', brokers.describeMetadataQuorum(this.#caller))
  }
  addRaftVoter(...args: Rest<typeof brokers.addRaftVoter>) {
    return this.#count('addRaftVoter', brokers.addRaftVoter(this.#caller, ...args))
  }
  removeRaftVoter(...args: Rest<typeof brokers.removeRaftVoter>) {
    return this.#count('removeRaftVoter', brokers.removeRaftVoter(this.#caller, ...args))
  }
  unregisterBroker(brokerId: number) {
    return this.#count('unregisterBroker', brokers.unregisterBroker(this.#caller, brokerId))
  }
  unregisterController(controllerId: number) {
    return this.#count(
      'unregisterController',
      brokers.unregisterController(this.#caller, controllerId),
    )
  }
  clientInstanceId() {
    return this.#count('clientInstanceId', brokers.clientInstanceId(this.#caller))
  }
  /** How often each method was called. */
  metrics(): ReadonlyMap<string, number> {
    return new Map(this.#requests)
  }

  // Replicas

  electLeaders(...args: Rest<typeof replicas.electLeaders>) {
    return this.#count('electLeaders', replicas.electLeaders(this.#caller, ...args))
  }
  alterPartitionReassignments(...args: Rest<typeof replicas.alterPartitionReassignments>) {
    const work = replicas.alterPartitionReassignments(this.#caller, ...args)
    return this.#count('alterPartitionReassignments', work)
  }
  listPartitionReassignments(...args: Rest<typeof replicas.listPartitionReassignments>) {
    const work = replicas.listPartitionReassignments(this.#caller, ...args)
    return this.#count('listPartitionReassignments', work)
  }
  describeLogDirs(...args: Rest<typeof replicas.describeLogDirs>) {
    return this.#count('describeLogDirs', replicas.describeLogDirs(this.#caller, ...args))
  }
  describeReplicaLogDirs(...args: Rest<typeof replicas.describeReplicaLogDirs>) {
    return this.#count(
      'describeReplicaLogDirs',
      replicas.describeReplicaLogDirs(this.#caller, ...args),
    )
  }
  alterReplicaLogDirs(...args: Rest<typeof replicas.alterReplicaLogDirs>) {
    return this.#count('alterReplicaLogDirs', replicas.alterReplicaLogDirs(this.#caller, ...args))
  }

  // Producers and transactions

  describeProducers(...args: Rest<typeof transactions.describeProducers>) {
    return this.#count('describeProducers', transactions.describeProducers(this.#caller, ...args))
  }
  describeTransactions(...args: Rest<typeof transactions.describeTransactions>) {
    return this.#count(
      'describeTransactions',
      transactions.describeTransactions(this.#caller, ...args),
    )
  }
  listTransactions(...args: Rest<typeof transactions.listTransactions>) {
    return this.#count('listTransactions', transactions.listTransactions(this.#caller, ...args))
  }
  abortTransaction(...args: Rest<typeof transactions.abortTransaction>) {
    return this.#count('abortTransaction', transactions.abortTransaction(this.#caller, ...args))
  }
  fenceProducers(...args: Rest<typeof transactions.fenceProducers>) {
    return this.#count('fenceProducers', transactions.fenceProducers(this.#caller, ...args))
  }
  /** Ends the open transaction of an id, whatever state its producer is in (KIP-939). */
  async forceTerminateTransaction(transactionalId: string): Promise<void> {
    const work = transactions.fenceProducers(this.#caller, [transactionalId])
    await this.#count('forceTerminateTransaction', work)
  }

  // Security and quotas

  createAcls(...args: Rest<typeof security.createAcls>) {
    return this.#count('createAcls', security.createAcls(this.#caller, ...args))
  }
  describeAcls(...args: Rest<typeof security.describeAcls>) {
    return this.#count('describeAcls', security.describeAcls(this.#caller, ...args))
  }
  deleteAcls(...args: Rest<typeof security.deleteAcls>) {
    return this.#count('deleteAcls', security.deleteAcls(this.#caller, ...args))
  }
  describeUserScramCredentials(...args: Rest<typeof security.describeUserScramCredentials>) {
    const work = security.describeUserScramCredentials(this.#caller, ...args)
    return this.#count('describeUserScramCredentials', work)
  }
  alterUserScramCredentials(...args: Rest<typeof security.alterUserScramCredentials>) {
    const work = security.alterUserScramCredentials(this.#caller, ...args)
    return this.#count('alterUserScramCredentials', work)
  }
  describeClientQuotas(...args: Rest<typeof security.describeClientQuotas>) {
    return this.#count('describeClientQuotas', security.describeClientQuotas(this.#caller, ...args))
  }
  alterClientQuotas(...args: Rest<typeof security.alterClientQuotas>) {
    return this.#count('alterClientQuotas', security.alterClientQuotas(this.#caller, ...args))
  }
  createDelegationToken(...args: Rest<typeof security.createDelegationToken>) {
    return this.#count(
      'createDelegationToken',
      security.createDelegationToken(this.#caller, ...args),
    )
  }
  renewDelegationToken(...args: Rest<typeof security.renewDelegationToken>) {
    return this.#count('renewDelegationToken', security.renewDelegationToken(this.#caller, ...args))
  }
  expireDelegationToken(...args: Rest<typeof security.expireDelegationToken>) {
    return this.#count(
      'expireDelegationToken',
      security.expireDelegationToken(this.#caller, ...args),
    )
  }
  describeDelegationToken(...args: Rest<typeof security.describeDelegationToken>) {
    return this.#count(
      'describeDelegationToken',
      security.describeDelegationToken(this.#caller, ...args),
    )
  }

  /** Closes all connections; calls under way fail. Idempotent. */
  async close(): Promise<void> {
    this.#cluster.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
