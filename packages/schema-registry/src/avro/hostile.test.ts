// SPDX-License-Identifier: Apache-2.0
// Schemas that are made to use up time, memory or the stack.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidSchemaError, schemaLimits } from '../schema/schema.ts'
import { type AvroSchema, avroFormat } from './format.ts'

function parse(schema: string): AvroSchema {
  return avroFormat.parse({ schema, references: [], resolved: [] })
}

function list(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join(',')
}

function record(name: string, ...fields: string[]): string {
  return `{"type":"record","name":"${name}","fields":[${fields.join(',')}]}`
}

/**
 * Records in a union that refer to each other in a ring, which starts with a field `f`. The depth
 * of definitions is small, because the first record has all others as fields.
 */
function ring(size: number, last: string): string {
  const others = list(size - 1, (i) => {
    const next = i + 2 < size ? `"N${i + 2}"` : '"N0"'
    return `{"name":"g${i}","type":${record(`N${i + 1}`, `{"name":"f","type":["null",${next}]}`, last)}}`
  })
  return record('N0', others, '{"name":"f","type":["null","N1"]}', last)
}

/** CPU time that no test comes near, and that a quadratic algorithm exceeds. */
const MAX_CPU_MS = 30_000

function within<T>(run: () => T): T {
  const began = process.cpuUsage()
  const result = run()
  const used = process.cpuUsage(began)
  const spent = (used.user + used.system) / 1000
  assert.ok(spent < MAX_CPU_MS, `used ${Math.round(spent)} ms of CPU time`)
  return result
}

describe('hostile Avro schemas', () => {
  const depth = 10_000
  const nested: Readonly<Record<string, string>> = {
    arrays: `${'{"type":"array","items":'.repeat(depth)}"int"${'}'.repeat(depth)}`,
    maps: `${'{"type":"map","values":'.repeat(depth)}"int"${'}'.repeat(depth)}`,
    unions: '['.repeat(depth) + ']'.repeat(depth),
    objects: `{"type":"int","x":${'{"x":'.repeat(depth)}1${'}'.repeat(depth + 1)}`,
    names: `{"type":${'{"type":'.repeat(depth)}"int"${'}'.repeat(depth + 1)}`,
    records: list(1, () => {
      let text = '"int"'
      for (let i = 0; i < 5000; i += 1) text = record(`R${i}`, `{"name":"f","type":${text}}`)
      return text
    }),
  }
  for (const [name, text] of Object.entries(nested)) {
    it(`nested ${name}`, () => {
      assert.throws(() => within(() => parse(text)), InvalidSchemaError)
    })
  }

  it('nested definitions up to the limit', () => {
    let text = '"int"'
    for (let i = 0; i < schemaLimits.nesting; i += 1) text = `{"type":"array","items":${text}}`
    assert.equal(parse(text).canonical, text)
    assert.throws(() => parse(`{"type":"array","items":${text}}`), /nested deeper than 100 levels/)
  })

  it('records that nest in the canonical text only', () => {
    const text = `[${list(2000, (i) => record(`R${i}`, i < 1999 ? `{"name":"f","type":"R${i + 1}"}` : '{"name":"f","type":"int"}'))}]`
    assert.throws(() => parse(text), /nested deeper than 1000 levels of JSON/)
  })

  it('a text over the limit', () => {
    assert.throws(() => parse(`"${'a'.repeat(schemaLimits.length)}"`), /1000002 characters/)
  })

  it('a text of one megabyte', () => {
    const text = record(
      'R',
      list(25_000, (i) => `{"name":"field${i}","type":"int"}`),
    )
    assert.ok(text.length > schemaLimits.length * 0.8)
    const schema = within(() => parse(text))
    assert.deepEqual(
      within(() => schema.incompatibilities(parse(text))),
      [],
    )
    assert.equal(within(() => schema.normalized()).length, text.length)
  })

  it('an unknown name of one megabyte', () => {
    const text = `["${'a'.repeat(500_000)}",{"type":"fixed","name":"${'b'.repeat(490_000)}","size":1}]`
    assert.throws(() => within(() => parse(text)), /unknown type "a{100}…"/)
  })

  it('unions of thousands of records', () => {
    const text = `[${list(13_000, (i) => record(`R${i}`, `{"name":"f${i % 7}","type":"int"}`))}]`
    const schema = within(() => parse(text))
    assert.deepEqual(
      within(() => schema.incompatibilities(parse(text))),
      [],
    )
    const other = parse(text.replaceAll('"int"', '"long"').replaceAll('"R', '"Q'))
    const found = within(() => schema.incompatibilities(other))
    assert.equal(found.length, 1000)
    assert.equal(found[0]?.errorType, 'MISSING_UNION_BRANCH')
  })

  it('unions of thousands of records with the same name in other namespaces', () => {
    const text = (field: string): string =>
      `[${list(12_000, (i) => `{"type":"record","name":"n${i}.R","fields":[${field}]}`)}]`
    const found = within(() =>
      parse(text('{"name":"a","type":"int"}')).incompatibilities(parse(text(''))),
    )
    assert.deepEqual(
      found.map(({ errorType }) => errorType),
      ['COMPARISON_FAILED'],
    )
  })

  it('enums of thousands of symbols in unions', () => {
    const many = `{"type":"enum","name":"E","symbols":[${list(50_000, (i) => `"S${i}"`)}]}`
    const enums = `[${list(10_000, (i) => `{"type":"enum","name":"n${i}.E","symbols":["A"]}`)}]`
    const found = within(() => parse(enums).incompatibilities(parse(many)))
    assert.equal(found.length, 1)
  })

  it('rings of records of two lengths, whose pairs are many and nest deeply', () => {
    const reader = parse(ring(199, '{"name":"x","type":"int"}'))
    const writer = parse(ring(201, '{"name":"y","type":"int"}'))
    const found = within(() => reader.incompatibilities(writer))
    assert.ok(found.length > 0)
    assert.ok(found.every(({ path }) => path.length < 1_000_000))
  })

  it('a finding that is reached by exponentially many paths', () => {
    const levels = 60
    const text = (type: string): string => {
      let fields = `{"name":"x","type":"${type}"}`
      for (let i = levels; i > 0; i -= 1) {
        const inner = record(`L${i}`, fields)
        fields = `{"name":"a","type":${inner}},{"name":"b","type":"L${i}"}`
      }
      return record('L0', fields)
    }
    const found = within(() => parse(text('int')).incompatibilities(parse(text('long'))))
    assert.equal(found.length, 1000)
  })

  it('defaults that contain themselves', () => {
    const text = record('R', '{"name":"f","type":"R","default":{}}')
    assert.equal(within(() => parse(text).problems()).length, 1)
    const both = (name: string): string =>
      record(name, '{"name":"f","type":["R","S"],"default":{}}')
    assert.ok(within(() => parse(`[${both('R')},${both('S')}]`).problems()).length > 0)
  })

  it('a record that is defined again and again', () => {
    const inner = record(
      'S',
      list(50, (i) => `{"name":"g${i}","type":"int"}`),
    )
    const text = record(
      'R',
      list(500, (i) => `{"name":"f${i}","type":${inner}}`),
    )
    assert.equal(within(() => parse(text)).canonical.split('"name":"S"').length, 2)
  })

  it('thousands of defaults for thousands of types', () => {
    const branches = list(5000, (i) =>
      record(`B${i}`, `{"name":"x","type":"${i < 4999 ? 'int' : 'string'}"}`),
    )
    const values = list(50_000, () => '{"x":""}')
    const type = `{"type":"array","items":[${branches}]}`
    const schema = parse(record('R', `{"name":"f","type":${type},"default":[${values}]}`))
    assert.equal(within(() => schema.problems()).length, 1)
    within(() => schema.normalized())
  })

  it('hundreds of thousands of names that are not valid, properties and aliases', () => {
    const symbols = list(200_000, (i) => `"é${i.toString(36)}"`).slice(0, 900_000)
    const text = `{"type":"enum","name":"E","symbols":[${symbols.slice(0, symbols.lastIndexOf(','))}]}`
    assert.equal(within(() => parse(text).problems()).length, 100)
    const properties = list(90_000, (i) => `"p${i}":1`)
    const schema = within(() => parse(`{"type":"int",${properties}}`))
    assert.ok(within(() => schema.normalized()).length > 900_000)
    const aliases = `{"type":"enum","name":"A","symbols":["A"],"aliases":[${list(80_000, (i) => `"a${i}"`)}]}`
    const others = `[${list(10_000, (i) => `{"type":"enum","name":"n${i}.B","symbols":["A"]}`)}]`
    const found = within(() => parse(aliases).incompatibilities(parse(others)))
    assert.deepEqual(
      found.map(({ errorType }) => errorType),
      ['COMPARISON_FAILED'],
    )
  })
})
