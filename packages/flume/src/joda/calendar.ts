// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
// The ISO calendar on local milliseconds, as Joda-Time's chronology in UTC.

export const SECOND_MS = 1000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const HALFDAY_MS = 12 * HOUR_MS
export const DAY_MS = 24 * HOUR_MS
export const WEEK_MS = 7 * DAY_MS

export interface LocalDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** Days since 1970-01-01. */
function daysOf(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime() / DAY_MS
}

export function dateOf(ms: number): LocalDate {
  const date = new Date(Math.floor(ms / DAY_MS) * DAY_MS)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

export function timeOfDay(ms: number): number {
  return floorMod(ms, DAY_MS)
}

export function floorMod(value: number, by: number): number {
  return value - Math.floor(value / by) * by
}

/** The start of a day. */
export function dayStart(year: number, month: number, day: number): number {
  return daysOf(year, month, day) * DAY_MS
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

export function daysInMonth(year: number, month: number): number {
  return elementAt(
    [31, isLeapYear(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31],
    month - 1,
  )
}

export function dayOfYear(ms: number): number {
  const { year } = dateOf(ms)
  return Math.floor((ms - dayStart(year, 1, 1)) / DAY_MS) + 1
}

/** 1 is Monday. */
export function dayOfWeek(ms: number): number {
  return floorMod(Math.floor(ms / DAY_MS) + 3, 7) + 1
}

/** The Monday with which an ISO year begins: its week has January 4. */
export function weekyearStart(weekyear: number): number {
  const fourth = dayStart(weekyear, 1, 4)
  return fourth - (dayOfWeek(fourth) - 1) * DAY_MS
}

export function weekyearOf(ms: number): number {
  const { year } = dateOf(ms)
  if (ms >= weekyearStart(year + 1)) return year + 1
  return ms < weekyearStart(year) ? year - 1 : year
}

export function weekOf(ms: number): number {
  return Math.floor((ms - weekyearStart(weekyearOf(ms))) / WEEK_MS) + 1
}

export function weeksIn(weekyear: number): number {
  return Math.round((weekyearStart(weekyear + 1) - weekyearStart(weekyear)) / WEEK_MS)
}
