// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Event } from '../event.ts'
import { EventQueue, type Run, type Taken } from './event-queue.ts'

const run = (first: number, count: number): Run => ({
  first,
  events: Array.from({ length: count }, (_, index) => Event.text(String(first + index))),
})

function queueOf(...runs: readonly Run[]): EventQueue {
  const queue = new EventQueue()
  for (const each of runs) queue.push(each)
  return queue
}

function shown({ events, positions }: Taken): readonly number[] {
  assert.deepEqual(
    events.map(({ body }) => Number(body)),
    positions,
  )
  return positions
}

describe('a queue of runs', () => {
  /** Runs, then what each `take` returns. */
  const rows: readonly (readonly [
    title: string,
    runs: readonly (readonly [first: number, count: number])[],
    takes: readonly (readonly [max: number, positions: readonly number[]])[],
  ])[] = [
    ['that is empty', [], [[5, []]]],
    [
      'returns a run',
      [[0, 3]],
      [
        [3, [0, 1, 2]],
        [3, []],
      ],
    ],
    [
      'returns a part of a run',
      [[0, 3]],
      [
        [2, [0, 1]],
        [2, [2]],
      ],
    ],
    [
      'joins runs',
      [
        [0, 2],
        [7, 2],
      ],
      [[9, [0, 1, 7, 8]]],
    ],
    [
      'joins a run and a part',
      [
        [0, 2],
        [7, 2],
      ],
      [
        [3, [0, 1, 7]],
        [3, [8]],
      ],
    ],
    [
      'returns nothing for nothing',
      [[0, 2]],
      [
        [0, []],
        [9, [0, 1]],
      ],
    ],
    [
      'has no empty runs',
      [
        [0, 0],
        [1, 1],
      ],
      [
        [1, [1]],
        [1, []],
      ],
    ],
  ]
  for (const [title, runs, takes] of rows) {
    it(title, () => {
      const queue = queueOf(...runs.map(([first, count]) => run(first, count)))
      for (const [max, positions] of takes) assert.deepEqual(shown(queue.take(max)), positions)
    })
  }

  it('returns a run that fits unchanged', () => {
    const whole = run(0, 3)
    assert.equal(queueOf(whole, run(3, 1)).take(3).events, whole.events)
  })

  it('has restored events before all others, in order', () => {
    const queue = queueOf(run(0, 2), run(2, 2), run(4, 2))
    const [first, second] = [queue.take(2), queue.take(2)]
    queue.giveBack(second)
    queue.giveBack(first)
    assert.equal(queue.count, 6)
    assert.deepEqual(shown(queue.take(3)), [0, 1, 2])
    assert.deepEqual(shown(queue.take(9)), [3, 4, 5])
    assert.equal(queue.count, 0)
  })

  it('restores what was joined from several runs', () => {
    const queue = queueOf(run(0, 2), run(7, 2))
    const taken = queue.take(3)
    queue.giveBack(taken)
    assert.deepEqual(shown(queue.take(2)), [0, 1])
    assert.deepEqual(shown(queue.take(2)), [7, 8])
  })

  it('is empty when it is cleared', () => {
    const queue = queueOf(run(0, 2))
    queue.giveBack(queue.take(1))
    queue.clear()
    assert.deepEqual([queue.count, queue.take(9).events.length], [0, 0])
  })

  it('returns each event once and in order, whatever is taken and restored', () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat(5) }),
      fc.record({ take: fc.nat(7), isReturned: fc.boolean() }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new EventQueue()
        const taken: number[] = []
        let next = 0
        for (const each of steps) {
          if ('push' in each) {
            queue.push(run(next, each.push))
            next += each.push
          } else {
            const part = queue.take(each.take)
            if (each.isReturned) queue.giveBack(part)
            else taken.push(...shown(part))
          }
          assert.equal(queue.count, next - taken.length)
        }
        taken.push(...shown(queue.take(1000)))
        assert.deepEqual(
          taken,
          Array.from({ length: next }, (_, index) => index),
        )
      }),
    )
  })
})
