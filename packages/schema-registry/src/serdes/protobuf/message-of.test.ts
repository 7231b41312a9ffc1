// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { protobufFormat } from '../../protobuf/protobuf-schema.ts'
import { messageOf } from './message-of.ts'

const text = `syntax = "proto3";
message M {
  int32 a = 1; uint32 b = 2; int64 c = 3; uint64 d = 4; double e = 5; bool f = 6; string g = 7;
  bytes h = 8; Color i = 9; M j = 10; repeated int32 k = 11; map<string, int64> l = 12;
  map<int64, M> m = 13; oneof n { string o = 14; int32 p = 15; } map<bool, string> q = 16;
}
enum Color { RED = 0; BLUE = 1; }`
const type = protobufFormat.parse({ schema: text, references: [], resolved: [] }).messageType('M')

function trip(value: object): unknown {
  const bytes = type.encode(messageOf(type, value)).finish()
  return JSON.parse(
    JSON.stringify(
      type.toObject(type.decode(bytes), { longs: BigInt, enums: String }),
      (_, each) => (typeof each === 'bigint' ? `${each}n` : each),
    ),
  )
}

describe('protobuf messages', () => {
  it('keep the values of all types, to their limits', () => {
    const cases: readonly (readonly [object, object?])[] = [
      [{ a: -(2 ** 31), b: 2 ** 32 - 1 }],
      [
        { c: -(2n ** 63n), d: 2n ** 64n - 1n },
        { c: '-9223372036854775808n', d: '18446744073709551615n' },
      ],
      [{ c: 2 ** 53 - 1 }, { c: '9007199254740991n' }],
      [
        { c: -1n, d: 2n ** 63n },
        { c: '-1n', d: '9223372036854775808n' },
      ],
      [{ e: 0.1, f: true, g: 'Zürich' }],
      [{ i: 'BLUE' }],
      [{ i: 1 }, { i: 'BLUE' }],
      [{ i: 7 }],
      [{ j: { j: { a: 1 } } }],
      [{ k: [1, 2] }],
      [{ l: { x: 5n } }, { l: { x: '5n' } }],
      [{ m: { '-5': { a: 1 } } }],
      [{ q: { true: 'x' } }],
      [{ o: 'x' }],
      [{ a: undefined, g: null }, {}],
    ]
    for (const [value, expected = value] of cases) assert.deepEqual(trip(value), expected)
  })

  it('are refused with the path of the field', () => {
    const deep: Record<string, unknown> = {}
    deep.j = deep
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [5, /^the value is 5; expected an object, message M$/],
      [[], /^the value is \[\]; expected an object/],
      [{ a: 0.5 }, /^a is 0.5; expected an integer from -2147483648 to 2147483647 \(int32\)$/],
      [{ a: 2 ** 31 }, /^a is 2147483648; expected/],
      [{ b: -1 }, /^b is -1; expected an integer from 0/],
      [{ c: 2n ** 63n }, /^c is 9223372036854775808n; expected/],
      [{ c: 2 ** 53 }, /^c is 9007199254740992; expected/],
      [{ c: '5' }, /^c is '5'; expected an integer/],
      [{ d: -1n }, /^d is -1n; expected an integer from 0/],
      [{ e: '1' }, /^e is '1'; expected a number/],
      [{ f: 1 }, /^f is 1; expected a boolean/],
      [{ g: 1 }, /^g is 1; expected a string/],
      [{ h: 'x' }, /^h is 'x'; expected a Buffer/],
      [{ i: 'GREEN' }, /^i is 'GREEN'; expected RED, BLUE \(enum Color\)/],
      [{ i: '__proto__' }, /^i is '__proto__'/],
      [{ j: { j: { a: 'x' } } }, /^j.j.a is 'x'/],
      [{ k: 1 }, /^k is 1; expected an array/],
      [{ k: [1, 'x'] }, /^k\[1\] is 'x'/],
      [{ l: [] }, /^l is \[\]; expected an object/],
      [{ l: { x: 'y' } }, /^l\["x"\] is 'y'/],
      [{ m: { x: {} } }, /^m is 'x'; expected keys of type int64/],
      [{ q: { yes: 'x' } }, /^q is 'yes'; expected keys of type bool/],
      [{ o: 'x', p: 1 }, /^the value has o and p of the oneof n; at most one/],
      [{ z: 1 }, /^z: message M has no field z/],
      [{ constructor: 1 }, /^constructor: message M has no field/],
      [deep, /is nested more than 100 levels/],
    ]
    for (const [value, message] of cases) assert.throws(() => messageOf(type, value), { message })
  })

  it('need their required fields', () => {
    const schema = 'syntax = "proto2"; message R { required int32 a = 1; optional R b = 2; }'
    const required = protobufFormat.parse({ schema, references: [], resolved: [] }).messageType('R')
    assert.throws(() => messageOf(required, {}), /^TypeError: a is required/)
    assert.throws(() => messageOf(required, { a: 1, b: {} }), /b\.a is required/)
    assert.deepEqual(messageOf(required, { a: 1 }), { a: 1 })
  })
})
