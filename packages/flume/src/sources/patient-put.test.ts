// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { SimulatedClock } from '@millrace/testkit'
import type { SourceContext } from '../component.ts'
import { ChannelError, ChannelFullError } from '../errors.ts'
import { Event } from '../event.ts'
import { Generator } from './generator.ts'
import { putPatiently } from './patient-put.ts'

/** A source whose first puts fail; `times` has the time of each. */
function failing(failures: number, error: Error = new ChannelFullError('full')) {
  const clock = new SimulatedClock()
  const times: number[] = []
  const levels: string[] = []
  const stored: string[] = []
  const log = (level: string) => () => void levels.push(level)
  const context = {
    name: 's',
    world: { clock: clock.process() },
    logger: { ...silentLogger, warn: log('warn'), debug: log('debug') },
    channels: {
      async process(events: readonly Event[]) {
        times.push(clock.elapsedMs)
        if (times.length <= failures) throw error
        stored.push(...events.map(({ body }) => body.toString()))
      },
    },
  } as unknown as SourceContext
  return { clock, context, times, levels, stored }
}

describe('a put that is retried', () => {
  /** Number of failures, and the times of the puts. */
  const rows: readonly (readonly [failures: number, times: readonly number[]])[] = [
    [0, [0]],
    [1, [0, 100]],
    [4, [0, 100, 300, 700, 1500]],
    // The pause doubles up to five seconds.
    [8, [0, 100, 300, 700, 1500, 3100, 6300, 11_300, 16_300]],
  ]
  for (const [failures, times] of rows) {
    it(`after ${failures} failures`, async () => {
      const under = failing(failures)
      const put = putPatiently(under.context, [Event.text('x')], new AbortController().signal)
      assert.equal(await under.clock.run(put, 100_000), true)
      assert.deepEqual(under.times, times)
      assert.deepEqual(under.stored, ['x'])
      // Only the first failure is a warning.
      const warnings = under.levels.filter((level) => level === 'warn')
      assert.equal(warnings.length, Math.min(failures, 1))
    })
  }

  it('is retried after every error', async () => {
    const under = failing(1, new ChannelError('the disk failed'))
    const put = putPatiently(under.context, [], new AbortController().signal)
    assert.equal(await under.clock.run(put, 1000), true)
  })

  it('ends with the source', async () => {
    const under = failing(100)
    const stopping = new AbortController()
    const put = putPatiently(under.context, [], stopping.signal)
    under.clock.schedule(250, () => stopping.abort())
    assert.equal(await under.clock.run(put, 1000), false)
    assert.deepEqual(under.times, [0, 100])
    assert.equal(await putPatiently(under.context, [], stopping.signal), false)
    assert.deepEqual(under.times, [0, 100], 'no put after the end')
  })
})

describe('a source that generates events', () => {
  /** Creates a generator of batches of one event, `a`, `b`, … */
  function generator(under: ReturnType<typeof failing>, letters: string): Generator {
    let at = 0
    return new Generator(under.context, () => {
      const letter = letters[at++]
      return letter === undefined ? undefined : [Event.text(letter)]
    })
  }

  it('stores all of them, retried every tenth of a second', async () => {
    const under = failing(3)
    const running = generator(under, 'abcd')
    running.start()
    await under.clock.run(
      new Promise<void>((resolve) => void under.clock.schedule(1000, resolve)),
      2000,
    )
    assert.deepEqual(under.stored.toSorted(), ['a', 'b', 'c', 'd'])
    assert.deepEqual(under.times, [0, 0, 0, 0, 100, 100, 100])
    await running.stop()
  })

  it('stops without those that have no room', async () => {
    const under = failing(1000)
    const running = generator(under, 'ab')
    running.start()
    const stopped = new Promise<void>((resolve, reject) => {
      under.clock.schedule(150, () => running.stop().then(resolve, reject))
    })
    await under.clock.run(stopped, 1000)
    assert.deepEqual(under.stored, [])
    assert.equal(under.times.length, 4)
  })
})
