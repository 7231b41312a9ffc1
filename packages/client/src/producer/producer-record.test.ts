// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headerList } from './producer-record.ts'

describe('the headers of a record', () => {
  it('are an object or a list', () => {
    const bytes = Buffer.from('b')
    assert.deepEqual(headerList(undefined), [])
    assert.deepEqual(headerList({ a: 'x', b: [bytes, null] }), [
      { key: 'a', value: 'x' },
      { key: 'b', value: bytes },
      { key: 'b', value: null },
    ])
    assert.deepEqual(headerList([{ key: 'a', value: 'x' }]), [{ key: 'a', value: 'x' }])
  })

  const refused: readonly [headers: unknown, message: RegExp][] = [
    [{ a: undefined }, /the value of header a is undefined: expected \{ name: value \} or/],
    [{ a: 7 }, /the value of header a is number/],
    [[{ a: 'x' }], /header 0 has no key/],
    [[undefined], /header 0 has no key/],
    [[['a', 'x']], /header 0 has no key/],
    ['a=x', /headers are string/],
  ]
  for (const [headers, message] of refused) {
    it(`are not ${JSON.stringify(headers)}`, () => {
      assert.throws(() => headerList(headers as Parameters<typeof headerList>[0]), message)
    })
  }
})
