// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import {
  checkDeserializer,
  type DecodeErrorPolicy,
  type FileBatch,
  jsonEvent,
  parseInputCharset,
  readerFactory,
} from './deserializers.ts'

const directory = mkdtempSync(join(tmpdir(), 'deserializers-'))
after(() => rmSync(directory, { recursive: true }))

interface Case {
  readonly title: string
  readonly type?: string
  readonly entries?: Readonly<Record<string, string>>
  readonly charset?: string
  readonly policy?: DecodeErrorPolicy
  readonly file: string | Buffer
  /** Bodies; the positions at which their texts begin, and the end. */
  readonly bodies: readonly string[]
  readonly cursors: readonly number[]
  readonly end: number
}

const LATIN = Buffer.from('Z\u00fcrich\n', 'latin1')
const BROKEN = Buffer.from([0x61, 0xff, 0x62, 0x0a])

const cases: readonly Case[] = [
  { title: 'an empty file', file: '', bodies: [], cursors: [], end: 0 },
  { title: 'lines', file: 'a\nbc\n', bodies: ['a', 'bc'], cursors: [0, 2], end: 5 },
  {
    title: 'a last line without a break',
    file: 'a\nbc',
    bodies: ['a', 'bc'],
    cursors: [0, 2],
    end: 4,
  },
  { title: 'empty lines', file: '\n\na\n', bodies: ['', '', 'a'], cursors: [0, 1, 2], end: 4 },
  { title: 'a carriage return stays', file: 'a\r\n', bodies: ['a\r'], cursors: [0], end: 3 },
  {
    title: 'a line of the maximum length',
    entries: { maxLineLength: '3' },
    file: 'abc\nd\n',
    bodies: ['abc', 'd'],
    cursors: [0, 4],
    end: 6,
  },
  {
    title: 'the rest of a line that is too long is the next event',
    entries: { maxLineLength: '3' },
    file: 'abcdefgh\ni\n',
    bodies: ['abc', 'def', 'gh', 'i'],
    cursors: [0, 3, 6, 9],
    end: 11,
  },
  {
    title: 'the length is of characters, and no character is cut',
    entries: { maxLineLength: '2' },
    file: '\u00e4\u00f6\u20ac\n',
    bodies: ['\u00e4\u00f6', '\u20ac'],
    cursors: [0, 4],
    end: 8,
  },
  {
    title: 'another character set becomes UTF-8',
    charset: 'ISO-8859-1',
    file: LATIN,
    bodies: ['Z\u00fcrich'],
    cursors: [0],
    end: 7,
  },
  {
    title: 'invalid bytes are replaced',
    policy: 'REPLACE',
    file: BROKEN,
    bodies: ['a\ufffdb'],
    cursors: [0],
    end: 4,
  },
  {
    title: 'invalid bytes are left out',
    policy: 'IGNORE',
    file: BROKEN,
    bodies: ['ab'],
    cursors: [0],
    end: 4,
  },
  {
    title: 'an output character set',
    entries: { outputCharset: 'ISO-8859-1' },
    file: 'Z\u00fcrich\n',
    bodies: [LATIN.toString('latin1').trim()],
    cursors: [0],
    end: 8,
  },
  {
    title: 'a file as one event',
    type: 'BLOB',
    file: 'a\nb\n',
    bodies: ['a\nb\n'],
    cursors: [0],
    end: 4,
  },
  {
    title: 'a file that is larger than the limit of a blob',
    type: 'BLOB',
    entries: { maxBlobLength: '3' },
    file: 'abcdefg',
    bodies: ['abc', 'def', 'g'],
    cursors: [0, 3, 6],
    end: 7,
  },
  { title: 'an empty blob', type: 'blob', file: '', bodies: [], cursors: [], end: 0 },
  {
    title: 'JSON, one event per line',
    type: 'JSON',
    file: '{"body":"x"}\n{"headers":{"a":"1"},"body":"y"}\n',
    bodies: ['x', 'y'],
    cursors: [0, 13],
    end: 46,
  },
]

async function open(each: Case) {
  const path = join(directory, 'file')
  writeFileSync(path, each.file)
  const { type = 'LINE', entries = {}, charset = 'UTF-8', policy = 'FAIL' } = each
  return readerFactory(
    { type, custom: undefined },
    new Map(Object.entries(entries)),
  )({ path, charset, decodeErrorPolicy: policy })
}

/** Reads a file in batches of up to `max` events. */
async function readAll(each: Case, max: number): Promise<FileBatch> {
  const reader = await open(each)
  const events = []
  const cursors = []
  let end = 0
  try {
    for (;;) {
      const batch = await reader.read(end, max)
      assert.ok(batch.events.length <= max)
      if (batch.events.length === 0) return { events, cursors, end }
      events.push(...batch.events)
      cursors.push(...batch.cursors)
      end = batch.end
    }
  } finally {
    await reader.close()
  }
}

describe('deserializers read', () => {
  for (const each of cases) {
    it(each.title, async () => {
      for (const max of [1, 2, 100]) {
        const { events, cursors, end } = await readAll(each, max)
        const encoding = each.entries?.outputCharset === undefined ? 'utf8' : 'latin1'
        const bodies = events.map(({ body }) => body.toString(encoding))
        assert.deepEqual(
          { bodies, cursors, end },
          {
            bodies: each.bodies,
            cursors: each.cursors,
            end: each.end,
          },
        )
      }
    })
  }

  it('from each cursor that was returned', async () => {
    for (const each of cases) {
      const reader = await open(each)
      for (const [index, cursor] of each.cursors.entries()) {
        const { cursors, events } = await reader.read(cursor, 100)
        if (each.type?.toLowerCase() === 'blob') assert.equal(cursors[0], cursor, each.title)
        else assert.deepEqual(cursors, each.cursors.slice(index), each.title)
        assert.ok(events.length > 0)
      }
      await reader.close()
    }
  })

  it('lines across the chunks in which a file is read', async () => {
    const lines = ['a'.repeat(262_140), 'bcdefgh', 'x'.repeat(300_000), 'end']
    const each = {
      title: '',
      entries: { maxLineLength: '1000000' },
      file: lines.join('\n'),
      bodies: [],
      cursors: [],
      end: 0,
    }
    const { events, cursors } = await readAll(each, 100)
    assert.deepEqual(
      events.map(({ body }) => body.length),
      lines.map((line) => line.length),
    )
    assert.deepEqual(cursors, [0, 262_141, 262_149, 562_150])
  })

  it('nothing of a line with invalid bytes, unless the policy allows it', async () => {
    const each = { title: '', file: BROKEN, bodies: [], cursors: [], end: 0 }
    await assert.rejects(readAll(each, 1), /bytes that are not UTF-8/)
  })
})

describe('an event in JSON', () => {
  const good: readonly (readonly [unknown, string, Readonly<Record<string, string>>])[] = [
    [{}, '', {}],
    [{ body: 'x' }, 'x', {}],
    [{ body: null }, '', {}],
    [{ body: 5 }, '5', {}],
    [{ headers: { a: 'b', n: 1, t: true, z: null } }, '', { a: 'b', n: '1', t: 'true', z: 'null' }],
    [{ headers: { constructor: 'x' }, other: 1 }, '', { constructor: 'x' }],
  ]
  for (const [value, body, headers] of good) {
    it(`is ${JSON.stringify(value)}`, () => {
      const event = jsonEvent(value)
      assert.equal(event.body.toString(), body)
      assert.deepEqual({ ...event.headers }, headers)
    })
  }

  const bad: readonly (readonly [unknown, RegExp])[] = [
    [null, /an event is an object/],
    ['text', /an event is an object/],
    [[], /an event is an object/],
    [{ headers: [] }, /headers are an object, not \[\]/],
    [{ headers: null }, /headers are an object, not null/],
    [{ headers: 'a' }, /headers are an object/],
    [{ headers: { a: {} } }, /header a is a text, not \{\}/],
    [{ headers: { a: ['b'] } }, /header a is a text/],
    [{ body: {} }, /a body is a text/],
    [{ body: ['x'] }, /a body is a text/],
  ]
  for (const [value, message] of bad) {
    it(`is not ${JSON.stringify(value)}`, () => {
      assert.throws(() => jsonEvent(value), message)
    })
  }
})

describe('the configuration of a deserializer', () => {
  const check = (type: string, entries: Readonly<Record<string, string>> = {}): string[] =>
    checkDeserializer({ type, custom: undefined }, new Map(Object.entries(entries))).map(
      ({ key, message, effect = 'component' }) => `${effect}: ${key} ${message}`,
    )
  const rows: readonly (readonly [
    type: string,
    entries: Readonly<Record<string, string>>,
    problems: readonly RegExp[],
  ])[] = [
    ['LINE', {}, []],
    ['line', { maxLineLength: '10', outputCharset: 'UTF-16' }, []],
    ['org.apache.flume.serialization.LineDeserializer$Builder', {}, []],
    ['LINES', {}, [/^component: deserializer is "LINES"; expected .*did you mean LINE\?$/]],
    ['LINE', { maxLineLength: '0' }, [/^component: deserializer.maxLineLength is "0"/]],
    ['LINE', { outputCharset: 'x-none' }, [/^component: deserializer.outputCharset is "x-none"/]],
    ['AVRO', { schemaType: 'hash' }, []],
    ['AVRO', { schemaType: 'id' }, [/^component: deserializer.schemaType is "id"/]],
    // Flume loads a class when the first file is read.
    ['com.example.Own$Builder', {}, [/^none: deserializer is .* a Java class that is not here/]],
  ]
  for (const [type, entries, problems] of rows) {
    it(`${type} ${JSON.stringify(entries)}`, () => {
      const found = check(type, entries)
      assert.equal(found.length, problems.length, found.join('\n'))
      for (const [index, pattern] of problems.entries()) assert.match(found[index] ?? '', pattern)
    })
  }

  it('with a missing class, files cannot be opened', async () => {
    const openFile = readerFactory({ type: 'com.example.Own', custom: undefined }, new Map())
    await assert.rejects(
      openFile({ path: 'any', charset: 'UTF-8', decodeErrorPolicy: 'FAIL' }),
      /com.example.Own is a Java class that is not here/,
    )
  })

  it('character sets of more than one byte per line break are refused', () => {
    for (const name of ['UTF-16', 'utf-16le', 'UTF-32', ' utf16 ']) {
      assert.throws(() => parseInputCharset(name), /other than UTF-16/, name)
    }
    for (const name of ['UTF-8', 'ISO-8859-1', 'windows-1252']) {
      assert.equal(parseInputCharset(name), name)
    }
    assert.throws(() => parseInputCharset('no-such-set'))
  })
})
