// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { normalNumber } from './normal-number.ts'

it('numbers of the normal form', () => {
  const rows = {
    '1': '1',
    '-3': '-3',
    '0x10': '16',
    '-0x7fffffffffffffff': '-9223372036854775807',
    '010': '8',
    '1.50': '1.5',
    '1e3': '1000',
    '0.00012345': '0',
    '1.23456': '1.235',
    '0.0625': '0.062',
    '123456789012345678901234567890': '123456789012345678901234567890',
    inf: 'inf',
    nan: 'nan',
  }
  for (const [given, expected] of Object.entries(rows)) assert.equal(normalNumber(given), expected)
})
