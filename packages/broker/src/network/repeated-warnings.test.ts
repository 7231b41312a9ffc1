// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RepeatedWarnings } from './repeated-warnings.ts'

/** Timers that fire when time is set. */
function start() {
  let nowMs = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  const warnings = new RepeatedWarnings({
    setTimer(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  })
  const lines: string[] = []
  return {
    warnings,
    lines,
    timers,
    report: (address: string, kind: string) =>
      warnings.report(address, kind, (count) => lines.push(`${address} ${kind} ${count}`)),
    advance(toMs: number) {
      nowMs = toMs
      for (const timer of [...timers]) {
        if (timer.atMs > toMs) continue
        timers.delete(timer)
        timer.run()
      }
    },
  }
}

describe('warnings of clients that have not authenticated', () => {
  it('are logged once a minute for each address and kind, with the number of those between', () => {
    const { report, advance, lines } = start()
    const table: readonly [atMs: number, address: string, kind: string, expected: string[]][] = [
      [0, 'a', 'login', ['a login 0']],
      [1, 'a', 'login', []],
      [2, 'a', 'probe', ['a probe 0']],
      [3, 'b', 'login', ['b login 0']],
      [59_999, 'a', 'login', []],
      [60_000, 'a', 'login', ['a login 1']],
      [60_003, 'b', 'login', ['b login 0']],
      [120_000, 'c', 'login', ['a login 0', 'c login 0']],
      [180_000, 'a', 'login', ['a login 0']],
    ]
    for (const [atMs, address, kind, expected] of table) {
      lines.length = 0
      advance(atMs)
      report(address, kind)
      assert.deepEqual(lines, expected, `${address} ${kind} at ${atMs}`)
    }
  })

  it('remember a thousand windows, and end the oldest', () => {
    const { report, lines, timers, warnings } = start()
    report('a0', 'login')
    for (let i = 0; i <= 1000; i++) report(`a${i}`, 'login')
    assert.deepEqual(lines.slice(-2), ['a0 login 0', 'a1000 login 0'])
    assert.equal(timers.size, 1000)
    warnings.close()
    assert.equal(timers.size, 0)
  })
})
