// SPDX-License-Identifier: Apache-2.0

/** Fields of a local time. */
export interface ClockFields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** English name, as `Monday`. */
  readonly weekday: string
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterFor(timeZone: string | undefined): Intl.DateTimeFormat {
  const key = timeZone ?? ''
  let formatter = formatters.get(key)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      ...(timeZone === undefined ? {} : { timeZone }),
      calendar: 'gregory',
      hourCycle: 'h23',
      era: 'short',
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
  return formatter
}

/** The local time of a zone. `timeZone` undefined: the system's zone. */
export function clockFields(ms: number, timeZone: string | undefined): ClockFields {
  const parts = formatterFor(timeZone).formatToParts(ms)
  const found = new Map(parts.map(({ type, value }) => [type, value]))
  const number = (type: Intl.DateTimeFormatPartTypes): number => Number(found.get(type))
  const isBefore = found.get('era')?.startsWith('B') === true
  return {
    year: isBefore ? 1 - number('year') : number('year'),
    month: number('month'),
    day: number('day'),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
    weekday: found.get('weekday') ?? '',
  }
}

/** Offset of a zone from UTC at a time, in milliseconds. */
export function zoneOffset(ms: number, timeZone: string | undefined): number {
  const { year, month, day, hour, minute, second } = clockFields(ms, timeZone)
  const shown = new Date(0)
  shown.setUTCFullYear(year, month - 1, day)
  shown.setUTCHours(hour, minute, second)
  return shown.getTime() - Math.floor(ms / 1000) * 1000
}

const DAY_MS = 86_400_000

/**
 * The time of the local time `localMs` (milliseconds as in UTC): the earlier one if there are two,
 * undefined if the zone skips it.
 */
export function instantOf(localMs: number, timeZone: string | undefined): number | undefined {
  const offsets = [
    zoneOffset(localMs - DAY_MS, timeZone),
    zoneOffset(localMs + DAY_MS, timeZone),
  ].filter((offset) => zoneOffset(localMs - offset, timeZone) === offset)
  return offsets.length === 0 ? undefined : localMs - Math.max(...offsets)
}

/** Whether a zone of this name is known. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}
