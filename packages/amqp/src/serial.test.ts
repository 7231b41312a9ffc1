// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { distance, next } from './serial.ts'

describe('serial numbers', () => {
  for (const [from, by, expected] of [
    [0, 1, 1],
    [0xffffffff, 1, 0],
    [0xfffffffe, 5, 3],
    [7, 0, 7],
  ] as const) {
    it(`${from} plus ${by} is ${expected}`, () => assert.equal(next(from, by), expected))
  }

  for (const [a, b, expected] of [
    [5, 3, 2],
    [3, 5, -2],
    [0, 0xffffffff, 1],
    [0xffffffff, 0, -1],
    [0x80000000, 1, 0x7fffffff],
    [4, 4, 0],
  ] as const) {
    it(`${a} is ${expected} ahead of ${b}`, () => assert.equal(distance(a, b), expected))
  }
})
