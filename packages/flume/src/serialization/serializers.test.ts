// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { Event } from '../event.ts'
import { AvroReader } from './avro-event.ts'
import { checkSerializer, serializerFactory } from './serializers.ts'

const make = (type: string, entries: Readonly<Record<string, string>> = {}) =>
  serializerFactory({ type, custom: undefined }, new Map(Object.entries(entries)))()

const events = [
  Event.text('one', { a: '1', b: 'x=y' }),
  Event.text(''),
  Event.text('two\nlines', { '\u00e4': '\u20ac' }),
]

/** A file with the events. */
const texts: readonly (readonly [
  type: string,
  entries: Readonly<Record<string, string>>,
  file: string,
])[] = [
  ['TEXT', {}, 'one\n\ntwo\nlines\n'],
  ['text', { appendNewline: 'false' }, 'onetwo\nlines'],
  ['HEADER_AND_TEXT', {}, '{a=1, b=x=y} one\n{} \n{\u00e4=\u20ac} two\nlines\n'],
  ['header_and_text', { appendNewline: 'false' }, '{a=1, b=x=y} one{} {\u00e4=\u20ac} two\nlines'],
  [
    'JSON',
    {},
    '{"headers":{"a":"1","b":"x=y"},"body":"one"}\n{"headers":{},"body":""}\n{"headers":{"\u00e4":"\u20ac"},"body":"two\\nlines"}\n',
  ],
]

describe('serializers write', () => {
  for (const [type, entries, file] of texts) {
    it(`${type} ${JSON.stringify(entries)}`, () => {
      const serializer = make(type, entries)
      const written = [serializer.begin(), ...serializer.write(events)]
      assert.equal(Buffer.concat(written).toString(), file)
    })
  }

  it('nothing for a batch without events', () => {
    for (const type of ['TEXT', 'HEADER_AND_TEXT', 'JSON', 'AVRO_EVENT']) {
      assert.equal(Buffer.concat(make(type).write([])).length, 0, type)
    }
  })
})

interface Block {
  readonly count: number
  readonly bodies: readonly string[]
}

/** Blocks of an Avro container of events, read by its specification. */
function blocksOf(file: Buffer): { readonly codec: string; readonly blocks: readonly Block[] } {
  assert.equal(file.toString('latin1', 0, 4), 'Obj\u0001')
  const reader = new AvroReader(file.subarray(4))
  assert.equal(reader.long(), 2)
  const metadata = new Map<string, string>()
  for (let entry = 0; entry < 2; entry++) {
    const name = reader.string()
    metadata.set(name, reader.string())
  }
  assert.equal(reader.long(), 0)
  const codec = metadata.get('avro.codec') ?? ''
  const sync = reader.raw(16).toString('hex')
  const blocks: Block[] = []
  while (reader.remaining > 0) {
    const count = reader.long()
    const data = reader.raw(reader.long())
    assert.equal(reader.raw(16).toString('hex'), sync)
    const block = new AvroReader(codec === 'deflate' ? inflateRawSync(data) : data)
    const bodies = Array.from({ length: count }, () => block.event().body.toString())
    assert.equal(block.remaining, 0)
    blocks.push({ count, bodies })
  }
  return { codec, blocks }
}

describe('an Avro container of events', () => {
  const written = (
    entries: Readonly<Record<string, string>>,
    batches: readonly (readonly Event[])[],
  ) => {
    const serializer = make('AVRO_EVENT', entries)
    return blocksOf(
      Buffer.concat([serializer.begin(), ...batches.flatMap((batch) => serializer.write(batch))]),
    )
  }

  it('has a block for each batch', () => {
    for (const codec of ['null', 'deflate']) {
      assert.deepEqual(written({ compressionCodec: codec }, [events, events.slice(0, 1)]), {
        codec,
        blocks: [
          { count: 3, bodies: ['one', '', 'two\nlines'] },
          { count: 1, bodies: ['one'] },
        ],
      })
    }
  })

  it('starts a block when the last one has the size of syncIntervalBytes', () => {
    // Without headers, an event is two bytes and its body.
    const ofSize = (size: number) => Event.text('x'.repeat(size - 2))
    const counts = (sizes: readonly number[]): number[] =>
      written({ syncIntervalBytes: '32' }, [sizes.map(ofSize)]).blocks.map(({ count }) => count)
    assert.deepEqual(counts([31, 31, 31]), [2, 1])
    assert.deepEqual(counts([32, 31, 1 + 2]), [1, 2])
    assert.deepEqual(counts([16, 16, 16, 16]), [2, 2])
  })

  it('has another sync marker in each file', () => {
    const headers = [0, 1].map(() => Buffer.from(make('AVRO_EVENT').begin()))
    const marks = headers.map((header) => header.subarray(-16).toString('hex'))
    assert.notEqual(marks[0], marks[1])
  })
})

describe('the configuration of a serializer', () => {
  const rows: readonly (readonly [
    type: string,
    entries: Readonly<Record<string, string>>,
    problems: readonly RegExp[],
  ])[] = [
    ['TEXT', {}, []],
    ['text', { appendNewline: 'false' }, []],
    ['org.apache.flume.serialization.BodyTextEventSerializer$Builder', {}, []],
    [
      'AVRO_EVENT',
      { syncIntervalBytes: '31' },
      [/^component: serializer.syncIntervalBytes is "31"/],
    ],
    ['AVRO_EVENT', { compressionCodec: 'snappy' }, [/^component: serializer.compressionCodec is/]],
    ['AVRO_EVNT', {}, [/^component: serializer is .*; expected TEXT.*did you mean AVRO_EVENT\?$/]],
    ['AVRO', {}, []],
    ['org.apache.flume.sink.hdfs.AvroEventSerializer$Builder', { schemaURL: '/a.avsc' }, []],
    ['org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder', {}, []],
    // Flume loads a class when the first file is opened.
    ['com.example.Own$Builder', {}, [/^none: serializer is .* a Java class that is not here/]],
  ]
  for (const [type, entries, problems] of rows) {
    it(`${type} ${JSON.stringify(entries)}`, () => {
      const found = checkSerializer(
        'serializer',
        { type, custom: undefined },
        new Map(Object.entries(entries)),
      ).map(({ key, message, effect = 'component' }) => `${effect}: ${key} ${message}`)
      assert.equal(found.length, problems.length, found.join('\n'))
      for (const [index, pattern] of problems.entries()) assert.match(found[index] ?? '', pattern)
    })
  }

  it('with a missing class, files cannot be written', () => {
    assert.throws(() => make('com.example.Own'), /serializer com.example.Own is a Java class/)
  })
})
