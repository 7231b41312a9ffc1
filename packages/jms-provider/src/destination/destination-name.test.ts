// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasWildcard, refuseWildcard } from './destination-name.ts'

describe('a destination name', () => {
  const names: readonly (readonly [string, boolean])[] = [
    ['orders', false],
    ['orders.eu', false],
    ['Bestellungen für Köln', false],
    ['a/b+c?d', false],
    ['orders.*', true],
    ['orders.#', true],
    ['orders.>', true],
    ['*.new', true],
    ['orders*', true],
    ['a->b', true],
    ['$temporary.queue.a.*.#>.0', false],
    ['temporary.*', true],
  ]
  for (const [name, isRefused] of names) {
    it(`${isRefused ? 'has a' : 'has no'} wildcard: ${name}`, () => {
      assert.equal(hasWildcard(name), isRefused)
      if (!isRefused) refuseWildcard(name)
      else {
        assert.throws(() => refuseWildcard(name), {
          code: 'MILLRACE_INVALID_DESTINATION_NAME',
          message: new RegExp(`^invalid destination "${name.replace(/[*]/g, '\\*')}": `),
        })
      }
    })
  }
})
