// SPDX-License-Identifier: Apache-2.0

/** Numbers that were passed over: both ends belong to it. */
export interface Gap {
  readonly from: number
  readonly to: number
  /** When it was seen first, milliseconds since 1970. */
  readonly sinceMs: number
}

/** More would make a query that no database likes. */
const MAX_GAPS = 100

/** Gaps that are still waited for; of too many the newest. */
export function openGaps(gaps: readonly Gap[], nowMs: number, waitMs: number): Gap[] {
  return gaps.filter(({ sinceMs }) => nowMs - sinceMs < waitMs).slice(-MAX_GAPS)
}

/** What is missing after these numbers came, ascending, the largest before being `last`. */
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
