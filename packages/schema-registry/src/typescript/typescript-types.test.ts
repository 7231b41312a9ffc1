// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseSync } from 'oxc-parser'
import { InvalidSchemaError } from '../schema/schema.ts'
import type { TypedSchema } from './typed-schema.ts'
import { typescriptTypes } from './typescript-types.ts'

interface Case {
  readonly name: string
  readonly type: TypedSchema['type']
  readonly schema: object | string
  readonly resolved?: Readonly<Record<string, object | string>>
  /** Declarations without the header. */
  readonly source: string
}

const cases: readonly Case[] = [
  {
    name: 'a record',
    type: 'AVRO',
    schema: {
      type: 'record',
      name: 'Order',
      namespace: 'shop',
      doc: 'An order.',
      fields: [
        { name: 'id', type: 'long', doc: 'Number of the order.' },
        { name: 'note', type: ['null', 'string'], default: null },
        { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'PAID'] } },
        { name: 'before', type: ['null', 'State'] },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'tags', type: { type: 'array', items: ['null', 'string'] } },
        { name: 'counts', type: { type: 'map', values: 'int' } },
        { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
        { name: 'amount', type: ['int', 'double', 'null'] },
        { name: 'parent', type: ['null', 'shop.Order'] },
        {
          name: 'payment',
          type: [
            { type: 'record', name: 'Card', fields: [] },
            { type: 'map', values: 'Hash' },
          ],
        },
      ],
    },
    source: `/** An order. */
export interface Order {
  /** Number of the order. */
  id: bigint
  note: null | string
  state: State
  before: null | State
  price: Decimal
  at: Date
  micros: bigint
  tags: (null | string)[]
  counts: Record<string, number>
  hash: Buffer
  amount: { int: number } | { double: number } | null
  parent: null | Order
  payment: { 'shop.Card': Card } | { map: Record<string, Buffer> }
}

export type State = 'NEW' | 'PAID'

export interface Card {
}
`,
  },
  {
    name: 'a decimal without a precision is bytes',
    type: 'AVRO',
    schema: { type: 'array', items: { type: 'bytes', logicalType: 'decimal' } },
    source: 'export type OrdersValue = Buffer[]\n',
  },
  {
    name: 'records of one name in two namespaces',
    type: 'AVRO',
    schema: [
      { type: 'record', name: 'a.R', fields: [{ name: 'x', type: 'int' }] },
      { type: 'record', name: 'b.R', fields: [{ name: 'x', type: 'string' }] },
    ],
    source: `export interface R {
  x: number
}

export interface b_R {
  x: string
}

export type OrdersValue = { 'a.R': R } | { 'b.R': b_R }
`,
  },
  {
    name: 'a referenced record',
    type: 'AVRO',
    schema: { type: 'record', name: 'O', namespace: 's', fields: [{ name: 'c', type: 'C' }] },
    resolved: {
      's.C': { type: 'record', name: 'C', namespace: 's', fields: [{ name: 'n', type: 'float' }] },
    },
    source: 'export interface O {\n  c: C\n}\n\nexport interface C {\n  n: number\n}\n',
  },
  {
    name: 'an object',
    type: 'JSON',
    schema: {
      title: 'Order',
      description: 'An order.',
      type: 'object',
      required: ['id'],
      properties: {
        id: { type: 'integer', description: 'Number.' },
        'first name': { type: ['string', 'null'] },
        state: { enum: ['new', 2, null, { a: [1] }] },
        kind: { const: 'order' },
        lines: { type: 'array', items: { $ref: '#/$defs/line' } },
        pair: { type: 'array', prefixItems: [{ type: 'string' }, {}], items: false },
        address: { type: 'object', properties: { city: { type: 'string' } } },
        any: {},
        extra: { type: 'object', additionalProperties: { type: 'boolean' } },
        mixed: { allOf: [{ $ref: '#/$defs/line' }, { type: 'object', properties: { z: true } }] },
      },
      $defs: {
        line: {
          type: 'object',
          properties: { parent: { $ref: '#' }, next: { $ref: '#/$defs/line' } },
        },
      },
    },
    source: `/** An order. */
export interface Order {
  /** Number. */
  id: number
  'first name'?: string | null
  state?: 'new' | 2 | null | { a: [1] }
  kind?: 'order'
  lines?: Line[]
  pair?: [string, unknown]
  address?: {
    city?: string
  }
  any?: unknown
  extra?: { [key: string]: boolean }
  mixed?: Line & {
    z?: unknown
  }
}

export interface Line {
  parent?: Order
  next?: Line
}
`,
  },
  {
    name: 'schemas that contain themselves',
    type: 'JSON',
    schema: {
      oneOf: [
        { $ref: '#/definitions/a' },
        { type: 'string' },
        { type: 'object', additionalProperties: { $ref: '#' } },
      ],
      definitions: {
        a: { $ref: '#/definitions/b' },
        b: { $ref: '#/definitions/a' },
        c: { $ref: '#/nowhere' },
      },
    },
    source: `export type OrdersValue = A | string | { [key: string]: OrdersValue }

export type A = B

export type B = unknown
`,
  },
  {
    name: 'messages',
    type: 'PROTOBUF',
    schema: `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "money.proto";
// An order.
message Order {
  int64 order_id = 1; // Number.
  repeated Line lines = 2;
  map<string, bytes> files = 3;
  State state = 4;
  google.protobuf.Timestamp at = 5;
  .shop.Money price = 6;
  oneof payment { string card = 7; bool cash = 8; }
  message Line { fixed64 sku = 1; Order parent = 2; }
}
enum State { NEW = 0; PAID = 1; }`,
    resolved: {
      'money.proto': 'syntax = "proto3"; package shop; message Money { sint64 units = 1; }',
    },
    source: `export interface Order {
  orderId: bigint
  lines: Line[]
  files: Record<string, Buffer>
  state: State
  at: Timestamp | null
  price: Money | null
  card?: string
  cash?: boolean
}

export interface Line {
  sku: bigint
  parent: Order | null
}

export type State = 'NEW' | 'PAID'

export interface Timestamp {
  seconds: bigint
  nanos: number
}

export interface Money {
  units: bigint
}
`,
  },
  {
    name: 'a referenced schema',
    type: 'JSON',
    schema: {
      type: 'object',
      properties: { c: { $ref: 'customer.json' }, d: { $ref: 'customer.json#/$defs/x' } },
    },
    resolved: {
      'customer.json': { type: 'object', properties: {}, $defs: { x: { type: 'null' } } },
    },
    source: `export interface OrdersValue {
  c?: Customer
  d?: X
}

export type Customer = { [key: string]: unknown }

export type X = null
`,
  },
]

function typed(
  { type, schema, resolved = {} }: Omit<Case, 'name' | 'source'>,
  name = 'orders-value',
): TypedSchema {
  const text = (value: object | string): string =>
    typeof value === 'string' ? value : JSON.stringify(value)
  return {
    name,
    type,
    schema: text(schema),
    resolved: Object.entries(resolved).map(([each, value]) => ({
      name: each,
      subject: each,
      version: 1,
      schema: text(value),
    })),
  }
}

/** Texts that would end a literal, a comment or a declaration if they were copied unchanged. */
const hostileTexts = [
  "'; export const injected = 1; //",
  '"; export const injected = 1; //',
  '`$\u007bprocess.exit()}`',
  '*/ export const injected = 1 /*',
  '*\u200b/ */\u2028export const injected = 1',
  'line\nexport const injected = 1',
  '\r\u2029\u0085export const injected = 1',
  '\\',
  "\\'",
  '\\u0027; export const injected = 1 //',
  '}\nexport const injected = 1\ninterface A {',
  '__proto__',
  'constructor',
  '@ts-nocheck',
  '@ts-ignore */',
  '',
  ' ',
  '0',
  'await',
  'string',
  'Buffer',
  '\ud800',
  '\u202egnp.ts',
]

/** Schemas with a hostile text in each place that reaches the source. */
function hostileSchemas(text: string): TypedSchema[] {
  const value = { type: 'string', enum: [text, { [text]: text }], description: text }
  return [
    typed(
      {
        type: 'JSON',
        schema: {
          title: text,
          description: text,
          type: 'object',
          required: [text],
          // Computed, so that `__proto__` is an own property, as it is in parsed JSON.
          properties: { [text]: value, const: { const: text }, ref: { $ref: `#/$defs/${text}` } },
          $defs: { [text]: { title: text, type: 'object', properties: { [text]: true } } },
        },
      },
      text,
    ),
    typed(
      {
        type: 'AVRO',
        schema: {
          type: 'record',
          name: text,
          doc: text,
          fields: [
            { name: text, doc: text, type: { type: 'enum', name: `E${text}`, symbols: [text] } },
            {
              name: 'u',
              default: text,
              type: [
                { type: 'record', name: `A${text}`, fields: [] },
                { type: 'map', values: 'string' },
              ],
            },
          ],
        },
      },
      text,
    ),
    typed({ type: 'AVRO', schema: ['int', 'long'] }, text),
    typed(
      {
        type: 'PROTOBUF',
        schema: `syntax = "proto3";\n/* ${text.replaceAll('*/', '* /')} */\nmessage await { string constructor = 1; }`,
      },
      text,
    ),
  ]
}

/** The statements that generated source may have. */
function statementsOf(source: string): string[] {
  const { program, errors } = parseSync('generated.ts', source)
  assert.deepEqual(errors, [], source)
  return program.body.map((statement) => {
    if (statement.type !== 'ExportNamedDeclaration') {
      return statement.type === 'ImportDeclaration'
        ? `import ${statement.source.value}`
        : statement.type
    }
    return statement.declaration?.type ?? statement.type
  })
}

const golden = readFileSync(join(import.meta.dirname, '../../testdata/compat-golden.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { type: TypedSchema['type']; old: string; new: string })

describe('TypeScript types of schemas', () => {
  for (const each of cases) {
    it(`are those of ${each.type}: ${each.name}`, () => {
      const source = typescriptTypes([typed(each)])
      assert.equal(source.replace(/^\/\/ .*\n\n(import .*\n\n)?/, ''), each.source)
    })
  }

  it('share types that are equal, and rename those that differ', () => {
    const record = (type: string): object => ({
      type: 'record',
      name: 'R',
      fields: [{ name: 'x', type }],
    })
    const source = typescriptTypes([
      typed({ type: 'AVRO', schema: record('int') }),
      typed({ type: 'AVRO', schema: record('int') }),
      typed({ type: 'AVRO', schema: record('string') }),
    ])
    assert.deepEqual(
      [...source.matchAll(/interface (\w+)/g)].map(([, name]) => name),
      ['R', 'R2'],
    )
  })

  it('are no other statements, whatever the schema contains', () => {
    for (const text of hostileTexts) {
      for (const schema of hostileSchemas(text)) {
        const source = typescriptTypes([schema])
        const allowed =
          /^(TS(Interface|TypeAlias)Declaration|import @millrace\/schema-registry\/serdes)$/
        const others = statementsOf(source).filter((statement) => !allowed.test(statement))
        assert.deepEqual(others, [], source)
      }
    }
  })

  it('are accepted by the compiler', () => {
    const root = join(import.meta.dirname, '../../../..')
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
    const directory = mkdtempSync(join(root, 'node_modules/.cache/schema-types-'))
    try {
      const usable = golden.flatMap((pair) =>
        [pair.old, pair.new].map((schema) => ({ type: pair.type, schema })),
      )
      const sources = [
        ...cases.map((each) => typescriptTypes([typed(each)])),
        ...hostileTexts.map((text) => typescriptTypes(hostileSchemas(text))),
        ...usable.flatMap((each) => sourceIfValid(typed(each))),
      ]
      assert.ok(sources.length > 300)
      for (const [i, source] of sources.entries())
        writeFileSync(join(directory, `types${i}.ts`), source)
      writeFileSync(
        join(directory, 'tsconfig.json'),
        JSON.stringify({
          extends: '../../../tsconfig.base.json',
          compilerOptions: {
            noEmit: true,
            composite: false,
            emitDeclarationOnly: false,
            declaration: false,
            skipLibCheck: true,
          },
          include: ['*.ts'],
        }),
      )
      const compiler = join(root, 'node_modules/typescript/bin/tsc')
      execFileSync(process.execPath, [compiler, '-p', directory], { encoding: 'utf8' })
    } catch (error) {
      assert.fail(String((error as { stdout?: string }).stdout ?? error))
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

/** Golden pairs contain invalid schemas, too. */
function sourceIfValid(schema: TypedSchema): string[] {
  try {
    return [typescriptTypes([schema])]
  } catch (error) {
    assert.ok(error instanceof InvalidSchemaError, String(error))
    return []
  }
}
