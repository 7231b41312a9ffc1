// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ChannelState } from './channel-state.ts'
import type { Frame } from './frames.ts'

const NOW = 1_000_000
const DAY = 24 * 3600 * 1000

function put(first: number, count: number, fanOutId?: string): Frame {
  const fanOut = fanOutId === undefined ? undefined : { id: fanOutId, coordinatorId: 'c' }
  return { kind: 'put', first, count, received: undefined, fanOut, events: () => [] }
}
const take = (...ranges: number[]): Frame => ({ kind: 'take', ranges })
const commit = (fanOutId: string): Frame => ({ kind: 'commit', fanOutId })
const rollback = (fanOutId: string): Frame => ({ kind: 'rollback', fanOutId })

/** A state after these frames, which are 100 bytes each. */
function replayed(frames: readonly Frame[], state = new ChannelState()): ChannelState {
  frames.forEach((frame, index) => {
    state.replay(frame, { segment: 1, offset: index * 100 }, NOW)
  })
  state.finishReplay(0)
  return state
}

interface Case {
  readonly title: string
  readonly frames: readonly Frame[]
  readonly size: number
  readonly floor: number
  /** Position of the next event. */
  readonly next: number
  readonly undecided?: readonly string[]
}

const cases: readonly Case[] = [
  { title: 'nothing', frames: [], size: 0, floor: 0, next: 0 },
  { title: 'puts', frames: [put(0, 2), put(2, 3)], size: 5, floor: 0, next: 5 },
  {
    title: 'the first put defines the floor',
    frames: [put(100, 2)],
    size: 2,
    floor: 100,
    next: 102,
  },
  {
    title: 'a gap between puts is gone',
    frames: [put(0, 2), put(10, 1)],
    size: 3,
    floor: 0,
    next: 11,
  },
  { title: 'takes from the start', frames: [put(0, 5), take(0, 3)], size: 2, floor: 3, next: 5 },
  { title: 'takes out of order', frames: [put(0, 5), take(2, 4)], size: 3, floor: 0, next: 5 },
  {
    title: 'takes that close a gap raise the floor',
    frames: [put(0, 5), take(2, 4), take(0, 2)],
    size: 1,
    floor: 4,
    next: 5,
  },
  {
    title: 'a prepared put counts until it is decided',
    frames: [put(0, 1), put(1, 2, 'f')],
    size: 3,
    floor: 0,
    next: 3,
    undecided: ['f'],
  },
  {
    title: 'a committed fan-out',
    frames: [put(0, 2, 'f'), commit('f')],
    size: 2,
    floor: 0,
    next: 2,
  },
  {
    title: 'a fan-out that was rolled back is gone',
    frames: [put(0, 2, 'f'), put(2, 1), rollback('f')],
    size: 1,
    floor: 2,
    next: 3,
  },
  {
    title: 'a rollback of an unknown fan-out changes nothing',
    frames: [put(0, 1), rollback('x')],
    size: 1,
    floor: 0,
    next: 1,
  },
]

describe('the state of a file channel', () => {
  for (const { title, frames, size, floor, next, undecided = [] } of cases) {
    it(`replays ${title}, also from a checkpoint after any frame`, () => {
      for (let before = 0; before <= frames.length; before++) {
        const first = replayed(frames.slice(0, before))
        const end = { segment: 1, offset: before * 100 }
        const restored = new ChannelState()
        if (before > 0) {
          restored.restore(first.checkpoint(end, { segment: 1, offset: 0 }, NOW))
        }
        const state = replayed(frames.slice(before), restored)
        assert.equal(state.size, size)
        assert.equal(state.floor, floor)
        assert.deepEqual(
          state.undecided.map(({ id }) => id),
          undecided,
        )
        assert.equal(state.assign(1), next)
      }
    })
  }

  it('begins above every position that an earlier opening may have assigned', () => {
    const state = new ChannelState()
    state.replay(put(5, 2), { segment: 1, offset: 0 }, NOW)
    state.finishReplay(1000)
    assert.equal(state.size, 2)
    assert.equal(state.assign(3), 1000)
    assert.equal(state.isGone(500), true)
  })

  it('discards positions whose write failed, and settles the others in order', () => {
    const state = replayed([])
    const [one, two] = [state.assign(2), state.assign(3)]
    assert.equal(state.settledPosition, 0)
    state.notWritten(one, 2)
    assert.deepEqual([state.size, state.settledPosition], [3, 2])
    state.written(two, 3, { segment: 1, offset: 0 })
    assert.deepEqual([state.size, state.floor, state.settledPosition], [3, 2, 5])
  })

  it('reads from the last mark before the first event', () => {
    const state = new ChannelState()
    const mebibyte = 1024 * 1024
    for (let i = 0; i < 4; i++) {
      state.replay(put(i * 10, 10), { segment: 1, offset: i * mebibyte }, NOW)
    }
    state.finishReplay(0)
    const start = { segment: 1, offset: 0 }
    const end = { segment: 1, offset: 4 * mebibyte }
    assert.equal(state.checkpoint(end, start, NOW).readFrom.offset, 0)
    state.taken([0, 25])
    assert.equal(state.checkpoint(end, start, NOW).readFrom.offset, 2 * mebibyte)
    state.taken([25, 40])
    assert.equal(state.checkpoint(end, start, NOW).readFrom.offset, end.offset, 'nothing is left')
  })

  it('reports lost events once', () => {
    const state = replayed([put(0, 10), take(0, 4)])
    assert.equal(state.lost(0, 6), 2)
    assert.equal(state.lost(0, 6), 0)
  })

  it('forgets a decision after seven days', () => {
    const state = replayed([put(0, 1, 'f'), commit('f')])
    const checkpointAt = (nowMs: number) =>
      state.checkpoint({ segment: 1, offset: 200 }, { segment: 1, offset: 0 }, nowMs).decided.length
    assert.equal(state.hasDecided('f'), true)
    assert.equal(checkpointAt(NOW + 7 * DAY), 1)
    assert.equal(checkpointAt(NOW + 7 * DAY + 1), 0)
    assert.equal(state.hasDecided('f'), false)
  })
})
