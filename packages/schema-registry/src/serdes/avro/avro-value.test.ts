// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { avroType, invalidValue } from './avro-type.ts'
import type { AvroValue } from './avro-value.ts'
import { Decimal } from './decimal.ts'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(isSame: Same<A, B>): void {
  assert.ok(isSame)
}

const order = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'PAID'] } },
    { name: 'before', type: ['null', 'State'] },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'counts', type: { type: 'map', values: 'int' } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
    { name: 'amount', type: ['int', 'double', 'null'] },
    {
      name: 'payment',
      type: [
        { type: 'record', name: 'Card', fields: [{ name: 'number', type: 'string' }] },
        { type: 'record', name: 'Cash', namespace: 'pay', fields: [] },
      ],
    },
  ],
} as const

type Order = AvroValue<typeof order>

const value: Order = {
  id: 2n ** 60n,
  note: null,
  state: 'NEW',
  before: 'PAID',
  price: Decimal.parse('12.50'),
  at: new Date(1_700_000_000_000),
  day: new Date(Date.UTC(2026, 0, 2)),
  tags: ['a'],
  counts: { x: 1 },
  hash: Buffer.from([1, 2]),
  amount: { double: 0.5 },
  payment: { 'pay.Cash': {} },
}

describe('types of Avro literals', () => {
  it('are those of the values that are read', () => {
    same<Order['id'], bigint>(true)
    same<Order['note'], string | null>(true)
    same<Order['state'], 'NEW' | 'PAID'>(true)
    same<Order['before'], 'NEW' | 'PAID' | null>(true)
    same<Order['price'], Decimal>(true)
    same<Order['day'], Date | null>(true)
    same<Order['tags'], string[]>(true)
    same<Order['counts'], Record<string, number>>(true)
    same<Order['hash'], Buffer>(true)
    same<Order['amount'], { int: number } | { double: number } | null>(true)
    same<AvroValue<'string'>, string>(true)
    same<AvroValue<{ readonly type: 'long' }>, bigint>(true)
    const type = avroType(order)
    const read = type.fromBuffer(type.toBuffer(value)) as Order
    assert.deepEqual(JSON.parse(stringify(read)), JSON.parse(stringify(value)))
    assert.equal(read.id, 2n ** 60n)
    assert.equal(read.price.toString(), '12.50')
    assert.ok(read.at instanceof Date && read.day instanceof Date)
  })

  it('refuse values of other types when they are written', () => {
    const type = avroType(order)
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ ...value, id: 2n ** 63n }, /id is 9223372036854775808n; expected "long"/],
      [{ ...value, id: 2 ** 60 }, /id is 1152921504606847000; expected "long"/],
      [{ ...value, state: 'OLD' }, /state is 'OLD'; expected .*"NEW"/],
      [{ ...value, note: 7 }, /note is 7; expected \["null","string"\]/],
      [{ ...value, price: Decimal.parse('1.005') }, /more than 2 digits after the point/],
      [{ ...value, price: Decimal.parse('12345678.00') }, /more than 9 digits/],
      [{ ...value, at: new Date(Number.NaN) }, /at is Invalid Date; expected "long"/],
      [{ ...value, amount: 0.5 }, /amount is 0.5; expected/],
    ]
    for (const [bad, message] of cases) {
      assert.throws(() => write(type, bad), { message })
    }
  })
})

describe('long values', () => {
  it('have the bytes of avsc over the whole range', () => {
    const type = avroType('long')
    const edges = [0, 6, 7, 8, 13, 14, 27, 31, 32, 47, 48, 49, 52, 53, 55, 62, 63].flatMap(
      (bits) => {
        const power = 2n ** BigInt(bits)
        return [power - 1n, power, power + 1n, -power - 1n, -power, -power + 1n]
      },
    )
    for (const each of edges) {
      if (BigInt.asIntN(64, each) !== each) continue
      const zigZag = BigInt.asUintN(64, (each << 1n) ^ (each >> 63n))
      const expected: number[] = []
      for (let rest = zigZag; ; rest >>= 7n) {
        if (rest < 128n) {
          expected.push(Number(rest))
          break
        }
        expected.push(Number(rest & 127n) | 128)
      }
      const bytes = type.toBuffer(each)
      assert.deepEqual([...bytes], expected, `${each}`)
      assert.equal(type.fromBuffer(bytes), each)
    }
  })
})

describe('decimals', () => {
  it('have the two’s complement of Java’s BigInteger', () => {
    const type = avroType({ type: 'bytes', logicalType: 'decimal', precision: 40, scale: 0 })
    const cases: readonly (readonly [string, readonly number[]])[] = [
      ['0', [0]],
      ['-1', [255]],
      ['127', [127]],
      ['128', [0, 128]],
      ['-128', [128]],
      ['-129', [255, 127]],
      ['255', [0, 255]],
      ['256', [1, 0]],
    ]
    for (const [text, bytes] of cases) {
      const written = type.toBuffer(Decimal.parse(text))
      assert.deepEqual([...written.subarray(1)], bytes, text)
      assert.equal(String(type.fromBuffer(written)), text)
    }
  })

  it('are plain bytes if the parameters are invalid, as Avro has it', () => {
    for (const parameters of [{}, { precision: 0 }, { precision: 2, scale: 3 }]) {
      const type = avroType({ type: 'bytes', logicalType: 'decimal', ...parameters })
      assert.deepEqual(type.fromBuffer(type.toBuffer(Buffer.from([7]))), Buffer.from([7]))
    }
  })
})

function write(type: ReturnType<typeof avroType>, bad: object): void {
  try {
    type.toBuffer(bad)
  } catch (error) {
    throw invalidValue(type, bad, error)
  }
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each,
  )
}
