// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ProduceRequest, ProduceResponse, ProtocolError } from '@millrace/protocol'
import { InvalidRecordsError, prepareBatch, requireOneBatch } from '../log/produce-validation.ts'
import type { Partition } from '../topics.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { protocolError } from './outcome.ts'

/**
 * Produce (key 0). Batches are appended in the order of arrival before anything is awaited, so that requests of one
 * connection may overlap; `acks=all` then waits for the disk. v13 names topics by id.
 */
export const produce = defineHandler(
  ProduceRequest,
  ProduceResponse,
  (request, context) => {
    const { acks } = request
    const isValid = acks === 0 || acks === 1 || acks === -1
    const waits: Promise<void>[] = []
    const responses = request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map((data) => {
        const result: PartitionResult = { index: data.index, errorCode: 0, baseOffset: -1n }
        try {
          if (!isValid) {
            throw new ProtocolError('INVALID_REQUIRED_ACKS', `acks must be 0, 1 or -1, not ${acks}`)
          }
          const partition =
            context.version >= 13
              ? context.broker.topics.partitionById(topic.topicId, data.index)
              : context.broker.topics.partition(topic.name, data.index)
          const wait = append(partition, data.records, { acks, context, result })
          if (wait !== undefined) {
            waits.push(wait.catch((error) => fail(result, protocolError(error, context))))
          }
        } catch (error) {
          fail(result, protocolError(error, context))
        }
        return result
      }),
    }))
    if (acks === 0) {
      const failure = responses
        .flatMap((topic) => topic.partitionResponses)
        .find((partition) => partition.errorCode !== 0)
      // There is no reply to carry the error: closing tells the client that something is wrong, as Kafka does.
      if (failure !== undefined) {
        throw new ProtocolError(
          'NETWORK_EXCEPTION',
          `acks=0 produce failed: ${failure.errorMessage}`,
        )
      }
      return undefined
    }
    if (waits.length === 0) return { responses }
    return Promise.all(waits).then(() => ({ responses }))
  },
  { isPipelined: true },
)

interface PartitionResult {
  readonly index: number
  errorCode: number
  baseOffset: bigint
  logAppendTimeMs?: bigint
  logStartOffset?: bigint
  recordErrors?: readonly {
    readonly batchIndex: number
    readonly batchIndexErrorMessage: string | null
  }[]
  errorMessage?: string | null
}

/** Appends now; returns what to wait for before the acknowledgement. */
function append(
  partition: Partition,
  records: Buffer | null,
  options: {
    readonly acks: number
    readonly context: RequestContext
    readonly result: PartitionResult
  },
): Promise<void> | undefined {
  const { acks, context, result } = options
  const { config } = partition.topic
  if (partition.topic.isInternal) {
    throw new ProtocolError(
      'INVALID_TOPIC_EXCEPTION',
      `The request attempted to write to internal topic ${partition.topic.name}`,
    )
  }
  if (records === null || records.length === 0) {
    throw new InvalidRecordsError('INVALID_RECORD', `no records for ${partition.name}`)
  }
  if (acks === -1 && config.minInsyncReplicas > 1) {
    throw new ProtocolError(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR for ${partition.name} is 1, below min.insync.replicas ${config.minInsyncReplicas}`,
    )
  }
  const about = {
    partition: partition.name,
    config,
    nowMs: context.broker.world.clock.now(),
    version: context.version,
  }
  const received = requireOneBatch(records, about)
  const { log } = partition
  // From here on Kafka tells the log's start, whatever else it answers.
  result.logStartOffset = log.logStartOffset
  const batch = prepareBatch(received, about)
  if (batch.isTransactional) {
    throw new ProtocolError(
      'INVALID_TXN_STATE',
      `transactions are not supported: ${partition.name} cannot take a transactional batch`,
    )
  }
  const repeated = batch.hasProducerId ? log.producers.check(batch, partition.name) : undefined
  if (repeated !== undefined) {
    result.baseOffset = repeated.baseOffset
    return acks === -1 ? log.acknowledged(repeated.lastOffset + 1n) : undefined
  }
  const appended = log.append([batch], partition.leaderEpoch)
  result.baseOffset = appended.baseOffset
  result.logAppendTimeMs = appended.logAppendTimeMs
  return acks === -1 ? log.acknowledged(appended.lastOffset + 1n) : undefined
}

function fail(result: PartitionResult, error: ProtocolError): void {
  result.errorCode = error.errorCode
  result.baseOffset = -1n
  result.errorMessage = error.errorCode === ErrorCode.NONE ? null : error.message
  if (error instanceof InvalidRecordsError) {
    result.recordErrors = error.recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    }))
  }
}
