// SPDX-License-Identifier: Apache-2.0
import {
  DAY_MS,
  dateOf,
  dayOfWeek,
  dayOfYear,
  dayStart,
  daysInMonth,
  floorMod,
  HALFDAY_MS,
  HOUR_MS,
  isLeapYear,
  MINUTE_MS,
  SECOND_MS,
  timeOfDay,
  WEEK_MS,
  weekOf,
  weeksIn,
  weekyearOf,
  weekyearStart,
} from './calendar.ts'

/** A field of a time that a format reads. */
export interface Field {
  /** Duration of one unit and of the enclosing field; undefined if there is none. */
  readonly unitMs: number | undefined
  readonly rangeMs: number | undefined
  /** The time with the field set to a value; undefined for an invalid value. */
  set(ms: number, value: number): number | undefined
  /** The start of the field's unit. */
  floor(ms: number): number
}

const YEAR_MS = 31_556_952_000
export const MONTH_MS = YEAR_MS / 12

/** Range of JavaScript's dates. */
const MAX_YEAR = 270_000

function floorYear(ms: number): number {
  return dayStart(dateOf(ms).year, 1, 1)
}

/** After February, days shift by the leap day. */
function setYear(ms: number, year: number): number | undefined {
  if (Math.abs(year) > MAX_YEAR) return undefined
  const from = dateOf(ms).year
  let day = dayOfYear(ms)
  if (day > 59) day += (isLeapYear(year) ? 1 : 0) - (isLeapYear(from) ? 1 : 0)
  return dayStart(year, 1, 1) + (day - 1) * DAY_MS + timeOfDay(ms)
}

const year: Field = { unitMs: YEAR_MS, rangeMs: undefined, set: setYear, floor: floorYear }

const yearOfEra: Field = {
  ...year,
  set(ms, value) {
    if (value < 1) return undefined
    return setYear(ms, dateOf(ms).year > 0 ? value : 1 - value)
  },
}

/** 19 for the years 1900 to 1999, as in Joda-Time's ISO calendar. */
const centuryOfEra: Field = {
  unitMs: YEAR_MS * 100,
  rangeMs: undefined,
  set(ms, value) {
    if (value < 0) return undefined
    const own = dateOf(ms).year
    const ofEra = value * 100 + (Math.abs(own) % 100)
    return setYear(ms, own < 0 ? -ofEra : ofEra)
  },
  floor(ms) {
    const own = dateOf(ms).year
    return dayStart(own - (own % 100), 1, 1)
  },
}

/** 0 is before Christ. */
const era: Field = {
  unitMs: undefined,
  rangeMs: undefined,
  set(ms, value) {
    const own = dateOf(ms).year
    return (own > 0 ? 1 : 0) === value ? ms : setYear(ms, -own)
  },
  floor: (ms) => dayStart(dateOf(ms).year > 0 ? 1 : -MAX_YEAR, 1, 1),
}

const weekyear: Field = {
  unitMs: YEAR_MS,
  rangeMs: undefined,
  set(ms, value) {
    if (Math.abs(value) > MAX_YEAR) return undefined
    const week = Math.min(weekOf(ms), weeksIn(value))
    const day = (dayOfWeek(ms) - 1) * DAY_MS + timeOfDay(ms)
    return weekyearStart(value) + (week - 1) * WEEK_MS + day
  },
  floor: (ms) => weekyearStart(weekyearOf(ms)),
}

const weekOfWeekyear: Field = {
  unitMs: WEEK_MS,
  rangeMs: YEAR_MS,
  set(ms, value) {
    const max = value > 52 ? weeksIn(weekyearOf(ms)) : 52
    return value < 1 || value > max ? undefined : ms + (value - weekOf(ms)) * WEEK_MS
  },
  floor: (ms) => floorDay(ms) - (dayOfWeek(ms) - 1) * DAY_MS,
}

const monthOfYear: Field = {
  unitMs: MONTH_MS,
  rangeMs: YEAR_MS,
  set(ms, value) {
    if (value < 1 || value > 12) return undefined
    const date = dateOf(ms)
    const day = Math.min(date.day, daysInMonth(date.year, value))
    return dayStart(date.year, value, day) + timeOfDay(ms)
  },
  floor(ms) {
    const date = dateOf(ms)
    return dayStart(date.year, date.month, 1)
  },
}

const floorDay = (ms: number): number => ms - timeOfDay(ms)

const dayOfMonth: Field = {
  unitMs: DAY_MS,
  rangeMs: MONTH_MS,
  set(ms, value) {
    const date = dateOf(ms)
    if (value < 1 || value > daysInMonth(date.year, date.month)) return undefined
    return ms + (value - date.day) * DAY_MS
  },
  floor: floorDay,
}

const ordinalDay: Field = {
  unitMs: DAY_MS,
  rangeMs: YEAR_MS,
  set(ms, value) {
    const days = isLeapYear(dateOf(ms).year) ? 366 : 365
    return value < 1 || value > days ? undefined : ms + (value - dayOfYear(ms)) * DAY_MS
  },
  floor: floorDay,
}

const weekday: Field = {
  unitMs: DAY_MS,
  rangeMs: WEEK_MS,
  set: (ms, value) => (value < 1 || value > 7 ? undefined : ms + (value - dayOfWeek(ms)) * DAY_MS),
  floor: floorDay,
}

/** A field of fixed units within fixed units: hours of a day, minutes of an hour. */
function fixed(unitMs: number, rangeMs: number, maxIsZero = false): Field {
  const count = rangeMs / unitMs
  return {
    unitMs,
    rangeMs,
    set(ms, given) {
      if (maxIsZero ? given < 1 || given > count : given < 0 || given >= count) return undefined
      const value = given === count ? 0 : given
      return ms + (value - Math.floor(floorMod(ms, rangeMs) / unitMs)) * unitMs
    },
    floor: (ms) => ms - floorMod(ms, unitMs),
  }
}

export const fields = {
  era,
  centuryOfEra,
  year,
  yearOfEra,
  weekyear,
  weekOfWeekyear,
  monthOfYear,
  dayOfMonth,
  dayOfYear: ordinalDay,
  dayOfWeek: weekday,
  halfdayOfDay: fixed(HALFDAY_MS, DAY_MS),
  hourOfHalfday: fixed(HOUR_MS, HALFDAY_MS),
  clockhourOfHalfday: fixed(HOUR_MS, HALFDAY_MS, true),
  hourOfDay: fixed(HOUR_MS, DAY_MS),
  clockhourOfDay: fixed(HOUR_MS, DAY_MS, true),
  minuteOfHour: fixed(MINUTE_MS, HOUR_MS),
  secondOfMinute: fixed(SECOND_MS, MINUTE_MS),
  millisOfSecond: fixed(1, SECOND_MS),
} as const satisfies Readonly<Record<string, Field>>
