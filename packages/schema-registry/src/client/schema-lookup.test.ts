// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SampleRegistry } from '../testing/sample-registry.ts'
import { RegistrySchemaLookup } from './schema-lookup.ts'
import { SchemaRegistryClient } from './schema-registry-client.ts'

const fields = (count: number): string =>
  Array.from({ length: count }, (_, i) => `int32 field${i} = ${i + 1};`).join(' ')

describe('the answers to a broker', () => {
  for (const [what, fieldCount, isLarge] of [
    ['a small schema', 1, false],
    // It takes long enough to delay other clients of the broker, so a thread parses it.
    ['a large schema', 15_000, true],
  ] as const) {
    it(`find ${what} under the name of its message`, async () => {
      const registry = new SampleRegistry()
      const schema = `syntax = "proto3"; package p; message Order { ${fields(fieldCount)} }`
      const input = { schemaType: 'PROTOBUF', schema } as const
      const { guid } = registry.register('p.Order', input)
      const other = registry.register('other', { ...input, schema: `${schema} message Next {}` })
      await using client = new SchemaRegistryClient({
        urls: 'http://registry',
        transport: registry,
      })
      const lookup = new RegistrySchemaLookup(client)
      const question = { topic: 't', part: 'value', strategy: 'record' } as const
      let turns = 0
      let isAnswered = false
      const count = (): void => {
        turns++
        if (!isAnswered) setImmediate(count)
      }
      count()
      assert.equal(await lookup.isRegistered({ ...question, id: guid }), true)
      isAnswered = true
      if (isLarge) assert.ok(turns > 100, `others had ${turns} turns in the meantime`)
      assert.equal(await lookup.isRegistered({ ...question, id: other.guid }), false)
    })
  }
})
