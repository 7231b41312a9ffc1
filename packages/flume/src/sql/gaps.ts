// SPDX-License-Identifier: Apache-2.0

/** A range of skipped numbers, both ends included. */
export interface Gap {
  readonly from: number
  readonly to: number
  /** When it was found, milliseconds since 1970. */
  readonly sinceMs: number
}

/** Limit for the size of the query. */
const MAX_GAPS = 100

/** Gaps that have not expired; the newest ones if there are too many. */
export function openGaps(gaps: readonly Gap[], nowMs: number, waitMs: number): Gap[] {
  return gaps.filter(({ sinceMs }) => nowMs - sinceMs < waitMs).slice(-MAX_GAPS)
}

/** The gaps between these numbers, ascending, which follow `last`. */
export function gapsAfter(
  gaps: readonly Gap[],
  numbers: readonly number[],
  last: number,
  nowMs: number,
): Gap[] {
  const left = numbers
    .filter((number) => number <= last)
    .reduce<readonly Gap[]>((all, number) => all.flatMap((gap) => without(gap, number)), gaps)
  const found: Gap[] = []
  let end = last
  for (const number of numbers) {
    if (number <= end) continue
    if (number > end + 1) found.push({ from: end + 1, to: number - 1, sinceMs: nowMs })
    end = number
  }
  return [...left, ...found]
}

function without(gap: Gap, number: number): Gap[] {
  if (number < gap.from || number > gap.to) return [gap]
  return [
    { ...gap, to: number - 1 },
    { ...gap, from: number + 1 },
  ].filter(({ from, to }) => from <= to)
}
