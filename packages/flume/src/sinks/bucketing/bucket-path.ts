// SPDX-License-Identifier: Apache-2.0

import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import type { Headers } from '../../event.ts'

export interface BucketPathOptions {
  /** A zone's name; undefined is the machine's own. */
  readonly timeZone: string | undefined
  /** Rounds times down to a multiple of so many milliseconds, seen in the zone's clock; 0 does not. */
  readonly roundMs: number
  /** Takes the time from the clock, not from the header `timestamp`. */
  readonly usesLocalTime: boolean
  now(): number
}

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'time'; readonly letter: string }

const TAG = /%(\w|%)|%\{([\w.-]+)\}|%\[(\w+)\]/g
const TIME_LETTERS = 'aAbBcdeDHIjklmMnpsStyYz'

/** Addresses of this machine, for `%[IP]` and `%[FQDN]`; looked up once. */
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
  /** Whether the path depends on the event at all. */
  readonly isConstant: boolean
  readonly #times = new Map<string, string>()
  #timesOf = Number.NaN

  constructor(pattern: string, options: BucketPathOptions) {
    this.#pieces = parse(pattern)
    this.#options = options
    this.isConstant = this.#pieces.every(({ kind }) => kind === 'text')
  }

  /** The path for an event. Throws when it needs the header `timestamp` and there is none. */
  resolve(headers: Readonly<Headers>): string {
    let path = ''
    for (const piece of this.#pieces) {
      if (piece.kind === 'text') path += piece.text
      else if (piece.kind === 'header') path += headers[piece.name] ?? ''
      else path += this.#time(piece.letter, headers)
    }
    return path
  }

  #time(letter: string, headers: Readonly<Headers>): string {
    const { usesLocalTime, roundMs, timeZone } = this.#options
    const text = usesLocalTime ? String(this.#options.now()) : headers.timestamp
    if (text === undefined) {
      throw new Error(
        `the path has %${letter}, and the event has no header timestamp; an interceptor of type timestamp sets it, or useLocalTimeStamp = true does without`,
      )
    }
    const ms = Number(text)
    if (text.trim() === '' || Number.isNaN(ms)) {
      throw new Error(
        `the path has %${letter}, and the header timestamp is ${JSON.stringify(text)}, no number`,
      )
    }
    if (letter === 't') return text
    const rounded = roundMs === 0 ? ms : roundDown(ms, roundMs, timeZone)
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

/** Throws an `Error` for an escape that does not exist. */
export function checkBucketPath(pattern: string): string {
  for (const [all, letter, , fixed] of pattern.matchAll(TAG)) {
    if (letter !== undefined && letter !== '%' && !TIME_LETTERS.includes(letter)) {
      throw new Error(
        `escapes %{header}, %[localhost|IP|FQDN] and %${[...TIME_LETTERS].join(' %')}; ${all} is none`,
      )
    }
    if (fixed !== undefined && !/^(localhost|ip|fqdn)$/i.test(fixed)) {
      throw new Error(`%[localhost], %[IP] or %[FQDN]; ${all} is none`)
    }
  }
  return pattern
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

interface Parts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly weekday: string
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function partsOf(ms: number, timeZone: string | undefined): Parts {
  const key = timeZone ?? ''
  let formatter = formatters.get(key)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      ...(timeZone === undefined ? {} : { timeZone }),
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      weekday: 'long',
    })
    formatters.set(key, formatter)
  }
  const found = new Map(formatter.formatToParts(ms).map(({ type, value }) => [type, value]))
  const number = (type: Intl.DateTimeFormatPartTypes): number => Number(found.get(type))
  return {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
    weekday: found.get('weekday') ?? '',
  }
}

/** What the zone's clock is ahead of UTC at a time. */
function offsetMs(ms: number, timeZone: string | undefined): number {
  const { year, month, day, hour, minute, second } = partsOf(ms, timeZone)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
}

function roundDown(ms: number, unitMs: number, timeZone: string | undefined): number {
  const offset = offsetMs(ms, timeZone)
  return Math.floor((ms + offset) / unitMs) * unitMs - offset
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
  const parts = partsOf(ms, timeZone)
  const two = (value: number): string => String(value).padStart(2, '0')
  const month = MONTHS[parts.month - 1] as string
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
      const minutes = Math.round(offsetMs(ms, timeZone) / 60_000)
      const sign = minutes < 0 ? '-' : '+'
      const size = Math.abs(minutes)
      return `${sign}${two(Math.floor(size / 60))}${two(size % 60)}`
    }
    default:
      return ''
  }
}
