// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  MAGIC_V2,
  type MessageInput,
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
/** Client id with which Kafka's tools write to internal topics. */
const ADMIN_CLIENT_ID = '__admin_client'
/**
 * First version in which the request itself adds its partitions to the transaction (KIP-890 part
 * 2).
 */
const FIRST_ADDING_VERSION = 12

/**
 * Produce (key 0). Batches are appended in order of arrival before anything is awaited, so that
 * requests of one connection may overlap; `acks=all` then waits for the disk. v12 adds partitions
 * to transactions, v13 uses topic ids.
 */
export const produce = defineHandler(
  ProduceRequest,
  ProduceResponse,
  (request, context) => {
    const { acks } = request
    const waits: Promise<void>[] = []
    const transactional: Write[] = []
    /** Checks of the schemas of transactional batches, and the batches that were refused. */
    const checks: Promise<void>[] = []
    const refused = new Set<Write>()
    const refuse = (write: Write, error: unknown): void => {
      refused.add(write)
      fail(write.result, protocolError(error, context))
    }
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
          const checked = checkSchemas(write, context)
          if (write.batch.isTransactional) {
            if (checked !== undefined) checks.push(checked.catch((error) => refuse(write, error)))
            transactional.push(write)
          } else if (checked === undefined) wait(write, append(write))
          else
            wait(
              write,
              checked.then(() => append(write)),
            )
        } catch (error) {
          fail(result, protocolError(error, context))
        }
        return result
      }),
    }))
    if (transactional.length > 0) {
      const appendAll = (): Promise<void> | undefined =>
        appendAdmitted(
          transactional.filter((write) => !refused.has(write)),
          request.transactionalId,
          context,
        )
      const admitted = checks.length === 0 ? appendAll() : Promise.all(checks).then(appendAll)
      if (admitted !== undefined) waits.push(admitted)
    }
    const finish = (): MessageInput<typeof ProduceResponse> | undefined => {
      if (acks !== 0) return { responses }
      const failure = responses
        .flatMap((topic) => topic.partitionResponses)
        .find((partition) => partition.errorCode !== 0)
      // There is no reply for the error: as in Kafka, the connection is closed to signal it.
      if (failure !== undefined) {
        throw new ProtocolError(
          'NETWORK_EXCEPTION',
          `acks=0 produce failed: ${failure.errorMessage}`,
        )
      }
      return undefined
    }
    return waits.length === 0 ? finish() : Promise.all(waits).then(finish)
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
  // An unknown topic id has its own error.
  const isAllowed =
    access.isOpen ||
    known === undefined ||
    access.allowsTopic(known, { count: partitionData.length })
  return partitionData.map((data) => write(data, isAllowed))
}

/**
 * Whether the request has transactional batches without a transactional id for which the client is
 * authorized.
 */
function isForeignTransaction(
  request: MessageOf<typeof ProduceRequest>,
  { access }: RequestContext,
): boolean {
  const { transactionalId } = request
  if (transactionalId !== null && access.isOpen) return false
  if (!hasTransactionalBatch(request)) return false
  return transactionalId === null || !access.allows('transactionalId', transactionalId)
}

/** Whether a batch is transactional; without its id the whole request is rejected. */
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

/** A validated batch to be written to a partition. */
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
  // As in Kafka, `min.insync.replicas` requires no more replicas than a partition has, which is
  // one.
  const about = {
    partition: partition.name,
    config,
    nowMs: broker.world.clock.now(),
    version,
    maxDecompressedBytes: broker.config.number('socket.request.max.bytes'),
  }
  const { log } = partition
  // From here on Kafka returns the log start offset with most errors, see `fail`.
  result.logStartOffset = log.logStartOffset
  return { partition, batch: prepareBatch(received, about), acks, result }
}

/** Checks the schemas of the records, if the topic requires them. See `RecordSchemas.check`. */
function checkSchemas(
  { partition, batch }: Write,
  { broker }: RequestContext,
): Promise<void> | undefined {
  const { name, config } = partition.topic
  const { schemaRules } = config
  if (schemaRules === undefined) return undefined
  if (broker.recordSchemas === undefined) {
    throw new ProtocolError(
      'INVALID_CONFIG',
      `topic ${name} requires schemas, and the broker has no confluent.schema.registry.url`,
    )
  }
  const about = { topic: name, partition: partition.name, rules: schemaRules }
  return broker.recordSchemas.check(batch, about)
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

/**
 * Appends a transactional batch once its coordinator has the partitions; the result of each write
 * has the rest.
 */
function appendAdmitted(
  writes: readonly Write[],
  transactionalId: string | null,
  context: RequestContext,
): Promise<void> | undefined {
  const failAll = (error: unknown): void => {
    for (const { result } of writes) fail(result, protocolError(error, context))
  }
  const appendAll = async (): Promise<void> => {
    // In one step, so that later batches of the producer come after it.
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
  // Kafka accepts a transactional batch without a producer: no transaction covers it, and every
  // reader sees it.
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

/** Errors of an append with which Kafka does not return the log start offset. */
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
