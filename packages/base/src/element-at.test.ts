// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { elementAt, entryOf } from './element-at.ts'

describe('elementAt', () => {
  const cells: readonly (readonly [list: ArrayLike<unknown>, index: number, element: unknown])[] = [
    [['a', 'b'], 0, 'a'],
    [['a', 'b'], 1, 'b'],
    [[null], 0, null],
    [Buffer.of(7), 0, 7],
    ['text', 3, 't'],
    [['a', 'b'], 2, RangeError],
    [['a', 'b'], -1, RangeError],
    [['a', 'b'], 0.5, RangeError],
    [[], 0, RangeError],
  ]
  for (const [list, index, element] of cells) {
    const outcome = element === RangeError ? 'RangeError' : JSON.stringify(element)
    it(`${index} of ${JSON.stringify(list)}: ${outcome}`, () => {
      if (element === RangeError) {
        assert.throws(() => elementAt(list, index), {
          name: 'RangeError',
          message: `index ${index} is out of range: the list has ${list.length} elements`,
        })
      } else assert.equal(elementAt(list, index), element)
    })
  }
})

it('entryOf returns own entries only', () => {
  assert.equal(entryOf({ a: 1 }, 'a'), 1)
  assert.throws(() => entryOf({ a: 1 }, 'b'), {
    name: 'RangeError',
    message: 'there is no entry "b"',
  })
  assert.throws(() => entryOf<unknown>({}, 'toString'), RangeError)
})
