// SPDX-License-Identifier: Apache-2.0
// Recorded exchanges: what official clients ask for, and what another registry answered. The other
// registry is not the reference: where Confluent's differs, the table has its reply.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { SchemaRegistry } from '@millrace/schema-registry'

interface Exchange {
  readonly n?: number
  readonly note?: string
  readonly mark?: string
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly request: unknown
  readonly status: number
  readonly response: unknown
}

const testdata = join(import.meta.dirname, '../../packages/schema-registry/testdata')
const exchangesOf = (file: string): Exchange[] =>
  readFileSync(join(testdata, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Exchange)

interface Reply {
  readonly status: number
  readonly json: unknown
}

async function send(address: string, { method, path, headers, request }: Exchange): Promise<Reply> {
  const body =
    request === null ? undefined : typeof request === 'string' ? request : JSON.stringify(request)
  const response = await fetch(address + path, {
    method,
    headers: headers ?? {},
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  try {
    return { status: response.status, json: text === '' ? null : JSON.parse(text) }
  } catch {
    return { status: response.status, json: text }
  }
}

/** Parts that registries choose themselves, and those that only newer ones have. */
const ownParts = new Set(['id', 'guid', 'ts', 'schema', 'messages', 'message', 'normalize'])

/** Whether `found` has all that `expected` has, apart from the parts that may differ. */
function contains(found: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(found) &&
      found.length === expected.length &&
      expected.every((each, index) => contains(found[index], each))
    )
  }
  if (typeof expected !== 'object' || expected === null) return found === expected
  if (typeof found !== 'object' || found === null) return false
  return Object.entries(expected).every(
    ([key, value]) =>
      ownParts.has(key) || contains((found as Readonly<Record<string, unknown>>)[key], value),
  )
}

type Correction = readonly [status: number, reply: unknown]

/** Replies of Confluent's registry where the recorded one differs, by number of the exchange. */
const corrections: Readonly<Record<number, Correction>> = {
  1: [200, {}], // GET /
  6: [200, ['.']], // GET /contexts
  7: [200, {}], // GET /v1/metadata/id
  8: [200, { version: '0.1.0' }], // GET /v1/metadata/version
  14: [404, { error_code: 40408 }], // GET /config/none
  15: [200, { compatibilityLevel: 'NONE' }], // GET /config/none?defaultToGlobal=true
  16: [404, { error_code: 40409 }], // GET /mode/none
  31: [200, { version: 3 }], // no schema POST /subjects/s1/versions
  32: [400, { error_code: 400 }], // body is not JSON POST /subjects/s1/versions
  35: [200, { version: 4 }], // application/json POST /subjects/s1/versions
  43: [422, { error_code: 42202 }], // GET /subjects/s1/versions/0
  45: [422, { error_code: 42202 }], // GET /subjects/s1/versions/abc
  56: [
    200,
    [
      { subject: 's1', version: 4 },
      { subject: 's2', version: 1 },
    ],
  ], // GET /schemas?subjectPrefix=s&latestOnly=true
  57: [200, ['s2']], // GET /subjects?subjectPrefix=s2
  62: [200, { is_compatible: true }], // compat check POST /compatibility/subjects/s1/versions/latest
  63: [200, { is_compatible: true }], // verbose POST /compatibility/subjects/s1/versions/latest?verbose=true
  64: [200, { is_compatible: true }], // compat check POST /compatibility/subjects/s1/versions/1
  65: [200, { is_compatible: true }], // verbose POST /compatibility/subjects/s1/versions/1?verbose=true
  68: [200, { is_compatible: true }], // compat check POST /compatibility/subjects/s1/versions
  69: [200, { is_compatible: true }], // verbose POST /compatibility/subjects/s1/versions?verbose=true
  79: [200, { compatibility: 'NONE' }], // PUT /config/s1
  83: [200, { compatibilityLevel: 'NONE' }], // GET /config/s1
  85: [200, { compatibilityLevel: 'NONE' }], // DELETE /config/s1
  86: [404, { error_code: 40408 }], // GET /config/s1
  87: [404, { error_code: 40401 }], // twice DELETE /config/s1
  95: [422, { error_code: 42205 }], // register while READONLY POST /subjects/s1/versions
  96: [422, { error_code: 42205 }], // delete while READONLY DELETE /subjects/s1/versions/1
  97: [422, { error_code: 42204 }], // PUT /mode/s1
  99: [404, { error_code: 40409 }], // GET /mode/s1
  100: [422, { error_code: 42205 }], // IMPORT with schemas present PUT /mode/s1
  102: [200, { version: 9 }], // import id 777 version 9 POST /subjects/s1/versions
  103: [200, {}], // GET /schemas/ids/777
  104: [200, [1, 2, 3, 4, 9]], // GET /subjects/s1/versions
  107: [422, { error_code: 42205 }], // id without IMPORT POST /subjects/s1/versions
  110: [422, { error_code: 42205 }], // same id, other schema POST /subjects/imp/versions
  111: [200, [3]], // GET /subjects/imp/versions
  115: [404, { error_code: 40407 }], // hard before soft DELETE /subjects/d/versions/1?permanent=true
  117: [404, { error_code: 40406 }], // soft twice DELETE /subjects/d/versions/1
  129: [404, { error_code: 40405 }], // subject hard before soft DELETE /subjects/d?permanent=true
  134: [200, ['d']], // GET /subjects?deletedOnly=true
  137: [200, [3]], // DELETE /subjects/d
  144: [200, [780]], // GET /subjects/ref/versions/1/referencedby
  175: [200, { is_compatible: true }], // field removed POST /compatibility/subjects/p2
  179: [200, { is_compatible: true }], // int32 to int64 POST /compatibility/subjects/p4
  181: [200, { is_compatible: true }], // name changed POST /compatibility/subjects/p5
  185: [200, { is_compatible: true }], // optional to repeated POST /compatibility/subjects/p7
  187: [200, { is_compatible: true }], // string to bytes POST /compatibility/subjects/p8
  189: [200, { is_compatible: false }], // two fields moved to oneof POST /compatibility/subjects/p9
  191: [200, { is_compatible: true }], // enum const removed POST /compatibility/subjects/p10
  195: [200, {}], // GET /schemas/ids/1?format=serialized
  198: [200, ['.', '.ctx']], // GET /contexts
  200: [200, [':.ctx:sub']], // GET /subjects?subjectPrefix=:.ctx:
  202: [200, [':.ctx:sub']], // GET /contexts/.ctx/subjects
  209: [
    200,
    { subject: 'm', version: 1, metadata: { tags: { x: ['PII'] }, properties: { owner: 'me' } } },
  ], // GET /subjects/m/metadata?key=owner&value=me
  215: [200, [':.ctx:sub', 'a/b']], // GET /subjects?offset=1&limit=2
}
const types: Readonly<Record<string, string>> = {
  'wrong content type': 'text/plain',
  'application/json': 'application/json',
}

describe('recorded exchanges with another registry', () => {
  it('are answered in the same way, or as Confluent does', async () => {
    await using broker = await Broker.start()
    await using registry = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: { listeners: 'http://127.0.0.1:0', 'schema.compatibility.level': 'none' },
    })
    const differences: string[] = []
    for (const exchange of exchangesOf('apicurio-3.3.3.jsonl')) {
      const { n = 0, note = '', method, path, request } = exchange
      const type = types[note] ?? 'application/vnd.schemaregistry.v1+json'
      const headers: Record<string, string> = request === null ? {} : { 'content-type': type }
      const reply = await send(registry.address, { ...exchange, headers })
      const [status, expected] = corrections[n] ?? [exchange.status, exchange.response]
      const isRaw = path.endsWith('/schema') || expected === null
      const isSame = reply.status === status && (isRaw || contains(reply.json, expected))
      if (!isSame) {
        differences.push(
          `${n}: [${reply.status}, ${JSON.stringify(reply.json)}], // ${note} ${method} ${path}`,
        )
      }
    }
    assert.deepEqual(differences, [])
  })
})

describe('the calls of the official Python and JavaScript clients', () => {
  it('are answered as these clients need', async () => {
    await using broker = await Broker.start()
    await using registry = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: { listeners: 'http://127.0.0.1:0' },
    })
    /** Ids of the recording, and those that were assigned now. */
    const ids = new Map<string, number>()
    for (const exchange of exchangesOf('client-calls.jsonl')) {
      if (exchange.mark !== undefined) continue
      const path = exchange.path.replace(/(?<=\/ids\/)\d+/, (id) => String(ids.get(id) ?? id))
      const reply = await send(registry.address, { ...exchange, path })
      const where = `${exchange.method} ${path}: ${JSON.stringify(reply)}`
      const recorded =
        typeof exchange.response === 'string' && exchange.response !== ''
          ? JSON.parse(exchange.response)
          : undefined
      if (path.startsWith('/associations/')) {
        // Clients without associations use the names of topics; both replies mean that.
        assert.deepEqual(reply, { status: 200, json: [] }, where)
        continue
      }
      if (path.startsWith('/subjects/jt-value/metadata')) {
        assert.equal(reply.status, 404, where)
        continue
      }
      assert.equal(reply.status, exchange.status, where)
      if (exchange.method === 'POST' && path.includes('/versions') && recorded?.id !== undefined) {
        const { id, version, guid } = reply.json as Readonly<Record<string, unknown>>
        ids.set(String(recorded.id), Number(id))
        assert.equal(version, 1, where)
        assert.match(String(guid), /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/, where)
        continue
      }
      if (path.startsWith('/subjects?') || path === '/subjects') {
        assert.ok((reply.json as string[]).includes('t-avro-value') || reply.status === 200, where)
        continue
      }
      assert.ok(contains(reply.json, recorded), `${where}, recorded ${exchange.response}`)
    }
  })
})
