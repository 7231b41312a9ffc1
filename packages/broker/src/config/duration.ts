// SPDX-License-Identifier: Apache-2.0
const ISO_DURATION =
  /^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?$/i

/**
 * Parses an ISO 8601 duration of days, hours, minutes and seconds as Java's Duration does; returns
 * milliseconds.
 */
export function parseDuration(text: string): number | undefined {
  const match = ISO_DURATION.exec(text)
  if (match === null || !/\d/.test(text) || /T$/i.test(text)) return undefined
  const [, sign, days, , hours, minutes, seconds = '0', fraction = ''] = match
  const inMinutes = (Number(days ?? 0) * 24 + Number(hours ?? 0)) * 60 + Number(minutes ?? 0)
  const fractionMs = Number(`0.${fraction}0`) * (seconds.startsWith('-') ? -1000 : 1000)
  const ms = inMinutes * 60_000 + Number(seconds) * 1000 + fractionMs
  return sign === '-' ? -ms : ms
}
