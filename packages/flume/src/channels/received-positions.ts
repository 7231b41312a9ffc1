// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import {
  type BatchOrigin,
  coveredRanges,
  originOf,
  PositionSet,
  type Ranges,
} from '../batch-origin.ts'
import type { Event } from '../event.ts'

/** Number of origins that are kept; the least recently used one is dropped. */
const MAX_ORIGINS = 10_000

/** The events of a batch that are new. */
export interface Admission {
  readonly events: readonly Event[]
  /** Origin of these events. */
  readonly origin: BatchOrigin | undefined
  /** Reports whether the channel has stored them. */
  readonly settle: (isKept: boolean) => void
}

/** An admitted batch in progress, with its range of positions. */
interface UnderWay {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly settled: PromiseWithResolvers<void>
}

function find<T>(all: Iterable<T>, is: (each: T) => boolean): T | undefined {
  for (const each of all) if (is(each)) return each
  return undefined
}

interface Received {
  readonly set: PositionSet
}

export interface ReceivedImage {
  readonly id: string
  readonly floor: number
  readonly ranges: Ranges
}

/**
 * The positions that a channel has received, by origin, so that a batch that arrives twice is
 * stored once.
 */
export class ReceivedPositions {
  readonly #origins = new Map<string, Received>()
  /** Batches in progress. */
  readonly #underWay = new Set<UnderWay>()

  /**
   * Skips events that were received before. Waits for batches in progress with overlapping
   * positions.
   */
  async admit(events: readonly Event[], origin: BatchOrigin | undefined): Promise<Admission> {
    if (origin === undefined) return { events, origin, settle: () => {} }
    const ranges = coveredRanges(origin)
    const from = ranges[0] ?? 0
    const to = ranges.at(-1) ?? 0
    const isSame = (other: UnderWay): boolean =>
      other.id === origin.id && other.from < to && from < other.to
    for (let other = find(this.#underWay, isSame); other !== undefined; ) {
      await other.settled.promise
      other = find(this.#underWay, isSame)
    }
    const admitted = this.#reduce(events, origin)
    const own = { id: origin.id, from, to, settled: Promise.withResolvers<void>() }
    this.#underWay.add(own)
    return {
      ...admitted,
      settle: (isKept) => {
        this.#underWay.delete(own)
        if (isKept) this.note(origin)
        own.settled.resolve()
      },
    }
  }

  #reduce(
    events: readonly Event[],
    origin: BatchOrigin,
  ): { readonly events: readonly Event[]; readonly origin: BatchOrigin } {
    const set = this.#origins.get(origin.id)?.set
    if (set === undefined) return { events, origin }
    const indexes: number[] = []
    origin.positions.forEach((position, index) => {
      if (!set.has(position)) indexes.push(index)
    })
    if (indexes.length === events.length) return { events, origin }
    return {
      events: indexes.map((index) => elementAt(events, index)),
      origin: originOf(origin, indexes),
    }
  }

  note(origin: BatchOrigin): void {
    this.noteRanges(origin.id, origin.floor, coveredRanges(origin))
  }

  noteRanges(id: string, floor: number, ranges: Ranges): void {
    let received = this.#origins.get(id)
    if (received === undefined) {
      received = { set: new PositionSet(floor) }
      this.#forgetOldest()
    } else this.#origins.delete(id)
    received.set.raiseFloor(floor)
    received.set.addAll(ranges)
    // Moved to the end of the map: used most recently.
    this.#origins.set(id, received)
  }

  /** Position below which all events of an origin were received. */
  floorOf(id: string): number | undefined {
    return this.#origins.get(id)?.set.floor
  }

  #forgetOldest(): void {
    if (this.#origins.size < MAX_ORIGINS) return
    const [oldest] = this.#origins.keys()
    if (oldest !== undefined) this.#origins.delete(oldest)
  }

  image(): ReceivedImage[] {
    return [...this.#origins].map(([id, { set }]) => ({
      id,
      floor: set.floor,
      ranges: set.ranges,
    }))
  }

  restore(images: readonly ReceivedImage[]): void {
    this.#origins.clear()
    for (const { id, floor, ranges } of images) {
      this.#origins.set(id, { set: new PositionSet(floor, ranges) })
    }
  }
}
