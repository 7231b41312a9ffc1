// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkAgents } from '../load-agents.ts'

const BASE: Readonly<Record<string, string>> = {
  sources: 'r',
  channels: 'c',
  sinks: 'k',
  'sources.r.type': 'seq',
  'sources.r.channels': 'c',
  'channels.c.type': 'memory',
  'sinks.k.type': 'null',
  'sinks.k.channel': 'c',
}

interface Case {
  readonly title: string
  /** Entries that differ from those of a valid agent; null removes one. */
  readonly changes: Readonly<Record<string, string | null>>
  /** Problems as `effect key message`. */
  readonly problems?: readonly string[]
  readonly leftOut?: readonly string[]
  /** Whether nothing runs. */
  readonly isStopped?: boolean
}

const second = { sinks: 'k k2', 'sinks.k2.type': 'null', 'sinks.k2.channel': 'c' }

const cases: readonly Case[] = [
  { title: 'a valid agent', changes: {} },
  {
    title: 'a source with an invalid key',
    changes: { 'sources.r.batchSize': 'x' },
    problems: ['component sources.r.batchSize is "x"; expected a whole number from 1'],
    leftOut: ['sources.r'],
  },
  {
    title: 'a source without channels',
    changes: { 'sources.r.channels': null, 'sources.r.channel': 'c' },
    problems: ['component sources.r.channels is missing; a source has `channels`, with an s'],
    leftOut: ['sources.r'],
  },
  {
    title: 'a source with a channel that does not exist, and one that does',
    changes: { 'sources.r.channels': 'c cc' },
    problems: ['none sources.r.channels names channel cc, which does not exist; did you mean c?'],
  },
  {
    title: 'a sink with a channel that does not exist',
    changes: { 'sinks.k.channel': 'd' },
    problems: ['component sinks.k.channel names channel d, which does not exist; did you mean c?'],
    leftOut: ['sinks.k'],
  },
  {
    title: 'an invalid channel takes its source and its sink along',
    changes: { 'channels.c.transactionCapacity': '200' },
    problems: [
      "component channels.c.transactionCapacity is 200, more than the channel's capacity of 100",
    ],
    isStopped: true,
  },
  {
    title: 'a type that does not exist',
    changes: { 'sinks.k.type': 'nul' },
    problems: ['agent sinks.k.type is "nul", which is not a sink; did you mean null?'],
    isStopped: true,
  },
  {
    title: 'a type that is not supported',
    changes: { 'sinks.k.type': 'hive' },
    problems: [
      'agent sinks.k.type is hive, which is not supported: the Hive sink needs a Hive metastore; write files with type = hdfs or s3 and load them',
    ],
    isStopped: true,
  },
  {
    title: 'a channel that nothing uses',
    changes: { channels: 'c d', 'channels.d.type': 'memory' },
    problems: ['none channels.d is used by no source and no sink, and is left out'],
    leftOut: ['channels.d'],
  },
  {
    title: 'an invalid interceptor takes its source along',
    changes: {
      'sources.r.interceptors': 'i',
      'sources.r.interceptors.i.type': 'regex_filter',
      'sources.r.interceptors.i.regex': '(',
    },
    problems: ['component sources.r.interceptors.i.regex'],
    leftOut: ['sources.r'],
  },
  {
    title: 'a multiplexing selector with a channel of another source',
    changes: {
      'sources.r.selector.type': 'multiplexing',
      'sources.r.selector.mapping.a': 'd',
    },
    problems: [
      'component sources.r.selector.mapping.a names channel d, which the source does not have; it has c',
    ],
    leftOut: ['sources.r'],
  },
  {
    title: 'a replicating selector with such a channel',
    changes: { 'sources.r.selector.optional': 'd' },
    problems: [
      'none sources.r.selector.optional names channel d, which the source does not have; it has c',
    ],
  },
  {
    title: 'a batch that does not fit into a transaction',
    changes: { 'sources.r.batchSize': '101' },
    problems: [
      'component sources.r.batchSize is 101, more than the transactionCapacity of channel c (100)',
    ],
    leftOut: ['sources.r'],
  },
  {
    title: 'a group of two sinks',
    changes: {
      ...second,
      sinkgroups: 'g',
      'sinkgroups.g.sinks': 'k k2',
      'sinkgroups.g.processor.type': 'failover',
    },
  },
  {
    title: 'a group with a sink that does not exist',
    changes: {
      ...second,
      sinkgroups: 'g',
      'sinkgroups.g.sinks': 'k k3',
      'sinkgroups.g.processor.type': 'failover',
    },
    problems: ['none sinkgroups.g.sinks names sink k3, which does not exist; did you mean k?'],
  },
  {
    title: 'an unknown key',
    changes: { 'sinks.k.logEveryNEvent': '5' },
    problems: ['none sinks.k.logEveryNEvent is not known; did you mean logEveryNEvents?'],
  },
  {
    title: 'entries of a component that is not listed',
    changes: { 'sinks.other.type': 'null' },
    problems: ['none sinks.other'],
  },
]

async function check(changes: Case['changes']) {
  const entries = Object.entries({ ...BASE, ...changes }).filter(([, value]) => value !== null)
  const text = entries.map(([key, value]) => `a.${key} = ${value}\n`).join('')
  const [agent] = await checkAgents([{ where: 'f', text }])
  assert.ok(agent !== undefined)
  return agent
}

describe('a plan of an agent', () => {
  for (const { title, changes, problems = [], leftOut = [], isStopped = false } of cases) {
    it(title, async () => {
      const { plan, problems: found } = await check(changes)
      const texts = found.map(({ effect, key, message }) => `${effect} ${key} ${message}`)
      assert.equal(texts.length, problems.length, texts.join('\n'))
      for (const [index, text] of texts.entries()) {
        assert.ok(text.startsWith(problems[index] ?? '?'), `found: ${text}`)
      }
      assert.equal(plan === undefined, isStopped)
      if (plan !== undefined) assert.deepEqual(plan.leftOut, leftOut)
    })
  }

  it('has the groups of sinks with their processor, and a single sink as a group', async () => {
    const group = {
      sinkgroups: 'g',
      'sinkgroups.g.sinks': 'k',
      'sinkgroups.g.processor.type': 'load_balance',
    }
    const { plan } = await check({ ...second, ...group })
    assert.deepEqual(
      plan?.sinkGroups.map(({ name, sinks, processor }) => [
        name,
        sinks.map((sink) => sink.name).join(),
        processor.definition.type,
      ]),
      [
        ['g', 'k', 'load_balance'],
        ['k2', 'k2', 'default'],
      ],
    )
  })

  describe('with config providers in its file', () => {
    const PACKAGE = 'org.apache.kafka.common.config.provider'
    const providers = `config.providers = vars
config.providers.vars.class = ${PACKAGE}.EnvVarConfigProvider
config.providers.vars.param.allowlist.pattern = FLUME_.*
`
    const refer = (text: string): string => text.replaceAll('@{', '$' + '{')
    const table: readonly [value: string, batchSize: number | string][] = [
      ['@{vars:FLUME_BATCH}', 7],
      ['@{vars:SECRET}', 'allowlist.pattern does not match SECRET'],
      ['@{vars:FLUME_OTHER}', 'the environment has no variable FLUME_OTHER'],
    ]
    for (const [value, expected] of table) {
      it(`${value} is ${expected}`, async () => {
        const entries = Object.entries({ ...BASE, 'sources.r.batchSize': refer(value) })
        const text = providers + entries.map(([key, each]) => `a.${key} = ${each}\n`).join('')
        const environment = { FLUME_BATCH: '7', SECRET: 'hidden' }
        const [agent, ...others] = await checkAgents([{ where: 'f', text }], { environment })
        assert.equal(others.length, 0)
        const problems = agent?.problems.map(({ message }) => message).join() ?? ''
        if (typeof expected === 'string') assert.ok(problems.includes(expected), problems)
        else {
          assert.equal(problems, '')
          const [source] = agent?.plan?.sources ?? []
          assert.equal(source?.values.batchSize, expected)
        }
        assert.doesNotMatch(problems, /hidden/)
      })
    }
  })
})
