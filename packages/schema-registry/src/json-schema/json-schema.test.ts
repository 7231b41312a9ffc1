// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  InvalidSchemaError,
  type ParsedSchema,
  type ResolvedReference,
  type SchemaSource,
} from '../schema/schema.ts'
import { jsonSchemaFormat } from './json-schema.ts'

const draft4 = 'http://json-schema.org/draft-04/schema#'
const draft2019 = 'https://json-schema.org/draft/2019-09/schema'
const draft2020 = 'https://json-schema.org/draft/2020-12/schema'

/** A schema with references by name. */
function source(schema: unknown, named: Readonly<Record<string, unknown>> = {}): SchemaSource {
  const resolved = Object.entries(named).map(
    ([name, value]): ResolvedReference => ({
      name,
      subject: name,
      version: 1,
      schema: JSON.stringify(value),
    }),
  )
  return { schema: JSON.stringify(schema), references: resolved, resolved }
}

function parse(schema: unknown, named?: Readonly<Record<string, unknown>>): ParsedSchema {
  return jsonSchemaFormat.parse(source(schema, named))
}

describe('parsing JSON Schema', () => {
  it('keeps order and digits in the canonical text, and sorts keys in the normal form', () => {
    const schema = jsonSchemaFormat.parse({
      schema: '{ "type": "number", "maximum": 1.0, "default": 12345678901234567890 }',
      references: [],
      resolved: [],
    })
    assert.equal(schema.canonical, '{"type":"number","maximum":1.0,"default":12345678901234567890}')
    assert.equal(
      schema.normalized(),
      '{"default":12345678901234567890,"maximum":1.0,"type":"number"}',
    )
    assert.equal(schema.format('serialized'), schema.canonical)
    assert.equal(schema.type, 'JSON')
  })

  it('names a schema by its title', () => {
    assert.equal(parse({ title: 'Order' }).name, 'Order')
    assert.equal(parse({}).name, undefined)
    assert.equal(parse(true).name, undefined)
  })

  it('reports reserved names of properties', () => {
    const schema = parse({ type: 'object', properties: { $$a: {}, b: {} } })
    assert.deepEqual(schema.problems(), [
      '#/properties/$$a: Field names cannot start with $$ prefix',
    ])
    assert.deepEqual(parse({ type: 'object', properties: { $a: {} } }).problems(), [])
    assert.deepEqual(parse({ type: 'string' }).problems(), [])
  })

  const invalid: readonly (readonly [schema: unknown, message: RegExp])[] = [
    ['string', /expected an object or a boolean at #, found a value of type string/],
    [[], /expected an object or a boolean at #/],
    [null, /expected an object or a boolean at #/],
    [{ type: 'text' }, /unknown type "text" \(at #\)/],
    [{ type: 3 }, /type must be a string, found a value of type number/],
    [{ type: ['string', 3] }, /each item of type must be a string/],
    [{ properties: { a: 3 } }, /expected an object or a boolean at #\/properties\/a/],
    [{ properties: [] }, /properties must be an object, found a value of type array/],
    [{ required: true }, /required must be an array, found a value of type boolean/],
    [{ maxLength: '3' }, /maxLength must be a number, found a value of type string/],
    [{ maxLength: 1.5 }, /maxLength must be a 32-bit integer, found 1.5/],
    [{ minItems: 1e10 }, /minItems must be a 32-bit integer/],
    [{ uniqueItems: 'yes' }, /uniqueItems must be a boolean/],
    [{ multipleOf: 0 }, /multipleOf must not be 0/],
    [{ multipleOf: 0.0 }, /multipleOf must not be 0/],
    [{ enum: 'a' }, /enum must be an array/],
    [{ oneOf: {} }, /oneOf must be an array/],
    [{ oneOf: [3] }, /expected an object or a boolean at #\/oneOf\/0/],
    [{ not: 'a' }, /expected an object or a boolean at #\/not/],
    [{ items: [3] }, /expected an object or a boolean at #\/items\/0/],
    [{ additionalProperties: 'no' }, /expected an object or a boolean at #\/additionalProp/],
    [{ pattern: '(' }, /pattern has an invalid regular expression: "\("/],
    [{ patternProperties: { '[': {} } }, /patternProperties has an invalid regular expression/],
    [{ title: 3 }, /title must be a string/],
    [{ dependencies: { a: 'b' } }, /expected an object or a boolean at #\/dependencies\/a/],
    [{ exclusiveMinimum: true }, /exclusiveMinimum must be a number/],
    [{ $schema: draft4, minimum: 1, exclusiveMinimum: 1 }, /exclusiveMinimum must be a boolean/],
    [{ $schema: 3 }, /\$schema must be a string/],
    [{ $schema: draft2020, $defs: { a: { type: 'text' } } }, /unknown type "text" \(at #\/\$defs/],
    [{ $schema: draft2020, type: 'text' }, /unknown type "text"/],
    [{ $schema: draft2020, prefixItems: [3] }, /at #\/prefixItems\/0/],
    [{ $schema: draft2020, deprecated: 3 }, /deprecated must be a boolean/],
    [{ $ref: 3 }, /\$ref must be a string/],
  ]
  for (const [schema, message] of invalid) {
    it(`refuses ${JSON.stringify(schema)}`, () => {
      assert.throws(
        () => parse(schema),
        (error) => error instanceof InvalidSchemaError && message.test(error.message),
      )
    })
  }

  it('leaves definitions unread that nothing refers to, up to draft 7', () => {
    assert.ok(parse({ definitions: { a: { type: 'text' } } }))
    assert.throws(() => parse({ $ref: '#/definitions/a', definitions: { a: { type: 'text' } } }))
  })
})

describe('references of JSON Schema', () => {
  const text = { type: 'string' }
  const other = { definitions: { a: text, deep: { $ref: '#/definitions/a' } } }
  /** A schema and its references; each must stand for the same as `{type: 'string'}`. */
  const same: readonly (readonly [schema: object, named?: Readonly<Record<string, unknown>>])[] = [
    [{ $ref: '#/definitions/a', definitions: { a: text } }],
    [{ $ref: '#/$defs/a', definitions: { a: text } }],
    [{ $schema: draft2020, $ref: '#/$defs/a', definitions: { a: text } }],
    [{ $ref: '#/properties/x', properties: { x: text } }],
    [{ $ref: '#/items/1', items: [{}, text] }],
    [{ $ref: '#/definitions/a~1b%25', definitions: { 'a/b%': text } }],
    [{ $ref: '#/definitions/100%', definitions: { '100%': text } }],
    [{ $ref: '#named', definitions: { a: { $id: '#named', ...text } } }],
    [{ $ref: 'urn:a', definitions: { a: { $id: 'urn:a', ...text } } }],
    [{ $schema: draft4, $ref: '#named', definitions: { a: { id: '#named', ...text } } }],
    [{ $schema: draft2020, $ref: '#named', $defs: { a: { $anchor: 'named', ...text } } }],
    [{ $schema: draft2020, $ref: 'part', $defs: { a: { $id: 'part', ...text } } }],
    [{ $ref: 'other.json' }, { 'other.json': text }],
    [{ $ref: 'other.json#/definitions/a' }, { 'other.json': other }],
    [{ $ref: 'other.json#/$defs/a' }, { 'other.json': other }],
    [{ $ref: 'dir/one.json' }, { 'dir/one.json': { $ref: 'two.json' }, 'dir/two.json': text }],
    [{ $ref: 'dir/one.json' }, { 'dir/one.json': { $ref: 'two.json' }, 'two.json': text }],
    [{ $ref: './dir/../a.json' }, { 'a.json': text }],
    [{ $ref: 'http://example.com/a.json' }, { 'http://example.com/a.json': text }],
    [{ $id: 'http://example.com/root.json', $ref: 'a.json' }, { 'a.json': text }],
    [
      { $id: 'http://example.com/dir/root.json', $ref: 'http://example.com/dir/a.json' },
      { 'a.json': text },
    ],
    [
      { $id: 'http://example.com/dir/root.json', $ref: '../a.json' },
      { 'http://example.com/a.json': text },
    ],
    [{ $schema: draft2020, $ref: 'a.json' }, { 'a.json': text }],
    [{ $schema: draft2020, $ref: 'a.json#/$defs/a' }, { 'a.json': other }],
    [
      { $schema: draft2020, $id: 'http://example.com/root.json', $ref: 'a.json' },
      { 'a.json': text },
    ],
    [{ $schema: draft2019, $ref: 'a.json' }, { 'a.json': text }],
    [
      {
        $id: 'http://example.com/r',
        $ref: 'http://example.com/r#/definitions/a',
        definitions: { a: text },
      },
    ],
  ]
  for (const [schema, named] of same) {
    it(`resolves ${JSON.stringify(schema)} ${JSON.stringify(named ?? {})}`, () => {
      const parsed = parse(schema, named)
      // A reference to a reference compares as equal to nothing but itself.
      const isChain = Object.values(named ?? {}).some(
        (value) => typeof value === 'object' && value !== null && '$ref' in value,
      )
      if (isChain) return
      assert.deepEqual(parse(text).incompatibilities(parsed), [])
      assert.deepEqual(parsed.incompatibilities(parse(text)), [])
      const [found] = parse({ type: 'integer' }).incompatibilities(parsed)
      assert.equal(found?.errorType, 'TYPE_CHANGED')
    })
  }

  const unresolved: readonly (readonly [schema: object, message: RegExp])[] = [
    [
      { properties: { a: { $ref: 'http://example.com/x.json#/y' } } },
      /cannot resolve \$ref 'http:\/\/example.com\/x.json#\/y' at #\/properties\/a: no schema has this name; register the schema and add a reference with this name \(addresses are not fetched\)/,
    ],
    [{ $ref: 'x.json' }, /cannot resolve \$ref 'x.json' at #: no schema has this name/],
    [{ $ref: '#/definitions/a' }, /'definitions' does not exist at #$/],
    [{ $ref: '#/definitions/b', definitions: {} }, /'b' does not exist at #\/definitions/],
    [{ $ref: '#/items/7', items: [{}] }, /'7' does not exist at #\/items/],
    [{ $schema: draft2020, $ref: '#nowhere' }, /no schema has the anchor 'nowhere'/],
    [{ $schema: draft2020, $defs: { a: { $ref: 'x.json' } } }, /\$ref 'x.json' at #\/\$defs\/a/],
  ]
  for (const [schema, message] of unresolved) {
    it(`refuses ${JSON.stringify(schema)}`, () => {
      assert.throws(
        () => parse(schema),
        (error) => error instanceof InvalidSchemaError && message.test(error.message),
      )
    })
  }

  it('takes an unknown anchor for the document, up to draft 7', () => {
    const schema = parse({ type: 'object', properties: { a: { $ref: '#nowhere' } } })
    const root = parse({ type: 'object', properties: { a: { $ref: '#' } } })
    assert.deepEqual(schema.incompatibilities(root), [])
  })

  it('knows the meta-schemas of the drafts', () => {
    for (const draft of [draft4, 'http://json-schema.org/draft-07/schema#', draft2019, draft2020]) {
      assert.ok(parse({ properties: { a: { $ref: draft } } }), draft)
      assert.ok(parse({ $schema: draft, properties: { a: { $ref: draft } } }), draft)
    }
  })

  it('finds a change in a schema that is referred to', () => {
    const schema = { properties: { a: { $ref: 'a.json' } } }
    const older = parse(schema, { 'a.json': { type: 'string' } })
    const newer = parse(schema, { 'a.json': { type: 'integer' } })
    const [found] = newer.incompatibilities(older)
    assert.equal(found?.errorType, 'TYPE_CHANGED')
    assert.equal(found?.path, '#/properties/a')
  })

  it('refuses more references than the limit', () => {
    const named = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`s${index}`, {}]))
    assert.throws(() => parse({}, named), /reaches 1001 schemas.*limit is 1000/)
  })
})

describe('messages of JSON Schema', () => {
  const object = { type: 'object', properties: { a: { type: 'integer' } } }
  const wider = { ...object, properties: { ...object.properties, b: { type: 'string' } } }

  /** Old, new, and the whole message of the first incompatibility (backward). */
  const rows: readonly (readonly [old: unknown, updated: unknown, message: string])[] = [
    [
      { type: 'string' },
      { type: 'string', maxLength: 3 },
      `{errorType:"MAX_LENGTH_ADDED", description:"The keyword at path '#/maxLength' in the new schema is not present in the old schema'}`,
    ],
    [
      { minimum: 1 },
      { minimum: 2 },
      `{errorType:"MINIMUM_INCREASED", description:"The value at path '#/minimum' in the new schema is more than its value in the old schema'}`,
    ],
    [
      { maximum: 2 },
      { maximum: 1 },
      `{errorType:"MAXIMUM_DECREASED", description:"The value at path '#/maximum' in the new schema is less than its value in the old schema'}`,
    ],
    [
      { pattern: 'a' },
      { pattern: 'b' },
      `{errorType:"PATTERN_CHANGED", description:"The value at path '#/pattern' is different between the new and old schema'}`,
    ],
    [
      { enum: [1, 2] },
      { enum: [1] },
      `{errorType:"ENUM_ARRAY_NARROWED", description:"An array or combined type at path '#/enum' has fewer elements in the new schema than the old schema'}`,
    ],
    [
      { allOf: [{ type: 'string' }] },
      { allOf: [{ type: 'string' }, { minimum: 1 }] },
      `{errorType:"PRODUCT_TYPE_EXTENDED", description:"An array or combined type at path '#/' has more elements in the new schema than the old schema'}`,
    ],
    [
      { type: 'string' },
      { type: 'integer' },
      `{errorType:"TYPE_CHANGED", description:"A type at path '#/' is different between the new schema and the old schema'}`,
    ],
    [
      object,
      wider,
      `{errorType:"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", description:"The new schema has an open content model and has a property or item at path '#/properties/b' which is missing in the old schema'}`,
    ],
    [
      { ...object, additionalProperties: false },
      { ...wider, additionalProperties: false, required: ['b'] },
      `{errorType:"REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", description:"The new schema has an unopen content model and has a required property at path '#/properties/b' which is missing in the old schema'}`,
    ],
    [
      { ...wider, additionalProperties: false },
      { ...object, additionalProperties: false },
      `{errorType:"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", description:"The new has a closed content model and is missing a property or item present at path '#/properties/b' in the old schema'}`,
    ],
    [{ type: 'array' }, { type: 'array', items: {} }, `{errorType:"SCHEMA_ADDED", description:"'}`],
    [
      { properties: { '%s': { type: 'string' } } },
      { properties: { '%s': { type: 'integer' } } },
      `{errorType:"TYPE_CHANGED", description:"A type at path '#/properties/%s' is different between the new schema and the old schema'}`,
    ],
  ]
  for (const [old, updated, message] of rows) {
    it(message.slice(0, 60), () => {
      const [found] = parse(updated).incompatibilities(parse(old))
      assert.equal(found?.message, message)
      assert.ok(found.rule.endsWith('.') && found.remedy.endsWith('.'))
      const [forward] = parse(updated).incompatibilities(parse(old), { newer: 'writer' })
      const swapped = message
        .replace('new', '\u0001')
        .replace('old', 'new')
        .replace('\u0001', 'old')
      assert.equal(forward?.message, swapped)
    })
  }

  it('has the messages for uncovered properties', () => {
    const partly = { additionalProperties: { type: 'string' } }
    const found = parse({ ...object, ...partly }).incompatibilities(
      parse({ type: 'object', ...partly }),
    )
    assert.deepEqual(
      found.map(({ message }) => message),
      [
        `{errorType:"TYPE_CHANGED", description:"A type at path '#/properties/a' is different between the new schema and the old schema'}`,
        `{errorType:"PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", description:"The new schema has a property or item at path '#/properties/a' which is missing in the old schema and is not covered by its partially open content model'}`,
      ],
    )
    const removed = parse({ type: 'object', ...partly }).incompatibilities(
      parse({ ...object, ...partly }),
    )
    assert.equal(
      removed.at(-1)?.message,
      `{errorType:"PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", description:"A property or item is missing in the new schema but present at path '#/properties/a' in the old schema and is not covered by its partially open content model'}`,
    )
  })

  it('names both ways out when a property is added to an open content model', () => {
    const [found] = parse(wider).incompatibilities(parse(object))
    assert.match(found?.remedy ?? '', /`additionalProperties: false`/)
    assert.match(found?.remedy ?? '', /`compatibilityPolicy: LENIENT`/)
  })
})

describe('hostile JSON schemas', () => {
  function text(schema: string): ParsedSchema {
    return jsonSchemaFormat.parse({ schema, references: [], resolved: [] })
  }
  function errors(old: string, updated: string): readonly string[] {
    return text(updated)
      .incompatibilities(text(old))
      .map(({ errorType }) => errorType)
  }
  function list(count: number, item: (index: number) => string): string {
    return Array.from({ length: count }, (_, index) => item(index)).join()
  }

  it('nesting of 10,000 levels is refused', () => {
    assert.throws(() => text(`${'{"not":'.repeat(10_000)}{}${'}'.repeat(10_000)}`), /levels/)
  })

  it('a text of a megabyte is compared', () => {
    const schema = (type: string) =>
      `{"properties":{${list(30_000, (index) => `"p${index}":{"type":"${type}"}`)}}}`
    assert.equal(errors(schema('string'), schema('integer')).length, 1000)
  })

  it('schemas that refer to themselves end', () => {
    assert.deepEqual(errors('{"$ref":"#"}', '{"$ref":"#","title":"x"}'), [])
    assert.deepEqual(
      errors('{"allOf":[{"$ref":"#"}]}', '{"allOf":[{"$ref":"#"},{"type":"string"}]}'),
      ['PRODUCT_TYPE_EXTENDED'],
    )
    const circle = (start: string) =>
      `{"$ref":"#/definitions/${start}","definitions":{` +
      '"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}'
    assert.deepEqual(errors(circle('a'), circle('b')), [])
  })

  it('2^60 paths to one change are one comparison for each pair', () => {
    const schema = (type: string) => {
      const definition = (index: number) => {
        const next = `{"$ref":"#/definitions/d${index + 1}"}`
        return `"d${index}":{"type":"object","properties":{"a":${next},"b":${next}}}`
      }
      return `{"$ref":"#/definitions/d0","definitions":{${list(60, definition)},"d60":{"type":"${type}"}}}`
    }
    const found = errors(schema('string'), schema('integer'))
    assert.equal(found.length, 1000)
    assert.deepEqual(errors(schema('integer'), schema('number')).slice(0, 1), [])
  })

  it('a chain of references over the limit is given up', () => {
    const schema = (type: string, length: number) => {
      const definition = (index: number) =>
        `"d${index}":{"properties":{"a":{"$ref":"#/definitions/d${index + 1}"}}}`
      return (
        `{"$ref":"#/definitions/d0","definitions":{${list(length, definition)},` +
        `"d${length}":{"type":"${type}"}}}`
      )
    }
    assert.deepEqual(errors(schema('string', 900), schema('integer', 900)), ['TYPE_CHANGED'])
    assert.deepEqual(errors(schema('string', 3000), schema('integer', 3000)), [
      'COMPARISON_LIMIT_EXCEEDED',
    ])
  })

  it('many branches are compared, too many are given up', () => {
    const schema = (count: number) => `{"oneOf":[${list(count, (index) => `{"const":${index}}`)}]}`
    assert.deepEqual(errors(schema(300), schema(301)), [])
    assert.deepEqual(errors(schema(301), schema(300)), ['SUM_TYPE_NARROWED'])
    assert.deepEqual(errors(schema(1000), schema(1001)), ['COMPARISON_LIMIT_EXCEEDED'])
    // Equal schemas are equal, whatever their size.
    assert.deepEqual(errors(schema(1000), schema(1000)), [])
  })

  it('a pattern that explodes does not stop a comparison', () => {
    const patterns = '"patternProperties":{"^(a+)+$":{"type":"string"},"^(?=(a+)+$)":{}}'
    const name = `${'a'.repeat(60)}!`
    assert.deepEqual(
      errors(
        `{"type":"object",${patterns}}`,
        `{"type":"object",${patterns},"properties":{"${name}":{"type":"integer"}}}`,
      ),
      [],
    )
  })

  it('names of prototypes are names like others', () => {
    const schema = (type: string) =>
      `{"properties":{"__proto__":{"type":"${type}"},"constructor":{}},"required":["toString"]}`
    assert.deepEqual(errors(schema('string'), schema('integer')), ['TYPE_CHANGED'])
  })
})
