// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ParsedSchema } from '../schema/schema.ts'
import { jsonSchemaFormat } from './json-schema.ts'
import { createJsonValidator } from './validator.ts'

const drafts = [
  undefined,
  'http://json-schema.org/draft-04/schema#',
  'http://json-schema.org/draft-06/schema#',
  'http://json-schema.org/draft-07/schema#',
  'https://json-schema.org/draft/2019-09/schema',
  'https://json-schema.org/draft/2020-12/schema',
]

function parse(schema: object, other?: object): ParsedSchema {
  const resolved =
    other === undefined
      ? []
      : [{ name: 'other.json', subject: 'other', version: 1, schema: JSON.stringify(other) }]
  return jsonSchemaFormat.parse({ schema: JSON.stringify(schema), references: resolved, resolved })
}

async function problems(schema: object, value: unknown): Promise<readonly string[]> {
  const validator = await createJsonValidator(parse(schema), { allProblems: true })
  return validator.problems(value).map(({ path, message }) => `${path} ${message}`)
}

describe('validators of JSON Schema', () => {
  for (const $schema of drafts) {
    it(`follow references in ${$schema ?? 'draft 7 by default'}`, async () => {
      const schema = parse(
        {
          ...($schema === undefined ? {} : { $schema }),
          type: 'object',
          properties: { a: { $ref: '#/definitions/a' }, b: { $ref: 'other.json#/definitions/b' } },
          definitions: { a: { type: 'integer' } },
        },
        { definitions: { b: { type: 'string', maxLength: 2 } } },
      )
      const validator = await createJsonValidator(schema, { allProblems: true })
      assert.deepEqual(validator.problems({ a: 1, b: 'ab' }), [])
      assert.deepEqual(validator.problems({ a: 'x', b: 'abc' }), [
        { path: '/a', message: 'must be integer' },
        { path: '/b', message: 'must NOT have more than 2 characters' },
      ])
    })
  }

  it('read keywords as their draft does', async () => {
    const draft4 = 'http://json-schema.org/draft-04/schema#'
    const draft2020 = 'https://json-schema.org/draft/2020-12/schema'
    const limit = { $schema: draft4, minimum: 1, exclusiveMinimum: true }
    assert.deepEqual(await problems(limit, 1), [' must be > 1'])
    const tuple = { prefixItems: [{ type: 'string' }] }
    assert.deepEqual(await problems({ $schema: draft2020, ...tuple }, [1]), ['/0 must be string'])
    assert.deepEqual(await problems(tuple, [1]), [])
    const sibling = { $ref: '#/definitions/a', maxLength: 1, definitions: { a: {} } }
    assert.deepEqual(await problems(sibling, 'ab'), [])
    assert.deepEqual(await problems({ $schema: draft2020, ...sibling }, 'ab'), [
      ' must NOT have more than 1 characters',
    ])
  })

  it('accept boolean schemas and recursive ones', async () => {
    for (const [schema, count] of [
      ['true', 0],
      ['false', 1],
    ] as const) {
      const parsed = jsonSchemaFormat.parse({ schema, references: [], resolved: [] })
      assert.equal((await createJsonValidator(parsed)).problems(1).length, count)
    }
    const list = { properties: { value: { type: 'integer' }, next: { $ref: '#' } } }
    assert.deepEqual(await problems(list, { next: { next: { value: 'x' } } }), [
      '/next/next/value must be integer',
    ])
  })

  it('match hostile patterns within bounds', async () => {
    const hostile = `${'a'.repeat(50_000)}!`
    const linear = { properties: { a: { pattern: '^(a+)+$' }, b: { pattern: '^b+$' } } }
    assert.deepEqual(await problems(linear, { a: hostile, b: 'bb' }), [
      '/a must match pattern "^(a+)+$"',
    ])
    assert.deepEqual(await problems(linear, { a: 'aa', b: 'a' }), ['/b must match pattern "^b+$"'])
    const [problem] = await problems({ pattern: '^(?=(a+)+$)' }, hostile.slice(-100))
    assert.match(problem ?? '', /took more than 50 ms/)
    const names = { patternProperties: { '^(a+)+$': { type: 'integer' } } }
    assert.deepEqual(await problems(names, { [hostile]: 'x', aa: 'x' }), ['/aa must be integer'])
  })

  it('do not check formats', async () => {
    assert.deepEqual(await problems({ type: 'string', format: 'date' }, 'x'), [])
  })

  it('do not accept schemas of another format', async () => {
    const other: ParsedSchema = {
      type: 'AVRO',
      canonical: '"int"',
      references: [],
      name: undefined,
      normalized: () => '"int"',
      problems: () => [],
      format: () => '"int"',
      incompatibilities: () => [],
    }
    await assert.rejects(createJsonValidator(other), /expected a JSON Schema, found.*AVRO/)
    const [found] = parse({}).incompatibilities(other)
    assert.equal(found?.message, 'Incompatible because of different schema type')
  })
})
