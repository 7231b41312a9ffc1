// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { groupCells, runGroupCells } from './group-cells.ts'
import { type Peer, startKafka, startMillrace } from './peers.ts'

// Assignments are computed at once, so that epochs do not depend on time.
const settings = [
  'group.initial.rebalance.delay.ms=0',
  'group.streams.initial.rebalance.delay.ms=0',
  ...['consumer', 'share', 'streams'].map((type) => `group.${type}.assignment.interval.ms=0`),
]

describe('groups on Apache Kafka 4.4.0 and on millrace', () => {
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

  it('have the same outcome in every reachable state, for every request', async (t) => {
    const cells = groupCells()
    const [theirs, ours] = await Promise.all([
      runGroupCells(kafka.address, cells),
      runGroupCells(millrace.address, cells),
    ])
    const differing = cells
      .filter(({ name }) => ours.get(name) !== theirs.get(name))
      .map(({ name }) => `${name}: ${ours.get(name)}, not ${theirs.get(name)}`)
    assert.deepEqual(differing, [])
    assert.deepEqual(
      [...theirs].filter(([, outcome]) => outcome.startsWith('setup')),
      [],
    )
    t.diagnostic(`${theirs.size} cells`)
  })
})
