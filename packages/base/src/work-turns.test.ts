// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeWorld } from './node-world.ts'
import { type WorkTurn, WorkTurns } from './work-turns.ts'
import type { Clock } from './world.ts'

/** A clock that stands still between calls of `advance`, on the real event loop. */
function manualClock(): Clock & { advance(ms: number): void } {
  let nowMs = 0
  return {
    ...nodeWorld.clock,
    monotonic: () => nowMs,
    advance(ms) {
      nowMs += ms
    },
  }
}

describe('WorkTurns', () => {
  it('lets work run at once until the turn has used its time', () => {
    const clock = manualClock()
    const taker = new WorkTurns(clock).taker()
    assert.equal(taker.next(), undefined)
    assert.equal(taker.next(), undefined)
    clock.advance(2)
    assert.notEqual(taker.next(), undefined)
  })

  it('releases connections one by one, in later turns of the event loop', async () => {
    const clock = manualClock()
    const turns = new WorkTurns(clock)
    const order: string[] = []
    const work = async (name: string, taker: WorkTurn): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await taker.next()
        order.push(name)
        clock.advance(2)
      }
    }
    await Promise.all([work('a', turns.taker()), work('b', turns.taker())])
    assert.deepEqual(order.slice(-4), ['a', 'b', 'a', 'b'])
  })

  it('lets a connection that was idle pass the line', () => {
    const clock = manualClock()
    const turns = new WorkTurns(clock)
    const busy = turns.taker()
    assert.equal(busy.next(), undefined)
    clock.advance(2)
    assert.notEqual(busy.next(), undefined)
    assert.equal(turns.taker().next(), undefined)
    clock.advance(10)
    assert.notEqual(turns.taker().next(), undefined)
  })
})
