// SPDX-License-Identifier: Apache-2.0
import {
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
  ErrorCode,
  ProtocolError,
} from '@millrace/protocol'
import { canBeMoved } from '../log/partition-directory.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

/**
 * AlterReplicaLogDirs (key 34): moves partitions to another log directory of the broker (KIP-113).
 */
export const alterReplicaLogDirs = defineHandler(
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
  async (request, context) => {
    const { broker, access } = context
    const isAllowed = access.allowsCluster()
    const results = new Map<string, { partitionIndex: number; errorCode: number }[]>()
    for (const { path, topics } of request.dirs) {
      for (const { name, partitions } of topics) {
        for (const partitionIndex of partitions) {
          const errorCode = await attempt(
            context,
            async () => {
              if (!isAllowed) throw access.denial('cluster')
              if (!canBeMoved(name, partitionIndex)) {
                throw new ProtocolError(
                  'INVALID_TOPIC_EXCEPTION',
                  `The topic name is too long: ${name}`,
                )
              }
              const directory = broker.logs.directories.find((each) => each.path === path)
              if (directory === undefined) {
                throw new ProtocolError('LOG_DIR_NOT_FOUND', `${path} is not one of log.dirs`)
              }
              if (directory.failure !== undefined) throw directory.failure
              const partition = broker.topics.partition(name, partitionIndex)
              await broker.logs.move(partition.name, path)
              return ErrorCode.NONE
            },
            (error) => error.errorCode,
          )
          const entries = results.get(name) ?? []
          entries.push({ partitionIndex, errorCode })
          results.set(name, entries)
        }
      }
    }
    broker.logs.checkpoint()
    return {
      throttleTimeMs: 0,
      results: [...results].map(([topicName, partitions]) => ({ topicName, partitions })),
    }
  },
)
