// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReceiverLink } from '@millrace/amqp'
import { SimulatedClock } from '@millrace/testkit'
import { drain } from './drain.ts'
import { limited } from './waiting.ts'

/** Requests the provider drops before it answers; time limit; requests and outcome expected. */
const cases: readonly (readonly [string, number, number, string])[] = [
  ['an answer to the first request', 0, 10_000, '1 request: answered after 0 ms'],
  ['a dropped request', 1, 10_000, '2 requests: answered after 1000 ms'],
  ['three dropped requests', 3, 10_000, '4 requests: answered after 3000 ms'],
  ['no answer', 100, 3500, '4 requests: JMS_TIMEOUT after 3500 ms'],
]

describe('a drain', () => {
  for (const [name, dropped, timeoutMs, expected] of cases) {
    it(`with ${name}: ${expected}`, async () => {
      const time = new SimulatedClock()
      const clock = time.process()
      const { promise: answered, resolve } = Promise.withResolvers<void>()
      let requests = 0
      const link = {
        isDraining: true,
        drain() {
          requests++
          if (requests > dropped) resolve()
        },
      }
      const connection = {
        clock,
        limited: <T>(promise: Promise<T>, what: string, limit = 0) =>
          limited(clock, promise, { what, timeoutMs: limit }),
      }
      // Cast: only the members of a link that a drain uses.
      const work = drain(connection, {
        link: link as unknown as ReceiverLink,
        answered,
        what: 'browsing orders',
        timeoutMs,
      }).then(
        () => 'answered',
        (error: { errorCode?: string; getErrorCode?: () => string }) => error.getErrorCode?.(),
      )
      const outcome = await time.run(work, 20_000)
      const plural = requests === 1 ? 'request' : 'requests'
      const afterMs = time.elapsedMs
      assert.equal(`${requests} ${plural}: ${outcome} after ${afterMs} ms`, expected)
      // No timer is left that would ask again.
      await time.run(new Promise<void>((done) => clock.setTimer(5000, done)), 20_000)
      assert.equal(`${requests} ${plural}: ${outcome} after ${afterMs} ms`, expected)
    })
  }
})
