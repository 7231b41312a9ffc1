// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareSchemas } from './compare.ts'
import { isCompatible } from './differences.ts'
import { rootLocation, SchemaDocuments } from './documents.ts'
import { isModern } from './draft.ts'
import { parseJsonText } from './json-text.ts'
import { loadClassic } from './load-classic.ts'
import { loadModern } from './load-modern.ts'

/**
 * Old schema, new schema, all differences with their places, and the verdicts under STRICT and
 * LENIENT: `y` compatible, `n` not.
 */
type Row = readonly [
  old: unknown,
  updated: unknown,
  differences: readonly string[],
  strict: 'y' | 'n',
  lenient: 'y' | 'n',
]

const draft4 = 'http://json-schema.org/draft-04/schema#'
const draft6 = 'http://json-schema.org/draft-06/schema#'
const draft2019 = 'https://json-schema.org/draft/2019-09/schema'
const draft2020 = 'https://json-schema.org/draft/2020-12/schema'

const string = { type: 'string' }
const integer = { type: 'integer' }
const number = { type: 'number' }
const conditional = Object.fromEntries([
  ['if', string],
  ['then', {}],
])

function object(properties: unknown, more: object = {}): object {
  return { type: 'object', properties, ...more }
}
function closed(properties: unknown, more: object = {}): object {
  return object(properties, { additionalProperties: false, ...more })
}
function tuple(items: readonly unknown[], more: object = {}): object {
  return { type: 'array', items, ...more }
}
function modern(schema: object): object {
  return { $schema: draft2020, ...schema }
}

/** Rows for one limit: added, removed, raised, lowered. `isUpper`: a maximum. */
function limit(base: object, keyword: string, isUpper: boolean): readonly Row[] {
  const prefix = keyword.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
  const at = (change: string) => [`${prefix}_${change} #/${keyword}`]
  return [
    [base, { ...base, [keyword]: 5 }, at('ADDED'), 'n', 'n'],
    [{ ...base, [keyword]: 5 }, base, at('REMOVED'), 'y', 'y'],
    [
      { ...base, [keyword]: 5 },
      { ...base, [keyword]: 6 },
      at('INCREASED'),
      isUpper ? 'y' : 'n',
      isUpper ? 'y' : 'n',
    ],
    [
      { ...base, [keyword]: 5 },
      { ...base, [keyword]: 4 },
      at('DECREASED'),
      isUpper ? 'n' : 'y',
      isUpper ? 'n' : 'y',
    ],
    [{ ...base, [keyword]: 5 }, { ...base, [keyword]: 5 }, [], 'y', 'y'],
  ]
}

const tables: Readonly<Record<string, readonly Row[]>> = {
  strings: [
    ...limit(string, 'maxLength', true),
    ...limit(string, 'minLength', false),
    [string, { ...string, pattern: '^a' }, ['PATTERN_ADDED #/pattern'], 'n', 'n'],
    [{ ...string, pattern: '^a' }, string, ['PATTERN_REMOVED #/pattern'], 'y', 'y'],
    [
      { ...string, pattern: '^a' },
      { ...string, pattern: '^b' },
      ['PATTERN_CHANGED #/pattern'],
      'n',
      'n',
    ],
    [string, { ...string, format: 'date' }, [], 'y', 'y'],
    [{ maxLength: 3 }, { ...string, maxLength: 3 }, [], 'y', 'y'],
  ],
  numbers: [
    ...limit(number, 'maximum', true),
    ...limit(number, 'minimum', false),
    ...limit(number, 'exclusiveMaximum', true),
    ...limit(number, 'exclusiveMinimum', false),
    [number, { ...number, multipleOf: 2 }, ['MULTIPLE_OF_ADDED #/multipleOf'], 'n', 'n'],
    [{ ...number, multipleOf: 2 }, number, ['MULTIPLE_OF_REMOVED #/multipleOf'], 'y', 'y'],
    [
      { ...number, multipleOf: 2 },
      { ...number, multipleOf: 4 },
      ['MULTIPLE_OF_EXPANDED #/multipleOf'],
      'n',
      'n',
    ],
    [
      { ...number, multipleOf: 0.6 },
      { ...number, multipleOf: 0.2 },
      ['MULTIPLE_OF_REDUCED #/multipleOf'],
      'y',
      'y',
    ],
    [
      { ...number, multipleOf: 2 },
      { ...number, multipleOf: 3 },
      ['MULTIPLE_OF_CHANGED #/multipleOf'],
      'n',
      'n',
    ],
    [integer, number, ['TYPE_EXTENDED #/'], 'y', 'y'],
    [number, integer, ['TYPE_NARROWED #/'], 'n', 'n'],
    [{ minimum: 1 }, { ...number, minimum: 1 }, [], 'y', 'y'],
    // Boolean limits of draft 4 are not compared.
    [
      { $schema: draft4, ...number, maximum: 1 },
      { $schema: draft4, ...number, maximum: 1, exclusiveMaximum: true },
      [],
      'y',
      'y',
    ],
  ],
  values: [
    [{ enum: [1] }, { enum: [1, 2] }, ['ENUM_ARRAY_EXTENDED #/enum'], 'y', 'y'],
    [{ enum: [1, 2] }, { enum: [1] }, ['ENUM_ARRAY_NARROWED #/enum'], 'n', 'n'],
    [{ enum: [1, 2] }, { enum: [1, 3] }, ['ENUM_ARRAY_CHANGED #/enum'], 'n', 'n'],
    [{ enum: [1, 2] }, { enum: [2, 1] }, [], 'y', 'y'],
    [{ enum: [{ a: 1, b: [2] }] }, { enum: [{ b: [2], a: 1 }] }, [], 'y', 'y'],
    [{ const: 'a' }, { const: 'b' }, ['ENUM_ARRAY_CHANGED #/const'], 'n', 'n'],
    [{ const: null }, { const: null, title: 't' }, [], 'y', 'y'],
    [{ const: 'a' }, { enum: ['a'] }, ['TYPE_CHANGED #/'], 'n', 'n'],
    [
      { type: 'string', enum: ['a'] },
      { type: 'string', enum: ['a', 'b'] },
      ['ENUM_ARRAY_EXTENDED #/allOf/0/enum'],
      'y',
      'y',
    ],
    [
      { type: 'string', enum: ['a', 'b'] },
      { type: 'string', enum: ['a'] },
      ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
      'n',
      'n',
    ],
    // Draft 4 has no const.
    [{ $schema: draft4, const: 1 }, { $schema: draft4, const: 2 }, [], 'y', 'y'],
  ],
  types: [
    [{ type: 'object' }, { type: 'array' }, ['TYPE_CHANGED #/'], 'n', 'n'],
    [{ type: 'boolean' }, { type: 'null' }, ['TYPE_CHANGED #/'], 'n', 'n'],
    [string, {}, [], 'y', 'y'],
    [string, true, [], 'y', 'y'],
    [{}, string, ['TYPE_CHANGED #/'], 'n', 'n'],
    [true, string, ['TYPE_CHANGED #/'], 'n', 'n'],
    [true, {}, [], 'y', 'y'],
    [{}, true, [], 'y', 'y'],
    [false, string, [], 'y', 'y'],
    [string, false, ['TYPE_CHANGED #/'], 'n', 'n'],
    [{ type: 'string' }, { type: ['string'] }, [], 'y', 'y'],
    [{ type: ['string'] }, { type: 'string' }, [], 'y', 'y'],
    [string, { type: ['string', 'null'] }, ['SUM_TYPE_EXTENDED #/'], 'y', 'y'],
    [{ type: ['string', 'null'] }, string, ['TYPE_CHANGED #/'], 'n', 'n'],
    [
      { type: ['string', 'null'] },
      { type: ['null', 'string', 'integer'] },
      ['SUM_TYPE_EXTENDED #/'],
      'y',
      'y',
    ],
    [
      { type: ['string', 'null'], maxLength: 3 },
      { type: ['string', 'null'], maxLength: 2 },
      ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
      'n',
      'n',
    ],
    [{ 'connect.type': 'bytes', ...string }, { 'connect.type': 'bytes', ...number }, [], 'y', 'y'],
    [
      { 'connect.type': 'bytes', ...string },
      { 'connect.type': 'int8', ...number },
      ['TYPE_CHANGED #/'],
      'n',
      'n',
    ],
    [conditional, { if: integer }, [], 'y', 'y'],
    [object({}), object({}, { if: {} }), ['TYPE_CHANGED #/'], 'n', 'n'],
  ],
  required: [
    [
      object({ a: string }),
      object({ a: string }, { required: ['a'] }),
      ['REQUIRED_ATTRIBUTE_ADDED #/required/a'],
      'n',
      'n',
    ],
    [
      object({ a: string }),
      object({ a: { ...string, default: '' } }, { required: ['a'] }),
      ['REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED #/required/a'],
      'y',
      'y',
    ],
    [
      object({ a: string }, { required: ['a'] }),
      object({ a: string }),
      ['REQUIRED_ATTRIBUTE_REMOVED #/required/a'],
      'y',
      'y',
    ],
    // Only properties of both schemas count.
    [object({ a: string }), object({ a: string }, { required: ['z'] }), [], 'y', 'y'],
  ],
  'open content model': [
    [
      object({}),
      object({ a: string }),
      ['OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'],
      'n',
      'y',
    ],
    [
      object({}),
      object({ a: string }, { required: ['a'] }),
      ['REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'],
      'n',
      'n',
    ],
    [
      object({}),
      object({ a: { ...string, default: '' } }, { required: ['a'] }),
      ['REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'],
      'n',
      'y',
    ],
    [
      object({}),
      object({ a: {} }),
      ['PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    [
      object({}),
      object({ a: true }, { required: ['a'] }),
      ['PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    [
      object({ a: string }),
      object({}),
      ['PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    [object({ a: string }), object({ a: integer }), ['TYPE_CHANGED #/properties/a'], 'n', 'n'],
    [
      object({ a: object({ b: string }) }),
      object({ a: object({ b: integer }) }),
      ['TYPE_CHANGED #/properties/a/properties/b'],
      'n',
      'n',
    ],
    // The order of Java's hash sets, not of the text.
    [
      object({ zz: string, a: string, q: string }),
      object({ zz: integer, a: integer, q: integer }),
      [
        'TYPE_CHANGED #/properties/zz',
        'TYPE_CHANGED #/properties/a',
        'TYPE_CHANGED #/properties/q',
      ],
      'n',
      'n',
    ],
  ],
  'closed content model': [
    [
      closed({}),
      closed({ a: string }),
      ['OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    [
      closed({}),
      closed({ a: string }, { required: ['a'] }),
      ['REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
      'n',
      'n',
    ],
    [
      closed({}),
      closed({ a: { ...string, default: '' } }, { required: ['a'] }),
      ['REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    [
      closed({ a: string }),
      closed({}),
      ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a'],
      'n',
      'y',
    ],
    [
      closed({ a: false }),
      closed({}),
      ['PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    [object({}), closed({}), ['ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties'], 'n', 'y'],
    [closed({}), object({}), ['ADDITIONAL_PROPERTIES_ADDED #/additionalProperties'], 'y', 'y'],
  ],
  'partially open content model': [
    [
      object({}, { additionalProperties: string }),
      object({ a: string }, { additionalProperties: string }),
      [
        'PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a',
        'OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a',
      ],
      'y',
      'y',
    ],
    // LENIENT accepts the uncovered property, but not the change of its type.
    [
      object({}, { additionalProperties: string }),
      object({ a: integer }, { additionalProperties: string }),
      [
        'TYPE_CHANGED #/properties/a',
        'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a',
        'OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a',
      ],
      'n',
      'n',
    ],
    [
      object({ a: string }, { additionalProperties: string }),
      object({}, { additionalProperties: string }),
      ['PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    [
      object({ a: integer }, { additionalProperties: string }),
      object({}, { additionalProperties: string }),
      [
        'TYPE_CHANGED #/properties/a',
        'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a',
      ],
      'n',
      'n',
    ],
    [
      object({}, { patternProperties: { '^s_': string } }),
      object({ s_a: string }, { patternProperties: { '^s_': string } }),
      [
        'PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/s_a',
        'OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/s_a',
      ],
      'y',
      'y',
    ],
    // A property that no pattern covers counts as if the model were closed.
    [
      object({}, { patternProperties: { '^s_': string } }),
      object({ i_a: integer }, { patternProperties: { '^s_': string } }),
      ['OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/i_a'],
      'y',
      'y',
    ],
    [
      object({ i_a: integer }, { patternProperties: { '^s_': string } }),
      object({}, { patternProperties: { '^s_': string } }),
      ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/i_a'],
      'n',
      'y',
    ],
    // Changes of the patterns themselves are not compared.
    [
      object({}, { patternProperties: { '^s_': string } }),
      object({}, { patternProperties: { '^s_': integer } }),
      [],
      'y',
      'y',
    ],
    [
      object({}),
      object({}, { additionalProperties: string }),
      ['ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties'],
      'n',
      'y',
    ],
    [
      object({}, { additionalProperties: string }),
      object({}),
      ['ADDITIONAL_PROPERTIES_EXTENDED #/additionalProperties'],
      'y',
      'y',
    ],
    [
      object({}, { additionalProperties: string }),
      object({}, { additionalProperties: integer }),
      ['TYPE_CHANGED #/additionalProperties'],
      'n',
      'n',
    ],
    [object({}), object({}, { additionalProperties: true }), [], 'y', 'y'],
    // An empty schema is not the same as `true` here.
    [
      object({}),
      object({}, { additionalProperties: {} }),
      ['ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties'],
      'n',
      'y',
    ],
  ],
  'objects: limits and dependencies': [
    ...limit({ type: 'object' }, 'maxProperties', true),
    ...limit({ type: 'object' }, 'minProperties', false),
    [
      { type: 'object' },
      { type: 'object', dependencies: { a: ['b'] } },
      ['DEPENDENCY_ARRAY_ADDED #/dependencies/a'],
      'n',
      'n',
    ],
    [
      { type: 'object', dependencies: { a: ['b'] } },
      { type: 'object' },
      ['DEPENDENCY_ARRAY_REMOVED #/dependencies/a'],
      'y',
      'y',
    ],
    [
      { dependencies: { a: ['b'] } },
      { dependencies: { a: ['b', 'c'] } },
      ['DEPENDENCY_ARRAY_EXTENDED #/dependencies/a'],
      'n',
      'n',
    ],
    [
      { dependencies: { a: ['b', 'c'] } },
      { dependencies: { a: ['b'] } },
      ['DEPENDENCY_ARRAY_NARROWED #/dependencies/a'],
      'y',
      'y',
    ],
    [
      { dependencies: { a: ['b'] } },
      { dependencies: { a: ['c'] } },
      ['DEPENDENCY_ARRAY_CHANGED #/dependencies/a'],
      'n',
      'n',
    ],
    [{ dependencies: { a: [] } }, { dependencies: {} }, [], 'y', 'y'],
    [
      { dependencies: {} },
      { dependencies: { a: string } },
      ['DEPENDENCY_SCHEMA_ADDED #/dependencies/a'],
      'n',
      'n',
    ],
    [
      { dependencies: { a: string } },
      { dependencies: {} },
      ['DEPENDENCY_SCHEMA_REMOVED #/dependencies/a'],
      'y',
      'y',
    ],
    [
      { dependencies: { a: string } },
      { dependencies: { a: integer } },
      ['TYPE_CHANGED #/dependencies/a'],
      'n',
      'n',
    ],
    [
      { dependencies: { a: ['b'] } },
      { dependencies: { a: string } },
      ['DEPENDENCY_ARRAY_REMOVED #/dependencies/a', 'DEPENDENCY_SCHEMA_ADDED #/dependencies/a'],
      'n',
      'n',
    ],
    [{ type: 'object' }, { type: 'object', propertyNames: { maxLength: 2 } }, [], 'y', 'y'],
    [
      modern({ type: 'object' }),
      modern({ type: 'object', dependentRequired: { a: ['b'] } }),
      ['DEPENDENCY_ARRAY_ADDED #/dependencies/a'],
      'n',
      'n',
    ],
    [
      modern({ type: 'object', dependentSchemas: { a: string } }),
      modern({ type: 'object' }),
      ['DEPENDENCY_SCHEMA_REMOVED #/dependencies/a'],
      'y',
      'y',
    ],
    [
      modern({ type: 'object' }),
      modern({ type: 'object', dependencies: { a: ['b'] } }),
      [],
      'y',
      'y',
    ],
  ],
  'unevaluated properties and items': [
    [
      modern(object({})),
      modern(object({}, { unevaluatedProperties: false })),
      ['UNEVALUATED_PROPERTIES_REMOVED #/unevaluatedProperties'],
      'n',
      'y',
    ],
    [
      modern(object({})),
      modern(object({}, { unevaluatedProperties: string })),
      ['UNEVALUATED_PROPERTIES_NARROWED #/unevaluatedProperties'],
      'n',
      'y',
    ],
    [
      modern(object({}, { unevaluatedProperties: false })),
      modern(object({})),
      ['UNEVALUATED_PROPERTIES_ADDED #/unevaluatedProperties'],
      'y',
      'y',
    ],
    [
      modern(object({}, { unevaluatedProperties: string })),
      modern(object({})),
      ['UNEVALUATED_PROPERTIES_EXTENDED #/unevaluatedProperties'],
      'y',
      'y',
    ],
    [
      modern(object({}, { unevaluatedProperties: string })),
      modern(object({}, { unevaluatedProperties: integer })),
      ['TYPE_CHANGED #/unevaluatedProperties'],
      'n',
      'n',
    ],
    [
      modern(object({}, { unevaluatedProperties: true })),
      modern(object({}, { unevaluatedProperties: string })),
      ['UNEVALUATED_PROPERTIES_NARROWED #/unevaluatedProperties'],
      'n',
      'y',
    ],
    [
      modern(object({}, { unevaluatedProperties: string })),
      modern(object({ a: string }, { unevaluatedProperties: string })),
      [
        'PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a',
        'OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a',
      ],
      'y',
      'y',
    ],
    // `false` does not cover anything; the model counts as closed.
    [
      modern(object({}, { unevaluatedProperties: false })),
      modern(object({ a: string }, { unevaluatedProperties: false })),
      ['OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
      'y',
      'y',
    ],
    // Draft 7 does not have the keyword.
    [object({}), object({}, { unevaluatedProperties: false }), [], 'y', 'y'],
    [
      modern({ type: 'array' }),
      modern({ type: 'array', unevaluatedItems: false }),
      ['UNEVALUATED_ITEMS_REMOVED #/unevaluatedItems'],
      'n',
      'n',
    ],
    [
      modern({ type: 'array' }),
      modern({ type: 'array', unevaluatedItems: string }),
      ['UNEVALUATED_ITEMS_NARROWED #/unevaluatedItems'],
      'n',
      'n',
    ],
    [
      modern({ type: 'array', unevaluatedItems: false }),
      modern({ type: 'array', unevaluatedItems: string }),
      ['UNEVALUATED_ITEMS_ADDED #/unevaluatedItems'],
      'y',
      'y',
    ],
    [
      modern({ type: 'array', unevaluatedItems: string }),
      modern({ type: 'array', unevaluatedItems: true }),
      ['UNEVALUATED_ITEMS_EXTENDED #/unevaluatedItems'],
      'y',
      'y',
    ],
    // An unknown keyword beside it takes it away in Confluent's registry.
    [
      modern(object({})),
      modern(object({}, { unevaluatedProperties: false, examples: [] })),
      [],
      'y',
      'y',
    ],
  ],
  arrays: [
    ...limit({ type: 'array' }, 'maxItems', true),
    ...limit({ type: 'array' }, 'minItems', false),
    [
      { type: 'array' },
      { type: 'array', uniqueItems: true },
      ['UNIQUE_ITEMS_ADDED #/uniqueItems'],
      'n',
      'n',
    ],
    [
      { type: 'array', uniqueItems: true },
      { type: 'array' },
      ['UNIQUE_ITEMS_REMOVED #/uniqueItems'],
      'y',
      'y',
    ],
    [{ type: 'array' }, { type: 'array', uniqueItems: false }, [], 'y', 'y'],
    [{ type: 'array' }, { type: 'array', items: string }, ['SCHEMA_ADDED #/items'], 'n', 'n'],
    [{ type: 'array' }, { type: 'array', items: {} }, ['SCHEMA_ADDED #/items'], 'n', 'n'],
    [{ type: 'array', items: string }, { type: 'array' }, ['SCHEMA_REMOVED #/items'], 'y', 'y'],
    [
      { type: 'array', items: string },
      { type: 'array', items: integer },
      ['TYPE_CHANGED #/items'],
      'n',
      'n',
    ],
    [{ items: integer }, { type: 'array', items: number }, ['TYPE_EXTENDED #/items'], 'y', 'y'],
    [{ type: 'array' }, { type: 'array', contains: string }, [], 'y', 'y'],
    [
      modern({ type: 'array' }),
      modern({ type: 'array', contains: string }),
      ['MIN_CONTAINS_ADDED #/minContains'],
      'n',
      'n',
    ],
    [
      modern({ type: 'array', contains: string, minContains: 2 }),
      modern({ type: 'array', contains: string, minContains: 1 }),
      ['MIN_CONTAINS_DECREASED #/minContains'],
      'y',
      'y',
    ],
    [
      modern({ type: 'array', contains: string, maxContains: 2 }),
      modern({ type: 'array', contains: string, maxContains: 1 }),
      ['MAX_CONTAINS_DECREASED #/maxContains'],
      'n',
      'n',
    ],
    [
      modern({ type: 'array', contains: string, maxContains: 2 }),
      modern({ type: 'array', contains: string }),
      ['MAX_CONTAINS_REMOVED #/maxContains'],
      'y',
      'y',
    ],
    [
      modern({ type: 'array', items: string }),
      modern({ type: 'array', items: integer }),
      ['TYPE_CHANGED #/items'],
      'n',
      'n',
    ],
    [modern({ type: 'array', items: true }), modern({ type: 'array' }), [], 'y', 'y'],
    [
      modern({ type: 'array' }),
      modern({ type: 'array', items: false }),
      ['ADDITIONAL_ITEMS_REMOVED #/additionalItems'],
      'n',
      'n',
    ],
  ],
  tuples: [
    [tuple([string]), tuple([integer]), ['TYPE_CHANGED #/items/0'], 'n', 'n'],
    [
      tuple([string]),
      tuple([string, integer]),
      ['ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1'],
      'n',
      'n',
    ],
    [
      tuple([string]),
      tuple([string, {}]),
      ['ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/items/1'],
      'y',
      'y',
    ],
    [
      tuple([string, integer]),
      tuple([string]),
      ['ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL #/items/1'],
      'y',
      'y',
    ],
    [
      tuple([string], { additionalItems: false }),
      tuple([string, integer], { additionalItems: false }),
      ['ITEM_ADDED_TO_CLOSED_CONTENT_MODEL #/items/1'],
      'y',
      'y',
    ],
    [
      tuple([string, integer], { additionalItems: false }),
      tuple([string], { additionalItems: false }),
      ['ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1'],
      'n',
      'n',
    ],
    [
      tuple([string, false], { additionalItems: false }),
      tuple([string], { additionalItems: false }),
      ['ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1'],
      'y',
      'y',
    ],
    [
      tuple([], { additionalItems: string }),
      tuple([string], { additionalItems: string }),
      ['ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0'],
      'y',
      'y',
    ],
    [
      tuple([], { additionalItems: string }),
      tuple([integer], { additionalItems: string }),
      [
        'TYPE_CHANGED #/items/0',
        'ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0',
      ],
      'n',
      'n',
    ],
    [
      tuple([string], { additionalItems: string }),
      tuple([], { additionalItems: string }),
      ['ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0'],
      'y',
      'y',
    ],
    [
      tuple([integer], { additionalItems: string }),
      tuple([], { additionalItems: string }),
      [
        'TYPE_CHANGED #/items/0',
        'ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0',
      ],
      'n',
      'n',
    ],
    [
      tuple([string]),
      tuple([string], { additionalItems: false }),
      ['ADDITIONAL_ITEMS_REMOVED #/additionalItems'],
      'n',
      'n',
    ],
    [
      tuple([string], { additionalItems: false }),
      tuple([string]),
      ['ADDITIONAL_ITEMS_ADDED #/additionalItems'],
      'y',
      'y',
    ],
    [
      tuple([string]),
      tuple([string], { additionalItems: string }),
      ['ADDITIONAL_ITEMS_NARROWED #/additionalItems'],
      'n',
      'n',
    ],
    [
      tuple([string], { additionalItems: string }),
      tuple([string]),
      ['ADDITIONAL_ITEMS_EXTENDED #/additionalItems'],
      'y',
      'y',
    ],
    // Beside a schema of all items, additionalItems has no meaning.
    [
      { type: 'array', items: string },
      { type: 'array', items: string, additionalItems: false },
      [],
      'y',
      'y',
    ],
    [
      modern({ type: 'array', prefixItems: [string], items: false }),
      modern({ type: 'array', prefixItems: [string, integer], items: false }),
      ['ITEM_ADDED_TO_CLOSED_CONTENT_MODEL #/items/1'],
      'y',
      'y',
    ],
    [
      modern({ type: 'array', prefixItems: [string], items: integer }),
      modern({ type: 'array', prefixItems: [string], items: string }),
      ['TYPE_CHANGED #/additionalItems'],
      'n',
      'n',
    ],
    [
      { $schema: draft2019, type: 'array', items: [string], additionalItems: false },
      { $schema: draft2019, type: 'array', items: [string, integer], additionalItems: false },
      ['ITEM_ADDED_TO_CLOSED_CONTENT_MODEL #/items/1'],
      'y',
      'y',
    ],
  ],
  combinations: [
    [{ oneOf: [string] }, { oneOf: [string, integer] }, ['SUM_TYPE_EXTENDED #/'], 'y', 'y'],
    [{ oneOf: [string, integer] }, { oneOf: [string] }, ['SUM_TYPE_NARROWED #/'], 'n', 'n'],
    [{ anyOf: [string, integer] }, { anyOf: [integer, string] }, [], 'y', 'y'],
    [
      { anyOf: [string, integer] },
      { anyOf: [string, { type: 'null' }] },
      ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
      'n',
      'n',
    ],
    [
      { oneOf: [integer, string] },
      { oneOf: [string, number] },
      ['TYPE_EXTENDED #/oneOf/0'],
      'y',
      'y',
    ],
    [{ allOf: [string] }, { allOf: [string, integer] }, ['PRODUCT_TYPE_EXTENDED #/'], 'n', 'n'],
    [{ allOf: [string, integer] }, { allOf: [string] }, ['PRODUCT_TYPE_NARROWED #/'], 'y', 'y'],
    // Branches that are written twice count once.
    [{ oneOf: [string, string] }, { oneOf: [string] }, [], 'y', 'y'],
    [
      { allOf: [string, integer] },
      { anyOf: [string, integer] },
      ['COMBINED_TYPE_EXTENDED #/'],
      'y',
      'y',
    ],
    [
      { oneOf: [string, integer] },
      { anyOf: [string, integer] },
      ['COMBINED_TYPE_EXTENDED #/'],
      'y',
      'y',
    ],
    [
      { anyOf: [string, integer] },
      { oneOf: [string, integer] },
      ['COMBINED_TYPE_CHANGED #/'],
      'n',
      'n',
    ],
    [
      { anyOf: [string, integer] },
      { allOf: [string, integer] },
      ['COMBINED_TYPE_CHANGED #/'],
      'n',
      'n',
    ],
    [{ anyOf: [string] }, { oneOf: [string] }, ['COMBINED_TYPE_EXTENDED #/'], 'y', 'y'],
    [
      { anyOf: [string] },
      { oneOf: [string, integer] },
      ['COMBINED_TYPE_EXTENDED #/', 'SUM_TYPE_EXTENDED #/'],
      'y',
      'y',
    ],
    [
      { allOf: [string, integer] },
      { oneOf: [string] },
      ['COMBINED_TYPE_EXTENDED #/', 'PRODUCT_TYPE_NARROWED #/'],
      'y',
      'y',
    ],
    [string, { oneOf: [integer, string] }, ['SUM_TYPE_EXTENDED #/'], 'y', 'y'],
    [string, { anyOf: [integer, string] }, ['SUM_TYPE_EXTENDED #/'], 'y', 'y'],
    [string, { allOf: [string] }, [], 'y', 'y'],
    [string, { allOf: [string, { maxLength: 2 }] }, ['TYPE_CHANGED #/'], 'n', 'n'],
    [{ oneOf: [string] }, string, [], 'y', 'y'],
    [{ allOf: [integer, string] }, string, ['PRODUCT_TYPE_NARROWED #/'], 'y', 'y'],
    [{ oneOf: [integer, string] }, string, ['TYPE_CHANGED #/'], 'n', 'n'],
    [string, { oneOf: [integer] }, ['TYPE_CHANGED #/'], 'n', 'n'],
    [string, { oneOf: [integer, number] }, ['TYPE_CHANGED #/'], 'n', 'n'],
    // A greedy choice would give `number` to the first branch.
    [{ oneOf: [integer, number] }, { oneOf: [number, integer] }, [], 'y', 'y'],
    // Three branches that fit only one another way round.
    [
      { anyOf: [{ minimum: 3 }, { minimum: 2 }, { minimum: 1 }] },
      { anyOf: [{ minimum: 1 }, { minimum: 2 }, { minimum: 3 }] },
      [],
      'y',
      'y',
    ],
    [
      modern({ type: ['string', 'null'], maxLength: 2 }),
      modern({ type: ['string', 'null'], maxLength: 3 }),
      ['MAX_LENGTH_INCREASED #/anyOf/0/maxLength'],
      'y',
      'y',
    ],
    [
      modern({ oneOf: [string, integer] }),
      modern({ oneOf: [string] }),
      ['SUM_TYPE_NARROWED #/'],
      'n',
      'n',
    ],
  ],
  negations: [
    [{ not: string }, { not: { ...string, maxLength: 2 } }, ['NOT_TYPE_NARROWED #/not'], 'y', 'y'],
    [{ not: { ...string, maxLength: 2 } }, { not: string }, ['NOT_TYPE_EXTENDED #/not'], 'n', 'n'],
    [{ not: string }, { not: integer }, ['NOT_TYPE_EXTENDED #/not'], 'n', 'n'],
    [string, { not: integer }, ['TYPE_CHANGED #/'], 'n', 'n'],
  ],
  references: [
    [
      { $ref: '#/definitions/a', definitions: { a: string } },
      { $ref: '#/definitions/b', definitions: { b: string } },
      [],
      'y',
      'y',
    ],
    [
      object({ x: { $ref: '#/definitions/a' } }, { definitions: { a: string } }),
      object({ x: string }),
      [],
      'y',
      'y',
    ],
    [
      object({ x: { $ref: '#/definitions/a' } }, { definitions: { a: string } }),
      object({ x: { $ref: '#/definitions/a' } }, { definitions: { a: integer } }),
      ['TYPE_CHANGED #/properties/x'],
      'n',
      'n',
    ],
    // Up to draft 7 the siblings of a reference do not count.
    [
      object({ x: { $ref: '#/definitions/a' } }, { definitions: { a: string } }),
      object({ x: { $ref: '#/definitions/a', maxLength: 1 } }, { definitions: { a: string } }),
      [],
      'y',
      'y',
    ],
    [
      modern(object({ x: { $ref: '#/$defs/a' } }, { $defs: { a: string } })),
      modern(object({ x: { $ref: '#/$defs/a', maxLength: 1 } }, { $defs: { a: string } })),
      ['TYPE_CHANGED #/properties/x'],
      'n',
      'n',
    ],
    // A default beside a reference does not count either.
    [
      object({ x: { $ref: '#/definitions/a' } }, { definitions: { a: string } }),
      object(
        { x: { $ref: '#/definitions/a', default: '' } },
        { definitions: { a: string }, required: ['x'] },
      ),
      ['REQUIRED_ATTRIBUTE_ADDED #/required/x'],
      'n',
      'n',
    ],
    // A reference to a reference is not followed further than one step.
    [
      object(
        { x: { $ref: '#/definitions/a' } },
        { definitions: { a: { $ref: '#/definitions/b' }, b: string } },
      ),
      object(
        { x: { $ref: '#/definitions/a' } },
        { definitions: { a: { $ref: '#/definitions/b' }, b: integer } },
      ),
      [],
      'y',
      'y',
    ],
    [
      object({ value: string, next: { $ref: '#' } }),
      object({ value: string, next: { $ref: '#' } }, { title: 't' }),
      [],
      'y',
      'y',
    ],
    [
      object({ value: string, next: { $ref: '#' } }),
      object({ value: integer, next: { $ref: '#' } }),
      [
        'TYPE_CHANGED #/properties/next/properties/next/properties/value',
        'TYPE_CHANGED #/properties/next/properties/value',
        'TYPE_CHANGED #/properties/value',
      ],
      'n',
      'n',
    ],
    // What a cycle hides in one branch counts in the other.
    [
      {
        oneOf: [{ $ref: '#/definitions/a' }, { type: 'null' }],
        definitions: {
          a: object({ b: { $ref: '#/definitions/b' }, v: string }),
          b: object({ a: { $ref: '#/definitions/a' } }),
        },
      },
      {
        oneOf: [{ $ref: '#/definitions/a' }, { type: 'null' }],
        definitions: {
          a: object({ b: { $ref: '#/definitions/b' }, v: integer }),
          b: object({ a: { $ref: '#/definitions/a' } }),
        },
      },
      ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'],
      'n',
      'n',
    ],
    [
      { $schema: draft6, $ref: '#/definitions/a%20b~1c', definitions: { 'a b/c': string } },
      { $schema: draft6, $ref: '#/definitions/x', definitions: { x: string } },
      [],
      'y',
      'y',
    ],
  ],
}

function load(value: unknown) {
  const documents = new SchemaDocuments(parseJsonText(JSON.stringify(value)), [])
  const read = isModern(documents.root.draft) ? loadModern : loadClassic
  return read(rootLocation(documents.root), documents)
}

describe('compatibility rules of JSON Schema', () => {
  for (const [table, rows] of Object.entries(tables)) {
    describe(table, () => {
      for (const [old, updated, expected, strict, lenient] of rows) {
        it(`${JSON.stringify(old)} to ${JSON.stringify(updated)}`, () => {
          const options = { policy: 'STRICT', keepsCompatible: true } as const
          const differences = compareSchemas(load(old), load(updated), options)
          assert.deepEqual(
            differences.map(({ type, path }) => `${type} #/${path}`),
            expected,
          )
          for (const [policy, verdict] of [
            ['STRICT', strict],
            ['LENIENT', lenient],
          ] as const) {
            const found = compareSchemas(load(old), load(updated), { policy })
            assert.equal(found.length === 0 ? 'y' : 'n', verdict, policy)
            assert.ok(
              found.every(({ type }) => !isCompatible(type, policy)),
              'only incompatible differences are returned',
            )
          }
        })
      }
    })
  }
})
