// SPDX-License-Identifier: Apache-2.0
import {
  AddRaftVoterRequest,
  AddRaftVoterResponse,
  DescribeClusterRequest,
  DescribeClusterResponse,
  DescribeQuorumRequest,
  DescribeQuorumResponse,
  ErrorCode,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
  UnregisterControllerRequest,
  UnregisterControllerResponse,
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
  ZERO_UUID,
} from '@millrace/protocol'
import type { Node } from '../metadata/metadata.ts'
import { type AdminCaller, anyBroker, throwIfError } from './caller.ts'
import { type AclOperation, codeOf, operationsOf, UpgradeType } from './names.ts'

/** A cluster and its brokers. */
export interface ClusterDescription {
  /** Id of the cluster. */
  readonly clusterId: string
  /** Id of the controller; with KRaft any broker, which forwards requests to the controller. */
  readonly controllerId: number
  /** Brokers; fenced ones only if requested. */
  readonly nodes: readonly (Node & { readonly isFenced: boolean })[]
  /** Operations that the client is authorized for on the cluster; undefined if not requested. */
  readonly authorizedOperations: readonly AclOperation[] | undefined
}

export async function describeCluster(
  caller: AdminCaller,
  options: {
    readonly includeAuthorizedOperations?: boolean
    readonly includeFencedBrokers?: boolean
  } = {},
): Promise<ClusterDescription> {
  const response = await caller.call(
    anyBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
    {
      includeClusterAuthorizedOperations: options.includeAuthorizedOperations ?? false,
      ...(options.includeFencedBrokers === true ? { includeFencedBrokers: true } : {}),
    },
    (reply) => throwIfError(reply, 'DescribeCluster'),
  )
  return {
    clusterId: response.clusterId,
    controllerId: response.controllerId,
    nodes: response.brokers.map(({ brokerId, host, port, rack, isFenced }) => ({
      id: brokerId,
      host,
      port,
      rack,
      isFenced,
    })),
    authorizedOperations: operationsOf(response.clusterAuthorizedOperations),
  }
}

/** Range of levels of a feature. */
export interface FeatureRange {
  /** Lowest level. */
  readonly minVersion: number
  /** Highest level. */
  readonly maxVersion: number
}

/** Features of a cluster. */
export interface FeatureMetadata {
  /** Finalized levels of the whole cluster. */
  readonly finalized: ReadonlyMap<string, number>
  /** Epoch of the finalized levels; undefined if there are none. */
  readonly finalizedEpoch: bigint | undefined
  /** Levels that the broker supports. */
  readonly supported: ReadonlyMap<string, FeatureRange>
}

export async function describeFeatures(caller: AdminCaller): Promise<FeatureMetadata> {
  const connection = await caller.retry(anyBroker, () => caller.connect(anyBroker))
  const { features } = connection
  return {
    finalized: new Map(
      features?.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    ),
    finalizedEpoch:
      features === undefined || features.finalizedFeaturesEpoch < 0n
        ? undefined
        : features.finalizedFeaturesEpoch,
    supported: new Map(
      features?.supportedFeatures.map(({ name, minVersion, maxVersion }) => [
        name,
        { minVersion, maxVersion },
      ]),
    ),
  }
}

/** New levels by feature; 0 deletes the feature. Default `upgrade`: levels only rise. */
export async function updateFeatures(
  caller: AdminCaller,
  updates: Readonly<Record<string, { readonly level: number; readonly type?: UpgradeType }>>,
  { validateOnly = false }: { readonly validateOnly?: boolean } = {},
): Promise<void> {
  await caller.call(
    anyBroker,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
    {
      timeoutMs: caller.timeoutMs,
      featureUpdates: Object.entries(updates).map(([feature, { level, type = 'upgrade' }]) => ({
        feature,
        maxVersionLevel: level,
        upgradeType: codeOf('type', UpgradeType, type),
      })),
      ...(validateOnly ? { validateOnly } : {}),
    },
    (reply) => {
      throwIfError(reply, 'UpdateFeatures')
      for (const result of reply.results) throwIfError(result, `feature ${result.feature}`)
    },
  )
}

/** A voter or observer of the metadata log. */
export interface QuorumReplica {
  /** Id of the node. */
  readonly replicaId: number
  /** Id of its metadata log directory. */
  readonly directoryId: string
  /** Offset after its last record; -1 if unknown. */
  readonly logEndOffset: bigint
  /** When it last fetched, milliseconds since 1970; -1 if unknown. */
  readonly lastFetchTimestamp: number
  /** When it was last caught up, milliseconds since 1970; -1 if unknown. */
  readonly lastCaughtUpTimestamp: number
}

/** The metadata quorum. */
export interface QuorumInfo {
  /** Id of the active controller. */
  readonly leaderId: number
  /** Epoch of the leader. */
  readonly leaderEpoch: number
  /** Offset up to which the metadata log is committed. */
  readonly highWatermark: bigint
  /** Controllers that vote. */
  readonly voters: readonly QuorumReplica[]
  /** Nodes that follow the metadata log without a vote. */
  readonly observers: readonly QuorumReplica[]
  /** Listeners of controllers, by node id. */
  readonly nodes: ReadonlyMap<number, readonly RaftEndpoint[]>
}

/** Address of a controller. */
export interface RaftEndpoint {
  /** Name of the listener. */
  readonly name: string
  /** Host name or IP address. */
  readonly host: string
  /** Port. */
  readonly port: number
}

export async function describeMetadataQuorum(caller: AdminCaller): Promise<QuorumInfo> {
  const response = await caller.call(
    anyBroker,
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] },
    (reply) => {
      throwIfError(reply, 'DescribeQuorum')
      const partition = reply.topics[0]?.partitions[0]
      throwIfError(partition ?? { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }, 'DescribeQuorum')
    },
  )
  const partition = response.topics[0]?.partitions[0] as NonNullable<
    (typeof response.topics)[number]['partitions'][number]
  >
  const replica = (each: (typeof partition)['currentVoters'][number]): QuorumReplica => ({
    replicaId: each.replicaId,
    directoryId: each.replicaDirectoryId,
    logEndOffset: each.logEndOffset,
    lastFetchTimestamp: Number(each.lastFetchTimestamp),
    lastCaughtUpTimestamp: Number(each.lastCaughtUpTimestamp),
  })
  return {
    leaderId: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    highWatermark: partition.highWatermark,
    voters: partition.currentVoters.map(replica),
    observers: partition.observers.map(replica),
    nodes: new Map(response.nodes.map(({ nodeId, listeners }) => [nodeId, listeners])),
  }
}

export async function addRaftVoter(
  caller: AdminCaller,
  voter: {
    readonly voterId: number
    readonly directoryId: string
    readonly endpoints: readonly RaftEndpoint[]
    readonly clusterId?: string
  },
): Promise<void> {
  await caller.call(
    anyBroker,
    AddRaftVoterRequest,
    AddRaftVoterResponse,
    {
      clusterId: voter.clusterId ?? null,
      timeoutMs: caller.timeoutMs,
      voterId: voter.voterId,
      voterDirectoryId: voter.directoryId,
      listeners: voter.endpoints,
    },
    (reply) => throwIfError(reply, `voter ${voter.voterId}`),
  )
}

export async function removeRaftVoter(
  caller: AdminCaller,
  voter: { readonly voterId: number; readonly directoryId: string; readonly clusterId?: string },
): Promise<void> {
  await caller.call(
    anyBroker,
    RemoveRaftVoterRequest,
    RemoveRaftVoterResponse,
    {
      clusterId: voter.clusterId ?? null,
      voterId: voter.voterId,
      voterDirectoryId: voter.directoryId,
    },
    (reply) => throwIfError(reply, `voter ${voter.voterId}`),
  )
}

export async function unregisterBroker(caller: AdminCaller, brokerId: number): Promise<void> {
  await caller.call(
    anyBroker,
    UnregisterBrokerRequest,
    UnregisterBrokerResponse,
    { brokerId },
    (reply) => throwIfError(reply, `broker ${brokerId}`),
  )
}

export async function unregisterController(
  caller: AdminCaller,
  controllerId: number,
): Promise<void> {
  await caller.call(
    anyBroker,
    UnregisterControllerRequest,
    UnregisterControllerResponse,
    { controllerId },
    (reply) => throwIfError(reply, `controller ${controllerId}`),
  )
}

/** Id under which a broker knows this client in telemetry (KIP-714). */
export async function clientInstanceId(caller: AdminCaller): Promise<string> {
  const response = await caller.call(
    anyBroker,
    GetTelemetrySubscriptionsRequest,
    GetTelemetrySubscriptionsResponse,
    { clientInstanceId: ZERO_UUID },
    (reply) => throwIfError(reply, 'GetTelemetrySubscriptions'),
  )
  return response.clientInstanceId
}
