// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfigDefinition } from './config-definition.ts'
import { autoOffsetReset, parseConnectionOverrides, throttledReplicas } from './config-forms.ts'
import { numberOf, parseDouble, parseInteger, shownValue, validateValue } from './config-value.ts'

const int: ConfigDefinition = { type: 'int', default: null, min: 1, max: 9, or: -1 }
const list: ConfigDefinition = { type: 'list', default: null, oneOf: ['compact', 'delete'] }
const name: ConfigDefinition = { type: 'string', default: null, oneOf: ['None', 'All'] }

/** interop/configs.test.ts compares verdicts with Kafka; these tables show the rules. */
const cases: readonly [
  ConfigDefinition,
  accepted: readonly string[],
  refused: readonly string[],
][] = [
  // A whole number as Java parses it, within its limits or equal to the one additional value.
  [int, ['1', '9', '+5', ' 7 ', '-1'], ['0', '10', '', ' ', '1.5', '0x5', '5L', '1e0', '1_0', 'x']],
  [{ type: 'int', default: null }, ['2147483647', '-2147483648'], ['2147483648', '-2147483649']],
  [{ type: 'short', default: null }, ['32767'], ['32768']],
  [{ type: 'long', default: null }, ['9223372036854775807'], ['9223372036854775808']],
  [
    { type: 'double', default: null, min: 0, max: 1 },
    ['0', '1', '.5', '1.', '1d', '0.5f', '1e-3', '0x1p-1', 'NaN', ' 0.5 '],
    ['1.1', '-0.1', '', '0x1', '0,5', 'Infinity', 'x'],
  ],
  [{ type: 'boolean', default: null }, ['true', 'FALSE', ' true '], ['', 'yes', '1']],
  [name, ['None', ' All '], ['none', 'ALL', '', 'None,All']],
  [{ ...name, ignoresCase: true }, ['none', 'ALL'], ['', 'some']],
  [{ type: 'string', default: null }, ['', 'any text'], []],
  [{ type: 'string', default: null, nonEmpty: true }, ['x'], ['', ' ']],
  // Whitespace around items is ignored; an empty item is not an item.
  [
    list,
    ['', 'compact', 'compact,delete', ' compact , delete ', 'compact,compact'],
    ['burn', 'compact,', ',', 'compact,,delete', 'COMPACT'],
  ],
  [{ ...list, nonEmpty: true }, ['compact'], ['', ' ']],
  [{ type: 'list', default: null, form: throttledReplicas }, ['*', '0:1,2:1', ''], ['x', '*,0:1']],
]

describe('a value', () => {
  for (const [definition, accepted, refused] of cases) {
    const { type, default: _default, ...limits } = definition
    it(`of type ${type} ${JSON.stringify(limits)}`, () => {
      for (const text of accepted) validateValue('key', text, definition)
      for (const text of refused) {
        assert.throws(
          () => validateValue('key', text, definition),
          (error: Error) =>
            error.message.startsWith(`Invalid value ${text} for configuration key: `),
          JSON.stringify(text),
        )
      }
    })
  }

  it('of a list may repeat an item in a file but not in a dynamic change', () => {
    validateValue('key', 'compact,compact', list)
    assert.throws(
      () => validateValue('key', 'compact,compact', list, true),
      /expected a list without repetitions/,
    )
  })

  it('of a password is not in the message', () => {
    const password: ConfigDefinition = { type: 'password', default: null, nonEmpty: true }
    assert.throws(() => validateValue('key', ' ', password), /Invalid value \[hidden\]/)
  })

  it('is parsed as Java parses it', () => {
    assert.equal(parseInteger(' +12 '), 12n)
    assert.equal(parseInteger('1.0'), undefined)
    assert.equal(parseDouble('0x1.8p3'), 12)
    assert.equal(parseDouble('-0x1p3'), -8)
    assert.equal(numberOf('1e3'), 1000)
    assert.equal(numberOf('+5'), 5)
  })

  it('is formatted as Kafka formats it', () => {
    assert.equal(shownValue(' compact , delete ', 'list'), 'compact,delete')
    assert.equal(shownValue('+07', 'int'), '7')
    assert.equal(shownValue('TRUE', 'boolean'), 'true')
    assert.equal(shownValue(' gzip ', 'string'), 'gzip')
    const doubles = ['1d', '.5', '1e10', '0.0001', '0', '1.7976931348623157E308', '123456.75']
    assert.deepEqual(
      doubles.map((text) => shownValue(text, 'double')),
      ['1.0', '0.5', '1.0E10', '1.0E-4', '0.0', '1.7976931348623157E308', '123456.75'],
    )
  })
})

describe('a form', () => {
  it('of a share group start offset', () => {
    const good = [
      'earliest',
      'latest',
      'by_duration:PT1H',
      'by_duration:P1DT2H3M4.5S',
      'by_duration:pt0s',
    ]
    const bad = [
      '',
      'LATEST',
      'none',
      'by_duration',
      'by_duration:',
      'by_duration:1h',
      'by_duration:-PT1H',
    ]
    assert.deepEqual(
      good.filter((text) => !autoOffsetReset.matches(text)),
      [],
    )
    assert.deepEqual(
      bad.filter((text) => autoOffsetReset.matches(text)),
      [],
    )
  })

  it('of connection limits per address', () => {
    const limits = parseConnectionOverrides('localhost:5, ::1:7')
    assert.deepEqual(
      limits,
      new Map([
        ['localhost', 5],
        ['::1', 7],
      ]),
    )
    for (const text of ['abc', '127.0.0.1:x', '[::1]:5', '127.0.0.1:99999999999']) {
      assert.equal(parseConnectionOverrides(text), undefined, text)
    }
  })
})
