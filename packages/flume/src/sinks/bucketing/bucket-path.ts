// SPDX-License-Identifier: Apache-2.0

import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import { elementAt } from '@millrace/base'
import { type Key, parsed, requiredParsed } from '../../config/keys.ts'
import type { Headers } from '../../event.ts'
import { clockFields, zoneOffset } from '../../time/zones.ts'

export interface BucketPathOptions {
  /** Name of a time zone; undefined for the system's zone. */
  readonly timeZone: string | undefined
  /** Rounds times down, in local time of the zone. */
  readonly rounding?: Rounding | undefined
  /** Whether to use the current time instead of the header `timestamp`. */
  readonly usesLocalTime: boolean
  now(): number
}

/** Rounds a field of the time down to a multiple of `value`; smaller fields become 0. */
export interface Rounding {
  readonly unit: 'second' | 'minute' | 'hour'
  readonly value: number
}

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'time'; readonly letter: string }

const TAG = /%(\w|%)|%\{([\w.-]+)\}|%\[(\w+)\]/g
const TIME_LETTERS = 'aAbBcdeDHIjklmMnpsStyYz'

/** Addresses of this host, for `%[IP]` and `%[FQDN]`; looked up once. */
let localAddress = '127.0.0.1'
const addressKnown = lookup(hostname(), { family: 4 }).then(
  ({ address }) => {
    localAddress = address
  },
  () => {},
)

/** Resolves when `%[IP]` is known. */
export function whenAddressKnown(): Promise<void> {
  return addressKnown
}

/** Flume's escapes in a path: `%{header}`, `%Y-%m-%d/%H%M`, `%[localhost]`. */
export class BucketPath {
  readonly #pieces: readonly Piece[]
  readonly #options: BucketPathOptions
  readonly #hasHeaders: boolean
  readonly #times = new Map<string, string>()
  #timesOf = Number.NaN

  constructor(pattern: string, options: BucketPathOptions) {
    this.#pieces = parse(pattern)
    this.#options = options
    this.#hasHeaders = this.#pieces.some(({ kind }) => kind === 'header')
  }

  /** The text for an event. Throws if it needs the header `timestamp` and that is missing. */
  resolve(headers: Readonly<Headers>): string {
    let text = ''
    for (const piece of this.#pieces) {
      if (piece.kind === 'text') text += piece.text
      else if (piece.kind === 'header') text += headers[piece.name] ?? ''
      else text += this.#time(piece.letter, headers)
    }
    return text
  }

  /**
   * The text as a path. Headers are untrusted: they cannot leave the directory that the pattern
   * begins with, or add a NUL character.
   */
  resolvePath(headers: Readonly<Headers>): string {
    const text = this.resolve(headers)
    if (!this.#hasHeaders || !/\.\.|\0/.test(text)) return text
    const [first] = this.#pieces
    const fixed = first?.kind === 'text' ? first.text : ''
    const rest = text.slice(fixed.length).replaceAll('\0', '_')
    return fixed + rest.replace(/(?<=^|\/)\.\.(?=\/|$)/g, '__')
  }

  #time(letter: string, headers: Readonly<Headers>): string {
    const { usesLocalTime, rounding, timeZone } = this.#options
    const text = usesLocalTime ? String(this.#options.now()) : headers.timestamp
    if (text === undefined) {
      throw new Error(
        `the path has %${letter}, and the event has no header timestamp; an interceptor of type timestamp sets it, or useLocalTimeStamp = true does without`,
      )
    }
    const ms = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(ms)) {
      throw new Error(
        `the path has %${letter}, and the header timestamp is ${JSON.stringify(text)}, no number`,
      )
    }
    if (letter === 't') return text
    const rounded = rounding === undefined ? ms : roundDown(ms, rounding, timeZone)
    const second = Math.floor(rounded / 1000)
    if (second !== this.#timesOf) {
      this.#times.clear()
      this.#timesOf = second
    }
    let formatted = this.#times.get(letter)
    if (formatted === undefined) {
      formatted = format(letter, rounded, timeZone)
      this.#times.set(letter, formatted)
    }
    return formatted
  }
}

const ALLOWED = `escapes %{header}, %[localhost|IP|FQDN] and %${[...TIME_LETTERS].join(' %')}`

/** Throws an `Error` for an escape that does not exist. */
function checkBucketPath(pattern: string): string {
  const unknown = unknownEscape(pattern)
  if (unknown === undefined) return pattern
  throw new Error(`${ALLOWED}; ${unknown.text} is none`)
}

function unknownEscape(
  pattern: string,
): { readonly text: string; readonly isFixed: boolean } | undefined {
  for (const [text, letter, , fixed] of pattern.matchAll(TAG)) {
    if (letter !== undefined && letter !== '%' && !TIME_LETTERS.includes(letter)) {
      return { text, isFixed: false }
    }
    if (fixed !== undefined && !/^(localhost|ip|fqdn)$/i.test(fixed)) return { text, isFixed: true }
  }
  return undefined
}

/** Flume replaces unknown letters by the empty text, and fails for unknown names in brackets. */
function lenientPath(
  pattern: string,
): { readonly value: string; readonly note: string } | undefined {
  const unknown = unknownEscape(pattern)
  if (unknown?.isFixed !== false) return undefined
  return { value: pattern, note: 'it is replaced by nothing, as in Flume' }
}

/** A key whose value is a text with escapes. */
export function bucketPath(
  fallback: string,
  options: { readonly key?: string; readonly alsoKnownAs?: readonly string[] } = {},
): Key<string, false> {
  return { ...parsed(checkBucketPath, fallback, options), lenient: lenientPath }
}

export function requiredBucketPath(options: { readonly key?: string } = {}): Key<string, true> {
  return { ...requiredParsed(checkBucketPath, options), lenient: lenientPath }
}

function parse(pattern: string): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const match of pattern.matchAll(TAG)) {
    const [all, letter, header, fixed] = match
    if (match.index > from) pieces.push({ kind: 'text', text: pattern.slice(from, match.index) })
    from = match.index + all.length
    if (header !== undefined) pieces.push({ kind: 'header', name: header })
    else if (fixed !== undefined) pieces.push({ kind: 'text', text: staticText(fixed) })
    else if (letter === '%') pieces.push({ kind: 'text', text: '%' })
    else pieces.push({ kind: 'time', letter: letter as string })
  }
  if (from < pattern.length) pieces.push({ kind: 'text', text: pattern.slice(from) })
  return pieces
}

function staticText(name: string): string {
  return name.toLowerCase() === 'ip' ? localAddress : hostname()
}

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** A field is rounded within the next larger one: minutes by 7 are 0, 7, ... 56, as in Flume. */
function roundDown(ms: number, { unit, value }: Rounding, timeZone: string | undefined): number {
  const { hour, minute, second } = clockFields(ms, timeZone)
  const millis = ((ms % SECOND_MS) + SECOND_MS) % SECOND_MS
  switch (unit) {
    case 'second':
      return ms - millis - (second % value) * SECOND_MS
    case 'minute':
      return ms - millis - second * SECOND_MS - (minute % value) * MINUTE_MS
    case 'hour': {
      const inHour = millis + second * SECOND_MS + minute * MINUTE_MS
      const rounded = ms - inHour - (hour % value) * HOUR_MS
      // A change of daylight saving time in between shifts the hour.
      return rounded + zoneOffset(ms, timeZone) - zoneOffset(rounded, timeZone)
    }
  }
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

function format(letter: string, ms: number, timeZone: string | undefined): string {
  const parts = clockFields(ms, timeZone)
  const two = (value: number): string => String(value).padStart(2, '0')
  const month = elementAt(MONTHS, parts.month - 1)
  const time = `${two(parts.hour)}:${two(parts.minute)}:${two(parts.second)}`
  switch (letter) {
    case 'a':
      return parts.weekday.slice(0, 3)
    case 'A':
      return parts.weekday
    case 'b':
      return month.slice(0, 3)
    case 'B':
      return month
    case 'c':
      return `${parts.weekday.slice(0, 3)} ${month.slice(0, 3)} ${parts.day} ${time} ${parts.year}`
    case 'd':
      return two(parts.day)
    case 'e':
      return String(parts.day)
    case 'D':
      return `${two(parts.month)}/${two(parts.day)}/${two(parts.year % 100)}`
    case 'H':
      return two(parts.hour)
    case 'I':
      return two(parts.hour % 12 || 12)
    case 'j': {
      const start = Date.UTC(parts.year, 0, 0)
      const days = (Date.UTC(parts.year, parts.month - 1, parts.day) - start) / 86_400_000
      return String(days).padStart(3, '0')
    }
    case 'k':
      return String(parts.hour)
    case 'l':
      return String(parts.hour % 12 || 12)
    case 'm':
      return two(parts.month)
    case 'M':
      return two(parts.minute)
    case 'n':
      return String(parts.month)
    case 'p':
      return parts.hour < 12 ? 'AM' : 'PM'
    case 's':
      return String(Math.floor(ms / 1000))
    case 'S':
      return two(parts.second)
    case 'y':
      return two(parts.year % 100)
    case 'Y':
      return String(parts.year)
    case 'z': {
      const minutes = Math.round(zoneOffset(ms, timeZone) / 60_000)
      const sign = minutes < 0 ? '-' : '+'
      const size = Math.abs(minutes)
      return `${sign}${two(Math.floor(size / 60))}${two(size % 60)}`
    }
    default:
      return ''
  }
}
