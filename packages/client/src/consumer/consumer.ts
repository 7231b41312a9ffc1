// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { channels } from '../diagnostics.ts'
import { Cluster } from '../metadata/cluster.ts'
import type { PartitionMetadata } from '../metadata/metadata.ts'
import { lookUpOffsets, SpecialTimestamp } from '../metadata/offset-lookup.ts'
import { AbortedError, Wakeup } from '../network/waiting.ts'
import { resolveClientOptions } from '../options.ts'
import { bytes } from '../serde/serde.ts'
import type { Topic } from '../serde/topic.ts'
import { comparePartitions, partitionName, type TopicPartition } from '../topic-partition.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import type { ConsumerCore } from './consumer-core.ts'
import {
  type ConsumerOptions,
  type RecordOf,
  type ResolvedConsumerOptions,
  resolveConsumerOptions,
} from './consumer-options.ts'
import { ConsumerRecord, type Deserializers } from './consumer-record.ts'
import { Fetcher } from './fetcher.ts'
import { ClassicMembership } from './group/classic-membership.ts'
import { ConsumerMembership } from './group/consumer-membership.ts'
import { GroupLink, type Membership } from './group/membership.ts'
import { NegotiatedMembership } from './group/negotiated-membership.ts'
import type { CommittedOffset, OffsetAndMetadata } from './offset-messages.ts'
import { type DecodeOptions, PartitionState } from './partition-state.ts'
import { type PartitionStream, PartitionStreams } from './partition-stream.ts'
import { Positions } from './positions.ts'
import { RecordIterator } from './record-iterator.ts'
import { Runner, type RunOptions } from './runner.ts'

/**
 * Observes assigned and revoked partitions; called inside `poll`, or between two records of the
 * other ways to read.
 */
export interface RebalanceListener {
  /** Called before partitions are revoked: their offsets may still be committed. */
  onPartitionsRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>
  /** Called after partitions were assigned and before their first record is returned. */
  onPartitionsAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>
  /**
   * Called if partitions were lost without a chance to commit, as after an expired session.
   * Default: `onPartitionsRevoked`.
   */
  onPartitionsLost?(partitions: readonly TopicPartition[]): void | Promise<void>
}

/** An offset that was found by time. */
export interface TimestampedOffset extends TopicPartition {
  /** Offset of the first record of that time or later. */
  readonly offset: bigint
  /** Timestamp of the record, milliseconds since 1970. */
  readonly timestamp: number
  /** Leader epoch of the record; -1 if unknown. */
  readonly leaderEpoch: number
}

type Subscription =
  | { readonly kind: 'none' }
  | { readonly kind: 'topics'; readonly topics: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: RegExp }
  | { readonly kind: 'assigned' }

/** Longest wait before the state is checked again. */
const LOOK_AGAIN_MS = 1000
/** Time after which the event loop gets a turn, however many records are buffered. */
const YIELD_AFTER_MS = 5
const REVOKE_COMMIT_TIMEOUT_MS = 5000

/**
 * Reads topics, alone (`assign`) or as a member of a group (`subscribe`). One way to read at a
 * time: `poll`, `for await`, `partitions()` or `run`. Closing leaves the group and, with
 * auto-commit, commits what was handled.
 */
export class Consumer<const O extends ConsumerOptions = ConsumerOptions>
  implements AsyncDisposable, AsyncIterable<RecordOf<O>>
{
  readonly #options: ResolvedConsumerOptions
  readonly #cluster: Cluster
  readonly #fetcher: Fetcher
  readonly #membership: Membership | undefined
  readonly #offsets: CommittedOffsets | undefined
  readonly #positions: Positions
  readonly #deserializers = new Map<string, Deserializers<unknown, unknown>>()
  readonly #decode: DecodeOptions
  readonly #wakeup = new Wakeup()
  readonly #core: ConsumerCore
  #subscription: Subscription = { kind: 'none' }
  #listener: RebalanceListener = {}
  #states = new Map<string, PartitionState>()
  /** Partitions in the order in which they are read next. */
  #rotation: PartitionState[] = []
  /** Last assignment, for sticky assignors. */
  #previous: readonly TopicPartition[] = []
  #watched: ReadonlyMap<string, number> | undefined
  #joinedTopics = ''
  #advancing: Promise<void> | undefined
  #failure: Error | undefined
  /** Call of a listener in progress. */
  #callback: Promise<void> | undefined
  #readers = 0
  #gate: (() => void)[] = []
  #isReading: string | undefined
  #lastProgressMs: number
  #hasProgressed = true
  #lastYieldMs = 0
  #nextAutoCommitMs: number
  #autoCommitting: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** Creates a consumer; it connects on first use. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: O) {
    const client = resolveClientOptions(options)
    this.#options = resolveConsumerOptions(options)
    this.#cluster = new Cluster(client, {
      allowAutoTopicCreation: options.allowAutoCreateTopics ?? true,
    })
    const now = client.clock.monotonic()
    this.#lastProgressMs = now
    this.#nextAutoCommitMs = now + this.#options.autoCommitIntervalMs
    const plain = options.deserializers ?? { key: bytes(), value: bytes() }
    this.#decode = {
      checkCrcs: this.#options.checkCrcs,
      isReadCommitted: this.#options.fetch.isReadCommitted,
      deserializersOf: (topic) => this.#deserializers.get(topic) ?? plain,
    }
    const { groupId } = this.#options
    if (groupId !== undefined) {
      const link = new GroupLink(this.#cluster, groupId)
      this.#membership = this.#newMembership(link)
      this.#membership.lastProgressMs = () => this.#progress()
      this.#offsets = new CommittedOffsets({
        link,
        membership: this.#membership,
        requireStable: this.#options.fetch.isReadCommitted,
      })
    }
    this.#positions = new Positions({
      cluster: this.#cluster,
      options: this.#options,
      committed: this.#offsets,
      states: () => this.#states.values(),
      wake: () => this.#wakeup.wake(),
    })
    this.#fetcher = new Fetcher({
      cluster: this.#cluster,
      fetch: this.#options.fetch,
      assigned: () => this.#states.values(),
      onOffsetOutOfRange: (state) => this.#positions.resetOrFail(state),
      wake: () => this.#wakeup.wake(),
    })
    this.#cluster.onChange(() => this.#metadataChanged())
    this.#core = this.#makeCore()
    if (options.topics !== undefined) this.subscribe(options.topics)
  }

  #newMembership(link: GroupLink): Membership {
    const { groupProtocol, fetch, groupRemoteAssignor } = this.#options
    const rackId = fetch.clientRack
    const wake = (): void => this.#wakeup.wake()
    const classic = (): Membership =>
      new ClassicMembership(link, { ...this.#options, groupId: link.groupId, rackId }, wake)
    if (groupProtocol === 'classic') return classic()
    const modern = new ConsumerMembership(
      link,
      { ...this.#options, rackId, remoteAssignor: groupRemoteAssignor },
      wake,
    )
    return groupProtocol === 'consumer'
      ? modern
      : new NegotiatedMembership(link, { modern, classic })
  }

  #makeCore(): ConsumerCore {
    const consumer = this
    return {
      states: () => this.#rotation,
      take: (state, max) => this.#take(state, max),
      turn: (ms) => this.#turn(ms),
      isBreathDue: () => this.#isBreathDue(),
      breathe: () => this.#breathe(),
      wake: () => this.#wakeup.wake(),
      get isClosed() {
        return consumer.#closing !== undefined
      },
      settle: async () => {},
      lastProgressMs: undefined,
      now: () => this.#cluster.clock.monotonic(),
      groupId: this.#options.groupId,
    }
  }

  // Subscribing

  /**
   * Joins the group for these topics, or for all that match a pattern; replaces the previous
   * subscription.
   */
  subscribe(
    topics: readonly (string | Topic<unknown, unknown>)[] | RegExp,
    listener: RebalanceListener = {},
  ): void {
    this.#assertOpen()
    if (this.#membership === undefined) {
      throw new MillraceError('MILLRACE_NO_GROUP', 'subscribe needs a groupId; assign does not')
    }
    if (this.#subscription.kind === 'assigned') {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        'partitions were assigned by hand; unsubscribe first',
      )
    }
    this.#listener = listener
    if (topics instanceof RegExp) {
      this.#subscription = {
        kind: 'pattern',
        pattern: new RegExp(topics.source, topics.flags.replace(/[gy]/g, '')),
      }
      this.#cluster.trackOnly('all')
      this.#cluster.requestRefresh()
    } else {
      const names: string[] = []
      for (const topic of topics) {
        if (typeof topic === 'string') names.push(topic)
        else {
          names.push(topic.name)
          this.#deserializers.set(topic.name, topic)
        }
      }
      if (names.length === 0) {
        this.#subscription = { kind: 'none' }
        this.#wakeup.wake()
        return
      }
      for (const name of names) {
        if (typeof name !== 'string' || name === '') {
          throw new MillraceError(
            'MILLRACE_INVALID_TOPIC',
            `cannot subscribe to topic ${JSON.stringify(name)}`,
          )
        }
      }
      this.#subscription = { kind: 'topics', topics: [...new Set(names)].sort() }
      this.#cluster.trackOnly(names)
    }
    this.#membership.requestJoin()
    this.#wakeup.wake()
  }

  /** Leaves the group, or drops the partitions that were assigned by hand. */
  async unsubscribe(): Promise<void> {
    const wasMember = this.#isSubscribed
    this.#subscription = { kind: 'none' }
    if (wasMember) {
      await this.#revoke([...this.#states.values()], 'revoked')
      await this.#membership?.leave('the consumer unsubscribed from all topics')
      if (this.#membership !== undefined) this.#membership.needsJoin = true
    }
    for (const state of this.#states.values()) state.revoke()
    this.#setStates([])
  }

  /**
   * Reads exactly these partitions, without a group. With a `topicId` only the topic of that id is
   * read: after it was deleted, reading fails with `UNKNOWN_TOPIC_OR_PARTITION`, or with
   * `UNKNOWN_TOPIC_ID` if a new topic has its name.
   */
  assign(partitions: readonly (TopicPartition & { readonly topicId?: string })[]): void {
    this.#assertOpen()
    if (this.#isSubscribed) {
      throw new MillraceError('MILLRACE_INVALID_STATE', 'topics are subscribed; unsubscribe first')
    }
    this.#subscription = { kind: 'assigned' }
    const states = partitions.map(({ topic, partition, topicId }) => {
      const known = this.#states.get(partitionName({ topic, partition }))
      return known !== undefined && known.topicId === topicId
        ? known
        : new PartitionState(topic, partition, topicId)
    })
    for (const state of this.#states.values()) if (!states.includes(state)) state.revoke()
    this.#setStates(states)
    this.#cluster.trackOnly(partitions.map(({ topic }) => topic))
    this.#wakeup.wake()
  }

  /** Assigned partitions, by topic and index. */
  get assignment(): readonly TopicPartition[] {
    return [...this.#states.values()]
      .map(({ topic, partition }) => ({ topic, partition }))
      .sort(comparePartitions)
  }

  /** Topics subscribed by name, or those that the pattern matches now. */
  get subscription(): readonly string[] {
    const subscription = this.#subscription
    if (subscription.kind === 'topics') return subscription.topics
    if (subscription.kind === 'pattern') return this.#matching(subscription.pattern)
    return []
  }

  /** Identity in the group protocol; undefined while not a member. */
  get groupMetadata():
    | {
        readonly groupId: string
        readonly generationId: number
        readonly memberId: string
        readonly groupInstanceId: string | null
      }
    | undefined {
    const { groupId } = this.#options
    if (groupId === undefined || this.#membership?.isMember !== true) return undefined
    return { groupId, ...this.#membership.generation }
  }

  /** Whether partitions are assigned by a group. */
  get #isSubscribed(): boolean {
    const { kind } = this.#subscription
    return kind === 'topics' || kind === 'pattern'
  }

  #matching(pattern: RegExp): string[] {
    return [...this.#cluster.metadata.topics.values()]
      .filter(({ isInternal }) => !(isInternal && this.#options.excludeInternalTopics))
      .map(({ name }) => name)
      .filter((name) => pattern.test(name))
      .sort()
  }

  #setStates(states: readonly PartitionState[]): void {
    this.#states = new Map(states.map((state) => [partitionName(state), state]))
    this.#rotation = [...states]
  }

  #state(partition: TopicPartition): PartitionState {
    const state = this.#states.get(partitionName(partition))
    if (state !== undefined) return state
    throw new MillraceError(
      'MILLRACE_NOT_ASSIGNED',
      `${partitionName(partition)} is not assigned to this consumer`,
    )
  }

  // Reading

  /**
   * Returns the next records, at most `maxPollRecords`; waits up to `timeoutMs` for the first one.
   * Everything that was returned counts as handled with the next `poll`, `commit` or `close`.
   */
  async poll(
    timeoutMs = 0,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RecordOf<O>[]> {
    return this.#reading('poll', options.signal, async () => {
      const deadline = this.#cluster.clock.monotonic() + timeoutMs
      for (let isFirst = true; ; isFirst = false) {
        if (!isFirst || !this.#isDue()) {
          const records = this.#takeForPoll()
          if (records.length > 0) {
            this.#fetcher.fetch()
            this.#autoCommit()
            await this.#breathe()
            return records
          }
        }
        const left = deadline - this.#cluster.clock.monotonic()
        options.signal?.throwIfAborted()
        if (left <= 0 && !isFirst) {
          await this.#breathe()
          return []
        }
        await this.#turn(Math.max(0, left))
      }
    })
  }

  #takeForPoll(): RecordOf<O>[] {
    const { maxPollRecords } = this.#options
    let taken: ConsumerRecord<unknown, unknown>[] = []
    for (const state of this.#rotation) {
      if (taken.length >= maxPollRecords) break
      if (state.isPaused || !state.hasData) continue
      const records = this.#take(state, maxPollRecords - taken.length)
      state.consumedAll()
      if (records.length > 0) taken = taken.length === 0 ? records : taken.concat(records)
    }
    return taken as RecordOf<O>[]
  }

  /**
   * Reads record by record until the consumer is closed. A record counts as handled when the next
   * one is requested.
   */
  [Symbol.asyncIterator](): AsyncIterator<RecordOf<O>, undefined> & AsyncDisposable {
    this.#beginReading('for await')
    return new RecordIterator<RecordOf<O>>(this.#core, {
      onProgress: () => {
        this.#hasProgressed = true
      },
      onEnd: () => this.#endReading(),
    })
  }

  /**
   * One iterable per partition, each at its own pace. It ends when the partition is revoked or the
   * consumer closes.
   */
  partitions(): AsyncIterable<PartitionStream<RecordOf<O>>> {
    return {
      [Symbol.asyncIterator]: () => {
        this.#beginReading('partitions')
        return new PartitionStreams<RecordOf<O>>(this.#core, () => this.#endReading())
      },
    }
  }

  /**
   * Passes every record, or every batch, to a handler until the signal is aborted, the consumer is
   * closed or a handler fails; rejects with the handler's error. A failed record does not count as
   * handled.
   */
  run(options: RunOptions<RecordOf<O>>): Promise<void> {
    return this.#reading('run', undefined, () => new Runner(this.#core, options).run())
  }

  async #reading<T>(
    what: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) throw new AbortedError(signal.reason)
    this.#beginReading(what)
    const onAbort = (): void => this.#wakeup.wake()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await work()
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw new AbortedError(error)
      throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
      // A call of a listener belongs to this poll.
      while (this.#callback !== undefined) await this.#callback
      this.#endReading()
    }
  }

  #beginReading(what: string): void {
    this.#assertOpen()
    if (this.#isReading !== undefined) {
      throw new MillraceError(
        'MILLRACE_CONCURRENT_READ',
        `${what} while ${this.#isReading} is under way: a consumer is read in one way at a time`,
      )
    }
    if (this.#subscription.kind === 'none') {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        'nothing to read: subscribe to topics or assign partitions first',
      )
    }
    this.#isReading = what
    this.#hasProgressed = true
    this.#readers++
    for (const pass of this.#gate.splice(0)) pass()
  }

  #endReading(): void {
    this.#isReading = undefined
    this.#readers--
    this.#hasProgressed = true
    this.#core.settle = async () => {}
    this.#core.lastProgressMs = undefined
  }

  #progress(): number {
    const told = this.#core.lastProgressMs?.()
    if (told !== undefined) return told
    if (this.#hasProgressed) {
      this.#hasProgressed = false
      this.#lastProgressMs = this.#cluster.clock.monotonic()
    }
    return this.#lastProgressMs
  }

  #take(state: PartitionState, max: number): ConsumerRecord<unknown, unknown>[] {
    const records = state.take(max, this.#decode)
    // Partitions that were read move to the end of the queue.
    const at = this.#rotation.indexOf(state)
    if (this.#rotation.length > 1 && at >= 0 && at < this.#rotation.length - 1) {
      this.#rotation = [...this.#rotation.toSpliced(at, 1), state]
    }
    return records
  }

  #isBreathDue(): boolean {
    return this.#cluster.clock.monotonic() - this.#lastYieldMs >= YIELD_AFTER_MS
  }

  async #breathe(): Promise<void> {
    if (!this.#isBreathDue()) return
    await this.#cluster.clock.yield()
    this.#lastYieldMs = this.#cluster.clock.monotonic()
  }

  /** Whether the group or a position needs work before records may be returned. */
  #isDue(): boolean {
    if (this.#failure !== undefined) return true
    if (this.#isSubscribed) {
      const membership = this.#membership as Membership
      if (membership.needsJoin || membership.isLost || membership.fatal !== undefined) return true
    }
    return false
  }

  async #turn(ms: number): Promise<void> {
    this.#hasProgressed = true
    if (this.#closing !== undefined) {
      throw new MillraceError('MILLRACE_CLOSED', 'the consumer was closed')
    }
    this.#throwFailure()
    this.#autoCommit()
    if (this.#advancing === undefined && (this.#isDue() || this.#positions.isDue)) {
      this.#advancing = this.#advance().then(
        () => {
          this.#advancing = undefined
          this.#wakeup.wake()
        },
        (error: Error) => {
          this.#advancing = undefined
          const isPassing = error instanceof MillraceError && error.retriable
          if (!isPassing && this.#closing === undefined) this.#failure = error
          this.#wakeup.wake()
        },
      )
    }
    this.#fetcher.fetch()
    if (ms > 0) {
      await this.#wakeup.wait(this.#cluster.clock, Math.min(ms, LOOK_AGAIN_MS))
      this.#lastYieldMs = this.#cluster.clock.monotonic()
    }
    this.#throwFailure()
  }

  #throwFailure(): void {
    const failure = this.#failure
    if (failure !== undefined) {
      this.#failure = undefined
      throw failure
    }
    for (const state of this.#states.values()) {
      if (state.error === undefined || state.hasData) continue
      const { error } = state
      state.error = undefined
      throw error
    }
  }

  /** Resolves inside a read, when listeners may be called and partitions may change. */
  async #insideRead(): Promise<void> {
    while (this.#readers === 0 && this.#closing === undefined) {
      await new Promise<void>((resolve) => this.#gate.push(resolve))
    }
  }

  async #advance(): Promise<void> {
    if (this.#isSubscribed) await this.#advanceGroup()
    await this.#positions.advance()
    this.#fetcher.fetch()
  }

  // The group

  async #advanceGroup(): Promise<void> {
    const membership = this.#membership as Membership
    if (membership.isLost) {
      await this.#insideRead()
      membership.isLost = false
      await this.#revoke([...this.#states.values()], 'lost')
    }
    if (membership.fatal !== undefined) throw membership.fatal
    if (!membership.needsJoin) return
    const subscription = this.#subscription
    if (subscription.kind === 'pattern' && this.#cluster.metadata.clusterId === null) {
      await this.#cluster.refresh()
    }
    await this.#insideRead()
    const topics = this.subscription
    const leaving = [...this.#states.values()].filter(
      ({ topic }) => !membership.isCooperative || !topics.includes(topic),
    )
    await this.#revoke(leaving, 'revoked')
    if (membership.isLost) return
    const owned = this.assignment
    const joining = membership.join({
      topics,
      owned,
      previous: membership.isCooperative ? owned : this.#previous,
    })
    const { assigned, watched } = await joining.catch((error: unknown) => {
      // The read fails; the next one joins again.
      membership.needsJoin = true
      throw error
    })
    await this.#insideRead()
    // The group may have changed while the consumer waited for a poll.
    if (membership.isLost || !membership.isMember) return
    this.#watched = watched
    this.#joinedTopics = topics.join()
    await this.#applyAssignment(assigned)
    if (this.subscription.join() !== this.#joinedTopics) membership.requestJoin()
  }

  async #applyAssignment(assigned: readonly TopicPartition[]): Promise<void> {
    const membership = this.#membership as Membership
    this.#previous = assigned
    const names = new Set(assigned.map(partitionName))
    const taken = [...this.#states.values()].filter((state) => !names.has(partitionName(state)))
    if (taken.length > 0) await this.#revoke(taken, 'revoked')
    const added: PartitionState[] = []
    for (const { topic, partition } of assigned) {
      if (this.#states.has(partitionName({ topic, partition }))) continue
      added.push(new PartitionState(topic, partition))
    }
    this.#setStates([...this.#states.values(), ...added])
    membership.assignmentApplied(this.assignment, taken.length > 0)
    const isNew = this.#cluster.track(added.map(({ topic }) => topic))
    if (isNew) this.#cluster.requestRefresh()
    if (channels.rebalance.hasSubscribers) {
      channels.rebalance.publish({
        groupId: this.#options.groupId,
        generationId: membership.generation.generationId,
        assigned,
        revoked: taken.map(({ topic, partition }) => ({ topic, partition })),
      })
    }
    const { onPartitionsAssigned } = this.#listener
    if (onPartitionsAssigned !== undefined) {
      await this.#call(() => onPartitionsAssigned.call(this.#listener, placesOf(added)))
    }
  }

  /** Revokes partitions: handlers finish, offsets are committed, and the listener is called. */
  async #revoke(states: readonly PartitionState[], how: 'revoked' | 'lost'): Promise<void> {
    if (states.length === 0) return
    if (how === 'lost') for (const state of states) state.revoke()
    await this.#core.settle(states)
    // Handlers took long, and the group did not wait.
    const isLost = how === 'lost' || this.#membership?.isLost === true
    if (!isLost && this.#options.enableAutoCommit) {
      await this.#commitHandled(states, REVOKE_COMMIT_TIMEOUT_MS).catch((error: Error) => {
        this.#cluster.options.logger.warn('could not commit what is given up', { error })
      })
    }
    const listener = this.#listener
    const callback = isLost
      ? (listener.onPartitionsLost ?? listener.onPartitionsRevoked)
      : listener.onPartitionsRevoked
    if (callback !== undefined) await this.#call(() => callback.call(listener, placesOf(states)))
    for (const state of states) state.revoke()
    this.#setStates([...this.#states.values()].filter((state) => !states.includes(state)))
  }

  async #call(callback: () => void | Promise<void>): Promise<void> {
    const work = (async () => callback())()
    this.#callback = work.then(
      () => {},
      () => {},
    )
    try {
      await work
    } finally {
      this.#callback = undefined
    }
  }

  #metadataChanged(): void {
    const membership = this.#membership
    const { kind } = this.#subscription
    if (membership?.isMember === true && (kind === 'topics' || kind === 'pattern')) {
      if (kind === 'pattern' && this.subscription.join() !== this.#joinedTopics)
        membership.requestJoin()
      for (const [topic, count] of this.#watched ?? []) {
        const now = this.#cluster.metadata.topics.get(topic)?.partitions.length
        if (now !== undefined && now !== count) membership.requestJoin()
      }
      // Topics that match the pattern and did not exist before.
      if (this.#watched !== undefined) {
        for (const topic of this.subscription) {
          if (!this.#watched.has(topic) && this.#cluster.metadata.topics.has(topic))
            membership.requestJoin()
        }
      }
    }
    this.#wakeup.wake()
  }

  // Positions

  /** Continues at `offset`, or at a record's offset and leader epoch. */
  seek(partition: TopicPartition, offset: bigint | OffsetAndMetadata): void {
    const target = typeof offset === 'bigint' ? { offset } : offset
    if (typeof target.offset !== 'bigint' || target.offset < 0n) {
      throw new MillraceError(
        'MILLRACE_INVALID_OFFSET',
        `cannot seek ${partitionName(partition)} to ${target.offset}: expected a bigint from 0n`,
      )
    }
    this.#state(partition).seek({ offset: target.offset, leaderEpoch: target.leaderEpoch ?? -1 })
    this.#wakeup.wake()
  }

  /**
   * Continues at the start of partitions, by default of all assigned ones. Takes effect with the
   * next read.
   */
  seekToBeginning(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#state(partition).requestReset('earliest')
    this.#wakeup.wake()
  }

  /** Continues at the end of partitions, by default of all assigned ones. */
  seekToEnd(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#state(partition).requestReset('latest')
    this.#wakeup.wake()
  }

  /**
   * Continues at the first record at or after a time, milliseconds since 1970; at the end if there
   * is none.
   */
  seekToTimestamp(
    timestamp: number,
    partitions: readonly TopicPartition[] = this.assignment,
  ): void {
    for (const partition of partitions) this.#state(partition).requestReset({ timestamp })
    this.#wakeup.wake()
  }

  /**
   * Returns no records of these partitions until `resume`. Records that handlers already have are
   * not affected.
   */
  pause(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#state(partition).isPaused = true
  }

  /** Continues to read partitions that were paused, by default all. */
  resume(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#state(partition).isPaused = false
    this.#wakeup.wake()
  }

  /** Partitions that are paused. */
  get paused(): readonly TopicPartition[] {
    return placesOf([...this.#states.values()].filter(({ isPaused }) => isPaused))
  }

  /** Offset of the next record; looked up if it is unknown. */
  async position(partition: TopicPartition): Promise<bigint> {
    const state = this.#state(partition)
    const deadline = this.#cluster.clock.monotonic() + this.#options.defaultApiTimeoutMs
    for (let attempt = 0; state.position === undefined; attempt++) {
      if (state.error !== undefined) throw state.error
      this.#state(partition)
      try {
        await this.#positions.advance()
      } catch (error) {
        const mayRetry = error instanceof MillraceError && error.retriable
        if (!mayRetry || this.#cluster.clock.monotonic() > deadline) throw error
        await this.#cluster.backOff(attempt)
      }
    }
    return state.position.offset
  }

  /**
   * Records between the position and the end of the log as of the last fetch; undefined before the
   * first fetch.
   */
  lag(partition: TopicPartition): bigint | undefined {
    const { position, highWatermark, lastStableOffset } = this.#state(partition)
    const end = this.#options.fetch.isReadCommitted ? lastStableOffset : highWatermark
    if (position === undefined || end < 0n) return undefined
    return end > position.offset ? end - position.offset : 0n
  }

  // Offsets

  /**
   * Commits the positions of all assigned partitions, or the given offsets; a record stands for the
   * offset after it. Rejects with `ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID` or
   * `REBALANCE_IN_PROGRESS` if the group rebalanced without this member.
   */
  async commit(
    offsets?:
      | ConsumerRecord<unknown, unknown>
      | readonly (ConsumerRecord<unknown, unknown> | (TopicPartition & OffsetAndMetadata))[],
  ): Promise<void> {
    const committed = this.#requireOffsets()
    const list = this.#offsetsOf(offsets)
    await committed.commit(list, this.#options.defaultApiTimeoutMs)
    for (const { topic, partition, offset, leaderEpoch = -1 } of list) {
      this.#states.get(partitionName({ topic, partition }))?.confirm({ offset, leaderEpoch })
    }
  }

  #offsetsOf(
    given:
      | ConsumerRecord<unknown, unknown>
      | readonly (ConsumerRecord<unknown, unknown> | (TopicPartition & OffsetAndMetadata))[]
      | undefined,
  ): (TopicPartition & OffsetAndMetadata)[] {
    if (given === undefined) {
      return [...this.#states.values()].flatMap((state) => {
        const { topic, partition, position } = state
        return position === undefined ? [] : [{ topic, partition, ...position }]
      })
    }
    const list: readonly (
      | ConsumerRecord<unknown, unknown>
      | (TopicPartition & OffsetAndMetadata)
    )[] = given instanceof ConsumerRecord ? [given] : given
    return list.map((each) => {
      if (!(each instanceof ConsumerRecord)) return each
      const { topic, partition, offset, leaderEpoch } = each
      return { topic, partition, offset: offset + 1n, leaderEpoch }
    })
  }

  #requireOffsets(): CommittedOffsets {
    if (this.#offsets !== undefined) return this.#offsets
    throw new MillraceError(
      'MILLRACE_NO_GROUP',
      'offsets are committed for a group: groupId is not set',
    )
  }

  async #commitHandled(states: Iterable<PartitionState>, timeoutMs: number): Promise<void> {
    const offsets = [...states].flatMap(({ topic, partition, handled, isRevoked }) =>
      handled === undefined || isRevoked ? [] : [{ topic, partition, ...handled }],
    )
    await this.#offsets?.commit(offsets, timeoutMs)
  }

  #autoCommit(): void {
    const now = this.#cluster.clock.monotonic()
    if (!this.#options.enableAutoCommit || this.#offsets === undefined) return
    if (now < this.#nextAutoCommitMs || this.#autoCommitting !== undefined) return
    this.#nextAutoCommitMs = now + this.#options.autoCommitIntervalMs
    this.#autoCommitting = this.#commitHandled(
      this.#states.values(),
      this.#options.defaultApiTimeoutMs,
    ).then(
      () => {
        this.#autoCommitting = undefined
      },
      (error: Error) => {
        this.#autoCommitting = undefined
        this.#cluster.options.logger.warn('auto-commit failed', { error })
      },
    )
  }

  /** Committed offsets of the group, in the order of the request; null if there is none. */
  async committed(partitions: readonly TopicPartition[]): Promise<(CommittedOffset | null)[]> {
    const found = await this.#requireOffsets().fetch(partitions, this.#options.defaultApiTimeoutMs)
    return partitions.map((partition) => found.get(partitionName(partition)) ?? null)
  }

  /** First offsets, in the order of the request. */
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<bigint[]> {
    return this.#ends(partitions, SpecialTimestamp.earliest)
  }

  /**
   * Offsets after the last record, or with `read_committed` after the last stable one, in the order
   * of the request.
   */
  endOffsets(partitions: readonly TopicPartition[]): Promise<bigint[]> {
    return this.#ends(partitions, SpecialTimestamp.latest)
  }

  async #ends(partitions: readonly TopicPartition[], timestamp: bigint): Promise<bigint[]> {
    const found = await this.#lookUp(partitions.map((each) => ({ ...each, timestamp })))
    return found.map(({ offset }) => offset)
  }

  /** First record at or after a time, in the order of the request; null if there is none. */
  async offsetsForTimes(
    wanted: readonly (TopicPartition & { readonly timestamp: number })[],
  ): Promise<(TimestampedOffset | null)[]> {
    const found = await this.#lookUp(
      wanted.map((each) => ({ ...each, timestamp: BigInt(each.timestamp) })),
    )
    return wanted.map(({ topic, partition }, i) => {
      const offset = found[i]
      return offset === undefined || offset.offset < 0n ? null : { topic, partition, ...offset }
    })
  }

  #lookUp(
    wanted: readonly (TopicPartition & { readonly timestamp: bigint })[],
  ): ReturnType<typeof lookUpOffsets> {
    return lookUpOffsets(this.#cluster, wanted, {
      isReadCommitted: this.#options.fetch.isReadCommitted,
      timeoutMs: this.#options.defaultApiTimeoutMs,
    })
  }

  /** Partitions of a topic, with leaders and replicas. */
  async partitionsFor(topic: string): Promise<readonly PartitionMetadata[]> {
    return (await this.#cluster.topic(topic, this.#options.defaultApiTimeoutMs)).partitions
  }

  /** Rejoins the group, for example when an assignor has new input. */
  enforceRebalance(): void {
    this.#membership?.requestJoin()
  }

  // Closing

  #assertOpen(): void {
    if (this.#closing === undefined) return
    throw new MillraceError('MILLRACE_CLOSED', 'the consumer is closed')
  }

  /**
   * Stops reading, commits what was handled if auto-commit is on, leaves the group and closes all
   * connections. Idempotent.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? 30_000)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    // Set by the caller once this returns its promise; readers must see it.
    await Promise.resolve()
    this.#wakeup.wake()
    for (const pass of this.#gate.splice(0)) pass()
    try {
      const states = [...this.#states.values()]
      await this.#core.settle(states)
      if (this.#options.enableAutoCommit && this.#offsets !== undefined) {
        await this.#autoCommitting
        await this.#commitHandled(states, Math.min(timeoutMs, REVOKE_COMMIT_TIMEOUT_MS)).catch(
          (error: Error) => {
            this.#cluster.options.logger.warn('the last commit failed', { error })
          },
        )
      }
      if (this.#isSubscribed && states.length > 0) {
        const { onPartitionsRevoked } = this.#listener
        if (onPartitionsRevoked !== undefined) {
          await onPartitionsRevoked.call(this.#listener, placesOf(states))
        }
      }
      for (const state of states) state.revoke()
      await this.#membership?.leave('the consumer is being closed')
    } finally {
      this.#membership?.close()
      this.#fetcher.close()
      this.#cluster.close()
      this.#wakeup.wake()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function placesOf(states: readonly PartitionState[]): TopicPartition[] {
  return states.map(({ topic, partition }) => ({ topic, partition }))
}
