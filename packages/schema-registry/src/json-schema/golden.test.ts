// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { CompatibilityPolicy } from '../schema/schema.ts'
import { jsonSchemaFormat } from './json-schema.ts'

/** A pair of schemas with the verdicts of Confluent's rule classes. */
interface Pair {
  readonly type: string
  readonly case: string
  readonly old: string
  readonly new: string
  readonly canonical_new: string
  readonly normalized_new: string
  readonly [verdict: string]: string | boolean | readonly string[]
}

function lines<Row>(file: string): readonly Row[] {
  const text = readFileSync(new URL(`../../testdata/${file}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Row => JSON.parse(line))
}

function parse(schema: string) {
  return jsonSchemaFormat.parse({ schema, references: [], resolved: [] })
}

const pairs = lines<Pair>('compat-golden.jsonl').filter(({ type }) => type === 'JSON')
const policies: readonly CompatibilityPolicy[] = ['STRICT', 'LENIENT']

describe('JSON Schema against the golden pairs', () => {
  it('has pairs to compare', () => assert.equal(pairs.length, 59))

  for (const pair of pairs) {
    it(pair.case, () => {
      const older = parse(pair.old)
      const newer = parse(pair.new)
      assert.equal(newer.canonical, pair.canonical_new)
      assert.equal(newer.normalized(), pair.normalized_new)
      for (const policy of policies) {
        const suffix = policy.toLowerCase()
        const backward = newer.incompatibilities(older, { policy, newer: 'reader' })
        const forward = older.incompatibilities(newer, { policy, newer: 'writer' })
        for (const [direction, found] of [
          [`backward_${suffix}`, backward],
          [`forward_${suffix}`, forward],
        ] as const) {
          assert.equal(found.length === 0, pair[direction], direction)
          const errors = found.map(({ errorType }) => errorType)
          assert.deepEqual(errors, pair[`${direction}_errors`] ?? [], direction)
        }
      }
    })
  }
})

interface Form {
  readonly kind: string
  readonly type: string
  readonly given: string
  readonly canonical: string
  readonly normalized: string
  readonly name: string
  readonly list: readonly string[]
}

describe('JSON Schema against the golden forms', () => {
  const forms = lines<Form>('guid-normalize-golden.jsonl').filter(({ type }) => type === 'JSON')

  it('prints canonical and normal form, and names the schema', () => {
    const given = forms.filter(({ kind }) => kind === 'normalize')
    assert.equal(given.length, 1)
    for (const form of given) {
      const schema = parse(form.given)
      assert.equal(schema.canonical, form.canonical)
      assert.equal(schema.normalized(), form.normalized)
      assert.equal(schema.name, form.name)
    }
  })

  it('has the message of an added property', () => {
    const [message] = forms.find(({ kind }) => kind === 'messages')?.list ?? []
    const older = parse('{"type":"object","properties":{"a":{"type":"integer"}}}')
    const newer = parse(
      '{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}}}',
    )
    const [found] = newer.incompatibilities(older)
    assert.equal(found?.message, message)
  })
})

/** A generated pair, with Confluent's incompatibilities: names of rules, with places. */
interface GeneratedPair {
  readonly old: string
  readonly new: string
  readonly normalized_new: string
  readonly strict: readonly string[]
  readonly lenient: readonly string[]
}

describe('JSON Schema against generated pairs', () => {
  const generated = lines<GeneratedPair>('json-schema-pairs.jsonl')
  const references = [{ name: 'other.json', subject: 'other', version: 1 }]
  const other =
    '{"type":"object","properties":{"k":{"type":"string"}},"definitions":{"o":{"type":"string"}}}'
  const resolved = references.map((reference) => ({ ...reference, schema: other }))

  it('has pairs to compare', () => assert.equal(generated.length, 250))

  for (const [index, pair] of generated.entries()) {
    it(`pair ${index + 1}`, () => {
      const older = jsonSchemaFormat.parse({ schema: pair.old, references, resolved })
      const newer = jsonSchemaFormat.parse({ schema: pair.new, references, resolved })
      assert.equal(newer.normalized(), pair.normalized_new)
      for (const policy of policies) {
        const found = newer.incompatibilities(older, { policy })
        const expected = policy === 'STRICT' ? pair.strict : pair.lenient
        assert.deepEqual(
          found.map(({ errorType, path, message }) =>
            message.includes(path) ? `${errorType} ${path}` : errorType,
          ),
          expected,
          `${policy}: ${pair.old} to ${pair.new}`,
        )
      }
    })
  }
})
