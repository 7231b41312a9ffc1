// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { MutableHeaders } from './mutable-headers.ts'
import {
  boolean,
  bytes,
  float32,
  float64,
  int16,
  int32,
  int64,
  json,
  type Serde,
  SerdeError,
  string,
  uuid,
} from './serde.ts'
import { schema } from './standard-schema.ts'

const context = { topic: 't', part: 'value', headers: new MutableHeaders() } as const

function roundTrip<T>(serde: Serde<T>, value: T): T {
  return serde.deserialize(Buffer.from(serde.serialize(value, context)), context)
}

describe('serdes', () => {
  it('bring values back, in the bytes of Java', () => {
    assert.equal(roundTrip(string(), 'Zürich'), 'Zürich')
    assert.deepEqual(roundTrip(bytes(), Buffer.from([1, 2])), Buffer.from([1, 2]))
    assert.deepEqual(roundTrip(json<unknown>(), { a: [1, null] }), { a: [1, null] })
    assert.equal(roundTrip(int16(), -32768), -32768)
    assert.equal(roundTrip(int32(), 2147483647), 2147483647)
    assert.equal(roundTrip(int64(), -(2n ** 63n)), -(2n ** 63n))
    assert.equal(roundTrip(float64(), Math.PI), Math.PI)
    assert.equal(roundTrip(float32(), 0.5), 0.5)
    assert.equal(roundTrip(boolean(), true), true)
    const id = '00112233-4455-6677-8899-aabbccddeeff'
    assert.equal(roundTrip(uuid(), id), id)
    assert.deepEqual(Buffer.from(int32().serialize(258, context)), Buffer.from([0, 0, 1, 2]))
  })

  it('refuse what does not fit, naming topic and part', () => {
    const cases: readonly (readonly [() => unknown, RegExp])[] = [
      [
        () => string().serialize(7 as never, context),
        /the value for topic t must be a string, not number/,
      ],
      [
        () => int32().serialize(2 ** 31, context),
        /whole number of -2147483648 to 2147483647, not 2147483648/,
      ],
      [
        () => int32().deserialize(Buffer.alloc(3), context),
        /the value from topic t has 3 bytes, and int32 has 4/,
      ],
      [() => int64().serialize(2n ** 63n, context), /bigint of 64 bits/],
      [() => json().deserialize(Buffer.from('{'), context), /the value from topic t is not JSON/],
      [() => json().serialize(undefined, context), /has no JSON form/],
      [() => uuid().serialize('x', context), /is not a UUID/],
      [() => bytes().serialize('x' as never, context), /must be a Buffer/],
    ]
    for (const [attempt, message] of cases) {
      assert.throws(attempt, (error: Error) => {
        assert.ok(error instanceof SerdeError)
        assert.match(error.message, message)
        return true
      })
    }
  })
})

describe('a Standard Schema', () => {
  const Order = z.object({
    id: z.string(),
    amount: z.number().positive(),
    note: z.string().default('none'),
  })

  it('gives values its type, defaults and all', () => {
    const serde = schema(Order)
    const order = serde.deserialize(Buffer.from('{"id":"a","amount":1}'), context)
    const amount: number = order.amount
    assert.deepEqual([amount, order.note], [1, 'none'])
  })

  it('refuses what does not fit on both ways, naming each issue', () => {
    const serde = schema(Order)
    assert.throws(
      () => serde.serialize({ id: 'a', amount: -1, note: '' }, context),
      /the value for topic t is invalid: amount: /,
    )
    assert.throws(() => serde.deserialize(Buffer.from('{"amount":1}'), context), /id: /)
    const late = schema(z.string().refine(async () => true))
    assert.throws(() => late.serialize('x', context), SerdeError)
  })
})
