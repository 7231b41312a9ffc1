// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeMessageIndexes, encodeMessageIndexes } from './message-index.ts'

/** Indexes, their bytes, and the bytes of old Python clients. */
const rows: readonly (readonly [indexes: readonly number[], hex: string, deprecated: string])[] = [
  [[0], '00', '00'],
  [[1], '0202', '0101'],
  [[2, 0], '040400', '020200'],
  [[0, 0], '040000', '020000'],
  [[63, 64], '047e8001', '023f40'],
  [[1, 300, 70_000], '0602d804e0c508', '0301ac02f0a204'],
]

describe('message indexes', () => {
  for (const [indexes, hex, deprecated] of rows) {
    it(`${indexes.join()} are ${hex}`, () => {
      assert.equal(Buffer.from(encodeMessageIndexes(indexes)).toString('hex'), hex)
      const old = encodeMessageIndexes(indexes, { deprecated: true })
      assert.equal(Buffer.from(old).toString('hex'), deprecated)
      const size = hex.length / 2
      const bytes = Buffer.from(`${hex}0805`, 'hex')
      assert.deepEqual(decodeMessageIndexes(bytes), { indexes, size })
      const oldBytes = Buffer.from(`${deprecated}ff`, 'hex')
      assert.deepEqual(decodeMessageIndexes(oldBytes, { deprecated: true }).indexes, indexes)
    })
  }

  for (const [hex, message] of [
    ['', /end within/],
    ['04', /end within/],
    ['0480', /end within/],
    ['01', /negative/],
    ['ffffffffffff', /longer than 5 bytes/],
    ['d00f', /1000 message indexes; at most 100/],
  ] as const) {
    it(`refuses ${hex || 'nothing'}`, () => {
      assert.throws(() => decodeMessageIndexes(Buffer.from(hex, 'hex')), message)
    })
  }
})
