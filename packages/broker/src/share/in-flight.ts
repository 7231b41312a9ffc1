// SPDX-License-Identifier: Apache-2.0

/** What has become of a record, by the number it is kept under (KIP-932; `Archiving` is KIP-1191's and never kept). */
export const DeliveryState = {
  Available: 0,
  Acquired: 1,
  Acknowledged: 2,
  Archiving: 3,
  Archived: 4,
} as const
export type DeliveryState = (typeof DeliveryState)[keyof typeof DeliveryState]

/** Neighbouring offsets in the same state. Offsets are numbers here: they are counted and compared all the time. */
export interface Range {
  readonly first: number
  readonly last: number
  readonly state: DeliveryState
  /** How often it was handed out. */
  readonly deliveryCount: number
  /** Who has it; empty unless acquired. */
  readonly memberId: string
  /** When its lock ends; 0 unless acquired. */
  readonly dueMs: number
}

type Change = Partial<Pick<Range, 'state' | 'deliveryCount' | 'memberId' | 'dueMs'>>

export function isTerminal({ state }: Range): boolean {
  return state === DeliveryState.Acknowledged || state === DeliveryState.Archived
}

/** The records between a share partition's start and its end, as ranges without gaps or overlaps. */
export class InFlight {
  #ranges: Range[] = []

  get ranges(): readonly Range[] {
    return this.#ranges
  }

  get first(): Range | undefined {
    return this.#ranges[0]
  }

  /** Index of the first range that ends at or after an offset. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle] as Range).last < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Ranges that overlap `first` to `last`, cut to it. */
  between(first: number, last: number): Range[] {
    const found: Range[] = []
    for (let i = this.#indexOf(first); i < this.#ranges.length; i++) {
      const range = this.#ranges[i] as Range
      if (range.first > last) break
      found.push({
        ...range,
        first: Math.max(range.first, first),
        last: Math.min(range.last, last),
      })
    }
    return found
  }

  /** Adds a range after all others. */
  push(range: Range): void {
    const last = this.#ranges.at(-1)
    if (last !== undefined && isAlike(last, range) && last.last + 1 === range.first) {
      this.#ranges[this.#ranges.length - 1] = { ...last, last: range.last }
    } else this.#ranges.push(range)
  }

  /** Changes `first` to `last`, which must be within one range. */
  change(first: number, last: number, change: Change): void {
    const at = this.#indexOf(first)
    const range = this.#ranges[at]
    if (range === undefined) return
    const parts: Range[] = []
    if (range.first < first) parts.push({ ...range, last: first - 1 })
    parts.push({ ...range, ...change, first, last })
    if (range.last > last) parts.push({ ...range, first: last + 1 })
    // Neighbours that have become alike are one again.
    const from = Math.max(0, at - 1)
    const to = Math.min(this.#ranges.length, at + 2)
    const before = at > 0 ? [this.#ranges[at - 1] as Range] : []
    const after = at + 1 < this.#ranges.length ? [this.#ranges[at + 1] as Range] : []
    this.#ranges.splice(from, to - from, ...joined([...before, ...parts, ...after]))
  }

  /** Drops everything before an offset. */
  dropBefore(offset: number): void {
    const at = this.#indexOf(offset)
    if (at > 0) this.#ranges.splice(0, at)
    const [first] = this.#ranges
    if (first !== undefined && first.first < offset) this.#ranges[0] = { ...first, first: offset }
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

function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = []
  for (const range of ranges) {
    const last = result.at(-1)
    if (last !== undefined && isAlike(last, range)) {
      result[result.length - 1] = { ...last, last: range.last }
    } else result.push(range)
  }
  return result
}
