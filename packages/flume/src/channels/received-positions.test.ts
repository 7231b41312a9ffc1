// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type BatchOrigin,
  coveredRanges,
  originOf,
  PositionSet,
  rangesOf,
} from '../batch-origin.ts'
import { Event } from '../event.ts'
import { ReceivedPositions } from './received-positions.ts'

const origin = (positions: readonly number[], more: Partial<BatchOrigin> = {}): BatchOrigin => ({
  id: 'o',
  floor: 0,
  positions,
  ...more,
})

const eventsOf = ({ positions }: BatchOrigin): Event[] =>
  positions.map((position) => Event.text(String(position)))

const bodies = (events: readonly Event[]): number[] => events.map(({ body }) => Number(body))

describe('ranges', () => {
  const rows: readonly (readonly [positions: readonly number[], ranges: readonly number[]])[] = [
    [[], []],
    [[0], [0, 1]],
    [
      [3, 4, 5],
      [3, 6],
    ],
    [
      [1, 3, 4, 9],
      [1, 2, 3, 5, 9, 10],
    ],
  ]
  for (const [positions, ranges] of rows) {
    it(`of ${JSON.stringify(positions)}`, () => {
      assert.deepEqual(rangesOf(positions), ranges)
      assert.deepEqual(coveredRanges(origin(positions)), ranges)
    })
  }

  it('of a batch with an end have no gaps', () => {
    assert.deepEqual(coveredRanges(origin([3, 9], { end: 20 })), [3, 20])
    assert.deepEqual(coveredRanges(origin([], { end: 20 })), [])
  })

  it('of a part of a batch are those of its events', () => {
    assert.deepEqual(
      originOf(origin([5, 7, 9], { floor: 2 }), [0, 2]),
      origin([5, 9], { floor: 2 }),
    )
  })
})

describe('a set of positions', () => {
  /** Ranges that are added; then the floor and the ranges above it. */
  const rows: readonly (readonly [
    added: readonly (readonly [number, number])[],
    floor: number,
    ranges: readonly number[],
  ])[] = [
    [[[0, 3]], 3, []],
    [[[2, 4]], 0, [2, 4]],
    [
      [
        [2, 4],
        [0, 2],
      ],
      4,
      [],
    ],
    [
      [
        [2, 4],
        [0, 1],
      ],
      1,
      [2, 4],
    ],
    [
      [
        [2, 4],
        [4, 6],
      ],
      0,
      [2, 6],
    ],
    [
      [
        [2, 4],
        [6, 8],
        [4, 6],
      ],
      0,
      [2, 8],
    ],
    [
      [
        [2, 4],
        [6, 8],
        [3, 7],
      ],
      0,
      [2, 8],
    ],
    [
      [
        [2, 4],
        [6, 8],
        [10, 12],
        [1, 11],
      ],
      0,
      [1, 12],
    ],
    [
      [
        [6, 8],
        [2, 4],
      ],
      0,
      [2, 4, 6, 8],
    ],
    [
      [
        [2, 4],
        [6, 8],
        [0, 7],
      ],
      8,
      [],
    ],
    [
      [
        [5, 5],
        [6, 4],
      ],
      0,
      [],
    ],
    [
      [
        [0, 5],
        [1, 3],
      ],
      5,
      [],
    ],
    [
      [
        [2, 9],
        [3, 5],
      ],
      0,
      [2, 9],
    ],
  ]
  for (const [added, floor, ranges] of rows) {
    it(`of ${JSON.stringify(added)}`, () => {
      const set = new PositionSet()
      for (const [from, to] of added) set.add(from, to)
      assert.deepEqual([set.floor, set.ranges], [floor, ranges])
      for (let position = 0; position < 13; position++) {
        const expected = added.some(([from, to]) => position >= from && position < to)
        assert.equal(set.has(position), expected, `position ${position}`)
      }
    })
  }

  it('grows to a new floor', () => {
    const set = new PositionSet(0, [2, 4, 6, 8, 10, 12])
    assert.equal(set.countAboveFloor, 6)
    set.raiseFloor(3)
    assert.deepEqual([set.floor, set.ranges], [4, [6, 8, 10, 12]])
    set.raiseFloor(9)
    assert.deepEqual([set.floor, set.ranges], [9, [10, 12]])
    set.raiseFloor(1)
    assert.equal(set.floor, 9)
  })
})

describe('a batch of a channel', () => {
  /** Positions of batches that are stored one after another, and the events that are new. */
  const rows: readonly (readonly [
    title: string,
    batches: readonly BatchOrigin[],
    admitted: readonly (readonly number[])[],
  ])[] = [
    [
      'is new',
      [origin([0, 1]), origin([2, 3])],
      [
        [0, 1],
        [2, 3],
      ],
    ],
    ['that arrives twice is stored once', [origin([0, 1]), origin([0, 1])], [[0, 1], []]],
    ['that overlaps is stored in part', [origin([0, 1]), origin([1, 2])], [[0, 1], [2]]],
    ['of another origin is new', [origin([0]), origin([0], { id: 'p' })], [[0], [0]]],
    // Without an end, positions between those of the batch were not received.
    ['fills a gap', [origin([0, 5]), origin([3])], [[0, 5], [3]]],
    ['has no gaps up to its end', [origin([0, 5], { end: 9 }), origin([3, 8, 9])], [[0, 5], [9]]],
    // Below its floor nothing is sent again.
    ['raises the floor', [origin([9], { floor: 9 }), origin([3])], [[9], []]],
  ]
  for (const [title, batches, admitted] of rows) {
    it(title, async () => {
      const received = new ReceivedPositions()
      const found = []
      for (const batch of batches) {
        const { events, settle } = await received.admit(eventsOf(batch), batch)
        found.push(bodies(events))
        settle(true)
      }
      assert.deepEqual(found, admitted)
    })
  }

  it('without an origin is new', async () => {
    const received = new ReceivedPositions()
    const events = [Event.text('1')]
    for (let time = 0; time < 2; time++) {
      const admission = await received.admit(events, undefined)
      assert.equal(admission.events, events)
      admission.settle(true)
    }
    assert.deepEqual(received.image(), [])
  })

  for (const [isKept, expected] of [
    [true, []],
    [false, [1, 2]],
  ] as const) {
    it(`waits for the same batch in progress, which is ${isKept ? '' : 'not '}kept`, async () => {
      const received = new ReceivedPositions()
      const batch = origin([1, 2])
      const first = await received.admit(eventsOf(batch), batch)
      let second: readonly Event[] | undefined
      const waiting = received.admit(eventsOf(batch), batch).then(({ events }) => {
        second = events
      })
      // Neither another origin nor other positions wait.
      for (const other of [origin([3, 4]), origin([1, 2], { id: 'p' })]) {
        assert.equal((await received.admit(eventsOf(other), other)).events.length, 2)
      }
      assert.equal(second, undefined)
      first.settle(isKept)
      await waiting
      assert.deepEqual(bodies(second ?? []), expected)
    })
  }

  it('is known after a restart', async () => {
    const before = new ReceivedPositions()
    before.note(origin([4, 5, 9], { floor: 3 }))
    const after = new ReceivedPositions()
    after.restore(before.image())
    const again = origin([3, 4, 6, 9])
    assert.deepEqual(bodies((await after.admit(eventsOf(again), again)).events), [3, 6])
    assert.equal(after.floorOf('o'), 3)
    assert.equal(after.floorOf('p'), undefined)
  })

  it('of the origin that was used least recently is forgotten first', () => {
    const received = new ReceivedPositions()
    for (let i = 0; i < 10_000; i++) received.noteRanges(`o${i}`, 0, [0, 1])
    received.noteRanges('o0', 0, [1, 2])
    received.noteRanges('new', 0, [0, 1])
    assert.equal(received.floorOf('o1'), undefined)
    assert.equal(received.floorOf('o0'), 2)
    assert.equal(received.floorOf('new'), 1)
  })
})
