// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecordBatch } from '@millrace/protocol'
import { type EndMarker, endMarkerBatch } from './control-batch.ts'
import { ProducerState } from './producer-state.ts'
import { batchOf } from './testing/test-log.ts'

interface Sent {
  readonly epoch?: number
  readonly sequence: number
  readonly count?: number
  readonly isTransactional?: boolean
  readonly timestamp?: number
}

let nextOffset = 0n

function batch({ epoch = 0, sequence, count = 1, isTransactional = false, timestamp = 1 }: Sent) {
  const records = Array.from({ length: count }, (_, i) => ({ value: `${i}`, timestamp }))
  return batchOf(records, {
    producerId: 7n,
    producerEpoch: epoch,
    baseSequence: sequence,
    isTransactional,
  })
}

/** The state after batches that are in the log, the first at offset 100. */
function stateAfter(...sent: readonly Sent[]): ProducerState {
  const state = new ProducerState()
  nextOffset = 100n
  for (const each of sent) {
    const stored = batch(each)
    stored.baseOffset = nextOffset
    nextOffset = stored.nextOffset
    state.update(stored)
  }
  return state
}

function outcome(run: () => unknown): unknown {
  try {
    return run() ?? 'new'
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

const MAX = 0x7fffffff
const repeated = (baseOffset: bigint, lastOffset: bigint) => ({ baseOffset, lastOffset })

describe('a batch of a producer', () => {
  const six = [0, 1, 2, 3, 4, 5].map((sequence) => ({ sequence }))
  const cases: readonly (readonly [string, readonly Sent[], Sent, unknown])[] = [
    ['of an unknown producer is new, whatever its sequence', [], { sequence: 9 }, 'new'],
    ['with the next sequence is new', [{ sequence: 0, count: 3 }], { sequence: 3 }, 'new'],
    ['with a gap is refused', [{ sequence: 0 }], { sequence: 2 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    [
      'that overlaps the last one is refused',
      [{ sequence: 0, count: 3 }],
      { sequence: 2 },
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ],
    [
      'again is a repetition',
      [{ sequence: 0, count: 3 }],
      { sequence: 0, count: 3 },
      repeated(100n, 102n),
    ],
    [
      'again with another count is refused',
      [{ sequence: 0, count: 3 }],
      { sequence: 1, count: 2 },
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ],
    ['again is a repetition as the fifth of the last', six, { sequence: 1 }, repeated(101n, 101n)],
    ['again is refused beyond the last five', six, { sequence: 0 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['after the largest sequence starts at 0', [{ sequence: MAX }], { sequence: 0 }, 'new'],
    [
      'after a batch across the largest sequence continues it',
      [{ sequence: MAX - 1, count: 4 }],
      { sequence: 2 },
      'new',
    ],
    [
      'of an older epoch is fenced',
      [{ epoch: 3, sequence: 0 }],
      { epoch: 2, sequence: 1 },
      'INVALID_PRODUCER_EPOCH',
    ],
    ['of a newer epoch starts at 0', [{ sequence: 5 }], { epoch: 1, sequence: 0 }, 'new'],
    [
      'of a newer epoch with another sequence is refused',
      [{ sequence: 5 }],
      { epoch: 1, sequence: 6 },
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ],
    [
      'of an older epoch is not a duplicate after a newer epoch',
      [{ sequence: 0 }, { epoch: 1, sequence: 0 }],
      { epoch: 0, sequence: 0 },
      'INVALID_PRODUCER_EPOCH',
    ],
    [
      'outside of its open transaction is refused',
      [{ sequence: 0, isTransactional: true }],
      { sequence: 1 },
      'INVALID_TXN_STATE',
    ],
    [
      'inside of its open transaction is new',
      [{ sequence: 0, isTransactional: true }],
      { sequence: 1, isTransactional: true },
      'new',
    ],
  ]
  for (const [name, before, sent, expected] of cases) {
    it(name, () => {
      const state = stateAfter(...before)
      assert.deepEqual(
        outcome(() => state.check(batch(sent), 't-0')),
        expected,
      )
    })
  }
})

describe('a transaction marker', () => {
  const open = { epoch: 4, sequence: 0, isTransactional: true }
  const closed = { epoch: 4, sequence: 0 }
  const last = { epoch: 32767, sequence: 0, isTransactional: true }
  type Row = readonly [string, readonly Sent[], Partial<EndMarker>, unknown]
  const cases: readonly Row[] = [
    ['of an unknown producer is accepted', [], { producerEpoch: 0 }, 'new'],
    ['v1 of the epoch is accepted', [open], { producerEpoch: 4 }, 'new'],
    ['v1 of an older epoch is fenced', [open], { producerEpoch: 3 }, 'INVALID_PRODUCER_EPOCH'],
    ['v1 of a newer epoch is accepted', [open], { producerEpoch: 5 }, 'new'],
    [
      'v2 of the epoch of an open transaction is fenced',
      [open],
      { producerEpoch: 4, transactionVersion: 2 },
      'INVALID_PRODUCER_EPOCH',
    ],
    [
      'v2 of the next epoch is accepted',
      [open],
      { producerEpoch: 5, transactionVersion: 2 },
      'new',
    ],
    ['v2 again is accepted', [closed], { producerEpoch: 4, transactionVersion: 2 }, 'new'],
    [
      'v2 of the last epoch is accepted',
      [last],
      { producerEpoch: 32767, transactionVersion: 2 },
      'new',
    ],
    [
      'v2 of an older epoch is fenced without an open transaction',
      [closed],
      { producerEpoch: 3, transactionVersion: 2 },
      'INVALID_PRODUCER_EPOCH',
    ],
  ]
  const marker: EndMarker = {
    producerId: 7n,
    producerEpoch: 0,
    coordinatorEpoch: 1,
    isCommitted: true,
    transactionVersion: 1,
  }
  for (const [name, before, changes, expected] of cases) {
    it(name, () => {
      const state = stateAfter(...before)
      assert.equal(
        outcome(() => state.checkMarker({ ...marker, ...changes }, 't-0')),
        expected,
      )
    })
  }

  it('of an older coordinator is fenced, of the same or a newer one accepted', () => {
    const state = stateAfter(open)
    complete(state, { coordinatorEpoch: 5, isAborted: false })
    const check = (coordinatorEpoch: number) =>
      outcome(() => state.checkMarker({ ...marker, producerEpoch: 4, coordinatorEpoch }, 't-0'))
    assert.deepEqual([4, 5, 6].map(check), ['TRANSACTION_COORDINATOR_FENCED', 'new', 'new'])
  })

  it('ends the transaction that is open, and returns its range', () => {
    const state = stateAfter({ sequence: 0 }, open)
    assert.equal(state.firstUnstableOffset, 101n)
    assert.ok(state.hasOpenTransaction(7n, 4))
    assert.ok(!state.hasOpenTransaction(7n, 3))
    assert.deepEqual(complete(state, { isAborted: true }), {
      producerId: 7n,
      firstOffset: 101n,
      lastOffset: nextOffset,
      isAborted: true,
    })
    assert.equal(state.firstUnstableOffset, undefined)
    assert.equal(complete(state, { isAborted: true }), undefined)
  })

  function complete(
    state: ProducerState,
    { isAborted, coordinatorEpoch = 1 }: { isAborted: boolean; coordinatorEpoch?: number },
  ) {
    const stored = endMarkerBatch({ ...marker, producerEpoch: 4, isCommitted: !isAborted }, 1n)
    stored.baseOffset = nextOffset
    return state.complete(stored, { isAborted, coordinatorEpoch })
  }
})

describe('producer state', () => {
  it('expires producers that wrote before a time and have no transaction open', () => {
    const rows = [
      { before: 9n, isTransactional: false, stays: true },
      { before: 10n, isTransactional: false, stays: true },
      { before: 11n, isTransactional: false, stays: false },
      { before: 11n, isTransactional: true, stays: true },
    ]
    for (const { before, isTransactional, stays } of rows) {
      const state = stateAfter({ sequence: 0, timestamp: 10, isTransactional })
      state.expire(before)
      assert.equal(state.producers.size, stays ? 1 : 0, `${before} ${isTransactional}`)
    }
  })

  it('is the same after a snapshot is restored, but for older batches', () => {
    const state = stateAfter(
      { sequence: 0 },
      { sequence: 1, count: 2 },
      { sequence: 3, isTransactional: true, timestamp: 5 },
    )
    const restored = new ProducerState()
    restored.restore(state.snapshot())
    assert.equal(restored.firstUnstableOffset, 103n)
    assert.deepEqual(
      outcome(() => restored.check(batch({ sequence: 3, isTransactional: true }), 't-0')),
      repeated(103n, 103n),
    )
    assert.equal(
      outcome(() => restored.check(batch({ sequence: 4, isTransactional: true }), 't-0')),
      'new',
    )
    assert.deepEqual(restored.snapshot(), state.snapshot())
  })

  it('refuses a corrupt snapshot', () => {
    const whole = stateAfter({ sequence: 0 }).snapshot()
    const flipped = Buffer.from(whole)
    flipped.writeUInt8(whole.readUInt8(20) ^ 1, 20)
    for (const damaged of [Buffer.alloc(0), whole.subarray(0, 9), whole.subarray(0, -1), flipped]) {
      assert.throws(() => new ProducerState().restore(damaged), { code: 'MILLRACE_CORRUPT_FILE' })
    }
  })

  it('ignores batches without a producer id', () => {
    const state = new ProducerState()
    state.update(new RecordBatch(batchOf(['plain']).bytes))
    assert.equal(state.producers.size, 0)
  })
})
