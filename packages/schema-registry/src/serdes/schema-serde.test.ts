// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MutableHeaders, type Serde, type SerializerContext } from '@millrace/client'
import { SchemaRegistryClient } from '../client/schema-registry-client.ts'
import { SampleRegistry } from '../testing/sample-registry.ts'
import { avroSerde } from './avro/avro-serde.ts'
import { jsonSchemaSerde } from './json/json-schema-serde.ts'
import { protobufSerde } from './protobuf/protobuf-serde.ts'
import type { SchemaSerdeOptions } from './serde-options.ts'

const user = {
  type: 'record',
  name: 'U',
  namespace: 'app',
  fields: [
    { name: 'n', type: 'string' },
    { name: 'i', type: 'long' },
  ],
} as const
const userText = JSON.stringify(user)
const wider = {
  ...user,
  fields: [...user.fields, { name: 'city', type: 'string', default: 'none' }],
} as const
const person = {
  title: 'Person',
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name'],
} as const
const proto = `syntax = "proto3"; package app;
message Outer { message Inner { int64 id = 1; string user_name = 2; } Inner inner = 1; }
message Second { repeated string tags = 1; Color color = 2; optional int32 size = 3; }
enum Color { RED = 0; BLUE = 1; }`

function setUp(): { readonly registry: SampleRegistry; readonly client: SchemaRegistryClient } {
  const registry = new SampleRegistry()
  const options = { urls: 'http://one', transport: registry, maxRetries: 0 }
  return { registry, client: new SchemaRegistryClient(options) }
}

function contextOf(part: 'key' | 'value' = 'value', topic = 't'): SerializerContext {
  return { topic, part, headers: new MutableHeaders() }
}

async function write<T>(
  serde: Serde<T>,
  value: T,
  context: SerializerContext = contextOf(),
): Promise<Buffer> {
  await serde.prepareSerialize?.(value, context)
  return Buffer.from(serde.serialize(value, context))
}

async function read<T>(serde: Serde<T>, bytes: Buffer, context = contextOf()): Promise<T> {
  await serde.prepareDeserialize?.(bytes, context)
  return serde.deserialize(bytes, context)
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, bigints))
const bigints = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}n` : value

describe('serdes with a registry', () => {
  it('write Confluent’s bytes, and read them', async () => {
    const { client } = setUp()
    const avro = avroSerde(client, { schema: user })
    const json = jsonSchemaSerde(client, { schema: person })
    const inner = protobufSerde(client, { schema: proto, message: 'app.Outer.Inner' })
    const second = protobufSerde(client, { schema: proto, message: 'app.Second' })
    const outer = protobufSerde(client, { schema: proto })
    const cases: readonly (readonly [Serde<unknown>, object, string, object?])[] = [
      [avro as Serde<unknown>, { n: 'x', i: 6n }, '000000000102780c', { n: 'x', i: '6n' }],
      [
        json as Serde<unknown>,
        { name: 'x' },
        `0000000002${Buffer.from('{"name":"x"}').toString('hex')}`,
      ],
      [
        outer as Serde<unknown>,
        { inner: { id: 1n } },
        '0000000003000a020801',
        { inner: { id: '1n', userName: '' } },
      ],
      [
        inner as Serde<unknown>,
        { id: 1n, userName: 'y' },
        '000000000304000008011201' + '79',
        { id: '1n', userName: 'y' },
      ],
      [
        second as Serde<unknown>,
        { tags: ['a'], color: 'BLUE' },
        '000000000302020a01611001',
        { tags: ['a'], color: 'BLUE' },
      ],
    ]
    for (const [serde, value, hex, expected = value] of cases) {
      const bytes = await write(serde, value, contextOf('value', `t${hex.slice(8, 12)}`))
      assert.equal(bytes.toString('hex'), hex)
      assert.deepEqual(plain(await read(serde, bytes)), expected)
    }
  })

  it('write ids into headers, and read both forms', async () => {
    const { client } = setUp()
    const schema = { schema: user, idIn: 'header' } as const
    const proto3 = { schema: proto, message: 'app.Second', idIn: 'header' } as const
    for (const [serde, value, size] of [
      [avroSerde(client, schema), { n: 'x', i: 6n }, 17],
      [protobufSerde(client, proto3), { tags: ['a'], color: 'RED' }, 19],
    ] as const) {
      for (const part of ['key', 'value'] as const) {
        const context = contextOf(part)
        const bytes = await write(serde as Serde<unknown>, value, context)
        const header = context.headers.get(`__${part}_schema_id`)
        assert.equal(header?.length, size)
        assert.equal(header?.[0], 1)
        assert.deepEqual(plain(await read(serde as Serde<unknown>, bytes, context)), plain(value))
      }
    }
  })

  it('ask once for each subject and each id', async () => {
    const { registry, client } = setUp()
    const serde = avroSerde(client, { schema: user })
    const bytes = await write(serde, { n: 'x', i: 1n })
    await Promise.all([write(serde, { n: 'x', i: 1n }), write(serde, { n: 'y', i: 1n })])
    await write(serde, { n: 'x', i: 1n }, contextOf('key'))
    assert.deepEqual(registry.requests, [
      'POST /subjects/t-value/versions',
      'POST /subjects/t-key/versions',
    ])
    const reader = avroSerde(new SchemaRegistryClient({ urls: 'http://one', transport: registry }))
    await Promise.all([read(reader, bytes), read(reader, bytes)])
    assert.equal(reader.prepareDeserialize(bytes, contextOf()), undefined)
    assert.deepEqual(registry.requests.slice(2), ['GET /schemas/ids/1'])
  })

  it('read other versions as values of their own schema', async () => {
    const { client } = setUp()
    const old = await write(avroSerde(client, { schema: user }), { n: 'x', i: 1n })
    const later = await write(avroSerde(client, { schema: wider }), { n: 'y', i: 2n, city: 'Bern' })
    const cases = [
      [avroSerde(client, { schema: wider }), old, { n: 'x', i: '1n', city: 'none' }],
      [avroSerde(client, { schema: user }), later, { n: 'y', i: '2n' }],
      [avroSerde(client), later, { n: 'y', i: '2n', city: 'Bern' }],
    ] as const
    for (const [serde, bytes, expected] of cases) {
      assert.deepEqual(plain(await read(serde as Serde<unknown>, bytes)), expected)
    }
  })

  it('register under the subject of their strategy', async () => {
    const cases: readonly (readonly [SchemaSerdeOptions, string])[] = [
      [{}, 't-value'],
      [{ subjectNameStrategy: 'record' }, 'app.U'],
      [{ subjectNameStrategy: 'topic-record' }, 't-app.U'],
      [{ subjectNameStrategy: ({ topic, part }) => `${part}/${topic}` }, 'value%2Ft'],
    ]
    for (const [options, subject] of cases) {
      const { registry, client } = setUp()
      await write(avroSerde(client, { schema: user, ...options }), { n: '', i: 0n })
      assert.deepEqual(registry.requests, [`POST /subjects/${subject}/versions`])
    }
    const { client } = setUp()
    const nameless = jsonSchemaSerde(client, {
      schema: { type: 'string' },
      subjectNameStrategy: 'record',
    })
    await assert.rejects(write(nameless, 'x'), /needs a schema with a name/)
  })

  it('write with schemas of the registry', async () => {
    const { registry, client } = setUp()
    registry.register('t-value', { schema: JSON.stringify(wider) })
    const value = { n: 'x', i: 1n, city: 'Bern' }
    const latest = await write(avroSerde(client, { useLatestVersion: true }), value)
    assert.deepEqual(registry.requests, ['GET /subjects/t-value/versions/latest'])
    const byId = await write(avroSerde(client, { useSchemaId: 1 }), value)
    assert.deepEqual(latest, byId)
    const found = await write(avroSerde(client, { schema: wider, autoRegister: false }), value)
    assert.deepEqual(latest, found)
    const missing = avroSerde(client, { schema: user, autoRegister: false })
    await assert.rejects(write(missing, { n: '', i: 0n }), /Schema not found/)
  })

  it('refuse a latest version that cannot read what they write', async () => {
    const { registry, client } = setUp()
    registry.register('t-value', {
      schema: JSON.stringify({
        ...user,
        fields: [...user.fields, { name: 'z', type: 'int' }],
      }),
    })
    const options = { schema: user, useLatestVersion: true } as const
    await assert.rejects(
      write(avroSerde(client, options), { n: '', i: 0n }),
      /schema 1 cannot read values of the serde's schema: .*READER_FIELD_MISSING_DEFAULT_VALUE/,
    )
    const trusting = avroSerde(client, { ...options, checkCompatibility: false })
    await assert.rejects(write(trusting, { n: '', i: 0n }), /z is undefined/)
  })

  it('look up the latest version again after its time', async () => {
    const { registry, client } = setUp()
    registry.register('t-value', { schema: userText })
    const serde = avroSerde<undefined, unknown>(client, { useLatestVersion: true, latestTtlMs: 0 })
    const first = await write(serde, { n: 'x', i: 1n, city: 'Bern' })
    registry.register('t-value', { schema: JSON.stringify(wider) })
    const second = await write(serde, { n: 'x', i: 1n, city: 'Bern' })
    assert.deepEqual([first.readInt32BE(1), second.readInt32BE(1)], [1, 2])
  })

  it('register the schemas that theirs uses first', async () => {
    const { registry, client } = setUp()
    const inner = '{"type":"record","name":"In","fields":[{"name":"x","type":"int"}]}'
    const avro = avroSerde<string, unknown>(client, {
      schema: '{"type":"record","name":"Out","fields":[{"name":"in","type":"In"}]}',
      references: [{ name: 'In', subject: 'in', schema: inner }],
    })
    const bytes = await write(avro, { in: { x: 1 } })
    assert.deepEqual(plain(await read(avro, bytes)), { in: { x: 1 } })
    const anyone = avroSerde(new SchemaRegistryClient({ urls: 'http://one', transport: registry }))
    assert.deepEqual(plain(await read(anyone, bytes)), { in: { x: 1 } })
    const imported = protobufSerde(client, {
      schema: 'syntax = "proto3"; import "common.proto"; message M { Common c = 1; }',
      references: [
        { name: 'common.proto', schema: 'syntax = "proto3"; message Common { int32 x = 1; }' },
      ],
    })
    const message = await write(imported, { c: { x: 5 } }, contextOf('value', 'p'))
    assert.deepEqual(plain(await read(imported, message)), { c: { x: 5 } })
    assert.ok(registry.requests.indexOf('POST /subjects/in/versions') >= 0)
  })

  it('refuse schemas with rules that would have to be executed', async () => {
    const { registry, client } = setUp()
    const rule = { name: 'mask', type: 'ENCRYPT', mode: 'WRITEREAD' } as const
    registry.register('t-value', { schema: userText, ruleSet: { domainRules: [rule] } })
    const bytes = Buffer.from('000000000102780c', 'hex')
    const message = /schema 1 has the rule mask of type ENCRYPT, which is not executed/
    await assert.rejects(
      write(avroSerde<undefined, unknown>(client, { useLatestVersion: true }), {}),
      message,
    )
    await assert.rejects(read(avroSerde(client), bytes), message)
    const value = await read(avroSerde(client, { ignoreRules: true }), bytes)
    assert.deepEqual(plain(value), { n: 'x', i: '6n' })
  })

  it('refuse what they cannot read or write, by name', async () => {
    const { registry, client } = setUp()
    registry.register('t-value', { schema: userText })
    registry.register('j-value', { schema: JSON.stringify(person), schemaType: 'JSON' })
    const avro = avroSerde(client) as Serde<unknown>
    const json = jsonSchemaSerde(client, { schema: person }) as Serde<unknown>
    const proto3 = protobufSerde(client, { schema: proto }) as Serde<unknown>
    const cases: readonly (readonly [() => Promise<unknown>, RegExp])[] = [
      [() => read(avro, Buffer.from('{"a":1}')), /no schema id: .* found 7 bytes that start/],
      [() => read(avro, Buffer.from('0000000009', 'hex')), /Schema not found/],
      [() => read(avro, Buffer.from('0000000002', 'hex')), /schema 2 is JSON, not AVRO/],
      [() => read(avro, Buffer.from('00000000010278', 'hex')), /end within the value/],
      [() => read(avro, Buffer.from('000000000102780c00', 'hex')), /the value ends after 3 of 4/],
      [() => read(json, Buffer.from('00000000027b', 'hex')), /JSON/],
      [
        () =>
          read(json, Buffer.from(`0000000002${Buffer.from('{"name":5}').toString('hex')}`, 'hex')),
        /\/name must be string/,
      ],
      [() => write(json, { age: 0.5 }), /must have required property 'name'|\/age must be integer/],
      [() => write(proto3, 5), /the value is 5; expected an object, message app.Outer/],
      [
        () => write(proto3, { inner: { id: 'x' } }),
        /inner.id is 'x'; expected an integer from -9223372036854775808/,
      ],
      [() => write(proto3, { inner: { user: 'x' } }), /inner.user: .* did you mean userName/],
      [() => write(avroSerde<undefined, unknown>(client), {}), /without a schema cannot write/],
    ]
    for (const [attempt, message] of cases) await assert.rejects(attempt(), { message })
    assert.throws(() => avroSerde(client, { schema: '{"type":"recrd"}' }), /recrd/)
    assert.throws(
      () => avroSerde(client, { useLatestVersion: true, useSchemaId: 1 }),
      /useLatestVersion and useSchemaId exclude each other/,
    )
  })

  it('ask a registry that fails again after a while, not for each record', async () => {
    const { registry, client } = setUp()
    registry.failure = new Error('connect ECONNREFUSED')
    const serde = avroSerde(client)
    const bytes = Buffer.from('000000000102780c', 'hex')
    for (let i = 0; i < 5; i += 1) await assert.rejects(read(serde, bytes), /ECONNREFUSED/)
    assert.equal(registry.requests.length, 1)
    assert.throws(() => serde.deserialize(bytes, contextOf()), /ECONNREFUSED/)
  })

  it('say that they were not prepared', () => {
    const { client } = setUp()
    const serde = avroSerde(client, { schema: user })
    const bytes = Buffer.from('000000000102780c', 'hex')
    assert.throws(() => serde.serialize({ n: '', i: 0n }, contextOf()), /is not loaded: await/)
    assert.throws(() => serde.deserialize(bytes, contextOf()), /schema 1 is not loaded: await/)
  })
})
