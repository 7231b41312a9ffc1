// SPDX-License-Identifier: Apache-2.0
import { attempt, type FileSystem, type Logger, type Timer } from '@millrace/base'
import { type BatchOrigin, type Ranges, rangesOf } from '../../batch-origin.ts'
import type {
  Channel,
  FanOut,
  FanOutMemory,
  PutOptions,
  PutTransaction,
  TakeOptions,
  TakeTransaction,
} from '../../channel.ts'
import type { ComponentContext } from '../../component.ts'
import { ChannelError, ChannelFullError } from '../../errors.ts'
import type { Event } from '../../event.ts'
import { sleep, WaitingRoom } from '../../waiting.ts'
import { requireFit } from '../capacities.ts'
import { EventQueue } from '../event-queue.ts'
import { ChannelDirectories } from './channel-directories.ts'
import { ChannelState } from './channel-state.ts'
import { CheckpointFile } from './checkpoint.ts'
import type { Cipher } from './encryption.ts'
import { FilePut } from './file-put.ts'
import { decodeFrame, FrameWriter } from './frames.ts'
import { isBefore, type LogPosition } from './log-position.ts'
import { SegmentLog } from './segment-log.ts'

export interface FileChannelOptions {
  readonly capacity: number
  readonly transactionCapacity: number
  /** Time that a put waits for free capacity, seconds. */
  readonly keepAlive: number
  readonly dataDirs: readonly string[]
  readonly checkpointDir: string
  readonly backupCheckpointDir: string | undefined
  readonly checkpointIntervalMs: number
  readonly checkpointOnClose: boolean
  readonly maxFileSize: number
  readonly minimumRequiredSpace: number
  readonly fsyncPerTransaction: boolean
  readonly fsyncIntervalMs: number
  /** Bytes of events that are kept in memory. */
  readonly cacheSize: number
  readonly cipher: Cipher | undefined
}

/**
 * Size of a segment and of the log between two checkpoints. A small one means less to replay after
 * a crash, and files that are free early.
 */
const SEGMENT_SIZE = 64 * 1024 * 1024
/** Bytes that an event takes in memory besides its body. */
const EVENT_OVERHEAD = 128
/** More than any disk stores per millisecond. */
const POSITIONS_PER_MS = 1000
const RETRY_MS = 1000

/**
 * A channel in a write-ahead log. A put appends a frame with its events, a take a frame with their
 * positions; frames that wait are synced together. Events stay in memory up to `cacheSize`, others
 * are read back in order. After a crash the log is replayed from the last checkpoint.
 */
export class FileChannel implements Channel, FanOutMemory {
  readonly isDurable = true
  readonly #options: FileChannelOptions
  readonly #segmentSize: number
  readonly #context: ComponentContext
  readonly #fileSystem: FileSystem
  readonly #logger: Logger
  readonly #log: SegmentLog
  readonly #checkpoints: CheckpointFile
  readonly #queue = new EventQueue()
  readonly #state = new ChannelState()
  readonly #arrivals: WaitingRoom
  readonly #departures: WaitingRoom
  readonly #directories: ChannelDirectories
  #id = ''
  /** Capacity that open puts have reserved. */
  #reserved = 0
  #cachedBytes = 0
  /** Start of the events that are not in memory; undefined if all are. */
  #unreadFrom: LogPosition | undefined
  /** The first position to read from there. */
  #unreadPosition = 0
  #durableEnd: LogPosition = { segment: 1, offset: 0 }
  #bytesSinceCheckpoint = 0
  #isCheckpointComing = false
  #lastCheckpointMs = 0
  readonly #timers = new Set<Timer>()
  #isOpen = false
  #stopping = new AbortController()

  constructor(options: FileChannelOptions, context: ComponentContext) {
    this.#options = options
    this.#segmentSize = Math.min(options.maxFileSize, SEGMENT_SIZE)
    this.#context = context
    this.#fileSystem = context.world.fileSystem
    this.#logger = context.logger
    this.#log = new SegmentLog({
      fileSystem: this.#fileSystem,
      directories: options.dataDirs,
      segmentSize: this.#segmentSize,
      minimumRequiredSpace: options.minimumRequiredSpace,
      syncs: options.fsyncPerTransaction,
      writer: new FrameWriter(options.cipher),
    })
    const { checkpointDir, backupCheckpointDir } = options
    this.#checkpoints = new CheckpointFile(
      this.#fileSystem,
      backupCheckpointDir === undefined ? [checkpointDir] : [checkpointDir, backupCheckpointDir],
    )
    this.#directories = new ChannelDirectories(this.#fileSystem, options.dataDirs)
    this.#arrivals = new WaitingRoom(context.world.clock)
    this.#departures = new WaitingRoom(context.world.clock)
    context.counters.gauge('Open', () => (this.#isOpen ? 'true' : 'false'))
    context.counters.gauge('Unhealthy', () => 0)
    for (const name of FILE_COUNTERS) context.counters.add(name, 0)
  }

  get id(): string {
    return this.#id
  }
  /** Number of events, with those of open puts. */
  get size(): number {
    return this.#state.size + this.#reserved
  }
  get capacity(): number {
    return this.#options.capacity
  }
  get transactionCapacity(): number {
    return this.#options.transactionCapacity
  }
  get undecided(): readonly FanOut[] {
    return this.#state.undecided
  }
  get failedCommits(): number {
    return this.#log.failedWrites
  }
  receivedUpTo(originId: string): number | undefined {
    return this.#state.received.floorOf(originId)
  }
  hasDecided(id: string): boolean {
    return this.#state.hasDecided(id)
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    this.#isCheckpointComing = false
    this.#directories.lock()
    try {
      this.#open()
    } catch (error) {
      this.#directories.release()
      throw error
    }
    this.#isOpen = true
    this.#repeat(Math.min(this.#options.checkpointIntervalMs, 5000), () => this.#checkpointIfDue())
    if (!this.#options.fsyncPerTransaction) {
      this.#repeat(this.#options.fsyncIntervalMs, () => this.#log.flush())
    }
  }

  /** Reads the checkpoint and replays the log after it. */
  #open(): void {
    this.#id = this.#directories.channelId(this.#context.world.random)
    this.#log.open()
    const found = this.#checkpoints.read()
    const checkpoint =
      found !== undefined && isBefore(this.#log.end, found.replayFrom) ? undefined : found
    if (checkpoint !== undefined) this.#state.restore(checkpoint)
    this.#replay(checkpoint?.replayFrom ?? this.#log.start)
    this.#state.finishReplay(this.#context.world.clock.now() * POSITIONS_PER_MS)
    const { size, firstMark, floor } = this.#state
    this.#unreadFrom = size > 0 ? (firstMark ?? this.#log.start) : undefined
    this.#unreadPosition = floor
    this.#lastCheckpointMs = this.#context.world.clock.monotonic()
    if (this.#bytesSinceCheckpoint > this.#segmentSize) this.#checkpoint()
  }

  #replay(from: LogPosition): void {
    const { clock } = this.#context.world
    let at: LogPosition | undefined = from
    let end = from
    while (at !== undefined) {
      const { frames, next, isDamaged } = this.#log.read(at)
      for (const frame of frames) {
        this.#state.replay(decodeFrame(frame, this.#options.cipher), frame.at, clock.now())
        this.#bytesSinceCheckpoint += frame.end.offset - frame.at.offset
        end = frame.end
      }
      if (isDamaged) {
        const isTail = next === undefined
        this.#logger[isTail ? 'debug' : 'warn'](
          isTail
            ? 'truncated an incomplete write at the end of the channel'
            : 'skipped a corrupt part of the channel',
          { channel: this.#context.name, segment: at.segment, offset: at.offset },
        )
        if (isTail) this.#log.truncate(end.segment === at.segment ? end : at)
      }
      at = next
    }
    this.#durableEnd = this.#log.end
  }

  async put(
    given: readonly Event[],
    { origin, failedCommits }: PutOptions = {},
  ): Promise<PutTransaction> {
    this.#context.counters.add('EventPutAttemptCount', given.length)
    const admission = await this.#state.received.admit(given, origin)
    const { events, settle } = admission
    try {
      await this.#reserve(events.length)
    } catch (error) {
      settle(false)
      throw error
    }
    return new FilePut({
      append: (fanOut) => {
        this.#requireUnfailed(failedCommits)
        return this.#appendPut(events, admission.origin, fanOut)
      },
      decide: (fanOut, commits) => {
        if (commits && fanOut.coordinatorId === this.#id) this.#requireUnfailed(failedCommits)
        return this.#decide(fanOut.id, commits)
      },
      settleFanOut: (fanOutId, commits) => this.#settleFanOut(fanOutId, commits),
      isCoordinator: ({ coordinatorId }) => coordinatorId === this.#id,
      free: () => this.#free(events.length),
      settle: (isKept) => {
        if (isKept) this.#context.counters.add('EventPutSuccessCount', events.length)
        settle(isKept)
      },
    })
  }

  async #reserve(count: number): Promise<void> {
    const { capacity, transactionCapacity, keepAlive } = this.#options
    const { name, world } = this.#context
    requireFit(name, count, transactionCapacity)
    const deadline = world.clock.monotonic() + keepAlive * 1000
    while (this.size + count > capacity) {
      if (!(await this.#departures.wait(deadline - world.clock.monotonic()))) {
        throw new ChannelFullError(
          `channel ${name} is full (${this.size} of ${capacity} events); no room within ${keepAlive} s`,
        )
      }
    }
    if (!this.#isOpen) throw new ChannelError(`channel ${name} is closed`)
    this.#reserved += count
  }

  /** Throws if a write has failed since: this put must not overtake the retry. */
  #requireUnfailed(failedCommits: number | undefined): void {
    if (failedCommits === undefined || failedCommits === this.failedCommits) return
    throw new ChannelError(
      `channel ${this.#context.name} could not write an earlier batch of the same sender`,
    )
  }

  #free(count: number): void {
    this.#reserved -= count
    this.#departures.wake()
  }

  /** Appends a batch; with a fan-out it counts when that is decided. */
  async #appendPut(
    events: readonly Event[],
    origin: BatchOrigin | undefined,
    fanOut: FanOut | undefined,
  ): Promise<void> {
    if (events.length === 0) return
    let first = -1
    await this.#log.append({
      write: (writer) => {
        first = this.#state.assign(events.length)
        this.#reserved -= events.length
        writer.put(first, events, origin, fanOut)
      },
      onDurable: (at, end) => {
        this.#noteDurable(at, end)
        this.#state.written(first, events.length, at)
        const isCached = this.#cache(events, first, at)
        if (fanOut !== undefined) {
          this.#state.prepared({
            ...fanOut,
            first,
            count: events.length,
            events: isCached ? events : undefined,
          })
        } else {
          if (isCached) this.#queue.push({ first, events })
          this.#arrivals.wake()
        }
      },
      onFailed: () => {
        if (first < 0) return
        this.#state.notWritten(first, events.length)
        this.#reserved += events.length
      },
    })
  }

  /** Whether these events stay in memory until they are taken. */
  #cache(events: readonly Event[], first: number, at: LogPosition): boolean {
    if (this.#unreadFrom !== undefined) return false
    if (this.#cachedBytes > this.#options.cacheSize) {
      this.#unreadFrom = at
      this.#unreadPosition = first
      return false
    }
    this.#cachedBytes += weightOf(events)
    return true
  }

  #noteDurable(at: LogPosition, end: LogPosition): void {
    this.#bytesSinceCheckpoint += end.offset - at.offset
    this.#durableEnd = end
    if (this.#bytesSinceCheckpoint < this.#segmentSize || this.#isCheckpointComing) return
    // After the other effects of this append.
    this.#isCheckpointComing = true
    this.#later(0, () => this.#checkpointIfDue())
  }

  async #decide(fanOutId: string, commits: boolean): Promise<void> {
    await this.#log.append({
      usesReserve: true,
      write: (writer) => writer.decide(fanOutId, commits),
      onDurable: (at, end) => {
        this.#noteDurable(at, end)
        this.#settleFanOut(fanOutId, commits)
      },
    })
  }

  #settleFanOut(fanOutId: string, commits: boolean): void {
    const put = this.#state.decide(fanOutId, commits, this.#context.world.clock.now())
    if (put === undefined) return
    const { first, events } = put
    if (commits) {
      if (events !== undefined) this.#queue.push({ first, events })
      this.#arrivals.wake()
    } else {
      if (events !== undefined) this.#cachedBytes -= weightOf(events)
      this.#departures.wake()
    }
  }

  async resolve(id: string, commits: boolean): Promise<void> {
    await this.#decide(id, commits)
  }

  async take(
    maxEvents: number,
    { waitMs, signal }: TakeOptions,
  ): Promise<TakeTransaction | undefined> {
    const { clock } = this.#context.world
    const deadline = clock.monotonic() + waitMs
    this.#fill()
    while (this.#queue.count === 0) {
      if (!(await this.#arrivals.wait(deadline - clock.monotonic(), signal))) return undefined
      this.#fill()
    }
    const taken = this.#queue.take(Math.min(maxEvents, this.#options.transactionCapacity))
    const { events, positions } = taken
    this.#cachedBytes -= weightOf(events)
    this.#context.counters.add('EventTakeAttemptCount', events.length)
    let isOpen = true
    return {
      events,
      origin: { id: this.#id, floor: this.#state.floor, positions },
      commit: async () => {
        if (!isOpen) return
        isOpen = false
        await this.#appendTake(rangesOf(positions))
        this.#context.counters.add('EventTakeSuccessCount', events.length)
      },
      rollback: async () => {
        if (!isOpen) return
        isOpen = false
        this.#cachedBytes += weightOf(events)
        this.#queue.giveBack(taken)
        this.#arrivals.wake()
      },
    }
  }

  /**
   * Logs that events were delivered. Without that they would be delivered twice, so a failed write
   * is retried until it succeeds.
   */
  async #appendTake(ranges: Ranges): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await this.#log.append({
          usesReserve: true,
          isIndependent: true,
          write: (writer) => writer.take(ranges),
          onDurable: (at, end) => {
            this.#noteDurable(at, end)
            this.#state.taken(ranges)
            this.#departures.wake()
          },
        })
        return
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error
        if (failures === 0) {
          this.#logger.error('cannot log delivered events; retrying', {
            channel: this.#context.name,
            error: (error as Error).message,
          })
        }
        this.#context.counters.add('EventTakeErrorCount')
        await sleep(this.#context.world.clock, RETRY_MS, this.#stopping.signal)
      }
    }
  }

  /** Reads events from the log when none are left in memory. */
  #fill(): void {
    while (this.#queue.count === 0 && this.#unreadFrom !== undefined) {
      const { frames, next } = this.#log.read(this.#unreadFrom)
      let stop: LogPosition | undefined = next
      for (const frame of frames) {
        if (isBefore(this.#durableEnd, frame.end)) {
          stop = frame.at
          break
        }
        const decoded = decodeFrame(frame, this.#options.cipher)
        if (decoded.kind !== 'put') continue
        if (decoded.fanOut !== undefined && this.#state.isUndecided(decoded.fanOut.id)) {
          // The fan-out is decided soon; later events wait, too.
          this.#unreadFrom = frame.at
          return
        }
        this.#noteLost(decoded.first)
        this.#unreadPosition = Math.max(this.#unreadPosition, decoded.first + decoded.count)
        this.#load(decoded.first, decoded.events())
      }
      // All durable events were read: later ones stay in memory again.
      const isAtEnd = stop === undefined || !isBefore(stop, this.#durableEnd)
      this.#unreadFrom = isAtEnd ? undefined : stop
      if (isAtEnd) this.#noteLost(this.#state.settledPosition)
    }
  }

  /**
   * Events before this position that were not found are in a corrupt part of the log: they are
   * counted as lost.
   */
  #noteLost(before: number): void {
    if (before <= this.#unreadPosition) return
    const lost = this.#state.lost(this.#unreadPosition, before)
    if (lost === 0) return
    this.#logger.error('events are lost in a corrupt part of the channel', {
      channel: this.#context.name,
      events: lost,
    })
    this.#departures.wake()
  }

  #load(first: number, events: readonly Event[]): void {
    let from = 0
    for (let i = 0; i <= events.length; i++) {
      if (i < events.length && !this.#state.isGone(first + i)) continue
      if (i > from) {
        const run = from === 0 && i === events.length ? events : events.slice(from, i)
        this.#cachedBytes += weightOf(run)
        this.#queue.push({ first: first + from, events: run })
      }
      from = i + 1
    }
  }

  #repeat(ms: number, work: () => void | Promise<void>): void {
    this.#later(ms, work, () => {
      if (!this.#stopping.signal.aborted) this.#repeat(ms, work)
    })
  }

  #later(ms: number, work: () => void | Promise<void>, after = (): void => {}): void {
    const timer = this.#context.world.clock.setTimer(ms, () => {
      this.#timers.delete(timer)
      attempt(this.#logger, 'a checkpoint', async () => {
        try {
          await work()
        } catch (error) {
          this.#context.counters.add('CheckpointWriteErrorCount')
          this.#logger.warn('cannot write a checkpoint', { channel: this.#context.name, error })
        } finally {
          after()
        }
      })
    })
    this.#timers.add(timer)
  }

  async #checkpointIfDue(): Promise<void> {
    this.#isCheckpointComing = false
    const { clock } = this.#context.world
    const isDue =
      clock.monotonic() - this.#lastCheckpointMs >= this.#options.checkpointIntervalMs ||
      this.#bytesSinceCheckpoint >= this.#segmentSize
    if (!isDue || this.#bytesSinceCheckpoint === 0) return
    if (!this.#options.fsyncPerTransaction) {
      await this.#log.flush()
      // With what was written in the meantime: a checkpoint must not be ahead of the log.
      this.#log.sync()
    }
    this.#checkpoint()
  }

  #checkpoint(): void {
    const { clock } = this.#context.world
    const checkpoint = this.#state.checkpoint(this.#durableEnd, this.#log.start, clock.now())
    this.#checkpoints.write(checkpoint)
    this.#bytesSinceCheckpoint = 0
    this.#lastCheckpointMs = clock.monotonic()
    this.#log.removeBefore(checkpoint.readFrom.segment)
  }

  async stop(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#stopping.abort()
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    try {
      await this.#log.flush()
      if (this.#options.checkpointOnClose) this.#checkpoint()
      this.#log.trim()
    } finally {
      this.#log.close()
      this.#directories.release()
      this.#queue.clear()
    }
  }
}

/** Further counters of Flume's file channel. */
const FILE_COUNTERS = [
  'CheckpointWriteErrorCount',
  'CheckpointBackupWriteErrorCount',
  'EventPutErrorCount',
  'EventTakeErrorCount',
]

function weightOf(events: readonly Event[]): number {
  let weight = events.length * EVENT_OVERHEAD
  for (const event of events) weight += event.body.length
  return weight
}
