// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChannelProcessor } from '../channel-processor.ts'
import { ChannelError, ChannelFullError } from '../errors.ts'
import { Event } from '../event.ts'
import { putEach } from './line-batches.ts'

/** Channels that take up to `max` events in a transaction, and refuse those with some bodies. */
function channels(max: number, full: readonly string[], broken: readonly string[] = []) {
  const puts: string[] = []
  const process = async (
    events: readonly Event[],
    options: { readonly isSingle?: boolean } = {},
  ) => {
    const bodies = events.map(({ body }) => body.toString())
    puts.push(`${bodies.join('')}${options.isSingle === true ? '!' : ''}`)
    if (bodies.some((body) => broken.includes(body))) throw new ChannelError('broken')
    // One event after another finds its place only where there is one.
    if (bodies.some((body) => full.includes(body))) throw new ChannelFullError('full')
  }
  return { puts, channels: { maxBatchSize: max, process } as unknown as ChannelProcessor }
}

interface Row {
  readonly title: string
  readonly bodies: string
  readonly max: number
  readonly full?: readonly string[]
  readonly broken?: readonly string[]
  /** Transactions; `!` marks those of one event. */
  readonly puts: readonly string[]
  /** Events that were stored, and those that were not, in order. */
  readonly done: string
}

const rows: readonly Row[] = [
  { title: 'no events', bodies: '', max: 5, puts: [], done: '' },
  { title: 'one transaction', bodies: 'abc', max: 5, puts: ['abc'], done: 'abc' },
  {
    title: 'as few as the channels allow',
    bodies: 'abcde',
    max: 2,
    puts: ['ab', 'cd', 'e'],
    done: 'abcde',
  },
  { title: 'a capacity of nothing is one', bodies: 'ab', max: 0, puts: ['a', 'b'], done: 'ab' },
  {
    title: 'a batch that does not fit goes event by event',
    bodies: 'abcd',
    max: 2,
    full: ['b'],
    puts: ['ab', 'a!', 'b!', 'cd'],
    done: 'aBcd',
  },
  {
    title: 'one event is not tried twice',
    bodies: 'b',
    max: 2,
    full: ['b'],
    puts: ['b'],
    done: 'B',
  },
  {
    title: 'another failure is that of the batch',
    bodies: 'abcd',
    max: 2,
    broken: ['b'],
    puts: ['ab', 'cd'],
    done: 'ABcd',
  },
]

describe('events that are put in batches:', () => {
  for (const { title, bodies, max, full = [], broken = [], puts, done } of rows) {
    it(title, async () => {
      const under = channels(max, full, broken)
      let outcome = ''
      const events = [...bodies].map((body) => Event.text(body))
      await putEach(under.channels, events, ({ body }, error) => {
        outcome += error === undefined ? body.toString() : body.toString().toUpperCase()
      })
      assert.deepEqual(under.puts, puts)
      assert.equal(outcome, done)
    })
  }
})
