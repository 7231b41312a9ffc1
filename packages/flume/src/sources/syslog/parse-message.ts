// SPDX-License-Identifier: Apache-2.0
import { Event, type Headers, newHeaders } from '../../event.ts'
import { type KeepFields, keptText } from './keep-fields.ts'
import { rfc3164Time, rfc5424Time, type Zone } from './timestamps.ts'

// The characters of Java's \s.
const S = '[ \\t\\n\\v\\f\\r]'
const HEADER_5424 = new RegExp(
  `^<(\\d{1,3})>(\\d?)${S}?(?:(\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,6})?(?:[+-]\\d{2}:\\d{2}|Z)?)|-)${S}(?:(\\w[\\w.@-]*)|-)${S}`,
)
const HEADER_3164 = new RegExp(
  `^<(\\d{1,3})>(\\d)?${S}?([A-Z][a-z][a-z]${S}{1,2}\\d{1,2}${S}\\d{2}:\\d{2}:\\d{2})${S}(\\w[\\w.@-]*)${S}`,
)
/** Longest header. */
const MAX_HEADER = 512

/** Headers that syslog sources set. */
export const STATUS_HEADER = 'flume.syslog.status'

export interface MessageOptions {
  readonly keepFields: KeepFields
  readonly zone: Zone
  now(): number
}

/** Parses headers of messages; caches the last time. */
export class MessageParser {
  readonly #options: MessageOptions
  #lastText = ''
  #lastTime: number | undefined

  constructor(options: MessageOptions) {
    this.#options = options
  }

  /**
   * The event of a message, as in Flume's syslog TCP and UDP sources: an invalid message is the
   * body unchanged. `hasPriority`: whether it begins with `<ddd>`.
   */
  parse(
    message: Buffer,
    { hasPriority, isCut }: { readonly hasPriority: boolean; readonly isCut: boolean },
  ): Event {
    const headers = newHeaders()
    if (!hasPriority) {
      headers.Facility = '0'
      headers.Severity = '0'
      headers[STATUS_HEADER] = 'Invalid'
      return new Event(message, headers)
    }
    const text = message.toString('latin1', 0, Math.min(message.length, MAX_HEADER))
    const match = HEADER_5424.exec(text) ?? HEADER_3164.exec(text)
    const priority = Number.parseInt(text.slice(1, 4), 10)
    headers.Facility = String(priority >> 3)
    headers.Severity = String(priority & 7)
    let body = message
    if (match !== null) {
      const [head, digits = '', version = '', timestamp, host] = match
      this.#setHeaders(headers, digits, version, timestamp, host)
      body = this.#body(message, head.length, { digits, version, timestamp, host })
    }
    if (isCut) headers[STATUS_HEADER] = 'Incomplete'
    return new Event(body, headers)
  }

  #setHeaders(
    headers: Headers,
    priority: string,
    version: string,
    timestamp: string | undefined,
    host: string | undefined,
  ): void {
    headers.priority = priority
    if (version !== '') headers.version = version
    const time = timestamp === undefined ? undefined : this.#time(timestamp)
    if (time !== undefined) headers.timestamp = String(time)
    if (host !== undefined) headers.host = host
  }

  #time(text: string): number | undefined {
    if (text === this.#lastText) return this.#lastTime
    const { zone } = this.#options
    this.#lastText = text
    this.#lastTime =
      text.charCodeAt(0) < 0x3a
        ? rfc5424Time(text, zone)
        : rfc3164Time(text, zone, this.#options.now())
    return this.#lastTime
  }

  #body(
    message: Buffer,
    headSize: number,
    fields: {
      readonly digits: string
      readonly version: string
      readonly timestamp: string | undefined
      readonly host: string | undefined
    },
  ): Buffer {
    const { keepFields } = this.#options
    if (keepFields === 'all') return message
    const body = message.subarray(headSize)
    // Java prints missing values as null.
    const { digits, version, timestamp = 'null', host = 'null' } = fields
    const kept = keptText(keepFields, { priority: digits, version, timestamp, hostname: host })
    if (kept !== '') return Buffer.concat([Buffer.from(kept), body])
    // To Flume, an empty text is an invalid one.
    return body.length === 0 ? message : body
  }
}

/**
 * The event of a message, as in Flume's multiport source: stricter, with other header names. An
 * invalid message is the body unchanged, marked Invalid.
 */
export function parseMultiportMessage(
  message: Buffer,
  {
    keepFields,
    isCut,
    now,
  }: {
    readonly keepFields: KeepFields
    readonly isCut: boolean
    readonly now: () => number
  },
): Event {
  const headers = newHeaders()
  const text = message.toString('latin1', 0, Math.min(message.length, MAX_HEADER))
  const match = /^<(\d{1,5})>(1 )?/.exec(text)
  const invalid = (): Event => {
    const only = newHeaders()
    only[STATUS_HEADER] = 'Invalid'
    return new Event(message, only)
  }
  if (match === null || match[0].length >= message.length) return invalid()
  const [head, priority = '', version] = match
  headers.Priority = priority
  headers.Facility = String(Math.floor(Number(priority) / 8))
  headers.Severity = String(Number(priority) % 8)
  if (version !== undefined) headers.Version = '1'
  const stamp = timestampAt(text, head.length, now())
  if (stamp === undefined) return invalid()
  headers.timestamp = String(stamp.time)
  const hostEnd = text.indexOf(' ', stamp.end)
  if (hostEnd < 0) return invalid()
  const hostname = text.slice(stamp.end, hostEnd)
  headers.host = hostname
  if (isCut) headers[STATUS_HEADER] = 'Incomplete'
  if (keepFields === 'all' || message.length <= hostEnd + 1) return new Event(message, headers)
  const kept = keptText(keepFields, {
    priority,
    version: version === undefined ? '' : '1',
    timestamp: stamp.text,
    hostname,
  })
  const body = message.subarray(hostEnd + 1)
  return new Event(kept === '' ? body : Buffer.concat([Buffer.from(kept), body]), headers)
}

function timestampAt(
  text: string,
  from: number,
  nowMs: number,
): { readonly time: number; readonly text: string; readonly end: number } | undefined {
  const first = text[from] ?? ''
  if (first === '-') return { time: nowMs, text: '-', end: from + 2 }
  if (first >= 'A' && first <= 'Z') {
    const stamp = text.slice(from, from + 15)
    if (stamp.length < 15) return undefined
    return { time: rfc3164Time(stamp, 'utc', nowMs) ?? 0, text: stamp, end: from + 16 }
  }
  const end = text.indexOf(' ', from)
  if (end < 0) return undefined
  const stamp = text.slice(from, end)
  // Here a time must have a zone.
  const time = /(Z|[+-]\d{2}:\d{2})$/.test(stamp) ? rfc5424Time(stamp, 'utc') : undefined
  return time === undefined ? undefined : { time, text: stamp, end: end + 1 }
}
