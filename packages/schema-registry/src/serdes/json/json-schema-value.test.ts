// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { JsonSchemaValue } from './json-schema-value.ts'

/** Compiles only if each type is assignable to the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
function same<A, B>(isSame: Same<A, B>): void {
  assert.ok(isSame)
}

const order = {
  $defs: { money: { type: 'object', properties: { cents: { type: 'integer' } } } },
  type: 'object',
  properties: {
    id: { type: 'string' },
    state: { enum: ['new', 'paid'] },
    kind: { const: 7 },
    note: { type: ['string', 'null'] },
    total: { $ref: '#/$defs/money' },
    tags: { type: 'array', items: { type: 'string' } },
    pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
    either: { oneOf: [{ type: 'string' }, { type: 'boolean' }] },
    both: {
      allOf: [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] },
      ],
    },
    counts: { type: 'object', additionalProperties: { type: 'integer' } },
    parent: { $ref: '#' },
    any: true,
  },
  required: ['id', 'state'],
} as const

type Order = JsonSchemaValue<typeof order>

it('types of JSON Schema literals are those of their values', () => {
  same<Order['id'], string>(true)
  same<Order['state'], 'new' | 'paid'>(true)
  same<Order['kind'], 7 | undefined>(true)
  same<Order['note'], string | null | undefined>(true)
  same<Order['total'], { cents?: number } | undefined>(true)
  same<Order['tags'], string[] | undefined>(true)
  same<Order['pair'], [string, number, ...never[]] | undefined>(true)
  same<Order['either'], string | boolean | undefined>(true)
  same<Order['both'], ({ a: string } & { b: string }) | undefined>(true)
  same<Order['counts'], Record<string, number> | undefined>(true)
  same<JsonSchemaValue<{ readonly type: 'object' }>, Record<string, unknown>>(true)
  same<JsonSchemaValue<true>, unknown>(true)
  const value: Order = { id: 'a', state: 'new', parent: { id: 'b', state: 'paid' } }
  assert.equal(value.parent?.state, 'paid')
})
