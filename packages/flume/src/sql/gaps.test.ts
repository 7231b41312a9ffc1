// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConnection, withoutPassword } from './database.ts'
import { type Gap, gapsAfter, openGaps } from './gaps.ts'

/** Gaps as texts: `3-5@100` was found at 100. */
const gapsOf = (text: string): Gap[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((each) => {
      const [from = 0, to = 0, sinceMs = 0] = each.split(/[-@]/).map(Number)
      return { from, to, sinceMs }
    })
const shown = (gaps: readonly Gap[]): string =>
  gaps.map(({ from, to, sinceMs }) => `${from}-${to}@${sinceMs}`).join(' ')

describe('numbers that rows skip', () => {
  /** Gaps so far, numbers that were read at 500, the last number before, and the gaps then. */
  const rows: readonly (readonly [
    before: string,
    numbers: readonly number[],
    last: number,
    after: string,
  ])[] = [
    ['', [], 10, ''],
    ['', [11, 12], 10, ''],
    ['', [12], 10, '11-11@500'],
    ['', [11, 14, 15, 20], 10, '12-13@500 16-19@500'],
    // A late row closes its gap, or splits it.
    ['5-5@100', [5], 10, ''],
    ['3-7@100', [3], 10, '4-7@100'],
    ['3-7@100', [7], 10, '3-6@100'],
    ['3-7@100', [5], 10, '3-4@100 6-7@100'],
    ['3-7@100', [4, 5, 6], 10, '3-3@100 7-7@100'],
    ['3-7@100', [2, 8], 10, '3-7@100'],
    ['3-4@100 6-7@200', [6, 12], 10, '3-4@100 7-7@200 11-11@500'],
  ]
  for (const [before, numbers, last, after] of rows) {
    it(`${before || 'none'}, then ${numbers.join(' ') || 'no rows'}: ${after || 'none'}`, () => {
      assert.equal(shown(gapsAfter(gapsOf(before), numbers, last, 500)), after)
    })
  }

  it('are looked up for a while, and not too many of them', () => {
    assert.equal(shown(openGaps(gapsOf('1-1@100 2-2@101'), 200, 100)), '2-2@101')
    assert.equal(openGaps(gapsOf('1-1@100'), 100, 0).length, 0)
    const many = Array.from({ length: 150 }, (_, i) => ({ from: i, to: i, sinceMs: 0 }))
    const open = openGaps(many, 10, 100)
    assert.deepEqual([open.length, open[0]?.from], [100, 50])
  })
})

describe('the address of a database', () => {
  const addresses: readonly (readonly [text: string, isKnown: boolean])[] = [
    ['postgres://u:p@h/d', true],
    ['postgresql://h/d', true],
    ['mysql://h/d', true],
    ['mariadb://h/d', true],
    ['sqlite:data.db', true],
    ['sqlite:', false],
    ['postgres://', false],
    ['jdbc:postgresql://h/d', false],
    ['oracle://h/d', false],
  ]
  for (const [text, isKnown] of addresses) {
    it(`${text} is ${isKnown ? '' : 'not '}known`, () => {
      if (isKnown) assert.equal(parseConnection(text), text)
      else assert.throws(() => parseConnection(text), /postgres:.*mysql:.*sqlite:/)
    })
  }

  it('is shown without its password', () => {
    assert.equal(withoutPassword('mysql://u:p:w@h:1/d'), 'mysql://u@h:1/d')
    assert.equal(withoutPassword('mysql://h:1/d'), 'mysql://h:1/d')
    assert.equal(withoutPassword('sqlite:a:b@c'), 'sqlite:a:b@c')
  })
})
