// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ControlProcess } from './control-process.ts'
import { type ExchangeTime, exchangesDuring, periodOf } from './exchange-times.ts'

describe('times of exchanges', () => {
  const usual: ExchangeTime = { elapsedMs: 6, queuedMs: 1, controlMs: 4 }
  const cells: readonly (readonly [
    what: string,
    time: ExchangeTime,
    slowestMs: number,
    longestMs: number,
  ])[] = [
    ['what the server takes is counted', { elapsedMs: 208, queuedMs: 0, controlMs: 4 }, 208, 208],
    ['not what the control takes too', { elapsedMs: 208, queuedMs: 0, controlMs: 190 }, 22, 208],
    ['not the queue for a processor', { elapsedMs: 208, queuedMs: 200, controlMs: 4 }, 8, 8],
    ['only the longer of the two', { elapsedMs: 208, queuedMs: 100, controlMs: 154 }, 58, 108],
    ['a fast control adds nothing', { elapsedMs: 50, queuedMs: 0, controlMs: 1 }, 50, 50],
  ]
  for (const [what, time, slowestMs, longestMs] of cells) {
    it(what, () => {
      const period = periodOf([usual, time, usual], 4)
      assert.deepEqual([period.slowestMs, period.longestMs], [slowestMs, longestMs])
    })
  }

  it('are measured with the control at the same time: a slow server is found', async () => {
    await using control = await ControlProcess.start()
    const times = await exchangesDuring(sleep(700), {
      // A server that does not answer for 300 ms.
      exchange: () => sleep(300),
      control: () => control.exchange(),
      queuedMs: () => 0,
    })
    assert.ok(times.length >= 1)
    assert.ok(periodOf(times).longestMs >= 299)
    // On an idle machine the whole of it is counted; a stall of the machine may hide some of it.
    assert.ok(times.every(({ controlMs }) => controlMs > 0))
  })

  it('report a failed exchange when the work is over', async () => {
    let isWorkOver = false
    const work = sleep(50).then(() => {
      isWorkOver = true
    })
    const measured = exchangesDuring(work, {
      exchange: () => Promise.reject(new Error('refused')),
      control: async () => 1,
      queuedMs: () => 0,
    })
    await assert.rejects(measured, /refused/)
    assert.ok(isWorkOver)
  })
})
