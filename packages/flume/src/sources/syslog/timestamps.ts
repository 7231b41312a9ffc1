// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const RFC5424 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})?$/

/** Zone of a time without a zone: the system's, or UTC. */
export type Zone = 'local' | 'utc'

/** A time of RFC 5424 in milliseconds since 1970; undefined if it is invalid. */
export function rfc5424Time(text: string, zone: Zone): number | undefined {
  const match = RFC5424.exec(text)
  if (match === null) return undefined
  const [, seconds, fraction, offset] = match
  const ms = Date.parse(`${seconds}${offset ?? (zone === 'utc' ? 'Z' : '')}`)
  if (Number.isNaN(ms)) return undefined
  return fraction === undefined ? ms : ms + Math.floor(Number(`0.${fraction}`) * 1000)
}

/**
 * A time of RFC 3164, `Mmm dd hh:mm:ss`, without a year: from eleven months ago to one month ahead.
 */
export function rfc3164Time(text: string, zone: Zone, nowMs: number): number | undefined {
  const match = /^([A-Z][a-z]{2})\s{1,2}(\d{1,2})\s(\d{2}):(\d{2}):(\d{2})$/.exec(text)
  if (match === null) return undefined
  const month = MONTHS.indexOf(elementAt(match, 1))
  if (month < 0) return undefined
  const [day, hours, minutes, seconds] = match.slice(2).map(Number) as [
    number,
    number,
    number,
    number,
  ]
  const inYear = (year: number): number =>
    zone === 'utc'
      ? Date.UTC(year, month, day, hours, minutes, seconds)
      : new Date(year, month, day, hours, minutes, seconds).getTime()
  const year = new Date(nowMs).getUTCFullYear()
  const time = inYear(year)
  if (addMonths(time, -1) > nowMs) return inYear(year - 1)
  if (addMonths(time, 11) < nowMs) return inYear(year + 1)
  return time
}

function addMonths(ms: number, months: number): number {
  const date = new Date(ms)
  date.setMonth(date.getMonth() + months)
  return date.getTime()
}
