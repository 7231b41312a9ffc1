// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseJaas } from './jaas.ts'

describe('a JAAS configuration', () => {
  const good: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
    ['a.B required;', 'a.B', {}],
    ['a.B REQUIRED user="x" ;', 'a.B', { user: 'x' }],
    ["a.B optional\n  one=two three='fo;ur'\n;", 'a.B', { one: 'two', three: 'fo;ur' }],
    ['a.B required p="a\\"b\\\\c\\n\\101";', 'a.B', { p: 'a"b\\c\nA' }],
    ['a.B required n=123 user_b-c="" /* x */ // y\n;', 'a.B', { n: '123', 'user_b-c': '' }],
  ]
  for (const [text, module, options] of good) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const entry = parseJaas(text)
      assert.equal(entry.module, module)
      assert.deepEqual(Object.fromEntries(entry.options), options)
    })
  }

  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /login module is missing/],
    ['a.B', /control flag is missing/],
    ['a.B perhaps;', /control flag is none of required/],
    ['a.B required', /semicolon/],
    ['a.B required user_a="secret"', /semicolon/],
    ['a.B required user_a;', /option user_a has no =/],
    ['a.B required user_a=;', /option user_a has no value/],
    ['a.B required user_a="secret;', /no end/],
    ['a.B required; a.C required;', /more than one/],
  ]
  for (const [text, expected] of bad) {
    it(`refuses ${JSON.stringify(text)} without quoting a value`, () => {
      assert.throws(
        () => parseJaas(text),
        (error: Error) => {
          assert.match(error.message, expected)
          assert.doesNotMatch(error.message, /secret/)
          return true
        },
      )
    })
  }
})
