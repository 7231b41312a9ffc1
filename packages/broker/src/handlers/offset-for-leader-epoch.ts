// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'

const NO_TOPICS: ReadonlySet<string> = new Set()

/**
 * OffsetForLeaderEpoch (key 23): end offset of a leader epoch, with which a consumer detects lost
 * records (KIP-320).
 */
export const offsetForLeaderEpoch = defineHandler(
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
  async (request, context) => {
    const { access } = context
    const isReplica = access.isOpen || access.allowsCluster({ logsDenial: false })
    const denied = isReplica
      ? NO_TOPICS
      : access.deniedTopics(request.topics.map(({ topic }) => topic))
    return {
      topics: await Promise.all(
        request.topics.map(async ({ topic, partitions }) => ({
          topic,
          partitions: await Promise.all(
            partitions.map((asked) =>
              attempt(
                context,
                () => {
                  if (denied.has(topic)) throw context.access.denial('topic')
                  const partition = context.broker.topics.partition(topic, asked.partition)
                  partition.checkLeaderEpoch(asked.currentLeaderEpoch)
                  const { log } = partition
                  const end =
                    asked.leaderEpoch === partition.leaderEpoch
                      ? { epoch: asked.leaderEpoch, endOffset: log.highWatermark }
                      : log.leaderEpochs.endOf(asked.leaderEpoch, log.highWatermark)
                  return {
                    errorCode: ErrorCode.NONE,
                    partition: asked.partition,
                    leaderEpoch: end?.epoch ?? -1,
                    endOffset: end?.endOffset ?? -1n,
                  }
                },
                (error) => ({ errorCode: error.errorCode, partition: asked.partition }),
              ),
            ),
          ),
        })),
      ),
    }
  },
)
