// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ParsedSchema } from '../schema/schema.ts'
import { type AvroSchema, avroFormat } from './format.ts'

function parse(schema: unknown): AvroSchema {
  return avroFormat.parse({ schema: JSON.stringify(schema), references: [], resolved: [] })
}

const record = (name: string, ...fields: object[]): object => ({ type: 'record', name, fields })
const symbols = (...list: string[]): object => ({ type: 'enum', name: 'E', symbols: list })
const fixed = (size: number): object => ({ type: 'fixed', name: 'F', size })
const field = (name: string, type: unknown, more: object = {}): object => ({ name, type, ...more })

interface Rule {
  readonly name: string
  readonly reader: unknown
  readonly writer: unknown
  /** `ERROR_TYPE path additionalInfo` of each finding. */
  readonly found?: readonly string[]
}

const mismatch = (reader: string, writer: string): string =>
  `reader type: ${reader} not compatible with writer type: ${writer}`

const rules: readonly Rule[] = [
  { name: 'the same primitive', reader: 'string', writer: 'string' },
  {
    name: 'another primitive',
    reader: 'string',
    writer: 'int',
    found: [`TYPE_MISMATCH / ${mismatch('STRING', 'INT')}`],
  },
  {
    name: 'items of arrays',
    reader: { type: 'array', items: 'int' },
    writer: { type: 'array', items: 'long' },
    found: [`TYPE_MISMATCH /items ${mismatch('INT', 'LONG')}`],
  },
  {
    name: 'values of maps',
    reader: { type: 'map', values: { type: 'array', items: 'null' } },
    writer: { type: 'map', values: { type: 'array', items: 'int' } },
    found: [`TYPE_MISMATCH /values/items ${mismatch('NULL', 'INT')}`],
  },
  {
    name: 'a missing field without a default',
    reader: record('R', field('a', 'int'), field('b', 'int')),
    writer: record('R', field('a', 'int')),
    found: ['READER_FIELD_MISSING_DEFAULT_VALUE /fields/1 b'],
  },
  {
    name: 'a missing field with the default null',
    reader: record('R', field('b', ['null', 'int'], { default: null })),
    writer: record('R'),
  },
  {
    name: 'the default of an enum is none of its field',
    reader: record('R', field('e', { ...symbols('A'), default: 'A' })),
    writer: record('R'),
    found: [`TYPE_MISMATCH /fields/0/type ${mismatch('ENUM', 'RECORD')}`],
  },
  {
    name: 'an alias of a field',
    reader: record('R', field('b', 'int', { aliases: ['a'] })),
    writer: record('R', field('a', 'int')),
  },
  {
    name: 'an alias of a field helps the reader only',
    reader: record('R', field('a', 'int')),
    writer: record('R', field('b', 'int', { aliases: ['a'] })),
    found: ['READER_FIELD_MISSING_DEFAULT_VALUE /fields/0 a'],
  },
  {
    name: 'another name',
    reader: record('n.S'),
    writer: record('n.R'),
    found: ['NAME_MISMATCH /name expected: n.R'],
  },
  { name: 'another namespace', reader: record('n.R'), writer: record('m.R') },
  {
    name: 'an alias with the full name',
    reader: { ...record('n.S'), aliases: ['m.R'] },
    writer: record('m.R'),
  },
  {
    name: 'an alias in the namespace of the reader',
    reader: { ...record('n.S'), aliases: ['R'] },
    writer: record('m.R'),
    found: ['NAME_MISMATCH /name expected: m.R'],
  },
  {
    name: 'another name of a nested type',
    reader: record('R', field('f', { ...fixed(4), name: 'G' })),
    writer: record('R', field('f', fixed(4))),
    found: ['NAME_MISMATCH /fields/0/type/name expected: F'],
  },
  {
    name: 'another name and another size',
    reader: { ...fixed(8), name: 'G' },
    writer: fixed(4),
    found: ['NAME_MISMATCH /name expected: F', 'FIXED_SIZE_MISMATCH /size expected: 4, found: 8'],
  },
  {
    name: 'missing symbols, sorted',
    reader: symbols('B'),
    writer: symbols('C', 'B', 'A'),
    found: ['MISSING_ENUM_SYMBOLS /symbols [A, C]'],
  },
  {
    name: 'missing symbols with a default of the reader',
    reader: { ...symbols('B'), default: 'B' },
    writer: symbols('C', 'B', 'A'),
  },
  {
    name: 'missing symbols with a default of the writer',
    reader: symbols('B'),
    writer: { ...symbols('B', 'A'), default: 'A' },
    found: ['MISSING_ENUM_SYMBOLS /symbols [A]'],
  },
  {
    name: 'a removed branch',
    reader: record('R', field('a', ['null', 'long'])),
    writer: record('R', field('a', ['null', 'int', 'string', 'boolean'])),
    found: [
      'MISSING_UNION_BRANCH /fields/0/type/2 reader union lacking writer type: STRING',
      'MISSING_UNION_BRANCH /fields/0/type/3 reader union lacking writer type: BOOLEAN',
    ],
  },
  { name: 'a branch that the other is promoted to', reader: ['double'], writer: ['int', 'float'] },
  {
    name: 'a union that lacks the type',
    reader: ['null', 'int'],
    writer: 'string',
    found: ['MISSING_UNION_BRANCH / reader union lacking writer type: STRING'],
  },
  {
    name: 'a union that is not read as a type',
    reader: 'int',
    writer: ['int', 'null'],
    found: [`TYPE_MISMATCH /1 ${mismatch('INT', 'NULL')}`],
  },
  { name: 'a union of one branch', reader: 'long', writer: ['int'] },
  {
    name: 'a record of the union that lacks a default',
    reader: ['null', record('R', field('a', 'int'))],
    writer: record('R'),
    found: ['MISSING_UNION_BRANCH / reader union lacking writer type: RECORD'],
  },
  {
    name: 'logical types are ignored',
    reader: { type: 'long', logicalType: 'timestamp-micros' },
    writer: { type: 'int', logicalType: 'date' },
  },
  {
    name: 'recursive records',
    reader: record('R', field('next', ['null', 'R']), field('v', 'int')),
    writer: record('R', field('next', ['null', 'R']), field('v', 'long')),
    found: [`TYPE_MISMATCH /fields/1/type ${mismatch('INT', 'LONG')}`],
  },
]

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['int', 'long', 'float', 'double'],
  long: ['long', 'float', 'double'],
  float: ['float', 'double'],
  double: ['double'],
  string: ['string', 'bytes'],
  bytes: ['bytes', 'string'],
  null: ['null'],
  boolean: ['boolean'],
}

describe('rules of Avro compatibility', () => {
  for (const { name, reader, writer, found = [] } of rules) {
    it(name, () => {
      const actual = parse(reader).incompatibilities(parse(writer))
      assert.deepEqual(
        actual.map(({ errorType, path, message }) => {
          const detail = /additionalInfo:'(.*)'\}$/.exec(message)?.[1]
          return `${errorType} ${path} ${detail}`
        }),
        found,
      )
      for (const { rule, remedy } of actual) {
        assert.match(rule, /^[A-Z].*\.$/)
        assert.match(remedy, /^[A-Z].*\.$/)
      }
    })
  }

  for (const [writer, readers] of Object.entries(promotions)) {
    it(`${writer} is read as ${readers.join(', ')}`, () => {
      const actual = Object.keys(promotions).filter(
        (reader) => parse(reader).incompatibilities(parse(writer)).length === 0,
      )
      assert.deepEqual(actual.sort(), [...readers].sort())
    })
  }

  it('names the new and the old schema in both directions', () => {
    const cases: readonly (readonly [reader: unknown, writer: unknown, description: string])[] = [
      [
        fixed(8),
        fixed(4),
        "The size of FIXED type field at path '/size' in the READER schema does not match with the WRITER schema",
      ],
      [
        'int',
        'long',
        "The type (path '/') of a field in the READER schema does not match with the WRITER schema",
      ],
      [record('S'), record('R'), "The name of the schema has changed (path '/name')"],
      [
        symbols('A'),
        symbols('A', 'B'),
        "The READER schema is missing enum symbols '[B]' at path '/symbols' in the WRITER schema",
      ],
      [
        ['int'],
        ['int', 'null'],
        "The READER schema is missing a type inside a union field at path '/1' in the WRITER schema",
      ],
      [
        record('R', field('a', 'int')),
        record('R'),
        "The field 'a' at path '/fields/0' in the READER schema has no default value and is missing in the WRITER schema",
      ],
    ]
    for (const [reader, writer, description] of cases) {
      for (const newer of ['reader', 'writer'] as const) {
        const [readerWord, writerWord] = newer === 'reader' ? ['new', 'old'] : ['old', 'new']
        const expected = description.replace('READER', readerWord).replace('WRITER', writerWord)
        const found = parse(reader).incompatibilities(parse(writer), { newer })
        assert.equal(found.length, 1)
        assert.ok(found[0]?.message.includes(`description:'${expected}', additionalInfo:`))
      }
    }
  })

  it('reports a field that matches several fields of the writer', () => {
    const reader = parse(record('R', field('a', 'int', { aliases: ['b'] })))
    const writer = parse(record('R', field('a', 'int'), field('b', 'int')))
    assert.deepEqual(
      reader.incompatibilities(writer).map(({ errorType, message }) => [errorType, message]),
      [
        [
          'COMPARISON_FAILED',
          'Unexpected exception during compatibility check: Reader record field a type:INT pos:0 ' +
            `matches multiple fields in writer record schema ${writer.canonical}`,
        ],
      ],
    )
  })

  it('reports schemas of another format', () => {
    const json: ParsedSchema = {
      type: 'JSON',
      canonical: '{}',
      references: [],
      name: undefined,
      normalized: () => '{}',
      problems: () => [],
      format: () => '{}',
      incompatibilities: () => [],
    }
    assert.deepEqual(
      parse('int')
        .incompatibilities(json)
        .map(({ message }) => message),
      ['Incompatible because of different schema type'],
    )
  })
})
