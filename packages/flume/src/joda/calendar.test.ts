// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  DAY_MS,
  dateOf,
  dayOfWeek,
  dayOfYear,
  dayStart,
  daysInMonth,
  isLeapYear,
  timeOfDay,
  weekOf,
  weeksIn,
  weekyearOf,
} from './calendar.ts'
import { type Field, fields } from './fields.ts'

/** A date, its day of the year, day of the week, and its ISO week. */
const dates: readonly (readonly [
  year: number,
  month: number,
  day: number,
  dayOfYear: number,
  dayOfWeek: number,
  weekyear: number,
  week: number,
])[] = [
  [1970, 1, 1, 1, 4, 1970, 1],
  [1969, 12, 31, 365, 3, 1970, 1],
  [2000, 2, 29, 60, 2, 2000, 9],
  [2000, 12, 31, 366, 7, 2000, 52],
  // A week belongs to the year of its Thursday.
  [2018, 12, 31, 365, 1, 2019, 1],
  [2020, 12, 31, 366, 4, 2020, 53],
  [2021, 1, 3, 3, 7, 2020, 53],
  [2021, 1, 4, 4, 1, 2021, 1],
  [2022, 1, 1, 1, 6, 2021, 52],
  [1, 1, 1, 1, 1, 1, 1],
  [0, 2, 29, 60, 2, 0, 9],
]

describe('the ISO calendar', () => {
  for (const [year, month, day, ofYear, ofWeek, weekyear, week] of dates) {
    it(`${year}-${month}-${day}`, () => {
      const start = dayStart(year, month, day)
      for (const ms of [start, start + DAY_MS - 1]) {
        assert.deepEqual(dateOf(ms), { year, month, day })
        assert.deepEqual(
          [dayOfYear(ms), dayOfWeek(ms), weekyearOf(ms), weekOf(ms)],
          [ofYear, ofWeek, weekyear, week],
        )
      }
      assert.equal(timeOfDay(start + 5), 5)
    })
  }

  it('has leap years', () => {
    const leap = [1600, 1900, 1904, 2000, 2023, 2024, 2100, 0, -4].filter(isLeapYear)
    assert.deepEqual(leap, [1600, 1904, 2000, 2024, 0, -4])
    assert.deepEqual(
      [daysInMonth(2023, 2), daysInMonth(2024, 2), daysInMonth(2024, 4)],
      [28, 29, 30],
    )
    assert.deepEqual([weeksIn(2019), weeksIn(2020), weeksIn(2026)], [52, 53, 53])
  })
})

const at = (text: string): number => Date.parse(text)
const shown = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace('.000Z', '')

/** A time, a field and its value, and the time with that value. */
const settings: readonly (readonly [
  from: string,
  field: keyof typeof fields,
  value: number,
  to: string | undefined,
])[] = [
  ['2024-02-29T10:00:00Z', 'year', 2023, '2023-02-28T10:00:00'],
  ['2023-03-01T10:00:00Z', 'year', 2024, '2024-03-01T10:00:00'],
  ['2023-02-28T10:00:00Z', 'year', 2024, '2024-02-28T10:00:00'],
  ['2024-01-01T00:00:00Z', 'year', 300_000, undefined],
  ['2024-01-01T00:00:00Z', 'yearOfEra', 2025, '2025-01-01T00:00:00'],
  ['2024-01-01T00:00:00Z', 'yearOfEra', 0, undefined],
  ['2026-01-01T00:00:00Z', 'centuryOfEra', 19, '1926-01-01T00:00:00'],
  ['2026-01-01T00:00:00Z', 'centuryOfEra', -1, undefined],
  ['2026-01-01T00:00:00Z', 'era', 1, '2026-01-01T00:00:00'],
  // The day of the week and the week stay.
  ['2020-12-31T00:00:00Z', 'weekyear', 2021, '2021-12-30T00:00:00'],
  ['2026-11-29T00:00:00Z', 'weekOfWeekyear', 1, '2026-01-04T00:00:00'],
  ['2020-06-01T00:00:00Z', 'weekOfWeekyear', 53, '2020-12-28T00:00:00'],
  ['2021-06-01T00:00:00Z', 'weekOfWeekyear', 53, undefined],
  ['2021-06-01T00:00:00Z', 'weekOfWeekyear', 0, undefined],
  // The day becomes the last one of a shorter month.
  ['2023-03-31T00:00:00Z', 'monthOfYear', 2, '2023-02-28T00:00:00'],
  ['2023-03-31T00:00:00Z', 'monthOfYear', 13, undefined],
  ['2023-03-31T00:00:00Z', 'monthOfYear', 0, undefined],
  ['2023-02-01T00:00:00Z', 'dayOfMonth', 28, '2023-02-28T00:00:00'],
  ['2023-02-01T00:00:00Z', 'dayOfMonth', 29, undefined],
  ['2023-02-01T00:00:00Z', 'dayOfMonth', 0, undefined],
  ['2024-05-05T01:00:00Z', 'dayOfYear', 366, '2024-12-31T01:00:00'],
  ['2023-05-05T01:00:00Z', 'dayOfYear', 366, undefined],
  ['2026-11-29T00:00:00Z', 'dayOfWeek', 1, '2026-11-23T00:00:00'],
  ['2026-11-29T00:00:00Z', 'dayOfWeek', 8, undefined],
  ['2026-11-29T03:00:00Z', 'halfdayOfDay', 1, '2026-11-29T15:00:00'],
  ['2026-11-29T15:00:00Z', 'halfdayOfDay', 0, '2026-11-29T03:00:00'],
  ['2026-11-29T15:00:00Z', 'hourOfHalfday', 0, '2026-11-29T12:00:00'],
  ['2026-11-29T15:00:00Z', 'hourOfHalfday', 12, undefined],
  // 12 is the first hour of a half day on the clock, and 24 that of a day.
  ['2026-11-29T15:00:00Z', 'clockhourOfHalfday', 12, '2026-11-29T12:00:00'],
  ['2026-11-29T15:00:00Z', 'clockhourOfHalfday', 0, undefined],
  ['2026-11-29T15:00:00Z', 'clockhourOfDay', 24, '2026-11-29T00:00:00'],
  ['2026-11-29T15:00:00Z', 'clockhourOfDay', 25, undefined],
  ['2026-11-29T15:00:00Z', 'hourOfDay', 23, '2026-11-29T23:00:00'],
  ['2026-11-29T15:00:00Z', 'hourOfDay', 24, undefined],
  ['2026-11-29T15:10:20Z', 'minuteOfHour', 59, '2026-11-29T15:59:20'],
  ['2026-11-29T15:10:20Z', 'minuteOfHour', 60, undefined],
  ['2026-11-29T15:10:20Z', 'secondOfMinute', 60, undefined],
  ['1969-12-31T23:59:59Z', 'minuteOfHour', 0, '1969-12-31T23:00:59'],
]

describe('a field of a time', () => {
  for (const [from, name, value, to] of settings) {
    it(`${from}: ${name} = ${value}`, () => {
      const field: Field = fields[name]
      assert.equal(shown(field.set(at(from), value)), to)
    })
  }

  const floors: readonly (readonly [keyof typeof fields, string])[] = [
    ['centuryOfEra', '2000-01-01T00:00:00'],
    ['year', '2026-01-01T00:00:00'],
    ['weekyear', '2025-12-29T00:00:00'],
    ['weekOfWeekyear', '2026-11-23T00:00:00'],
    ['monthOfYear', '2026-11-01T00:00:00'],
    ['dayOfMonth', '2026-11-29T00:00:00'],
    ['dayOfYear', '2026-11-29T00:00:00'],
    ['dayOfWeek', '2026-11-29T00:00:00'],
    ['halfdayOfDay', '2026-11-29T12:00:00'],
    ['hourOfDay', '2026-11-29T15:00:00'],
    ['minuteOfHour', '2026-11-29T15:10:00'],
    ['secondOfMinute', '2026-11-29T15:10:20'],
  ]
  for (const [name, expected] of floors) {
    it(`${name} begins at ${expected}`, () => {
      assert.equal(shown(fields[name].floor(at('2026-11-29T15:10:20.123Z'))), expected)
    })
  }
})
