// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  FetchRequest,
  FetchResponse,
  type MessageInput,
  ProtocolError,
} from '@millrace/protocol'
import type { PartitionLog } from '../log/partition-log.ts'
import { LogSlice } from '../log/shared-file.ts'
import type { Partition } from '../topics.ts'
import type { FetchedPartition, FetchItem, FetchPlan } from './fetch-sessions.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { protocolError } from './outcome.ts'

type Response = MessageInput<typeof FetchResponse>
const READ_COMMITTED = 1
const EMPTY = Buffer.alloc(0)
const NO_TOPICS: ReadonlySet<string> = new Set()
/**
 * A larger part of one partition is read from its file while it is sent, so that a reply uses
 * little memory.
 */
const READ_LIMIT = 64 * 1024
/** Limit for all partitions of a reply together. */
const MAX_READ_BYTES = 256 * 1024

/**
 * Fetch (key 1). v7 adds sessions (KIP-227), v12 divergence by epochs, v13 topic ids (KIP-516).
 * Waits up to `maxWaitMs` until `minBytes` can be read; returns durable records only.
 */
export const fetch = defineHandler(FetchRequest, FetchResponse, async (request, context) => {
  const { broker, version } = context
  const plan = broker.fetchSessions.plan(request, {
    version,
    nowMs: broker.world.clock.now(),
  })
  if (plan.error !== undefined) {
    return { errorCode: ErrorCode[plan.error], sessionId: plan.sessionId, responses: [] }
  }
  const isCommitted = request.isolationLevel === READ_COMMITTED
  const denied = deniedTopics(plan, request, context)
  const limits = {
    denied,
    maxBytes: Math.min(
      request.maxBytes,
      broker.config.number('fetch.max.bytes'),
      context.throttle.maxFetchBytes,
    ),
    isCommitted,
    version,
  }
  let results = readAll(plan, limits, context)
  if (shouldWait(results, request) && !context.signal.aborted) {
    await waitForRecords(plan, { context, request, isCommitted, denied })
    results = readAll(plan, limits, context)
  }
  if (!context.throttle.mayReturn(bytesOf(results))) {
    return { errorCode: ErrorCode.NONE, sessionId: plan.sessionId, responses: [] }
  }
  for (const { records } of results) if (records instanceof LogSlice) records.retain()
  return {
    errorCode: ErrorCode.NONE,
    sessionId: plan.sessionId,
    responses: plan.finish(results, version),
  }
})

function bytesOf(results: readonly FetchedPartition[]): number {
  let bytes = 0
  for (const { records } of results) bytes += records.length
  return bytes
}

interface Limits {
  /** Topics that the client is not authorized to read. */
  readonly denied: ReadonlySet<string>
  readonly maxBytes: number
  readonly isCommitted: boolean
  readonly version: number
}

interface PartitionLimits extends Limits {
  readonly atLeastOne: boolean
  readonly readLimit: number
}

function shouldWait(
  results: readonly FetchedPartition[],
  request: { readonly maxWaitMs: number; readonly minBytes: number },
): boolean {
  if (request.maxWaitMs <= 0 || request.minBytes <= 0) return false
  let bytes = 0
  for (const result of results) {
    if (result.response.errorCode !== ErrorCode.NONE || result.isDiverging) return false
    bytes += result.records.length
  }
  return bytes < request.minBytes
}

function readAll(plan: FetchPlan, limits: Limits, context: RequestContext): FetchedPartition[] {
  let remaining = limits.maxBytes
  let readBytes = 0
  let isFirst = true
  return plan.items.map((item) => {
    const result = readOne(item, {
      ...limits,
      maxBytes: remaining,
      atLeastOne: isFirst,
      readLimit: Math.min(READ_LIMIT, MAX_READ_BYTES - readBytes),
      context,
    })
    const { length } = result.records
    if (length > 0) isFirst = false
    if (!(result.records instanceof LogSlice)) readBytes += length
    remaining = Math.max(0, remaining - length)
    return result
  })
}

function readOne(
  item: FetchItem,
  options: PartitionLimits & { readonly context: RequestContext },
): FetchedPartition {
  const { context } = options
  try {
    const partition = locate(item, { context, denied: options.denied })
    partition.checkLeaderEpoch(item.currentLeaderEpoch)
    return readPartition(item, partition, options)
  } catch (error) {
    const { errorCode, code } = protocolError(error, context)
    const isMissing =
      code === 'UNKNOWN_TOPIC_OR_PARTITION' ||
      code === 'UNKNOWN_TOPIC_ID' ||
      code === 'TOPIC_AUTHORIZATION_FAILED'
    return {
      item,
      records: EMPTY,
      isDiverging: false,
      response: {
        partitionIndex: item.partition,
        errorCode,
        highWatermark: -1n,
        abortedTransactions: isMissing ? [] : null,
        records: EMPTY,
      },
    }
  }
}

function locate(
  item: FetchItem,
  options: { readonly context: RequestContext; readonly denied: ReadonlySet<string> },
): Partition {
  const { broker, version, access } = options.context
  const name = nameOf(item, options.context)
  if (name !== undefined && options.denied.has(name)) throw access.denial('topic')
  if (version < 13) return broker.topics.partition(item.topic, item.partition)
  return broker.topics.partitionById(item.topicId, item.partition)
}

function nameOf(item: FetchItem, { broker, version }: RequestContext): string | undefined {
  return version < 13 ? item.topic : broker.topics.byId(item.topicId)?.name
}

/** Topics that the client is not authorized to read. A replica may read all topics, or none. */
function deniedTopics(
  plan: FetchPlan,
  request: { readonly replicaId: number; readonly replicaState: { readonly replicaId: number } },
  context: RequestContext,
): ReadonlySet<string> {
  const { access, version } = context
  if (access.isOpen) return NO_TOPICS
  const names = plan.items.flatMap((item) => nameOf(item, context) ?? [])
  const replicaId = version >= 15 ? request.replicaState.replicaId : request.replicaId
  if (replicaId < 0) return access.deniedTopics(names)
  return access.allowsCluster() ? NO_TOPICS : new Set(names)
}

function readPartition(
  item: FetchItem,
  partition: Partition,
  options: PartitionLimits,
): FetchedPartition {
  const { log } = partition
  const { fetchOffset } = item
  const end = options.isCommitted ? log.lastStableOffset : log.highWatermark
  const places = {
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
  }
  const diverging = divergence(item, log)
  if (diverging !== undefined) {
    return {
      item,
      records: EMPTY,
      isDiverging: true,
      response: {
        partitionIndex: item.partition,
        errorCode: ErrorCode.NONE,
        ...places,
        divergingEpoch: diverging,
        abortedTransactions: null,
        records: EMPTY,
      },
    }
  }
  if (fetchOffset < log.logStartOffset || fetchOffset > log.logEndOffset) {
    throw new ProtocolError(
      'OFFSET_OUT_OF_RANGE',
      `offset ${fetchOffset} is outside ${partition.name}: ${log.logStartOffset} to ${log.logEndOffset}`,
    )
  }
  const maxBytes = Math.min(item.maxBytes, options.maxBytes)
  // A batch larger than all limits is returned alone, or its reader could never get past it
  // (KIP-74).
  const { atLeastOne, readLimit } = options
  const records =
    maxBytes <= 0 && !atLeastOne
      ? EMPTY
      : log.slice({ offset: fetchOffset, maxBytes, atLeastOne, endOffset: end, readLimit })
  return {
    item,
    records,
    isDiverging: false,
    response: {
      partitionIndex: item.partition,
      errorCode: ErrorCode.NONE,
      ...places,
      abortedTransactions: options.isCommitted
        ? log
            .abortedTransactions(fetchOffset, end)
            .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
        : null,
      records,
    },
  }
}

function divergence(
  item: FetchItem,
  log: PartitionLog,
): { readonly epoch: number; readonly endOffset: bigint } | undefined {
  if (item.lastFetchedEpoch < 0) return undefined
  const end = log.leaderEpochs.endOf(item.lastFetchedEpoch, log.logEndOffset)
  if (end === undefined) return undefined
  if (end.epoch >= item.lastFetchedEpoch && end.endOffset >= item.fetchOffset) return undefined
  return end
}

/** Resolves when enough is readable, after the time-out, or when the client has disconnected. */
function waitForRecords(
  plan: FetchPlan,
  options: {
    readonly context: RequestContext
    readonly request: { readonly maxWaitMs: number; readonly minBytes: number }
    readonly isCommitted: boolean
    readonly denied: ReadonlySet<string>
  },
): Promise<void> {
  const { context, request, isCommitted, denied } = options
  const { signal } = context
  return new Promise((resolve) => {
    const stops: (() => void)[] = []
    const done = (): void => {
      for (const stop of stops.splice(0)) stop()
      resolve()
    }
    const timer = context.broker.world.clock.setTimer(request.maxWaitMs, done)
    stops.push(() => timer.cancel())
    signal.addEventListener('abort', done)
    stops.push(() => signal.removeEventListener('abort', done))
    const ends: WatchedEnd[] = []
    let readableBytes: number | undefined
    for (const item of plan.items) {
      let log: PartitionLog
      try {
        log = locate(item, { context, denied }).log
      } catch {
        continue
      }
      const watched: WatchedEnd = { log, fetchOffset: item.fetchOffset, bytes: 0 }
      ends.push(watched)
      stops.push(
        log.watch(() => {
          if (log.failure !== undefined) return done()
          const end = isCommitted ? log.lastStableOffset : log.highWatermark
          if (end <= item.fetchOffset) return
          if (request.minBytes > 1) {
            // All partitions are counted once, later only the one that has grown.
            const grown = readableBytes === undefined ? ends : [watched]
            readableBytes ??= 0
            for (const each of grown) readableBytes += countGrowth(each, isCommitted)
            if (readableBytes < request.minBytes) return
          }
          done()
        }),
      )
    }
  })
}

/** A partition that a fetch waits for, and its readable size when last checked. */
interface WatchedEnd {
  readonly log: PartitionLog
  readonly fetchOffset: bigint
  bytes: number
}

function countGrowth(watched: WatchedEnd, isCommitted: boolean): number {
  const { log } = watched
  const before = watched.bytes
  const end = isCommitted ? log.lastStableOffset : log.highWatermark
  watched.bytes = log.bytesBetween(watched.fetchOffset, end)
  return watched.bytes - before
}

export type FetchResponsePartition = Response['responses'][number]['partitions'][number]
