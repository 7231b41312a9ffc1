// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FrameBuffers } from './frame-buffers.ts'

const KIB = 1024
const MIB = 1024 * KIB

describe('FrameBuffers', () => {
  /** Size that is returned, size that is taken then, and whether it is the same memory. */
  const table: readonly (readonly [given: number, taken: number, isReused: boolean])[] = [
    [1, 1, true],
    [1, 16 * KIB, true],
    [16 * KIB, 16 * KIB + 1, false],
    [100 * KIB, 128 * KIB, true],
    [100 * KIB, 64 * KIB, false],
    [MIB, MIB, true],
    [MIB + 1, MIB + 1, false],
    [0, 0, true],
  ]
  for (const [given, taken, isReused] of table) {
    it(`${given} bytes returned, ${taken} taken: ${isReused ? 'the same' : 'other'} memory`, () => {
      const buffers = new FrameBuffers()
      const first = buffers.take(given)
      assert.ok(first.length >= given)
      buffers.give(first.subarray(0, given))
      const second = buffers.take(taken)
      assert.ok(second.length >= taken)
      assert.equal(second.buffer === first.buffer, isReused)
    })
  }

  it('never lends memory twice, nor memory of others', () => {
    const buffers = new FrameBuffers()
    const lent = buffers.take(100)
    buffers.give(lent)
    buffers.give(lent)
    buffers.give(Buffer.allocUnsafeSlow(16 * KIB))
    buffers.give(Buffer.alloc(0))
    const taken = [buffers.take(100), buffers.take(100), buffers.take(100)]
    assert.equal(new Set(taken.map(({ buffer }) => buffer)).size, 3)
    assert.equal(taken[0]?.buffer, lent.buffer)
  })

  it('keeps a limited number of bytes', () => {
    const buffers = new FrameBuffers()
    const many = Array.from({ length: 40 }, () => buffers.take(MIB))
    const given = new Set(many.map(({ buffer }) => buffer))
    for (const each of many) buffers.give(each)
    const reused = many.map(() => buffers.take(MIB)).filter(({ buffer }) => given.has(buffer))
    assert.equal(reused.length, 16)
  })
})
