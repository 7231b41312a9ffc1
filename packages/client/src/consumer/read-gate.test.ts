// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ReadGate } from './read-gate.ts'

/** A gate, the time, and the work that waits for a read. */
class Bench {
  nowMs = 0
  readonly gate = new ReadGate(() => this.nowMs)
  passed = 0

  async wait(): Promise<void> {
    await this.gate.inside()
    this.passed++
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('work that may change partitions', () => {
  it('waits for a read, and each time again', async () => {
    const bench = new Bench()
    void bench.wait()
    void bench.wait()
    await turn()
    assert.equal(bench.passed, 0, 'no read is active')
    bench.gate.begin('poll')
    await turn()
    assert.equal(bench.passed, 2, 'a read began')
    await bench.wait()
    assert.equal(bench.passed, 3, 'a read is active')
    bench.gate.end()
    void bench.wait()
    await turn()
    assert.equal(bench.passed, 3, 'the read ended')
  })

  it('misses a read that ended before the work could continue', async () => {
    const bench = new Bench()
    void bench.wait()
    bench.gate.begin('poll')
    bench.gate.end()
    await turn()
    assert.equal(bench.passed, 0)
  })

  it('continues when the consumer is closed', async () => {
    const bench = new Bench()
    void bench.wait()
    bench.gate.close()
    await turn()
    assert.equal(bench.passed, 1)
    assert.equal(bench.gate.isClosed, true)
    await bench.wait()
  })
})

it('only one way to read is active at a time', () => {
  const { gate } = new Bench()
  gate.begin('run')
  assert.throws(() => gate.begin('poll'), {
    code: 'MILLRACE_CONCURRENT_READ',
    message: /^poll while run is in progress/,
  })
  gate.end()
  gate.begin('poll')
})

describe('progress of the application', () => {
  const cells: readonly (readonly [what: string, act: (gate: ReadGate) => void, atMs: number])[] = [
    ['none since the last question', () => {}, 10],
    ['the next record was requested', (gate) => gate.progress(), 20],
    ['a read began', (gate) => gate.begin('poll'), 20],
    ['a read ended', (gate) => gate.end(), 20],
    [
      'several handlers: that of the slowest',
      (gate) => gate.attach({ settle: async () => {}, progressMs: () => 13 }),
      13,
    ],
    [
      'a reader that ended is not asked',
      (gate) => {
        gate.attach({ settle: async () => {}, progressMs: () => 13 })
        gate.end()
      },
      20,
    ],
  ]
  for (const [what, act, atMs] of cells) {
    it(`${what}: ${atMs}`, () => {
      const bench = new Bench()
      bench.nowMs = 10
      assert.equal(bench.gate.lastProgressMs(), 10)
      bench.nowMs = 20
      act(bench.gate)
      assert.equal(bench.gate.lastProgressMs(), atMs)
      bench.nowMs = 30
      assert.equal(bench.gate.lastProgressMs(), atMs, 'asked again')
    })
  }
})

it('settling waits for the handlers of the active way to read', async () => {
  const { gate } = new Bench()
  await gate.settle([])
  const { promise, resolve } = Promise.withResolvers<void>()
  gate.attach({ settle: () => promise, progressMs: () => 0 })
  let isSettled = false
  const settled = gate.settle([]).then(() => {
    isSettled = true
  })
  await turn()
  assert.equal(isSettled, false)
  resolve()
  await settled
})
