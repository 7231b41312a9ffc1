// SPDX-License-Identifier: Apache-2.0
import { guard, MillraceError } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  FetchRequest,
  FetchResponse,
  type MessageOf,
  ProtocolError,
  ZERO_UUID,
} from '@millrace/protocol'
import { channels } from '../diagnostics.ts'
import type { Cluster } from '../metadata/cluster.ts'
import type { BrokerConnection } from '../network/broker-connection.ts'
import { type FetchPartition, FetchSession, type SessionRequest } from './fetch-session.ts'
import { FetchedData } from './fetched-data.ts'
import type { PartitionState } from './partition-state.ts'

export interface FetchOptions {
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly fetchMaxWaitMs: number
  readonly maxPartitionFetchBytes: number
  readonly maxPrefetchBytes: number
  readonly isReadCommitted: boolean
  readonly clientRack: string
}

/**
 * Maximum hold of a fetch while another partition of the same broker is full and may drain at any
 * moment.
 */
const SHORT_WAIT_MS = 20

type FetchedPartition = MessageOf<typeof FetchResponse>['responses'][number]['partitions'][number]

/**
 * Keeps one fetch in flight to each broker that leads an assigned partition, and passes the replies
 * to the partitions.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: FetchOptions
  readonly #assigned: () => Iterable<PartitionState>
  readonly #onOffsetOutOfRange: (state: PartitionState) => void
  readonly #wake: () => void
  readonly #sessions = new Map<number, FetchSession>()
  readonly #busyNodes = new Set<number>()
  #isClosed = false

  constructor(options: {
    readonly cluster: Cluster
    readonly fetch: FetchOptions
    readonly assigned: () => Iterable<PartitionState>
    readonly onOffsetOutOfRange: (state: PartitionState) => void
    readonly wake: () => void
  }) {
    this.#cluster = options.cluster
    this.#options = options.fetch
    this.#assigned = options.assigned
    this.#onOffsetOutOfRange = options.onOffsetOutOfRange
    this.#wake = options.wake
  }

  /** Sends all fetches that are due. Cheap to call often. */
  fetch(): void {
    if (this.#isClosed) return
    const { maxPartitionFetchBytes, maxPrefetchBytes } = this.#options
    const now = this.#cluster.clock.monotonic()
    const byNode = new Map<number, { wanted: FetchPartition[]; hasFull: boolean }>()
    let buffered = 0
    for (const state of this.#assigned()) buffered += state.bufferedBytes
    if (buffered >= maxPrefetchBytes) return
    let needsMetadata = false
    for (const state of this.#assigned()) {
      // A paused partition is read ahead a little, so that it resumes at once.
      if (state.isPaused && state.hasData) continue
      if (state.fetchOffset === undefined || state.error !== undefined) continue
      if (state.isValidating || state.retryAt > now) continue
      if (state.topicId !== undefined && !this.#cluster.hasTopicId(state.topic, state.topicId)) {
        this.#onMissingTopic(state, state.topicId)
        continue
      }
      const topic = this.#cluster.metadata.topics.get(state.topic)
      const partition = topic?.partitions[state.partition]
      const node = this.#nodeFor(state, partition?.leader ?? -1, now)
      if (topic === undefined || partition === undefined || node === undefined) {
        needsMetadata = true
        continue
      }
      if (this.#busyNodes.has(node) && !state.isNewlyPositioned) continue
      const entry = byNode.get(node) ?? { wanted: [], hasFull: false }
      byNode.set(node, entry)
      if (state.bufferedBytes > maxPartitionFetchBytes) {
        entry.hasFull = true
        continue
      }
      state.isNewlyPositioned = false
      entry.wanted.push({
        topic: state.topic,
        topicId: topic.id,
        partition: state.partition,
        fetchOffset: state.fetchOffset,
        currentLeaderEpoch: partition.leaderEpoch,
        partitionMaxBytes: maxPartitionFetchBytes,
      })
    }
    if (needsMetadata) this.#cluster.requestRefresh()
    for (const [node, { wanted, hasFull }] of byNode) {
      if (wanted.length === 0) continue
      if (this.#busyNodes.has(node)) {
        this.#attempt(() => this.#fetchAside(node, wanted))
        continue
      }
      this.#busyNodes.add(node)
      const limits = {
        maxBytes: Math.min(this.#options.fetchMaxBytes, maxPrefetchBytes - buffered),
        maxWaitMs: hasFull
          ? Math.min(SHORT_WAIT_MS, this.#options.fetchMaxWaitMs)
          : this.#options.fetchMaxWaitMs,
      }
      this.#attempt(() => this.#fetchFrom(node, wanted, limits))
    }
  }

  /** Starts a fetch. An unexpected exception is thrown by the next read of the consumer. */
  #attempt(fetch: () => Promise<void>): void {
    guard(fetch, (error) => {
      for (const state of this.#assigned()) state.error ??= error
      this.#wake()
    })
  }

  /** No topic has the id that the partition requires: an error if it persists. */
  #onMissingTopic(state: PartitionState, topicId: string): void {
    const error = this.#cluster.lossOf(state.topic, topicId)
    const { retryBackoffMs } = this.#cluster.options
    if (error === undefined) {
      state.retryAt = this.#cluster.clock.monotonic() + retryBackoffMs
      this.#cluster.clock.setTimer(retryBackoffMs, () => this.fetch())
      return
    }
    state.error = error
    this.#wake()
  }

  #nodeFor(state: PartitionState, leader: number, now: number): number | undefined {
    const { preferredReplica } = state
    if (preferredReplica !== undefined) {
      if (preferredReplica.until > now && this.#cluster.metadata.nodes.has(preferredReplica.node)) {
        return preferredReplica.node
      }
      state.preferredReplica = undefined
    }
    return this.#cluster.metadata.nodes.has(leader) ? leader : undefined
  }

  async #fetchFrom(
    node: number,
    wanted: readonly FetchPartition[],
    limits: { readonly maxBytes: number; readonly maxWaitMs: number },
  ): Promise<void> {
    let session = this.#sessions.get(node)
    if (session === undefined) {
      session = new FetchSession()
      this.#sessions.set(node, session)
    }
    try {
      const connection =
        this.#cluster.existing(node, 'data') ?? (await this.#cluster.connect(node, 'data'))
      const began = this.#cluster.clock.monotonic()
      const response = await this.#request(connection, session.build(wanted), limits)
      this.#busyNodes.delete(node)
      if (this.#isClosed) return
      if (session.answered(response)) {
        this.#store(session, response, began)
        if (channels.fetch.hasSubscribers) {
          const durationMs = this.#cluster.clock.monotonic() - began
          channels.fetch.publish({ node, durationMs, topics: response.responses.length })
        }
      } else if (response.errorCode === ErrorCode.UNKNOWN_TOPIC_ID) this.#cluster.requestRefresh()
      this.fetch()
    } catch (error) {
      session.lost()
      if (this.#isClosed) return
      if (!(error instanceof MillraceError && error.retriable)) {
        for (const state of this.#assigned()) state.error ??= error as Error
        this.#busyNodes.delete(node)
        this.#wake()
        return
      }
      for (const state of this.#assigned()) {
        if (state.preferredReplica?.node === node) state.preferredReplica = undefined
      }
      this.#cluster.requestRefresh()
      const { retryBackoffMs } = this.#cluster.options
      this.#cluster.clock.setTimer(retryBackoffMs, () => {
        this.#busyNodes.delete(node)
        this.fetch()
      })
    }
  }

  /**
   * Reads partitions that just got their position while the broker still holds the previous fetch,
   * which can take `fetchMaxWaitMs`: a single fetch without a session, answered at once, on the
   * connection for short requests.
   */
  async #fetchAside(node: number, wanted: readonly FetchPartition[]): Promise<void> {
    const session = new FetchSession()
    const began = this.#cluster.clock.monotonic()
    try {
      const connection = await this.#cluster.connect(node, 'control')
      const request = { ...session.build(wanted), sessionEpoch: -1 }
      const limits = { maxBytes: this.#options.fetchMaxBytes, maxWaitMs: 0 }
      const response = await this.#request(connection, request, limits)
      if (!this.#isClosed && response.errorCode === ErrorCode.NONE)
        this.#store(session, response, began)
    } catch (error) {
      // The next fetch meets the same error and handles it.
      this.#cluster.options.logger.debug('a fetch on the side failed', { node, error })
    }
  }

  #request(
    connection: BrokerConnection,
    { sessionId, sessionEpoch, changed, forgotten }: SessionRequest,
    { maxBytes, maxWaitMs }: { readonly maxBytes: number; readonly maxWaitMs: number },
  ): Promise<MessageOf<typeof FetchResponse>> {
    const hasIds = [...changed, ...forgotten].every(({ topicId }) => topicId !== ZERO_UUID)
    const topics = byTopic(changed).map((partitions) => ({
      topic: partitions[0]?.topic ?? '',
      topicId: partitions[0]?.topicId ?? '',
      partitions: partitions.map(
        ({ partition, fetchOffset, currentLeaderEpoch, partitionMaxBytes }) => ({
          partition,
          fetchOffset,
          currentLeaderEpoch,
          partitionMaxBytes,
        }),
      ),
    }))
    const forgottenTopicsData = byTopic(forgotten).map((partitions) => ({
      topic: partitions[0]?.topic ?? '',
      topicId: partitions[0]?.topicId ?? '',
      partitions: partitions.map(({ partition }) => partition),
    }))
    return connection.request(
      FetchRequest,
      FetchResponse,
      {
        maxWaitMs,
        minBytes: this.#options.fetchMinBytes,
        maxBytes,
        isolationLevel: this.#options.isReadCommitted ? 1 : 0,
        sessionId,
        sessionEpoch,
        topics,
        forgottenTopicsData,
        rackId: this.#options.clientRack,
      },
      hasIds ? {} : { maxVersion: 12 },
    )
  }

  #store(session: FetchSession, response: MessageOf<typeof FetchResponse>, began: number): void {
    const states = new Map<string, PartitionState>()
    for (const state of this.#assigned()) states.set(`${state.topic}/${state.partition}`, state)
    let isNews = false
    for (const topic of response.responses) {
      for (const fetched of topic.partitions) {
        const asked = session.find({ name: topic.topic, id: topic.topicId }, fetched.partitionIndex)
        const state = asked && states.get(`${asked.topic}/${asked.partition}`)
        // The partition was revoked, moved by a seek, or requested again in the meantime.
        if (state === undefined || state.fetchOffset !== asked?.fetchOffset) continue
        isNews = this.#storePartition(state, fetched, { response, began }) || isNews
      }
    }
    if (isNews) this.#wake()
  }

  /** Whether the consumer has something to process. */
  #storePartition(
    state: PartitionState,
    fetched: FetchedPartition,
    context: { readonly response: MessageOf<typeof FetchResponse>; readonly began: number },
  ): boolean {
    if (fetched.errorCode !== ErrorCode.NONE) {
      this.#failPartition(state, fetched, context.response)
      return true
    }
    state.highWatermark = fetched.highWatermark
    state.lastStableOffset = fetched.lastStableOffset
    if (fetched.logStartOffset >= 0n) state.logStartOffset = fetched.logStartOffset
    if (fetched.preferredReadReplica >= 0) {
      const until = context.began + this.#cluster.options.metadataMaxAgeMs
      state.preferredReplica = { node: fetched.preferredReadReplica, until }
    }
    if (fetched.records === null || fetched.records.length === 0) return false
    const data = new FetchedData(fetched.records, fetched.abortedTransactions ?? [])
    if (data.endOffset < 0n) {
      // Brokers return a first batch whole however large it is, so this is not a truncated batch.
      state.error = new ProtocolError(
        'CORRUPT_MESSAGE',
        `${state.topic}-${state.partition} at offset ${state.fetchOffset}: ${fetched.records.length} bytes are not a whole batch`,
      )
      return true
    }
    state.add(data)
    return true
  }

  #failPartition(
    state: PartitionState,
    { errorCode, currentLeader }: FetchedPartition,
    { nodeEndpoints }: MessageOf<typeof FetchResponse>,
  ): void {
    const now = this.#cluster.clock.monotonic()
    switch (errorCode) {
      case ErrorCode.OFFSET_OUT_OF_RANGE:
        if (state.preferredReplica !== undefined) state.preferredReplica = undefined
        // Buffered records are still valid; the error is handled when they are used up.
        else if (state.hasData) state.retryAt = now + this.#cluster.options.retryBackoffMs
        else this.#onOffsetOutOfRange(state)
        return
      case ErrorCode.TOPIC_AUTHORIZATION_FAILED:
      case ErrorCode.CORRUPT_MESSAGE: {
        const code = errorName(errorCode)
        state.error = new ProtocolError(
          code,
          `cannot read ${state.topic}-${state.partition}: ${code}`,
        )
        return
      }
      default: {
        state.preferredReplica = undefined
        state.retryAt = now + this.#cluster.options.retryBackoffMs
        this.#cluster.clock.setTimer(this.#cluster.options.retryBackoffMs, () => this.fetch())
        if (currentLeader.leaderId >= 0) state.retryAt = 0
        this.#cluster.learnLeader(state, currentLeader, nodeEndpoints)
      }
    }
  }

  /** Closes the sessions at the brokers, as far as possible without waiting. */
  close(): void {
    this.#isClosed = true
    for (const [node, session] of this.#sessions) {
      const connection = this.#cluster.existing(node, 'data')
      const last = session.end()
      if (connection === undefined || last === undefined) continue
      this.#request(connection, last, { maxBytes: 0, maxWaitMs: 0 }).catch(() => {})
    }
  }
}

function byTopic(partitions: readonly FetchPartition[]): FetchPartition[][] {
  const topics = new Map<string, FetchPartition[]>()
  for (const each of partitions) {
    const key = `${each.topic}/${each.topicId}`
    const list = topics.get(key)
    if (list === undefined) topics.set(key, [each])
    else list.push(each)
  }
  return [...topics.values()]
}
