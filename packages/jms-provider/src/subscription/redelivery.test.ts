// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultPolicy } from '../config/destination-policy.ts'
import { type RedeliveryPolicy, redeliveryAfter } from './redelivery.ts'

const growing = {
  redeliveryDelayMs: 100,
  redeliveryMultiplier: 3,
  redeliveryMaxDelayMs: 1000,
} as const

/** What follows the first, second, third, … failed delivery: a delay, or `discard`. */
const rows: readonly (readonly [
  what: string,
  policy: Partial<RedeliveryPolicy>,
  after: readonly (number | 'discard')[],
])[] = [
  ['no delay, ten attempts', {}, [0, 0, 0, 0, 0, 0, 0, 0, 0, 'discard', 'discard']],
  ['one attempt', { maxDeliveryAttempts: 1 }, ['discard']],
  ['two attempts', { maxDeliveryAttempts: 2 }, [0, 'discard']],
  ['no limit of attempts', { maxDeliveryAttempts: 0 }, Array<number>(50).fill(0)],
  ['the shortest delay', { redeliveryDelayMs: 1 }, [1, 1]],
  ['a delay that stays', { redeliveryDelayMs: 100 }, [100, 100, 100]],
  ['a delay that grows up to its limit', growing, [100, 300, 900, 1000, 1000]],
  ['a delay above its limit', { redeliveryDelayMs: 100, redeliveryMaxDelayMs: 50 }, [50, 50]],
  ['a growing delay and two attempts', { ...growing, maxDeliveryAttempts: 2 }, [100, 'discard']],
  ['a multiplier without a delay', { redeliveryMultiplier: 3 }, [0, 0]],
]

describe('a failed delivery', () => {
  for (const [what, policy, after] of rows) {
    it(`is followed by ${what}`, () => {
      const found = after.map((_, i) => {
        const next = redeliveryAfter({ ...defaultPolicy, ...policy }, i + 1)
        return next.kind === 'discard' ? 'discard' : next.delayMs
      })
      assert.deepEqual(found, after)
    })
  }

  it('has a delay of at most the limit after any number of attempts', () => {
    const policy = { ...defaultPolicy, ...growing, maxDeliveryAttempts: 0 }
    assert.deepEqual(redeliveryAfter(policy, 65_535), { kind: 'deliver', delayMs: 1000 })
  })
})
