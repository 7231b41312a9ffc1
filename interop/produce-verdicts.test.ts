// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import {
  codecs,
  createJudgingTopics,
  difference,
  isAlike,
  judge,
  judgingTopics,
} from '../test/scenarios/produce-verdicts.ts'
import { type Peer, startKafka, startMillrace } from './peers.ts'

/** Kafka's verdicts for the test that runs without Kafka; `UPDATE=1` records them again. */
const RECORDED = new URL('../test/testdata/produce-verdicts.json', import.meta.url)

describe('Apache Kafka 4.4.0 and millrace accept, reject and store every batch alike', () => {
  let kafka: Peer
  let millrace: Peer
  const recorded: Record<string, Record<string, string>> = {}
  let updated = false

  before(async () => {
    ;[kafka, millrace] = await Promise.all([startKafka(), startMillrace()])
    await createJudgingTopics(kafka.address)
    await createJudgingTopics(millrace.address)
    // Kafka's broker applies decisions of its controller with a delay.
    await new Promise((resolve) => setTimeout(resolve, 500))
  })
  after(async () => {
    await kafka?.stop()
    await millrace?.stop()
    if (process.env.UPDATE === '1' && updated) {
      writeFileSync(RECORDED, `${JSON.stringify(folded(recorded), undefined, 1)}\n`)
    }
  })

  for (const topic of judgingTopics) {
    for (const isIdempotent of [false, true]) {
      for (const version of topic.compression === 'producer' ? [3, 9, 12] : [9]) {
        it(`for ${topic.name}, version ${version}${isIdempotent ? ', idempotent' : ''}`, async () => {
          const wrong: Record<string, { readonly kafka: string; readonly ours: string }> = {}
          for (const codec of codecs) {
            const options = { codec, isIdempotent, version }
            const [theirs, ours] = await Promise.all([
              judge(kafka.address, topic, options),
              judge(millrace.address, topic, options),
            ])
            for (const [corruption, verdict] of Object.entries(theirs)) {
              const our = ours[corruption] ?? ''
              if (!isAlike(verdict, our) && difference(corruption, verdict, our) === undefined) {
                wrong[`${codec}: ${corruption}`] = { kafka: verdict, ours: our }
              }
            }
            if (version === 9 && !isIdempotent) recorded[`${topic.name} ${codec}`] = theirs
          }
          assert.deepEqual(wrong, {})
          updated = true
        })
      }
    }
  }

  it('the recorded verdicts for the test without Kafka are current', () => {
    if (process.env.UPDATE === '1') return
    const expected: unknown = JSON.parse(readFileSync(RECORDED, 'utf8'))
    assert.deepEqual(folded(recorded), expected)
  })
})

/** Each verdict once, and for each corruption the verdicts of all topics and codecs by number. */
function folded(table: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const verdicts: string[] = []
  const numberOf = (verdict: string): number => {
    const known = verdicts.indexOf(verdict)
    return known < 0 ? verdicts.push(verdict) - 1 : known
  }
  const columns = Object.keys(table)
  const rows: Record<string, string> = {}
  for (const corruption of Object.keys(table[columns[0] ?? ''] ?? {})) {
    rows[corruption] = columns
      .map((column) => numberOf(table[column]?.[corruption] ?? ''))
      .join(' ')
  }
  return { columns, verdicts, rows }
}
