// SPDX-License-Identifier: Apache-2.0
import { Decimal } from '@millrace/schema-registry/serdes'

/** A value as JSON, with the tags that `python/registry_serdes.py` lists. */
export type Tagged =
  | null
  | boolean
  | number
  | string
  | readonly Tagged[]
  | { readonly [key: string]: Tagged }

/** A schema that another one uses. */
export interface UsedSchema {
  readonly name: string
  readonly subject: string
  readonly schema: string
}

/** A schema with a value, in the forms of the clients. */
export interface SerdeCase {
  readonly name: string
  readonly format: 'AVRO' | 'JSON' | 'PROTOBUF'
  readonly schema: string
  readonly references: readonly UsedSchema[]
  /** Protobuf: full name of the message. */
  readonly message: string
  /** Value of our serde. */
  readonly ours: unknown
  /** What our serde reads, if it differs: fields without presence have defaults. */
  readonly oursRead?: unknown
  /** Value of the Python client. */
  readonly tagged: Tagged
  /** Avro: value of the JavaScript clients, which know no logical types. */
  readonly raw?: unknown
  /** Whether a value has unions of several records. */
  readonly hasBranches?: boolean
}

/** The largest `long` of avsc, and so of the JavaScript clients. */
const SAFE = 9_007_199_254_740_990

const everything = {
  type: 'record',
  name: 'Everything',
  namespace: 'app',
  fields: [
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'many', type: ['null', 'string', 'long', 'boolean'] },
    { name: 'id', type: 'long' },
    { name: 'count', type: 'int' },
    { name: 'ratio', type: 'double' },
    { name: 'single', type: 'float' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 } },
    {
      name: 'fixedPrice',
      type: {
        type: 'fixed',
        name: 'Money',
        size: 8,
        logicalType: 'decimal',
        precision: 18,
        scale: 4,
      },
    },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'atMicros', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'clock', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'key', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'raw', type: 'bytes' },
    { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'counts', type: { type: 'map', values: 'int' } },
    {
      name: 'parts',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Part',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'inner', type: ['null', 'Part'], default: null },
          ],
        },
      },
    },
  ],
}
const plain = {
  note: null,
  many: 'yes',
  count: -7,
  ratio: 2.5,
  single: 0.5,
  key: '0e6b1b1c-6f3a-4a53-9c1b-5d6f7a8b9c0d',
  color: 'BLUE',
  tags: ['a', 'ü'],
  counts: { one: 1, two: -2 },
  parts: [{ name: 'p', inner: { name: 'q', inner: null } }],
}
const at = Date.UTC(2026, 10, 29, 10, 30, 15, 125)
const days = Math.floor(at / 86_400_000)
const clock = ((12 * 60 + 34) * 60 + 56) * 1000 + 789
const hash = Buffer.from('00ff1080', 'hex')
const micros = at * 1000 + 456

const branches = {
  type: 'record',
  name: 'Shape',
  namespace: 'app',
  fields: [
    {
      name: 'outline',
      type: [
        'null',
        { type: 'record', name: 'Circle', fields: [{ name: 'radius', type: 'double' }] },
        { type: 'record', name: 'Square', fields: [{ name: 'side', type: 'double' }] },
      ],
    },
  ],
}
const square = { outline: { 'app.Square': { side: 1.5 } } }

const customer = {
  type: 'record',
  name: 'Customer',
  namespace: 'app',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'level', type: 'int', default: 3 },
  ],
}
const order = {
  type: 'record',
  name: 'Order',
  namespace: 'app',
  fields: [
    { name: 'buyer', type: 'app.Customer' },
    { name: 'payer', type: ['null', 'app.Customer'], default: null },
  ],
}
const buyer = { buyer: { name: 'Ada', level: 1 }, payer: { name: 'Bob', level: 2 } }

const person = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Person',
  type: 'object',
  definitions: { tag: { type: 'string', minLength: 1 } },
  properties: {
    name: { type: 'string' },
    age: { type: ['integer', 'null'], minimum: 0 },
    score: { type: 'number' },
    kind: { enum: ['a', 'b', 3] },
    tags: { type: 'array', items: { $ref: '#/definitions/tag' }, uniqueItems: true },
    extra: { oneOf: [{ type: 'boolean' }, { type: 'object', required: ['x'] }] },
  },
  required: ['name'],
}
const personValue = {
  name: 'Zoë',
  age: null,
  score: -1.25e-3,
  kind: 3,
  tags: ['x', '😀'],
  extra: { x: [1, { y: 'z' }] },
}
const pair = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Pair',
  type: 'object',
  properties: { pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }] } },
}
const jsonOrder = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'JsonOrder',
  type: 'object',
  properties: { count: { type: 'integer' }, buyer: { $ref: 'customer.json' } },
  required: ['buyer'],
}
const jsonCustomer = {
  $id: 'customer.json',
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'JsonCustomer',
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
}

const items = `syntax = "proto3";
package app.items;

message Item {
  int64 item_id = 1;
  string title = 2;
  bytes raw = 3;
  Color color = 4;
  optional int32 size = 5;
  repeated string tags = 6;
  repeated Part parts = 8;
  oneof origin {
    string country = 9;
    uint64 warehouse = 10;
  }
  sint32 delta = 11;
  fixed64 stamp = 12;
  bool active = 13;

  message Part {
    string name = 1;
    message Screw {
      float length = 1;
    }
    Screw screw = 2;
  }
}
enum Color {
  RED = 0;
  BLUE = 1;
}
message Prices {
  map<string, double> prices = 1;
}
message Other {
  message Deep {
    message Deeper {
      string text = 1;
    }
  }
}
`
const common = `syntax = "proto3";
package app.common;

import "google/protobuf/timestamp.proto";

message Stamp {
  google.protobuf.Timestamp at = 1;
  string by = 2;
}
`
const orders = `syntax = "proto3";
package app.orders;

import "google/protobuf/timestamp.proto";
import "app/common.proto";

message ProtoOrder {
  app.common.Stamp created = 1;
  google.protobuf.Timestamp shipped = 2;
  repeated app.common.Stamp seen = 3;
}
`

/** Files of the Protobuf cases by their paths, for protoc. */
export const protoFiles: Readonly<Record<string, string>> = {
  'app/items.proto': items,
  'app/common.proto': common,
  'app/orders.proto': orders,
}

const none: readonly UsedSchema[] = []

/** Schemas and values that all clients write and read. */
export const serdeCases: readonly SerdeCase[] = [
  {
    name: 'Avro unions, logical types and collections',
    format: 'AVRO',
    schema: JSON.stringify(everything),
    references: none,
    message: '',
    ours: {
      ...plain,
      id: BigInt(SAFE),
      price: Decimal.parse('-12.50'),
      fixedPrice: Decimal.parse('1234567.8900'),
      day: new Date(days * 86_400_000),
      at: new Date(at),
      atMicros: BigInt(micros),
      clock,
      hash,
      raw: Buffer.from('beef', 'hex'),
    },
    tagged: {
      ...plain,
      id: SAFE,
      price: { $decimal: '-12.50' },
      fixedPrice: { $decimal: '1234567.8900' },
      day: { $date: '2026-11-29' },
      at: { $time: '2026-11-29T10:30:15.125000+00:00' },
      atMicros: { $time: '2026-11-29T10:30:15.125456+00:00' },
      clock: { $clock: '12:34:56.789000' },
      key: { $uuid: plain.key },
      hash: { $bytes: '00ff1080' },
      raw: { $bytes: 'beef' },
    },
    raw: {
      ...plain,
      id: SAFE,
      price: Buffer.from('fb1e', 'hex'),
      fixedPrice: Buffer.from('00000002dfdc1c34', 'hex'),
      day: days,
      at,
      atMicros: micros,
      clock,
      hash,
      raw: Buffer.from('beef', 'hex'),
    },
  },
  {
    name: 'Avro union of records',
    format: 'AVRO',
    schema: JSON.stringify(branches),
    references: none,
    message: '',
    ours: square,
    tagged: { outline: { $branch: 'app.Square', value: { side: 1.5 } } },
    raw: square,
    hasBranches: true,
  },
  {
    name: 'Avro with a reference',
    format: 'AVRO',
    schema: JSON.stringify(order),
    references: [
      { name: 'app.Customer', subject: 'customers-avro', schema: JSON.stringify(customer) },
    ],
    message: '',
    ours: buyer,
    tagged: buyer,
    raw: buyer,
  },
  {
    name: 'Avro string',
    format: 'AVRO',
    schema: '{"type":"string"}',
    references: none,
    message: '',
    ours: 'some text',
    tagged: 'some text',
    raw: 'some text',
  },
  {
    name: 'JSON draft 7',
    format: 'JSON',
    schema: JSON.stringify(person),
    references: none,
    message: '',
    ours: personValue,
    tagged: personValue,
  },
  {
    name: 'JSON 2020-12',
    format: 'JSON',
    schema: JSON.stringify(pair),
    references: none,
    message: '',
    ours: { pair: ['a', 1] },
    tagged: { pair: ['a', 1] },
  },
  {
    name: 'JSON with a reference',
    format: 'JSON',
    schema: JSON.stringify(jsonOrder),
    references: [
      { name: 'customer.json', subject: 'customers-json', schema: JSON.stringify(jsonCustomer) },
    ],
    message: '',
    ours: { count: 2, buyer: { name: 'Ada' } },
    tagged: { count: 2, buyer: { name: 'Ada' } },
  },
  {
    name: 'Protobuf, the first message',
    format: 'PROTOBUF',
    schema: items,
    references: none,
    message: 'app.items.Item',
    ours: {
      itemId: -9_007_199_254_740_993n,
      title: 'ü',
      raw: Buffer.from('00ff', 'hex'),
      color: 'BLUE',
      size: 0,
      tags: ['a', 'b'],
      parts: [{ name: 'p', screw: { length: 0.5 } }],
      warehouse: 18_446_744_073_709_551_615n,
      delta: -3,
      stamp: 5n,
      active: true,
    },
    tagged: {
      itemId: '-9007199254740993',
      title: 'ü',
      raw: 'AP8=',
      color: 'BLUE',
      size: 0,
      tags: ['a', 'b'],
      parts: [{ name: 'p', screw: { length: 0.5 } }],
      warehouse: '18446744073709551615',
      delta: -3,
      stamp: '5',
      active: true,
    },
  },
  {
    name: 'Protobuf, a nested message',
    format: 'PROTOBUF',
    schema: items,
    references: none,
    message: 'app.items.Other.Deep.Deeper',
    ours: { text: 'deep' },
    tagged: { text: 'deep' },
  },
  {
    name: 'Protobuf, a map',
    format: 'PROTOBUF',
    schema: items,
    references: none,
    message: 'app.items.Prices',
    ours: { prices: { x: 1.5 } },
    tagged: { prices: { x: 1.5 } },
  },
  {
    name: 'Protobuf with imports',
    format: 'PROTOBUF',
    schema: orders,
    references: [{ name: 'app/common.proto', subject: 'app/common.proto', schema: common }],
    message: 'app.orders.ProtoOrder',
    ours: {
      created: { at: { seconds: 1_700_000_000n, nanos: 5_000_000 }, by: 'me' },
      seen: [{ by: 'x' }],
    },
    oursRead: {
      created: { at: { seconds: 1_700_000_000n, nanos: 5_000_000 }, by: 'me' },
      shipped: null,
      seen: [{ at: null, by: 'x' }],
    },
    tagged: {
      created: { at: '2023-11-14T22:13:20.005Z', by: 'me' },
      seen: [{ by: 'x' }],
    },
  },
]
