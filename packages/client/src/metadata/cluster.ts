// SPDX-License-Identifier: Apache-2.0
import { type Clock, elementAt, MillraceError, type Timer } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  MetadataRequest,
  MetadataResponse,
  ProtocolError,
  ZERO_UUID,
} from '@millrace/protocol'
import type { BrokerConnection, RequestOptions } from '../network/broker-connection.ts'
import { Connections, type Lane } from '../network/connections.ts'
import { ForeignProtocolError } from '../network/foreign-protocol.ts'
import { sleep } from '../network/waiting.ts'
import { type Address, backoffMs, type ResolvedClientOptions } from '../options.ts'
import type { TopicPartition } from '../topic-partition.ts'
import {
  type ClusterMetadata,
  mergeMetadata,
  type Node,
  noMetadata,
  type TopicMetadata,
  withLeader,
} from './metadata.ts'

/** Kinds of coordinators, by their numbers in FindCoordinator. */
export const CoordinatorType = { group: 0, transaction: 1, share: 2 } as const
export type CoordinatorType = keyof typeof CoordinatorType

/** How long metadata must lack a topic before it counts as deleted. */
const GONE_AFTER_MS = 500

/** A client's view of its cluster: nodes, leaders, and the connections to them. */
export class Cluster {
  readonly options: ResolvedClientOptions
  readonly #connections: Connections
  readonly #allowAutoTopicCreation: boolean
  #metadata: ClusterMetadata = noMetadata
  readonly #tracked = new Set<string>()
  #tracksAll = false
  #refreshing: Promise<void> | undefined
  #nextRefresh: Promise<void> | undefined
  #refreshFailures = 0
  #lastRefreshMs = Number.NEGATIVE_INFINITY
  #expiry: Timer | undefined
  #isClosed = false
  readonly #coordinators = new Map<string, Promise<Node>>()
  readonly #listeners = new Set<() => void>()
  /** By id of a topic that was not found: since when, monotonic time. */
  readonly #missingSince = new Map<string, number>()

  constructor(options: ResolvedClientOptions, { allowAutoTopicCreation = false } = {}) {
    this.options = options
    this.#allowAutoTopicCreation = allowAutoTopicCreation
    this.#connections = new Connections(options)
  }

  get clock(): Clock {
    return this.options.clock
  }

  get metadata(): ClusterMetadata {
    return this.#metadata
  }

  /**
   * Adds an observer that is called after each change of the metadata; returns a function that
   * removes it.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Keeps the metadata of these topics; unknown ones are requested with the next refresh. */
  track(topics: Iterable<string>): boolean {
    const before = this.#tracked.size
    for (const topic of topics) this.#tracked.add(topic)
    return this.#tracked.size > before
  }

  /** Keeps the metadata of exactly these topics. */
  trackOnly(topics: Iterable<string> | 'all'): void {
    this.#tracksAll = topics === 'all'
    if (topics === 'all') return
    this.#tracked.clear()
    this.track(topics)
  }

  /** Requests new metadata. Calls while one request is in flight share the next one. */
  refresh(): Promise<void> {
    if (this.#refreshing === undefined) return this.#startRefresh()
    this.#nextRefresh ??= this.#refreshing
      .catch(() => {})
      .then(() => {
        this.#nextRefresh = undefined
        return this.#startRefresh()
      })
    return this.#nextRefresh
  }

  /** As `refresh`, for callers that noticed a change and do not wait; respects the backoff. */
  requestRefresh(): void {
    if (this.#isClosed || this.#nextRefresh !== undefined) return
    const wait = this.#lastRefreshMs + this.options.retryBackoffMs - this.clock.monotonic()
    if (wait <= 0) {
      this.refresh().catch(() => {})
      return
    }
    this.#nextRefresh = sleep(this.clock, wait).then(async () => {
      this.#nextRefresh = undefined
      if (!this.#isClosed) await this.refresh()
    })
    this.#nextRefresh.catch(() => {})
  }

  #startRefresh(): Promise<void> {
    if (this.#isClosed) {
      return Promise.reject(new MillraceError('MILLRACE_CLOSED', 'the client is closed'))
    }
    this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const topics = this.#tracksAll ? null : [...this.#tracked].map((name) => ({ name }))
    try {
      const response = await this.requestAny(MetadataRequest, MetadataResponse, {
        topics,
        allowAutoTopicCreation: this.#allowAutoTopicCreation,
      })
      this.#refreshFailures = 0
      this.#lastRefreshMs = this.clock.monotonic()
      let merged = mergeMetadata(this.#metadata, response)
      if (topics === null) {
        const there = new Set(response.topics.map(({ name }) => name))
        const left = [...merged.topics].filter(([name]) => there.has(name))
        merged = { ...merged, topics: new Map(left) }
      }
      this.#update(merged)
    } catch (error) {
      this.#refreshFailures++
      throw error
    } finally {
      this.#expireLater()
    }
  }

  #update(metadata: ClusterMetadata): void {
    this.#metadata = metadata
    for (const listener of [...this.#listeners]) listener()
  }

  #expireLater(): void {
    this.#expiry?.cancel()
    if (this.#isClosed) return
    const { metadataMaxAgeMs } = this.options
    // Sooner after a failure: the metadata is stale, and a caller requested it.
    const delay =
      this.#refreshFailures > 0 ? this.#backoff(this.#refreshFailures) : metadataMaxAgeMs
    this.#expiry = this.clock.setTimer(delay, () => {
      this.refresh().catch(() => {})
    })
  }

  #backoff(attempt: number): number {
    const { retryBackoffMs, retryBackoffMaxMs, random } = this.options
    return backoffMs(attempt, { baseMs: retryBackoffMs, maxMs: retryBackoffMaxMs, random })
  }

  /** Waits before attempt number `attempt`. */
  async backOff(attempt: number, signal?: AbortSignal): Promise<void> {
    await sleep(this.clock, this.#backoff(attempt), signal)
  }

  /**
   * Uses the leader that an error reply names, which saves a request (KIP-951); requests metadata
   * if it names none or an older one.
   */
  learnLeader(
    { topic, partition }: TopicPartition,
    { leaderId, leaderEpoch }: { readonly leaderId: number; readonly leaderEpoch: number },
    endpoints: readonly (Omit<Node, 'id'> & { readonly nodeId: number })[],
  ): void {
    const nodes = endpoints.map(({ nodeId, ...rest }) => ({ id: nodeId, ...rest }))
    const told = { topic, partition, leader: leaderId, leaderEpoch, nodes }
    const metadata = withLeader(this.#metadata, told)
    if (metadata === undefined) this.requestRefresh()
    else this.#update(metadata)
  }

  /**
   * Refreshes until `find` returns a result, for at most `timeoutMs`. Errors that a retry cannot
   * resolve are thrown at once; after the time-out `describe` says what was missing.
   */
  async await<T>(
    find: (metadata: ClusterMetadata) => T | undefined,
    {
      timeoutMs,
      describe,
      signal,
    }: {
      readonly timeoutMs: number
      readonly describe: () => string
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<T> {
    const deadline = this.clock.monotonic() + timeoutMs
    let lastError: unknown
    for (let attempt = 0; ; attempt++) {
      const found = find(this.#metadata)
      if (found !== undefined) return found
      try {
        await this.#withDeadline(this.refresh(), deadline)
        lastError = undefined
      } catch (error) {
        if (!(error instanceof MillraceError) || !error.retriable) throw error
        // The time-out message alone would hide the actual error.
        if (error.code !== 'MILLRACE_TIMEOUT' || lastError === undefined) lastError = error
      }
      const foundNow = find(this.#metadata)
      if (foundNow !== undefined) return foundNow
      const left = deadline - this.clock.monotonic()
      if (left <= 0) {
        const why = lastError instanceof Error ? `: ${lastError.message}` : ''
        throw new MillraceError('MILLRACE_TIMEOUT', `${describe()} after ${timeoutMs} ms${why}`, {
          retriable: true,
          cause: lastError,
        })
      }
      await sleep(this.clock, Math.min(left, this.#backoff(attempt)), signal)
    }
  }

  async #withDeadline(work: Promise<void>, deadline: number): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>()
    const left = Math.max(0, deadline - this.clock.monotonic())
    const timer = this.clock.setTimer(
      left,
      () =>
        reject(new MillraceError('MILLRACE_TIMEOUT', 'no metadata in time', { retriable: true })),
      { keepsAlive: true },
    )
    try {
      await Promise.race([work, promise])
    } finally {
      timer.cancel()
      work.catch(() => {})
    }
  }

  /**
   * Metadata of a topic; throws `UNKNOWN_TOPIC_OR_PARTITION` and the like after the time-out, or
   * once `topicId` is known to be deleted.
   */
  async topic(
    name: string,
    timeoutMs: number,
    {
      signal,
      topicId,
    }: { readonly signal?: AbortSignal; readonly topicId?: string | undefined } = {},
  ): Promise<TopicMetadata> {
    let lastCode: number = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    try {
      return await this.await(
        (metadata) => {
          // In each attempt: other callers may have stopped tracking it with `trackOnly`.
          this.track([name])
          const topic = metadata.topics.get(name)
          const isRight = topicId === undefined || this.hasTopicId(name, topicId)
          if (topic !== undefined && isRight) return topic
          const loss = isRight ? undefined : this.lossOf(name, topicId)
          if (loss !== undefined) throw loss
          const code = metadata.topicErrors.get(name)
          if (code !== undefined) {
            lastCode = code
            const error = new ProtocolError(errorName(code), `topic ${name}: ${errorName(code)}`)
            if (!error.retriable) throw error
          }
          return undefined
        },
        { timeoutMs, describe: () => `topic ${name} has no metadata`, signal },
      )
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'MILLRACE_TIMEOUT') throw error
      if (!this.#metadata.topicErrors.has(name)) throw error
      const code = errorName(lastCode)
      throw new ProtocolError(code, `topic ${name}: ${code}, after ${timeoutMs} ms`, {
        cause: error,
      })
    }
  }

  /**
   * Whether metadata has the topic with this id. Brokers before Apache Kafka 2.8 do not send ids:
   * then any topic matches.
   */
  hasTopicId(name: string, id: string): boolean {
    const known = this.#metadata.topics.get(name)?.id
    if (known !== id && known !== ZERO_UUID) return false
    this.#missingSince.delete(id)
    return true
  }

  /**
   * For a topic that `hasTopicId` does not find: an error once it is deleted, that is after
   * metadata had no topic of the name, or one with another id, for `GONE_AFTER_MS`. Until then
   * undefined, since the broker may lag behind, and metadata is requested again.
   */
  lossOf(name: string, id: string): MillraceError | undefined {
    this.track([name])
    this.requestRefresh()
    const isReplaced = this.#metadata.topics.has(name)
    if (!isReplaced) {
      const code = this.#metadata.topicErrors.get(name)
      if (code !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return undefined
    }
    const now = this.clock.monotonic()
    const since = this.#missingSince.get(id) ?? now
    this.#missingSince.set(id, since)
    if (now - since < GONE_AFTER_MS) return undefined
    // Unlike a broker's error of this name, it does not pass.
    return new MillraceError(
      isReplaced ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION',
      `topic ${name} with id ${id} does not exist: it was deleted`,
    )
  }

  /** The leader of a partition; undefined if it is unknown. */
  leaderOf(topic: string, partition: number): Node | undefined {
    const leader = this.#metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1
    return this.#metadata.nodes.get(leader)
  }

  /** An open connection to a node, if there is one. */
  existing(nodeId: number, lane: Lane): BrokerConnection | undefined {
    const node = this.#metadata.nodes.get(nodeId)
    return node === undefined ? undefined : this.#connections.existing(node, lane)
  }

  async connect(nodeId: number, lane: Lane = 'control'): Promise<BrokerConnection> {
    const node = this.#metadata.nodes.get(nodeId)
    if (node === undefined) {
      throw new MillraceError('MILLRACE_UNKNOWN_NODE', `node ${nodeId} is not in the metadata`, {
        retriable: true,
      })
    }
    return this.#connections.get(node, lane)
  }

  /**
   * A connection to any broker: an open one, else one that may connect; bootstrap servers if all
   * known brokers fail.
   */
  async anyConnection(): Promise<BrokerConnection> {
    const known: Address[] = [...this.#metadata.nodes.values()]
    const candidates = [...shuffled(known, this.options), ...this.options.bootstrapServers]
    for (const address of candidates) {
      const open = this.#connections.existing(address, 'control')
      if (open !== undefined) return open
    }
    let failure: unknown
    const ready = candidates.filter(
      (address) => !this.#connections.isBackingOff(address, 'control'),
    )
    for (const address of ready.length > 0 ? ready : candidates.slice(0, 1)) {
      try {
        return await this.#connections.get(address, 'control')
      } catch (error) {
        // Wrong credentials are wrong for every broker.
        const isElsewhere = error instanceof ForeignProtocolError
        if (!isElsewhere && !(error instanceof MillraceError && error.retriable)) throw error
        failure = error
      }
    }
    throw failure
  }

  async requestAny<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    response: S,
    message: MessageInput<Q> | ((version: number) => MessageInput<Q>),
    options?: RequestOptions,
  ): Promise<MessageOf<S>> {
    const connection = await this.anyConnection()
    return connection.request(request, response, message, options)
  }

  async request<Q extends MessageSchema, S extends MessageSchema>(
    nodeId: number,
    request: Q,
    response: S,
    message: MessageInput<Q> | ((version: number) => MessageInput<Q>),
    options?: RequestOptions,
  ): Promise<MessageOf<S>> {
    const connection = await this.connect(nodeId)
    return connection.request(request, response, message, options)
  }

  /**
   * The coordinator of a group, transactional id or share partition; cached until
   * `forgetCoordinator`.
   */
  coordinator(type: CoordinatorType, key: string): Promise<Node> {
    const name = `${type}/${key}`
    let found = this.#coordinators.get(name)
    if (found === undefined) {
      found = this.#findCoordinator(type, key)
      this.#coordinators.set(name, found)
      found.catch(() => this.#coordinators.delete(name))
    }
    return found
  }

  forgetCoordinator(type: CoordinatorType, key: string): void {
    this.#coordinators.delete(`${type}/${key}`)
  }

  async #findCoordinator(type: CoordinatorType, key: string): Promise<Node> {
    const keyType = CoordinatorType[type]
    const response = await this.requestAny(
      FindCoordinatorRequest,
      FindCoordinatorResponse,
      (version) => (version >= 4 ? { keyType, coordinatorKeys: [key] } : { keyType, key }),
    )
    const found = response.coordinators[0] ?? response
    if (found.errorCode !== ErrorCode.NONE) {
      const code = errorName(found.errorCode)
      throw new ProtocolError(
        code,
        `no coordinator of ${type} ${key}: ${found.errorMessage ?? code}`,
      )
    }
    const node = { id: found.nodeId, host: found.host, port: found.port, rack: null }
    if (!this.#metadata.nodes.has(node.id)) {
      this.#metadata = {
        ...this.#metadata,
        nodes: new Map(this.#metadata.nodes).set(node.id, node),
      }
    }
    return node
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  close(): void {
    this.#isClosed = true
    this.#expiry?.cancel()
    this.#connections.close()
    this.#listeners.clear()
  }
}

function shuffled<T>(items: readonly T[], { random }: ResolvedClientOptions): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[mixed[i], mixed[j]] = [elementAt(mixed, j), elementAt(mixed, i)]
  }
  return mixed
}
