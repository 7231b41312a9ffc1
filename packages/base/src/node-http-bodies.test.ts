// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ArrivingBodies } from './node-http-bodies.ts'

const KIB = 1024

type Step =
  | readonly [name: string, bytes: number, outcome: 'kept' | 'refused', aborted?: readonly string[]]
  | readonly ['wait', ms: number]
  | readonly ['end', name: string]

const table: Readonly<Record<string, readonly Step[]>> = {
  'a stalled body makes room': [
    ['a', 400 * KIB, 'kept'],
    ['b', 400 * KIB, 'kept'],
    ['wait', 1000],
    ['b', 1, 'kept'],
    ['c', 400 * KIB, 'kept', ['a']],
  ],
  'of several stalled ones, the one that stalled first': [
    ['a', 300 * KIB, 'kept'],
    ['wait', 10],
    ['b', 300 * KIB, 'kept'],
    ['wait', 5],
    ['a', 1, 'kept'],
    ['wait', 1000],
    ['c', 500 * KIB, 'kept', ['b']],
  ],
  'without a stalled one, the slowest body, which may be the new one': [
    ['a', 100 * KIB, 'kept'],
    ['wait', 500],
    ['b', 700 * KIB, 'kept'],
    ['b', 300 * KIB, 'kept', ['a']],
    ['c', 0, 'kept'],
    ['wait', 100],
    ['c', 100 * KIB, 'refused'],
  ],
  'small bodies are closed last': [
    ['a', 10 * KIB, 'kept'],
    ['wait', 5000],
    ['b', 500 * KIB, 'kept'],
    ['wait', 10],
    ['c', 600 * KIB, 'kept', ['b']],
  ],
  'many small bodies are bounded, too': [
    ...Array.from({ length: 15 }, (_, i) => [`s${i}`, 60 * KIB, 'kept'] as const),
    ['wait', 1000],
    ['x', 60 * KIB, 'kept'],
    ['y', 60 * KIB, 'kept', ['s0']],
  ],
  'a body that ended is not counted': [
    ['a', 900 * KIB, 'kept'],
    ['end', 'a'],
    ['end', 'a'],
    ['b', 900 * KIB, 'kept'],
  ],
}

describe('ArrivingBodies', () => {
  for (const [name, steps] of Object.entries(table)) {
    it(name, () => {
      let nowMs = 0
      const bodies = new ArrivingBodies(1000 * KIB, () => nowMs)
      const handles = new Map<string, ReturnType<ArrivingBodies['begin']>>()
      const aborted: string[] = []
      for (const [what, value, outcome, expected = []] of steps) {
        if (what === 'wait') nowMs += value as number
        else if (what === 'end') handles.get(value as string)?.end()
        else {
          const handle = handles.get(what) ?? bodies.begin(() => aborted.push(what))
          handles.set(what, handle)
          const isKept = handle.add(value as number)
          if (!isKept) handle.end()
          assert.equal(isKept, outcome === 'kept', what)
          assert.deepEqual(aborted.splice(0), expected, what)
        }
      }
      for (const handle of handles.values()) handle.end()
      assert.equal(bodies.bytes, 0)
    })
  }
})
