// SPDX-License-Identifier: Apache-2.0
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  ErrorCode,
  type MessageOf,
  MetadataRequest,
  MetadataResponse,
  ProtocolError,
  ZERO_UUID,
} from '@millrace/protocol'
import type { PartitionMetadata, TopicMetadata } from '../metadata/metadata.ts'
import { byLeader } from '../metadata/offset-lookup.ts'
import { partitionName, partitionsByTopic, type TopicPartition } from '../topic-partition.ts'
import { type AdminCaller, anyBroker, errorOf, Outcomes } from './caller.ts'
import { type AclOperation, operationsOf } from './names.ts'

/** A topic to create. */
export interface NewTopic {
  /** Name: 1 to 249 letters, digits, `.`, `_` and `-`. */
  readonly name: string
  /** Number of partitions. Default: the broker's `num.partitions`. */
  readonly numPartitions?: number
  /** Number of replicas. Default: the broker's `default.replication.factor`. */
  readonly replicationFactor?: number
  /** Replicas of each partition, the preferred leader first, instead of the two numbers. */
  readonly assignments?: readonly (readonly number[])[]
  /** Configuration of the topic, such as `{ 'retention.ms': '60000' }`. */
  readonly configs?: Readonly<Record<string, string>>
}

/** A topic that was created. */
export interface CreatedTopic {
  /** Name. */
  readonly name: string
  /** Id. */
  readonly topicId: string
  /** Number of partitions. */
  readonly numPartitions: number
  /** Number of replicas of each partition. */
  readonly replicationFactor: number
}

/** A topic with its partitions. */
export interface TopicDescription extends TopicMetadata {
  /** Partitions, by index. */
  readonly partitions: readonly PartitionDescription[]
  /** Operations that the client is authorized for on the topic; undefined if not requested. */
  readonly authorizedOperations: readonly AclOperation[] | undefined
}

/** A partition with its leader and replicas. */
export interface PartitionDescription extends PartitionMetadata {
  /** Eligible leader replicas (KIP-966); empty if the broker does not report them. */
  readonly eligibleLeaderReplicas: readonly number[]
  /** Replicas that were last known to be eligible as leaders (KIP-966). */
  readonly lastKnownEligibleLeaderReplicas: readonly number[]
}

export async function createTopics(
  caller: AdminCaller,
  topics: readonly NewTopic[],
  { validateOnly = false }: { readonly validateOnly?: boolean } = {},
): Promise<Map<string, CreatedTopic>> {
  const { topics: created } = await caller.call(
    anyBroker,
    CreateTopicsRequest,
    CreateTopicsResponse,
    (version) => ({
      topics: topics.map(({ name, numPartitions, replicationFactor, assignments, configs }) => ({
        name,
        // Before version 4 the broker has no defaults (KIP-464).
        numPartitions: assignments === undefined ? (numPartitions ?? (version < 4 ? 1 : -1)) : -1,
        replicationFactor:
          assignments === undefined ? (replicationFactor ?? (version < 4 ? 1 : -1)) : -1,
        assignments: (assignments ?? []).map((brokerIds, partitionIndex) => ({
          partitionIndex,
          brokerIds: [...brokerIds],
        })),
        configs: Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value })),
      })),
      timeoutMs: caller.timeoutMs,
      validateOnly,
    }),
  )
  const outcomes = new Outcomes<CreatedTopic>()
  for (const each of created) {
    const { name, topicId, numPartitions, replicationFactor } = each
    outcomes.add(name, each, () => ({ name, topicId, numPartitions, replicationFactor }))
  }
  return outcomes.all()
}

/** Deletes topics by name, or by id as `{ topicIds }`. */
export async function deleteTopics(
  caller: AdminCaller,
  topics: readonly string[] | { readonly topicIds: readonly string[] },
): Promise<void> {
  const names = 'topicIds' in topics ? [] : topics
  const ids = 'topicIds' in topics ? topics.topicIds : []
  const { responses } = await caller.call(
    anyBroker,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    (version) => {
      if (version < 6 && ids.length > 0) {
        throw new ProtocolError('UNSUPPORTED_VERSION', 'deleting topics by id needs DeleteTopics 6')
      }
      return {
        ...(version >= 6
          ? {
              topics: [
                ...names.map((name) => ({ name, topicId: ZERO_UUID })),
                ...ids.map((topicId) => ({ name: null, topicId })),
              ],
            }
          : { topicNames: names }),
        timeoutMs: caller.timeoutMs,
      }
    },
  )
  const outcomes = new Outcomes<undefined>()
  for (const each of responses) {
    outcomes.add(names.length > 0 ? (each.name ?? '') : each.topicId, each, () => undefined)
  }
  outcomes.all()
}

/** A topic without its partitions. */
export interface TopicListing {
  /** Name. */
  readonly name: string
  /** Id. */
  readonly topicId: string
  /** Whether the topic is internal. */
  readonly isInternal: boolean
}

export async function listTopics(
  caller: AdminCaller,
  { listInternal = false }: { readonly listInternal?: boolean } = {},
): Promise<TopicListing[]> {
  const { topics } = await caller.call(anyBroker, MetadataRequest, MetadataResponse, {
    topics: null,
    allowAutoTopicCreation: false,
  })
  return topics
    .filter(
      ({ errorCode, isInternal }) => errorCode === ErrorCode.NONE && (listInternal || !isInternal),
    )
    .map(({ name, topicId, isInternal }) => ({ name: name ?? '', topicId, isInternal }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Describes topics by name, or by id as `{ topicIds }`; keys of the result are names. */
export async function describeTopics(
  caller: AdminCaller,
  topics: readonly string[] | { readonly topicIds: readonly string[] },
  options: { readonly includeAuthorizedOperations?: boolean } = {},
): Promise<Map<string, TopicDescription>> {
  if (!('topicIds' in topics)) {
    const connection = await caller.retry(anyBroker, () => caller.connect(anyBroker))
    if (connection.versionOf(DescribeTopicPartitionsRequest) !== undefined) {
      return describePages(caller, topics, options)
    }
  }
  const response = await caller.call(anyBroker, MetadataRequest, MetadataResponse, {
    topics:
      'topicIds' in topics
        ? topics.topicIds.map((topicId) => ({ topicId, name: null }))
        : topics.map((name) => ({ name })),
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: options.includeAuthorizedOperations ?? false,
  })
  const outcomes = new Outcomes<TopicDescription>()
  for (const topic of response.topics) {
    const name = topic.name ?? topic.topicId
    outcomes.add(name, topic, () => ({
      name,
      id: topic.topicId,
      isInternal: topic.isInternal,
      partitions: topic.partitions.map((partition) =>
        describePartition({ ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] }),
      ),
      authorizedOperations: operationsOf(topic.topicAuthorizedOperations),
    }))
  }
  return outcomes.all()
}

type PagedTopic = MessageOf<typeof DescribeTopicPartitionsResponse>['topics'][number]

/** Large topics are returned in several replies, each with a cursor for the next (KIP-966). */
async function describePages(
  caller: AdminCaller,
  names: readonly string[],
  { includeAuthorizedOperations = false }: { readonly includeAuthorizedOperations?: boolean },
): Promise<Map<string, TopicDescription>> {
  const found = new Map<string, PagedTopic>()
  let cursor: { readonly topicName: string; readonly partitionIndex: number } | null = null
  let left = [...new Set(names)].sort()
  do {
    const page: MessageOf<typeof DescribeTopicPartitionsResponse> = await caller.call(
      anyBroker,
      DescribeTopicPartitionsRequest,
      DescribeTopicPartitionsResponse,
      { topics: left.map((name) => ({ name })), cursor },
    )
    for (const topic of page.topics) {
      const name = topic.name ?? ''
      const before = found.get(name)
      if (before === undefined) found.set(name, topic)
      else before.partitions.push(...topic.partitions)
    }
    cursor = page.nextCursor
    const next = cursor?.topicName ?? ''
    left = left.filter((name) => name >= next)
  } while (cursor !== null)
  const outcomes = new Outcomes<TopicDescription>()
  for (const [name, topic] of found) {
    outcomes.add(name, topic, () => ({
      name,
      id: topic.topicId,
      isInternal: topic.isInternal,
      partitions: topic.partitions.map(describePartition),
      // The broker always returns them here.
      authorizedOperations: includeAuthorizedOperations
        ? operationsOf(topic.topicAuthorizedOperations)
        : undefined,
    }))
  }
  return outcomes.all()
}

function describePartition(
  partition: Omit<PagedTopic['partitions'][number], 'errorCode'>,
): PartitionDescription {
  return {
    partition: partition.partitionIndex,
    leader: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicaNodes,
    isr: partition.isrNodes,
    offlineReplicas: partition.offlineReplicas,
    eligibleLeaderReplicas: partition.eligibleLeaderReplicas ?? [],
    lastKnownEligibleLeaderReplicas: partition.lastKnownElr ?? [],
  }
}

/** `totalCount` by topic: the new total number of partitions. */
export async function createPartitions(
  caller: AdminCaller,
  topics: Readonly<
    Record<
      string,
      | number
      | { readonly totalCount: number; readonly assignments?: readonly (readonly number[])[] }
    >
  >,
  { validateOnly = false }: { readonly validateOnly?: boolean } = {},
): Promise<void> {
  const { results } = await caller.call(
    anyBroker,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    {
      topics: Object.entries(topics).map(([name, wanted]) => {
        const { totalCount, assignments } =
          typeof wanted === 'number' ? { totalCount: wanted, assignments: undefined } : wanted
        return {
          name,
          count: totalCount,
          assignments: assignments?.map((brokerIds) => ({ brokerIds: [...brokerIds] })) ?? null,
        }
      }),
      timeoutMs: caller.timeoutMs,
      validateOnly,
    },
  )
  const outcomes = new Outcomes<undefined>()
  for (const each of results) outcomes.add(each.name, each, () => undefined)
  outcomes.all()
}

/**
 * Deletes the records before an offset, -1n for all; returns the first remaining offsets in the
 * order of the request.
 */
export async function deleteRecords(
  caller: AdminCaller,
  before: readonly (TopicPartition & { readonly offset: bigint })[],
): Promise<bigint[]> {
  const low = new Map<string, bigint>()
  await byLeader(caller.cluster, before, {
    what: 'deletion of records',
    timeoutMs: caller.timeoutMs,
    ask: async (node, items) => {
      const response = await caller.cluster.request(
        node,
        DeleteRecordsRequest,
        DeleteRecordsResponse,
        {
          topics: [...partitionsByTopic(items)].map(([name]) => ({
            name,
            partitions: items
              .filter(({ topic }) => topic === name)
              .map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
          })),
          timeoutMs: caller.timeoutMs,
        },
      )
      return response.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, errorCode, lowWatermark }) => {
          const place = { topic: name, partition: partitionIndex }
          low.set(partitionName(place), lowWatermark)
          return { ...place, errorCode }
        }),
      )
    },
  })
  return before.map((each) => {
    const found = low.get(partitionName(each))
    if (found === undefined)
      throw errorOf(ErrorCode.UNKNOWN_SERVER_ERROR, null, partitionName(each))
    return found
  })
}
