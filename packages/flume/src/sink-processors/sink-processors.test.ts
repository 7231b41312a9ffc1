// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SimulatedWorld } from '@millrace/testkit'
import type { GroupedSink, SinkBatch, SinkProcessor } from '../component.ts'
import { Event } from '../event.ts'
import { componentContext } from '../testing/context.ts'
import { createFromEntries } from '../testing/create-component.ts'
import { sleep } from '../waiting.ts'
import { sinkProcessors } from './index.ts'

const batch = (isFollowUp = false): SinkBatch => ({
  events: [Event.text('x')],
  origin: { id: 'o', floor: 0, positions: [0] },
  isFollowUp,
  commit: async () => {},
  rollback: async () => {},
})

/** Three sinks that fail while they are marked as broken, and a processor over them. */
class Group {
  readonly #simulation = new SimulatedWorld()
  readonly #world = this.#simulation.machine().world
  readonly broken = new Set<string>()
  /** Sinks that stored a batch, in order. */
  readonly stored: string[] = []
  readonly processor: SinkProcessor

  constructor(type: string, entries: Readonly<Record<string, string>>, names = ['k1', 'k2', 'k3']) {
    const definition = sinkProcessors.find((each) => each.type === type)
    assert.ok(definition !== undefined)
    const sinks = names.map(
      (name): GroupedSink => ({
        name,
        maxInFlight: 3,
        process: async () => {
          if (this.broken.has(name)) throw new Error(`${name} is broken`)
          this.stored.push(name)
        },
      }),
    )
    const context = { ...componentContext('SINK', 'g', { world: this.#world }), sinks }
    // biome-ignore lint/suspicious/noExplicitAny: processors of any type
    this.processor = createFromEntries(definition as any, entries, context) as SinkProcessor
  }

  /**
   * Runs steps: `.` is a batch, `+` a follow-up, `-k1` breaks a sink, `=k1` mends it, a number lets
   * milliseconds pass. Returns the sink of each batch, or `!`.
   */
  async run(steps: string): Promise<string> {
    const results: string[] = []
    const work = async (): Promise<void> => {
      for (const step of steps.split(' ')) {
        const name = step.slice(1)
        if (step.startsWith('-')) this.broken.add(name)
        else if (step.startsWith('=')) this.broken.delete(name)
        else if (step === '.' || step === '+') {
          const outcome = await Promise.resolve(this.processor.process(batch(step === '+'))).then(
            () => this.stored.at(-1) ?? '',
            () => '!',
          )
          results.push(outcome)
        } else await sleep(this.#world.clock, Number(step))
      }
    }
    await this.#simulation.clock.run(work(), 1e9)
    return results.join(' ')
  }
}

const priorities = { 'priority.k1': '5', 'priority.k2': '10', 'priority.k3': '1' }

const cases: readonly {
  readonly type: string
  readonly title: string
  readonly entries?: Readonly<Record<string, string>>
  readonly steps: string
  readonly expected: string
}[] = [
  {
    type: 'failover',
    title: 'the highest priority',
    entries: priorities,
    steps: '. .',
    expected: 'k2 k2',
  },
  {
    type: 'failover',
    title: 'without priorities, the first listed',
    steps: '. -k1 .',
    expected: 'k1 k2',
  },
  {
    type: 'failover',
    title: 'fails over at once',
    entries: priorities,
    steps: '-k2 . -k1 .',
    expected: 'k1 k3',
  },
  { type: 'failover', title: 'all fail', steps: '-k1 -k2 -k3 .', expected: '!' },
  {
    type: 'failover',
    title: 'returns to a sink after its penalty',
    steps: '-k1 . =k1 1999 . 2 .',
    expected: 'k2 k2 k1',
  },
  {
    type: 'failover',
    title: 'doubles the penalty',
    steps: '-k1 . 2001 . =k1 3000 . 1001 .',
    expected: 'k2 k2 k2 k1',
  },
  {
    type: 'failover',
    title: 'limits the penalty',
    entries: { maxpenalty: '500' },
    steps: '-k1 . =k1 499 . 2 .',
    expected: 'k2 k2 k1',
  },
  { type: 'failover', title: 'follow-ups use the same sink', steps: '. + +', expected: 'k1 k1 k1' },
  {
    type: 'failover',
    title: 'a follow-up does not fail over',
    steps: '. -k1 + + .',
    expected: 'k1 ! ! k2',
  },
  {
    type: 'failover',
    title: 'a follow-up does not overtake a batch that failed over',
    steps: '-k1 . + . +',
    expected: 'k2 ! k2 k2',
  },
  {
    type: 'failover',
    title: 'a follow-up stays when a better sink is back',
    steps: '-k1 . . =k1 3000 + .',
    expected: 'k2 k2 k2 k1',
  },
  { type: 'load_balance', title: 'in turn', steps: '. . . .', expected: 'k1 k2 k3 k1' },
  {
    type: 'load_balance',
    title: 'passes over a broken sink',
    steps: '-k2 . . . .',
    expected: 'k1 k3 k3 k1',
  },
  {
    type: 'load_balance',
    title: 'without backoff tries it each time',
    steps: '-k1 . =k1 . . .',
    expected: 'k2 k2 k3 k1',
  },
  {
    type: 'load_balance',
    title: 'with backoff leaves it out for 2 s',
    entries: { backoff: 'true' },
    steps: '-k1 . =k1 . . . 2001 . . .',
    expected: 'k2 k3 k2 k3 k2 k3 k1',
  },
  { type: 'load_balance', title: 'all fail', steps: '-k1 -k2 -k3 .', expected: '!' },
]

describe('sink processors', () => {
  for (const { type, title, entries = {}, steps, expected } of cases) {
    it(`${type}: ${title} (${steps})`, async () => {
      assert.equal(await new Group(type, entries).run(steps), expected)
    })
  }

  it('default: the one sink, and no more', async () => {
    assert.equal(await new Group('default', {}, ['k1']).run('. . -k1 .'), 'k1 k1 !')
    assert.throws(() => new Group('default', {}), /takes one sink/)
  })

  it('load_balance: at random, every sink', async () => {
    const group = new Group('load_balance', { selector: 'random' })
    const used = (await group.run(Array(60).fill('.').join(' '))).split(' ')
    assert.deepEqual([...new Set(used)].sort(), ['k1', 'k2', 'k3'])
  })

  it('lets several batches be in flight where the order can be kept', async () => {
    const failover = new Group('failover', {})
    assert.equal(failover.processor.maxInFlight, 1, 'before the first batch')
    await failover.run('.')
    assert.equal(failover.processor.maxInFlight, 3)
    await failover.run('-k1 +')
    assert.equal(failover.processor.maxInFlight, 1, 'after a failure')
    await failover.run('.')
    assert.equal(failover.processor.maxInFlight, 3, 'with the next sink')
    await failover.run('=k1 2001')
    assert.equal(failover.processor.maxInFlight, 1, 'before the better sink takes over')
    const balanced = new Group('load_balance', {})
    await balanced.run('. .')
    assert.equal(balanced.processor.maxInFlight ?? 1, 1)
  })
})
