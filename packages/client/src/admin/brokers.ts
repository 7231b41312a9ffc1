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

export interface ClusterDescription {
  readonly clusterId: string
  /** Node id; with KRaft any broker, which passes requests on to the real one. */
  readonly controllerId: number
  readonly nodes: readonly (Node & { readonly isFenced: boolean })[]
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

export interface FeatureRange {
  readonly minVersion: number
  readonly maxVersion: number
}

export interface FeatureMetadata {
  /** Levels in force in the whole cluster. */
  readonly finalized: ReadonlyMap<string, number>
  /** Epoch of the finalized levels, undefined when there are none. */
  readonly finalizedEpoch: bigint | undefined
  /** What the broker that answered could do. */
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

/** New levels by feature; 0 takes a feature away. Default `upgrade`: only upwards. */
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

export interface QuorumReplica {
  readonly replicaId: number
  readonly directoryId: string
  readonly logEndOffset: bigint
  /** Milliseconds since 1970, -1 when unknown. */
  readonly lastFetchTimestamp: number
  readonly lastCaughtUpTimestamp: number
}

export interface QuorumInfo {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: bigint
  readonly voters: readonly QuorumReplica[]
  readonly observers: readonly QuorumReplica[]
  /** Controllers' listeners by node id. */
  readonly nodes: ReadonlyMap<number, readonly RaftEndpoint[]>
}

export interface RaftEndpoint {
  readonly name: string
  readonly host: string
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

/** The id a broker knows this client by in its telemetry (KIP-714). */
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
