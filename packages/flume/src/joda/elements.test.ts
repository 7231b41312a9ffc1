// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JodaFormat } from './joda-format.ts'
import { zoneAt } from './time-fields.ts'

const NOW = Date.UTC(2026, 10, 28, 12)

/** Pattern, text, and the time in UTC; undefined if the text does not match. */
const rows: readonly (readonly [pattern: string, text: string, time: string | undefined])[] = [
  // Texts, ignoring case.
  ["yyyy'T'Z", '2026t+0000', '2026-01-01T00:00:00.000Z'],
  ["yyyy'X'Z", '2026Y+0000', undefined],
  ["yyyy''Z", "2026'+0000", '2026-01-01T00:00:00.000Z'],
  ["yyyy 'o''clock' Z", "2026 o'clock +0000", '2026-01-01T00:00:00.000Z'],
  // The whole text has to match.
  ['yyyy Z', '2026 +0000 ', undefined],
  ['yyyy Z', '2026', undefined],
  // Numbers are read to the end of their digits, or as many as there are letters before others.
  ['yyyyMMddZ', '20261128+0000', '2026-11-28T00:00:00.000Z'],
  ['yyyyMMdd Z', '2026118 +0000', '2026-11-08T00:00:00.000Z'],
  ['y-M-d Z', '2026-1-2 +0000', '2026-01-02T00:00:00.000Z'],
  ['y-M-d Z', '2026-001-2 +0000', undefined],
  ['y Z', '-5 +0000', '-000005-01-01T00:00:00.000Z'],
  ['y Z', '+2026 +0000', '2026-01-01T00:00:00.000Z'],
  ['Y Z', '-5 +0000', undefined],
  ['yyyy-MM-dd HH Z', '2026-11-28 24 +0000', undefined],
  ['yyyy-MM-dd kk Z', '2026-11-28 24 +0000', '2026-11-28T00:00:00.000Z'],
  ['yyyy-MM-dd K a Z', '2026-11-28 0 pm +0000', '2026-11-28T12:00:00.000Z'],
  ['yyyy-MM-dd h a Z', '2026-11-28 12 PM +0000', '2026-11-28T12:00:00.000Z'],
  ['yyyy-MM-dd h a Z', '2026-11-28 12 Pm +0000', undefined],
  // A fraction of a second, of which three digits count.
  ['yyyy HH:mm:ss.SSS Z', '2026 01:02:03.4 +0000', '2026-01-01T01:02:03.400Z'],
  ['yyyy ss.SSSSSS Z', '2026 03.456789 +0000', '2026-01-01T00:00:03.456Z'],
  ['yyyy ss.SS Z', '2026 03.456 +0000', undefined],
  // Names in full or short, in three spellings.
  ['d MMMM yyyy Z', '1 dec 2026 +0000', '2026-12-01T00:00:00.000Z'],
  ['d MMM yyyy Z', '1 December 2026 +0000', '2026-12-01T00:00:00.000Z'],
  ['d MMM yyyy Z', '1 DEc 2026 +0000', undefined],
  ['EEE yyyy-MM-dd Z', 'Saturday 2026-11-28 +0000', '2026-11-28T00:00:00.000Z'],
  ['EEE yyyy-MM-dd Z', 'sat 2026-11-28 +0000', '2026-11-28T00:00:00.000Z'],
  ['G yyyy Z', 'AD 2026 +0000', '2026-01-01T00:00:00.000Z'],
  // Offsets.
  ['yyyy Z', '2026 Z', '2026-01-01T00:00:00.000Z'],
  ['yyyy Z', '2026 z', '2026-01-01T00:00:00.000Z'],
  ['yyyy Z', '2026 +01', '2025-12-31T23:00:00.000Z'],
  ['yyyy Z', '2026 -0130', '2026-01-01T01:30:00.000Z'],
  ['yyyy Z', '2026 -01:30', '2026-01-01T01:30:00.000Z'],
  ['yyyy Z', '2026 -01:30:15', '2026-01-01T01:30:15.000Z'],
  ['yyyy Z', '2026 -013015', '2026-01-01T01:30:15.000Z'],
  ['yyyy Z', '2026 -01:30:15.5', '2026-01-01T01:30:15.500Z'],
  ['yyyy Z', '2026 -013015500', '2026-01-01T01:30:15.500Z'],
  ['yyyy Z', '2026 +24', undefined],
  ['yyyy Z', '2026 +0160', undefined],
  ['yyyy Z', '2026 +1', undefined],
  ['yyyy Z', '2026 0100', undefined],
  // Zones by id and by name.
  ['yyyy-MM-dd ZZZ', '2026-07-01 Europe/Berlin', '2026-06-30T22:00:00.000Z'],
  ['yyyy-MM-dd ZZZ', '2026-07-01 europe/berlin', undefined],
  ['yyyy-MM-dd ZZZ', '2026-07-01 Nowhere', undefined],
  ['yyyy-MM-dd z', '2026-07-01 EST', '2026-07-01T04:00:00.000Z'],
  ['yyyy-MM-dd z', '2026-07-01 UTC', '2026-07-01T00:00:00.000Z'],
  ['yyyy-MM-dd z', '2026-07-01 CET', undefined],
  // A local time that a zone skips.
  ['yyyy-MM-dd HH:mm ZZZ', '2026-03-29 02:30 Europe/Berlin', undefined],
  // Of a time that is there twice, the earlier one.
  ['yyyy-MM-dd HH:mm ZZZ', '2026-10-25 02:30 Europe/Berlin', '2026-10-25T00:30:00.000Z'],
  // Missing larger fields are those of 1970; a month or a day without a year is of 2000.
  ['HH:mm Z', '01:02 +0000', '1970-01-01T01:02:00.000Z'],
  ['d Z', '2 +0000', '2000-01-02T00:00:00.000Z'],
  // Fields that contradict each other: the smaller unit is set last.
  ['yyyy-MM-dd e Z', '2026-11-28 1 +0000', '2026-11-23T00:00:00.000Z'],
]

describe("Joda-Time's elements", () => {
  for (const [pattern, text, time] of rows) {
    it(`${pattern} of ${text}`, () => {
      const ms = new JodaFormat(pattern).parse(text, NOW)
      assert.equal(ms === undefined ? undefined : new Date(ms).toISOString(), time)
    })
  }

  const zones: readonly (readonly [text: string, zone: string | undefined])[] = [
    ['Europe/Berlin', 'Europe/Berlin'],
    ['Europe/Berlin 5', 'Europe/Berlin'],
    ['UTC', 'UTC'],
    ['utc', undefined],
    ['+01:00', undefined],
    ['Europe', undefined],
    ['', undefined],
  ]
  for (const [text, zone] of zones) {
    it(`the zone of ${JSON.stringify(text)}`, () => assert.equal(zoneAt(text), zone))
  }
})
