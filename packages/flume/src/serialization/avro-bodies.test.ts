// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Event, newHeaders } from '../event.ts'
import { componentContext } from '../testing/context.ts'
import { acceptedCount, checkSerializer, fileSerializers } from './serializers.ts'

const directory = mkdtempSync(join(tmpdir(), 'avro-bodies-'))
const guid = '01234567-89ab-cdef-0123-456789abcdef'
const time = { type: 'long', logicalType: 'timestamp-millis' }
/** Schemas of the registry, by id. */
const schemas: Readonly<Record<string, object>> = {
  7: { schema: '"long"' },
  8: { schema: JSON.stringify(['null', 'int', time]) },
  9: { schema: '{}', schemaType: 'JSON' },
  [guid]: { schema: '"string"' },
}
/** The longest zig-zag number. */
const longest = Buffer.from('feffffffffffffffff01', 'hex')
const asText = Buffer.from('\x04ab', 'latin1')
const literal = { 'flume.avro.schema.literal': '"string"' }

let registry: Server
before(async () => {
  writeFileSync(join(directory, 'a.avsc'), '"string"')
  registry = createServer(({ url = '' }, response) => {
    const found = schemas[/^\/schemas\/(?:ids|guids)\/([^?]+)/.exec(url)?.[1] ?? '']
    const unknown = { error_code: 40403, message: 'Schema not found' }
    response
      .writeHead(found === undefined ? 404 : 200, { connection: 'close' })
      .end(JSON.stringify(found ?? unknown))
  })
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
})
after(() => {
  registry.close()
  rmSync(directory, { recursive: true })
})

function serializersWith(entries: Readonly<Record<string, string>>) {
  const { port } = registry.address() as AddressInfo
  const replaced = Object.entries(entries).map(
    ([key, value]) => [key, value.replace('REGISTRY', `http://127.0.0.1:${port}`)] as const,
  )
  const type = 'org.apache.flume.sink.hdfs.AvroEventSerializer$Builder'
  return fileSerializers({ type }, new Map(replaced), componentContext('SINK', 'k', { directory }))
}

const withId = (id: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, id]), bytes])
const withGuid = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([1]), Buffer.from(guid.replaceAll('-', ''), 'hex'), bytes])
const inRegistry = { 'schema.registry.url': 'REGISTRY' }

type Row = readonly [
  name: string,
  entries: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
]

const written: readonly (readonly [...Row, schema: string, value: Buffer])[] = [
  ['a literal', {}, literal, asText, '"string"', asText],
  ['a literal, before the registry', inRegistry, literal, asText, '"string"', asText],
  ['schemaURL, a path', { schemaURL: 'a.avsc' }, {}, asText, '"string"', asText],
  ['schemaURL, a URL', { schemaURL: `file://${directory}/a.avsc` }, {}, asText, '"string"', asText],
  ['an id before the value', inRegistry, {}, withId(7, longest), '"long"', longest],
  ['an id in both places', inRegistry, { 'schema.id': '7' }, withId(7, longest), '"long"', longest],
  ['an id in a header', inRegistry, { 'schema.id': '7' }, longest, '"long"', longest],
  ['a GUID before the value', inRegistry, {}, withGuid(asText), '"string"', asText],
  ['a GUID in a header', inRegistry, { 'schema.guid': guid }, asText, '"string"', asText],
  [
    'unions of logical types',
    inRegistry,
    {},
    withId(8, Buffer.concat([Buffer.from([4]), longest])),
    JSON.stringify(['null', 'int', time]),
    Buffer.concat([Buffer.from([4]), longest]),
  ],
]

const refused: readonly (readonly [...Row, error: RegExp])[] = [
  ['no schema', {}, {}, asText, /has no schema: expected header flume\.avro\.schema\.literal/],
  ['a body without an id', inRegistry, {}, asText, /has no schema/],
  ['an unknown id', inRegistry, {}, withId(6, longest), /schema 6: .*Schema not found/],
  ['another format', inRegistry, {}, withId(9, longest), /schema 9: it is JSON, not AVRO/],
  [
    'JSON',
    inRegistry,
    { 'schema.id': '7' },
    Buffer.from('{"id":1}'),
    /not one value of it: the value ends after 1 of 8 bytes/,
  ],
  ['a body that ends early', {}, literal, asText.subarray(0, 2), /it ends too early/],
  ['a literal that is not a schema', {}, { 'flume.avro.schema.literal': '"x"' }, asText, /x/],
  [
    'a URL of the event',
    { schemaURL: 'a.avsc' },
    { 'flume.avro.schema.url': 'file:///etc/passwd' },
    asText,
    /only the URL of schemaURL is read/,
  ],
]

describe('Avro containers of bodies', () => {
  for (const [name, entries, headers, body, schema, value] of written) {
    it(`have the schema of ${name}`, async () => {
      const serializers = serializersWith(entries)
      const event = new Event(body, newHeaders(headers))
      await serializers.prepare?.([event, event])
      const serializer = serializers.newSerializer(event)
      const tail = Buffer.concat(serializer.write([event, event]))
      assert.ok(Buffer.from(serializer.begin()).includes(schema))
      // A block: count, size, values, sync marker.
      const expected = Buffer.concat([Buffer.from([4, value.length * 4]), value, value])
      assert.deepEqual(tail.subarray(0, -16), expected)
      serializers.close?.()
    })
  }

  for (const [name, entries, headers, body, error] of refused) {
    it(`are not written for ${name}`, async () => {
      const serializers = serializersWith(entries)
      const event = new Event(body, newHeaders(headers))
      await assert.rejects(async () => serializers.prepare?.([event]), error)
      serializers.close?.()
    })
  }

  it('have the values of one schema', async () => {
    const serializers = serializersWith(inRegistry)
    const of = (id: number): Event => new Event(withId(id, Buffer.from([0])))
    const events = [of(7), of(7), of(8), of(7)]
    await serializers.prepare?.(events)
    const serializer = serializers.newSerializer(of(7))
    assert.deepEqual(
      events.map((event) => serializer.accepts?.(event)),
      [true, true, false, true],
    )
    assert.deepEqual(
      [0, 1, 3].map((at) => acceptedCount(serializer, events, at)),
      [2, 1, 1],
    )
    serializers.close?.()
  })

  it('have checked keys', () => {
    const problems = (entries: Readonly<Record<string, string>>): readonly string[] =>
      checkSerializer('serializer', { type: 'AVRO' }, new Map(Object.entries(entries))).map(
        ({ key, message }) => `${key} ${message}`,
      )
    assert.deepEqual(problems({ schemaURL: '/a.avsc', compressionCodec: 'deflate' }), [])
    assert.match(problems({ schemaURL: 'hdfs://n/a' })[0] ?? '', /schemaURL is "hdfs:.*expected/)
    const both = { schemaURL: 'a', 'schema.registry.url': 'http://r' }
    assert.deepEqual(problems(both), ['serializer.schemaURL excludes schema.registry.url'])
    assert.match(problems({ schemaUrl: 'a' })[0] ?? '', /not known; did you mean schemaURL/)
  })
})
