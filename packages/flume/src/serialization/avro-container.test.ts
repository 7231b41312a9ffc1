// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Event } from '../event.ts'
import { fingerprint, openAvroContainer } from './avro-container.ts'
import { AvroReader } from './avro-event.ts'
import { serializerFactory } from './serializers.ts'

const directory = mkdtempSync(join(tmpdir(), 'avro-container-'))
after(() => rmSync(directory, { recursive: true }))

/** A container with the bodies, in blocks of two. */
function container(bodies: readonly string[]): string {
  const serializer = serializerFactory({ type: 'AVRO_EVENT', custom: undefined }, new Map())()
  const parts = [serializer.begin()]
  for (let at = 0; at < bodies.length; at += 2) {
    parts.push(...serializer.write(bodies.slice(at, at + 2).map((body) => Event.text(body))))
  }
  const path = join(directory, 'events.avro')
  writeFileSync(path, Buffer.concat(parts))
  return path
}

describe('an Avro container', () => {
  const reads: readonly (readonly [
    from: number,
    max: number,
    bodies: readonly string[],
    end: number,
  ])[] = [
    [0, 1, ['a'], 1],
    [0, 3, ['a', 'b', 'c'], 3],
    [0, 9, ['a', 'b', 'c', 'd', 'e'], 5],
    [3, 9, ['d', 'e'], 5],
    [4, 1, ['e'], 5],
    [5, 1, [], 5],
  ]
  for (const [from, max, bodies, end] of reads) {
    it(`has ${bodies.length} records from ${from}, of up to ${max}`, async () => {
      const reader = await openAvroContainer(container(['a', 'b', 'c', 'd', 'e']), 'HASH')
      const batch = await reader.read(from, max)
      // The body of an event is a record in Avro's binary encoding.
      const found = batch.events.map(({ body }) => new AvroReader(body).event().body.toString())
      assert.deepEqual(found, bodies)
      assert.deepEqual(
        batch.cursors,
        bodies.map((_, index) => from + index),
      )
      assert.equal(batch.end, end)
      await reader.close()
    })
  }

  it('names its schema in a header, as a text or by its checksum', async () => {
    const header = async (type: 'HASH' | 'LITERAL') => {
      const reader = await openAvroContainer(container(['a']), type)
      const { events } = await reader.read(0, 1)
      await reader.close()
      return Object.entries(events[0]?.headers ?? {})
    }
    const [[name, literal = ''] = []] = await header('LITERAL')
    assert.equal(name, 'flume.avro.schema.literal')
    assert.deepEqual(
      JSON.parse(literal).fields.map((field: { name: string }) => field.name),
      ['headers', 'body'],
    )
    const [[hashName, hash = ''] = []] = await header('HASH')
    assert.equal(hashName, 'flume.avro.schema.hash')
    assert.match(hash, /^[0-9a-f]{16}$/)
  })

  it('that is missing fails when it is opened', async () => {
    await assert.rejects(openAvroContainer(join(directory, 'none.avro'), 'HASH'), /ENOENT/)
  })

  // The value of Avro's specification for an empty input, and those of its Java library.
  const fingerprints: readonly (readonly [string, string])[] = [
    ['', '95a7d7a43a215dc1'],
    ['"null"', '8a8f25cce724dd63'],
    ['"int"', '8f5c393f1ad57572'],
  ]
  for (const [schema, expected] of fingerprints) {
    it(`has the checksum ${expected} for the schema ${schema}`, () => {
      assert.equal(fingerprint(schema), expected)
    })
  }
})
