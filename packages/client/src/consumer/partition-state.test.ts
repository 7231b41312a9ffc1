// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytes } from '../serde/serde.ts'
import { numberedBatch } from '../testing/fetch-script.ts'
import { FetchedData } from './fetched-data.ts'
import { PartitionState } from './partition-state.ts'

const deserializers = { key: bytes(), value: bytes() }
const decode = { checkCrcs: true, isReadCommitted: false, deserializersOf: () => deserializers }

/**
 * Commands to a partition: `seek 5`, `add 0+10` (ten records from offset 0), `take 3`, `consume`,
 * `reset earliest`, `revoke`, `confirm 9`.
 */
function run(script: string): PartitionState {
  const state = new PartitionState('t', 0)
  for (const command of script.split(', ')) {
    const [what, argument = ''] = command.split(' ')
    switch (what) {
      case 'seek':
        state.seek({ offset: BigInt(argument), leaderEpoch: -1 })
        break
      case 'add': {
        const batches = argument.split('|').map((batch) => {
          const [from = 0, count = 0] = batch.split('+').map(Number)
          return numberedBatch(from, count)
        })
        state.add(new FetchedData(Buffer.concat(batches), []))
        break
      }
      case 'take':
        state.take(Number(argument), decode)
        break
      case 'consume':
        state.consumedAll()
        break
      case 'reset':
        state.requestReset('earliest')
        break
      case 'revoke':
        state.revoke()
        break
      case 'confirm':
        state.confirm({ offset: BigInt(argument), leaderEpoch: -1 })
        break
      default:
        assert.fail(`a command ${what}`)
    }
  }
  return state
}

/** position, handled, next fetch, and whether there are records. */
function textOf(state: PartitionState): string {
  const { position, handled, fetchOffset, hasData } = state
  return `${position?.offset} ${handled?.offset} ${fetchOffset} ${hasData ? 'data' : 'none'}`
}

describe('a partition of a consumer', () => {
  const cells: readonly (readonly [script: string, text: string, why: string])[] = [
    ['seek 5', '5 5 5 none', 'a position is fetched from'],
    ['seek 0, add 0+10', '0 0 10 data', 'the next fetch is after the buffered records'],
    ['seek 0, add 0+10, take 3', '0 0 10 data', 'taken records are not handled'],
    ['seek 0, add 0+10, take 3, consume', '3 3 10 data', 'until the caller says so'],
    ['seek 0, add 0+10, take 10, consume', '10 10 10 none', 'all records of a batch'],
    ['seek 0, add 0+10, take 99, consume', '10 10 10 none', 'no more than there are'],
    ['seek 4, add 0+10, take 99, consume', '10 10 10 none', 'a batch that begins earlier'],
    ['seek 0, add 0+3|3+4, take 99, consume', '7 7 7 none', 'batches of one fetch'],
    ['seek 0, add 0+3, add 3+4, take 99, consume', '3 3 7 data', 'one fetch at a time'],
    ['seek 0, add 0+3, add 3+4, take 3, take 4, consume', '7 7 7 none', 'fetch after fetch'],
    ['seek 0, add 0+10, take 3, seek 5', '5 5 5 none', 'a seek discards what is buffered'],
    ['seek 0, add 0+10, take 3, seek 5, consume', '5 5 5 none', 'and what was taken'],
    ['seek 0, reset earliest', 'undefined undefined undefined none', 'a reset needs a lookup'],
    [
      'seek 5, add 5+5, take 2, revoke',
      '5 5 undefined none',
      'a revoked one keeps what was handled',
    ],
    ['seek 5, add 5+5, take 2, consume, revoke', '7 7 undefined none', ''],
    ['seek 5, add 5+5, take 2, revoke, consume', '5 5 undefined none', 'and does not move'],
    ['seek 5, confirm 9', '5 9 5 none', 'a commit by hand counts as handled'],
    ['seek 5, confirm 3', '5 5 5 none', 'unless it is lower'],
    ['seek 5, confirm 9, seek 6', '6 6 6 none', 'a seek takes precedence'],
  ]
  for (const [script, text, why] of cells) {
    it(`${script} → ${text} ${why}`, () => assert.equal(textOf(run(script)), text))
  }

  it('counts its buffered bytes down as batches are decoded', () => {
    const size = numberedBatch(0, 3).length
    const state = run('seek 0, add 0+3|3+3')
    assert.equal(state.bufferedBytes, 2 * size)
    state.take(3, decode)
    assert.equal(state.bufferedBytes, size)
    state.take(3, decode)
    assert.equal(state.bufferedBytes, 0)
  })

  it('is unchanged by a fetch without a whole batch', () => {
    for (const buffer of [Buffer.alloc(0), numberedBatch(0, 3).subarray(0, 40)]) {
      const state = run('seek 0')
      state.add(new FetchedData(buffer, []))
      assert.equal(textOf(state), '0 0 0 none')
    }
  })

  it('counts its seekCount, so that records taken before one are recognized', () => {
    const { seekCount } = run('seek 0')
    assert.equal(run('seek 0, add 0+3, take 2, consume').seekCount, seekCount)
    assert.ok(run('seek 0, seek 1').seekCount > seekCount)
    assert.ok(run('seek 0, reset').seekCount > seekCount)
  })

  it('returns the records before a damaged batch first, then the error each time', () => {
    const damaged = Buffer.concat([numberedBatch(0, 3), numberedBatch(3, 3)])
    damaged[damaged.length - 1] = 0xff
    const state = new PartitionState('t', 0)
    state.seek({ offset: 0n, leaderEpoch: -1 })
    state.add(new FetchedData(damaged, []))
    assert.equal(state.take(10, decode).length, 3)
    state.consumedAll()
    for (let i = 0; i < 2; i++) {
      assert.throws(() => state.take(10, decode), { code: 'CORRUPT_MESSAGE' })
      assert.equal(state.position?.offset, 3n)
    }
    const unchecked = { ...decode, checkCrcs: false }
    assert.equal(state.take(10, unchecked).length, 3, 'unless checks are off')
  })

  it('follows a cursor while records are returned one by one', () => {
    const state = run('seek 0, add 0+10, take 5')
    let [out, done] = [2n, 1n]
    state.follow({
      delivered: () => ({ offset: out, leaderEpoch: 0 }),
      handled: () => ({ offset: done, leaderEpoch: 0 }),
    })
    assert.equal(textOf(state), '2 1 10 data')
    ;[out, done] = [5n, 4n]
    assert.equal(textOf(state), '5 4 10 data')
    state.revoke()
    assert.equal(textOf(state), '4 4 undefined none')
  })
})
