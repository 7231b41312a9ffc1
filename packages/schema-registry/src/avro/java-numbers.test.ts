// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { doubleText, floatText, parseDouble } from './java-numbers.ts'

describe('numbers as Java writes them', () => {
  const doubles: readonly (readonly [value: number, text: string])[] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-12.5, '-12.5'],
    [0.001, '0.001'],
    [0.00099, '9.9E-4'],
    [9_999_999, '9999999.0'],
    [1e7, '1.0E7'],
    [123_456_789.125, '1.23456789125E8'],
    [1e21, '1.0E21'],
    [5e-324, '4.9E-324'],
    [2e-323, '2.0E-323'],
    [1e23, '1.0E23'],
    [Number.MAX_VALUE, '1.7976931348623157E308'],
    [Number.NaN, '"NaN"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
  ]
  for (const [value, text] of doubles) {
    it(`double ${value}`, () => {
      assert.equal(doubleText(value), text)
    })
  }

  const floats: readonly (readonly [value: number, text: string])[] = [
    [0.1, '0.1'],
    [-0, '-0.0'],
    [16_777_217, '1.6777216E7'],
    [3.4028235e38, '3.4028235E38'],
    [1e300, '"Infinity"'],
    [1.17549435e-38, '1.1754944E-38'],
    [1e-45, '1.4E-45'],
  ]
  for (const [value, text] of floats) {
    it(`float ${value}`, () => {
      assert.equal(floatText(value), text)
    })
  }
})

describe('numbers as Java reads them', () => {
  const cases: readonly (readonly [text: string, value: number | undefined])[] = [
    ['1', 1],
    [' \u0001-1.5e3 ', -1500],
    ['.5', 0.5],
    ['5.', 5],
    ['1f', 1],
    ['1D', 1],
    ['+Infinity', Number.POSITIVE_INFINITY],
    ['-NaN', Number.NaN],
    ['0x1.8p1', 3],
    ['-0X.8P-1f', -0.25],
    ['', undefined],
    ['.', undefined],
    ['1e', undefined],
    ['0x1', undefined],
    ['0x.p1', undefined],
    ['infinity', undefined],
    ['1_000', undefined],
    ['\u00a01', undefined],
  ]
  for (const [text, value] of cases) {
    it(JSON.stringify(text), () => {
      assert.equal(parseDouble(text), value)
    })
  }
})
