// SPDX-License-Identifier: Apache-2.0
// The golden pairs of schemas through the REST API: verdicts in both directions, rules and texts.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { SchemaRegistry } from '@millrace/schema-registry'

interface Pair {
  readonly type: string
  readonly case: string
  readonly old: string
  readonly new: string
  readonly error?: string
  readonly canonical_new?: string
  readonly normalized_new?: string
  readonly [verdict: string]: unknown
}

const testdata = join(import.meta.dirname, '../../packages/schema-registry/testdata')
const pairs = readFileSync(join(testdata, 'compat-golden.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Pair)

describe('golden pairs of schemas', () => {
  let broker: Broker
  let registry: SchemaRegistry
  before(async () => {
    broker = await Broker.start()
    registry = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: { listeners: 'http://127.0.0.1:0', 'schema.compatibility.level': 'NONE' },
    })
  })
  after(async () => {
    await registry.close()
    await broker.close()
  })

  async function call(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly json: Readonly<Record<string, unknown>> }> {
    const response = await fetch(registry.address + path, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return {
      status: response.status,
      json: (await response.json()) as Readonly<Record<string, unknown>>,
    }
  }

  for (const [index, pair] of pairs.entries()) {
    it(`${pair.type} ${pair.case}`, async () => {
      const subject = `${pair.type}-${index}`
      const newer = { schema: pair.new, schemaType: pair.type }
      const registered = await call('POST', `/subjects/${subject}/versions`, {
        schema: pair.old,
        schemaType: pair.type,
      })
      if (pair.error !== undefined) {
        const second = await call('POST', `/subjects/${subject}/versions`, newer)
        assert.deepEqual([registered.status, second.status].toSorted().at(-1), 422)
        return
      }
      assert.equal(registered.status, 200, JSON.stringify(registered.json))
      for (const policy of pair.backward === undefined ? ['STRICT', 'LENIENT'] : ['STRICT']) {
        const suffix = pair.backward === undefined ? `_${policy.toLowerCase()}` : ''
        for (const level of ['BACKWARD', 'FORWARD', 'FULL']) {
          const settings = { compatibility: level, compatibilityPolicy: policy }
          await call('PUT', `/config/${subject}`, settings)
          const path = `/compatibility/subjects/${subject}/versions/latest?verbose=true`
          const { json } = await call('POST', path, newer)
          const parts = level === 'FULL' ? ['backward', 'forward'] : [level.toLowerCase()]
          const expected = parts.every((part) => pair[part + suffix] === true)
          const where = `${level} ${policy}: ${JSON.stringify(json)}`
          assert.equal(json.is_compatible, expected, where)
          const rules = parts.flatMap((part) => (pair[`${part + suffix}_errors`] ?? []) as string[])
          const messages = JSON.stringify(json.messages)
          for (const rule of rules) assert.ok(messages.includes(rule), `${rule} in ${where}`)
        }
      }
      await call('PUT', `/config/${subject}`, { compatibility: 'NONE' })
      for (const [normalize, text] of [
        [false, pair.canonical_new],
        [true, pair.normalized_new],
      ] as const) {
        const { json } = await call(
          'POST',
          `/subjects/${subject}-${normalize}/versions?normalize=${normalize}`,
          newer,
        )
        assert.equal(json.schema, text)
      }
    })
  }
})
