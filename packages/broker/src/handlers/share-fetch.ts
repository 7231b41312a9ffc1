// SPDX-License-Identifier: Apache-2.0
import { guard } from '@millrace/base'
import {
  ErrorCode,
  type MessageInput,
  type MessageOf,
  ProtocolError,
  ShareFetchRequest,
  ShareFetchResponse,
} from '@millrace/protocol'
import type { LiveSharePartition } from '../share/share-partitions.ts'
import { FINAL_EPOCH, type SessionPartition, type ShareSession } from '../share/share-sessions.ts'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'
import {
  type AcknowledgeOutcome,
  acknowledgeAll,
  endSession,
  requireMember,
  requireReadable,
} from './share-acknowledgements.ts'

type Request = MessageOf<typeof ShareFetchRequest>
type ResponsePartition = MessageInput<
  typeof ShareFetchResponse
>['responses'][number]['partitions'][number]

const BATCH_OPTIMIZED_MODE = 0
const RECORD_LIMIT_MODE = 1
const LOOKAHEAD_BYTES = 1024 * 1024

/**
 * ShareFetch (key 78): acquires records for a member of a share group (KIP-932), and acknowledges
 * earlier ones. v2 can request an exact number of records (KIP-1206) and renew locks (KIP-1222).
 */
export const shareFetch = defineHandler(ShareFetchRequest, ShareFetchResponse, (request, context) =>
  attempt(
    context,
    async () => {
      const { broker } = context
      const groupId = request.groupId ?? ''
      const memberId = request.memberId ?? ''
      check(request)
      context.access.requireGroup(groupId)
      const { session, acknowledged } = sessionOf(request, context)
      const outcomes = await acknowledgeAll(
        acknowledged,
        { groupId, memberId, isRenewal: request.isRenewAck },
        context,
      )
      const isFinal = request.shareSessionEpoch === FINAL_EPOCH
      if (isFinal) await endSession(session, context)
      const fetched = isFinal || request.isRenewAck ? [] : await fetchAll(session, request, context)
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        acquisitionLockTimeoutMs: broker.sharePartitions.settingsOf(groupId).lockDurationMs,
        responses: combined(fetched, outcomes),
        nodeEndpoints: [],
      }
    },
    (error) => refusal(error, request, context),
  ),
)

async function refusal(error: ProtocolError, request: Request, context: RequestContext) {
  // Its members retry at once, so the wait is here.
  if (error.code === 'SHARE_SESSION_LIMIT_REACHED') {
    await waitForRecords([], { context, timeoutMs: Math.max(0, request.maxWaitMs) })
  }
  return {
    throttleTimeMs: 0,
    errorCode: error.errorCode,
    errorMessage: textUnlessDenied(error),
    acquisitionLockTimeoutMs: 0,
    responses: [],
    nodeEndpoints: [],
  }
}

function check({ groupId, memberId, isRenewAck, ...limits }: Request): void {
  requireMember(groupId, memberId)
  if (!isRenewAck) return
  for (const name of ['maxBytes', 'minBytes', 'maxRecords', 'maxWaitMs'] as const) {
    if (limits[name] === 0) continue
    throw new ProtocolError('INVALID_REQUEST', `${name} must be set to 0, if isRenewAck is true.`)
  }
}

function sessionOf(request: Request, context: RequestContext) {
  const { broker } = context
  const partitions = request.topics.flatMap(({ topicId, partitions: list }) =>
    list.map(({ partitionIndex, acknowledgementBatches }) => ({
      topicId,
      partition: partitionIndex,
      batches: acknowledgementBatches,
    })),
  )
  const hasAcknowledgements = partitions.some(({ batches }) => batches.length > 0)
  const session = broker.shareSessions.forFetch({
    groupId: request.groupId ?? '',
    memberId: request.memberId ?? '',
    epoch: request.shareSessionEpoch,
    added: partitions.map(({ topicId, partition }) => ({
      topicId,
      partition,
      isKnown: broker.topics.byId(topicId) !== undefined,
    })),
    forgotten: request.forgottenTopicsData.flatMap(({ topicId, partitions: list }) =>
      list.map((partition) => ({ topicId, partition })),
    ),
    hasAcknowledgements,
  })
  if (request.shareSessionEpoch === 0) {
    endWithConnection(session, context)
  }
  return { session, acknowledged: hasAcknowledgements ? partitions : [] }
}

/** Share sessions created on a connection, which end with it, by group and member. */
const sessionsOf = new WeakMap<AbortSignal, Map<string, ShareSession>>()
/** Ended sessions are removed once there are more of them than this. */
const MAX_ENDED_SESSIONS = 16

/**
 * A client whose connection is closed will not acknowledge any more: its records are released at
 * once.
 */
function endWithConnection(session: ShareSession, context: RequestContext): void {
  const { broker, signal } = context
  const end = (each: ShareSession): void => {
    endSession(each, context).catch((error) =>
      broker.logger.debug('could not release records', { error }),
    )
  }
  // The connection may have closed while the request waited for its turn.
  if (signal.aborted) {
    end(session)
    return
  }
  let sessions = sessionsOf.get(signal)
  if (sessions === undefined) {
    const opened = new Map<string, ShareSession>()
    sessions = opened
    sessionsOf.set(signal, opened)
    signal.addEventListener('abort', () => {
      // An exception in an event listener would end the process.
      for (const each of opened.values()) {
        guard(
          () => end(each),
          (error) => broker.logger.error('ending a share session failed', { error }),
        )
      }
    })
  }
  sessions.set(`${session.memberId}/${session.groupId}`, session)
  if (sessions.size <= broker.shareSessions.size + MAX_ENDED_SESSIONS) return
  for (const [key, each] of sessions) if (!broker.shareSessions.has(each)) sessions.delete(key)
}

interface Fetched {
  readonly topicId: string
  readonly partition: ResponsePartition
}

/** A partition of a session that can be read. */
interface Ready {
  readonly at: SessionPartition
  readonly live: LiveSharePartition
}

async function fetchAll(
  session: ShareSession,
  request: Request,
  context: RequestContext,
): Promise<Fetched[]> {
  const { broker } = context
  const { shareAcquireMode: mode } = request
  const places = session.inTurn(request.shareSessionEpoch)
  if (places.length > 0 && mode !== BATCH_OPTIMIZED_MODE && mode !== RECORD_LIMIT_MODE) {
    throw new ProtocolError('UNKNOWN_SERVER_ERROR', `Unknown share acquire mode id: ${mode}`)
  }
  const failed: Fetched[] = []
  const ready: Ready[] = []
  for (const at of places) {
    const { topicId, partition, isKnown } = at
    const found = await attempt(
      context,
      async () => {
        requireReadable(topicId, context)
        const live = await broker.sharePartitions.get(session.groupId, topicId, partition)
        if (request.maxBytes >= 0) return live
        throw new ProtocolError('UNKNOWN_SERVER_ERROR', `maxBytes is ${request.maxBytes}`)
      },
      ({ code, errorCode, message }) => ({
        // Kafka's code for a topic that was deleted in the meantime.
        errorCode:
          isKnown && code === 'UNKNOWN_TOPIC_ID' ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : errorCode,
        errorMessage: message,
      }),
    )
    if ('state' in found) ready.push({ at, live: found })
    else {
      failed.push({ topicId, partition: { ...empty(partition), ...found } })
    }
  }
  const hasLimit = request.maxRecords === 0 || request.maxBytes === 0
  const fetched =
    ready.length === 0 || hasLimit ? [] : await readWhenReady(ready, { session, request, context })
  return [...fetched, ...failed].filter(({ topicId, partition }) => {
    const at = { topicId, partition: partition.partitionIndex }
    const hasRecords = (partition.acquiredRecords?.length ?? 0) > 0
    const hasError = partition.errorCode !== ErrorCode.NONE
    return session.responds(at, { hasRecords, hasError }) || request.shareSessionEpoch === 0
  })
}

interface Read {
  readonly session: ShareSession
  readonly request: Request
  readonly context: RequestContext
}

/** Reads as soon as there is enough, and whatever is available after the time-out. */
async function readWhenReady(ready: readonly Ready[], read: Read): Promise<Fetched[]> {
  const { request, context } = read
  const { clock } = context.broker.world
  const deadline = clock.monotonic() + Math.max(0, request.maxWaitMs)
  for (;;) {
    // Records must not be acquired for a client that has disconnected.
    if (context.signal.aborted) return []
    const left = deadline - clock.monotonic()
    if (left <= 0) return readAll(ready, read)
    if (hasEnough(ready, read)) {
      const fetched = readAll(ready, read)
      if (fetched.some(({ partition }) => partition.acquiredRecords?.length !== 0)) return fetched
    }
    await waitForRecords(ready, { context, timeoutMs: left })
  }
}

/** Whether `minBytes` can be read. */
function hasEnough(ready: readonly Ready[], { request, context }: Read): boolean {
  const { sharePartitions } = context.broker
  const maxBytes = maxBytesOf(ready, { request, context })
  const minBytes = Math.min(request.minBytes, maxBytes * ready.length)
  // Only whole batches are read: allow for one more than the minimum.
  const lookahead = minBytes <= 1 ? 1 : Math.min(maxBytes, minBytes + LOOKAHEAD_BYTES)
  let bytes = 0
  for (const { live } of ready) {
    const readable = sharePartitions.readable(live, lookahead)
    bytes += readable ?? 0
    if (readable !== undefined && bytes >= minBytes) return true
  }
  return false
}

/** Bytes for each partition: a large one does not prevent others from being read. */
function maxBytesOf(
  ready: readonly Ready[],
  { request, context }: Pick<Read, 'request' | 'context'>,
): number {
  const maxBytes = Math.min(
    request.maxBytes,
    context.broker.config.number('fetch.max.bytes'),
    context.replySpace.allowance(),
  )
  return Math.max(1, Math.floor(maxBytes / ready.length))
}

function readAll(ready: readonly Ready[], { session, request, context }: Read): Fetched[] {
  const { sharePartitions } = context.broker
  const open = ready.filter(({ live }) => sharePartitions.mayAcquire(live))
  const fetched: Fetched[] = []
  let maxRecords = request.maxRecords
  let hasRecords = false
  let reserved = 0
  for (const { at, live } of open) {
    const got = sharePartitions.fetch(live, session.memberId, {
      maxBytes: maxBytesOf(open, { request, context }),
      maxRecords,
      batchSize: request.batchSize,
      isStrict: request.shareAcquireMode === RECORD_LIMIT_MODE,
      atLeastOne: !hasRecords,
    })
    if (got.acquired.length > 0) hasRecords = true
    reserved += got.records.length
    for (const { first, last } of got.acquired) maxRecords -= last - first + 1
    fetched.push({
      topicId: at.topicId,
      partition: {
        ...empty(at.partition),
        records: got.records,
        acquiredRecords: got.acquired.map(({ first, last, deliveryCount }) => ({
          firstOffset: BigInt(first),
          lastOffset: BigInt(last),
          deliveryCount,
        })),
      },
    })
  }
  context.replySpace.reserve(reserved)
  // They are locked for the client already: it gets them, and waits afterwards.
  context.throttle.returned(reserved)
  return fetched
}

function empty(partitionIndex: number) {
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    acknowledgeErrorCode: ErrorCode.NONE,
    acknowledgeErrorMessage: null,
    currentLeader: { leaderId: 0, leaderEpoch: 0 },
    records: Buffer.alloc(0),
    acquiredRecords: [],
  }
}

/**
 * Resolves when records may be available, after the time-out, or when the client has disconnected.
 */
function waitForRecords(
  ready: readonly Pick<Ready, 'live'>[],
  { context, timeoutMs }: { readonly context: RequestContext; readonly timeoutMs: number },
): Promise<void> {
  const { signal, broker } = context
  return new Promise((resolve) => {
    const stops: (() => void)[] = []
    const done = (): void => {
      for (const stop of stops.splice(0)) stop()
      resolve()
    }
    const timer = broker.world.clock.setTimer(timeoutMs, done)
    stops.push(() => timer.cancel())
    signal.addEventListener('abort', done)
    stops.push(() => signal.removeEventListener('abort', done))
    for (const { live } of ready) {
      try {
        stops.push(live.partition.log.watch(done))
      } catch {
        // Its directory is offline, which the next check reports.
        return done()
      }
      live.watchers.add(done)
      stops.push(() => live.watchers.delete(done))
    }
  })
}

function combined(fetched: readonly Fetched[], outcomes: readonly AcknowledgeOutcome[]) {
  const topics = new Map<string, Map<number, ResponsePartition>>()
  const partitionsOf = (topicId: string): Map<number, ResponsePartition> => {
    const known = topics.get(topicId) ?? new Map<number, ResponsePartition>()
    topics.set(topicId, known)
    return known
  }
  for (const { topicId, partition } of fetched) {
    partitionsOf(topicId).set(partition.partitionIndex, partition)
  }
  for (const { topicId, partition, errorCode, errorMessage } of outcomes) {
    const partitions = partitionsOf(topicId)
    partitions.set(partition, {
      ...(partitions.get(partition) ?? empty(partition)),
      acknowledgeErrorCode: errorCode,
      acknowledgeErrorMessage: errorMessage,
    })
  }
  return [...topics].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.values()],
  }))
}
