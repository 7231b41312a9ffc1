// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ListOffsetsRequest,
  ListOffsetsResponse,
  ProtocolError,
} from '@millrace/protocol'
import type { Partition } from '../topics.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt } from './outcome.ts'

/** Timestamps with a special meaning. */
const Special = {
  latest: -1n,
  earliest: -2n,
  maxTimestamp: -3n,
  earliestLocal: -4n,
  latestTiered: -5n,
  earliestPendingUpload: -6n,
} as const
const READ_COMMITTED = 1

interface Found {
  readonly timestamp: bigint
  readonly offset: bigint
  readonly leaderEpoch: number
}
const NOT_FOUND: Found = { timestamp: -1n, offset: -1n, leaderEpoch: -1 }

/**
 * ListOffsets (key 2): offsets by timestamp. v7 adds the record with the largest timestamp
 * (KIP-734), v8 to v11 tiered offsets.
 */
export const listOffsets = defineHandler(
  ListOffsetsRequest,
  ListOffsetsResponse,
  async (request, context) => {
    const duplicates = duplicatePartitions(request.topics)
    const denied = context.access.deniedTopics(request.topics.map(({ name }) => name))
    return {
      topics: await Promise.all(
        request.topics.map(async (topic) => ({
          name: topic.name,
          partitions: await Promise.all(
            distinct(topic.partitions).map(async (asked) => {
              const partitionIndex = asked.partitionIndex
              if (denied.has(topic.name)) {
                return { partitionIndex, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }
              }
              if (duplicates.has(`${topic.name}-${partitionIndex}`)) {
                return { partitionIndex, errorCode: ErrorCode.INVALID_REQUEST }
              }
              return attempt(
                context,
                () => {
                  const partition = context.broker.topics.partition(topic.name, partitionIndex)
                  partition.checkLeaderEpoch(asked.currentLeaderEpoch)
                  const isCommitted = request.isolationLevel === READ_COMMITTED
                  const found = find(partition, asked.timestamp, { isCommitted, context })
                  return { partitionIndex, errorCode: ErrorCode.NONE, ...found }
                },
                (error) => ({ partitionIndex, errorCode: error.errorCode }),
              )
            }),
          ),
        })),
      ),
    }
  },
)

/** A partition that is named twice is answered once, with an error. */
function distinct<T extends { readonly partitionIndex: number }>(partitions: readonly T[]): T[] {
  return [...new Map(partitions.map((partition) => [partition.partitionIndex, partition])).values()]
}

function duplicatePartitions(
  topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number }[]
  }[],
): ReadonlySet<string> {
  const seen = new Set<string>()
  const duplicates = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`
      if (seen.has(key)) duplicates.add(key)
      seen.add(key)
    }
  }
  return duplicates
}

function find(
  partition: Partition,
  timestamp: bigint,
  options: { readonly isCommitted: boolean; readonly context: RequestContext },
): Found {
  const { log } = partition
  const { version } = options.context
  const end = options.isCommitted ? log.lastStableOffset : log.highWatermark
  const needs = (minimum: number): void => {
    if (version < minimum) {
      throw new ProtocolError(
        'UNSUPPORTED_VERSION',
        `timestamp ${timestamp} needs ListOffsets version ${minimum}, not ${version}`,
      )
    }
  }
  switch (timestamp) {
    case Special.latest:
      return { timestamp: -1n, offset: end, leaderEpoch: partition.leaderEpoch }
    case Special.earliestLocal:
      needs(8)
      return earliest(partition)
    case Special.earliest:
      return earliest(partition)
    case Special.maxTimestamp: {
      needs(7)
      const newest = log.offsetOfMaxTimestamp()
      return newest ?? NOT_FOUND
    }
    case Special.latestTiered:
      needs(9)
      return NOT_FOUND
    case Special.earliestPendingUpload:
      needs(11)
      return NOT_FOUND
    default:
      if (timestamp < 0n) {
        throw new ProtocolError('INVALID_REQUEST', `timestamp ${timestamp} has no meaning`)
      }
      return log.offsetForTimestamp(timestamp, end) ?? NOT_FOUND
  }
}

function earliest({ log }: Partition): Found {
  const offset = log.logStartOffset
  return { timestamp: -1n, offset, leaderEpoch: log.leaderEpochs.epochAt(offset) ?? -1 }
}
