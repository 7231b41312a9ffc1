// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import {
  type Element,
  literal,
  number,
  offset,
  text,
  twoDigitYear,
  zoneId,
  zoneName,
} from './elements.ts'
import { fields } from './fields.ts'
import { TimeFields } from './time-fields.ts'

/**
 * A pattern of Joda-Time's `DateTimeFormat` for parsing. Names of months and days are English; a
 * text without a zone is in the system's zone.
 */
export class JodaFormat {
  /** The configured pattern. */
  readonly pattern: string
  readonly #elements: readonly Element[]

  /** Throws an `Error` for a pattern that Joda-Time does not accept. */
  constructor(pattern: string) {
    this.pattern = pattern
    const tokens = tokensOf(pattern)
    if (tokens.length === 0) throw new Error('a date pattern that is not empty')
    this.#elements = /^z+$/.test(pattern)
      ? [zoneName]
      : tokens.map((token, index) => elementOf(token, isNumeric(tokens[index + 1])))
  }

  /**
   * Milliseconds since 1970; undefined for a text that does not match. Two-digit years are near
   * `nowMs`.
   */
  parse(value: string, nowMs: number): number | undefined {
    const read = new TimeFields()
    const context = { read, year: new Date(nowMs).getFullYear() }
    let at = 0
    for (const element of this.#elements) {
      const end = element(value, at, context)
      if (end === undefined) return undefined
      at = end
    }
    return at === value.length ? read.millis() : undefined
  }
}

/** A run of one letter, or literal text, which begins with a quotation mark here. */
function tokensOf(pattern: string): string[] {
  const tokens: string[] = []
  for (let at = 0; at < pattern.length; ) {
    const run = /^([A-Za-z])\1*/.exec(pattern.slice(at))?.[0]
    if (run !== undefined) {
      tokens.push(run)
      at += run.length
      continue
    }
    let plain = ''
    let isQuoted = false
    for (; at < pattern.length; at++) {
      const character = elementAt(pattern, at)
      if (character === "'") {
        if (pattern[at + 1] === "'") {
          plain += "'"
          at++
        } else isQuoted = !isQuoted
      } else if (!isQuoted && /[A-Za-z]/.test(character)) break
      else plain += character
    }
    tokens.push(`'${plain}`)
  }
  return tokens
}

/** Whether a numeric token directly follows another one. */
function isNumeric(token: string | undefined): boolean {
  if (token === undefined) return false
  return /^[cCxyYdhHmsSeDFwWkK]/.test(token) || /^M{1,2}$/.test(token)
}

function elementOf(token: string, isBeforeNumber: boolean): Element {
  const size = token.length
  switch (token[0]) {
    case "'":
      return literal(token.slice(1))
    case 'G':
      return text('era')
    case 'C':
      return number(fields.centuryOfEra, size, true)
    case 'x':
      return yearElement('x', size, isBeforeNumber)
    case 'y':
      return yearElement('y', size, isBeforeNumber)
    case 'Y':
      return yearElement('Y', size, isBeforeNumber)
    case 'M':
      return size >= 3 ? text('month') : number(fields.monthOfYear, 2)
    case 'd':
      return number(fields.dayOfMonth, Math.max(2, size))
    case 'a':
      return text('halfday')
    case 'h':
      return number(fields.clockhourOfHalfday, Math.max(2, size))
    case 'H':
      return number(fields.hourOfDay, Math.max(2, size))
    case 'k':
      return number(fields.clockhourOfDay, Math.max(2, size))
    case 'K':
      return number(fields.hourOfHalfday, Math.max(2, size))
    case 'm':
      return number(fields.minuteOfHour, Math.max(2, size))
    case 's':
      return number(fields.secondOfMinute, Math.max(2, size))
    case 'S':
      return fraction(size)
    case 'e':
      return number(fields.dayOfWeek, Math.max(1, size))
    case 'E':
      return text('weekday')
    case 'D':
      return number(fields.dayOfYear, Math.max(3, size))
    case 'w':
      return number(fields.weekOfWeekyear, Math.max(2, size))
    case 'z':
      if (size >= 4) throw new Error('a date pattern without zzzz, which is for printing only')
      return zoneName
    case 'Z':
      return size >= 3 ? zoneId : offset
    default:
      throw new Error(`a date pattern without ${token}`)
  }
}

function yearElement(letter: 'x' | 'y' | 'Y', size: number, isBeforeNumber: boolean): Element {
  const field = { x: fields.weekyear, y: fields.year, Y: fields.yearOfEra }[letter]
  // Joda-Time reads two digits as a year, never as a year of the era.
  if (size === 2)
    return twoDigitYear(letter === 'x' ? fields.weekyear : fields.year, !isBeforeNumber)
  return number(field, isBeforeNumber ? size : Math.max(9, size), letter !== 'Y')
}

/** Digits after a decimal point. */
function fraction(maxDigits: number): Element {
  return (value, at, { read }) => {
    const digits = new RegExp(`^\\d{1,${maxDigits}}`).exec(value.slice(at))?.[0]
    if (digits === undefined) return undefined
    read.save(fields.millisOfSecond, Number(digits.slice(0, 3).padEnd(3, '0')))
    return at + digits.length
  }
}
