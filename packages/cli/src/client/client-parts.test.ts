// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineSplitter } from './line-splitter.ts'
import { parseOffsetSpec } from './offset-spec.ts'
import { amount } from './progress.ts'
import { compileFormat } from './record-format.ts'

describe('a line splitter', () => {
  it('splits arbitrary bytes at newlines, however they are chunked', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 50 }),
        (data, size) => {
          const bytes = Buffer.from(data.map((byte) => (byte < 30 ? 10 : byte)))
          const splitter = new LineSplitter(1000)
          const lines: Buffer[] = []
          for (let at = 0; at < bytes.length; at += size) {
            lines.push(...splitter.push(bytes.subarray(at, at + size)))
          }
          const last = splitter.finish()
          if (last !== undefined) lines.push(last)
          const expected = bytes.toString('latin1').split('\n')
          if (expected.at(-1) === '') expected.pop()
          assert.deepEqual(
            lines.map((line) => line.toString('latin1')),
            expected,
          )
        },
      ),
    )
  })

  it('reports the number of a line that is too long', () => {
    const splitter = new LineSplitter(5)
    assert.throws(
      () => splitter.push(Buffer.from('a\nb\nccccccc')),
      /line 3 is longer than 5 bytes/,
    )
  })
})

describe('places', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  it('are parsed from their command line form', () => {
    assert.deepEqual(parseOffsetSpec('from', 'beginning', now), { kind: 'beginning' })
    assert.deepEqual(parseOffsetSpec('from', '12', now), { kind: 'offset', offset: 12n })
    assert.deepEqual(parseOffsetSpec('from', '-3', now), { kind: 'last', count: 3n })
    assert.deepEqual(parseOffsetSpec('from', '2h', now), {
      kind: 'time',
      timestamp: now - 7_200_000,
    })
    assert.deepEqual(parseOffsetSpec('from', '2026-11-21T08:00:00Z', now), {
      kind: 'time',
      timestamp: now - 4 * 3_600_000,
    })
    assert.throws(
      () => parseOffsetSpec('from', 'yesterday', now),
      /invalid --from yesterday: expected beginning/,
    )
  })
})

describe('formats', () => {
  const record = {
    topic: 't',
    partition: 1,
    offset: 7n,
    timestamp: 5,
    keyBytes: null,
    valueBytes: Buffer.from('v%\n'),
    headers: [
      { key: 'a', value: Buffer.from('1') },
      { key: 'b', value: null },
    ],
  }
  const print = (format: string): string =>
    Buffer.concat(compileFormat(format)(record as never)).toString('latin1')

  it("are kcat's", () => {
    assert.equal(print('%t %p %o %T|%k|%K|%s|%S|%h\\n'), 't 1 7 5||-1|v%\n|3|a=1,b=NULL\n')
    assert.equal(print('%%\\x41\\t\\\\%R'), '%A\t\\\0\0\0\x03')
    assert.throws(() => compileFormat('%z'), /unknown %z; expected one of %s %S/)
    assert.throws(() => compileFormat('\\q'), /unknown escape \\q/)
    assert.throws(() => compileFormat('50%'), /unknown %; expected one of/)
  })
})

describe('amounts', () => {
  it('are short', () =>
    assert.deepEqual([12, 1500, 2_000_000].map(amount), ['12 B', '1.5 kB', '2.0 MB']))
})
