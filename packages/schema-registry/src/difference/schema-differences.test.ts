// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { InvalidSchemaError, type SchemaSource, type SchemaType } from '../schema/schema.ts'
import { compareSchemas } from './schema-differences.ts'

const source = (schema: object | string): SchemaSource => ({
  schema: typeof schema === 'string' ? schema : JSON.stringify(schema),
  references: [],
  resolved: [],
})
const record = (...fields: object[]): object => ({ type: 'record', name: 'R', fields })
const object = (properties: object, others: object = {}): object => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...others,
})
const proto = (body: string): string => `syntax = "proto3";\npackage p;\n${body}`

/** Differences as lines: sign, path, properties, then `B` and `F` if a rule is broken. */
function linesOf(type: SchemaType, old: object | string, next: object | string): string[] {
  const signs = { added: '+', removed: '-', changed: '~' }
  return compareSchemas(type, source(old), source(next)).differences.map((each) => {
    const attributes = each.attributes.map(
      ({ name, old: before, new: after }) => `${name}:${before ?? ''}>${after ?? ''}`,
    )
    const verdicts = `${each.backward.length > 0 ? ' B' : ''}${each.forward.length > 0 ? ' F' : ''}`
    return `${signs[each.change]} ${each.path} ${attributes.join(' ')}${verdicts}`
  })
}

const id = { name: 'id', type: 'long' }

const cases: readonly (readonly [
  name: string,
  type: SchemaType,
  old: object | string,
  next: object | string,
  lines: readonly string[],
])[] = [
  ['equal records', 'AVRO', record(id), record(id), []],
  [
    'a field without a default is added',
    'AVRO',
    record(id),
    record(id, { name: 'n', type: 'string' }),
    ['+ n type:>string B'],
  ],
  [
    'a field is removed',
    'AVRO',
    record(id, { name: 'n', type: 'string', default: '' }),
    record(id),
    ['- n type:string> default:""> '.trim()],
  ],
  [
    'a field changes its type, default and documentation',
    'AVRO',
    record({ name: 'a', type: 'int' }),
    record({ name: 'a', type: 'long', default: 0, doc: 'new' }),
    ['~ a type:int>long default:>0 doc:>new F'],
  ],
  [
    'a symbol and a nested field',
    'AVRO',
    record(
      {
        name: 'e',
        type: { type: 'enum', name: 'E', symbols: ['A'] },
      },
      { name: 'in', type: ['null', { type: 'record', name: 'In', fields: [id] }] },
    ),
    record(
      {
        name: 'e',
        type: { type: 'enum', name: 'E', symbols: ['A', 'B'] },
      },
      { name: 'in', type: ['null', { type: 'record', name: 'In', fields: [] }] },
    ),
    ['+ e symbol B  F', '- in.id type:long> F'],
  ],
  [
    'a logical type',
    'AVRO',
    record({ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }),
    record({ name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } }),
    ['~ at logicalType:timestamp-millis>timestamp-micros'],
  ],
  [
    'a record is added as a whole',
    'AVRO',
    record(),
    record({ name: 'in', type: { type: 'record', name: 'In', fields: [id] } }),
    ['+ in type:>record In B'],
  ],
  [
    'properties of a closed object',
    'JSON',
    object({ a: { type: 'string' }, b: { type: 'string' } }),
    object({ a: { type: 'string', maxLength: 5 }, c: { type: 'integer' } }, { required: ['c'] }),
    ['~ a maxLength:>5 B', '+ c type:>integer required:>yes B F', '- b type:string> B'],
  ],
  [
    'a property becomes required',
    'JSON',
    object({ a: { type: 'string' } }),
    object({ a: { type: 'string' } }, { required: ['a'] }),
    ['~ a required:>yes B'],
  ],
  [
    'keywords of the schema itself',
    'JSON',
    { type: 'string', maxLength: 5 },
    { type: 'string', maxLength: 4, title: 'T' },
    ['~ (schema) maxLength:5>4 title:>T B'],
  ],
  [
    'fields by number',
    'PROTOBUF',
    proto('message M { string a = 1; int32 b = 2; N n = 3; } message N {}'),
    proto('message M { string z = 1; string b = 2; } message N { repeated M m = 1; }'),
    [
      '~ M.a name:a>z',
      '~ M.b type:int32>string B F',
      '+ N.m name:>m number:>1 type:>repeated M',
      '- M.n name:n> number:3> type:N>',
    ],
  ],
  [
    'messages, enums and the package',
    'PROTOBUF',
    proto('message M { E e = 1; } message Old { string s = 1; } enum E { A = 0; }'),
    'syntax = "proto3";\npackage q;\nmessage M { E e = 1; } enum E { A = 0; B = 1; }',
    ['~ (file) package:p>q B F', '+ E.B number:>1', '- Old message:> B'],
  ],
]

describe('differences of schemas', () => {
  for (const [name, type, old, next, lines] of cases) {
    it(`${type}: ${name}`, () => {
      const found = linesOf(type, old, next).map((line) => line.replace(/ +(?=$)/, ''))
      assert.deepEqual(found, lines)
    })
  }

  it('have each reason of the golden pairs at a difference', () => {
    const file = join(import.meta.dirname, '../../testdata/compat-golden.jsonl')
    let withReasons = 0
    for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
      const pair = JSON.parse(line) as { type: SchemaType; case: string; old: string; new: string }
      let comparison: ReturnType<typeof compareSchemas>
      try {
        comparison = compareSchemas(pair.type, source(pair.old), source(pair.new))
      } catch (error) {
        assert.ok(error instanceof InvalidSchemaError, String(error))
        continue
      }
      const { differences, backward, forward } = comparison
      const shown = new Set(differences.flatMap((each) => [...each.backward, ...each.forward]))
      const all = [...backward, ...forward]
      withReasons += all.length
      assert.deepEqual(
        all.filter((reason) => !shown.has(reason)),
        [],
        pair.case,
      )
      if (pair.old === pair.new) assert.deepEqual(differences, [])
    }
    assert.ok(withReasons > 100)
  })
})
