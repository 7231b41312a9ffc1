// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { avroFormat } from '../../avro/format.ts'
import { avroType } from './avro-type.ts'
import { avscSchema } from './avsc-schema.ts'

/** Whether the only field `x` of a record keeps its default. */
function keepsDefault(type: string, value: string): boolean {
  const schema = `{"type":"record","name":"R","fields":[{"name":"x","type":${type},"default":${value}}]}`
  const converted = avscSchema(avroFormat.parse({ schema, references: [], resolved: [] }).root)
  // avsc accepts what is left.
  avroType(converted)
  const { fields } = converted as { readonly fields: readonly object[] }
  return fields.some((field) => 'default' in field)
}

it('defaults that avsc does not take are left out, the others kept', () => {
  const nested = '{"type":"record","name":"N","fields":[{"name":"a","type":"int","default":1}]}'
  const cases: readonly (readonly [type: string, value: string, isKept: boolean])[] = [
    ['"null"', 'null', true],
    ['"int"', '5', true],
    ['"int"', '"5"', false],
    ['"long"', '9007199254740991', true],
    ['"long"', '9223372036854775807', false],
    ['"double"', '1', true],
    ['"double"', '0.5', true],
    ['"double"', '"NaN"', false],
    ['"string"', '""', true],
    ['"bytes"', '"\\u00ff"', true],
    ['"bytes"', '"\\u0100"', false],
    ['{"type":"fixed","name":"F","size":2}', '"ab"', true],
    ['{"type":"fixed","name":"F","size":2}', '"a"', false],
    ['{"type":"enum","name":"E","symbols":["A"]}', '"A"', true],
    ['{"type":"enum","name":"E","symbols":["A"]}', '"B"', false],
    ['{"type":"array","items":"int"}', '[1]', true],
    ['{"type":"array","items":"int"}', '["a"]', false],
    ['{"type":"map","values":"int"}', '{"a":1}', true],
    ['["null","string"]', 'null', true],
    ['["null","string"]', '"a"', false],
    ['["string","null"]', '"a"', true],
    [nested, '{}', true],
    [nested, '{"a":2}', true],
    [nested, '{"a":"b"}', false],
    ['{"type":"long","logicalType":"timestamp-millis"}', '0', true],
    ['{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}', '"\\u0000"', true],
  ]
  for (const [type, value, isKept] of cases) {
    assert.equal(keepsDefault(type, value), isKept, `${type} ${value}`)
  }
})

it('names that avsc does not take are changed, in all places', () => {
  const schema = `{"type":"record","name":"R","namespace":"my-team.x","aliases":["Old"],"fields":[
    {"name":"a","type":["null","R"],"default":null},
    {"name":"b","type":{"type":"record","name":"S","namespace":"","fields":[{"name":"r","type":["null","my-team.x.R"]}]}}]}`
  const type = avroType(avscSchema(avroFormat.parse({ schema, references: [], resolved: [] }).root))
  assert.equal(type.name, 'my_team.x.R')
  assert.deepEqual(type.aliases, ['my_team.x.Old'])
  const value = { a: null, b: { r: null } }
  assert.deepEqual(JSON.parse(JSON.stringify(type.fromBuffer(type.toBuffer(value)))), value)
})
