// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SchemaRegistryClient } from '@millrace/schema-registry/serdes'
import { pull } from './pull.ts'
import { SchemaFolder } from './schema-folder.ts'

type Schemas = Readonly<Record<string, { readonly schema: string; readonly schemaType?: string }>>

/** A client of a registry with one version of each schema. */
function registry(schemas: Schemas): SchemaRegistryClient {
  const reply = (body: unknown, status = 200): { status: number; body: string } => ({
    status,
    body: JSON.stringify(body),
  })
  return new SchemaRegistryClient({
    urls: 'http://registry',
    transport: {
      async send({ url }) {
        const [first, second] = url.pathname.slice(1).split('/').map(decodeURIComponent)
        if (first === 'config') return reply({ error_code: 40408, message: 'none' }, 404)
        if (second === undefined) return reply(Object.keys(schemas))
        return reply({ subject: second, version: 1, id: 1, ...schemas[second] })
      },
      close() {},
    },
  })
}

describe('pull', () => {
  let path: string
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'millrace-pull-'))
  })
  afterEach(() => rmSync(path, { recursive: true, force: true }))

  const avro = { schema: '"int"' }
  async function pulled(schemas: Schemas, isPruning = false): Promise<string[]> {
    await pull(registry(schemas), new SchemaFolder(path), { isPruning })
    return readdirSync(path)
      .filter((file) => file !== 'registry.json')
      .sort()
  }

  it('moves a file whose name a new subject has in another case', async () => {
    assert.deepEqual(await pulled({ Order: avro }), ['Order.avsc'])
    const both = ['%4Frder.avsc', 'order.avsc']
    assert.deepEqual(await pulled({ Order: avro, order: avro }), both)
    assert.deepEqual(await pulled({ Order: avro, order: avro }), both)
  })

  it('changes the extension with the format, and keeps what other subjects use', async () => {
    assert.deepEqual(await pulled({ a: avro, b: avro }), ['a.avsc', 'b.avsc'])
    const json = { schema: '{}', schemaType: 'JSON' }
    assert.deepEqual(await pulled({ a: json, b: avro }), ['a.json', 'b.avsc'])
    assert.deepEqual(await pulled({ b: avro }), ['a.json', 'b.avsc'])
    assert.deepEqual(await pulled({ b: avro }, true), ['b.avsc'])
  })

  it('keeps a file where the manifest has it, and refuses one file of two subjects', async () => {
    const manifest = { subjects: { a: { file: 'b.avsc' } } }
    writeFileSync(join(path, 'registry.json'), JSON.stringify(manifest))
    assert.deepEqual(await pulled({ a: avro }), ['b.avsc'])
    // The new subject has the usual name, and so the other one gets its own.
    assert.deepEqual(await pulled({ a: avro, b: avro }), ['a.avsc', 'b.avsc'])
    // A subject that is not in the registry keeps its file, too.
    writeFileSync(
      join(path, 'registry.json'),
      JSON.stringify({ subjects: { gone: { file: 'd.avsc' } } }),
    )
    await assert.rejects(pulled({ d: avro }), /d\.avsc is the file of d and gone/)
    writeFileSync(
      join(path, 'registry.json'),
      JSON.stringify({
        subjects: { a: { file: 'x.avsc' }, c: { file: 'x.avsc' }, b: { file: 'c.avsc' } },
      }),
    )
    await assert.rejects(
      pulled({ a: avro, b: avro, c: avro }),
      /c\.avsc is the file of b and c: change one in registry\.json/,
    )
  })
})
