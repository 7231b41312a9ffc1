// SPDX-License-Identifier: Apache-2.0
import type { FileSystem } from '@millrace/base'
import { DescribeLogDirsRequest, DescribeLogDirsResponse, ErrorCode } from '@millrace/protocol'
import type { Partition } from '../topics.ts'
import { defineHandler } from './handler.ts'

/** DescribeLogDirs (key 35): sizes of partitions by log directory; null means all topics. */
export const describeLogDirs = defineHandler(
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
  (request, { broker, access }) => {
    if (!access.allowsCluster()) {
      const errorCode = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      return { throttleTimeMs: 0, errorCode, results: [] }
    }
    const asked: Partition[] = []
    if (request.topics === null) {
      for (const topic of broker.topics.all.values()) asked.push(...topic.partitions)
    } else {
      for (const { topic, partitions } of request.topics) {
        const known = broker.topics.get(topic)?.partitions ?? []
        for (const index of partitions) {
          const partition = known[index]
          if (partition !== undefined) asked.push(partition)
        }
      }
    }
    return {
      throttleTimeMs: 0,
      results: broker.logs.directories.map(({ path, failure }) => {
        const unknown = { totalBytes: -1n, usableBytes: -1n }
        if (failure !== undefined) {
          return { errorCode: failure.errorCode, logDir: path, topics: [], ...unknown }
        }
        const space = spaceOf(broker.world.fileSystem, path) ?? unknown
        const topics = new Map<
          string,
          {
            partitionIndex: number
            partitionSize: bigint
            offsetLag: bigint
            isFutureKey: boolean
          }[]
        >()
        for (const partition of asked) {
          if (broker.logs.directoryOf(partition.name) !== path || partition.isOffline) continue
          const size = sizeOf(partition)
          if (size === undefined) continue
          const entries = topics.get(partition.topic.name) ?? []
          entries.push({
            partitionIndex: partition.index,
            partitionSize: BigInt(size),
            offsetLag: 0n,
            isFutureKey: false,
          })
          topics.set(partition.topic.name, entries)
        }
        return {
          errorCode: ErrorCode.NONE,
          logDir: path,
          topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
          totalBytes: space.totalBytes,
          usableBytes: space.usableBytes,
        }
      }),
    }
  },
)

/** Undefined if the log cannot be opened. */
function sizeOf(partition: Partition): number | undefined {
  try {
    return partition.log.size
  } catch {
    return undefined
  }
}

/** Undefined if the system does not report it. */
function spaceOf(fileSystem: FileSystem, path: string) {
  try {
    return fileSystem.space(path)
  } catch {
    return undefined
  }
}
