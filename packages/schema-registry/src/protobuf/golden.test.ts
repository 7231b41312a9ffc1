// SPDX-License-Identifier: Apache-2.0
// Verdicts, messages and forms that Confluent's rule classes computed for the same schemas.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { SchemaSource } from '../schema/schema.ts'
import { type ProtobufSchema, protobufFormat } from './protobuf-schema.ts'

interface GoldenRow {
  readonly type: string
  readonly kind?: string
  readonly case: string
  readonly old: string
  readonly new: string
  readonly given: string
  readonly backward: boolean
  readonly backward_errors?: readonly string[]
  readonly forward: boolean
  readonly forward_errors?: readonly string[]
  readonly canonical_new: string
  readonly normalized_new: string
  readonly canonical: string
  readonly normalized: string
  readonly name: string
  readonly serialized: string
}

interface PairRow {
  readonly case: string
  readonly old: string | SchemaSource
  readonly new: string | SchemaSource
  readonly backward: readonly string[]
  readonly forward: readonly string[]
}

interface FormRow {
  readonly given: string | SchemaSource
  readonly name?: string
  readonly canonical: string
  readonly normalized: string
  readonly ignore_extensions: string
  readonly serialized?: string
}

function rows<T>(file: string): T[] {
  const path = new URL(`../../testdata/${file}`, import.meta.url)
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line): T => JSON.parse(line))
}

function parse(given: string | SchemaSource): ProtobufSchema {
  return protobufFormat.parse(
    typeof given === 'string' ? { schema: given, references: [], resolved: [] } : given,
  )
}

function errorTypes(found: readonly { readonly errorType: string }[]): string[] {
  return found.map(({ errorType }) => errorType).sort()
}

describe('Protobuf golden rows', () => {
  const golden = rows<GoldenRow>('compat-golden.jsonl').filter(({ type }) => type === 'PROTOBUF')
  for (const row of golden) {
    it(row.case, () => {
      const before = parse(row.old)
      const after = parse(row.new)
      const backward = errorTypes(after.incompatibilities(before))
      const forward = errorTypes(before.incompatibilities(after, { newer: 'writer' }))
      assert.deepEqual(backward, (row.backward_errors ?? []).toSorted())
      assert.deepEqual(forward, (row.forward_errors ?? []).toSorted())
      assert.equal(backward.length === 0, row.backward)
      assert.equal(forward.length === 0, row.forward)
      assert.equal(after.canonical, row.canonical_new)
      assert.equal(after.normalized(), row.normalized_new)
    })
  }

  it('are all there', () => assert.equal(golden.length, 43))

  it('forms', () => {
    const [row] = rows<GoldenRow>('guid-normalize-golden.jsonl').filter(
      ({ type, kind }) => type === 'PROTOBUF' && kind === 'normalize',
    )
    assert.ok(row)
    const schema = parse(row.given)
    assert.equal(schema.canonical, row.canonical)
    assert.equal(schema.normalized(), row.normalized)
    assert.equal(schema.name, row.name)
    assert.equal(schema.format('serialized'), row.serialized)
    assert.equal(schema.format('no-such-format'), row.canonical)
  })
})

describe('Protobuf pairs: messages in both directions', () => {
  for (const row of rows<PairRow>('protobuf-pairs.jsonl')) {
    it(row.case, () => {
      const before = parse(row.old)
      const after = parse(row.new)
      const messages = (
        reader: ProtobufSchema,
        writer: ProtobufSchema,
        newer: 'reader' | 'writer',
      ) => reader.incompatibilities(writer, { newer }).map(({ message }) => message)
      assert.deepEqual(messages(after, before, 'reader'), row.backward)
      assert.deepEqual(messages(before, after, 'writer'), row.forward)
      assert.deepEqual(messages(after, after, 'reader'), [])
    })
  }
})

describe('Protobuf forms', () => {
  for (const row of rows<FormRow>('protobuf-forms.jsonl')) {
    it(row.canonical.replaceAll(/\s+/g, ' ').slice(0, 80), () => {
      const schema = parse(row.given)
      assert.equal(schema.canonical, row.canonical)
      assert.equal(schema.normalized(), row.normalized)
      assert.equal(schema.format('ignore_extensions'), row.ignore_extensions)
      assert.equal(schema.format(''), row.canonical)
      assert.equal(schema.name, row.name)
      // There is no descriptor of a file that a compiler would refuse.
      if (row.serialized === undefined) assert.notDeepEqual(schema.problems(), [])
      else assert.equal(schema.format('serialized'), row.serialized)
      const source = typeof row.given === 'string' ? {} : row.given
      const again = { references: [], resolved: [], ...source, schema: row.canonical }
      assert.equal(parse(again).canonical, row.canonical)
    })
  }
})
