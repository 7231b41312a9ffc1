// SPDX-License-Identifier: Apache-2.0

/** A place in a segment log. */
export interface LogPosition {
  readonly segment: number
  readonly offset: number
}

export function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)
}
