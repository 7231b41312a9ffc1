// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'
import {
  ErrorCode,
  type ErrorName,
  type FetchRequest,
  type MessageOf,
  ZERO_UUID,
} from '@millrace/protocol'
import type { LogSlice } from '../log/shared-file.ts'
import { nextSessionEpoch } from '../session-epoch.ts'
import type { FetchResponsePartition } from './fetch.ts'

const NO_SESSION = 0
/** A full fetch that creates a session. */
const INITIAL_EPOCH = 0
/** A full fetch without a session, which closes a session that it names. */
const FINAL_EPOCH = -1
/** A session idle for longer may be evicted for a new one. */
const MIN_IDLE_TO_EVICT_MS = 120_000

export interface FetchItem {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: bigint
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
  readonly maxBytes: number
}

export interface FetchedPartition {
  readonly item: FetchItem
  readonly records: Buffer | LogSlice
  readonly isDiverging: boolean
  readonly response: FetchResponsePartition
}

interface ResponseTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: FetchResponsePartition[]
}

/** Partitions to read for a request, and how to select the results for its response. */
export interface FetchPlan {
  readonly error?: ErrorName
  readonly sessionId: number
  readonly items: readonly FetchItem[]
  finish(results: readonly FetchedPartition[], version: number): ResponseTopic[]
}

interface CachedPartition {
  item: FetchItem
  highWatermark: bigint
  logStartOffset: bigint
  hadError: boolean
}

interface Session {
  readonly id: number
  readonly usesTopicIds: boolean
  epoch: number
  lastUsedMs: number
  /** In reading order; a partition that returned records moves to the end. */
  readonly partitions: Map<string, CachedPartition>
}

/**
 * Incremental fetch sessions (KIP-227): requests name only changes, and responses contain only
 * changes.
 */
export class FetchSessions {
  readonly #random: Random
  readonly #maxSessions: number
  readonly #sessions = new Map<number, Session>()

  constructor(options: { readonly random: Random; readonly maxSessions: number }) {
    this.#random = options.random
    this.#maxSessions = options.maxSessions
  }

  get size(): number {
    return this.#sessions.size
  }

  plan(
    request: MessageOf<typeof FetchRequest>,
    context: { readonly version: number; readonly nowMs: number },
  ): FetchPlan {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#sessions.delete(sessionId)
      const items = withoutRepetition(itemsOf(request))
      return sessionEpoch === FINAL_EPOCH ? fullPlan(items) : this.#open(items, context)
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return failedPlan('FETCH_SESSION_ID_NOT_FOUND')
    if (session.epoch !== sessionEpoch) return failedPlan('INVALID_FETCH_SESSION_EPOCH')
    if (session.usesTopicIds !== context.version >= 13) {
      return failedPlan('FETCH_SESSION_TOPIC_ID_ERROR')
    }
    session.epoch = nextSessionEpoch(session.epoch)
    session.lastUsedMs = context.nowMs
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions)
        session.partitions.delete(keyOf({ topic, topicId, partition }))
    }
    for (const item of itemsOf(request)) {
      const known = session.partitions.get(keyOf(item))
      if (known === undefined) session.partitions.set(keyOf(item), newPartition(item))
      else known.item = item
    }
    return {
      sessionId,
      items: [...session.partitions.values()].map((cached) => cached.item),
      finish: (results) => groupByTopic(changedOnly(session, results)),
    }
  }

  #open(
    items: readonly FetchItem[],
    context: { readonly version: number; readonly nowMs: number },
  ): FetchPlan {
    if (items.length === 0 || !this.#makeRoom(context.nowMs)) return fullPlan(items)
    let id: number
    do id = this.#random.integer(0x7ffffffe) + 1
    while (this.#sessions.has(id))
    const session: Session = {
      id,
      usesTopicIds: context.version >= 13,
      epoch: INITIAL_EPOCH + 1,
      lastUsedMs: context.nowMs,
      partitions: new Map(items.map((item) => [keyOf(item), newPartition(item)])),
    }
    this.#sessions.set(id, session)
    return {
      sessionId: id,
      items,
      finish: (results) => {
        changedOnly(session, results)
        return groupByTopic(results)
      },
    }
  }

  #makeRoom(nowMs: number): boolean {
    if (this.#sessions.size < this.#maxSessions) return true
    for (const session of this.#sessions.values()) {
      if (nowMs - session.lastUsedMs > MIN_IDLE_TO_EVICT_MS) {
        this.#sessions.delete(session.id)
        return true
      }
    }
    return false
  }
}

function keyOf({
  topic,
  topicId,
  partition,
}: Pick<FetchItem, 'topic' | 'topicId' | 'partition'>): string {
  return topicId === ZERO_UUID ? `${topic}-${partition}` : `${topicId}-${partition}`
}

function newPartition(item: FetchItem): CachedPartition {
  return { item, highWatermark: -1n, logStartOffset: -1n, hadError: false }
}

function itemsOf(request: MessageOf<typeof FetchRequest>): FetchItem[] {
  const items: FetchItem[] = []
  for (const { topic, topicId, partitions } of request.topics) {
    for (const partition of partitions) {
      items.push({
        topic,
        topicId,
        partition: partition.partition,
        fetchOffset: partition.fetchOffset,
        currentLeaderEpoch: partition.currentLeaderEpoch,
        lastFetchedEpoch: partition.lastFetchedEpoch,
        maxBytes: partition.partitionMaxBytes,
      })
    }
  }
  return items
}

/** As in Kafka, the last of repeated entries for a partition counts. */
function withoutRepetition(items: FetchItem[]): FetchItem[] {
  if (items.length < 2) return items
  const byKey = new Map(items.map((item) => [keyOf(item), item]))
  return byKey.size === items.length ? items : [...byKey.values()]
}

function failedPlan(error: ErrorName): FetchPlan {
  return { error, sessionId: NO_SESSION, items: [], finish: () => [] }
}

function fullPlan(items: readonly FetchItem[]): FetchPlan {
  return { sessionId: NO_SESSION, items, finish: groupByTopic }
}

/** Selects results that are new to the client, and remembers what was sent. */
function changedOnly(session: Session, results: readonly FetchedPartition[]): FetchedPartition[] {
  return results.filter(({ item, records, isDiverging, response }) => {
    const key = keyOf(item)
    const cached = session.partitions.get(key)
    if (cached === undefined) return true
    const size = records.length
    const hasError = response.errorCode !== ErrorCode.NONE
    const isChanged =
      size > 0 ||
      hasError ||
      isDiverging ||
      cached.hadError ||
      cached.highWatermark !== response.highWatermark ||
      cached.logStartOffset !== (response.logStartOffset ?? -1n)
    cached.highWatermark = response.highWatermark
    cached.logStartOffset = response.logStartOffset ?? -1n
    cached.hadError = hasError
    if (size > 0) {
      // Partitions with records move to the end, so that a full response does not starve the
      // others.
      session.partitions.delete(key)
      session.partitions.set(key, cached)
    }
    return isChanged
  })
}

function groupByTopic(results: readonly FetchedPartition[]): ResponseTopic[] {
  const topics: ResponseTopic[] = []
  let current: ResponseTopic | undefined
  for (const { item, response } of results) {
    if (current === undefined || current.topic !== item.topic || current.topicId !== item.topicId) {
      current = topics.find((topic) => topic.topic === item.topic && topic.topicId === item.topicId)
      if (current === undefined) {
        current = { topic: item.topic, topicId: item.topicId, partitions: [] }
        topics.push(current)
      }
    }
    current.partitions.push(response)
  }
  return topics
}
