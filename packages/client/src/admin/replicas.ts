// SPDX-License-Identifier: Apache-2.0
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
  ElectLeadersRequest,
  ElectLeadersResponse,
  ErrorCode,
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@millrace/protocol'
import { partitionName, partitionsByTopic, type TopicPartition } from '../topic-partition.ts'
import { type AdminCaller, anyBroker, Outcomes, throwIfError } from './caller.ts'
import { codeOf, ElectionType } from './names.ts'

/** One replica of a partition, on one broker. */
export interface TopicPartitionReplica extends TopicPartition {
  /** Id of the broker. */
  readonly broker: number
}

/**
 * Elects leaders of partitions, by default of all in the cluster. Partitions that already have the
 * right leader are not an error.
 */
export async function electLeaders(
  caller: AdminCaller,
  type: ElectionType,
  partitions?: readonly TopicPartition[],
): Promise<void> {
  const response = await caller.call(
    anyBroker,
    ElectLeadersRequest,
    ElectLeadersResponse,
    {
      electionType: codeOf('type', ElectionType, type),
      topicPartitions:
        partitions === undefined
          ? null
          : [...partitionsByTopic(partitions)].map(([topic, list]) => ({
              topic,
              partitions: list,
            })),
      timeoutMs: caller.timeoutMs,
    },
    (reply) => throwIfError(reply, 'ElectLeaders'),
  )
  const outcomes = new Outcomes<undefined>()
  for (const { topic, partitionResult } of response.replicaElectionResults) {
    for (const each of partitionResult) {
      if (each.errorCode === ErrorCode.ELECTION_NOT_NEEDED) continue
      outcomes.add(partitionName({ topic, partition: each.partitionId }), each, () => undefined)
    }
  }
  outcomes.all()
}

/** New replicas of partitions, the preferred leader first; null cancels a reassignment. */
export async function alterPartitionReassignments(
  caller: AdminCaller,
  reassignments: readonly (TopicPartition & { readonly replicas: readonly number[] | null })[],
): Promise<void> {
  const response = await caller.call(
    anyBroker,
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    {
      timeoutMs: caller.timeoutMs,
      topics: [...Map.groupBy(reassignments, ({ topic }) => topic)].map(([name, list]) => ({
        name,
        partitions: list.map(({ partition, replicas }) => ({
          partitionIndex: partition,
          replicas: replicas === null ? null : [...replicas],
        })),
      })),
    },
    (reply) => throwIfError(reply, 'AlterPartitionReassignments'),
  )
  const outcomes = new Outcomes<undefined>()
  for (const { name, partitions } of response.responses) {
    for (const each of partitions) {
      const place = { topic: name, partition: each.partitionIndex }
      outcomes.add(partitionName(place), each, () => undefined)
    }
  }
  outcomes.all()
}

/** A reassignment in progress. */
export interface PartitionReassignment extends TopicPartition {
  /** All replicas, those being added and removed included. */
  readonly replicas: readonly number[]
  /** Replicas being added. */
  readonly addingReplicas: readonly number[]
  /** Replicas being removed. */
  readonly removingReplicas: readonly number[]
}

/** Reassignments in progress, of the given partitions or of all. */
export async function listPartitionReassignments(
  caller: AdminCaller,
  partitions?: readonly TopicPartition[],
): Promise<PartitionReassignment[]> {
  const response = await caller.call(
    anyBroker,
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    {
      timeoutMs: caller.timeoutMs,
      topics:
        partitions === undefined
          ? null
          : [...partitionsByTopic(partitions)].map(([name, partitionIndexes]) => ({
              name,
              partitionIndexes,
            })),
    },
    (reply) => throwIfError(reply, 'ListPartitionReassignments'),
  )
  return response.topics.flatMap(({ name, partitions: list }) =>
    list.map(({ partitionIndex, ...rest }) => ({
      topic: name,
      partition: partitionIndex,
      ...rest,
    })),
  )
}

/** A log directory of a broker. */
export interface LogDirDescription {
  /** Absolute path. */
  readonly path: string
  /** Size of the volume, bytes; -1 if the broker does not report it. */
  readonly totalBytes: bigint
  /** Free space of its volume, bytes; -1 if unknown. */
  readonly usableBytes: bigint
  /** Whether the directory gets no new partitions. */
  readonly isCordoned: boolean
  /** Logs in the directory. */
  readonly replicas: readonly ReplicaInfo[]
}

/** A log in a log directory. */
export interface ReplicaInfo extends TopicPartition {
  /** Size of the log segments, bytes. */
  readonly size: bigint
  /** Lag of this log, records. */
  readonly offsetLag: bigint
  /** Whether this copy will replace the one in another directory. */
  readonly isFuture: boolean
}

/** Directories by broker. */
export async function describeLogDirs(
  caller: AdminCaller,
  brokers: readonly number[],
): Promise<Map<number, LogDirDescription[]>> {
  const found = await caller.forEach(brokers.map(String), async (broker) => {
    const response = await caller.call(
      { kind: 'node', node: Number(broker) },
      DescribeLogDirsRequest,
      DescribeLogDirsResponse,
      { topics: null },
      (reply) => {
        throwIfError(reply, `broker ${broker}`)
        for (const dir of reply.results) throwIfError(dir, `broker ${broker}, ${dir.logDir}`)
      },
    )
    return response.results.map(({ logDir, totalBytes, usableBytes, isCordoned, topics }) => ({
      path: logDir,
      totalBytes,
      usableBytes,
      isCordoned,
      replicas: topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
          topic: name,
          partition: partitionIndex,
          size: partitionSize,
          offsetLag,
          isFuture: isFutureKey,
        })),
      ),
    }))
  })
  return new Map([...found].map(([broker, dirs]) => [Number(broker), dirs]))
}

/** Where a replica is, and where it is moved to. */
export interface ReplicaLogDir extends TopicPartitionReplica {
  /** Path; null if the broker does not have the replica. */
  readonly currentPath: string | null
  /** Lag of the current log, records. */
  readonly currentOffsetLag: bigint
  /** Path of the new directory; null if the replica is not being moved. */
  readonly futurePath: string | null
  /** Lag of the new log, records; -1 if the replica is not being moved. */
  readonly futureOffsetLag: bigint
}

/** Log directories of replicas, in the order of the request. */
export async function describeReplicaLogDirs(
  caller: AdminCaller,
  replicas: readonly TopicPartitionReplica[],
): Promise<ReplicaLogDir[]> {
  const dirs = await describeLogDirs(caller, [...new Set(replicas.map(({ broker }) => broker))])
  return replicas.map((replica) => {
    const found = (
      isFuture: boolean,
    ): { readonly path: string; readonly lag: bigint } | undefined => {
      for (const dir of dirs.get(replica.broker) ?? []) {
        const match = dir.replicas.find(
          (each) =>
            each.topic === replica.topic &&
            each.partition === replica.partition &&
            each.isFuture === isFuture,
        )
        if (match !== undefined) return { path: dir.path, lag: match.offsetLag }
      }
      return undefined
    }
    const [current, future] = [found(false), found(true)]
    return {
      ...replica,
      currentPath: current?.path ?? null,
      currentOffsetLag: current?.lag ?? -1n,
      futurePath: future?.path ?? null,
      futureOffsetLag: future?.lag ?? -1n,
    }
  })
}

/** Moves replicas to other directories of their brokers. */
export async function alterReplicaLogDirs(
  caller: AdminCaller,
  moves: readonly (TopicPartitionReplica & { readonly path: string })[],
): Promise<void> {
  const outcomes = new Outcomes<undefined>()
  await Promise.all(
    [...Map.groupBy(moves, ({ broker }) => broker)].map(async ([broker, list]) => {
      const { results } = await caller.call(
        { kind: 'node', node: broker },
        AlterReplicaLogDirsRequest,
        AlterReplicaLogDirsResponse,
        {
          dirs: [...Map.groupBy(list, ({ path }) => path)].map(([path, replicas]) => ({
            path,
            topics: [...partitionsByTopic(replicas)].map(([name, partitions]) => ({
              name,
              partitions,
            })),
          })),
        },
      )
      for (const { topicName, partitions } of results) {
        for (const each of partitions) {
          const place = { topic: topicName, partition: each.partitionIndex }
          outcomes.add(`${partitionName(place)} on broker ${broker}`, each, () => undefined)
        }
      }
    }),
  )
  outcomes.all()
}
