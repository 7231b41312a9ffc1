// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { guardedClock } from './isolation.ts'
import { silentLogger } from './logger.ts'
import { nodeWorld } from './node-world.ts'

for (const [what, fail] of [
  ['throws', () => assert.fail('the callback failed')],
  ['returns a promise that rejects', () => Promise.reject(new Error('the callback failed'))],
] as const) {
  it(`a timer callback that ${what} is logged, and other timers fire`, async () => {
    const logged: string[] = []
    const clock = guardedClock(nodeWorld.clock, {
      ...silentLogger,
      error: (message, fields) =>
        logged.push(`${message}: ${(fields?.error as Error | undefined)?.message}`),
    })
    const fired = new Promise<void>((resolve) => {
      clock.setTimer(1, fail)
      clock.setTimer(20, resolve, { keepsAlive: true })
    })
    await fired
    assert.deepEqual(logged, ['a timer callback failed: the callback failed'])
  })
}
