// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type ClientCredentialsOptions, clientCredentials } from './oauth-client.ts'

const material = join(import.meta.dirname, '../../../../test/testdata/tls')
const pem = (name: string): string => readFileSync(join(material, name), 'utf8')

interface Endpoint extends AsyncDisposable {
  readonly url: string
  readonly requests: { readonly authorization: string | undefined; readonly body: string }[]
}

async function endpoint(answer: RequestListener, isTls = false): Promise<Endpoint> {
  const requests: Endpoint['requests'] = []
  const listener: RequestListener = async (request, response) => {
    requests.push({ authorization: request.headers.authorization, body: await read(request) })
    answer(request, response)
  }
  const server = isTls
    ? createTlsServer({ key: pem('server.key'), cert: pem('server.pem') }, listener)
    : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${isTls ? 'https' : 'http'}://localhost:${port}/token`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const json =
  (body: unknown, status = 200): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

const client = { clientId: 'app:1', clientSecret: 'hunter2 &' }

describe('client credentials', () => {
  it('are exchanged for a token, which is used until 80 % of its lifetime', async () => {
    await using server = await endpoint(json({ access_token: 'a.b.c', expires_in: 3600 }))
    const token = clientCredentials({ ...client, tokenUrl: server.url, scope: 'kafka read' })
    const both = await Promise.all([token(), token()])
    assert.deepEqual(
      [...both, await token()].map(({ value }) => value),
      ['a.b.c', 'a.b.c', 'a.b.c'],
    )
    const basic = Buffer.from('app%3A1:hunter2+%26').toString('base64')
    assert.deepEqual(server.requests, [
      { authorization: `Basic ${basic}`, body: 'grant_type=client_credentials&scope=kafka+read' },
    ])
  })

  it('are exchanged for each login if the token has no lifetime', async () => {
    await using server = await endpoint(json({ access_token: 'a.b.c' }))
    const token = clientCredentials({ ...client, tokenUrl: server.url })
    await token()
    await token()
    assert.equal(server.requests.length, 2)
  })

  it('are sent over TLS to an endpoint that is trusted only', async () => {
    await using server = await endpoint(json({ access_token: 'a.b.c' }), true)
    const tls = { ca: pem('ca.pem') }
    const token = clientCredentials({ ...client, tokenUrl: server.url, tls })
    assert.equal((await token()).value, 'a.b.c')
    await assert.rejects(clientCredentials({ ...client, tokenUrl: server.url }), {
      code: 'MILLRACE_OAUTH_TOKEN',
      retriable: false,
      message: /^no token from https:.*\/token: .*\([A-Z_]+\)$/,
    })
    assert.equal(server.requests.length, 1)
  })

  const secret = { error: 'hunter2', access_token: 7 }
  const failures: readonly [title: string, answer: RequestListener, expected: RegExp][] = [
    ['a refusal', json(secret, 401), /status 401$/],
    ['no JSON', json('hunter2'), /the answer is not JSON$/],
    ['no token', json(secret), /the answer has no access_token$/],
    ['a token with line breaks', json({ access_token: 'a\r\nb' }), /has no access_token$/],
    ['null', json('null'), /has no access_token$/],
    ['a huge answer', json('x'.repeat(1024 * 1024 + 1)), /more than 1048576 bytes$/],
    ['no answer', () => {}, /aborted/],
    [
      'a redirection',
      (_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      /status 302$/,
    ],
  ]
  for (const [title, answer, expected] of failures) {
    it(`fail for ${title}, with an error that quotes nothing`, async () => {
      await using server = await endpoint(answer)
      const timeoutMs = title === 'no answer' ? 50 : 10_000
      const token = clientCredentials({
        ...client,
        tokenUrl: `${server.url}?key=hunter2`,
        timeoutMs,
      })
      await assert.rejects(token(), (error: Error) => {
        assert.match(error.message, /^no token from http:\/\/localhost:\d+\/token: /)
        assert.match(error.message, expected)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      })
      // The next login tries again.
      await assert.rejects(token())
      assert.equal(server.requests.length, 2)
    })
  }

  const statuses: readonly [status: number, retriable: boolean][] = [
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [408, true],
    [418, false],
    [429, true],
    [499, false],
    [500, true],
    [501, false],
    [502, true],
    [503, true],
    [505, false],
  ]
  for (const [status, retriable] of statuses) {
    it(`are ${retriable ? 'retried' : 'not retried'} after status ${status}`, async () => {
      await using server = await endpoint(json({}, status))
      await assert.rejects(clientCredentials({ ...client, tokenUrl: server.url })(), {
        code: 'MILLRACE_OAUTH_TOKEN',
        message: `no token from ${server.url}: status ${status}`,
        retriable,
      })
    })
  }

  it('are used until the token expires if its renewal fails', async (context) => {
    let now = 0
    context.mock.method(performance, 'now', () => now)
    let status = 200
    let count = 0
    await using server = await endpoint((request, response) =>
      json({ access_token: `token${++count}`, expires_in: 100 }, status)(request, response),
    )
    const token = clientCredentials({ ...client, tokenUrl: server.url })
    const steps: readonly [seconds: number, status: number, token: string, requests: number][] = [
      [0, 200, 'token1', 1],
      [79, 503, 'token1', 1],
      [80, 503, 'token1', 2],
      // The issuer is not asked for each login.
      [81, 503, 'token1', 2],
      [91, 401, 'token1', 3],
      [99, 401, 'token1', 3],
      [100, 401, 'status 401', 4],
      [101, 200, 'token5', 5],
      [185, 200, 'token6', 6],
    ]
    for (const [seconds, answer, expected, requests] of steps) {
      now = seconds * 1000
      status = answer
      const got = await token().then(
        ({ value }) => value,
        (error: Error) => error.message.slice(-10),
      )
      assert.deepEqual([seconds, got, server.requests.length], [seconds, expected, requests])
    }
  })

  it('are sent as they are without headerUrlencode', async () => {
    await using server = await endpoint(json({ access_token: 'a.b.c' }))
    await clientCredentials({ ...client, tokenUrl: server.url, headerUrlencode: false })()
    const basic = Buffer.from('app:1:hunter2 &').toString('base64')
    assert.equal(server.requests[0]?.authorization, `Basic ${basic}`)
  })

  it('have a time-out of connecting', async () => {
    const token = clientCredentials({
      ...client,
      tokenUrl: 'https://issuer.invalid/token',
      connectTimeoutMs: 20,
      // A name that is never resolved.
      tls: { lookup: () => {} },
    })
    await assert.rejects(token(), { message: /: not connected within 20 ms$/, retriable: true })
  })

  const invalid: readonly [options: Partial<ClientCredentialsOptions>, expected: RegExp][] = [
    [{ timeoutMs: 1e10 }, /^invalid timeoutMs 10000000000: expected an integer from 1 to/],
    [{ timeoutMs: 0 }, /^invalid timeoutMs 0: /],
    [{ connectTimeoutMs: 1.5 }, /^invalid connectTimeoutMs 1.5: /],
    [{ connectTimeoutMs: 2 ** 31 }, /^invalid connectTimeoutMs 2147483648: /],
    [{ tls: { cert: 'hunter2' } }, /^invalid tls\.cert: /],
    [{ tls: { key: 'hunter2', cert: pem('client.pem') } }, /^invalid tls\.key: /],
    [{ tls: { pfx: Buffer.from('hunter2') } }, /^invalid tls\.pfx: /],
    [{ tls: { ciphers: 'hunter' } }, /^invalid tls\.ciphers: /],
    [{ tls: { key: pem('server.key'), cert: pem('client.pem') } }, /^invalid tls: .*mismatch/],
  ]
  for (const [options, expected] of invalid) {
    it(`refuse ${expected.source}`, () => {
      const create = () =>
        clientCredentials({ ...client, tokenUrl: 'https://issuer.invalid/token', ...options })
      assert.throws(create, { code: 'MILLRACE_INVALID_OPTION', message: expected })
      assert.throws(create, (error: Error) => !error.message.includes('hunter2'))
    })
  }
})
