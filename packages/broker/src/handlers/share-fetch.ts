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
import { attempt } from './outcome.ts'
import { type AcknowledgeOutcome, acknowledgeAll } from './share-acknowledgements.ts'

type Request = MessageOf<typeof ShareFetchRequest>
type ResponsePartition = MessageInput<
  typeof ShareFetchResponse
>['responses'][number]['partitions'][number]

const RECORD_LIMIT_MODE = 1

/**
 * ShareFetch (key 78): records for a member of a share group, with locks on them (KIP-932); says what became of earlier ones on the
 * way. v2 can ask for an exact number (KIP-1206) and renew locks (KIP-1222).
 */
export const shareFetch = defineHandler(ShareFetchRequest, ShareFetchResponse, (request, context) =>
  attempt(
    context,
    async () => {
      const { broker } = context
      const groupId = request.groupId ?? ''
      const memberId = request.memberId ?? ''
      check(request)
      const { session, acknowledged } = sessionOf(request, context)
      const outcomes = await acknowledgeAll(
        acknowledged,
        { groupId, memberId, isRenewal: request.isRenewAck },
        context,
      )
      const isFinal = request.shareSessionEpoch === FINAL_EPOCH
      if (isFinal) {
        if (broker.shareSessions.end(session)) {
          await broker.sharePartitions.release(groupId, memberId)
        }
      }
      const fetched = isFinal || request.isRenewAck ? [] : await fetchAll(session, request, context)
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE as number,
        errorMessage: null as string | null,
        acquisitionLockTimeoutMs: broker.sharePartitions.settingsOf(groupId).lockDurationMs,
        responses: combined(fetched, outcomes),
        nodeEndpoints: [],
      }
    },
    ({ errorCode, message }) => ({
      throttleTimeMs: 0,
      errorCode: errorCode as number,
      errorMessage: message as string | null,
      acquisitionLockTimeoutMs: 0,
      responses: [],
      nodeEndpoints: [],
    }),
  ),
)

function check({ groupId, memberId, isRenewAck, ...limits }: Request): void {
  if (groupId === null || groupId === '') {
    throw new ProtocolError('INVALID_REQUEST', 'Invalid group id in the request.')
  }
  if (memberId === null || memberId === '') {
    throw new ProtocolError('INVALID_REQUEST', 'Invalid member id in the request.')
  }
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
  const acknowledged = partitions.filter(({ batches }) => batches.length > 0)
  const session = broker.shareSessions.forFetch({
    groupId: request.groupId ?? '',
    memberId: request.memberId ?? '',
    epoch: request.shareSessionEpoch,
    added: partitions.map(({ topicId, partition }) => ({ topicId, partition })),
    forgotten: request.forgottenTopicsData.flatMap(({ topicId, partitions: list }) =>
      list.map((partition) => ({ topicId, partition })),
    ),
    hasAcknowledgements: acknowledged.length > 0,
  })
  if (request.shareSessionEpoch === 0) {
    endWithConnection(session, context)
  }
  return { session, acknowledged }
}

/** The share sessions that were opened on a connection, which end with it, by group and member. */
const sessionsOf = new WeakMap<AbortSignal, Map<string, ShareSession>>()
/** Sessions that have ended are forgotten once there are more of them than this. */
const MAX_ENDED_SESSIONS = 16

/** A client whose connection is closed will not acknowledge any more: its records go to others at once. */
function endWithConnection(session: ShareSession, { broker, signal }: RequestContext): void {
  const end = (each: ShareSession): void => {
    if (!broker.shareSessions.end(each)) return
    broker.sharePartitions
      .release(each.groupId, each.memberId)
      .catch((error) => broker.logger.debug('could not release records', { error }))
  }
  // It may have closed while the request waited for its turn.
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
      // An exception in a listener of an event would end the process.
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

async function fetchAll(
  session: ShareSession,
  request: Request,
  context: RequestContext,
): Promise<Fetched[]> {
  const { broker } = context
  const failed: Fetched[] = []
  const ready: { readonly at: SessionPartition; readonly live: LiveSharePartition }[] = []
  for (const at of session.partitions.values()) {
    const { topicId, partition } = at
    const found = await attempt(
      context,
      () => broker.sharePartitions.get(session.groupId, topicId, partition),
      ({ errorCode, message }) => ({ errorCode: errorCode as number, errorMessage: message }),
    )
    if ('state' in found) ready.push({ at, live: found })
    else {
      failed.push({ topicId, partition: { ...empty(partition), ...found } })
    }
  }
  session.rotate()
  const read = (): Fetched[] =>
    // A client that has gone must not be given anything.
    context.signal.aborted ? [] : readAll(ready, { session, request, context })
  let fetched = read()
  const mayWait = fetched.length === 0 && failed.length === 0 && request.maxWaitMs > 0
  if (mayWait && !context.signal.aborted) {
    const deadline = broker.world.clock.monotonic() + request.maxWaitMs
    do {
      const left = deadline - broker.world.clock.monotonic()
      if (left <= 0) break
      await waitForRecords(ready, { context, timeoutMs: left })
      fetched = read()
    } while (fetched.length === 0 && !context.signal.aborted)
  }
  return [...fetched, ...failed]
}

function readAll(
  ready: readonly { readonly at: SessionPartition; readonly live: LiveSharePartition }[],
  {
    session,
    request,
    context,
  }: {
    readonly session: ShareSession
    readonly request: Request
    readonly context: RequestContext
  },
): Fetched[] {
  const fetched: Fetched[] = []
  let records = request.maxRecords
  let bytes = Math.min(
    request.maxBytes,
    context.broker.config.number('fetch.max.bytes'),
    Math.max(1, context.replySpace.allowance()),
  )
  let reserved = 0
  for (const { at, live } of ready) {
    if (records <= 0 || bytes <= 0) break
    const got = context.broker.sharePartitions.fetch(live, session.memberId, {
      maxBytes: bytes,
      maxRecords: records,
      isStrict: request.shareAcquireMode === RECORD_LIMIT_MODE,
      atLeastOne: fetched.length === 0,
    })
    if (got.acquired.length === 0) continue
    bytes -= got.records.length
    reserved += got.records.length
    for (const { first, last } of got.acquired) records -= last - first + 1
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
  return fetched
}

function empty(partitionIndex: number) {
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE as number,
    errorMessage: null as string | null,
    acknowledgeErrorCode: ErrorCode.NONE as number,
    acknowledgeErrorMessage: null as string | null,
    currentLeader: { leaderId: 0, leaderEpoch: 0 },
    records: Buffer.alloc(0),
    acquiredRecords: [],
  }
}

/** Resolves when there may be something to acquire, when time is up, or when the client went away. */
function waitForRecords(
  ready: readonly { readonly live: LiveSharePartition }[],
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
      stops.push(live.partition.log.watch(done))
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
