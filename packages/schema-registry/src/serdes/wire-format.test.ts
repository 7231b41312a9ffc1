// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { guidPrefix, idPrefix, readSchemaId } from './wire-format.ts'

const guid = 'ef524ea1-b91e-7317-3d93-8ade36c1db32'

describe('schema ids', () => {
  it('are read as they are written', () => {
    assert.equal(idPrefix(39).toString('hex'), '0000000027')
    assert.deepEqual(readSchemaId(Buffer.from('0000000027aa', 'hex')), {
      id: { kind: 'id', id: 39 },
      end: 5,
    })
    assert.equal(guidPrefix(guid).toString('hex'), '01ef524ea1b91e73173d938ade36c1db32')
    assert.deepEqual(readSchemaId(guidPrefix(guid)), { id: { kind: 'guid', guid }, end: 17 })
  })

  it('are refused in other forms, with what was found', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /found no bytes/],
      ['00000000', /found 4 bytes that start with 00000000/],
      ['01ef', /found 2 bytes/],
      ['7b2261223a317d', /found 7 bytes that start with 7b2261223a317d/],
    ]
    for (const [hex, message] of cases) {
      assert.throws(() => readSchemaId(Buffer.from(hex, 'hex')), { message, name: /Malformed/ })
    }
    assert.throws(() => guidPrefix('x'), /x is not a GUID/)
  })
})
