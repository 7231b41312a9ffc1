// SPDX-License-Identifier: Apache-2.0
import { PositionSet, type Ranges } from '../../batch-origin.ts'
import type { FanOut } from '../../channel.ts'
import type { Event } from '../../event.ts'
import { ReceivedPositions } from '../received-positions.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Frame } from './frames.ts'
import type { LogPosition } from './log-position.ts'

/** Distance in bytes between two marks. */
const MARK_BYTES = 1024 * 1024
/** How long a decision is kept for channels that have not heard of it. */
const DECIDED_MS = 7 * 24 * 3600 * 1000

/** Place in the log of the event with position `first`. */
interface Mark extends LogPosition {
  readonly first: number
}

/** A prepared put whose fan-out was not decided yet. */
export interface UndecidedPut extends FanOut {
  readonly first: number
  readonly count: number
  /** Events to be queued when the put counts; undefined if they are read from the log. */
  readonly events: readonly Event[] | undefined
}

/**
 * Which events a file channel has, as its log says: each event has a position, and positions of
 * delivered or discarded events are gone. Without I/O: the log is replayed into it, and a
 * checkpoint is an image of it.
 */
export class ChannelState {
  readonly received = new ReceivedPositions()
  readonly #undecided = new Map<string, UndecidedPut>()
  /** Fan-outs that count, with the time of the decision. */
  readonly #decided = new Map<string, number>()
  #gone = new PositionSet()
  #nextPosition = 0
  /** Positions below are in the log or gone; those from here to the next are being written. */
  #settledPosition = 0
  #marks: Mark[] = []

  /** Number of events, with those being written. */
  get size(): number {
    return this.#nextPosition - this.#gone.floor - this.#gone.countAboveFloor
  }

  /** All positions below are gone. */
  get floor(): number {
    return this.#gone.floor
  }

  get settledPosition(): number {
    return this.#settledPosition
  }

  get undecided(): readonly UndecidedPut[] {
    return [...this.#undecided.values()]
  }

  /** The last known place in the log that is not behind the first event. */
  get firstMark(): Mark | undefined {
    return this.#marks[0]
  }

  isGone(position: number): boolean {
    return this.#gone.has(position)
  }

  isUndecided(fanOutId: string): boolean {
    return this.#undecided.has(fanOutId)
  }

  hasDecided(fanOutId: string): boolean {
    return this.#decided.has(fanOutId)
  }

  restore(checkpoint: Checkpoint): void {
    this.#nextPosition = checkpoint.nextPosition
    this.#gone = new PositionSet(checkpoint.floor, checkpoint.gone)
    this.#marks = [checkpoint.readFrom]
    this.received.restore(checkpoint.received)
    for (const { id, atMs } of checkpoint.decided) this.#decided.set(id, atMs)
    for (const { id, coordinatorId, ranges } of checkpoint.undecided) {
      const [first = 0, end = 0] = ranges
      this.#undecided.set(id, { id, coordinatorId, first, count: end - first, events: undefined })
    }
  }

  /** Applies a frame of the log. */
  replay(frame: Frame, at: LogPosition, nowMs: number): void {
    switch (frame.kind) {
      case 'put': {
        const { first, count, received, fanOut } = frame
        if (this.#nextPosition === 0) this.#gone.raiseFloor(first)
        // A gap is a put that could not be written.
        this.#gone.add(this.#nextPosition, first)
        this.#nextPosition = Math.max(this.#nextPosition, first + count)
        this.#mark(first, at)
        if (received !== undefined) {
          this.received.noteRanges(received.id, received.floor, received.ranges)
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
        this.decide(frame.fanOutId, true, nowMs)
        return
      case 'rollback':
        this.decide(frame.fanOutId, false, nowMs)
    }
  }

  /**
   * Ends the replay. Later positions are at least `lowest`: receivers know events by their
   * positions and would drop others with the same ones, for example after a power cut without
   * syncs.
   */
  finishReplay(lowest: number): void {
    if (this.#nextPosition === 0) this.#nextPosition = this.#gone.floor
    if (lowest > this.#nextPosition) {
      this.#gone.add(this.#nextPosition, lowest)
      this.#nextPosition = lowest
    }
    this.#settledPosition = this.#nextPosition
    this.#dropMarks()
  }

  /** Assigns positions to events that are being written, and returns the first one. */
  assign(count: number): number {
    const first = this.#nextPosition
    this.#nextPosition += count
    return first
  }

  /** The events with assigned positions are in the log. */
  written(first: number, count: number, at: LogPosition): void {
    this.#settledPosition = first + count
    this.#mark(first, at)
  }

  /** The events with assigned positions could not be written. */
  notWritten(first: number, count: number): void {
    this.#gone.add(first, first + count)
    this.#settledPosition = first + count
  }

  prepared(put: UndecidedPut): void {
    this.#undecided.set(put.id, put)
  }

  /** Ends a fan-out; returns its put if this channel has prepared one. */
  decide(fanOutId: string, commits: boolean, nowMs: number): UndecidedPut | undefined {
    if (commits) this.#decided.set(fanOutId, nowMs)
    const put = this.#undecided.get(fanOutId)
    if (put === undefined) return undefined
    this.#undecided.delete(fanOutId)
    if (!commits) this.#gone.add(put.first, put.first + put.count)
    return put
  }

  taken(ranges: Ranges): void {
    this.#gone.addAll(ranges)
  }

  /** Events of these positions cannot be read; returns how many were not gone before. */
  lost(from: number, to: number): number {
    const before = this.size
    this.#gone.add(from, to)
    return before - this.size
  }

  /** An image of the state when everything before `end` was applied. */
  checkpoint(end: LogPosition, logStart: LogPosition, nowMs: number): Checkpoint {
    this.#dropMarks()
    if (this.size === 0) this.#marks = [{ ...end, first: this.#settledPosition }]
    for (const [id, atMs] of this.#decided) {
      if (atMs < nowMs - DECIDED_MS) this.#decided.delete(id)
    }
    return {
      nextPosition: this.#settledPosition,
      floor: this.#gone.floor,
      gone: this.#gone.ranges,
      readFrom: this.#marks[0] ?? { ...logStart, first: 0 },
      replayFrom: end,
      received: this.received.image(),
      decided: [...this.#decided].map(([id, atMs]) => ({ id, atMs })),
      undecided: this.undecided.map(({ id, coordinatorId, first, count }) => ({
        id,
        coordinatorId,
        ranges: [first, first + count],
      })),
    }
  }

  #mark(first: number, at: LogPosition): void {
    const last = this.#marks.at(-1)
    const isFar =
      last === undefined || last.segment !== at.segment || at.offset - last.offset >= MARK_BYTES
    if (isFar) this.#marks.push({ ...at, first })
  }

  /** Keeps the last mark that is not above the floor, and those after it. */
  #dropMarks(): void {
    const keep = this.#marks.findLastIndex(({ first }) => first <= this.#gone.floor)
    if (keep > 0) this.#marks.splice(0, keep)
  }
}
