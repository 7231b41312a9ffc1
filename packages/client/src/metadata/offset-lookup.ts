// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  ListOffsetsRequest,
  ListOffsetsResponse,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
  ProtocolError,
} from '@millrace/protocol'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import type { Cluster } from './cluster.ts'

/** Special timestamps of ListOffsets (KIP-734, KIP-405, KIP-1005, KIP-1023). */
export const SpecialTimestamp = {
  latest: -1n,
  earliest: -2n,
  maxTimestamp: -3n,
  earliestLocal: -4n,
  latestTiered: -5n,
  earliestPendingUpload: -6n,
} as const

/**
 * First versions of ListOffsets with each special timestamp; older brokers would answer something
 * else.
 */
const minimumVersions: ReadonlyMap<bigint, number> = new Map([
  [SpecialTimestamp.maxTimestamp, 7],
  [SpecialTimestamp.earliestLocal, 8],
  [SpecialTimestamp.latestTiered, 9],
  [SpecialTimestamp.earliestPendingUpload, 11],
])

export interface FoundOffset {
  /** Offset; -1 if no record is that late. */
  readonly offset: bigint
  readonly timestamp: number
  readonly leaderEpoch: number
}

interface Lookup extends TopicPartition {
  readonly timestamp: bigint
}

/**
 * Asks the leaders for offsets by time, and retries where leaders moved. Results are in the order
 * of the request. Rejects with `MILLRACE_TIMEOUT` or an error that a retry cannot resolve.
 */
export async function lookUpOffsets(
  cluster: Cluster,
  wanted: readonly Lookup[],
  options: LookupOptions,
): Promise<FoundOffset[]> {
  // Brokers refuse a request that names a partition twice, so repetitions go into further rounds.
  const rounds: { readonly lookup: Lookup; readonly index: number }[][] = []
  const counts = new Map<string, number>()
  for (const [index, lookup] of wanted.entries()) {
    const name = partitionName(lookup)
    const round = counts.get(name) ?? 0
    counts.set(name, round + 1)
    rounds[round] ??= []
    rounds[round].push({ lookup, index })
  }
  const results: FoundOffset[] = new Array(wanted.length)
  await Promise.all(
    rounds.map(async (round) => {
      const lookups = round.map(({ lookup }) => lookup)
      const found = await lookUpDistinct(cluster, lookups, options)
      for (const { lookup, index } of round) {
        results[index] = found.get(partitionName(lookup)) as FoundOffset
      }
    }),
  )
  return results
}

interface LookupOptions {
  readonly isReadCommitted: boolean
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

async function lookUpDistinct(
  cluster: Cluster,
  wanted: readonly Lookup[],
  { isReadCommitted, timeoutMs, signal }: LookupOptions,
): Promise<Map<string, FoundOffset>> {
  const found = new Map<string, FoundOffset>()
  const minVersion = Math.max(
    0,
    ...wanted.map(({ timestamp }) => minimumVersions.get(timestamp) ?? 0),
  )
  await byLeader(cluster, wanted, {
    timeoutMs,
    signal,
    what: 'offsets',
    ask: async (node, lookups) => {
      const connection = await cluster.connect(node)
      const version = connection.versionOf(ListOffsetsRequest)
      if (version !== undefined && version < minVersion) {
        throw new ProtocolError(
          'UNSUPPORTED_VERSION',
          `node ${node} does not know that kind of offset: ListOffsets ${minVersion} is needed, it has ${version}`,
        )
      }
      const response = await connection.request(ListOffsetsRequest, ListOffsetsResponse, {
        replicaId: -1,
        isolationLevel: isReadCommitted ? 1 : 0,
        topics: grouped(lookups).map(([name, list]) => ({
          name,
          partitions: list.map(({ partition, timestamp }) => ({
            partitionIndex: partition,
            currentLeaderEpoch:
              cluster.metadata.topics.get(name)?.partitions[partition]?.leaderEpoch ?? -1,
            timestamp,
          })),
        })),
        timeoutMs,
      })
      return response.topics.flatMap(({ name, partitions }) =>
        partitions.map((each) => {
          const place = { topic: name, partition: each.partitionIndex }
          if (each.errorCode === ErrorCode.NONE) {
            found.set(partitionName(place), {
              offset: each.offset,
              timestamp: Number(each.timestamp),
              leaderEpoch: each.leaderEpoch,
            })
          }
          return { ...place, errorCode: each.errorCode }
        }),
      )
    },
  })
  return found
}

export interface EpochEnd {
  readonly leaderEpoch: number
  readonly endOffset: bigint
}

/** End offset of a leader epoch at the current leader, to detect a truncated log (KIP-320). */
export async function lookUpEpochEnds(
  cluster: Cluster,
  wanted: readonly (TopicPartition & { readonly leaderEpoch: number })[],
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Map<string, EpochEnd>> {
  const found = new Map<string, EpochEnd>()
  await byLeader(cluster, wanted, {
    timeoutMs,
    what: 'ends of epochs',
    ask: async (node, lookups) => {
      const response = await cluster.request(
        node,
        OffsetForLeaderEpochRequest,
        OffsetForLeaderEpochResponse,
        {
          replicaId: -1,
          topics: grouped(lookups).map(([topic, list]) => ({
            topic,
            partitions: list.map(({ partition, leaderEpoch }) => ({
              partition,
              currentLeaderEpoch:
                cluster.metadata.topics.get(topic)?.partitions[partition]?.leaderEpoch ?? -1,
              leaderEpoch,
            })),
          })),
        },
      )
      return response.topics.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, errorCode, leaderEpoch, endOffset }) => {
          if (errorCode === ErrorCode.NONE) {
            found.set(partitionName({ topic, partition }), { leaderEpoch, endOffset })
          }
          return { topic, partition, errorCode }
        }),
      )
    },
  })
  return found
}

function grouped<T extends TopicPartition>(items: readonly T[]): [string, T[]][] {
  return [...Map.groupBy(items, ({ topic }) => topic)]
}

/**
 * Sends each leader its part, and repeats with new metadata what failed because of stale metadata.
 */
export async function byLeader<T extends TopicPartition>(
  cluster: Cluster,
  wanted: readonly T[],
  options: {
    readonly what: string
    readonly timeoutMs: number
    readonly signal?: AbortSignal | undefined
    readonly ask: (
      node: number,
      items: readonly T[],
    ) => Promise<readonly (TopicPartition & { readonly errorCode: number })[]>
  },
): Promise<void> {
  const deadline = cluster.clock.monotonic() + options.timeoutMs
  let left = wanted
  let lastError: Error | undefined
  for (let attempt = 0; left.length > 0; attempt++) {
    if (attempt > 0) {
      if (cluster.clock.monotonic() >= deadline) {
        const names = left.map(partitionName).join(', ')
        throw new MillraceError(
          'MILLRACE_TIMEOUT',
          `no ${options.what} of ${names} within ${options.timeoutMs} ms: ${lastError?.message}`,
          { retriable: true, cause: lastError },
        )
      }
      await cluster.backOff(attempt - 1, options.signal)
    }
    // In each attempt: a consumer that is assigned other partitions tracks only those.
    cluster.track(left.map(({ topic }) => topic))
    if (
      attempt > 0 ||
      left.some(({ topic, partition }) => cluster.leaderOf(topic, partition) === undefined)
    ) {
      await cluster.refresh().catch((error: Error) => {
        if (!(error instanceof MillraceError && error.retriable)) throw error
        lastError = error
      })
    }
    const failed: T[] = []
    const nodes = new Map<number, T[]>()
    for (const item of left) {
      const leader = cluster.leaderOf(item.topic, item.partition)
      if (leader === undefined) {
        lastError = missing(cluster, item)
        failed.push(item)
      } else {
        const list = nodes.get(leader.id)
        if (list === undefined) nodes.set(leader.id, [item])
        else list.push(item)
      }
    }
    await Promise.all(
      [...nodes].map(async ([node, items]) => {
        try {
          const results = await options.ask(node, items)
          const codes = new Map(results.map((result) => [partitionName(result), result.errorCode]))
          for (const item of items) {
            const errorCode = codes.get(partitionName(item)) ?? ErrorCode.UNKNOWN_SERVER_ERROR
            if (errorCode === ErrorCode.NONE) continue
            const code = errorName(errorCode)
            const error = new ProtocolError(
              code,
              `${options.what} of ${partitionName(item)}: ${code}`,
            )
            if (!error.retriable) throw error
            lastError = error
            failed.push(item)
          }
        } catch (error) {
          if (!(error instanceof MillraceError && error.retriable)) throw error
          lastError = error
          failed.push(...items.filter((item) => !failed.includes(item)))
        }
      }),
    )
    left = failed
  }
}

/** Why a partition has no leader; thrown if the topic or partition does not exist. */
function missing(cluster: Cluster, { topic, partition }: TopicPartition): Error {
  const known = cluster.metadata.topics.get(topic)
  if (known !== undefined && partition < known.partitions.length) {
    return new ProtocolError('LEADER_NOT_AVAILABLE', `${topic}-${partition} has no leader`)
  }
  const code = errorName(
    cluster.metadata.topicErrors.get(topic) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  )
  return new ProtocolError(code, `${topic}-${partition}: ${code}`)
}
