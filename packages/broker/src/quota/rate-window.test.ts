// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RateWindow } from './rate-window.ts'

const KAFKA = { count: 11, sampleMs: 1000 }

describe('a rate over a window', () => {
  const table: readonly [
    what: string,
    recorded: readonly (readonly [atMs: number, value: number])[],
    nowMs: number,
    rate: number,
    throttleMsAt100: number,
  ][] = [
    ['nothing', [], 0, 0, 0],
    // Ten seconds count as passed, so ten seconds' worth is a rate at the limit.
    ['a burst within the window', [[0, 1000]], 0, 100, 0],
    ['a burst above it', [[0, 1100]], 0, 110, 1000],
    ['twice the limit', [[0, 2000]], 0, 200, 10_000],
    ['in the middle of a sample', [[0, 2000]], 500, 2000 / 10.5, 9500],
    [
      'spread over the window',
      [
        [0, 500],
        [5000, 500],
        [10_000, 500],
      ],
      10_000,
      150,
      5000,
    ],
    [
      'after the oldest sample is gone',
      [
        [0, 2000],
        [5000, 100],
      ],
      11_000,
      10,
      0,
    ],
    ['after everything is gone', [[0, 2000]], 11_000, 0, 0],
  ]
  for (const [what, recorded, nowMs, rate, throttleMs] of table) {
    it(what, () => {
      const window = new RateWindow(KAFKA)
      for (const [atMs, value] of recorded) window.record(value, atMs)
      assert.ok(
        Math.abs(window.ratePerSecond(nowMs) - rate) < 1e-9,
        String(window.ratePerSecond(nowMs)),
      )
      assert.equal(window.throttleMs(100, nowMs), throttleMs)
    })
  }

  it('is below the limit when the throttle time is over', () => {
    const window = new RateWindow(KAFKA)
    window.record(3000, 0)
    const throttleMs = window.throttleMs(100, 0)
    assert.ok(window.ratePerSecond(throttleMs) <= 100)
  })

  it('takes back what was recorded', () => {
    const window = new RateWindow(KAFKA)
    window.record(3000, 0)
    window.record(-3000, 1)
    assert.equal(window.ratePerSecond(1), 0)
    assert.equal(window.isIdle(1), false)
    assert.equal(window.isIdle(11_001), true)
  })
})
