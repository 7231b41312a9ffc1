// SPDX-License-Identifier: Apache-2.0
// The HTTP side of the registry: types, methods, escapes, limits, hostile clients, credentials.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as https } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { createLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { SchemaRegistry } from '@millrace/schema-registry'
import { sampleFormat } from '../../packages/schema-registry/src/testing/sample-format.ts'
import { eventually } from './until.ts'

interface Case {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status: number
  /** `error_code`, or a part of the reply. */
  readonly code?: number
  readonly json?: unknown
  readonly header?: readonly [name: string, value: string | null]
}

const V1 = 'application/vnd.schemaregistry.v1+json'

describe('the HTTP API of the schema registry', () => {
  let broker: Broker
  let registry: SchemaRegistry
  const lines: string[] = []
  const directory = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  const start = (config: Readonly<Record<string, string>> = {}): Promise<SchemaRegistry> =>
    SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: { listeners: 'http://127.0.0.1:0', ...config },
      formats: [sampleFormat()],
      logger: createLogger({ now: () => 0, write: (line) => lines.push(line) }),
    })

  before(async () => {
    broker = await Broker.start()
    registry = await start({ 'size.limit.filter.max.request.body.size': '1000' })
  })
  after(async () => {
    await registry.close()
    await broker.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function send(address: string, each: Case): Promise<void> {
    const { method = 'GET', path, headers = {}, body } = each
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(address + path, {
      method,
      headers: { ...(text === undefined ? {} : { 'content-type': V1 }), ...headers },
      ...(text === undefined ? {} : { body: text }),
    })
    const reply = await response.text()
    const where = `${method} ${path} ${JSON.stringify(headers)}: ${reply}`
    assert.equal(response.status, each.status, where)
    if (each.code !== undefined) {
      const { error_code, message, ...rest } = JSON.parse(reply)
      assert.equal(error_code, each.code, where)
      assert.equal(typeof message, 'string', where)
      assert.deepEqual(rest, {}, 'older Java clients accept these two fields only')
    }
    if (each.json !== undefined) assert.deepEqual(JSON.parse(reply), each.json, where)
    if (each.header !== undefined) {
      assert.equal(response.headers.get(each.header[0]), each.header[1], where)
    }
  }

  const s = { schema: '{"x":1}' }
  const tables: Readonly<Record<string, readonly Case[]>> = {
    'the type of a reply is one that the client accepts': [
      { path: '/subjects', status: 200, header: ['content-type', V1] },
      {
        path: '/subjects',
        headers: { accept: 'application/json' },
        status: 200,
        header: ['content-type', 'application/json'],
      },
      {
        path: '/subjects',
        headers: { accept: `application/json, application/vnd.schemaregistry+json, ${V1}` },
        status: 200,
        header: ['content-type', V1],
      },
      {
        path: '/subjects',
        headers: { accept: `${V1};q=0.1, application/json;q=0.9, */*;q=0` },
        status: 200,
        header: ['content-type', 'application/json'],
      },
      { path: '/subjects', headers: { accept: 'text/html, */*;q=0.1' }, status: 200 },
      { path: '/subjects', headers: { accept: 'text/html' }, status: 406, code: 406 },
    ],
    'a body has a type that is read, and is a JSON object': [
      { method: 'POST', path: '/subjects/a/versions', body: s, status: 200 },
      ...['application/json', 'application/octet-stream', `${V1}; charset=utf-8`].map(
        (type): Case => ({
          method: 'POST',
          path: '/subjects/a/versions',
          headers: { 'content-type': type },
          body: s,
          status: 200,
        }),
      ),
      {
        method: 'POST',
        path: '/subjects/a/versions',
        headers: { 'content-type': 'text/plain' },
        body: s,
        status: 415,
        code: 415,
      },
      { method: 'POST', path: '/subjects/a/versions', body: '{bad', status: 400, code: 400 },
      { method: 'POST', path: '/subjects/a/versions', body: '[1]', status: 400, code: 400 },
      { method: 'POST', path: '/subjects/a/versions', body: '"x"', status: 400, code: 400 },
      { method: 'POST', path: '/subjects/a/versions', body: 'null', status: 422, code: 422 },
      { method: 'POST', path: '/subjects/a/versions', status: 422, code: 422 },
      { method: 'POST', path: '/subjects/b/versions', body: {}, status: 422, code: 42201 },
      {
        method: 'POST',
        path: '/subjects/a/versions',
        body: { schema: [] },
        status: 400,
        code: 400,
      },
      { method: 'PUT', path: '/config', body: { compatibility: 1 }, status: 422, code: 42203 },
      { method: 'PUT', path: '/config', body: { normalize: 'x' }, status: 400, code: 400 },
      { method: 'PUT', path: '/mode', body: { mode: 'X' }, status: 422, code: 42204 },
      {
        method: 'POST',
        path: '/subjects/a/versions',
        body: { schema: 'x'.repeat(2000) },
        status: 413,
        code: 413,
      },
    ],
    'paths and methods that there are not': [
      { path: '/nosuchpath', status: 404, code: 404 },
      { path: '/subjects/a/versions/1/nosuch', status: 404, code: 404 },
      { path: '/subjects//versions', status: 404 },
      { path: '/schemas/ids/abc', status: 404, code: 404 },
      { path: '/subjects?offset=x', status: 404, code: 404 },
      {
        method: 'PUT',
        path: '/subjects',
        body: {},
        status: 405,
        code: 405,
        header: ['allow', 'GET,HEAD,OPTIONS'],
      },
      { method: 'DELETE', path: '/', status: 405, code: 405 },
      {
        method: 'OPTIONS',
        path: '/config',
        status: 200,
        header: ['allow', 'GET,PUT,DELETE,HEAD,OPTIONS'],
      },
      { method: 'HEAD', path: '/subjects', status: 200, header: ['content-length', '5'] },
      { method: 'HEAD', path: '/subjects/none/versions', status: 404 },
      { path: '/', status: 200, json: {} },
      { path: '/subjects/', status: 200, json: ['a'] },
    ],
    'versions are numbers or latest': [
      { path: '/subjects/a/versions/LATEST/schema', status: 200, json: { x: 1 } },
      { path: '/subjects/a/versions/-1/schema', status: 200, json: { x: 1 } },
      ...['0', '-2', 'abc', '2147483648', '1.0', '9'.repeat(40)].map(
        (version): Case => ({
          path: `/subjects/a/versions/${version}`,
          status: 422,
          code: 42202,
        }),
      ),
      { path: '/subjects/a/versions/2', status: 404, code: 40402 },
      { path: '/subjects/none/versions/1', status: 404, code: 40401 },
    ],
    'subjects are percent-encoded': [
      { method: 'POST', path: '/subjects/x%2Fy%20%C3%A4%25/versions', body: s, status: 200 },
      { path: '/subjects', status: 200, json: ['a', 'x/y ä%'] },
      { path: '/subjects/x%2Fy%20%C3%A4%25/versions', status: 200, json: [1] },
      { path: '/subjects/x/y/versions', status: 404, code: 404 },
      { path: '/subjects/%ff/versions', status: 400, code: 400 },
      { path: '/subjects/%/versions', status: 400, code: 400 },
      { method: 'POST', path: '/subjects/%00/versions', body: s, status: 422, code: 42208 },
      { method: 'POST', path: '/subjects/__GLOBAL/versions', body: s, status: 422, code: 42208 },
      { method: 'DELETE', path: '/subjects/x%2Fy%20%C3%A4%25', status: 200, json: [1] },
      { path: '/subjects/__proto__/versions', status: 404, code: 40401 },
    ],
    'parameters are read in any case, and twice': [
      { path: '/subjects?deleted=TRUE', status: 200, json: ['a', 'x/y ä%'] },
      { path: '/subjects?deleted=False', status: 200, json: ['a'] },
      { path: '/subjects?deletedOnly=true', status: 200, json: ['x/y ä%'] },
      { path: '/subjects?deleted=true&offset=1&limit=1', status: 200, json: ['x/y ä%'] },
      { path: '/subjects?limit=-1', status: 200, json: ['a'] },
      {
        method: 'POST',
        path: '/subjects/m/versions?normalize=False&&force=',
        body: { ...s, metadata: { properties: { owner: 'me' } } },
        status: 200,
      },
      { path: '/subjects/m/metadata?deleted=false&&key=owner&value=me', status: 200 },
      { path: '/subjects/m/metadata?deleted=false&&key=owner&value=you', status: 404, code: 40403 },
      { path: '/subjects/none/metadata?key=owner&value=me', status: 404, code: 40401 },
    ],
    'a context in front of a path': [
      { method: 'POST', path: '/contexts/.c/subjects/a/versions', body: s, status: 200 },
      { path: '/contexts/.c/subjects', status: 200, json: [':.c:a'] },
      { path: '/contexts/c/subjects/a/versions', status: 200, json: [1] },
      { path: '/contexts/%3A.c%3A/subjects/a/versions', status: 200, json: [1] },
      { path: '/contexts/.c/subjects/:.d:a/versions', status: 404, code: 40401 },
      { path: '/subjects/:.c:a/versions', status: 200, json: [1] },
      { path: '/contexts/:.:/subjects', status: 200, json: ['a', 'm'] },
      { path: '/contexts/.c/schemas/ids/1/subjects', status: 200, json: [':.c:a'] },
      { path: '/contexts/.d/schemas/ids/1', status: 404, code: 40403 },
      {
        method: 'PUT',
        path: '/contexts/.c/config',
        body: { compatibility: 'FULL' },
        status: 200,
        json: { compatibility: 'FULL' },
      },
      { path: '/config/:.c:', status: 200, json: { compatibilityLevel: 'FULL' } },
      { path: '/config', status: 200, json: { compatibilityLevel: 'BACKWARD' } },
      { path: '/contexts/.c/config/a', status: 404, code: 40408 },
      {
        path: '/contexts/.c/config/a?defaultToGlobal=true',
        status: 200,
        json: { compatibilityLevel: 'FULL' },
      },
      {
        path: '/contexts/.c/mode/a?defaultToGlobal=true',
        status: 200,
        json: { mode: 'READWRITE' },
      },
      { path: '/contexts', status: 200, json: ['.', '.c'] },
      { method: 'DELETE', path: '/contexts/.c', status: 422, code: 42211 },
      { method: 'DELETE', path: '/contexts/.none', status: 204 },
      { path: '/contexts/a:b/subjects', status: 400, code: 400 },
    ],
    'an alias stands for a subject': [
      {
        method: 'PUT',
        path: '/config/old',
        body: { alias: 'a' },
        status: 200,
        json: { alias: 'a' },
      },
      { path: '/subjects/old/versions', status: 200, json: [1] },
      { path: '/schemas/ids/1/versions?subject=old', status: 200 },
      {
        path: '/config/old',
        status: 200,
        json: { alias: 'a', compatibilityLevel: 'BACKWARD' },
      },
    ],
    compatibility: [
      {
        method: 'POST',
        path: '/compatibility/subjects/none/versions/latest',
        body: s,
        status: 200,
        json: { is_compatible: true },
      },
      {
        method: 'POST',
        path: '/compatibility/subjects/a/versions/7',
        body: s,
        status: 404,
        code: 40402,
      },
      {
        method: 'POST',
        path: '/compatibility/subjects/a/versions/latest',
        body: { schema: 'bad' },
        status: 422,
        code: 42201,
      },
      {
        method: 'POST',
        path: '/compatibility/subjects/a/versions?verbose=true',
        body: { schema: 'bad' },
        status: 200,
        json: {
          is_compatible: false,
          messages: ['Invalid schema of type AVRO, details: not JSON: bad'],
        },
      },
      {
        method: 'POST',
        path: '/compatibility/subjects/a/versions?why=true',
        body: { schema: '{"y":"required"}' },
        status: 200,
        json: {
          is_compatible: false,
          why: [
            {
              version: 1,
              direction: 'BACKWARD',
              errorType: 'FIELD_MISSING',
              path: '/y',
              rule: 'a required field is in all data',
              remedy: 'make y optional',
            },
          ],
        },
      },
      {
        method: 'POST',
        path: '/subjects/a/versions',
        body: { schema: '{"y":"required"}' },
        status: 409,
        code: 40901,
      },
    ],
  }

  for (const [name, cases] of Object.entries(tables)) {
    it(name, async () => {
      for (const each of cases) await send(registry.address, each)
    })
  }

  it('is not harmed by clients that break off, or send nonsense', async () => {
    const { hostname, port } = new URL(registry.address)
    const nonsense = [
      'GET / HTTP/1.1\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'POST /subjects/a/versions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{',
      'POST /subjects/a/versions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      'GET * HTTP/1.1\r\nhost: localhost\r\n\r\n',
      `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: localhost\r\n${'a: b\r\n'.repeat(5000)}\r\n`,
    ]
    for (const text of nonsense) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(text, 'latin1')
          setTimeout(() => socket.destroy(), 20)
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve())
      })
    }
    await send(registry.address, { path: '/subjects/a/versions', status: 200, json: [1] })
  })

  it('does not answer web pages of other sites', async () => {
    for (const headers of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const response = await fetch(`${registry.address}/subjects`, { headers })
      assert.equal(response.status, 403)
    }
  })

  it('listens for other machines only with authentication', async () => {
    await assert.rejects(start({ listeners: 'http://0.0.0.0:0' }), { code: 'MILLRACE_EXPOSED' })
    await using insecure = await start({
      listeners: 'http://0.0.0.0:0',
      'millrace.insecure': 'true',
    })
    assert.match(insecure.address, /^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it('authenticates users and tokens', async () => {
    const users = join(directory, 'users.properties')
    const tokens = join(directory, 'tokens')
    writeFileSync(users, 'ann=secret\n')
    writeFileSync(tokens, 'abc123\n')
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
    {
      await using guarded = await start({
        'authentication.method': 'basic',
        'authentication.users.file': users,
        listeners: 'http://0.0.0.0:0',
      })
      const { address } = guarded
      await send(address, { path: '/subjects', status: 401, code: 401 })
      await send(address, {
        path: '/subjects',
        headers: { authorization: basic('ann:wrong') },
        status: 401,
        code: 401,
      })
      await send(address, {
        path: '/subjects',
        headers: { authorization: basic('ann:secret') },
        status: 200,
      })
    }
    await using guarded = await start({
      'authentication.method': 'BEARER',
      'authentication.tokens.file': tokens,
    })
    await send(guarded.address, { path: '/subjects', status: 401, code: 401 })
    await send(guarded.address, {
      path: '/subjects',
      headers: { authorization: 'Bearer abc123' },
      status: 200,
    })
  })

  it('serves https, with client certificates and certificates that are renewed', async () => {
    const material = join(import.meta.dirname, '../testdata/tls')
    const read = (name: string): string => readFileSync(join(material, name), 'utf8')
    const keystore = join(directory, 'keystore.pem')
    writeFileSync(keystore, read('server.key') + read('server.pem'))
    await assert.rejects(start({ listeners: 'https://127.0.0.1:0' }), /ssl\.keystore\.location is/)
    await using secure = await start({
      listeners: 'https://0.0.0.0:0',
      'ssl.keystore.location': keystore,
      'ssl.truststore.location': join(material, 'ca.pem'),
      'ssl.client.authentication': 'required',
    })
    const { port } = new URL(secure.address)
    /** Status of a reply, and the name in the server's certificate. */
    const ask = (options: object): Promise<{ status: number; name: string }> =>
      new Promise((resolve, reject) => {
        const request = https({
          ...{ host: '127.0.0.1', port, path: '/subjects', ca: read('ca.pem'), agent: false },
          checkServerIdentity: () => undefined,
          ...options,
        })
        request.on('response', (response) => {
          const { subject } = (response.socket as TLSSocket).getPeerCertificate()
          response.resume()
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, name: String(subject.CN) }),
          )
        })
        request.on('error', reject)
        request.end()
      })
    await assert.rejects(ask({}))
    const client = { key: read('client.key'), cert: read('client.pem') }
    const { status, name } = await ask(client)
    assert.equal(status, 200)
    const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const renewed = [join(directory, 'new.key'), join(directory, 'new.crt')] as const
    const files = ['-keyout', renewed[0], '-out', renewed[1], '-subj', '/CN=renewed']
    execFileSync('openssl', [...kind, ...files], { stdio: 'pipe' })
    writeFileSync(keystore, renewed.map((file) => readFileSync(file, 'utf8')).join(''))
    assert.notEqual(name, 'renewed')
    await eventually(async () => {
      const reply = await ask({ ...client, rejectUnauthorized: false })
      assert.deepEqual(reply, { status: 200, name: 'renewed' })
    })
  })

  it('reports settings that have no effect, and refuses invalid values', async () => {
    lines.length = 0
    await using registry = await start({
      'kafkastore.topc': 'x',
      'kafkastore.connection.url': 'localhost:2181',
      'kafkastore.sasl.mechanizm': 'PLAIN',
    })
    assert.ok(registry.address !== '')
    const warnings = lines.filter((line) => line.includes('WARN')).join('\n')
    assert.match(
      warnings,
      /unknown configuration kafkastore\.topc has no effect; did you mean kafkastore\.topic\?/,
    )
    assert.match(warnings, /kafkastore\.connection\.url has no effect: ZooKeeper is not used/)
    assert.match(warnings, /sasl\.mechanizm; did you mean sasl\.mechanism\?/)
    for (const [key, value] of [
      ['schema.compatibility.level', 'sideways'],
      ['mode.mutability', 'yes'],
      ['listeners', 'ftp://localhost:1'],
      ['kafkastore.timeout.ms', '1s'],
      ['authentication.method', 'KERBEROS'],
    ] as const) {
      await assert.rejects(start({ [key]: value }), {
        code: 'MILLRACE_INVALID_CONFIG',
        message: new RegExp(`invalid value "${value}" for ${key.replaceAll('.', '\\.')}`),
      })
    }
  })
})
