// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeWorld } from '@millrace/base'
import { seededRandom } from '@millrace/testkit'
import type { Channel } from '../channel.ts'
import { Event } from '../event.ts'
import { componentContext, testChannel } from '../testing/context.ts'
import { createFromEntries } from '../testing/create-component.ts'
import { channelSelectors } from './index.ts'

const channels = new Map<string, Channel>(['c1', 'c2', 'c3'].map((name) => [name, testChannel()]))
const names = (list: readonly Channel[]): string[] =>
  list.map((channel) => [...channels].find(([, each]) => each === channel)?.[0] ?? '?')

function selector(type: string, entries: Readonly<Record<string, string>> = {}) {
  const definition = channelSelectors.find((each) => each.type === type)
  assert.ok(definition !== undefined)
  const world = { ...nodeWorld, random: seededRandom(1) }
  const context = { ...componentContext('SOURCE', 's', { world }), channels }
  // biome-ignore lint/suspicious/noExplicitAny: selectors of any type
  return createFromEntries(definition as any, entries, context) as ReturnType<
    (typeof channelSelectors)[number]['create']
  >
}

const mapping = {
  header: 'level',
  'mapping.INFO': 'c1',
  'mapping.WARN': 'c1 c2',
  'optional.WARN': 'c2 c3',
  'optional.DEBUG': 'c1',
  default: 'c3',
}

const cases: readonly {
  readonly type: string
  readonly entries?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly required: readonly string[]
  readonly optional: readonly string[]
}[] = [
  { type: 'replicating', required: ['c1', 'c2', 'c3'], optional: [] },
  { type: 'replicating', entries: { optional: 'c2 x' }, required: ['c1', 'c3'], optional: ['c2'] },
  {
    type: 'multiplexing',
    entries: mapping,
    headers: { level: 'INFO' },
    required: ['c1'],
    optional: [],
  },
  {
    type: 'multiplexing',
    entries: mapping,
    headers: { level: 'WARN' },
    required: ['c1', 'c2'],
    optional: ['c3'],
  },
  {
    type: 'multiplexing',
    entries: mapping,
    headers: { level: 'DEBUG' },
    required: ['c3'],
    optional: ['c1'],
  },
  { type: 'multiplexing', entries: mapping, required: ['c3'], optional: [] },
  { type: 'multiplexing', entries: { 'mapping.a': 'c1' }, required: [], optional: [] },
]

describe('channel selectors', () => {
  for (const { type, entries, headers, required, optional } of cases) {
    it(`${type} ${JSON.stringify(entries ?? {})}: ${JSON.stringify(headers ?? {})}`, () => {
      const chosen = selector(type, entries)
      const event = Event.text('x', headers)
      assert.deepEqual(names(chosen.required(event)), required)
      assert.deepEqual(names(chosen.optional(event)), optional)
    })
  }

  it('load_balancing: one channel per event, in turn', () => {
    const chosen = selector('load_balancing')
    const order = Array.from({ length: 7 }, () => names(chosen.required(Event.text('x'))).join())
    assert.deepEqual(order, ['c1', 'c2', 'c3', 'c1', 'c2', 'c3', 'c1'])
  })

  it('load_balancing: at random, each channel about as often', () => {
    const chosen = selector('load_balancing', { policy: 'random' })
    const counts = new Map<string, number>()
    for (let i = 0; i < 3000; i++) {
      const name = names(chosen.required(Event.text('x'))).join()
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    assert.deepEqual([...counts.keys()].sort(), ['c1', 'c2', 'c3'])
    for (const count of counts.values()) assert.ok(count > 900 && count < 1100, String(count))
  })

  it('multiplexing refuses a channel that the source does not have', () => {
    assert.throws(() => selector('multiplexing', { default: 'c9' }), /no channel c9/)
  })
})
