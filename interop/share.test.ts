// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { java, type Peer, startKafka, startMillrace } from './peers.ts'
import { runShareCases, type ShareCase, shareCases } from './share-cells.ts'
import { shareOffsetCases } from './share-offset-cells.ts'

const golden = join(import.meta.dirname, '../packages/broker/testdata/share-partition-4.4.0.tsv.gz')
const MAX_SESSIONS = 60
const settings = [
  'group.share.min.record.lock.duration.ms=1000',
  `group.share.max.size=${MAX_SESSIONS}`,
  `group.share.max.share.sessions=${MAX_SESSIONS}`,
]

/** More members than the maximum number of sessions. */
const crowd: ShareCase = {
  name: 'too many sessions',
  async run(script) {
    await script.begin()
    for (let i = 0; i < MAX_SESSIONS; i++) {
      await script.fetch('m', 0, { member: `m${i}`, maxWaitMs: 0, partitions: [] })
    }
    const newcomer = { maxWaitMs: 100, partitions: [] }
    await script.fetch('m', 0, { ...newcomer, member: 'n' })
    await script.fetch('m', 1, { ...newcomer, member: 'm3' })
    await script.fetch('m', 0, { ...newcomer, member: 'm4' })
    await script.acknowledge('m', -1, { member: 'm5', partitions: [] })
    await script.fetch('m', 0, { ...newcomer, member: 'n' })
    await script.fetch('m', 0, { ...newcomer, member: 'o' })
    await script.acknowledge('m', 0, { member: 'o', partitions: [] })
    for (let i = 0; i < MAX_SESSIONS; i++) {
      await script.acknowledge('m', -1, { member: `m${i}`, partitions: [] })
    }
    await script.acknowledge('m', -1, { member: 'n', partitions: [] })
  },
}

describe('share groups on Apache Kafka 4.4.0 and on millrace', () => {
  let kafka: Peer
  let millrace: Peer

  before(async () => {
    kafka = await startKafka({ settings })
    millrace = await startMillrace({ args: settings.flatMap((each) => ['--set', each]) })
  })
  after(async () => {
    await kafka?.stop()
    await millrace?.stop()
  })

  /** Runs the sequences on both brokers, and compares all replies. */
  async function compare(cases: readonly ShareCase[]): Promise<number> {
    const [theirs, ours] = await Promise.all([
      runShareCases(kafka.address, cases),
      runShareCases(millrace.address, cases),
    ])
    const differing = cases.flatMap(({ name }) => {
      const [actual, expected] = [ours.get(name) ?? [], theirs.get(name) ?? []]
      const i = expected.findIndex((line, at) => line !== actual[at])
      if (i < 0 && actual.length === expected.length) return []
      return [`${name}, line ${i}: ${actual[i]}, not ${expected[i]}`]
    })
    assert.deepEqual(differing, [])
    return [...theirs.values()].reduce((sum, lines) => sum + lines.length, 0)
  }

  it('limit the number of sessions', async () => {
    assert.ok((await compare([crowd])) > 2 * MAX_SESSIONS)
  })

  it('have the same reply to each fetch', async (t) => {
    const answers = await compare(shareCases(Number(process.env.INTEROP_ROUNDS ?? 15)))
    assert.ok(answers > 3000)
    t.diagnostic(`${answers} answers`)
  })

  it('start, end and dead-letter records alike', async (t) => {
    const answers = await compare(shareOffsetCases())
    assert.ok(answers > 300)
    t.diagnostic(`${answers} answers`)
  })

  it('match the recorded decisions that the unit test uses', async () => {
    const { code, stdout, stderr } = await java('kafka-4.4.0', [
      'kafka.server.share.SharePartitionTable',
      '250',
      '30',
    ])
    assert.equal(code, 0, stderr)
    assert.equal(stdout, gunzipSync(readFileSync(golden)).toString())
  })
})
