// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LeaderEpochs } from './leader-epochs.ts'

const epochs = (): LeaderEpochs =>
  new LeaderEpochs([
    { epoch: 1, startOffset: 0n },
    { epoch: 3, startOffset: 10n },
    { epoch: 5, startOffset: 20n },
  ])

describe('leader epochs', () => {
  it('end where the next one starts, the latest at the end of the log', () => {
    assert.deepEqual(epochs().endOf(5, 30n), { epoch: 5, endOffset: 30n })
    assert.deepEqual(epochs().endOf(3, 30n), { epoch: 3, endOffset: 20n })
    assert.deepEqual(
      epochs().endOf(2, 30n),
      { epoch: 1, endOffset: 10n },
      'the largest known before it',
    )
    assert.equal(epochs().endOf(6, 30n), undefined)
    assert.deepEqual(epochs().endOf(0, 30n), { epoch: 0, endOffset: 0n }, 'older than all')
  })

  it('only increase', () => {
    const some = epochs()
    assert.equal(some.assign(5, 25n), false)
    assert.equal(some.assign(4, 25n), false)
    assert.equal(some.assign(6, 25n), true)
    assert.equal(some.latestEpoch, 6)
    assert.equal(some.epochAt(24n), 5)
    assert.equal(some.epochAt(25n), 6)
  })

  it('are truncated with the log at either end', () => {
    const some = epochs()
    some.truncateStart(12n)
    assert.deepEqual(some.entries, [
      { epoch: 3, startOffset: 12n },
      { epoch: 5, startOffset: 20n },
    ])
    some.truncateEnd(20n)
    assert.deepEqual(some.entries, [{ epoch: 3, startOffset: 12n }])
  })
})
