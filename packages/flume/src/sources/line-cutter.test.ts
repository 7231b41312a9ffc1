// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LineCutter } from './line-cutter.ts'

/** Chunks, and the lines with `|` before what the end of the stream adds. */
const rows: readonly (readonly [
  chunks: readonly string[],
  lines: string,
  withCarriageReturns?: string,
])[] = [
  [[], '|'],
  [['a\n'], 'a|'],
  [['a'], '|a'],
  [['a\nb'], 'a|b'],
  [['a', 'b', '\n', 'c'], 'ab|c'],
  [['\n\n'], ',|'],
  [['a\r\nb\r', '\nc\r'], 'a,b|c'],
  [['a\r\r\n'], 'a\r|', 'a,|'],
  [['a\rb\n', 'c\rd'], 'a\rb|c\rd', 'a,b|c,d'],
  [['\ra\n'], '\ra|', ',a|'],
]

describe('lines of a stream', () => {
  for (const [chunks, lines, withCarriageReturns = lines] of rows) {
    it(`of ${JSON.stringify(chunks)}`, () => {
      for (const cutsAtCarriageReturn of [false, true]) {
        const cutter = new LineCutter({ cutsAtCarriageReturn })
        const cut = chunks.flatMap((chunk) => cutter.push(Buffer.from(chunk)))
        assert.equal(
          `${cut.join(',')}|${cutter.end().join(',')}`,
          cutsAtCarriageReturn ? withCarriageReturns : lines,
        )
        assert.deepEqual(cutter.end(), [], 'the end is returned once')
      }
    })
  }
})
