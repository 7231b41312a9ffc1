// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeWorld, type World } from '@millrace/base'
import type { Interceptor } from '../component.ts'
import { Event } from '../event.ts'
import { componentContext } from '../testing/context.ts'
import { createFromEntries } from '../testing/create-component.ts'
import { applyFunction } from './function-interceptor.ts'
import { interceptors } from './index.ts'

const NOW = 1_700_000_000_000
const world: World = {
  ...nodeWorld,
  clock: { ...nodeWorld.clock, now: () => NOW },
  random: { ...nodeWorld.random, bytes: (size) => Buffer.alloc(size, 0xff) },
}

type Shown = readonly [body: string, headers?: Readonly<Record<string, string>>]

interface Case {
  readonly title: string
  readonly entries?: Readonly<Record<string, string>>
  readonly events: readonly Shown[]
  readonly expected: readonly Shown[]
}

const cases: Readonly<Record<string, readonly Case[]>> = {
  timestamp: [
    {
      title: 'replaces a time',
      events: [['a'], ['b', { timestamp: '5' }]],
      expected: [
        ['a', { timestamp: String(NOW) }],
        ['b', { timestamp: String(NOW) }],
      ],
    },
    {
      title: 'keeps a time, under another name',
      entries: { headerName: 'at', preserveExisting: 'true' },
      events: [['a'], ['b', { at: '5' }]],
      expected: [
        ['a', { at: String(NOW) }],
        ['b', { at: '5' }],
      ],
    },
  ],
  static: [
    {
      title: 'keeps a header by default',
      entries: { key: 'dc', value: 'NEW YORK' },
      events: [['a'], ['b', { dc: 'x' }]],
      expected: [
        ['a', { dc: 'NEW YORK' }],
        ['b', { dc: 'x' }],
      ],
    },
    {
      title: 'replaces a header',
      entries: { key: 'dc', value: 'NY', preserveExisting: 'false' },
      events: [['b', { dc: 'x' }]],
      expected: [['b', { dc: 'NY' }]],
    },
  ],
  uuid: [
    {
      title: 'sets a version 4 id with a prefix, and keeps one',
      entries: { prefix: 'p-' },
      events: [['a'], ['b', { id: 'x' }]],
      expected: [
        ['a', { id: 'p-ffffffff-ffff-4fff-bfff-ffffffffffff' }],
        ['b', { id: 'x' }],
      ],
    },
  ],
  remove_header: [
    {
      title: 'needs the whole name for a pattern, and leaves what no rule names',
      entries: { matching: 'x' },
      events: [['', { x: '1', xx: '1', X: '1' }]],
      expected: [['', { xx: '1', X: '1' }]],
    },
    {
      title: 'removes nothing without rules',
      events: [['', { a: '1' }]],
      expected: [['', { a: '1' }]],
    },
    {
      title: 'removes by name, list and pattern',
      entries: { withName: 'a', fromList: 'b , c', matching: 'x.*' },
      events: [['', { a: '1', b: '1', c: '1', d: '1', x1: '1', ax: '1' }]],
      expected: [['', { d: '1', ax: '1' }]],
    },
    {
      title: 'splits the list at a separator',
      entries: { fromList: 'b;c', fromListSeparator: ';' },
      events: [['', { b: '1', c: '1', d: '1' }]],
      expected: [['', { d: '1' }]],
    },
  ],
  search_replace: [
    {
      title: 'uses a character set for the body',
      entries: { searchPattern: '\u00fc', replaceString: 'ue', charset: 'ISO-8859-1' },
      events: [['Z\u00fcrich']],
      expected: [['Z\u00fcrich']],
    },
    {
      title: 'takes a dollar sign after a backslash literally',
      entries: { searchPattern: 'EUR', replaceString: '\\$' },
      events: [['5 EUR']],
      expected: [['5 $']],
    },
    {
      title: 'swaps groups in every match',
      entries: { searchPattern: '([a-z]+)@([a-z]+)', replaceString: '$2 at $1' },
      events: [['me@home, you@work'], ['nothing']],
      expected: [['home at me, work at you'], ['nothing']],
    },
    {
      title: 'removes matches without a replacement',
      entries: { searchPattern: '\\d+' },
      events: [['a1b22c']],
      expected: [['abc']],
    },
  ],
  regex_filter: [
    {
      title: 'keeps all by default, and matches within the body',
      entries: { regex: 'b+' },
      events: [['abc'], ['ac']],
      expected: [['abc']],
    },
    {
      title: 'keeps events that match',
      entries: { regex: '^INFO' },
      events: [['INFO a'], ['DEBUG b'], ['x INFO']],
      expected: [['INFO a']],
    },
    {
      title: 'drops events that match',
      entries: { regex: '^DEBUG', excludeEvents: 'true' },
      events: [['INFO a'], ['DEBUG b']],
      expected: [['INFO a']],
    },
  ],
  regex_extractor: [
    {
      title: 'ignores groups without a serializer, and replaces headers',
      entries: { regex: '(\\d)(\\d)', serializers: 's1', 'serializers.s1.name': 'n' },
      events: [
        ['12', { n: 'old' }],
        ['x', { n: 'old' }],
      ],
      expected: [
        ['12', { n: '1' }],
        ['x', { n: 'old' }],
      ],
    },
    {
      title: 'sets headers from groups of the first match',
      entries: {
        regex: '(\\d+):(\\w+)?',
        serializers: 's1 s2',
        'serializers.s1.name': 'count',
        'serializers.s2.name': 'word',
      },
      events: [['x 12:ab 34:cd'], ['5:'], ['none']],
      expected: [['x 12:ab 34:cd', { count: '12', word: 'ab' }], ['5:', { count: '5' }], ['none']],
    },
    {
      title: 'reads a time, and omits one that is not a time',
      entries: {
        regex: '^(\\S+)',
        serializers: 's1',
        'serializers.s1.name': 'at',
        'serializers.s1.type': 'millis',
        'serializers.s1.pattern': "yyyy-MM-dd'T'HH:mm:ssZ",
      },
      events: [['2020-01-01T00:00:00+0000 x'], ['yesterday x']],
      expected: [['2020-01-01T00:00:00+0000 x', { at: '1577836800000' }], ['yesterday x']],
    },
  ],
  threshold: [
    {
      title: 'adds up the bytes of the bodies',
      entries: { bytes: '5', header: 'why' },
      events: [['ab'], ['cd'], ['e'], ['fgh']],
      expected: [['e', { why: 'bytes=5' }]],
    },
    {
      title: 'counts events a second over the window',
      entries: { rate: '1.5', window: '2000', header: 'why' },
      events: [['1'], ['2'], ['3'], ['4']],
      expected: [['3', { why: 'rate=1.5' }]],
    },
    {
      title: 'looks at the value before it counts',
      entries: { value: '10', count: '2', header: 'why' },
      events: [['a', { value: '12' }], ['b', { value: '1' }], ['c']],
      expected: [
        ['a', { value: '12', why: 'value=12' }],
        ['c', { why: 'count=2' }],
      ],
    },
    {
      title: 'passes the third event, then counts again',
      entries: { count: '3', header: 'why' },
      events: [['1'], ['2'], ['3'], ['4'], ['5'], ['6']],
      expected: [
        ['3', { why: 'count=3' }],
        ['6', { why: 'count=3' }],
      ],
    },
    {
      title: 'counts keys separately',
      entries: { count: '2', keyHeader: 'k' },
      events: [
        ['1', { k: 'a' }],
        ['2', { k: 'b' }],
        ['3', { k: 'a' }],
      ],
      expected: [['3', { k: 'a' }]],
    },
    {
      title: 'passes what follows for a while',
      entries: { bytes: '4', hold: '1000' },
      events: [['aa'], ['bb'], ['c']],
      expected: [['bb'], ['c']],
    },
    {
      title: 'compares a value in the body',
      entries: { value: '10', valuePattern: 'n=(\\d+)' },
      events: [['n=9'], ['n=10'], ['n=x']],
      expected: [['n=10']],
    },
    {
      title: 'compares a header',
      entries: { value: '10', valueHeader: 'n' },
      events: [['a', { n: '11' }], ['b', { n: '' }], ['c']],
      expected: [['a', { n: '11' }]],
    },
  ],
}

function intercepted(type: string, entries: Readonly<Record<string, string>>): Interceptor {
  const definition = interceptors.find((each) => each.type === type)
  assert.ok(definition !== undefined, type)
  const context = componentContext('SOURCE', 'i', { world })
  // biome-ignore lint/suspicious/noExplicitAny: interceptors of any type
  return createFromEntries(definition as any, entries, context) as Interceptor
}

const shown = ({ body, headers }: Event): Shown =>
  Object.keys(headers).length === 0 ? [body.toString()] : [body.toString(), { ...headers }]

describe('interceptors', () => {
  for (const [type, list] of Object.entries(cases)) {
    for (const { title, entries = {}, events, expected } of list) {
      it(`${type}: ${title}`, async () => {
        const interceptor = intercepted(type, entries)
        const given = events.map(([body, headers]) => Event.text(body, headers))
        assert.deepEqual((await interceptor.intercept(given)).map(shown), expected)
      })
    }
  }

  it('lineage: shows the agents that an event passed, as text and JSON', async () => {
    const hop = (agent: string) => ({ agent, source: 's', host: 'h', atMs: 7 })
    const lineage = { hop: hop('b'), previous: { hop: hop('a'), previous: undefined } }
    const headersAfter = async (format: string) => {
      const [event] = await intercepted('lineage', { format }).intercept([
        new Event(Buffer.from('x'), undefined, lineage),
      ])
      return event?.headers.lineage
    }
    assert.equal(await headersAfter('text'), 'a.s@h 7 > b.s@h 7')
    assert.equal(await headersAfter('json'), JSON.stringify([hop('a'), hop('b')]))
    const [fresh] = await intercepted('lineage', {}).intercept([Event.text('x')])
    assert.deepEqual({ ...fresh?.headers }, {})
  })

  it('function: keeps, replaces and drops events, in order, also later', async () => {
    const kept = await applyFunction(
      async ({ body }) => {
        const text = body.toString()
        return text === 'drop' ? null : Event.text(text.toUpperCase())
      },
      [Event.text('a'), Event.text('drop'), Event.text('b')],
    )
    assert.deepEqual(kept.map(shown), [['A'], ['B']])
    await assert.rejects(
      applyFunction((() => 'text') as never, [Event.text('a')]),
      /must return an event/,
    )
  })

  it('every type is tested, except host, which asks the system', () => {
    const tested = [...Object.keys(cases), 'lineage', 'function', 'host'].sort()
    assert.deepEqual(interceptors.map(({ type }) => type).sort(), tested)
  })

  const invalid: readonly (readonly [type: string, entries: Record<string, string>, RegExp])[] = [
    ['search_replace', {}, /searchPattern is missing/],
    ['search_replace', { searchPattern: '(a' }, /searchPattern is "\(a"; expected/],
    ['search_replace', { searchPattern: 'a', replaceString: '$1' }, /replaceString is "\$1"/],
    ['regex_extractor', { regex: '(a)', serializers: 's' }, /serializers\.s\.name is missing/],
    [
      'regex_extractor',
      { regex: '(a)', serializers: 's', 'serializers.s.name': 'n', 'serializers.s.type': 'x' },
      /serializers\.s\.type is "x"; expected default or millis/,
    ],
    ['threshold', {}, /one of count, bytes, rate, value/],
    ['timestamp', { preserveExistin: 'true' }, /did you mean preserveExisting\?/],
    ['lineage', { format: 'xml' }, /format is "xml"; expected text, json/],
  ]
  for (const [type, entries, message] of invalid) {
    it(`${type} refuses ${JSON.stringify(entries)}`, () => {
      assert.throws(() => intercepted(type, entries), message)
    })
  }
})
