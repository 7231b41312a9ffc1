// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { java, type Peer, startKafka, startMillrace } from './peers.ts'
import { runTransactionCells, transactionCells } from './transaction-cells.ts'

const golden = join(
  import.meta.dirname,
  '../packages/broker/testdata/transaction-coordinator-4.4.0.tsv',
)

describe('transactions on Apache Kafka 4.4.0 and on millrace', () => {
  let kafka: Peer
  let millrace: Peer

  before(async () => {
    kafka = await startKafka({
      settings: ['transaction.abort.timed.out.transaction.cleanup.interval.ms=100'],
    })
    millrace = await startMillrace()
  })
  after(async () => {
    await kafka?.stop()
    await millrace?.stop()
  })

  it('have the same outcome in every reachable state, for every request', async (t) => {
    const cells = transactionCells()
    const [theirs, ours] = await Promise.all([
      runTransactionCells(kafka.address, cells),
      runTransactionCells(millrace.address, cells),
    ])
    const differing = cells
      .filter(({ name }) => ours.get(name) !== theirs.get(name))
      .map(({ name }) => `${name}: ${ours.get(name)}, not ${theirs.get(name)}`)
    assert.deepEqual(differing, [])
    assert.ok(theirs.size > 3000)
    t.diagnostic(`${theirs.size} cells`)
  })

  it('match the recorded decisions that the unit test uses', async () => {
    const { code, stdout, stderr } = await java('kafka-4.4.0', ['TransactionTable'])
    assert.equal(code, 0, stderr)
    assert.equal(stdout, readFileSync(golden, 'utf8'))
  })

  // With older levels clients use the older protocol; the last case leaves the broker at its
  // default level.
  for (const level of ['1', '0', '2']) {
    it(`survive the next one of the same producer, transaction.version ${level}`, async () => {
      const rounds = process.env.INTEROP_ROUNDS ?? '25'
      const run = (address: string) =>
        java('kafka-4.4.0', ['TransactionRaces', address, 'txn', level, rounds])
      const [theirs, ours] = await Promise.all([run(kafka.address), run(millrace.address)])
      assert.equal(theirs.code, 0, theirs.stderr)
      assert.equal(ours.code, 0, ours.stderr)
      assert.deepEqual(ours.stdout.split('\n'), theirs.stdout.split('\n'))
      assert.equal(ours.stdout.trim().split('\n').length, 7)
      assert.doesNotMatch(ours.stdout, /Exception/)
    })
  }
})
