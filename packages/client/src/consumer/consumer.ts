// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { Cluster } from '../metadata/cluster.ts'
import type { PartitionMetadata } from '../metadata/metadata.ts'
import { lookUpOffsets, SpecialTimestamp } from '../metadata/offset-lookup.ts'
import { AbortedError, Wakeup } from '../network/waiting.ts'
import { resolveClientOptions } from '../options.ts'
import { bytes } from '../serde/serde.ts'
import type { Topic } from '../serde/topic.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { Assignment, placesOf } from './assignment.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import {
  type ConsumerOptions,
  type RecordOf,
  type ResolvedConsumerOptions,
  resolveConsumerOptions,
} from './consumer-options.ts'
import type { ConsumerRecord, Deserializers } from './consumer-record.ts'
import { Fetcher } from './fetcher.ts'
import { ClassicMembership } from './group/classic-membership.ts'
import { ConsumerMembership } from './group/consumer-membership.ts'
import { GroupLink, type Membership } from './group/membership.ts'
import { NegotiatedMembership } from './group/negotiated-membership.ts'
import { GroupRebalance } from './group-rebalance.ts'
import { OffsetCommits } from './offset-commits.ts'
import type { CommittedOffset, OffsetAndMetadata } from './offset-messages.ts'
import type { PartitionState } from './partition-state.ts'
import { type PartitionStream, PartitionStreams } from './partition-stream.ts'
import { poll } from './poll.ts'
import { Positions } from './positions.ts'
import { ReadGate } from './read-gate.ts'
import { ReadLoop } from './read-loop.ts'
import type { RebalanceListener } from './rebalance-listener.ts'
import { RecordIterator } from './record-iterator.ts'
import { Runner, type RunOptions } from './runner.ts'
import {
  isOfGroup,
  type Subscription,
  subscriptionToPattern,
  subscriptionToTopics,
} from './subscription.ts'

/** An offset that was found by time. */
export interface TimestampedOffset extends TopicPartition {
  /** Offset of the first record of that time or later. */
  readonly offset: bigint
  /** Timestamp of the record, milliseconds since 1970. */
  readonly timestamp: number
  /** Leader epoch of the record; -1 if unknown. */
  readonly leaderEpoch: number
}

/** The parts that only a consumer with a group has. */
interface Group {
  readonly groupId: string
  readonly membership: Membership
  readonly commits: OffsetCommits
  readonly rebalance: GroupRebalance
}

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
  readonly #assignment = new Assignment()
  readonly #deserializers = new Map<string, Deserializers<unknown, unknown>>()
  readonly #wakeup = new Wakeup()
  readonly #gate: ReadGate
  readonly #positions: Positions
  readonly #fetcher: Fetcher
  readonly #loop: ReadLoop
  /** Undefined without a `groupId`. */
  readonly #group: Group | undefined
  #subscription: Subscription = { kind: 'none' }
  #closing: Promise<void> | undefined

  /** Creates a consumer; it connects on first use. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: O) {
    const client = resolveClientOptions(options)
    this.#options = resolveConsumerOptions(options)
    const { fetch, checkCrcs, groupId } = this.#options
    const cluster = new Cluster(client, {
      allowAutoTopicCreation: options.allowAutoCreateTopics ?? true,
    })
    this.#cluster = cluster
    this.#gate = new ReadGate(() => cluster.clock.monotonic())
    const committed = groupId === undefined ? undefined : this.#joinable(groupId)
    this.#group = committed?.group
    const states = (): Iterable<PartitionState> => this.#assignment.states
    const wake = (): void => this.#wakeup.wake()
    this.#positions = new Positions({
      cluster,
      options: this.#options,
      committed: committed?.offsets,
      states,
      wake,
    })
    this.#fetcher = new Fetcher({
      cluster,
      fetch,
      assigned: states,
      onOffsetOutOfRange: (state) => this.#positions.resetOrFail(state),
      wake,
    })
    const plain = options.deserializers ?? { key: bytes(), value: bytes() }
    this.#loop = new ReadLoop({
      cluster,
      gate: this.#gate,
      assignment: this.#assignment,
      decode: {
        checkCrcs,
        isReadCommitted: fetch.isReadCommitted,
        deserializersOf: (topic) => this.#deserializers.get(topic) ?? plain,
        onPrepared: wake,
      },
      positions: this.#positions,
      fetcher: this.#fetcher,
      commits: this.#group?.commits,
      group: () => (isOfGroup(this.#subscription) ? this.#group?.rebalance : undefined),
      wakeup: this.#wakeup,
      groupId,
    })
    cluster.onChange(() => {
      this.#group?.rebalance.metadataChanged()
      wake()
    })
    if (options.topics !== undefined) this.subscribe(options.topics)
  }

  #joinable(groupId: string): { readonly group: Group; readonly offsets: CommittedOffsets } {
    const { fetch, excludeInternalTopics } = this.#options
    const link = new GroupLink(this.#cluster, groupId)
    const membership = this.#newMembership(link)
    membership.lastProgressMs = () => this.#gate.lastProgressMs()
    const offsets = new CommittedOffsets({ link, membership, requireStable: fetch.isReadCommitted })
    const commits = new OffsetCommits({
      committed: offsets,
      assignment: this.#assignment,
      cluster: this.#cluster,
      options: this.#options,
    })
    const rebalance = new GroupRebalance({
      link,
      membership,
      assignment: this.#assignment,
      commits,
      gate: this.#gate,
      subscription: () => this.#subscription,
      excludeInternalTopics,
    })
    return { group: { groupId, membership, commits, rebalance }, offsets }
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
    if (this.#group === undefined) {
      throw new MillraceError('MILLRACE_NO_GROUP', 'subscribe needs a groupId; assign does not')
    }
    if (this.#subscription.kind === 'assigned') {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        'partitions were assigned by hand; unsubscribe first',
      )
    }
    const names = topics instanceof RegExp ? [] : topics.map(nameOf)
    this.#subscription =
      topics instanceof RegExp ? subscriptionToPattern(topics) : subscriptionToTopics(names)
    this.#group.rebalance.listener = listener
    if (topics instanceof RegExp) {
      this.#cluster.trackOnly('all')
      this.#cluster.requestRefresh()
    } else {
      for (const topic of topics) {
        if (typeof topic !== 'string') this.#deserializers.set(topic.name, topic)
      }
      if (names.length > 0) this.#cluster.trackOnly(names)
    }
    if (isOfGroup(this.#subscription)) this.#group.membership.requestJoin()
    this.#wakeup.wake()
  }

  /** Leaves the group, or drops the partitions that were assigned by hand. */
  async unsubscribe(): Promise<void> {
    const wasMember = isOfGroup(this.#subscription)
    this.#subscription = { kind: 'none' }
    if (wasMember) await this.#group?.rebalance.leave()
    this.#assignment.replace([])
  }

  /**
   * Reads exactly these partitions, without a group. With a `topicId` only the topic of that id is
   * read: after it was deleted, reading fails with `UNKNOWN_TOPIC_OR_PARTITION`, or with
   * `UNKNOWN_TOPIC_ID` if a new topic has its name.
   */
  assign(partitions: readonly (TopicPartition & { readonly topicId?: string })[]): void {
    this.#assertOpen()
    if (isOfGroup(this.#subscription)) {
      throw new MillraceError('MILLRACE_INVALID_STATE', 'topics are subscribed; unsubscribe first')
    }
    this.#subscription = { kind: 'assigned' }
    this.#assignment.replace(partitions)
    this.#cluster.trackOnly(partitions.map(({ topic }) => topic))
    this.#wakeup.wake()
  }

  /** Assigned partitions, by topic and index. */
  get assignment(): readonly TopicPartition[] {
    return this.#assignment.partitions
  }

  /** Topics subscribed by name, or those that the pattern matches now. */
  get subscription(): readonly string[] {
    return this.#group?.rebalance.topics ?? []
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
    if (this.#group?.membership.isMember !== true) return undefined
    return { groupId: this.#group.groupId, ...this.#group.membership.generation }
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
    const { signal } = options
    const maxRecords = this.#options.maxPollRecords
    const records = await this.#reading('poll', signal, () =>
      poll(this.#loop, { maxRecords, timeoutMs, signal }),
    )
    return records as RecordOf<O>[]
  }

  /**
   * Reads record by record until the consumer is closed. A record counts as handled when the next
   * one is requested.
   */
  [Symbol.asyncIterator](): AsyncIterator<RecordOf<O>, undefined> & AsyncDisposable {
    this.#beginReading('for await')
    return new RecordIterator<RecordOf<O>>(this.#loop, () => this.#gate.end())
  }

  /**
   * One iterable per partition, each at its own pace. It ends when the partition is revoked or the
   * consumer closes.
   */
  partitions(): AsyncIterable<PartitionStream<RecordOf<O>>> {
    return {
      [Symbol.asyncIterator]: () => {
        this.#beginReading('partitions')
        return new PartitionStreams<RecordOf<O>>(this.#loop, () => this.#gate.end())
      },
    }
  }

  /**
   * Passes every record, or every batch, to a handler until the signal is aborted, the consumer is
   * closed or a handler fails; rejects with the handler's error. A failed record does not count as
   * handled.
   */
  run(options: RunOptions<RecordOf<O>>): Promise<void> {
    return this.#reading('run', undefined, () => new Runner(this.#loop, options).run())
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
      await this.#group?.rebalance.callbacksDone()
      this.#gate.end()
    }
  }

  #beginReading(what: string): void {
    this.#assertOpen()
    if (this.#subscription.kind === 'none') {
      throw new MillraceError(
        'MILLRACE_INVALID_STATE',
        'nothing to read: subscribe to topics or assign partitions first',
      )
    }
    this.#gate.begin(what)
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
    this.#assignment
      .require(partition)
      .seek({ offset: target.offset, leaderEpoch: target.leaderEpoch ?? -1 })
    this.#wakeup.wake()
  }

  /**
   * Continues at the start of partitions, by default of all assigned ones. Takes effect with the
   * next read.
   */
  seekToBeginning(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#assignment.require(partition).requestReset('earliest')
    this.#wakeup.wake()
  }

  /** Continues at the end of partitions, by default of all assigned ones. */
  seekToEnd(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#assignment.require(partition).requestReset('latest')
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
    for (const partition of partitions)
      this.#assignment.require(partition).requestReset({ timestamp })
    this.#wakeup.wake()
  }

  /**
   * Returns no records of these partitions until `resume`. Records that handlers already have are
   * not affected.
   */
  pause(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#assignment.require(partition).isPaused = true
  }

  /** Continues to read partitions that were paused, by default all. */
  resume(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const partition of partitions) this.#assignment.require(partition).isPaused = false
    this.#wakeup.wake()
  }

  /** Partitions that are paused. */
  get paused(): readonly TopicPartition[] {
    return placesOf([...this.#assignment.states].filter(({ isPaused }) => isPaused))
  }

  /** Offset of the next record; looked up if it is unknown. */
  async position(partition: TopicPartition): Promise<bigint> {
    const state = this.#assignment.require(partition)
    const deadline = this.#cluster.clock.monotonic() + this.#options.defaultApiTimeoutMs
    for (let attempt = 0; state.position === undefined; attempt++) {
      if (state.error !== undefined) throw state.error
      this.#assignment.require(partition)
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
    const { position, highWatermark, lastStableOffset } = this.#assignment.require(partition)
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
    await this.#requireCommits().commit(offsets)
  }

  #requireCommits(): OffsetCommits {
    if (this.#group !== undefined) return this.#group.commits
    throw new MillraceError(
      'MILLRACE_NO_GROUP',
      'offsets are committed for a group: groupId is not set',
    )
  }

  /** Committed offsets of the group, in the order of the request; null if there is none. */
  async committed(partitions: readonly TopicPartition[]): Promise<(CommittedOffset | null)[]> {
    return this.#requireCommits().fetch(partitions)
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
    this.#group?.membership.requestJoin()
  }

  // Closing

  #assertOpen(): void {
    if (!this.#gate.isClosed) return
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
    this.#gate.close()
    this.#wakeup.wake()
    try {
      const states = [...this.#assignment.states]
      await this.#gate.settle(states)
      await this.#group?.commits.commitBeforeClose(states, timeoutMs)
      if (isOfGroup(this.#subscription)) await this.#group?.rebalance.revokeForClose(states)
      for (const state of states) state.revoke()
      await this.#group?.membership.leave('the consumer is being closed')
    } finally {
      this.#group?.membership.close()
      this.#fetcher.close()
      this.#cluster.close()
      this.#wakeup.wake()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function nameOf(topic: string | Topic<unknown, unknown>): string {
  return typeof topic === 'string' ? topic : topic.name
}
