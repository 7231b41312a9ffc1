// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { Assignment } from './assignment.ts'
import { OffsetCommits, type OffsetToCommit } from './offset-commits.ts'

type Parts = ConstructorParameters<typeof OffsetCommits>[0]

/** Commits with a clock and a group that the test controls. */
class Bench {
  readonly assignment = new Assignment()
  readonly commits: OffsetCommits
  readonly sent: string[] = []
  readonly warnings: string[] = []
  nowMs = 0
  /** Outcome of the next commits. */
  outcome: () => Promise<void> = async () => {}

  constructor(enableAutoCommit = true) {
    const parts = {
      assignment: this.assignment,
      committed: {
        commit: (offsets: readonly OffsetToCommit[], timeoutMs: number) => {
          const list = offsets.map(
            ({ topic, partition, offset, leaderEpoch }) =>
              `${topic}-${partition}@${offset}${leaderEpoch === undefined ? '' : `/${leaderEpoch}`}`,
          )
          this.sent.push(`${list.join(' ')} within ${timeoutMs}`)
          return this.outcome()
        },
        fetch: async () => new Map([['t-1', { topic: 't', partition: 1, offset: 9n }]]),
      },
      cluster: {
        clock: { monotonic: () => this.nowMs },
        options: {
          logger: {
            ...silentLogger,
            warn: (message: string) => void this.warnings.push(message),
          },
        },
      },
      options: { enableAutoCommit, autoCommitIntervalMs: 1000, defaultApiTimeoutMs: 60_000 },
    }
    this.commits = new OffsetCommits(parts as unknown as Parts)
  }

  /** Assigns partitions with their positions; handled up to there. */
  assign(positions: Readonly<Record<number, bigint | undefined>>) {
    const places = Object.keys(positions).map((key) => ({ topic: 't', partition: Number(key) }))
    const states = this.assignment.add(places)
    for (const state of states) {
      const offset = positions[state.partition]
      if (offset === undefined) continue
      state.seek({ offset, leaderEpoch: 2 })
    }
    return states
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the offsets of a commit', () => {
  it('are all positions by default', async () => {
    const bench = new Bench()
    bench.assign({ 0: 5n, 1: undefined, 2: 7n })
    await bench.commits.commit(undefined)
    assert.deepEqual(bench.sent, ['t-0@5/2 t-2@7/2 within 60000'])
  })

  it('are those that are given', async () => {
    const bench = new Bench()
    await bench.commits.commit([{ topic: 't', partition: 3, offset: 4n }])
    assert.deepEqual(bench.sent, ['t-3@4 within 60000'])
  })

  it('that fail are an error of the call', async () => {
    const bench = new Bench()
    bench.outcome = async () => {
      throw new Error('refused')
    }
    await assert.rejects(bench.commits.commit(undefined), /refused/)
    assert.deepEqual(bench.warnings, [])
  })

  it('are fetched in the order of the request', async () => {
    const found = await new Bench().commits.fetch([
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ])
    assert.deepEqual(
      found.map((each) => each?.offset ?? null),
      [null, 9n],
    )
  })
})

describe('the periodic commit', () => {
  /** Times at which it may start, and those at which it does. */
  const rows: readonly (readonly [times: readonly number[], starts: readonly number[]])[] = [
    [[0, 999], []],
    [[1000], [1000]],
    [
      [1000, 1500, 1999, 2000],
      [1000, 2000],
    ],
    // The interval begins with the last start.
    [
      [1700, 2000, 2699, 2700],
      [1700, 2700],
    ],
  ]
  for (const [times, starts] of rows) {
    it(`at ${times.join(', ')} starts at ${starts.join(', ') || 'none'}`, async () => {
      const bench = new Bench()
      bench.assign({ 0: 5n })
      const started: number[] = []
      for (const nowMs of times) {
        bench.nowMs = nowMs
        const before = bench.sent.length
        bench.commits.commitIfDue()
        if (bench.sent.length > before) started.push(nowMs)
        await settled()
      }
      assert.deepEqual(started, starts)
    })
  }

  it('waits for the one before', async () => {
    const bench = new Bench()
    bench.assign({ 0: 5n })
    const first = Promise.withResolvers<void>()
    bench.outcome = () => first.promise
    for (const nowMs of [1000, 2000, 3000]) {
      bench.nowMs = nowMs
      bench.commits.commitIfDue()
    }
    assert.equal(bench.sent.length, 1)
    first.reject(new Error('of the broker'))
    await settled()
    assert.deepEqual(bench.warnings, ['auto-commit failed'])
    bench.commits.commitIfDue()
    assert.equal(bench.sent.length, 2)
  })

  it('is off without enableAutoCommit, as are commits before revocation and close', async () => {
    const bench = new Bench(false)
    const states = bench.assign({ 0: 5n })
    bench.nowMs = 10_000
    bench.commits.commitIfDue()
    await bench.commits.commitBeforeRevocation(states)
    await bench.commits.commitBeforeClose(states, 1000)
    assert.deepEqual(bench.sent, [])
  })
})

describe('the commit before a revocation or the close', () => {
  it('has the partitions that are handled and not revoked', async () => {
    const bench = new Bench()
    const [first, second, third] = bench.assign({ 0: 5n, 1: undefined, 2: 7n })
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    await bench.commits.commitBeforeRevocation([second, third])
    third.revoke()
    await bench.commits.commitBeforeRevocation([first, third])
    assert.deepEqual(bench.sent, ['t-2@7/2 within 5000', 't-0@5/2 within 5000'])
  })

  it('has a limited time, and its failure is only logged', async () => {
    const bench = new Bench()
    const states = bench.assign({ 0: 5n })
    bench.outcome = async () => {
      throw new Error('too late')
    }
    await bench.commits.commitBeforeRevocation(states)
    await bench.commits.commitBeforeClose(states, 100)
    await bench.commits.commitBeforeClose(states, 100_000)
    assert.deepEqual(
      bench.sent.map((each) => each.split(' ').at(-1)),
      ['5000', '100', '5000'],
    )
    assert.deepEqual(bench.warnings, [
      'could not commit the offsets of revoked partitions',
      'the last commit failed',
      'the last commit failed',
    ])
  })

  it('at the close follows the periodic one', async () => {
    const bench = new Bench()
    const states = bench.assign({ 0: 5n })
    const first = Promise.withResolvers<void>()
    bench.outcome = () => first.promise
    bench.nowMs = 1000
    bench.commits.commitIfDue()
    const closing = bench.commits.commitBeforeClose(states, 1000)
    await settled()
    assert.equal(bench.sent.length, 1)
    first.resolve()
    await closing
    assert.equal(bench.sent.length, 2)
  })
})
