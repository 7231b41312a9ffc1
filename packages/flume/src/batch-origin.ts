// SPDX-License-Identifier: Apache-2.0

/**
 * Where the events of a batch come from, so that a channel stores events once that arrive twice. An
 * origin has positions that never change: the bytes of a file, the offsets of a partition, the
 * positions in a channel of another agent.
 */
export interface BatchOrigin {
  /** Globally unique, for example `file:<device>:<inode>` or the id of a channel. */
  readonly id: string
  /** No event with a lower position will be sent again. */
  readonly floor: number
  /** Positions of the events, ascending. */
  readonly positions: readonly number[]
  /**
   * If set, the batch covers all positions from the first one up to here, with gaps. Otherwise it
   * covers `positions` only.
   */
  readonly end?: number
}

/**
 * Half-open ranges `[from, to)` of whole numbers as a flat list: from, to, from, to …; ascending
 * and not adjacent.
 */
export type Ranges = readonly number[]

/** The ranges that a batch covers. */
export function coveredRanges(origin: BatchOrigin): Ranges {
  const { positions, end } = origin
  const first = positions[0]
  if (first === undefined) return []
  if (end !== undefined) return [first, end]
  return rangesOf(positions)
}

/** Ascending positions as ranges. */
export function rangesOf(positions: readonly number[]): number[] {
  const ranges: number[] = []
  let from = -1
  let to = -1
  for (const position of positions) {
    if (position === to) {
      to++
      continue
    }
    if (from >= 0) ranges.push(from, to)
    from = position
    to = position + 1
  }
  if (from >= 0) ranges.push(from, to)
  return ranges
}

/** The origin of some of a batch's events, given by their indexes. */
export function originOf(origin: BatchOrigin, indexes: readonly number[]): BatchOrigin {
  return { ...origin, positions: indexes.map((index) => origin.positions[index] as number) }
}

/** A set of whole numbers: everything below its floor, and ranges above. */
export class PositionSet {
  #floor: number
  /** Flat: from, to, from, to …; all above the floor. */
  #ranges: number[]

  constructor(floor = 0, ranges: Ranges = []) {
    this.#floor = floor
    this.#ranges = [...ranges]
    this.#settle()
  }

  get floor(): number {
    return this.#floor
  }

  get ranges(): Ranges {
    return this.#ranges
  }

  /** Number of members above the floor. */
  get countAboveFloor(): number {
    let count = 0
    for (let i = 0; i < this.#ranges.length; i += 2) {
      count += (this.#ranges[i + 1] as number) - (this.#ranges[i] as number)
    }
    return count
  }

  has(position: number): boolean {
    if (position < this.#floor) return true
    const ranges = this.#ranges
    let low = 0
    let high = ranges.length / 2
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ranges[2 * middle + 1] as number) <= position) low = middle + 1
      else high = middle
    }
    return low * 2 < ranges.length && (ranges[2 * low] as number) <= position
  }

  add(from: number, to: number): void {
    if (to <= this.#floor || to <= from) return
    const ranges = this.#ranges
    // Fast path: the range is adjacent to the floor or to the last range.
    if (from <= this.#floor && (ranges.length === 0 || to < (ranges[0] as number))) {
      this.#floor = to
      return
    }
    const last = ranges.length - 1
    if (last > 0 && from === ranges[last]) {
      ranges[last] = to
      return
    }
    if (last < 0 || from > (ranges[last] as number)) {
      ranges.push(from, to)
      this.#settle()
      return
    }
    let i = 0
    while (i < ranges.length && (ranges[i + 1] as number) < from) i += 2
    let j = i
    let start = from
    let end = to
    while (j < ranges.length && (ranges[j] as number) <= to) {
      start = Math.min(start, ranges[j] as number)
      end = Math.max(end, ranges[j + 1] as number)
      j += 2
    }
    ranges.splice(i, j - i, start, end)
    this.#settle()
  }

  addAll(ranges: Ranges): void {
    for (let i = 0; i < ranges.length; i += 2)
      this.add(ranges[i] as number, ranges[i + 1] as number)
  }

  /** Makes all lower numbers members. */
  raiseFloor(floor: number): void {
    if (floor <= this.#floor) return
    this.#floor = floor
    this.#settle()
  }

  #settle(): void {
    const ranges = this.#ranges
    let drop = 0
    while (drop < ranges.length && (ranges[drop] as number) <= this.#floor) {
      this.#floor = Math.max(this.#floor, ranges[drop + 1] as number)
      drop += 2
    }
    if (drop > 0) ranges.splice(0, drop)
  }
}
