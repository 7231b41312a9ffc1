// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SchemaType } from '../schema/schema.ts'
import { avroType } from '../serdes/avro/avro-type.ts'
import { valueFromJson, valueToJson } from './json-values.ts'

const read = (type: SchemaType, schema: object | string, json: string): unknown => {
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema)
  return valueFromJson(type, { schema: text, references: [], resolved: [] })(json)
}
const record = (...fields: object[]): object => ({ type: 'record', name: 'R', fields })
const millis = { type: 'long', logicalType: 'timestamp-millis' }
const date = { type: 'int', logicalType: 'date' }
const decimal = { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }
const card = {
  type: 'record',
  name: 'Card',
  namespace: 'p',
  fields: [{ name: 'n', type: 'string' }],
}

/** JSON that is read, and the JSON of the value; the value is one that the serde writes. */
const avro: readonly (readonly [schema: object | string, json: string, printed?: string])[] = [
  ['"null"', 'null'],
  ['"boolean"', 'true'],
  ['"int"', '-2147483648'],
  ['"long"', '5'],
  ['"long"', '9223372036854775807', '"9223372036854775807"'],
  ['"long"', '"-9223372036854775808"'],
  ['"double"', '1.5'],
  ['"bytes"', '"a\\u00ff"', '"aÿ"'],
  [{ type: 'fixed', name: 'F', size: 2 }, '"ab"'],
  [millis, '"2026-01-02T03:04:05.678Z"'],
  [millis, '0', '"1970-01-01T00:00:00.000Z"'],
  [date, '"2026-01-02"', '"2026-01-02T00:00:00.000Z"'],
  [date, '1', '"1970-01-02T00:00:00.000Z"'],
  [decimal, '"12.50"'],
  [decimal, '12.5', '"12.50"'],
  [{ type: 'array', items: 'long' }, '[1,2]'],
  [{ type: 'map', values: 'int' }, '{"a":1,"b":2}'],
  [
    record({ name: 'a', type: 'int' }, { name: 'b', type: 'string', default: 'x' }),
    '{"a":1}',
    '{"a":1,"b":"x"}',
  ],
  [record({ name: 'u', type: ['null', 'long'], default: null }), '{}', '{"u":null}'],
  [record({ name: 'u', type: ['int', 'long'], default: 3 }), '{}', '{"u":{"int":3}}'],
  [['null', 'string'] as unknown as object, '"a"'],
  [['null', 'string'] as unknown as object, '{"string":"a"}', '"a"'],
  [['int', 'long', 'double'] as unknown as object, '7', '{"int":7}'],
  [['int', 'long', 'double'] as unknown as object, '3000000000', '{"long":3000000000}'],
  [['int', 'long', 'double'] as unknown as object, '0.5', '{"double":0.5}'],
  [['int', 'long', 'double'] as unknown as object, '{"double":7}', '{"double":7}'],
  [
    [card, { type: 'map', values: 'string' }] as unknown as object,
    '{"n":"1"}',
    '{"p.Card":{"n":"1"}}',
  ],
  [[card, { type: 'map', values: 'string' }] as unknown as object, '{"map":{"n":"1"}}'],
  [['null', card] as unknown as object, '{"p.Card":{"n":"1"}}', '{"n":"1"}'],
]

const refused: readonly (readonly [SchemaType, object | string, string, RegExp])[] = [
  ['AVRO', '"int"', '2147483648', /the value is 2147483648; expected an integer from/],
  ['AVRO', '"int"', '1.5', /is 1\.5; expected an integer/],
  ['AVRO', '"long"', '9223372036854775808', /is 9223372036854775808; expected an integer from/],
  ['AVRO', '"string"', '5', /the value is 5; expected a string/],
  ['AVRO', '"bytes"', '"€"', /expected a string whose characters are bytes/],
  ['AVRO', decimal, '"1,5"', /expected a decimal number/],
  ['AVRO', millis, '"soon"', /expected an ISO date and time/],
  ['AVRO', { type: 'fixed', name: 'F', size: 2 }, '"abc"', /expected a string of 2 characters/],
  ['AVRO', record({ name: 'a', type: 'int' }), '{}', /^TypeError: a is missing$/],
  [
    'AVRO',
    record({ name: 'a', type: 'int' }),
    '{"b":1}',
    /b is not a field of record R, which has a/,
  ],
  [
    'AVRO',
    record({ name: 'a', type: { type: 'array', items: 'int' } }),
    '{"a":[1,"x"]}',
    /a\[1\] is "x"/,
  ],
  ['AVRO', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, '"C"', /is "C"; expected A, B/],
  ['AVRO', ['null', 'int'] as unknown as object, '"x"', /is "x"; expected an integer/],
  ['AVRO', ['int', 'boolean'] as unknown as object, '"x"', /expected one of int, boolean/],
  ['AVRO', '"int"', '{', /SyntaxError/],
  [
    'PROTOBUF',
    'syntax = "proto3"; message M { bytes b = 1; }',
    '{"b":"?"}',
    /b is "\?"; expected base64/,
  ],
  [
    'PROTOBUF',
    'syntax = "proto3"; message M { uint64 n = 1; }',
    '{"n":-1}',
    /n is -1; expected an integer from 0 to/,
  ],
  [
    'PROTOBUF',
    'syntax = "proto3"; message M { repeated M m = 1; }',
    '{"m":{}}',
    /m is \{\}; expected an array/,
  ],
]

describe('values from JSON', () => {
  for (const [schema, json, printed = json] of avro) {
    it(`AVRO ${JSON.stringify(schema)}: ${json}`, () => {
      const value = read('AVRO', schema, json)
      const type = avroType(typeof schema === 'string' ? JSON.parse(schema) : schema)
      assert.equal(valueToJson('AVRO', type.fromBuffer(type.toBuffer(value))), printed)
    })
  }

  it('PROTOBUF: long numbers, bytes, maps and both forms of names', () => {
    const schema = `syntax = "proto3"; enum E { A = 0; }
      message M { int64 order_id = 1; bytes data = 2; map<string, M> by_name = 3; repeated uint64 n = 4; E e = 5; }`
    const json =
      '{"order_id":"9007199254740993","data":"AP8=","byName":{"x":{"orderId":1}},"n":[2],"e":"A"}'
    assert.deepEqual(read('PROTOBUF', schema, json), {
      orderId: 9007199254740993n,
      data: Buffer.from([0, 255]),
      byName: { x: { orderId: 1n } },
      n: [2n],
      e: 'A',
    })
    assert.equal(valueToJson('PROTOBUF', { data: Buffer.from([0, 255]) }), '{"data":"AP8="}')
  })

  it('PROTOBUF: the named message', () => {
    const schema = 'syntax = "proto3"; message A { int64 a = 1; } message B { int64 b = 1; }'
    const source = { schema, references: [], resolved: [] }
    assert.deepEqual(valueFromJson('PROTOBUF', source, { message: 'B' })('{"b":1}'), { b: 1n })
    assert.throws(
      () => valueFromJson('PROTOBUF', source, { message: 'C' }),
      /the schema has no message C; it has A, B/,
    )
  })

  for (const [type, schema, json, message] of refused) {
    it(`${type} ${JSON.stringify(schema)} refuses ${json}`, () => {
      assert.throws(() => read(type, schema, json), message)
    })
  }
})
