// SPDX-License-Identifier: Apache-2.0
// Components of a configuration that Flume 1.11 and millrace run: several thousand modified
// samples, loaded by both.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ConfigurationError, checkAgents } from '@millrace/flume'
import { type Difference, differences, explains } from './flume-configuration/differences.ts'
import { type Case, casesOf } from './flume-configuration/mutations.ts'
import { samples } from './flume-configuration/samples.ts'
import { java } from './peers.ts'

const directory = mkdtempSync(join(tmpdir(), 'flume-configuration-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** Components that an agent would run: channels of each source, channel of each sink. */
interface Loaded {
  readonly channels: readonly string[]
  readonly sources: Readonly<Record<string, readonly string[]>>
  readonly sinks: Readonly<Record<string, string>>
}

const nothing: Loaded = { channels: [], sources: {}, sinks: {} }

async function loadedByFlume(cases: readonly Case[]): Promise<Loaded[]> {
  const input = cases.map(({ text }, index) => {
    const file = join(directory, `${index}.conf`)
    writeFileSync(file, text)
    return `a1\t${file}\n`
  })
  const flags = [`-Duser.home=${directory}`, '-Dlog4j2.level=OFF']
  const { stdout, stderr, code } = await java('flume-1.11.0', [...flags, 'ConfigurationLoader'], {
    input: input.join(''),
  })
  assert.equal(code, 0, stderr.slice(-2000))
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const { channels, sources, sinks } = JSON.parse(line) as Loaded
      return { channels, sources, sinks }
    })
}

async function loadedByOurs({ text }: Case): Promise<Loaded> {
  const options = { agent: 'a1', directory }
  const checked = await checkAgents([{ where: 'f', text }], options).catch((error: unknown) => {
    assert.ok(error instanceof ConfigurationError, String(error))
    return []
  })
  const plan = checked[0]?.plan
  if (plan === undefined) return nothing
  return {
    channels: plan.channels.map(({ name }) => name).sort(),
    sources: Object.fromEntries(
      plan.sources.map(({ name, channels }) => [name, [...channels].sort()]),
    ),
    sinks: Object.fromEntries(
      plan.sinkGroups.flatMap(({ sinks }) =>
        sinks.map(({ name, config }) => [name, config.channel]),
      ),
    ),
  }
}

/** Sorted by name. */
function sorted({ channels, sources, sinks }: Loaded): string {
  const entries = (table: object) => Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([channels, entries(sources), entries(sinks)])
}

describe('configurations loaded by Flume and millrace', () => {
  it('have the same components, except for the listed differences', async () => {
    const cases = samples.flatMap((sample) => [...casesOf(sample)])
    const theirs = await loadedByFlume(cases)
    assert.equal(theirs.length, cases.length)
    const unexplained: string[] = []
    const used = new Set<Difference>()
    for (const [index, each] of cases.entries()) {
      const ours = sorted(await loadedByOurs(each))
      const flume = sorted(theirs[index] as Loaded)
      if (ours === flume) continue
      const more = ours.length > flume.length ? 'millrace' : 'flume'
      const difference = differences.find((one) => one.more === more && explains(one, each))
      if (difference !== undefined) used.add(difference)
      else {
        const { sample, change, key } = each
        unexplained.push(`${sample}: ${change} ${key}\n  Flume ${flume}\n  ours  ${ours}`)
      }
    }
    assert.deepEqual(unexplained, [])
    assert.deepEqual(
      differences.filter((one) => !used.has(one)).map(({ reason }) => reason),
      [],
      'every listed difference exists',
    )
  })
})
