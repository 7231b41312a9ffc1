// SPDX-License-Identifier: Apache-2.0

/** The fields of a time on a zone's clock. */
export interface ClockFields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** In English, as `Monday`. */
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

/** What a zone's clock shows at a time. `timeZone` undefined is the machine's own. */
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

/** How far a zone's clock is ahead of UTC at a time, in milliseconds. */
export function zoneOffset(ms: number, timeZone: string | undefined): number {
  const { year, month, day, hour, minute, second } = clockFields(ms, timeZone)
  const shown = new Date(0)
  shown.setUTCFullYear(year, month - 1, day)
  shown.setUTCHours(hour, minute, second)
  return shown.getTime() - Math.floor(ms / 1000) * 1000
}

const DAY_MS = 86_400_000

/**
 * The time at which a zone's clock shows `localMs` (as if it were UTC): the earlier one when it shows that twice, undefined when it
 * never does.
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
