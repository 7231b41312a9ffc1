// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  MAGIC_V2,
  type MessageOf,
  ProduceRequest,
  ProduceResponse,
  ProtocolError,
  RECORD_BATCH_HEADER_SIZE,
  RecordBatch,
} from '@millrace/protocol'
import { InvalidRecordsError, prepareBatch, requireOneBatch } from '../log/produce-validation.ts'
import type { Partition } from '../topics.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { protocolError, textUnlessDenied } from './outcome.ts'

const EMPTY = Buffer.alloc(0)
/** Client id that Kafka's tools write internal topics under. */
const ADMIN_CLIENT_ID = '__admin_client'
/** From here on the request itself adds its partitions to the transaction (KIP-890 part 2). */
const FIRST_ADDING_VERSION = 12

/**
 * Produce (key 0). Batches are appended in the order of arrival before anything is awaited, so that requests of one
 * connection may overlap; `acks=all` then waits for the disk. v12 adds partitions to transactions, v13 names topics by id.
 */
export const produce = defineHandler(
  ProduceRequest,
  ProduceResponse,
  (request, context) => {
    const { acks } = request
    const waits: Promise<void>[] = []
    const transactional: Write[] = []
    const wait = ({ result }: Write, durable: Promise<void> | undefined): void => {
      if (durable === undefined) return
      waits.push(durable.catch((error) => fail(result, protocolError(error, context))))
    }
    const isForeign = isForeignTransaction(request, context)
    const responses = request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: partitionsOf(topic, context, (data, isAllowed) => {
        const result: PartitionResult = { index: data.index, errorCode: 0, baseOffset: -1n }
        try {
          if (isForeign) throw transactionalIdMissing()
          if (!isAllowed) throw context.access.denial('topic')
          const partition =
            context.version >= 13
              ? context.broker.topics.partitionById(topic.topicId, data.index)
              : context.broker.topics.partition(topic.name, data.index)
          const write = prepare(partition, data.records, { acks, context, result })
          if (write.batch.isTransactional) transactional.push(write)
          else wait(write, append(write))
        } catch (error) {
          fail(result, protocolError(error, context))
        }
        return result
      }),
    }))
    if (transactional.length > 0) {
      const admitted = appendAdmitted(transactional, request.transactionalId, context)
      if (admitted !== undefined) waits.push(admitted)
    }
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

type Topic = MessageOf<typeof ProduceRequest>['topicData'][number]

/** Runs `write` for each partition of a topic; the topic is authorized once. */
function partitionsOf<T>(
  { name, topicId, partitionData }: Topic,
  { access, broker, version }: RequestContext,
  write: (data: Topic['partitionData'][number], isAllowed: boolean) => T,
): T[] {
  const known = version >= 13 ? broker.topics.byId(topicId)?.name : name
  // A topic id that is not known is an error of its own.
  const isAllowed =
    access.isOpen ||
    known === undefined ||
    access.allowsTopic(known, { count: partitionData.length })
  return partitionData.map((data) => write(data, isAllowed))
}

/** Whether the request has transactional batches without a transactional id that it may use. */
function isForeignTransaction(
  request: MessageOf<typeof ProduceRequest>,
  { access }: RequestContext,
): boolean {
  const { transactionalId } = request
  if (transactionalId !== null && access.isOpen) return false
  if (!hasTransactionalBatch(request)) return false
  return transactionalId === null || !access.allows('transactionalId', transactionalId)
}

/** Whether a batch says that it is part of a transaction; such a request is refused as a whole without its id. */
function hasTransactionalBatch(request: {
  readonly topicData: readonly {
    readonly partitionData: readonly { readonly records: Buffer | null }[]
  }[]
}): boolean {
  return request.topicData.some(({ partitionData }) =>
    partitionData.some(
      ({ records }) =>
        records !== null &&
        records.length >= RECORD_BATCH_HEADER_SIZE &&
        isTransactional(new RecordBatch(records)),
    ),
  )
}

function isTransactional(batch: RecordBatch): boolean {
  return batch.magic === MAGIC_V2 && batch.isTransactional
}

function transactionalIdMissing(): ProtocolError {
  return new ProtocolError(
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'a transactional batch needs the transactional id of its producer in the request',
  )
}

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

/** A checked batch on its way into a partition. */
interface Write {
  readonly partition: Partition
  readonly batch: RecordBatch
  readonly acks: number
  readonly result: PartitionResult
}

function prepare(
  partition: Partition,
  records: Buffer | null,
  options: {
    readonly acks: number
    readonly context: RequestContext
    readonly result: PartitionResult
  },
): Write {
  const { acks, context, result } = options
  const { config } = partition.topic
  const { broker, version } = context
  const received = requireOneBatch(records ?? EMPTY, { partition: partition.name, version })
  if (acks !== 0 && acks !== 1 && acks !== -1) {
    throw new ProtocolError('INVALID_REQUIRED_ACKS', `acks must be 0, 1 or -1, not ${acks}`)
  }
  if (partition.topic.isInternal && context.clientId !== ADMIN_CLIENT_ID) {
    throw new ProtocolError(
      'INVALID_TOPIC_EXCEPTION',
      `The request attempted to write to internal topic ${partition.topic.name}`,
    )
  }
  // `min.insync.replicas` asks for no more replicas than a partition has, as in Kafka: here that is one.
  const about = {
    partition: partition.name,
    config,
    nowMs: broker.world.clock.now(),
    version,
    maxDecompressedBytes: broker.config.number('socket.request.max.bytes'),
  }
  const { log } = partition
  // From here Kafka returns the log's start with most errors, see `fail`.
  result.logStartOffset = log.logStartOffset
  return { partition, batch: prepareBatch(received, about), acks, result }
}

/** Appends now; returns what to wait for before the acknowledgement. */
function append({ partition, batch, acks, result }: Write): Promise<void> | undefined {
  const { log } = partition
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

/** Appends what belongs to a transaction, once its coordinator has the partitions; each write's result tells the rest. */
function appendAdmitted(
  writes: readonly Write[],
  transactionalId: string | null,
  context: RequestContext,
): Promise<void> | undefined {
  const failAll = (error: unknown): void => {
    for (const { result } of writes) fail(result, protocolError(error, context))
  }
  const appendAll = async (): Promise<void> => {
    // In one go, so that what the producer sent after this comes after it.
    const durable = writes.map((write) => {
      try {
        return append(write)
      } catch (error) {
        return Promise.reject(error)
      }
    })
    const outcomes = await Promise.allSettled(durable)
    outcomes.forEach((outcome, i) => {
      const result = writes[i]?.result
      if (outcome.status === 'fulfilled' || result === undefined) return
      fail(result, protocolError(outcome.reason, context))
    })
  }
  try {
    const admission = admit(writes, transactionalId, context)
    return admission === undefined ? appendAll() : admission.then(appendAll, failAll)
  } catch (error) {
    failAll(error)
    return undefined
  }
}

function admit(
  writes: readonly Write[],
  transactionalId: string | null,
  { broker, version }: RequestContext,
): Promise<void> | undefined {
  if (transactionalId === null) throw transactionalIdMissing()
  // Kafka takes a transactional batch without a producer: no transaction covers it, and every reader sees it.
  const covered = writes.filter(({ batch }) => batch.hasProducerId)
  const [first] = covered
  if (first === undefined) return undefined
  const { producerId, producerEpoch } = first.batch
  if (covered.some(({ batch }) => batch.producerId !== producerId)) {
    throw new ProtocolError(
      'INVALID_PRODUCER_ID_MAPPING',
      `the request has transactional batches of several producers, ${producerId} among them`,
    )
  }
  return broker.transactionAdmission.admit(
    { transactionalId, producerId, producerEpoch },
    covered.map(({ partition }) => ({ topic: partition.topic.name, partition: partition.index })),
    { isImplicit: version >= FIRST_ADDING_VERSION, knowsAbortable: version > 10 },
  )
}

/** Errors of an append with which Kafka does not return the log's start. */
const codesWithoutLogStart: ReadonlySet<string> = new Set([
  'CORRUPT_MESSAGE',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'KAFKA_STORAGE_ERROR',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_LEADER_OR_FOLLOWER',
])

function fail(result: PartitionResult, error: ProtocolError): void {
  if (codesWithoutLogStart.has(error.code)) result.logStartOffset = -1n
  result.errorCode = error.errorCode
  result.baseOffset = -1n
  result.errorMessage = error.errorCode === ErrorCode.NONE ? null : textUnlessDenied(error)
  if (error instanceof InvalidRecordsError) {
    result.recordErrors = error.recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    }))
  }
}
