// SPDX-License-Identifier: Apache-2.0
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './calendar.ts'
import { type Field, fields } from './fields.ts'
import { type TimeFields, zoneAt } from './time-fields.ts'

export interface ReadContext {
  readonly read: TimeFields
  /** Pivot of two-digit years. */
  readonly year: number
}

/** Reads an element at `at` and returns its end; undefined if the text does not match. */
export type Element = (text: string, at: number, context: ReadContext) => number | undefined

const MAX_INT = 0x7fffffff

/** A text, ignoring case. */
export function literal(expected: string): Element {
  const wanted = expected.toUpperCase()
  return (text, at) => {
    const found = text.slice(at, at + expected.length)
    return found.toUpperCase() === wanted ? at + expected.length : undefined
  }
}

/** Up to a number of digits, with an optional sign. */
export function number(field: Field, maxDigits: number, isSigned = false): Element {
  return (text, at, { read }) => {
    const sign = isSigned ? (/^[+-](?=\d)/.exec(text.slice(at))?.[0] ?? '') : ''
    const start = at + sign.length
    const digits = new RegExp(`^\\d{1,${maxDigits}}`).exec(text.slice(start))?.[0]
    // A sign in the last position is not a sign.
    if (digits === undefined || (sign !== '' && maxDigits === 1)) return undefined
    const value = Number(digits)
    if (value > MAX_INT) return undefined
    read.save(field, sign === '-' ? -value : value)
    return start + digits.length
  }
}

/**
 * A two-digit year near the pivot. With a sign or another number of digits it is the year itself,
 * where that is allowed.
 */
export function twoDigitYear(field: Field, isLenient: boolean): Element {
  return (text, at, { read, year }) => {
    const rest = text.slice(at)
    const given = /^([+-]?)(\d+)/.exec(rest)
    if (isLenient && given !== null && (given[1] !== '' || given[2]?.length !== 2)) {
      const value = Number(given[0])
      if (Math.abs(value) > MAX_INT) return undefined
      read.save(field, value)
      return at + given[0].length
    }
    const digits = /^\d\d/.exec(rest)?.[0]
    if (digits === undefined) return undefined
    const low = year - 80
    const start = low % 100
    const value = Number(digits)
    read.save(field, value + low + (value < start ? 100 : 0) - start)
    return at + 2
  }
}

const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
]
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/**
 * Names and their values, in the three spellings that Joda-Time accepts: unchanged, lower and upper
 * case.
 */
function spellings(
  names: readonly (readonly [name: string, value: number])[],
): Map<string, number> {
  return new Map(
    names.flatMap(([name, value]) =>
      [name, name.toLowerCase(), name.toUpperCase()].map((each) => [each, value] as const),
    ),
  )
}

const withShort = (names: readonly string[]): (readonly [string, number])[] =>
  names.flatMap((name, index) => [
    [name, index + 1],
    [name.slice(0, 3), index + 1],
  ])

const TEXTS = {
  era: {
    field: fields.era,
    names: spellings([
      ['BC', 0],
      ['AD', 1],
      ['BCE', 0],
      ['CE', 1],
    ]),
  },
  month: { field: fields.monthOfYear, names: spellings(withShort(MONTHS)) },
  weekday: { field: fields.dayOfWeek, names: spellings(withShort(WEEKDAYS)) },
  halfday: {
    field: fields.halfdayOfDay,
    names: spellings([
      ['AM', 0],
      ['PM', 1],
    ]),
  },
} as const

const MAX_NAME = 9

/** The longest name that matches. */
export function text(kind: keyof typeof TEXTS): Element {
  const { field, names } = TEXTS[kind]
  return (given, at, { read }) => {
    for (let end = Math.min(given.length, at + MAX_NAME); end > at; end--) {
      const value = names.get(given.slice(at, end))
      if (value === undefined) continue
      read.save(field, value)
      return end
    }
    return undefined
  }
}

/** `Z`, `+hh`, `+hhmm`, `+hh:mm`, and so on to milliseconds. */
export const offset: Element = (given, at, { read }) => {
  const rest = given.slice(at)
  if (/^z/i.test(rest)) {
    read.setOffset(0)
    return at + 1
  }
  const hours = /^[+-](\d\d)/.exec(rest)
  if (hours === null || Number(hours[1]) > 23) return undefined
  let value = Number(hours[1]) * HOUR_MS
  let end = 3
  const hasColons = rest[3] === ':'
  for (const unitMs of [MINUTE_MS, SECOND_MS]) {
    const next = rest.slice(end)
    const separator = hasColons
      ? next.startsWith(':')
        ? 1
        : undefined
      : /^\d/.test(next)
        ? 0
        : undefined
    if (separator === undefined) return finish(at, end, value, rest, read)
    const digits = /^\d\d/.exec(next.slice(separator))?.[0]
    if (digits === undefined || Number(digits) > 59) return undefined
    value += Number(digits) * unitMs
    end += separator + 2
  }
  const next = rest.slice(end)
  const separator = hasColons
    ? /^[.,]/.test(next)
      ? 1
      : undefined
    : /^\d/.test(next)
      ? 0
      : undefined
  if (separator === undefined) return finish(at, end, value, rest, read)
  const digits = /^\d{1,3}/.exec(next.slice(separator))?.[0]
  if (digits === undefined) return undefined
  value += Number(digits.padEnd(3, '0'))
  return finish(at, end + separator + digits.length, value, rest, read)
}

function finish(at: number, end: number, value: number, rest: string, read: TimeFields): number {
  read.setOffset(rest.startsWith('-') ? -value : value)
  return at + end
}

export const zoneId: Element = (given, at, { read }) => {
  const zone = zoneAt(given.slice(at))
  if (zone === undefined) return undefined
  read.setZone(zone)
  return at + zone.length
}

/** The abbreviations that Joda-Time knows by default. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  UTC: 'UTC',
  GMT: 'UTC',
  EST: 'America/New_York',
  EDT: 'America/New_York',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  UT: 'UTC',
}

export const zoneName: Element = (given, at, { read }) => {
  const name = Object.keys(ABBREVIATIONS).find((each) => given.startsWith(each, at))
  if (name === undefined) return undefined
  read.setZone(ABBREVIATIONS[name] as string)
  return at + name.length
}
