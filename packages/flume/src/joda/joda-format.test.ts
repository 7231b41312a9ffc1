// SPDX-License-Identifier: Apache-2.0
// interop/flume-dates.test.ts compares with Joda-Time itself.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JodaFormat } from './joda-format.ts'

const NOW = Date.UTC(2026, 10, 28, 12)

const read = (pattern: string, text: string): string | undefined => {
  const ms = new JodaFormat(`${pattern} Z`).parse(`${text} +0000`, NOW)
  return ms === undefined ? undefined : new Date(ms).toISOString().replace('T00:00:00.000Z', '')
}

describe("Joda-Time's patterns", () => {
  it('read years of two digits near this year', () => {
    const cases: readonly [string, string][] = [
      ['26-11-28', '2026-11-28'],
      ['45-01-01', '2045-01-01'],
      ['46-01-01', '1946-01-01'],
      ['1926-01-01', '1926-01-01'],
    ]
    for (const [text, expected] of cases) assert.equal(read('yy-MM-dd', text), expected, text)
  })

  it('refuse names and days that do not exist', () => {
    assert.equal(read('d MMM yyyy', '1 Dec 2026'), '2026-12-01')
    assert.equal(read('d MMM yyyy', '1 DECEMBER 2026'), '2026-12-01')
    assert.equal(read('d MMM yyyy', '1 Foo 2026'), undefined)
    assert.equal(read('yyyy-MM-dd', '2026-02-29'), undefined)
    assert.equal(read('yyyy-MM-dd', '2024-02-29'), '2024-02-29')
  })

  it('take the year 2000 when there is none', () => {
    assert.equal(read('MM-dd', '02-29'), '2000-02-29')
  })

  it('count weeks and days of the year', () => {
    assert.equal(read("xxxx-'W'ww-e", '2026-W01-1'), '2025-12-29')
    assert.equal(read('yyyy-DDD', '2026-032'), '2026-02-01')
  })

  it('read halves of a day, fractions and offsets', () => {
    const ms = new JodaFormat('yyyy-MM-dd hh:mm a Z').parse('2026-01-01 12:30 AM +01:30', NOW)
    assert.equal(ms, Date.UTC(2025, 11, 31, 23))
    const fraction = new JodaFormat('yyyy-MM-dd HH:mm:ss.SZ').parse('2026-01-01 0:0:0.5Z', NOW)
    assert.equal(fraction, Date.UTC(2026, 0, 1) + 500)
  })

  it('that do not exist are refused', () => {
    for (const pattern of ['', 'yyyy-jj', 'yyyy zzzz', 'b']) {
      assert.throws(() => new JodaFormat(pattern), /a date pattern/, pattern)
    }
  })
})
