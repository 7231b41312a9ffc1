// SPDX-License-Identifier: Apache-2.0
import { attempt, type Clock, type Logger, type Timer } from '@millrace/base'
import { ProtocolError, RecordBatch } from '@millrace/protocol'
import { parseDuration } from '../config/duration.ts'
import type { GroupSettings } from '../coordinator/group/group-config.ts'
import type { ShareStateCoordinator } from '../coordinator/share/share-state-coordinator.ts'
import { shareKeyText } from '../coordinator/share/share-state-record.ts'
import { type ShareState, UNINITIALIZED_OFFSET } from '../coordinator/share/share-state-shard.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Partition, Topics } from '../topics.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import {
  type AcknowledgementBatch,
  type AcquiredRecords,
  type ReadBatch,
  SharePartition,
  type ShareSettings,
} from './share-partition.ts'

/** A share partition at work: its state, its log, and who waits for it. */
class LiveSharePartition {
  readonly groupId: string
  readonly partition: Partition
  readonly state: SharePartition
  readonly stateEpoch: number
  readonly watchers = new Set<() => void>()
  timer: Timer | undefined
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
const BURY_RETRY_MS = 1000

/** All share partitions that somebody reads: loads them, keeps them, and sees to their locks. */
export class SharePartitions {
  readonly #topics: Topics
  readonly #states: ShareStateCoordinator
  readonly #settings: GroupSettings
  readonly #deadLetters: DeadLetterQueue
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #live = new Map<string, Promise<LiveSharePartition>>()
  readonly #loaded = new Map<string, LiveSharePartition>()
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

  /** Throws `UNKNOWN_TOPIC_ID`, `UNKNOWN_TOPIC_OR_PARTITION`, and what reading the state throws. */
  get(groupId: string, topicId: string, index: number): Promise<LiveSharePartition> {
    const name = shareKeyText({ groupId, topicId, partition: index })
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
      throw new ProtocolError(
        'UNKNOWN_TOPIC_OR_PARTITION',
        `share group ${groupId} does not read ${partition.name}`,
      )
    }
    const isNew = kept.startOffset === UNINITIALIZED_OFFSET
    const start = isNew ? this.#initialOffset(groupId, partition.log) : kept.startOffset
    const state = new SharePartition(Number(start), kept.batches)
    state.moveLogStart(Number(partition.log.logStartOffset))
    const live = new LiveSharePartition({ groupId, partition, state, stateEpoch: kept.stateEpoch })
    this.#loaded.set(name, live)
    // Where the group begins must not depend on when the broker is started again.
    if (isNew) await this.#states.write(this.#writeOf(live, kept, start))
    return live
  }

  #writeOf(live: LiveSharePartition, kept: ShareState, startOffset: bigint) {
    return {
      key: kept.key,
      stateEpoch: kept.stateEpoch,
      leaderEpoch: live.partition.leaderEpoch,
      startOffset,
      deliveryCompleteCount: 0,
      batches: [],
    }
  }

  #initialOffset(groupId: string, log: PartitionLog): bigint {
    const policy = this.#settings.text(groupId, 'share.auto.offset.reset')
    if (policy === 'earliest') return log.logStartOffset
    if (policy.startsWith('by_duration:')) {
      const ms = parseDuration(policy.slice('by_duration:'.length)) ?? 0
      const found = log.offsetForTimestamp(BigInt(this.#clock.now() - ms), log.highWatermark)
      return found?.offset ?? log.highWatermark
    }
    return log.highWatermark
  }

  // ---------------------------------------------------------------------------------------------- reading

  isCommitted(groupId: string): boolean {
    return this.#settings.text(groupId, 'share.isolation.level') === 'read_committed'
  }

  /** Reads and acquires for a member. Synchronous: two fetches cannot get the same. */
  fetch(
    live: LiveSharePartition,
    memberId: string,
    limits: {
      readonly maxBytes: number
      readonly maxRecords: number
      readonly isStrict: boolean
      readonly atLeastOne: boolean
    },
  ): ShareFetched {
    const { partition, state, groupId } = live
    const { log } = partition
    const settings = this.settingsOf(groupId)
    state.moveLogStart(Number(log.logStartOffset))
    const isCommitted = this.isCommitted(groupId)
    const readable = isCommitted ? log.lastStableOffset : log.highWatermark
    const acquired: AcquiredRecords[] = []
    const pieces: Buffer[] = []
    let bytes = 0
    let count = 0
    while (count < limits.maxRecords) {
      const next = state.nextFetch(Number(readable), settings)
      if (next === undefined) break
      const data = log.read({
        offset: BigInt(next.offset),
        maxBytes: Math.max(0, limits.maxBytes - bytes),
        atLeastOne: limits.atLeastOne && acquired.length === 0,
        endOffset: BigInt(next.end),
      })
      if (data.length === 0) break
      const batches = readBatches(data, isCommitted ? log : undefined)
      const got = state.acquire(
        memberId,
        {
          fetchOffset: next.offset,
          batches,
          maxRecords: limits.maxRecords - count,
          isStrict: limits.isStrict,
        },
        settings,
        this.#clock.now(),
      )
      for (const { first, last } of got) count += last - first + 1
      acquired.push(...got)
      const piece = wanted(data, got)
      bytes += piece.length
      if (piece.length > 0) pieces.push(piece)
      // Only batches that hide from readers: look past them. Else what was got may be all there is for now.
      if (got.length > 0 && (count >= limits.maxRecords || next.end >= Number(readable))) break
      if (got.length === 0 && state.nextFetch(Number(readable), settings)?.offset === next.offset)
        break
    }
    void this.#settled(live)
    if (acquired.length === 0) return NOTHING
    return {
      records: pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces),
      acquired,
    }
  }

  // ---------------------------------------------------------------------------------------------- acknowledging

  /** Resolves when it is durable. Throws what `SharePartition.acknowledge` throws. */
  async acknowledge(
    live: LiveSharePartition,
    memberId: string,
    batches: readonly AcknowledgementBatch[],
  ): Promise<void> {
    live.state.acknowledge(memberId, batches, this.settingsOf(live.groupId), this.#clock.now())
    live.wake()
    await this.#settled(live)
  }

  /** A member's session is over: what it has comes back. */
  async release(groupId: string, memberId: string): Promise<void> {
    const settings = this.settingsOf(groupId)
    const ours = [...this.#loaded.values()].filter((live) => live.groupId === groupId)
    await Promise.all(
      ours.map(async (live) => {
        live.state.release(memberId, settings)
        live.wake()
        await this.#settled(live)
      }),
    )
  }

  /** After any change: what changed is written down, the dead are buried, and the next lock is watched. */
  #settled(live: LiveSharePartition): Promise<void> {
    this.#watchLocks(live)
    this.#bury(live)
    const durable = this.#persist(live)
    durable.catch(() => undefined)
    return durable
  }

  /** One write at a time; what changes meanwhile shares the next. */
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
        // What is kept and what we think would part ways: the next reader reads it again.
        this.#drop(shareKeyText(key))
        throw error
      })
      .finally(() => {
        if (live.writing === writing) live.writing = undefined
      })
    live.writing = writing
    return writing
  }

  #bury(live: LiveSharePartition): void {
    const dead = live.state.takeDead()
    if (dead.length === 0) return
    const { groupId } = live
    const settings = {
      topicName: this.#settings.text(groupId, 'errors.deadletterqueue.topic.name'),
      copiesRecord:
        this.#settings.text(groupId, 'errors.deadletterqueue.copy.record.enable').toLowerCase() ===
        'true',
    }
    const write = async (): Promise<void> => {
      if (this.#closed) return
      try {
        await this.#deadLetters.bury(live.partition, groupId, dead, settings)
      } catch (error) {
        this.#logger.warn('could not write to the dead letter queue, trying again', {
          groupId,
          error,
        })
        this.#clock.setTimer(BURY_RETRY_MS, write)
        return
      }
      for (const each of dead) live.state.buried(each)
      void this.#settled(live)
    }
    attempt(this.#logger, 'writing to the dead letter queue', write)
  }

  #watchLocks(live: LiveSharePartition): void {
    live.timer?.cancel()
    const due = live.state.nextDueMs
    if (due === undefined || this.#closed) return
    live.timer = this.#clock.setTimer(Math.max(0, due - this.#clock.now()), () => {
      live.state.expire(this.settingsOf(live.groupId), this.#clock.now())
      live.wake()
      void this.#settled(live)
    })
  }

  // ---------------------------------------------------------------------------------------------- forgetting

  /** The state was set anew or is gone: whoever reads next reads it again. */
  forget(groupId: string, isMeant: (partition: Partition) => boolean = () => true): void {
    for (const [name, live] of this.#loaded) {
      if (live.groupId === groupId && isMeant(live.partition)) this.#drop(name)
    }
  }

  #drop(name: string): void {
    const live = this.#loaded.get(name)
    live?.timer?.cancel()
    this.#loaded.delete(name)
    this.#live.delete(name)
    live?.wake()
  }

  close(): void {
    this.#closed = true
    for (const live of this.#loaded.values()) live.timer?.cancel()
  }
}

/** The batches of what was read; with a log, those of aborted transactions are hidden. */
function readBatches(data: Buffer, log: PartitionLog | undefined): ReadBatch[] {
  const batches: ReadBatch[] = []
  for (let at = 0; at < data.length; ) {
    const batch = new RecordBatch(data, at)
    const { baseOffset, lastOffset, producerId } = batch
    const isAborted =
      log !== undefined &&
      batch.isTransactional &&
      log
        .abortedTransactions(baseOffset, lastOffset + 1n)
        .some(
          (aborted) =>
            aborted.producerId === producerId &&
            aborted.firstOffset <= baseOffset &&
            aborted.lastOffset >= lastOffset,
        )
    batches.push({
      first: Number(baseOffset),
      last: Number(lastOffset),
      isHidden: batch.isControl || isAborted,
    })
    at += batch.size
  }
  return batches
}

/** Of what was read, the batches from the first to the last with something acquired. */
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
