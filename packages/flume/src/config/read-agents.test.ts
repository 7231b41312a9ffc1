// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fingerprint } from './fingerprint.ts'
import { doesNotExist, problemText } from './problem.ts'
import { type ReadAgent, readAgents } from './read-agents.ts'

function read(...texts: readonly string[]): ReadAgent[] {
  const files = texts.map((text, index) => ({ where: `f${index + 1}`, text }))
  return readAgents(files, { environment: { PORT: '5' }, directory: '/' })
}

/** Components of an agent as texts: `name:type key=value …`. */
function shown({ config }: ReadAgent): Readonly<Record<string, readonly string[]>> {
  const text = (
    name: string,
    type: string,
    properties: ReadonlyMap<string, { readonly value: string }>,
  ): string =>
    [
      `${name}:${type}`,
      ...[...properties]
        .filter(([key]) => key !== 'type')
        .map(([key, { value }]) => `${key}=${value}`),
    ].join(' ')
  return {
    sources: config.sources.map(({ name, type, properties }) => text(name, type, properties)),
    channels: config.channels.map(({ name, type, properties }) => text(name, type, properties)),
    sinks: config.sinks.map(({ name, type, properties }) => text(name, type, properties)),
  }
}

interface Row {
  readonly title: string
  readonly files: readonly string[]
  readonly sources?: readonly string[]
  readonly channels?: readonly string[]
  readonly sinks?: readonly string[]
  readonly problems?: readonly string[]
}

const rows: readonly Row[] = [
  {
    title: 'components are those that the lists name, in their order',
    files: [
      'a.sources = s2 s1\na.sources.s1.type = seq\na.sources.s2.type = exec\na.sources.s2.command = x y',
    ],
    sources: ['s2:exec command=x y', 's1:seq'],
  },
  {
    title: 'a component that is listed twice is one',
    files: ['a.channels = c c\na.channels.c.type = memory'],
    channels: ['c:memory'],
  },
  {
    title: 'a component without a type',
    files: ['a.sinks = k\na.sinks.k.x = 1'],
    sinks: ['k: x=1'],
  },
  {
    title: 'names may contain dots: the longest match owns an entry',
    files: [
      'a.channels = c c.d\na.channels.c.d.type = file\na.channels.c.type = memory\na.channels.c.d.e = 1',
    ],
    channels: ['c:memory', 'c.d:file e=1'],
  },
  {
    title: 'blanks around keys and values are removed',
    files: ['  a.channels \t=  c  \na.channels.c.type = memory \t'],
    channels: ['c:memory'],
  },
  {
    title: 'a byte order mark is removed',
    files: ['\uFEFFa.channels = c\na.channels.c.type = memory'],
    channels: ['c:memory'],
  },
  {
    title: 'later files override earlier ones',
    files: [
      'a.channels = c\na.channels.c.type = memory\na.channels.c.x = 1',
      'a.channels.c.type = file',
    ],
    channels: ['c:file x=1'],
  },
  {
    title: 'the last entry of a key counts',
    files: ['a.channels = c\na.channels.c.type = memory\na.channels.c.type = file'],
    channels: ['c:file'],
  },
  {
    title: 'an entry without a value is ignored',
    files: ['a.channels = c\na.channels.c.type = memory\na.channels.c.x ='],
    channels: ['c:memory'],
    problems: ['f1:3: a.channels.c.x has no value and is ignored, as in Flume'],
  },
  {
    title: 'entries of components that are not listed are reported',
    files: [
      'a.channels = memory1\na.channels.memory1.type = memory\na.channels.memory2.type = memory',
    ],
    channels: ['memory1:memory'],
    problems: [
      'f1:3: a.channels.memory2.type is for memory2, which a.channels does not list; did you mean memory1?',
    ],
  },
  {
    title: 'names are separated by blanks',
    files: ['a.sinks = k1, k2\na.sinks.k1.type = null\na.sinks.k2.type = null'],
    sinks: ['k1,:', 'k2:null'],
    problems: [
      'f1:2: a.sinks.k1.type is for k1, which a.sinks does not list; names are separated by blanks, without commas',
    ],
  },
  {
    title: 'a section with a typo is reported',
    files: ['a.channels = c\na.channels.c.type = memory\na.source.s.type = seq'],
    channels: ['c:memory'],
    problems: ['f1:3: a.source.s.type is not known; did you mean a.sources?'],
  },
  {
    title: 'another section is reported with the known ones',
    files: ['a.channels = c\na.channels.c.type = memory\na.metrics = x'],
    channels: ['c:memory'],
    problems: [
      "f1:3: a.metrics is not known; after the agent's name comes sources, channels, sinks, sinkgroups, configfilters",
    ],
  },
  {
    title: 'values of other entries and of the environment are inserted',
    files: [
      `dir = /d\na.channels = c\na.channels.c.type = file\na.channels.c.x = \${dir}/\${env:PORT}`,
    ],
    channels: ['c:file x=/d/5'],
  },
  {
    title: 'what cannot be inserted is reported and left unchanged',
    files: [`a.channels = c\na.channels.c.type = file\na.channels.c.x = \${env:NONE}`],
    channels: [`c:file x=\${env:NONE}`],
    problems: [`f1:3: a.channels.c.x has \${env:NONE}, and the environment has no NONE`],
  },
  {
    title: 'values of config filters are inserted, wherever the filter is',
    files: [
      `a.channels = c\na.channels.c.type = file\na.channels.c.x = \${f["PORT"]}\na.configfilters = f\na.configfilters.f.type = env`,
    ],
    channels: ['c:file x=5'],
  },
]

describe('the entries of a configuration:', () => {
  for (const { title, files, problems = [], sources = [], channels = [], sinks = [] } of rows) {
    it(title, () => {
      const [agent, ...others] = read(...files)
      assert.ok(agent !== undefined)
      assert.deepEqual(others, [])
      assert.deepEqual(shown(agent), { sources, channels, sinks })
      assert.deepEqual(agent.reporter.problems.map(problemText), problems)
    })
  }

  it('are of several agents, and variables are of none', () => {
    const agents = read('x.y = 1\nb.sinks = k\na.sources = s\nname = a\na.sources.s.type = seq')
    assert.deepEqual(
      agents.map(({ config }) => config.name),
      ['b', 'a'],
    )
  })

  it('that refer to themselves stop the agent', () => {
    const [agent] = read(`v = \${v}\na.channels = c\na.channels.c.type = \${v}`)
    assert.equal(agent?.reporter.isStopped, true)
    assert.match(agent?.reporter.problems.map(problemText)[0] ?? '', /refers to itself/)
  })
})

describe('a source', () => {
  it('has channels, a selector and interceptors in order', () => {
    const [agent] = read(
      [
        'a.sources = s',
        'a.sources.s.channels = c1 c2 c1',
        'a.sources.s.selector.type = multiplexing',
        'a.sources.s.selector.header = h',
        'a.sources.s.interceptors = i2 i1',
        'a.sources.s.interceptors.i1.type = host',
        'a.sources.s.interceptors.i2.type = static',
        'a.sources.s.interceptors.i2.key = k',
        'a.sources.s.interceptors.i3.type = uuid',
      ].join('\n'),
    )
    const [source] = agent?.config.sources ?? []
    assert.deepEqual(source?.channels, ['c1', 'c2'])
    assert.deepEqual(
      [source?.selector.type, source?.selector.properties.get('header')?.value],
      ['multiplexing', 'h'],
    )
    assert.deepEqual(
      source?.interceptors.map(({ name, type }) => `${name} ${type}`),
      ['i2 static', 'i1 host'],
    )
    assert.deepEqual(agent?.reporter.problems.map(problemText), [
      'f1:9: a.sources.s.interceptors.i3.type is for i3, which a.sources.s.interceptors does not list',
    ])
  })

  it('has a replicating selector by default', () => {
    const [agent] = read('a.sources = s\na.sources.s.type = seq')
    assert.equal(agent?.config.sources[0]?.selector.type, 'replicating')
  })
})

describe('a group of sinks', () => {
  it('has sinks and a processor', () => {
    const [agent] = read(
      'a.sinkgroups = g\na.sinkgroups.g.sinks = k1 k2\na.sinkgroups.g.processor.type = failover\na.sinkgroups.g.processor.maxpenalty = 5\na.sinkgroups.g.priority = 1',
    )
    const [group] = agent?.config.sinkGroups ?? []
    assert.deepEqual(group?.sinks, ['k1', 'k2'])
    assert.deepEqual(
      [group?.processor.type, group?.processor.properties.get('maxpenalty')?.value],
      ['failover', '5'],
    )
    assert.deepEqual(agent?.reporter.problems.map(problemText), [
      'f1:5: a.sinkgroups.g.priority is not known; a group has sinks and processor.*',
    ])
  })
})

describe('the fingerprint of a component', () => {
  const component = (text: string) => {
    const [agent] = read(text)
    const [source] = agent?.config.sources ?? []
    assert.ok(source !== undefined)
    return fingerprint(source)
  }
  const base = 'a.sources = s\na.sources.s.type = seq\na.sources.s.x = 1\na.sources.s.channels = c'

  const same: readonly string[] = [
    'a.sources = s\na.sources.s.channels = c\na.sources.s.x = 1\n\na.sources.s.type = seq',
    `${base}\nb.sinks = k`,
  ]
  const other: readonly string[] = [
    base.replace('x = 1', 'x = 2'),
    base.replace('.x', '.y'),
    base.replace('seq', 'exec'),
    base.replace('channels = c', 'channels = c d'),
    `${base}\na.sources.s.interceptors = i\na.sources.s.interceptors.i.type = host`,
    `${base}\na.sources.s.selector.type = multiplexing`,
  ]
  it('is equal for equal entries, in any order', () => {
    for (const text of same) assert.equal(component(text), component(base), text)
  })
  it('differs for any other entry', () => {
    for (const text of other) assert.notEqual(component(text), component(base), text)
    assert.equal(new Set(other.map(component)).size, other.length)
  })

  it('of a function is that of the same function', () => {
    const of = (inline: unknown) =>
      fingerprint({ name: 's', type: '', properties: new Map(), inline })
    const [a, b] = [() => 1, () => 1]
    assert.equal(of(a), of(a))
    assert.notEqual(of(a), of(b))
    assert.notEqual(of(a), of(undefined))
  })
})

describe('a name that does not exist', () => {
  const rows: readonly (readonly [known: readonly string[], text: string])[] = [
    [[], 'names channel mem1, which does not exist; there is none'],
    [['mem2'], 'names channel mem1, which does not exist; did you mean mem2?'],
    [['file', 'kafka'], 'names channel mem1, which does not exist; there is file, kafka'],
  ]
  for (const [known, text] of rows) {
    it(`among ${known.join(', ') || 'none'}`, () => {
      const list = known.map((name) => ({ name }))
      assert.equal(doesNotExist('channel', 'mem1', list), text)
    })
  }
})
