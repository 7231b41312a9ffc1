// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { SchemaReference } from '../schema/schema.ts'
import { readMetadata, readRuleSet } from './data-contract.ts'
import { guidOf, guidOfMd5 } from './guid.ts'

interface GoldenRow {
  readonly kind: string
  readonly schema: string
  readonly references: readonly SchemaReference[]
  readonly metadata: unknown
  readonly guid: string
}

const rows = readFileSync(
  new URL('../../testdata/guid-normalize-golden.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as GoldenRow)
  .filter(({ kind }) => kind === 'guid')

describe('guidOf', () => {
  for (const { schema, references, metadata, guid } of rows) {
    it(`is ${guid} for ${schema}, ${references.length} references, ${JSON.stringify(metadata)}`, () => {
      assert.equal(guidOf({ schema, references, metadata: readMetadata(metadata) }), guid)
    })
  }

  it('does not depend on the order of keys in metadata and rules', () => {
    const content = { schema: '"int"', references: [] }
    const rule = { name: 'r', type: 'CEL', params: { a: '1', b: '2' }, tags: ['x', 'y'] }
    const other = { tags: ['y', 'x'], params: { b: '2', a: '1' }, type: 'CEL', name: 'r' }
    assert.equal(
      guidOf({ ...content, ruleSet: readRuleSet({ domainRules: [rule] }) }),
      guidOf({ ...content, ruleSet: readRuleSet({ domainRules: [other] }) }),
    )
    assert.notEqual(guidOf({ ...content, metadata: {} }), guidOf(content))
  })

  it('is that of a record that has an MD5', () => {
    assert.equal(guidOfMd5('71JOoLkecxc9k4reNsHbMg=='), 'ef524ea0-b91e-7317-3d93-8ade36c1db32')
    assert.equal(guidOfMd5('AAAA'), undefined)
  })
})
