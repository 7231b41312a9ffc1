// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { automatonOf, matches } from './automaton.ts'
import { boundedRegExp, isCompilable, RegExpLimitError } from './regular-expression.ts'

const texts = [
  '',
  'a',
  'b',
  'ab',
  'aab',
  'abc',
  'aaaa',
  'x1',
  '12',
  '2026-11-29',
  'a b',
  'A_b-c',
  'a\nb',
  'é',
  '😀',
  '😀😀',
  'a.b',
  '[a]',
  '{a}',
  'foo@example.org',
  '\\d',
]

describe('an automaton decides as the engine of Node', () => {
  const patterns = [
    '',
    'a',
    '^a$',
    '^a*$',
    'a+b',
    '^(a|b)+$',
    '^(?:ab?){2}$',
    'a{2}',
    '^a{2,}$',
    '^a{1,3}$',
    '^a{0}$',
    '[a-c]',
    '[^a-c]',
    '^[\\w.-]+@[\\w-]+\\.[a-z]{2,}$',
    '^\\d{4}-\\d\\d-\\d\\d$',
    '\\bb\\b',
    '\\B',
    'a.b',
    '^.$',
    '^..$',
    '^\\p{L}$',
    '\\u{1F600}',
    '[\\u{1F600}]',
    '\\x61',
    '\\.',
    '\\[a\\]',
    '^(?<name>a+)$',
    '(a*)*b',
    '(|a)+$',
    'a??b',
    'a|b|',
    '^(a|ab)(c|bcd)?$',
    '\\\\d',
    '[\\]a]',
    '^[^]$',
    '(a?){3}b',
    '$a',
    '^^a$$',
  ]
  for (const pattern of patterns) {
    it(`/${pattern}/u`, () => {
      const automaton = automatonOf(pattern, 'u')
      assert.ok(automaton)
      const expression = new RegExp(pattern, 'u')
      for (const text of texts) {
        assert.equal(matches(automaton, text), expression.test(text), JSON.stringify(text))
      }
    })
  }

  it('without the flag u, braces and brackets may stand for themselves', () => {
    for (const pattern of ['{a}', 'a]', 'a{,2}', '\\-', '^..$']) {
      const automaton = automatonOf(pattern, '')
      assert.ok(automaton)
      const expression = new RegExp(pattern)
      for (const text of [...texts, 'a{,2}', 'a]', '-']) {
        assert.equal(matches(automaton, text), expression.test(text), `${pattern} ${text}`)
      }
    }
  })

  it('look-around, backreferences and large repetitions have no automaton', () => {
    for (const pattern of [
      '(?=a)',
      '(?<!a)b',
      '(a)\\1',
      '(?<n>a)\\k<n>',
      'a{9999}',
      '(a{99}){99}',
    ]) {
      assert.equal(automatonOf(pattern, 'u'), undefined, pattern)
    }
    assert.equal(automatonOf(`${'('.repeat(500)}a${')'.repeat(500)}`, 'u'), undefined)
  })
})

describe('bounded regular expressions', () => {
  it('match in time that does not explode', () => {
    const hostile = `${'a'.repeat(50_000)}!`
    for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(.*)*x$', '^(\\w+\\s?)*$']) {
      assert.equal(boundedRegExp(pattern).test(hostile), false, pattern)
    }
  })

  it('stop when the engine of Node takes too long', () => {
    assert.equal(boundedRegExp('^(?=.*\\d)').test('pass1'), true)
    assert.equal(boundedRegExp('^(?=.*\\d)').test('pass'), false)
    assert.throws(
      () => boundedRegExp('^(?=(a+)+$)').test(`${'a'.repeat(100)}!`),
      (error) => error instanceof RegExpLimitError,
    )
  })

  it('stop when an automaton takes too many steps', () => {
    const pattern = `(?:${'a?'.repeat(2000)})$`
    assert.throws(
      () => boundedRegExp(pattern).test(`${'a'.repeat(100_000)}!`),
      (error) => error instanceof RegExpLimitError,
    )
  })

  it("accept Java's forms", () => {
    const rows: readonly (readonly [pattern: string, matching: string, other: string])[] = [
      ['(?i)abc', 'xABCx', 'ab'],
      ['\\Aa\\z', 'a', 'ab'],
      ['^\\p{Alpha}+$', 'abC', 'a1'],
      ['^a++b$', 'aab', 'b'],
    ]
    for (const [pattern, matching, other] of rows) {
      assert.ok(isCompilable(pattern), pattern)
      assert.equal(boundedRegExp(pattern).test(matching), true, pattern)
      assert.equal(boundedRegExp(pattern).test(other), false, pattern)
    }
  })

  it('refuse what neither engine accepts', () => {
    for (const pattern of ['(', '[a', 'a{2,1}', '*a', '(?<n>']) {
      assert.equal(isCompilable(pattern), false, pattern)
      assert.throws(() => boundedRegExp(pattern), SyntaxError)
    }
  })
})
