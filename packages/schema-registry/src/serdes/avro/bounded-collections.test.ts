// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avroType } from './avro-type.ts'

/** Bytes of longs and texts, as Avro encodes them. */
function bytes(...parts: readonly (number | string)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part)
      let rest = part < 0 ? BigInt(part) * -2n - 1n : BigInt(part) * 2n
      const found: number[] = []
      for (; rest > 127n; rest >>= 7n) found.push(Number(rest & 127n) | 128)
      return Buffer.from([...found, Number(rest)])
    }),
  )
}

const record = (name: string, type: unknown): object => ({
  type: 'record',
  name,
  fields: [{ name: 'f', type }],
})

const hostile: Readonly<Record<string, readonly [schema: unknown, data: Buffer]>> = {
  'an array with a huge count': [{ type: 'array', items: 'int' }, bytes(1e12)],
  'an array with a huge count in a block with a size': [
    { type: 'array', items: 'int' },
    bytes(-1e12, 1),
  ],
  'an array of nulls': [{ type: 'array', items: 'null' }, bytes(1e12, 0)],
  'an array of empty records': [
    { type: 'array', items: { type: 'record', name: 'E', fields: [] } },
    bytes(1e12, 0),
  ],
  'an array of arrays': [
    { type: 'array', items: { type: 'array', items: 'null' } },
    bytes(1e12, 1e12),
  ],
  'an array whose texts have negative lengths': [{ type: 'array', items: 'string' }, bytes(1, -2)],
  'an array whose bytes have negative lengths': [{ type: 'array', items: 'bytes' }, bytes(1, -2)],
  'a map with a huge count': [{ type: 'map', values: 'null' }, bytes(1e12)],
  'a map with keys of negative lengths': [{ type: 'map', values: 'null' }, bytes(1, -2)],
  'an array in a record': [record('R', { type: 'array', items: 'long' }), bytes(1e12)],
  'an array in a union': [['null', { type: 'array', items: 'long' }], bytes(1, 1e12)],
}

describe('the collections of a record from others', () => {
  for (const [name, [schema, data]] of Object.entries(hostile)) {
    it(`end with their bytes: ${name}`, () => {
      const type = avroType(schema)
      assert.throws(() => {
        if (type.decode(data, 0).offset < 0) throw new RangeError('truncated')
      }, RangeError)
    })
    it(`end with their bytes when they are skipped: ${name}`, () => {
      const written = { type: 'record', name: 'W', fields: [{ name: 'skipped', type: schema }] }
      const writer = avroType(written)
      const reader = avroType({ type: 'record', name: 'W', fields: [] })
      const resolver = reader.createResolver(writer)
      assert.throws(() => {
        if (reader.decode(data, 0, resolver).offset < 0) throw new RangeError('truncated')
      }, RangeError)
    })
  }

  it('end with their bytes when a block of negative size is skipped', () => {
    const field = { name: 'skipped', type: { type: 'array', items: 'int' } }
    const writer = avroType({ type: 'record', name: 'W', fields: [field] })
    const reader = avroType({ type: 'record', name: 'W', fields: [] })
    const resolver = reader.createResolver(writer)
    assert.throws(() => reader.decode(bytes(-1, -2), 0, resolver), RangeError)
  })

  it('are read unchanged', () => {
    const cases = [
      [{ type: 'array', items: 'int' }, [1, 2, 3]],
      [{ type: 'array', items: 'null' }, Array(1000).fill(null)],
      [
        { type: 'map', values: 'string' },
        { a: 'x', b: 'y' },
      ],
      [record('R', { type: 'array', items: { type: 'map', values: 'int' } }), { f: [{ a: 1 }] }],
    ] as const
    for (const [schema, value] of cases) {
      const type = avroType(schema)
      assert.deepEqual({ ...(type.fromBuffer(type.toBuffer(value)) as object) }, { ...value })
      const resolver = type.createResolver(avroType(schema))
      assert.deepEqual(
        { ...(type.fromBuffer(type.toBuffer(value), resolver) as object) },
        { ...value },
      )
    }
  })

  it('keep a key such as __proto__ an ordinary one', () => {
    const type = avroType({ type: 'map', values: { type: 'map', values: 'int' } })
    const data = bytes(1, 9, '__proto__', 1, 1, 'a', 7, 0, 0)
    const value = type.fromBuffer(data) as object
    assert.deepEqual(Object.keys(value), ['__proto__'])
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
  })
})
