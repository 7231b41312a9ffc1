// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDuration } from './duration.ts'

describe('a duration', () => {
  const cells: readonly (readonly [text: string, ms: number | undefined])[] = [
    ['P1D', 86_400_000],
    ['PT1H', 3_600_000],
    ['PT1M', 60_000],
    ['PT1S', 1000],
    ['PT0.25S', 250],
    ['PT0,25S', 250],
    ['PT1.S', 1000],
    ['P1DT1H1M1S', 90_061_000],
    ['pt1h', 3_600_000],
    ['-PT1S', -1000],
    ['PT-1S', -1000],
    ['-PT-1S', 1000],
    // The fraction has the sign of its seconds.
    ['PT-1.5S', -1500],
    ['PT-0.5S', -500],
    ['PT1H-30M', 1_800_000],
    ['P-1DT24H', 0],
    ['PT0S', 0],
    ['', undefined],
    ['P', undefined],
    ['PT', undefined],
    ['P1DT', undefined],
    ['1D', undefined],
    ['P1H', undefined],
    ['PT1D', undefined],
    ['P1Y', undefined],
    ['P1.5D', undefined],
    ['PT1M1H', undefined],
    ['PT1 S', undefined],
  ]
  for (const [text, ms] of cells) {
    it(`${text || 'nothing'}: ${ms === undefined ? 'no duration' : `${ms} ms`}`, () => {
      assert.equal(parseDuration(text), ms)
    })
  }
})
