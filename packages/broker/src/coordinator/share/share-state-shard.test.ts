// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError } from '@millrace/protocol'
import { Effects } from '../runtime/effects.ts'
import { decodeShareState, encodeShareState, shareKeyText } from './share-state-record.ts'
import { type ShareStateEffects, ShareStateShard, type StateWrite } from './share-state-shard.ts'
import { mergeStateBatches, type StateBatch } from './state-batches.ts'

const key = { groupId: 'g', topicId: 't'.padEnd(21, 'x').concat('A'), partition: 0 }

/** `0-9:2x1` is a batch of ten records in state 2, delivered once. */
function batchesOf(text: string): StateBatch[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const [, first, last, state, count] = /^(\d+)-(\d+):(\d)x(\d+)$/.exec(word) ?? []
      return {
        firstOffset: BigInt(first ?? 0),
        lastOffset: BigInt(last ?? 0),
        deliveryState: Number(state),
        deliveryCount: Number(count),
      }
    })
}

function textOf(batches: readonly StateBatch[]): string {
  return batches
    .map(
      ({ firstOffset, lastOffset, deliveryState, deliveryCount }) =>
        `${firstOffset}-${lastOffset}:${deliveryState}x${deliveryCount}`,
    )
    .join(' ')
}

describe('newer batches of states over older ones', () => {
  const cells: readonly (readonly [
    older: string,
    newer: string,
    start: number,
    merged: string,
    why: string,
  ])[] = [
    ['', '0-9:2x1', 0, '0-9:2x1', 'the first'],
    ['0-9:0x1', '20-29:0x1', 0, '0-9:0x1 20-29:0x1', 'apart'],
    ['20-29:0x1', '0-9:0x1', 0, '0-9:0x1 20-29:0x1', 'in the order of offsets'],
    ['0-9:0x1', '0-9:2x1', 0, '0-9:2x1', 'the newer counts'],
    ['0-9:0x1', '3-5:2x1', 0, '0-2:0x1 3-5:2x1 6-9:0x1', 'in the middle'],
    ['0-9:0x1', '0-4:2x1', 0, '0-4:2x1 5-9:0x1', 'at the beginning'],
    ['5-9:0x1', '5-6:2x1', 0, '5-6:2x1 7-9:0x1', 'at the beginning of a later one'],
    ['0-9:0x1', '5-9:2x1', 0, '0-4:0x1 5-9:2x1', 'at the end'],
    ['0-9:0x1', '5-14:2x1', 0, '0-4:0x1 5-14:2x1', 'over the end'],
    ['5-9:0x1 20-29:0x1', '0-24:2x1', 0, '0-24:2x1 25-29:0x1', 'over several'],
    ['0-4:2x1', '5-9:2x1', 0, '0-9:2x1', 'neighbours that are alike are one'],
    ['0-4:2x1', '5-9:2x2', 0, '0-4:2x1 5-9:2x2', 'unless their counts differ'],
    ['0-4:2x1', '5-9:4x1', 0, '0-4:2x1 5-9:4x1', 'or their states'],
    ['0-9:2x1', '', 5, '5-9:2x1', 'records before the start are dropped'],
    ['0-4:2x1 5-9:0x1', '', 5, '5-9:0x1', 'whole batches'],
    ['0-9:2x1', '', 10, '', 'all of them'],
    ['0-9:0x1', '2-3:2x1 3-4:4x2', 0, '0-1:0x1 2-2:2x1 3-4:4x2 5-9:0x1', 'the last of several'],
  ]
  for (const [older, newer, start, merged, why] of cells) {
    it(`${older || 'none'} + ${newer || 'none'} from ${start} = ${merged || 'none'}: ${why}`, () => {
      const result = mergeStateBatches(batchesOf(older), batchesOf(newer), BigInt(start))
      assert.equal(textOf(result), merged)
    })
  }
})

class Bench {
  shard: ShareStateShard
  readonly #updates: number
  readonly log: { readonly key: Buffer; readonly value: Buffer | null }[] = []
  nowMs = 1000

  constructor(updatesPerSnapshot = 2) {
    this.#updates = updatesPerSnapshot
    this.shard = new ShareStateShard(updatesPerSnapshot)
  }

  /** The kinds of the records that a step writes, or its error. */
  step(run: (fx: ShareStateEffects) => void): string {
    const fx: ShareStateEffects = new Effects()
    try {
      run(fx)
    } catch (error) {
      assert.ok(error instanceof ProtocolError)
      return error.code
    }
    for (const record of fx.records) {
      const encoded = encodeShareState(record)
      this.log.push(encoded)
      this.shard.apply(
        decodeShareState(encoded.key, encoded.value),
        this.nowMs,
        undefined,
        BigInt(this.log.length - 1),
      )
    }
    return fx.records.map(({ kind, value }) => (value === null ? 'tombstone' : kind)).join(' ')
  }

  initialize(stateEpoch = 1, startOffset = 0n): string {
    return this.step((fx) =>
      this.shard.initialize(fx, key, { stateEpoch, startOffset }, this.nowMs),
    )
  }

  write(changes: Partial<StateWrite> = {}, batches = ''): string {
    return this.step((fx) =>
      this.shard.write(
        fx,
        {
          key,
          stateEpoch: 1,
          leaderEpoch: 0,
          startOffset: -1n,
          deliveryCompleteCount: -1,
          batches: batchesOf(batches),
          ...changes,
        },
        this.nowMs,
      ),
    )
  }

  restart(): void {
    this.shard = new ShareStateShard(this.#updates)
    for (const [offset, record] of this.log.entries()) {
      const decoded = decodeShareState(record.key, record.value)
      this.shard.apply(decoded, this.nowMs, undefined, BigInt(offset))
    }
  }

  get state() {
    return this.shard.states.get(shareKeyText(key))
  }

  get text(): string {
    const { state } = this
    if (state === undefined) return 'none'
    const { startOffset, deliveryCompleteCount, stateEpoch, leaderEpoch, batches } = state
    return `start=${startOffset} done=${deliveryCompleteCount} epochs=${stateEpoch}/${leaderEpoch} ${textOf(batches)}`.trim()
  }
}

describe('the state of a share partition (KIP-932)', () => {
  it('is initialized, written, and the same after a restart', () => {
    const bench = new Bench()
    assert.equal(bench.initialize(1, 5n), 'snapshot')
    assert.equal(bench.text, 'start=5 done=0 epochs=1/0')
    assert.equal(bench.write({ deliveryCompleteCount: 2 }, '5-9:2x1'), 'update')
    assert.equal(bench.write({ startOffset: 8n, leaderEpoch: 3 }, '12-12:4x5'), 'update')
    const text = 'start=8 done=2 epochs=1/3 8-9:2x1 12-12:4x5'
    assert.equal(bench.text, text)
    bench.restart()
    assert.equal(bench.text, text)
  })

  it('without a start offset has no count yet', () => {
    const bench = new Bench()
    bench.initialize(1, -1n)
    assert.equal(bench.text, 'start=-1 done=-1 epochs=1/0')
  })

  it('is a snapshot after a number of updates, which contains them', () => {
    const bench = new Bench(2)
    bench.initialize()
    const kinds = ['0-0', '1-1', '2-2', '3-3', '4-4', '5-5'].map((range) =>
      bench.write({}, `${range}:2x1`),
    )
    assert.deepEqual(kinds, ['update', 'update', 'snapshot', 'update', 'update', 'snapshot'])
    assert.equal(textOf(bench.state?.batches ?? []), '0-5:2x1')
    assert.equal(bench.state?.snapshotEpoch, 2)
    bench.restart()
    assert.equal(textOf(bench.state?.batches ?? []), '0-5:2x1')
  })

  const fences: readonly (readonly [Partial<StateWrite>, string])[] = [
    [{ stateEpoch: 1, leaderEpoch: 2 }, 'update'],
    [{ stateEpoch: 2, leaderEpoch: 3 }, 'update'],
    [{ stateEpoch: -1, leaderEpoch: -1 }, 'update'],
    [{ stateEpoch: 0, leaderEpoch: 2 }, 'FENCED_STATE_EPOCH'],
    [{ stateEpoch: 1, leaderEpoch: 1 }, 'FENCED_LEADER_EPOCH'],
    [{ stateEpoch: 0, leaderEpoch: 1 }, 'FENCED_LEADER_EPOCH'],
  ]
  for (const [changes, outcome] of fences) {
    it(`at state epoch 1 and leader epoch 2, ${JSON.stringify(changes)} → ${outcome}`, () => {
      const bench = new Bench()
      bench.initialize()
      bench.write({ leaderEpoch: 2 })
      assert.equal(bench.write(changes), outcome)
      assert.equal(
        bench.state?.leaderEpoch,
        Math.max(2, outcome === 'update' ? (changes.leaderEpoch ?? 0) : 0),
      )
    })
  }

  it('is reset by a state epoch that is not older', () => {
    const bench = new Bench()
    bench.initialize(2, 5n)
    bench.write({ stateEpoch: 2, leaderEpoch: 4 }, '5-9:2x1')
    assert.equal(bench.initialize(1, 0n), 'FENCED_STATE_EPOCH')
    assert.equal(bench.initialize(2, 7n), 'snapshot')
    assert.equal(bench.text, 'start=7 done=0 epochs=2/4')
    assert.equal(bench.initialize(3, 0n), 'snapshot')
    assert.equal(bench.state?.stateEpoch, 3)
  })

  it('does not exist before it is initialized, nor after it is deleted', () => {
    const bench = new Bench()
    assert.equal(bench.write(), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(
      bench.step((fx) => bench.shard.delete(fx, key)),
      '',
    )
    bench.initialize()
    assert.equal(
      bench.step((fx) => bench.shard.delete(fx, key)),
      'tombstone',
    )
    assert.equal(bench.text, 'none')
    assert.equal(bench.write(), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('is written as a snapshot when the last one is old and updates followed', () => {
    const bench = new Bench(10)
    bench.initialize()
    bench.write({}, '0-0:2x1')
    const cold = (): string => bench.step((fx) => bench.shard.snapshotCold(fx, bench.nowMs, 500))
    assert.equal(cold(), '', 'not old enough')
    bench.nowMs += 500
    assert.equal(cold(), 'snapshot')
    bench.nowMs += 5000
    assert.equal(cold(), '', 'nothing followed')
  })

  it('makes the log before its last snapshot redundant', () => {
    const bench = new Bench(1)
    assert.equal(bench.shard.redundantBefore, undefined)
    bench.initialize()
    assert.equal(bench.shard.redundantBefore, 0n)
    bench.write({}, '0-0:2x1')
    bench.write({}, '1-1:2x1')
    assert.equal(bench.shard.redundantBefore, 2n)
  })
})
