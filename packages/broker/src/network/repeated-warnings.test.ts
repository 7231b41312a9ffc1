// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RepeatedWarnings } from './repeated-warnings.ts'

describe('warnings of clients that have not authenticated', () => {
  it('are logged once a minute for each address, with the number of those between', () => {
    const warnings = new RepeatedWarnings()
    const table: readonly [address: string, nowMs: number, expected: number | undefined][] = [
      ['a', 0, 0],
      ['a', 1, undefined],
      ['b', 2, 0],
      ['a', 59_999, undefined],
      ['a', 60_000, 2],
      ['a', 60_001, undefined],
      ['b', 60_002, 0],
    ]
    for (const [address, nowMs, expected] of table) {
      assert.equal(warnings.next(address, nowMs), expected, `${address} at ${nowMs}`)
    }
  })

  it('remember a thousand addresses, and forget the oldest', () => {
    const warnings = new RepeatedWarnings()
    for (let i = 0; i <= 1000; i++) assert.equal(warnings.next(`a${i}`, i), 0)
    assert.equal(warnings.next('a1000', 1001), undefined)
    assert.equal(warnings.next('a1', 1001), undefined)
    assert.equal(warnings.next('a0', 1001), 0)
  })
})
