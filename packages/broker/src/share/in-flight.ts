// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'

/**
 * State of a record, by its stored number (KIP-932; `Archiving` while it is sent to a dead letter
 * queue, KIP-1191).
 */
export const DeliveryState = {
  Available: 0,
  Acquired: 1,
  Acknowledged: 2,
  Archiving: 3,
  Archived: 4,
} as const
export type DeliveryState = (typeof DeliveryState)[keyof typeof DeliveryState]

/**
 * Consecutive offsets in the same state. Offsets are numbers here, for speed: they are counted and
 * compared often.
 */
export interface Range {
  readonly first: number
  readonly last: number
  readonly state: DeliveryState
  /** Delivery count: how often the records were acquired. */
  readonly deliveryCount: number
  /** The member that acquired them; empty unless acquired. */
  readonly memberId: string
  /** When the acquisition lock expires; 0 unless acquired. */
  readonly dueMs: number
}

export type RangeChange = Partial<Pick<Range, 'state' | 'deliveryCount' | 'memberId' | 'dueMs'>>

export function isTerminal({ state }: Range): boolean {
  return state === DeliveryState.Acknowledged || state === DeliveryState.Archived
}

/**
 * Records that were first acquired together. How much of a batch is delivered again depends on its
 * size, so its bounds are kept until all its records are done.
 */
export class InFlightBatch {
  readonly first: number
  readonly last: number
  /**
   * Whether its records have individual states: set when a part of the batch was acquired or
   * acknowledged.
   */
  isSplit = false
  #ranges: Range[]

  constructor(range: Range) {
    this.first = range.first
    this.last = range.last
    this.#ranges = [range]
  }

  get size(): number {
    return this.last - this.first + 1
  }

  /** Covers `first` to `last`, without gaps. */
  get ranges(): readonly Range[] {
    return this.#ranges
  }

  /** The state of all records, for a batch that is not split. */
  get whole(): Range {
    return elementAt(this.#ranges, 0)
  }

  /** Ranges that overlap `first` to `last`, clipped to it. */
  between(first: number, last: number): Range[] {
    return this.#ranges
      .filter((range) => range.last >= first && range.first <= last)
      .map((range) => ({
        ...range,
        first: Math.max(range.first, first),
        last: Math.min(range.last, last),
      }))
  }

  at(offset: number): Range | undefined {
    return this.#ranges.find((range) => range.first <= offset && range.last >= offset)
  }

  /** Changes the state of records from `first` to `last`. */
  change(first: number, last: number, change: RangeChange): void {
    const changed: Range[] = []
    const add = (range: Range): void => {
      const before = changed.at(-1)
      if (before !== undefined && isAlike(before, range)) {
        changed[changed.length - 1] = { ...before, last: range.last }
      } else changed.push(range)
    }
    for (const range of this.#ranges) {
      if (range.last < first || range.first > last) {
        add(range)
        continue
      }
      if (range.first < first) add({ ...range, last: first - 1 })
      const from = Math.max(range.first, first)
      const to = Math.min(range.last, last)
      add({ ...range, ...change, first: from, last: to })
      if (range.last > last) add({ ...range, first: last + 1 })
    }
    this.#ranges = changed
  }
}

function isAlike(a: Range, b: Range): boolean {
  return (
    a.state === b.state &&
    a.deliveryCount === b.deliveryCount &&
    a.memberId === b.memberId &&
    a.dueMs === b.dueMs
  )
}

/**
 * The batches between start and end offset of a share partition, by offset. Offsets outside of all
 * batches hold no record for the group.
 */
export class InFlight {
  #batches: InFlightBatch[] = []

  get batches(): readonly InFlightBatch[] {
    return this.#batches
  }

  get first(): InFlightBatch | undefined {
    return this.#batches[0]
  }

  get last(): InFlightBatch | undefined {
    return this.#batches.at(-1)
  }

  /** Number of batches that start before an offset. */
  #countBefore(offset: number): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (elementAt(this.#batches, middle).first < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The last batch that starts at or before an offset. */
  floor(offset: number): InFlightBatch | undefined {
    return this.#batches[this.#countBefore(offset + 1) - 1]
  }

  /** The first batch that starts after an offset. */
  after(offset: number): InFlightBatch | undefined {
    return this.#batches[this.#countBefore(offset + 1)]
  }

  /** Batches that start from `first` to `last`. */
  beginning(first: number, last: number): InFlightBatch[] {
    return this.#batches.slice(this.#countBefore(first), this.#countBefore(last + 1))
  }

  /** Batches that may include offsets from `first` to `last`. */
  around(first: number, last: number): InFlightBatch[] {
    return this.beginning(this.floor(first)?.first ?? first, last)
  }

  add(batch: InFlightBatch): void {
    this.#batches.splice(this.#countBefore(batch.first), 0, batch)
  }

  /** Removes the batches that start before an offset. */
  dropBefore(offset: number): void {
    this.#batches.splice(0, this.#countBefore(offset))
  }

  clear(): void {
    this.#batches = []
  }
}
