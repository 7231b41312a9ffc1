// SPDX-License-Identifier: Apache-2.0
const ISO_DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/** Milliseconds of an ISO 8601 duration of days, hours, minutes and seconds, as Java's Duration reads it. */
export function parseDuration(text: string): number | undefined {
  const match = ISO_DURATION.exec(text)
  if (match === null || !/\d/.test(text) || text.endsWith('T')) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0))
  const inMinutes = ((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)
  return inMinutes * 60_000 + (seconds ?? 0) * 1000
}
