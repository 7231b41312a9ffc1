// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, type MetadataResponse, ZERO_UUID } from '@millrace/protocol'

/** A broker. */
export interface Node {
  /** Id. */
  readonly id: number
  /** Host name or IP address. */
  readonly host: string
  /** Port. */
  readonly port: number
  /** Rack, or null. */
  readonly rack: string | null
}

/** A partition with its leader and replicas. */
export interface PartitionMetadata {
  /** Index of the partition. */
  readonly partition: number
  /** Node id of the leader; -1 if there is none. */
  readonly leader: number
  /** Leader epoch; -1 if the broker does not send it. */
  readonly leaderEpoch: number
  /** Ids of the brokers with a replica, the preferred leader first. */
  readonly replicas: readonly number[]
  /** Ids of the replicas in sync. */
  readonly isr: readonly number[]
  /** Ids of the replicas that are not online. */
  readonly offlineReplicas: readonly number[]
}

/** A topic with its partitions. */
export interface TopicMetadata {
  /** Name. */
  readonly name: string
  /** Topic id, 22 characters of base64; all `A` if the broker does not send it. */
  readonly id: string
  /** Whether the topic is internal. */
  readonly isInternal: boolean
  /** Partitions by index. */
  readonly partitions: readonly PartitionMetadata[]
}

/** A snapshot of the cluster's metadata, replaced with each refresh. */
export interface ClusterMetadata {
  readonly clusterId: string | null
  readonly controllerId: number
  readonly nodes: ReadonlyMap<number, Node>
  readonly topics: ReadonlyMap<string, TopicMetadata>
  /** Error codes of requested topics without metadata. */
  readonly topicErrors: ReadonlyMap<string, number>
}

export const noMetadata: ClusterMetadata = {
  clusterId: null,
  controllerId: -1,
  nodes: new Map(),
  topics: new Map(),
  topicErrors: new Map(),
}

/**
 * Merges a response. A partition's leader is replaced only by one of the same or a newer epoch, so
 * a broker that lags behind cannot revert it (KIP-320); a topic with another id is another topic.
 */
export function mergeMetadata(known: ClusterMetadata, response: MetadataResponse): ClusterMetadata {
  const topics = new Map(known.topics)
  const topicErrors = new Map(known.topicErrors)
  for (const topic of response.topics) {
    const name = topic.name ?? ''
    if (topic.errorCode !== ErrorCode.NONE) {
      topicErrors.set(name, topic.errorCode)
      if (topic.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) topics.delete(name)
      continue
    }
    topicErrors.delete(name)
    const before = topics.get(name)
    const isSame =
      before !== undefined && (before.id === topic.topicId || topic.topicId === ZERO_UUID)
    const partitions: PartitionMetadata[] = []
    for (const each of topic.partitions) {
      const old = isSame ? before.partitions[each.partitionIndex] : undefined
      partitions[each.partitionIndex] =
        old !== undefined && each.leaderEpoch !== -1 && each.leaderEpoch < old.leaderEpoch
          ? old
          : {
              partition: each.partitionIndex,
              leader: each.leaderId,
              leaderEpoch: each.leaderEpoch,
              replicas: each.replicaNodes,
              isr: each.isrNodes,
              offlineReplicas: each.offlineReplicas,
            }
    }
    // The number of partitions never falls: a broker that returns fewer lags behind.
    if (isSame) partitions.push(...before.partitions.slice(partitions.length))
    topics.set(name, { name, id: topic.topicId, isInternal: topic.isInternal, partitions })
  }
  return {
    clusterId: response.clusterId,
    controllerId: response.controllerId,
    nodes: new Map(
      response.brokers.map(({ nodeId, host, port, rack }) => [
        nodeId,
        { id: nodeId, host, port, rack },
      ]),
    ),
    topics,
    topicErrors,
  }
}

/**
 * Applies a leader that a reply to Produce or Fetch named (KIP-951); false if it is older than the
 * known one.
 */
export function withLeader(
  known: ClusterMetadata,
  told: {
    readonly topic: string
    readonly partition: number
    readonly leader: number
    readonly leaderEpoch: number
    readonly nodes: readonly Node[]
  },
): ClusterMetadata | undefined {
  const topic = known.topics.get(told.topic)
  const partition = topic?.partitions[told.partition]
  if (topic === undefined || partition === undefined) return undefined
  if (told.leader < 0 || told.leaderEpoch <= partition.leaderEpoch) return undefined
  const nodes = new Map(known.nodes)
  for (const node of told.nodes) nodes.set(node.id, node)
  if (!nodes.has(told.leader)) return undefined
  const partitions = topic.partitions.with(told.partition, {
    ...partition,
    leader: told.leader,
    leaderEpoch: told.leaderEpoch,
  })
  return {
    ...known,
    nodes,
    topics: new Map(known.topics).set(topic.name, { ...topic, partitions }),
  }
}
