// SPDX-License-Identifier: Apache-2.0
// interop/flume-patterns.test.ts compares with Java itself.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JavaPattern } from './java-pattern.ts'
import { Replacement } from './replacement.ts'

describe("the elements of Java's patterns", () => {
  /** A pattern, texts that it matches as a whole, and texts that it does not. */
  const rows: readonly (readonly [
    pattern: string,
    matches: readonly string[],
    others: readonly string[],
  ])[] = [
    // Classes are of ASCII, unless a property says otherwise.
    ['\\d', ['5'], ['\u0665', 'a']],
    ['\\w', ['a', '_', '5'], ['\u00e4', '-']],
    ['\\s', [' ', '\t', '\v'], ['\u00a0', '\u2003']],
    ['\\h', [' ', '\u00a0', '\u3000'], ['\n', 'a']],
    ['\\p{L}', ['\u00e4', 'x'], ['5']],
    ['\\P{L}', ['5'], ['\u00e4']],
    ['\\p{IsGreek}', ['\u03b1'], ['a']],
    ['\\p{javaLowerCase}', ['\u00e4'], ['\u00c4']],
    ['\\p{Punct}', ['!', '~'], ['a', '\u00a7']],
    ['.', ['a', '\u{1f600}'], ['\n', '\r', '\u2028', '\u0085']],
    ['(?d).', ['\r', '\u2028'], ['\n']],
    ['(?s).', ['\n', '\r'], ['ab']],
    // Sets: unions, intersections, differences, ranges.
    ['[a-c]', ['a', 'c'], ['d', '-']],
    ['[^a-c]', ['d', '\n'], ['b']],
    ['[a-c[x-z]]', ['a', 'y'], ['d', '[']],
    ['[a-z&&[aeiou]]', ['e'], ['b', '&']],
    ['[a-z&&[^aeiou]]', ['b'], ['e']],
    ['[a-c-]', ['-', 'b'], ['d']],
    ['[-a]', ['-', 'a'], ['b']],
    ['[]a]', [']', 'a'], ['b']],
    ['[\\]\\-\\\\]', [']', '-', '\\'], ['a']],
    ['[\\d.]', ['5', '.'], ['a']],
    // Case: of ASCII, or with (?u) of all letters.
    ['(?i)a\u00e4', ['A\u00e4', 'a\u00e4'], ['a\u00c4']],
    ['(?iu)a\u00e4', ['A\u00c4'], ['b\u00e4']],
    ['(?i)a(?-i)b', ['Ab', 'ab'], ['aB']],
    ['(?i:a)b', ['Ab'], ['AB']],
    ['(?i)[a-c]', ['B'], ['d']],
    // Escapes.
    ['\\t\\n\\r\\f\\a\\e', ['\t\n\r\f\u0007\u001b'], ['tnrfae']],
    ['\\x41\\u0042\\x{43}\\0104', ['ABCD'], ['abcd']],
    ['\\cA', ['\u0001'], ['A']],
    ['\\x{1f600}', ['\u{1f600}'], ['f']],
    ['\\ud83d\\ude00', ['\u{1f600}'], ['?']],
    ['\\Q.*\\E+', ['.*', '.**'], ['ab', '.']],
    ['a\\Qb', ['ab'], ['a']],
    ['\\.\\[\\(', ['.[('], ['a[(']],
    // Repetition: greedy, lazy, possessive.
    ['a{2}', ['aa'], ['a', 'aaa']],
    ['a{2,}', ['aa', 'aaaa'], ['a']],
    ['a{1,2}', ['a', 'aa'], ['', 'aaa']],
    ['a*?b', ['b', 'aab'], ['a']],
    ['a*+a', [], ['a', 'aa']],
    ['(?:ab)++', ['abab'], ['aba']],
    // Groups and what they refer to.
    ['(a|b)\\1', ['aa', 'bb'], ['ab']],
    ['(?<x>a)\\k<x>', ['aa'], ['ab']],
    ['(?>a*)ab', [], ['aab']],
    ['a(?=b)b', ['ab'], ['ac']],
    ['a(?!b).', ['ac'], ['ab']],
    ['.(?<=a)b', ['ab'], ['cb']],
    ['.(?<!a)b', ['cb'], ['ab']],
    ['a|bc|', ['a', 'bc', ''], ['b']],
    // Comments.
    ['(?x) a b # c', ['ab'], ['a b']],
    ['(?x) a\\ b', ['a b'], ['ab']],
    ['\\R', ['\n', '\r\n', '\u2028'], ['\n\n']],
  ]
  for (const [pattern, matches, others] of rows) {
    it(pattern, () => {
      const compiled = new JavaPattern(pattern)
      for (const text of matches) assert.equal(compiled.matches(text), true, JSON.stringify(text))
      for (const text of others) assert.equal(compiled.matches(text), false, JSON.stringify(text))
    })
  }

  const refused: readonly string[] = [
    ...['(', ')', '(a', 'a)', '[', '[a', '[]', '[a-', '[b-a]', '[a&&]'],
    ...['*', '+a', '?', 'a**', 'a{2,1}', 'a{', 'a{x}', '(?<1>a)', '(?<a>x)(?<a>y)'],
    ...[
      '\\',
      '\\y',
      '\\p{Nothing}',
      '\\p{L',
      '\\x',
      '\\u12',
      '\\0',
      '\\c',
      '\\k<a>',
      '\\x{110000}',
    ],
    ...['(?z)', '(?<=(ab)*)c'],
  ]
  for (const pattern of refused) {
    it(`${pattern} is refused`, () => {
      assert.throws(() => new JavaPattern(pattern), /^Error: a regular expression/)
    })
  }

  it('are found one after another', () => {
    const all = (pattern: string, text: string): string =>
      new JavaPattern(pattern).replaceAll(text, ([whole]) => `<${whole}>`)
    assert.equal(all('a', 'banana'), 'b<a>n<a>n<a>')
    assert.equal(all('x*', 'ab'), '<>a<>b<>')
    assert.equal(all('a*', 'baac'), '<>b<aa><>c<>')
    assert.equal(all('', '\u{1f600}'), '<>\u{1f600}<>')
    assert.equal(all('\\Ga', 'aaba'), '<a><a>ba')
    assert.equal(all('\\b', 'ab c'), '<>ab<> <>c<>')
    assert.equal(all('(?m)^', 'a\nb'), '<>a\n<>b')
    assert.equal(all('(?m)$', 'a\nb'), 'a<>\nb<>')
  })

  const parts: readonly (readonly [pattern: string, text: string, parts: readonly string[]])[] = [
    [',', '', ['']],
    [',', 'a', ['a']],
    [',', ',', []],
    [',', 'a,', ['a']],
    [',', ',a', ['', 'a']],
    [',', 'a,,b', ['a', '', 'b']],
    ['', 'ab', ['a', 'b']],
    ['(?=b)', 'abb', ['a', 'b', 'b']],
    ['\\s*,\\s*', 'a , b,c', ['a', 'b', 'c']],
  ]
  for (const [pattern, text, expected] of parts) {
    it(`split ${JSON.stringify(text)} at ${pattern || 'nothing'}`, () => {
      assert.deepEqual(new JavaPattern(pattern).split(text), expected)
    })
  }
})

describe("Java's replacements", () => {
  it('have groups of two digits, if the pattern has that many', () => {
    const pattern = new JavaPattern('(.)'.repeat(11), { usesGroups: true })
    for (const [text, expected] of [
      ['$10', 'j'],
      ['$11', 'k'],
      ['$12', 'a2'],
    ] as const) {
      const replacement = new Replacement(text, pattern)
      assert.equal(
        pattern.replaceAll('abcdefghijk', (groups) => replacement.expand(groups)),
        expected,
      )
    }
  })

  const pattern = new JavaPattern('(?<first>a)(b)?(c)?', { usesGroups: true })

  /** A replacement of `ac`, and what it becomes. */
  const rows: readonly (readonly [replacement: string, text: string | RegExp])[] = [
    ['x', 'x'],
    ['', ''],
    ['$0', 'ac'],
    ['$1-$3', 'a-c'],
    // A group that did not match is empty.
    ['[$2]', '[]'],
    [`\${first}!`, 'a!'],
    ['\\$1', '$1'],
    ['\\\\', '\\'],
    ['\\x', 'x'],
    // As many digits count as there are groups.
    ['$10', 'a0'],
    ['$31', 'c1'],
    ['$4', /the pattern has 3 groups/],
    ['$', /\$ stands before a number/],
    ['$x', /\$ stands before a number/],
    [`\${none}`, /there is no group none/],
    ['a\\', /without a \\ at its end/],
  ]
  for (const [replacement, expected] of rows) {
    it(JSON.stringify(replacement), () => {
      if (expected instanceof RegExp) {
        assert.throws(() => new Replacement(replacement, pattern), expected)
        return
      }
      const parsed = new Replacement(replacement, pattern)
      assert.equal(
        pattern.replaceAll('-ac-', (groups) => parsed.expand(groups)),
        `-${expected}-`,
      )
      assert.equal(parsed.usesGroups, /\$[1-9{]/.test(replacement.replace('\\$', '')))
    })
  }
})
