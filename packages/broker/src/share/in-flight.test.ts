// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DeliveryState, InFlight, InFlightBatch, isTerminal, type Range } from './in-flight.ts'

const { Available, Acquired, Acknowledged, Archiving, Archived } = DeliveryState
const letters = 'AQKGX'

function rangeOf(first: number, last: number, state: DeliveryState = Acquired): Range {
  return { first, last, state, deliveryCount: 1, memberId: 'm', dueMs: 100 }
}

function textOf(batch: InFlightBatch): string {
  return batch.ranges
    .map(
      ({ first, last, state, deliveryCount }) =>
        `${first}-${last}:${letters[state]}${deliveryCount}`,
    )
    .join(' ')
}

describe('a batch in flight', () => {
  const K = { state: Acknowledged }
  const cells: readonly (readonly [
    changes: readonly (readonly [number, number, Partial<Range>])[],
    text: string,
  ])[] = [
    [[[10, 19, K]], '10-19:K1'],
    [[[10, 12, K]], '10-12:K1 13-19:Q1'],
    [[[17, 19, K]], '10-16:Q1 17-19:K1'],
    [[[12, 15, K]], '10-11:Q1 12-15:K1 16-19:Q1'],
    [[[12, 12, K]], '10-11:Q1 12-12:K1 13-19:Q1'],
    [[[0, 11, K]], '10-11:K1 12-19:Q1'],
    [[[18, 30, K]], '10-17:Q1 18-19:K1'],
    [[[0, 9, K]], '10-19:Q1'],
    [[[20, 29, K]], '10-19:Q1'],
    [
      [
        [10, 14, K],
        [15, 19, K],
      ],
      '10-19:K1',
    ],
    [
      [
        [10, 11, K],
        [14, 15, K],
        [12, 13, K],
      ],
      '10-15:K1 16-19:Q1',
    ],
    [[[12, 15, { deliveryCount: 2 }]], '10-11:Q1 12-15:Q2 16-19:Q1'],
    [
      [
        [12, 15, K],
        [12, 15, { state: Acquired }],
      ],
      '10-19:Q1',
    ],
  ]
  for (const [changes, text] of cells) {
    it(`${JSON.stringify(changes.map(([first, last]) => `${first}-${last}`))} → ${text}`, () => {
      const batch = new InFlightBatch(rangeOf(10, 19))
      for (const [first, last, change] of changes) batch.change(first, last, change)
      assert.equal(textOf(batch), text)
    })
  }

  it('merges neighbours only if everything about them is the same', () => {
    for (const change of [
      { memberId: 'n' },
      { dueMs: 5 },
      { deliveryCount: 9 },
      { state: Available },
    ]) {
      const batch = new InFlightBatch(rangeOf(0, 9))
      batch.change(5, 9, change)
      assert.equal(batch.ranges.length, 2, JSON.stringify(change))
    }
  })

  it('has ranges without gaps, whatever is changed', () => {
    const change = fc.record({
      first: fc.integer({ min: -2, max: 22 }),
      length: fc.integer({ min: 1, max: 12 }),
      state: fc.constantFrom(Available, Acquired, Acknowledged, Archived),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const batch = new InFlightBatch(rangeOf(0, 19))
        const expected = Array<DeliveryState>(20).fill(Acquired)
        for (const { first, length, state } of changes) {
          batch.change(first, first + length - 1, { state })
          expected.fill(state, Math.max(0, first), Math.max(0, first + length))
        }
        assert.deepEqual([batch.ranges[0]?.first, batch.ranges.at(-1)?.last], [0, 19])
        for (let offset = 0; offset < 20; offset++) {
          assert.equal(batch.at(offset)?.state, expected[offset], `offset ${offset}`)
        }
        for (const [i, range] of batch.ranges.entries()) {
          const next = batch.ranges[i + 1]
          if (next === undefined) continue
          assert.equal(next.first, range.last + 1)
          assert.notEqual(next.state, range.state, 'neighbours that are alike are one')
        }
      }),
    )
  })

  it('returns the parts of its ranges between two offsets', () => {
    const batch = new InFlightBatch(rangeOf(10, 19))
    batch.change(13, 15, K)
    const between = (first: number, last: number): string =>
      batch
        .between(first, last)
        .map((range) => `${range.first}-${range.last}`)
        .join(' ')
    assert.equal(between(12, 14), '12-12 13-14')
    assert.equal(between(0, 99), '10-12 13-15 16-19')
    assert.equal(between(15, 15), '15-15')
    assert.equal(between(20, 30), '')
    assert.deepEqual([batch.at(9), batch.at(20)], [undefined, undefined])
    assert.equal(batch.size, 10)
  })
})

describe('a state of records', () => {
  it('is terminal when the group is done with them', () => {
    const states = [Available, Acquired, Acknowledged, Archiving, Archived]
    assert.deepEqual(
      states.map((state) => isTerminal(rangeOf(0, 0, state))),
      [false, false, true, false, true],
    )
  })
})

describe('batches in flight', () => {
  const flightOf = (...firsts: readonly number[]): InFlight => {
    const flight = new InFlight()
    for (const first of firsts) flight.add(new InFlightBatch(rangeOf(first, first + 4)))
    return flight
  }
  const firsts = (batches: readonly InFlightBatch[]): number[] => batches.map(({ first }) => first)

  it('are in the order of offsets, however they were added', () => {
    assert.deepEqual(firsts(flightOf(20, 0, 10, 30).batches), [0, 10, 20, 30])
  })

  const flight = flightOf(0, 10, 20)
  const cells: readonly (readonly [
    offset: number,
    floor: number | undefined,
    after: number | undefined,
  ])[] = [
    [-1, undefined, 0],
    [0, 0, 10],
    [4, 0, 10],
    [7, 0, 10],
    [10, 10, 20],
    [20, 20, undefined],
    [99, 20, undefined],
  ]
  for (const [offset, floor, after] of cells) {
    it(`at ${offset}: begins before or there ${floor}, after it ${after}`, () => {
      assert.equal(flight.floor(offset)?.first, floor)
      assert.equal(flight.after(offset)?.first, after)
    })
  }

  it('are found by ranges', () => {
    assert.deepEqual(firsts(flight.beginning(0, 10)), [0, 10])
    assert.deepEqual(firsts(flight.beginning(1, 19)), [10])
    assert.deepEqual(firsts(flight.around(12, 20)), [10, 20])
    assert.deepEqual(firsts(flight.around(-5, -1)), [])
  })

  it('are dropped from the front', () => {
    const some = flightOf(0, 10, 20)
    some.dropBefore(10)
    assert.deepEqual(firsts(some.batches), [10, 20])
    assert.deepEqual([some.first?.first, some.last?.first], [10, 20])
    some.clear()
    assert.deepEqual([some.first, some.last], [undefined, undefined])
  })
})
