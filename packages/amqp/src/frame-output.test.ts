// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FrameOutput } from './frame-output.ts'

/** An output, and the sizes of the buffers of each write. */
function output(): {
  readonly writes: number[][]
  readonly frames: FrameOutput
  readonly calls: string[]
  accepts: boolean
} {
  const writes: number[][] = []
  const calls: string[] = []
  const state = { writes, calls, accepts: true }
  const frames = new FrameOutput(
    {
      write: (buffers) => {
        writes.push(buffers.map(({ length }) => length))
        return state.accepts
      },
    },
    { onTurnEnd: () => calls.push('turn'), onFull: () => calls.push('full') },
  )
  return Object.assign(state, { frames })
}

const KIB = 1024

describe('frames that wait to be written', () => {
  it('are written once at the end of the turn', async () => {
    const { frames, calls, writes } = output()
    frames.write(Buffer.alloc(1), [])
    frames.write(Buffer.alloc(2), [Buffer.alloc(3)])
    assert.deepEqual([calls, writes], [[], []])
    await undefined
    assert.deepEqual(calls, ['turn'])
    assert.equal(frames.flush(), true)
    assert.equal(frames.flush(), false)
    assert.deepEqual(writes, [[6]])
    frames.write(Buffer.alloc(1), [])
    await undefined
    assert.deepEqual(calls, ['turn', 'turn'])
  })

  for (const [what, sizes, expected] of [
    ['one is not copied', [5], [[5]]],
    ['up to 64 KiB are joined', [32 * KIB, 32 * KIB], [[64 * KIB]]],
    ['more than 64 KiB are not copied', [32 * KIB, 32 * KIB + 1], [[32 * KIB, 32 * KIB + 1]]],
  ] as const) {
    it(`share a write: ${what}`, () => {
      const { frames, writes } = output()
      for (const size of sizes) frames.write(Buffer.alloc(size), [])
      frames.flush()
      assert.deepEqual(writes, expected)
    })
  }

  it('are written before the end of the turn if they exceed 1 MiB', () => {
    const { frames, calls } = output()
    frames.write(Buffer.alloc(KIB), [Buffer.alloc(KIB * KIB - KIB)])
    assert.deepEqual(calls, [])
    frames.write(Buffer.alloc(1), [])
    assert.deepEqual(calls, ['full'])
  })

  it('are preceded by what sessions have merged', () => {
    const { frames, writes } = output()
    let flushed = 0
    frames.flushLater({
      flush: () => {
        flushed++
        frames.write(Buffer.alloc(7), [])
      },
    })
    frames.flush()
    frames.flush()
    assert.deepEqual([flushed, writes], [1, [[7]]])
  })

  it('of replies are counted until the peer has read everything', () => {
    const state = output()
    const { frames } = state
    state.accepts = false
    frames.write(Buffer.alloc(10), [])
    // Message data is limited by windows and credit.
    frames.write(Buffer.alloc(10), [Buffer.alloc(5)])
    frames.flush()
    assert.deepEqual([frames.isFull, frames.replyBytes], [true, 10])
    state.accepts = true
    frames.write(Buffer.alloc(10), [])
    frames.flush()
    assert.deepEqual([frames.isFull, frames.replyBytes], [true, 20])
    frames.drained()
    assert.deepEqual([frames.isFull, frames.replyBytes], [false, 0])
    frames.write(Buffer.alloc(10), [])
    assert.equal(frames.replyBytes, 10)
    frames.flush()
    assert.equal(frames.replyBytes, 0)
  })

  it('are noted, so that no heartbeat is needed', () => {
    const { frames } = output()
    assert.equal(frames.hasWritten, false)
    frames.flush()
    assert.equal(frames.hasWritten, false)
    frames.write(Buffer.alloc(1), [])
    frames.flush()
    assert.equal(frames.hasWritten, true)
  })

  it('are discarded when the connection is gone', () => {
    const { frames, writes } = output()
    frames.write(Buffer.alloc(1), [])
    frames.close()
    frames.write(Buffer.alloc(1), [])
    assert.equal(frames.flush(), false)
    assert.deepEqual(writes, [])
  })
})
