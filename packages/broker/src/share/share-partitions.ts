// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'
import { ProtocolError, RecordBatch } from '@millrace/protocol'
import { parseDuration } from '../config/duration.ts'
import type { GroupSettings } from '../coordinator/group/group-config.ts'
import type { ShareStateCoordinator } from '../coordinator/share/share-state-coordinator.ts'
import { shareKeyText } from '../coordinator/share/share-state-record.ts'
import {
  type ShareState,
  UNINITIALIZED_COUNT,
  UNINITIALIZED_OFFSET,
} from '../coordinator/share/share-state-shard.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Partition, Topics } from '../topics.ts'
import type { AcknowledgementBatch } from './acknowledgement.ts'
import type { AcquiredRecords, ReadBatch } from './acquisition.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import { SharePartition, type ShareSettings } from './share-partition.ts'

/** A loaded share partition: its state, its log, and waiting fetches. */
class LiveSharePartition {
  readonly groupId: string
  readonly partition: Partition
  readonly state: SharePartition
  readonly stateEpoch: number
  readonly watchers = new Set<() => void>()
  timer: Timer | undefined
  /** Set on unload: a fetch that still waits must not acquire records. */
  isFenced = false
  writing: Promise<void> | undefined
  next: Promise<void> | undefined

  constructor(options: {
    readonly groupId: string
    readonly partition: Partition
    readonly state: SharePartition
    readonly stateEpoch: number
  }) {
    this.groupId = options.groupId
    this.partition = options.partition
    this.state = options.state
    this.stateEpoch = options.stateEpoch
  }

  wake(): void {
    for (const watcher of [...this.watchers]) watcher()
  }
}

export type { LiveSharePartition }

export interface ShareFetched {
  readonly records: Buffer
  readonly acquired: readonly AcquiredRecords[]
}

const NOTHING: ShareFetched = { records: Buffer.alloc(0), acquired: [] }
/** As in Kafka: five attempts, with exponential back-off. */
const DEAD_LETTER_RETRY_MS = 1000
const DEAD_LETTER_ATTEMPTS = 5
/** If more are loaded, those of groups without a session are unloaded. */
const MAX_IDLE_PARTITIONS = 1000

/** All active share partitions: loads and keeps them, and runs their acquisition lock timers. */
export class SharePartitions {
  readonly #topics: Topics
  readonly #states: ShareStateCoordinator
  readonly #settings: GroupSettings
  readonly #deadLetters: DeadLetterQueue
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #live = new Map<string, Promise<LiveSharePartition>>()
  readonly #loaded = new Map<string, LiveSharePartition>()
  /** Groups without a session, in the order in which they lost it. */
  readonly #idle = new Set<string>()
  #closed = false

  constructor(options: {
    readonly topics: Topics
    readonly states: ShareStateCoordinator
    readonly settings: GroupSettings
    readonly deadLetters: DeadLetterQueue
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#topics = options.topics
    this.#states = options.states
    this.#settings = options.settings
    this.#deadLetters = options.deadLetters
    this.#clock = options.clock
    this.#logger = options.logger
  }

  settingsOf(groupId: string): ShareSettings {
    const { number, text } = this.#settings
    return {
      deliveryCountLimit: number(groupId, 'share.delivery.count.limit'),
      lockDurationMs: number(groupId, 'share.record.lock.duration.ms'),
      maxLocks: number(groupId, 'share.partition.max.record.locks'),
      isRenewable: text(groupId, 'share.renew.acknowledge.enable').toLowerCase() === 'true',
      hasDeadLetterQueue: text(groupId, 'errors.deadletterqueue.topic.name') !== '',
    }
  }

  /**
   * Throws `UNKNOWN_TOPIC_ID`, `UNKNOWN_TOPIC_OR_PARTITION`, and `UNKNOWN_SERVER_ERROR` if no
   * member subscribes to the topic.
   */
  get(groupId: string, topicId: string, index: number): Promise<LiveSharePartition> {
    const name = shareKeyText({ groupId, topicId, partition: index })
    this.#idle.delete(groupId)
    let live = this.#live.get(name)
    if (live === undefined) {
      live = this.#load(name, groupId, this.#topics.partitionById(topicId, index))
      this.#live.set(name, live)
      live.catch(() => this.#live.delete(name))
    }
    return live
  }

  async #load(name: string, groupId: string, partition: Partition): Promise<LiveSharePartition> {
    const key = { groupId, topicId: partition.topic.id, partition: partition.index }
    const kept = await this.#states.read(key)
    if (kept === undefined) {
      // Kafka's error code for this case.
      throw new ProtocolError(
        'UNKNOWN_SERVER_ERROR',
        `share group ${groupId} does not read ${partition.name}`,
      )
    }
    const isNew = kept.startOffset === UNINITIALIZED_OFFSET
    const start = isNew ? this.#initialOffset(groupId, partition.log) : kept.startOffset
    const { deliveryCountLimit } = this.settingsOf(groupId)
    const state = new SharePartition(Number(start), kept.batches, deliveryCountLimit)
    const live = new LiveSharePartition({ groupId, partition, state, stateEpoch: kept.stateEpoch })
    this.#loaded.set(name, live)
    // The group's start offset must not depend on when the broker is restarted.
    if (isNew) await this.#states.write(this.#writeOf(live, kept, start))
    this.#sendToDeadLetterQueue(live)
    return live
  }

  /** A loaded share partition, or undefined if it was never fetched. */
  loaded(groupId: string, topicId: string, index: number): LiveSharePartition | undefined {
    return this.#loaded.get(shareKeyText({ groupId, topicId, partition: index }))
  }

  #writeOf(live: LiveSharePartition, kept: ShareState, startOffset: bigint) {
    return {
      key: kept.key,
      stateEpoch: kept.stateEpoch,
      leaderEpoch: live.partition.leaderEpoch,
      startOffset,
      // Kafka persists nothing before the first acknowledgement, and returns no offset until then.
      deliveryCompleteCount: UNINITIALIZED_COUNT,
      batches: [],
    }
  }

  #initialOffset(groupId: string, log: PartitionLog): bigint {
    const policy = this.#settings.text(groupId, 'share.auto.offset.reset')
    if (policy === 'earliest') return log.logStartOffset
    if (policy.startsWith('by_duration:')) {
      const ms = parseDuration(policy.slice('by_duration:'.length)) ?? 0
      const timestamp = BigInt(this.#clock.now() - ms)
      const found = log.offsetForTimestamp(timestamp, log.highWatermark)
      if (found !== undefined) return found.offset
      // As in Kafka, the group starts at the first record with that timestamp or a later one.
      throw new ProtocolError(
        'OFFSET_NOT_AVAILABLE',
        `no record has a timestamp of ${timestamp} or later`,
      )
    }
    return log.highWatermark
  }

  // ----------------------------------------------------------------------------------------------
  // read

  isCommitted(groupId: string): boolean {
    return this.#settings.text(groupId, 'share.isolation.level') === 'read_committed'
  }

  /**
   * Number of bytes that a fetch would read; undefined while the maximum number of records is in
   * flight.
   */
  readable(live: LiveSharePartition, maxBytes: number): number | undefined {
    const { partition, state, groupId } = live
    const offset = this.#nextFetch(live)
    if (offset === undefined) return undefined
    const endOffset = this.#endOffset(partition.log, groupId)
    return partition.log.read({
      offset: BigInt(Math.max(offset, state.startOffset)),
      maxBytes,
      atLeastOne: true,
      endOffset,
    }).length
  }

  /** Whether the group may acquire more records of the partition. */
  mayAcquire(live: LiveSharePartition): boolean {
    return this.#nextFetch(live) !== undefined
  }

  #endOffset(log: PartitionLog, groupId: string): bigint {
    return this.isCommitted(groupId) ? log.lastStableOffset : log.highWatermark
  }

  #nextFetch(
    { partition, state, groupId, isFenced }: LiveSharePartition,
    settings = this.settingsOf(groupId),
  ): number | undefined {
    if (isFenced) return undefined
    state.moveLogStart(Number(partition.log.logStartOffset))
    return state.nextFetch(settings)
  }

  /**
   * Reads and acquires records for a member. Synchronous, so two fetches never acquire the same
   * record.
   */
  fetch(
    live: LiveSharePartition,
    memberId: string,
    limits: {
      readonly maxBytes: number
      readonly maxRecords: number
      readonly batchSize: number
      readonly isStrict: boolean
      readonly atLeastOne: boolean
    },
  ): ShareFetched {
    const { partition, state, groupId } = live
    const { log } = partition
    const settings = this.settingsOf(groupId)
    const isCommitted = this.isCommitted(groupId)
    const endOffset = this.#endOffset(log, groupId)
    let result = NOTHING
    for (;;) {
      const fetchOffset = this.#nextFetch(live, settings)
      if (fetchOffset === undefined) break
      const data = log.read({
        offset: BigInt(Math.max(fetchOffset, state.startOffset)),
        maxBytes: limits.maxBytes,
        atLeastOne: limits.atLeastOne,
        endOffset,
      })
      if (data.length === 0) break
      const batches = readBatches(data, isCommitted ? log : undefined)
      const read = { ...limits, fetchOffset, batches }
      const acquired = state.acquire(memberId, read, settings, this.#clock.monotonic())
      if (acquired.length > 0) {
        result = { records: wanted(data, acquired), acquired }
        break
      }
      // Only records that were aborted or removed by compaction: skip them.
      if (this.#nextFetch(live, settings) === fetchOffset) break
    }
    if (result.acquired.length > 0) this.#watchLocks(live)
    return result
  }

  // ----------------------------------------------------------------------------------------------
  // acknowledge

  /** Resolves when it is durable. Throws what `SharePartition.acknowledge` throws. */
  async acknowledge(
    live: LiveSharePartition,
    memberId: string,
    batches: readonly AcknowledgementBatch[],
  ): Promise<void> {
    live.state.acknowledge(
      memberId,
      batches,
      this.settingsOf(live.groupId),
      this.#clock.monotonic(),
    )
    live.wake()
    await this.#settled(live)
  }

  /** Releases the records of a member when its session ends. */
  async release(groupId: string, memberId: string): Promise<void> {
    const settings = this.settingsOf(groupId)
    const ours = this.#ofGroup(groupId)
    await Promise.all(
      ours.map(async (live) => {
        live.state.release(memberId, settings)
        live.wake()
        await this.#settled(live)
      }),
    )
  }

  #ofGroup(groupId: string): LiveSharePartition[] {
    return [...this.#loaded.values()].filter((live) => live.groupId === groupId)
  }

  /**
   * Called after every change: persists it, sends undeliverable records to the dead letter queue,
   * and restarts the lock timer.
   */
  #settled(live: LiveSharePartition): Promise<void> {
    this.#watchLocks(live)
    const durable = this.#persist(live)
    durable.then(
      () => this.#sendToDeadLetterQueue(live),
      () => undefined,
    )
    return durable
  }

  /** One write at a time; changes made during it share the next. */
  #persist(live: LiveSharePartition): Promise<void> {
    if (live.writing === undefined) return this.#write(live)
    live.next ??= live.writing
      .catch(() => undefined)
      .then(() => {
        live.next = undefined
        return this.#write(live)
      })
    return live.next
  }

  #write(live: LiveSharePartition): Promise<void> {
    const update = live.state.takeUpdate()
    if (update === undefined) return Promise.resolve()
    const { groupId, partition } = live
    const key = { groupId, topicId: partition.topic.id, partition: partition.index }
    const writing = this.#states
      .write({
        key,
        stateEpoch: live.stateEpoch,
        leaderEpoch: partition.leaderEpoch,
        ...update,
      })
      .catch((error: unknown) => {
        // Persisted and in-memory state would diverge: the next reader loads it again.
        this.#drop(shareKeyText(key))
        throw error
      })
      .finally(() => {
        if (live.writing === writing) live.writing = undefined
      })
    live.writing = writing
    return writing
  }

  #sendToDeadLetterQueue(live: LiveSharePartition): void {
    const undeliverable = live.state.takeUndeliverable()
    if (undeliverable.length === 0) return
    const { groupId } = live
    const settings = {
      topicName: this.#settings.text(groupId, 'errors.deadletterqueue.topic.name'),
      copiesRecord:
        this.#settings.text(groupId, 'errors.deadletterqueue.copy.record.enable').toLowerCase() ===
        'true',
    }
    let attempts = 0
    const write = async (): Promise<void> => {
      if (this.#closed) return
      attempts++
      try {
        await this.#deadLetters.write(live.partition, groupId, undeliverable, settings)
      } catch (error) {
        if (attempts < DEAD_LETTER_ATTEMPTS) {
          this.#logger.warn('could not write to the dead letter queue, retrying', {
            groupId,
            error,
          })
          this.#clock.setTimer(DEAD_LETTER_RETRY_MS * 2 ** (attempts - 1), write)
          return
        }
        // Archived anyway, as in Kafka: the group must be able to proceed.
        this.#logger.error('could not write to the dead letter queue', { groupId, error })
      }
      for (const each of undeliverable) live.state.deadLettered(each)
      live.wake()
      this.#settled(live).catch(() => undefined)
    }
    attempt(this.#logger, 'writing to the dead letter queue', write)
  }

  #watchLocks(live: LiveSharePartition): void {
    live.timer?.cancel()
    const due = live.state.nextDueMs
    if (due === undefined || live.isFenced || this.#closed) return
    live.timer = this.#clock.setTimer(Math.max(0, Math.ceil(due - this.#clock.monotonic())), () => {
      live.state.expire(this.settingsOf(live.groupId), this.#clock.monotonic())
      live.wake()
      this.#settled(live).catch(() => undefined)
    })
  }

  // ----------------------------------------------------------------------------------------------
  // unload

  /**
   * Called when a group has no session left. As in Kafka its state is kept while few partitions are
   * loaded; otherwise the groups that lost their last session first are unloaded.
   */
  async retire(groupId: string, hasSession: (groupId: string) => boolean): Promise<void> {
    this.#idle.delete(groupId)
    if (this.#ofGroup(groupId).length > 0) this.#idle.add(groupId)
    for (const oldest of this.#idle) {
      if (this.#loaded.size <= MAX_IDLE_PARTITIONS) return
      this.#idle.delete(oldest)
      await this.#unload(oldest, () => hasSession(oldest))
    }
  }

  /** Unloads a group once its changes are persisted; the next fetch loads it again. */
  async #unload(groupId: string, hasSession: () => boolean): Promise<void> {
    for (const live of this.#ofGroup(groupId)) {
      await (live.next ?? live.writing)?.catch(() => undefined)
      const isIdle = live.writing === undefined && live.next === undefined
      const name = shareKeyText({
        groupId,
        topicId: live.partition.topic.id,
        partition: live.partition.index,
      })
      if (isIdle && !hasSession() && this.#loaded.get(name) === live) this.#drop(name)
    }
  }

  /** The state was reset or deleted: the next reader loads it again. */
  forget(groupId: string, isMeant: (partition: Partition) => boolean = () => true): void {
    for (const [name, live] of this.#loaded) {
      if (live.groupId === groupId && isMeant(live.partition)) this.#drop(name)
    }
    if (this.#ofGroup(groupId).length === 0) this.#idle.delete(groupId)
  }

  #drop(name: string): void {
    const live = this.#loaded.get(name)
    this.#loaded.delete(name)
    this.#live.delete(name)
    if (live === undefined) return
    live.timer?.cancel()
    live.isFenced = true
    live.wake()
  }

  close(): void {
    this.#closed = true
    for (const live of this.#loaded.values()) live.timer?.cancel()
  }
}

/** Batches of the data read; with a log, those of aborted transactions are marked. */
function readBatches(data: Buffer, log: PartitionLog | undefined): ReadBatch[] {
  const batches: ReadBatch[] = []
  for (let at = 0; at < data.length; ) {
    const batch = new RecordBatch(data, at)
    const { baseOffset, lastOffset, producerId } = batch
    const isAborted =
      log !== undefined &&
      batch.isTransactional &&
      !batch.isControl &&
      log
        .abortedTransactions(baseOffset, lastOffset + 1n)
        .some(
          (aborted) =>
            aborted.producerId === producerId &&
            aborted.firstOffset <= baseOffset &&
            aborted.lastOffset >= lastOffset,
        )
    batches.push({ first: Number(baseOffset), last: Number(lastOffset), isAborted })
    at += batch.size
  }
  return batches
}

/** The range of batches, from first to last, that contain an acquired record. */
function wanted(data: Buffer, acquired: readonly AcquiredRecords[]): Buffer {
  const [first] = acquired
  const last = acquired.at(-1)
  if (first === undefined || last === undefined) return data.subarray(0, 0)
  let start = -1
  let end = 0
  for (let at = 0; at < data.length; ) {
    const batch = new RecordBatch(data, at)
    if (Number(batch.baseOffset) > last.last) break
    const next = at + batch.size
    if (Number(batch.lastOffset) >= first.first) {
      if (start < 0) start = at
      end = next
    }
    at = next
  }
  return start < 0 ? data.subarray(0, 0) : data.subarray(start, end)
}
