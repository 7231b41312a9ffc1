// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os'
import {
  type FileLock,
  type FileSystem,
  type Logger,
  makeDirectoryDurably,
  type Timer,
  writeFileAtomically,
} from '@millrace/base'
import { type BatchOrigin, PositionSet, type Ranges, rangesOf } from '../../batch-origin.ts'
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
import { ReceivedPositions } from '../received-positions.ts'
import { type Checkpoint, CheckpointFile } from './checkpoint.ts'
import type { Cipher } from './encryption.ts'
import { decodeFrame, type Frame, FrameWriter } from './frames.ts'
import { type LogPosition, SegmentLog } from './segment-log.ts'

export interface FileChannelOptions {
  readonly capacity: number
  readonly transactionCapacity: number
  /** How long a put waits for room, seconds. */
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
  /** Bytes of events kept in memory, so that they need not be read back. */
  readonly cacheSize: number
  readonly cipher: Cipher | undefined
}

/** Size of a segment, and of what is logged between two checkpoints: little has to be read after a crash, and files are soon free again. */
const SEGMENT_SIZE = 64 * 1024 * 1024
/** What an event weighs in memory besides its body. */
const EVENT_OVERHEAD = 128
/** How long it is remembered that a put into several channels counts. */
const DECIDED_MS = 7 * 24 * 3600 * 1000
/** More events a millisecond than any disk takes. */
const POSITIONS_PER_MS = 1000
const MARK_BYTES = 1024 * 1024
const RETRY_MS = 1000

/** Where an event stands in the log, at about a megabyte's accuracy. */
interface Mark extends LogPosition {
  readonly first: number
}

interface Undecided extends FanOut {
  readonly first: number
  readonly count: number
  /** What goes into the queue when it counts; undefined when it is read from the log. */
  readonly events: readonly Event[] | undefined
}

/**
 * A channel in a write-ahead log. What is put is appended and synced, together with whatever else waits; what is taken is a line
 * saying so. Events stay in memory as long as there is room, else they are read back in order. After a crash only what was
 * written since the last checkpoint is read again.
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
  readonly #received: ReceivedPositions
  readonly #arrivals: WaitingRoom
  readonly #departures: WaitingRoom
  readonly #undecided = new Map<string, Undecided>()
  readonly #decided = new Map<string, number>()
  readonly #locks: FileLock[] = []
  #id = ''
  #gone = new PositionSet()
  #nextPosition = 0
  /** Positions below are in the log or will never be; those from here to the next are on their way. */
  #settledPosition = 0
  /** Room that open puts have taken. */
  #reserved = 0
  #cachedBytes = 0
  /** Where the events that are not in memory begin; everything after it has to be read. */
  #unreadFrom: LogPosition | undefined
  /** The first position that is looked for there. */
  #unreadPosition = 0
  #durableEnd: LogPosition = { segment: 1, offset: 0 }
  #marks: Mark[] = []
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
    this.#received = new ReceivedPositions()
    this.#arrivals = new WaitingRoom(context.world.clock)
    this.#departures = new WaitingRoom(context.world.clock)
    context.counters.gauge('Open', () => (this.#isOpen ? 'true' : 'false'))
    context.counters.gauge('Unhealthy', () => 0)
    for (const name of FILE_COUNTERS) context.counters.add(name, 0)
  }

  get id(): string {
    return this.#id
  }
  /** Events that are in it or about to be. */
  get size(): number {
    return this.#stored + this.#reserved
  }
  get #stored(): number {
    return this.#nextPosition - this.#gone.floor - this.#gone.countAboveFloor
  }
  get capacity(): number {
    return this.#options.capacity
  }
  get transactionCapacity(): number {
    return this.#options.transactionCapacity
  }
  get undecided(): readonly FanOut[] {
    return [...this.#undecided.values()]
  }
  get failedCommits(): number {
    return this.#log.failedWrites
  }
  receivedUpTo(originId: string): number | undefined {
    return this.#received.floorOf(originId)
  }
  hasDecided(id: string): boolean {
    return this.#decided.has(id)
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    this.#isCheckpointComing = false
    this.#lock()
    try {
      this.#open()
    } catch (error) {
      this.#release()
      throw error
    }
    this.#isOpen = true
    this.#repeat(Math.min(this.#options.checkpointIntervalMs, 5000), () => this.#checkpointIfDue())
    if (!this.#options.fsyncPerTransaction) {
      this.#repeat(this.#options.fsyncIntervalMs, () => this.#log.flush())
    }
  }

  #lock(): void {
    for (const directory of this.#options.dataDirs) {
      makeDirectoryDurably(this.#fileSystem, directory)
      const theirs = this.#fileSystem.list(directory).find(({ name }) => /^log-\d+$/.test(name))
      if (theirs !== undefined) {
        throw new ChannelError(
          `${directory} holds a file channel of Apache Flume (${theirs.name}): let Flume empty it, or name other dataDirs`,
        )
      }
      const lock = this.#fileSystem.lock(`${directory}/in_use.lock`)
      if (lock === undefined) {
        this.#release()
        throw new ChannelError(
          `${directory} is in use by another channel or agent: each file channel needs dataDirs of its own`,
        )
      }
      this.#locks.push(lock)
    }
  }

  #release(): void {
    for (const lock of this.#locks.splice(0)) lock.release()
  }

  /** Reads the checkpoint and what was logged after it. */
  #open(): void {
    this.#id = this.#readId()
    this.#log.open()
    const found = this.#checkpoints.read()
    const checkpoint =
      found !== undefined && isBefore(this.#log.end, found.replayFrom) ? undefined : found
    if (checkpoint !== undefined) this.#restore(checkpoint)
    this.#replay(checkpoint?.replayFrom ?? this.#log.start)
    if (this.#nextPosition === 0 && this.#gone.floor > 0) this.#nextPosition = this.#gone.floor
    // Who got events of this channel knows them by their positions, and would drop others with the same ones: after a power cut
    // without syncs, or when the directory comes from a backup. So each opening begins above what any before can have given.
    const fresh = this.#context.world.clock.now() * POSITIONS_PER_MS
    if (fresh > this.#nextPosition) {
      this.#gone.add(this.#nextPosition, fresh)
      this.#nextPosition = fresh
    }
    this.#settledPosition = this.#nextPosition
    this.#dropMarks()
    this.#unreadFrom = this.#stored > 0 ? (this.#marks[0] ?? this.#log.start) : undefined
    this.#unreadPosition = this.#gone.floor
    this.#lastCheckpointMs = this.#context.world.clock.monotonic()
    if (this.#bytesSinceCheckpoint > this.#segmentSize) this.#checkpoint()
  }

  /** Made anew on another machine: a copied directory must not pass for the first one. */
  #readId(): string {
    const path = `${this.#options.dataDirs[0]}/millrace-channel-id`
    const host = hostname()
    if (this.#fileSystem.fileSize(path) !== undefined) {
      const [id = '', madeOn] = this.#fileSystem.readFile(path).toString().trim().split(' ')
      if (madeOn === host) return id
    }
    const id = this.#context.world.random.bytes(12).toString('hex')
    writeFileAtomically(this.#fileSystem, path, `${id} ${host}\n`)
    return id
  }

  #restore(checkpoint: Checkpoint): void {
    this.#nextPosition = checkpoint.nextPosition
    this.#gone = new PositionSet(checkpoint.floor, checkpoint.gone)
    this.#marks = [checkpoint.readFrom]
    this.#received.restore(checkpoint.received)
    for (const { id, atMs } of checkpoint.decided) this.#decided.set(id, atMs)
    for (const { id, coordinatorId, ranges } of checkpoint.undecided) {
      const [first = 0, end = 0] = ranges
      this.#undecided.set(id, { id, coordinatorId, first, count: end - first, events: undefined })
    }
  }

  #replay(from: LogPosition): void {
    let at: LogPosition | undefined = from
    let end = from
    while (at !== undefined) {
      const { frames, next, isDamaged } = this.#log.read(at)
      for (const frame of frames) {
        this.#replayFrame(decodeFrame(frame, this.#options.cipher), frame.at)
        this.#bytesSinceCheckpoint += frame.end.offset - frame.at.offset
        end = frame.end
      }
      if (isDamaged) {
        const isTail = next === undefined
        this.#logger[isTail ? 'debug' : 'warn'](
          isTail
            ? 'cut off what is no whole write at the end of the channel'
            : 'skipped a damaged part of the channel',
          { channel: this.#context.name, segment: at.segment, offset: at.offset },
        )
        if (isTail) this.#log.truncate(end.segment === at.segment ? end : at)
      }
      at = next
    }
    this.#durableEnd = this.#log.end
  }

  #replayFrame(frame: Frame, at: LogPosition): void {
    switch (frame.kind) {
      case 'put': {
        const { first, count, received, fanOut } = frame
        if (this.#nextPosition === 0) this.#gone.raiseFloor(first)
        // A gap is what could not be written.
        this.#gone.add(this.#nextPosition, first)
        this.#nextPosition = Math.max(this.#nextPosition, first + count)
        this.#mark(first, at)
        if (received !== undefined) {
          this.#received.noteRanges(received.id, received.floor, received.ranges)
        }
        if (fanOut !== undefined) {
          this.#undecided.set(fanOut.id, { ...fanOut, first, count, events: undefined })
        }
        return
      }
      case 'take':
        this.#gone.addAll(frame.ranges)
        return
      case 'commit':
        this.#undecided.delete(frame.fanOutId)
        this.#decided.set(frame.fanOutId, this.#context.world.clock.now())
        return
      case 'rollback': {
        const undecided = this.#undecided.get(frame.fanOutId)
        if (undecided === undefined) return
        this.#undecided.delete(frame.fanOutId)
        this.#gone.add(undecided.first, undecided.first + undecided.count)
      }
    }
  }

  #mark(first: number, at: LogPosition): void {
    const last = this.#marks.at(-1)
    if (
      last === undefined ||
      last.segment !== at.segment ||
      at.offset - last.offset >= MARK_BYTES
    ) {
      this.#marks.push({ ...at, first })
    }
  }

  /** Keeps the last mark that is not above the floor, and those after it. */
  #dropMarks(): void {
    const keep = this.#marks.findLastIndex(({ first }) => first <= this.#gone.floor)
    if (keep > 0) this.#marks.splice(0, keep)
  }

  async put(
    given: readonly Event[],
    { origin, failedCommits }: PutOptions = {},
  ): Promise<PutTransaction> {
    this.#context.counters.add('EventPutAttemptCount', given.length)
    const admission = await this.#received.admit(given, origin)
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

  /** Throws if a write failed since: a put that failed must not be overtaken by one behind it. */
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

  /** Appends a batch; with a fan-out it counts only when that is decided. */
  async #appendPut(
    events: readonly Event[],
    origin: BatchOrigin | undefined,
    fanOut: FanOut | undefined,
  ): Promise<void> {
    if (events.length === 0) return
    let first = -1
    await this.#log.append({
      write: (writer) => {
        first = this.#nextPosition
        this.#nextPosition += events.length
        this.#reserved -= events.length
        writer.put(first, events, origin, fanOut)
      },
      onDurable: (at, end) => {
        this.#noteDurable(at, end)
        this.#settledPosition = first + events.length
        this.#mark(first, at)
        const isCached = this.#cache(events, first, at)
        if (fanOut !== undefined) {
          this.#undecided.set(fanOut.id, {
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
        this.#gone.add(first, first + events.length)
        this.#settledPosition = first + events.length
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
    // Not before all that follows from this append is noted.
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
    if (commits) this.#decided.set(fanOutId, this.#context.world.clock.now())
    const undecided = this.#undecided.get(fanOutId)
    if (undecided === undefined) return
    this.#undecided.delete(fanOutId)
    const { first, count, events } = undecided
    if (commits) {
      if (events !== undefined) this.#queue.push({ first, events })
      this.#arrivals.wake()
    } else {
      if (events !== undefined) this.#cachedBytes -= weightOf(events)
      this.#gone.add(first, first + count)
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
      origin: { id: this.#id, floor: this.#gone.floor, positions },
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
   * Notes that events are gone. They have been delivered: giving them out again would double them, so a disk that cannot
   * take the note is waited for.
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
            this.#gone.addAll(ranges)
            this.#departures.wake()
          },
        })
        return
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error
        if (failures === 0) {
          this.#logger.error('cannot note that events are delivered; trying again', {
            channel: this.#context.name,
            error: (error as Error).message,
          })
        }
        this.#context.counters.add('EventTakeErrorCount')
        await sleep(this.#context.world.clock, RETRY_MS, this.#stopping.signal)
      }
    }
  }

  /** Reads events back when memory has run out of them. */
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
        if (decoded.fanOut !== undefined && this.#undecided.has(decoded.fanOut.id)) {
          // Whether these count is known in a moment; what comes after waits with them.
          this.#unreadFrom = frame.at
          return
        }
        this.#noteLost(decoded.first)
        this.#unreadPosition = Math.max(this.#unreadPosition, decoded.first + decoded.count)
        this.#load(decoded.first, decoded.events())
      }
      // All that is durable is read: from here on events stay in memory again.
      const isAtEnd = stop === undefined || !isBefore(stop, this.#durableEnd)
      this.#unreadFrom = isAtEnd ? undefined : stop
      if (isAtEnd) this.#noteLost(this.#settledPosition)
    }
  }

  /** Events before this position that were not found are in a part of the log that is damaged: nobody must wait for them. */
  #noteLost(before: number): void {
    if (before <= this.#unreadPosition) return
    const stored = this.#stored
    this.#gone.add(this.#unreadPosition, before)
    const lost = stored - this.#stored
    if (lost === 0) return
    this.#logger.error('events are lost in a damaged part of the channel', {
      channel: this.#context.name,
      events: lost,
    })
    this.#departures.wake()
  }

  #load(first: number, events: readonly Event[]): void {
    let from = 0
    for (let i = 0; i <= events.length; i++) {
      if (i < events.length && !this.#gone.has(first + i)) continue
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
      void Promise.resolve()
        .then(work)
        .catch((error: unknown) => {
          this.#context.counters.add('CheckpointWriteErrorCount')
          this.#logger.warn('cannot write a checkpoint', { channel: this.#context.name, error })
        })
        .then(after)
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
      // And what was written meanwhile: a checkpoint must not know more than the log.
      this.#log.sync()
    }
    this.#checkpoint()
  }

  #checkpoint(): void {
    const { clock } = this.#context.world
    const floor = this.#gone.floor
    this.#dropMarks()
    if (this.#stored === 0) this.#marks = [{ ...this.#durableEnd, first: this.#settledPosition }]
    const readFrom = this.#marks[0] ?? { ...this.#log.start, first: 0 }
    for (const [id, atMs] of this.#decided) {
      if (atMs < clock.now() - DECIDED_MS) this.#decided.delete(id)
    }
    this.#checkpoints.write({
      nextPosition: this.#settledPosition,
      floor,
      gone: this.#gone.ranges,
      readFrom,
      replayFrom: this.#durableEnd,
      received: this.#received.image(),
      decided: [...this.#decided].map(([id, atMs]) => ({ id, atMs })),
      undecided: [...this.#undecided.values()].map(({ id, coordinatorId, first, count }) => ({
        id,
        coordinatorId,
        ranges: [first, first + count],
      })),
    })
    this.#bytesSinceCheckpoint = 0
    this.#lastCheckpointMs = clock.monotonic()
    this.#log.removeBefore(readFrom.segment)
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
      this.#release()
      this.#queue.clear()
    }
  }
}

/** Counters that Flume's file channel reports besides. */
const FILE_COUNTERS = [
  'CheckpointWriteErrorCount',
  'CheckpointBackupWriteErrorCount',
  'EventPutErrorCount',
  'EventTakeErrorCount',
]

interface FilePutActions {
  append(fanOut: FanOut | undefined): Promise<void>
  /** Writes down whether a prepared put counts. */
  decide(fanOut: FanOut, commits: boolean): Promise<void>
  /** The same in memory only. */
  settleFanOut(fanOutId: string, commits: boolean): void
  isCoordinator(fanOut: FanOut): boolean
  /** Gives back room for events that were never written. */
  free(): void
  settle(isKept: boolean): void
}

class FilePut implements PutTransaction {
  readonly #actions: FilePutActions
  #fanOut: FanOut | undefined
  #isOpen = true

  constructor(actions: FilePutActions) {
    this.#actions = actions
  }

  async prepare(fanOut: FanOut): Promise<void> {
    await this.#actions.append(fanOut)
    this.#fanOut = fanOut
  }

  async commit(): Promise<void> {
    if (!this.#isOpen) return
    if (this.#fanOut !== undefined) return this.#commitPrepared(this.#fanOut)
    try {
      await this.#actions.append(undefined)
    } catch (error) {
      await this.rollback()
      throw error
    }
    this.#isOpen = false
    this.#actions.settle(true)
  }

  async #commitPrepared(fanOut: FanOut): Promise<void> {
    try {
      await this.#actions.decide(fanOut, true)
    } catch (error) {
      if (this.#actions.isCoordinator(fanOut)) {
        await this.rollback()
        throw error
      }
      // The coordinator has decided: the events count, and the next opening will ask it.
      this.#actions.settleFanOut(fanOut.id, true)
      this.#isOpen = false
      this.#actions.settle(true)
      throw error
    }
    this.#isOpen = false
    this.#actions.settle(true)
  }

  async rollback(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#fanOut === undefined) this.#actions.free()
    else {
      const fanOut = this.#fanOut
      // Without the note the next opening finds that nobody decided for it.
      await this.#actions
        .decide(fanOut, false)
        .catch(() => this.#actions.settleFanOut(fanOut.id, false))
    }
    this.#actions.settle(false)
  }
}

function weightOf(events: readonly Event[]): number {
  let weight = events.length * EVENT_OVERHEAD
  for (const event of events) weight += event.body.length
  return weight
}

function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)
}
