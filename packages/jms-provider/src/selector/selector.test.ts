// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidSelectorError } from './lexer.ts'
import { Selector, type SelectorValue } from './selector.ts'

function matches(text: string, values: Readonly<Record<string, SelectorValue>> = {}): boolean {
  const selector = Selector.compile(text)
  assert.ok(selector)
  return selector.matches({ valueOf: (name) => values[name] })
}

describe('Selector', () => {
  it('matches all messages if blank', () => {
    for (const text of [null, undefined, '', '  \n'])
      assert.equal(Selector.compile(text), undefined)
  })

  const message = {
    color: 'blue',
    size: 10n,
    weight: 2.5,
    isNew: true,
    quote: "it's",
    price: 100n,
    JMSType: 'car',
    JMSPriority: 7n,
    $odd_name1: 'x',
    percent: '100%',
  }
  for (const [text, expected] of [
    ["color = 'blue'", true],
    ["color <> 'blue'", false],
    ["JMSType = 'car' AND color = 'blue' AND weight > 2500", false],
    ['weight > 2', true],
    ['size = 10.0', true],
    ['size BETWEEN 10 AND 20', true],
    ['size NOT BETWEEN 10 AND 20', false],
    ['size BETWEEN 11 AND 20', false],
    ["color IN ('red', 'blue')", true],
    ["color NOT IN ('red', 'blue')", false],
    ["missing IN ('red')", false],
    ["missing NOT IN ('red')", false],
    ['missing IS NULL', true],
    ['color IS NOT NULL', true],
    ["color LIKE 'b%'", true],
    ["color LIKE 'b__e'", true],
    ["color LIKE 'b_e'", false],
    ["color NOT LIKE 'b%'", false],
    ["percent LIKE '100\\%' ESCAPE '\\'", true],
    ["color LIKE 'b\\%' ESCAPE '\\'", false],
    ["quote = 'it''s'", true],
    ['isNew', true],
    ['NOT isNew', false],
    ['isNew = TRUE', true],
    ['isNew <> FALSE', true],
    ['TRUE', true],
    ['missing = 1', false],
    ['NOT (missing = 1)', false],
    ['missing = 1 OR TRUE', true],
    ['NOT (missing = 1 AND FALSE)', true],
    ['size + 5 * 2 = 20', true],
    ['(size + 5) * 2 = 30', true],
    ['size / 3 = 3', true],
    ['size / 4.0 = 2.5', true],
    ['size / 0 = 1', false],
    ['-size = -10', true],
    ['- -size = 10', true],
    ['size = 0xA', true],
    ['size = 012', true],
    ['size = 10L', true],
    ['weight = 2.5e0', true],
    ['weight = 25E-1', true],
    ['weight = .25E1', true],
    ['weight = 2.5f', true],
    ["color = 'blue' or color = 'red' and size = 1", true],
    ["$odd_name1 = 'x'", true],
    ["color = 'BLUE'", false],
    ['size = color', false],
    ['size <> color', false],
    ['NOT (size <> color)', true],
    ["price > 10 AND (color = 'red' OR size >= 10)", true],
    ['JMSPriority >= 7', true],
    ['1 < 2', true],
    ['9223372036854775807 > 9223372036854775806', true],
    ['size = -9223372036854775808', false],
    ['9007199254740993 = 9007199254740992.0', false],
  ] as const) {
    it(`${text} is ${expected}`, () => assert.equal(matches(text, message), expected))
  }

  for (const [text, position, problem] of [
    ['color =', 8, /the end/],
    ["color = 'blue", 9, /unterminated/],
    ['color == 1', 8, /"="/],
    ['color != 1', 7, /"!"/],
    ['1 + 2', 1, /condition/],
    ["'text'", 1, /condition/],
    ["color > 'a'", 9, /number/],
    ['color LIKE 1', 12, /pattern/],
    ["color LIKE 'a' ESCAPE 'ab'", 23, /single/],
    ['color IN ()', 11, /string/],
    ['color IN (1)', 11, /string/],
    ["'a' LIKE 'b'", 1, /identifier/],
    ['1 IS NULL', 1, /identifier/],
    ['size BETWEEN 1', 15, /AND/],
    ['(size = 1', 10, /\)/],
    ['size = 1 color', 10, /operator or the end/],
    ['size = 9223372036854775808', 8, /range/],
    ['size = 1 AND', 13, /the end/],
    ['#', 1, /unexpected/],
    ["TRUE = 'x'", 6, /compared/],
    [`${'('.repeat(300)}a${')'.repeat(300)}`, 201, /nested/],
  ] as const) {
    it(`rejects ${text.slice(0, 40)} at ${position}`, () => {
      assert.throws(
        () => Selector.compile(text),
        (error: unknown) => {
          assert.ok(error instanceof InvalidSelectorError)
          assert.match(error.message, problem)
          assert.equal(error.position, position)
          return true
        },
      )
    })
  }

  /** Value of an expression: a selector distinguishes TRUE from the rest, its negation FALSE. */
  function truthOf(text: string): string {
    const values = { s: 'a', i: 5n, d: 2.5, b: true }
    if (matches(text, values)) return 'T'
    return matches(`NOT (${text})`, values) ? 'F' : 'u'
  }

  // Columns: a string, an exact and an approximate number, a boolean, a missing property. Comparing
  // different types is FALSE, comparing a missing value is unknown (Jakarta Messaging 3.1, sections
  // 3.8.1.2 and 3.8.1.3). IN and LIKE are unknown for values other than strings.
  const table = `
                              s  i  d  b  missing
    % = 'a'                   T  F  F  F  u
    % <> 'a'                  F  F  F  F  u
    % = 5                     F  T  F  F  u
    % <> 5                    F  F  T  F  u
    % < 5                     F  F  T  F  u
    % <= 5                    F  T  T  F  u
    % > 5                     F  F  F  F  u
    % >= 5                    F  T  F  F  u
    % = 2.5                   F  F  T  F  u
    % < 2.5                   F  F  F  F  u
    % = TRUE                  F  F  F  T  u
    % <> TRUE                 F  F  F  F  u
    % = s                     T  F  F  F  u
    % = i                     F  T  F  F  u
    % = b                     F  F  F  T  u
    % < i                     F  F  T  F  u
    % = missing               u  u  u  u  u
    % <> missing              u  u  u  u  u
    % < missing               u  u  u  u  u
    % IN ('a', 'c')           T  u  u  u  u
    % NOT IN ('a', 'c')       F  u  u  u  u
    % IN ('5')                F  u  u  u  u
    % NOT IN ('5')            T  u  u  u  u
    % LIKE 'a%'               T  u  u  u  u
    % NOT LIKE 'a%'           F  u  u  u  u
    % LIKE '5'                F  u  u  u  u
    % NOT LIKE '5'            T  u  u  u  u
    % BETWEEN 1 AND 3         F  F  T  F  u
    % NOT BETWEEN 1 AND 3     F  T  F  F  u
    % BETWEEN 3 AND missing   F  u  F  F  u
    % NOT BETWEEN 3 AND missing  u  u  T  u  u
    % BETWEEN s AND 9         F  F  F  F  u
    % NOT BETWEEN s AND 9     F  F  F  F  u
    % IS NULL                 F  F  F  F  T
    % IS NOT NULL             T  T  T  T  F
    % + 1 = 6                 u  T  F  u  u
    % * 2 > 1                 u  T  T  u  u
    1 - % < 0                 u  T  T  u  u
    % / 0 = 1                 u  u  F  u  u
    -% < 0                    u  T  T  u  u
    +% > 0                    u  T  T  u  u
    %                         u  u  u  T  u
    NOT %                     u  u  u  F  u
    % AND TRUE                u  u  u  T  u
    % AND FALSE               F  F  F  F  F
    TRUE AND %                u  u  u  T  u
    FALSE AND %               F  F  F  F  F
    % OR TRUE                 T  T  T  T  T
    % OR FALSE                u  u  u  T  u
    FALSE OR %                u  u  u  T  u
    missing = 1 AND %         u  u  u  u  u
    missing = 1 OR %          u  u  u  T  u`
  const [columns, ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/))
  for (const [pattern = '', ...truths] of rows) {
    it(`${pattern} is ${truths.join('')} for ${columns?.join(', ')}`, () => {
      const found = columns?.map((name) => truthOf(pattern.replace('%', name)))
      assert.deepEqual(found, truths)
    })
  }

  it('matches a pattern with many wildcards in bounded time', () => {
    const text = 'a'.repeat(5000)
    assert.equal(matches(`name LIKE '${'%a'.repeat(50)}%b'`, { name: text }), false)
  })
})
