// SPDX-License-Identifier: Apache-2.0
// Verdicts, texts and messages that Confluent's rule classes gave for the same schemas.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Incompatibility, InvalidSchemaError } from '../schema/schema.ts'
import { type AvroSchema, avroFormat } from './format.ts'

interface GoldenPair {
  readonly type: string
  readonly case: string
  readonly old: string
  readonly new: string
  readonly error?: string
  readonly backward?: boolean
  readonly backward_errors?: readonly string[]
  readonly forward?: boolean
  readonly forward_errors?: readonly string[]
  readonly canonical_new?: string
  readonly normalized_new?: string
}

interface GoldenText {
  readonly kind: string
  readonly type: string
  readonly given: string
  readonly canonical: string
  readonly normalized: string
  readonly name: string
  readonly list: readonly string[]
}

const pairs = rows<GoldenPair>('compat-golden.jsonl').filter(({ type }) => type === 'AVRO')
const texts = rows<GoldenText>('guid-normalize-golden.jsonl').filter(({ type }) => type === 'AVRO')

function rows<T>(file: string): T[] {
  return readFileSync(new URL(`../../testdata/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

function parse(schema: string): AvroSchema {
  return avroFormat.parse({ schema, references: [], resolved: [] })
}

function errorTypes(found: readonly Incompatibility[]): string[] {
  return found.map(({ errorType }) => errorType)
}

describe('golden Avro pairs', () => {
  it('has rows of every kind', () => {
    assert.ok(pairs.length >= 60)
    assert.ok(pairs.some(({ error }) => error !== undefined))
  })

  for (const row of pairs) {
    it(row.case, () => {
      if (row.error !== undefined) {
        assert.throws(() => parse(row.new), InvalidSchemaError)
        return
      }
      const older = parse(row.old)
      const newer = parse(row.new)
      assert.equal(newer.canonical, row.canonical_new)
      assert.equal(newer.normalized(), row.normalized_new)
      const backward = errorTypes(newer.incompatibilities(older))
      const forward = errorTypes(older.incompatibilities(newer, { newer: 'writer' }))
      assert.equal(backward.length === 0, row.backward)
      assert.equal(forward.length === 0, row.forward)
      assert.deepEqual(backward, row.backward_errors ?? [])
      assert.deepEqual(forward, row.forward_errors ?? [])
    })
  }
})

describe('golden Avro texts', () => {
  for (const row of texts.filter(({ kind }) => kind === 'normalize')) {
    it(row.canonical, () => {
      const schema = parse(row.given)
      assert.equal(schema.canonical, row.canonical)
      assert.equal(schema.normalized(), row.normalized)
      assert.equal(schema.name, row.name)
      assert.equal(parse(row.normalized).canonical, row.normalized)
    })
  }

  it('messages', () => {
    const row = texts.find(({ kind }) => kind === 'messages')
    const older = parse('{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}')
    const newer = parse(
      '{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":"int"}]}',
    )
    assert.deepEqual(
      newer.incompatibilities(older).map(({ message }) => message),
      row?.list.filter((message) => message.startsWith('{errorType')),
    )
  })
})
