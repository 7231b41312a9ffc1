// SPDX-License-Identifier: Apache-2.0
// interop/flume-patterns.test.ts compares with Java itself.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JavaPattern } from './java-pattern.ts'
import { Replacement } from './replacement.ts'

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
      ['a\\Rb', 'a\r\nb', true],
      ['^\\H+$', 'a b', false],
      ['^\\V+$', 'a\u000bb', false],
      ['^\\pL+$', 'Zürich', true],
      ['^\\p{L}+$', 'pL', true],
      ['^\\x{41}$', 'A', true],
      ['^a++a', 'aaa', false],
      ['^(?>a|ab)c', 'abc', false],
      ['^[a-z&&[^b]]+$', 'abc', false],
      ['^[a-z&&[^b]]+$', 'acd', true],
      ['^\\0101$', 'A', true],
      ['(?<word>\\w+) \\k<word>', 'the the', true],
      ['end$', 'end\n', true],
      ['end\\z', 'end\n', false],
      ['(?x) a  b # both', 'ab', true],
    ]
    for (const [pattern, text, expected] of cases) {
      const found = new JavaPattern(pattern).test(text)
      assert.equal(found, expected, `${pattern} on ${JSON.stringify(text)}`)
    }
    assert.equal(new JavaPattern('a|b').matches('ab'), false)
  })

  it('are refused when Java refuses them', () => {
    for (const pattern of ['(', 'a{2,1}', '[b-a]', '\\k<x>', '*a', '\\']) {
      assert.throws(() => new JavaPattern(pattern), /a regular expression/, pattern)
    }
  })

  it('split as in Java', () => {
    assert.deepEqual(new JavaPattern(',').split(',a,,b,,'), ['', 'a', '', 'b'])
    assert.deepEqual(new JavaPattern('').split('abc'), ['a', 'b', 'c'])
  })

  it('replace as in Java', () => {
    const pattern = new JavaPattern('(?<first>a)(b)', { usesGroups: true })
    const replacement = new Replacement('$2\\$${first}$10', pattern)
    assert.equal(
      pattern.replaceAll('-ab-', (groups) => replacement.expand(groups)),
      '-b$aa0-',
    )
    assert.throws(() => new Replacement('5$', pattern), /\$ stands before a number/)
    assert.throws(() => new Replacement('$3', pattern), /the pattern has 2 groups/)
  })
})

describe('a pattern that takes long', () => {
  const times = (pattern: string, text: string): boolean | 'ended' => {
    const result = new JavaPattern(pattern).limited(text, (each) => each.test(text))
    return result === undefined ? 'ended' : result.value
  }

  it('is known by how it is written', () => {
    for (const pattern of [
      '(a+)+b',
      '(a|a)*b',
      '(\\w+\\s?)*!',
      '^(a|ab|b)*c$',
      '(a?){40}a{40}',
      `${'a?'.repeat(30)}${'a'.repeat(30)}`,
    ]) {
      assert.equal(new JavaPattern(pattern).isCostly(100), true, pattern)
    }
    for (const pattern of ['ERROR', '^\\d+ (\\w+): .*$', '(a++)+b', '^(GET|POST) /[^ ]*', 'a|b']) {
      assert.equal(new JavaPattern(pattern).isCostly(1000), false, pattern)
    }
  })

  it('is ended', () => {
    const started = process.cpuUsage()
    assert.equal(times('(a+)+b', 'a'.repeat(100)), 'ended')
    assert.ok(process.cpuUsage(started).user < 5_000_000)
  })

  it('is not ended when the text is quick to read', () => {
    assert.equal(times('(a+)+b', `${'a'.repeat(1000)}b`), true)
    assert.equal(times('(a+)+b', 'a'.repeat(10)), false)
  })
})
