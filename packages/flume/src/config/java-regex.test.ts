// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { javaRegex, javaRegexWhole, javaReplacement } from './java-regex.ts'

describe("Java's patterns", () => {
  it('match what they match in Java', () => {
    const cases: readonly [string, string, boolean][] = [
      ['^\\s+x', '\u00a0x', false],
      ['^\\s+x', ' \tx', true],
      ['(?i)error', 'an ERROR', true],
      ['\\p{Alpha}+\\p{Digit}', 'abc1', true],
      ['[\\p{Upper}_]+$', 'SNAKE_CASE', true],
      ['\\Qa.b\\E', 'a.b', true],
      ['\\Qa.b\\E', 'axb', false],
      ['[]x]', ']', true],
      ['\\Aab\\z', 'ab', true],
      ['a\\-b', 'a-b', true],
    ]
    for (const [pattern, text, expected] of cases) {
      assert.equal(javaRegex(pattern).test(text), expected, `${pattern} on ${JSON.stringify(text)}`)
    }
    assert.equal(javaRegexWhole('a|b').test('ab'), false)
  })

  it('are refused when JavaScript has nothing like it', () => {
    for (const pattern of ['a++', '(?>a)', '[a-z&&[^b]]', '(', '(?x)a']) {
      assert.throws(() => javaRegex(pattern), Error, pattern)
    }
  })

  it('replace as in Java', () => {
    assert.equal('ab'.replace(/(a)(b)/, javaReplacement('$2\\$$1')), 'b$a')
    assert.throws(() => javaReplacement('5$'), /\$ stands before a number/)
  })
})
