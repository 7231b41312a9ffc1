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

/** Cells that differ on purpose, with the outcomes on both sides. */
const differences: readonly {
  readonly why: string
  readonly cells: RegExp
  readonly kafka: RegExp
  readonly millrace: RegExp
}[] = [
  {
    why: 'a refused join leaves an empty classic group in memory, in place of any group before it',
    cells: /^(absent|consumer, empty|streams, empty): JoinGroup: no protocol(s| type)$/,
    kafka: /^INCONSISTENT_GROUP_PROTOCOL .*; classic Empty $/,
    millrace: /^INCONSISTENT_GROUP_PROTOCOL .*; (not listed|consumer Empty .*|streams Empty .*)$/,
  },
  {
    why: 'a refused join deletes an empty group from memory, though not from the log',
    cells: /^(consumer|streams), empty: JoinGroup: (the member|an unknown id|.*, unknown id)$/,
    kafka: /^UNKNOWN_MEMBER_ID .*; not listed$/,
    millrace: /^UNKNOWN_MEMBER_ID .*; (consumer|streams) Empty .*$/,
  },
  {
    why: 'the pattern is resolved after the reply; millrace resolves it at once',
    cells: /: ConsumerGroupHeartbeat: a regular expression$/,
    kafka: /^NONE member new epoch \S+ assigned 0; consumer/,
    millrace: /^NONE member new epoch \S+ assigned \d; consumer (Stable|Reconciling) consumer$/,
  },
  {
    why: 'partitions are assigned by a later heartbeat; millrace assigns them in the first one',
    cells: /^absent: ShareGroupHeartbeat: (a new member|the member joins again)$/,
    kafka: /^NONE member \w+ epoch same-1; share Stable share$/,
    millrace: /^NONE member \w+ epoch same\+0; share Stable share$/,
  },
  {
    why: 'an epoch without a member id fails with a NullPointerException',
    cells: /^(consumer|streams), .*: OffsetFetch: an epoch without member id$/,
    kafka: /^UNKNOWN_SERVER_ERROR ;/,
    millrace: /^UNKNOWN_MEMBER_ID ;/,
  },
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
      .map(({ name }) => ({ name, our: ours.get(name) ?? '', their: theirs.get(name) ?? '' }))
      .filter(({ our, their }) => our !== their)
      .map((cell) => ({ ...cell, known: differences.find((each) => isCaseOf(each, cell)) }))
    assert.deepEqual(
      differing
        .filter(({ known }) => known === undefined)
        .map(({ name, our, their }) => `${name}: ${our}, not ${their}`),
      [],
    )
    const seen = new Set(differing.map(({ known }) => known))
    assert.deepEqual(
      differences.filter((each) => !seen.has(each)).map(({ why }) => why),
      [],
      'no longer a difference',
    )
    assert.deepEqual(
      [...theirs].filter(([, outcome]) => outcome.startsWith('setup')),
      [],
    )
    t.diagnostic(`${theirs.size} cells, of which ${differing.length} differ on purpose`)
  })
})

function isCaseOf(
  { cells, kafka, millrace }: (typeof differences)[number],
  cell: { readonly name: string; readonly our: string; readonly their: string },
): boolean {
  return cells.test(cell.name) && kafka.test(cell.their) && millrace.test(cell.our)
}
