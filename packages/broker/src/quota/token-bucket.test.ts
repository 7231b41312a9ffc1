// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TokenBucket } from './token-bucket.ts'

const KAFKA = { count: 11, sampleMs: 1000 }

describe('a bucket of tokens', () => {
  /** At five tokens in a second: time, tokens taken, tokens left, throttle time. */
  const steps: readonly (readonly [atMs: number, taken: number, left: number, waitMs: number])[] = [
    [0, 0, 55, 0],
    [0, 30, 25, 0],
    [0, 30, -5, 1000],
    [500, 0, -2.5, 500],
    [1000, 0, 0, 0],
    [1000, 1, -1, 200],
    [100_000, 0, 55, 0],
  ]
  it('may go below zero, and fills up to its burst', () => {
    const bucket = new TokenBucket(KAFKA)
    for (const [atMs, taken, left, waitMs] of steps) {
      if (taken > 0) bucket.take(taken, 5, atMs)
      assert.equal(bucket.available(5, atMs), left, `at ${atMs}`)
      assert.equal(bucket.throttleMs(5, atMs), waitMs, `at ${atMs}`)
    }
    assert.ok(bucket.isIdle(100_000))
  })

  it('keeps what was taken when the limit changes', () => {
    const bucket = new TokenBucket(KAFKA)
    bucket.take(60, 5, 0)
    assert.equal(bucket.throttleMs(5, 0), 1000)
    assert.equal(bucket.throttleMs(10, 0), 500)
  })
})
