// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { newHeaders } from '../event.ts'
import { componentContext } from '../testing/context.ts'
import { RecordDecoder } from './record-decoder.ts'

/** Answers of a registry, and whether records wait for another one. */
const answers: readonly (readonly [
  name: string,
  status: number,
  body: object | string,
  waits: boolean,
  error?: RegExp,
])[] = [
  ['a schema', 200, { schema: '"long"' }, false],
  ['another format', 200, { schema: '{}', schemaType: 'JSON' }, false, /7 is JSON, not AVRO/],
  ['no such schema', 404, { error_code: 40403, message: 'no' }, false, /has no schema 7/],
  ['not a registry', 404, 'Not Found', true],
  ['no authorization', 401, { error_code: 401, message: 'no' }, true],
  ['an overload', 429, { error_code: 429, message: 'no' }, true],
  ['an error', 500, { error_code: 50001, message: 'no' }, true],
  ['an invalid schema', 200, { schema: '"lnog"' }, false, /lnog/],
]

describe('records whose registry answers with', () => {
  for (const [name, status, body, waits, error] of answers) {
    it(`${name}: they ${waits ? 'wait' : error === undefined ? 'are decoded' : 'are skipped'}`, async () => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      await using server = createServer((_, response) => {
        response.writeHead(status, { connection: 'close' }).end(text)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const entries = new Map([['schema.registry.url', `http://127.0.0.1:${port}`]])
      const decoder = await RecordDecoder.open('avro', entries, componentContext('SOURCE', 's'))
      assert.ok(decoder)
      const record = { topic: 't', headers: [], value: Buffer.from([0, 0, 0, 0, 7, 4]) }
      const loading = decoder.prepare([record])
      if (waits) await assert.rejects(loading, { name: 'RegistryError' })
      else {
        await loading
        const headers = newHeaders()
        if (error !== undefined) assert.throws(() => decoder.decode(record, headers), error)
        else {
          assert.equal(String(decoder.decode(record, headers)), '2')
          assert.deepEqual({ ...headers }, { 'schema.id': '7' })
        }
      }
      decoder.close()
    })
  }

  it('nothing, since the bytes name no schema: they are skipped', async () => {
    const entries = new Map([['schema.registry.url', 'http://127.0.0.1:1']])
    const decoder = await RecordDecoder.open('avro', entries, componentContext('SOURCE', 's'))
    assert.ok(decoder)
    const record = { topic: 't', headers: [], value: Buffer.from('{}') }
    await decoder.prepare([record])
    assert.throws(() => decoder.decode(record, newHeaders()), /no schema id/)
    decoder.close()
  })
})
