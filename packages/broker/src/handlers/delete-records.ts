// SPDX-License-Identifier: Apache-2.0
import {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  ErrorCode,
  ProtocolError,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { attempt, protocolError } from './outcome.ts'

const TO_HIGH_WATERMARK = -1n

/**
 * DeleteRecords (key 21): moves the start of a log up to an offset, -1 for the high watermark
 * (KIP-107).
 */
export const deleteRecords = defineHandler(
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  async (request, context) => {
    const starts = new Map<string, bigint>()
    const denied = context.access.deniedTopics(request.topics.map(({ name }) => name))
    const topics = await Promise.all(
      request.topics.map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          topic.partitions.map(({ partitionIndex, offset }) =>
            attempt(
              context,
              () => {
                if (denied.has(topic.name)) throw context.access.denial('topic')
                const partition = context.broker.topics.partition(topic.name, partitionIndex)
                const { cleanupPolicy } = partition.topic.config
                if (partition.topic.isInternal) {
                  throw new ProtocolError(
                    'INVALID_TOPIC_EXCEPTION',
                    `Cannot delete records of internal topic ${topic.name}`,
                  )
                }
                if (cleanupPolicy.compact && !cleanupPolicy.delete) {
                  throw new ProtocolError(
                    'POLICY_VIOLATION',
                    `records of ${partition.name} cannot be deleted: cleanup.policy is not delete`,
                  )
                }
                const { log } = partition
                const target = offset === TO_HIGH_WATERMARK ? log.highWatermark : offset
                if (target < log.logStartOffset && target < 0n)
                  throw outOfRange(partition.name, offset)
                if (target > log.highWatermark) throw outOfRange(partition.name, offset)
                const start = target > log.logStartOffset ? target : log.logStartOffset
                starts.set(partition.name, start)
                return { partitionIndex, lowWatermark: start, errorCode: ErrorCode.NONE }
              },
              (error) => failed(partitionIndex, error.errorCode),
            ),
          ),
        ),
      })),
    )
    const refused = context.broker.logs.advanceLogStarts(starts)
    for (const { name, partitions } of topics) {
      partitions.forEach(({ partitionIndex }, i) => {
        const error = refused.get(`${name}-${partitionIndex}`)
        if (error === undefined) return
        partitions[i] = failed(partitionIndex, protocolError(error, context).errorCode)
      })
    }
    return { throttleTimeMs: 0, topics }
  },
)

function failed(partitionIndex: number, errorCode: number) {
  return { partitionIndex, lowWatermark: -1n, errorCode }
}

function outOfRange(partition: string, offset: bigint): ProtocolError {
  return new ProtocolError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${offset} is out of range for ${partition}`,
  )
}
