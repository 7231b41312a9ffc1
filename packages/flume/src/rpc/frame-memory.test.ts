// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FrameMemory } from './frame-memory.ts'

/** Connections a, b and so on receive bytes in this order; the bytes held and the evicted ones. */
const cases: readonly {
  readonly title: string
  readonly steps: readonly (readonly [name: string, holds: number])[]
  readonly bytes: number
  readonly evicted: readonly string[]
}[] = [
  {
    title: 'up to the limit',
    steps: [
      ['a', 60],
      ['b', 40],
    ],
    bytes: 100,
    evicted: [],
  },
  {
    title: 'a complete frame frees its bytes',
    steps: [
      ['a', 90],
      ['a', 0],
      ['b', 90],
    ],
    bytes: 90,
    evicted: [],
  },
  {
    title: 'evicts the stalest',
    steps: [
      ['a', 60],
      ['b', 30],
      ['c', 30],
    ],
    bytes: 60,
    evicted: ['a'],
  },
  {
    title: 'one that keeps receiving stays',
    steps: [
      ['a', 50],
      ['b', 40],
      ['a', 55],
      ['c', 30],
    ],
    bytes: 85,
    evicted: ['b'],
  },
  {
    title: 'evicts as many as needed',
    steps: [
      ['a', 30],
      ['b', 30],
      ['c', 30],
      ['d', 90],
    ],
    bytes: 90,
    evicted: ['a', 'b', 'c'],
  },
  {
    title: 'a frame above the limit',
    steps: [
      ['a', 20],
      ['b', 101],
    ],
    bytes: 0,
    evicted: ['a', 'b'],
  },
]

describe('the memory of incomplete frames, of 100 bytes', () => {
  for (const { title, steps, bytes, evicted } of cases) {
    it(title, () => {
      const memory = new FrameMemory(100)
      const found: string[] = []
      const shares = new Map(
        ['a', 'b', 'c', 'd'].map((name) => [name, memory.share(() => found.push(name))]),
      )
      for (const [name, holds] of steps) shares.get(name)?.hold(holds)
      assert.equal(memory.bytes, bytes)
      assert.deepEqual(found, evicted)
    })
  }
})
