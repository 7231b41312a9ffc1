// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  boolean,
  choice,
  decimal,
  ignored,
  integer,
  type KeyProblem,
  type Keys,
  optionalInteger,
  port,
  prefixed,
  readKeys,
  requiredText,
  requiredWords,
  text,
  unsupported,
  words,
} from './keys.ts'

function read(keys: Keys, entries: Readonly<Record<string, string>>) {
  const properties = new Map(
    Object.entries(entries).map(([key, value]) => [key, { value, where: 'f', line: 1 }]),
  )
  const problems: KeyProblem[] = []
  const values: Readonly<Record<string, unknown>> = readKeys(keys, properties, problems)
  return {
    values,
    problems: problems.map(({ key, message, effect }) => `${effect}: ${key} ${message}`),
  }
}

/** The value of a key `k`, and the problem that its text has. */
const cases: readonly (readonly [
  title: string,
  key: Keys[string],
  given: string | undefined,
  value: unknown,
  problem?: string,
])[] = [
  ['a number', integer(5), '7', 7],
  ['a number with a sign and blanks', integer(5), ' +7 ', 7],
  ['no number', integer(5), undefined, 5],
  ['a word', integer(5), 'seven', 5, 'component: k is "seven"; expected a whole number'],
  ['a fraction', integer(5), '7.5', 5, 'component: k is "7.5"; expected a whole number'],
  ['below', integer(5, { min: 1 }), '0', 5, 'component: k is "0"; expected a whole number from 1'],
  [
    'above',
    integer(5, { min: 1, max: 9 }),
    '10',
    5,
    'component: k is "10"; expected a whole number from 1 to 9',
  ],
  ['below a floor', integer(5, { min: 1, isFloor: true }), '-3', 1],
  ['the largest long of Java', integer(5), '9223372036854775807', Number.MAX_SAFE_INTEGER],
  [
    'out of range, where Flume uses the default',
    integer(5, { min: 1, elseDefault: 'out of range' }),
    '0',
    5,
    'none: k is "0"; expected a whole number from 1; the default 5 is used, as in Flume',
  ],
  [
    'a word, where Flume uses the default only for numbers',
    integer(5, { elseDefault: 'out of range', min: 1 }),
    'x',
    5,
    'component: k is "x"; expected a whole number from 1',
  ],
  [
    'a word, where Flume always uses the default',
    optionalInteger({ elseDefault: 'always' }),
    'x',
    undefined,
    'none: k is "x"; expected a whole number; it is ignored, as in Flume',
  ],
  [
    'a comment after a value',
    integer(5),
    '7 # seven',
    5,
    'component: k is "7 # seven"; expected a whole number; a comment after a value is part of the value',
  ],
  ['a fraction where one may be', decimal(1), '2.5', 2.5],
  ['no port', port(), undefined, undefined, 'component: k is missing'],
  [
    'a port that is too high',
    port(),
    '65536',
    undefined,
    'component: k is "65536"; expected a whole number from 0 to 65535',
  ],
  ['true in capitals', boolean(false), 'TRUE', true],
  [
    'yes',
    boolean(true),
    'yes',
    false,
    'none: k is "yes"; expected true or false; it is read as false, as in Flume',
  ],
  ['a text with blanks', text('a'), ' b ', ' b '],
  [
    'a blank text',
    requiredText(),
    ' ',
    undefined,
    'component: k is " "; expected a text that is not empty',
  ],
  ['a choice in capitals', choice(['none', 'deflate'], 'none'), 'DEFLATE', 'deflate'],
  [
    'a typo in a choice',
    choice(['none', 'deflate'], 'none'),
    'deflat',
    'none',
    'component: k is "deflat"; expected none, deflate; did you mean deflate?',
  ],
  ['words', words(), ' a  b ', ['a', 'b']],
  ['no words', requiredWords(), ' ', undefined, 'component: k is " "; expected one or more words'],
  ['an ignored key', ignored('it has no effect'), 'x', undefined],
  [
    'an unsupported key',
    unsupported('there is no Kerberos'),
    'x',
    undefined,
    'agent: k is not supported: there is no Kerberos',
  ],
  ['an unsupported key that is off', unsupported('no', { unless: /^false$/i }), 'False', undefined],
]

describe('keys of components', () => {
  for (const [title, key, given, value, problem] of cases) {
    it(title, () => {
      const found = read({ k: key }, given === undefined ? {} : { k: given })
      assert.deepEqual(found.values.k, value)
      assert.deepEqual(found.problems, problem === undefined ? [] : [problem])
    })
  }

  it('have other spellings; the first one that is given counts', () => {
    const keys = { batchSize: integer(1, { key: 'batch-size', alsoKnownAs: ['batchSize'] }) }
    assert.equal(read(keys, { batchSize: '7' }).values.batchSize, 7)
    assert.equal(read(keys, { batchSize: '7', 'batch-size': '8' }).values.batchSize, 8)
  })

  it('with a prefix have all entries below it', () => {
    const { values, problems } = read({ all: prefixed('p.') }, { 'p.a': '1', 'p.b.c': '2', p: '3' })
    assert.deepEqual(
      values.all,
      new Map([
        ['a', '1'],
        ['b.c', '2'],
      ]),
    )
    assert.deepEqual(problems, ['none: p is not known; did you mean p.?'])
  })

  it('that are not known are reported with the nearest spelling', () => {
    const { problems } = read({ hostname: text(''), port: port() }, { hostnam: 'x', port: '1' })
    assert.deepEqual(problems, ['none: hostnam is not known; did you mean hostname?'])
  })
})
