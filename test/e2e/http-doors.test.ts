// SPDX-License-Identifier: Apache-2.0
// Requests that each HTTP server answers: those of clients with credentials, not of web pages.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { type RequestOptions, request as requestHttps } from 'node:https'
import { connect } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { readCredentials } from '@millrace/base'
import { Broker } from '@millrace/broker'
import {
  type Agent,
  OperationServer,
  type OperationServerOptions,
  startAgent,
} from '@millrace/flume'
import { JmsProvider } from '@millrace/jms-provider'
import { WebSocket } from 'ws'

const material = join(import.meta.dirname, '../testdata/tls')
const text = (name: string): string => readFileSync(join(material, name), 'utf8')
const directory = mkdtempSync(join(tmpdir(), 'millrace-doors-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const path = (name: string): string => join(directory, name)
writeFileSync(path('users'), 'alice=secret\n')
writeFileSync(path('tokens'), '# of the scraper\ntoken-1\n')
writeFileSync(path('server.pem'), text('server.key') + text('server.pem'))

const basic = (user: string): string => `Basic ${Buffer.from(user).toString('base64')}`

/** `both`: certificates and users. `all`: none, on all addresses. */
type Protection = 'open' | 'users' | 'tokens' | 'certificates' | 'both' | 'all'

interface Case {
  readonly title: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the client has a certificate. */
  readonly hasCertificate?: boolean
  /** Status by the protection of the server; `closed` if the TLS handshake fails. */
  readonly expected: Partial<Readonly<Record<Protection, number | 'closed'>>>
}

const cases: readonly Case[] = [
  {
    title: 'a program without credentials',
    expected: { open: 200, users: 401, tokens: 401, certificates: 'closed', both: 'closed' },
  },
  {
    title: 'a certificate',
    hasCertificate: true,
    expected: { certificates: 200, both: 401 },
  },
  {
    title: 'a certificate, user and password',
    hasCertificate: true,
    headers: { authorization: basic('alice:secret') },
    expected: { both: 200 },
  },
  {
    title: 'user and password',
    headers: { authorization: basic('alice:secret') },
    expected: { open: 200, users: 200, tokens: 401, both: 'closed' },
  },
  {
    title: 'a wrong password',
    headers: { authorization: basic('alice:wrong') },
    expected: { users: 401 },
  },
  { title: 'an unknown user', headers: { authorization: basic('eve:') }, expected: { users: 401 } },
  { title: 'no colon', headers: { authorization: basic('alice') }, expected: { users: 401 } },
  {
    title: 'a token',
    headers: { authorization: 'Bearer token-1' },
    expected: { users: 401, tokens: 200 },
  },
  { title: 'a wrong token', headers: { authorization: 'Bearer token' }, expected: { tokens: 401 } },
  {
    title: 'a comment of the file as token',
    headers: { authorization: 'Bearer #' },
    expected: { tokens: 401 },
  },
  {
    title: 'another scheme',
    headers: { authorization: 'Digest token-1' },
    expected: { users: 401, tokens: 401 },
  },
  {
    title: 'a page of another site',
    headers: { origin: 'https://evil.example', authorization: basic('alice:secret') },
    expected: { open: 403, users: 403 },
  },
  { title: 'a page of a file', headers: { origin: 'null' }, expected: { open: 403 } },
  {
    title: 'a link of another site',
    headers: { 'sec-fetch-site': 'cross-site' },
    expected: { open: 403 },
  },
  {
    title: 'a page of another port',
    headers: { 'sec-fetch-site': 'same-site' },
    expected: { open: 403 },
  },
  {
    title: 'an image in a page of another site',
    headers: { referer: 'http://evil.example/page' },
    expected: { open: 403, all: 403 },
  },
  {
    title: 'a page after DNS rebinding',
    headers: { host: 'evil.example', origin: 'http://evil.example' },
    expected: { open: 421, all: 421 },
  },
  {
    title: 'a link of a page after DNS rebinding',
    headers: { host: 'evil.example' },
    expected: { open: 421, all: 421 },
  },
  {
    title: 'localhost',
    headers: { host: 'localhost:1' },
    expected: { open: 200, all: 200 },
  },
  {
    title: 'a page of the server',
    headers: { host: 'localhost:1', origin: 'http://localhost:1', referer: 'http://localhost:1/' },
    expected: { open: 200, all: 200 },
  },
  { title: 'an address', headers: { host: '192.0.2.1:1' }, expected: { open: 421, all: 200 } },
  { title: 'its own name', headers: { host: hostname() }, expected: { open: 421, all: 200 } },
]

interface Door {
  readonly url: string
  close(): Promise<unknown>
}

/** Time for one reply. A request without one is named by its test, before the time of that ends. */
const REPLY_MS = 20_000

/** Status of a request, or `closed`; `no reply` after `REPLY_MS`. */
function ask(url: string, options: RequestOptions & { readonly body?: string }) {
  const request = url.startsWith('https') ? requestHttps : requestHttp
  return new Promise<number | 'closed' | 'no reply'>((resolve) => {
    const outgoing = request(url, options, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    const timer = setTimeout(() => {
      resolve('no reply')
      outgoing.destroy()
    }, REPLY_MS)
    outgoing.on('close', () => clearTimeout(timer))
    outgoing.on('error', () => resolve('closed'))
    outgoing.end(options.body)
  })
}

type Sources = NonNullable<Parameters<typeof startAgent>[0]['sources']>
const agentOf = (sources: Sources): Promise<Agent> =>
  startAgent({
    name: 'a',
    sources,
    channels: { c: { type: 'memory' } },
    sinks: { k: { type: 'null', channel: 'c' } },
  })

/** URL of a server, through loopback. */
function urlOf(protection: Protection, address: string): string {
  const isSecure = protection === 'certificates' || protection === 'both'
  return `${isSecure ? 'https' : 'http'}://${address.replace('0.0.0.0', '127.0.0.1')}`
}

const servers: Readonly<Record<string, (protection: Protection) => Promise<Door>>> = {
  async metrics(protection) {
    const agent = await agentOf({ r: { type: 'seq', totalEvents: 1, channels: ['c'] } })
    const tls = {
      key: text('server.key'),
      cert: text('server.pem'),
      ca: text('ca.pem'),
      requestCert: true,
      rejectUnauthorized: true,
    }
    const users = { credentials: { users: new Map([['alice', 'secret']]) } }
    const options: Readonly<Record<Protection, OperationServerOptions>> = {
      open: {},
      users,
      tokens: { credentials: { tokens: ['token-1'] } },
      certificates: { tls },
      both: { ...users, tls },
      all: { host: '0.0.0.0', isInsecure: true },
    }
    const server = new OperationServer(agent, { port: 0, ...options[protection] })
    await server.start()
    return {
      url: `${urlOf(protection, server.address)}/metrics`,
      close: () => Promise.all([server.stop(), agent.stop()]),
    }
  },
  async 'the HTTP source'(protection) {
    const options: Readonly<Record<Protection, Readonly<Record<string, string | boolean>>>> = {
      open: {},
      users: { usersFile: path('users') },
      tokens: { tokensFile: path('tokens') },
      certificates: {
        ssl: true,
        keystore: path('server.pem'),
        clientAuth: 'required',
        truststore: join(material, 'ca.pem'),
      },
      both: {
        usersFile: path('users'),
        ssl: true,
        keystore: path('server.pem'),
        clientAuth: 'required',
        truststore: join(material, 'ca.pem'),
      },
      all: { bind: '0.0.0.0' },
    }
    const agent = await agentOf({
      h: { type: 'http', bind: '127.0.0.1', port: 0, channels: ['c'], ...options[protection] },
    })
    const [address] = agent.addressesOf('h')
    return {
      url: `${urlOf(protection, address ?? '')}/`,
      close: () => agent.stop(),
    }
  },
}

for (const [name, start] of Object.entries(servers)) {
  for (const protection of ['open', 'users', 'tokens', 'certificates', 'both', 'all'] as const) {
    const tested = cases.filter(({ expected }) => expected[protection] !== undefined)
    describe(`${name}, ${protection}`, () => {
      for (const { title, headers = {}, hasCertificate = false, expected } of tested) {
        it(`answers ${title} with ${expected[protection]}`, async () => {
          const door = await start(protection)
          const isPost = name !== 'metrics'
          const identity = hasCertificate
            ? { cert: text('client.pem'), key: text('client.key') }
            : {}
          const status = await ask(door.url, {
            method: isPost ? 'POST' : 'GET',
            headers,
            agent: false,
            ca: text('ca.pem'),
            ...identity,
            ...(isPost ? { body: '[{"headers":{},"body":"x"}]' } : {}),
          })
          await door.close()
          assert.equal(status, expected[protection])
        })
      }
    })
  }
}

describe('metrics on an address that others reach', () => {
  it('are refused without authentication, unless that is accepted', async () => {
    const agent = await agentOf({ r: { type: 'seq', totalEvents: 1, channels: ['c'] } })
    const open = new OperationServer(agent, { host: '0.0.0.0', port: 0 })
    await assert.rejects(open.start(), { code: 'MILLRACE_EXPOSED', message: /--insecure/ })
    const allowed: readonly OperationServerOptions[] = [
      { isInsecure: true },
      { credentials: { tokens: ['token-1'] } },
    ]
    for (const options of allowed) {
      const server = new OperationServer(agent, { host: '0.0.0.0', port: 0, ...options })
      await server.start()
      await server.stop()
    }
    await agent.stop()
  })
})

/** Status of the reply to a raw request; `closed` without one, `no reply` after `REPLY_MS`. */
function askRaw(url: string, request: string): Promise<number | 'closed' | 'no reply'> {
  const { hostname: host, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), host, () => socket.write(request, 'latin1'))
    let reply = ''
    socket.on('data', (chunk) => {
      reply += chunk.toString('latin1')
      const status = /^HTTP\/1\.1 (\d+) /.exec(reply)?.[1]
      if (status === undefined) return
      socket.destroy()
      resolve(Number(status))
    })
    const timer = setTimeout(() => {
      resolve('no reply')
      socket.destroy()
    }, REPLY_MS)
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve('closed')
    })
  })
}

/** Requests of a client that means harm, with the status of metrics and of the HTTP source. */
const hostileTargets: readonly [target: string, metrics: number, source: number][] = [
  ['//', 404, 400],
  ['///', 404, 400],
  ['//[', 404, 400],
  ['/%', 400, 200],
  ['/tap/%', 400, 200],
  ['/tap/%FF', 400, 200],
  ['/tap/__proto__', 404, 200],
  ['/?%', 200, 200],
  ['*', 400, 200],
  ['http://localhost/metrics', 200, 200],
  ['http://localhost', 200, 200],
  ['http://', 400, 400],
  ['http://[', 200, 400],
  ['ftp://localhost/metrics', 400, 200],
  ['/\0', 400, 400],
  [`/${'a'.repeat(10_000)}`, 404, 200],
  [`/${'a'.repeat(100_000)}`, 431, 431],
]
const hostileRequests: readonly [title: string, request: string, status: number | 'closed'][] = [
  ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 421],
  ['a host with spaces', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 421],
  ['a host with brackets', 'GET / HTTP/1.1\r\nHost: [\r\n\r\n', 421],
  ['a NUL in the host', 'GET / HTTP/1.1\r\nHost: \0\r\n\r\n', 400],
  ['HTTP 1.0 without a host', 'GET / HTTP/1.0\r\n\r\n', 421],
  ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n', 'closed'],
  [
    'a chunk that is none',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx',
    421,
  ],
  ['no HTTP', '\x16\x03\x01\0\0', 400],
]

const upgrade =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: '

describe('a request of a client that means harm', () => {
  for (const [name, start] of Object.entries(servers)) {
    it(`ends no other connection of ${name}`, async () => {
      const door = await start('open')
      const isMetrics = name === 'metrics'
      const method = isMetrics ? 'GET' : 'POST'
      const other = { method, agent: false, ...(isMetrics ? {} : { body: '[]' }) }
      for (const [target, ofMetrics, ofSource] of hostileTargets) {
        const title = `${name}: ${target.slice(0, 30)}`
        const head = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n`
        const body = isMetrics ? '\r\n' : 'Content-Length: 2\r\n\r\n[]'
        const status = await askRaw(door.url, head + body)
        assert.equal(await ask(door.url, other), 200, `another client after ${title}`)
        assert.equal(status, isMetrics ? ofMetrics : ofSource, title)
      }
      for (const [title, request, expected] of hostileRequests) {
        const status = await askRaw(door.url, request)
        assert.equal(await ask(door.url, other), 200, `another client after ${title}`)
        assert.equal(status, expected, `${name}: ${title}`)
      }
      await door.close()
    })
  }

  it('ends no other connection of AMQP over WebSocket', async () => {
    await using broker = await Broker.start()
    await using provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { 'amqp.listener': 'ws://127.0.0.1:0' },
      startsOnFirstUse: true,
    })
    const url = provider.addresses[0] ?? ''
    const keys = [`${'A'.repeat(22)}==`, '', 'x']
    const requests = hostileTargets.flatMap(([target]) => [
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      ...keys.map((key) => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${upgrade}${key}\r\n\r\n`),
    ])
    for (const request of [...requests, ...hostileRequests.map(([, each]) => each)]) {
      const status = await askRaw(url, request)
      const isAnswered = typeof status === 'number' && (status === 101 || status >= 400)
      assert.ok(isAnswered || status === 'closed', `${status} to ${request}`)
      assert.equal(await isAccepted(url, {}), true, `another client after ${request}`)
    }
  })
})

/** Whether a WebSocket is accepted. */
function isAccepted(url: string, headers: Readonly<Record<string, string>>): Promise<boolean> {
  const socket = new WebSocket(url, 'amqp', { headers, handshakeTimeout: REPLY_MS })
  return new Promise((resolve) => {
    socket.on('open', () => {
      socket.terminate()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

describe('a users file', () => {
  const table: readonly [file: string, expected: RegExp | undefined][] = [
    ['alice=secret\n', undefined],
    ['# users\nalice=secret\nbob\n', /line 3: expected user=password/],
    ['alice=\n', /line 1: expected user=password/],
    ['\nalice =  \n', /line 2: expected user=password/],
    ['=secret\n', /line 1: expected user=password/],
  ]
  for (const [file, expected] of table) {
    it(`${JSON.stringify(file)} is ${expected === undefined ? 'read' : 'refused'}`, async () => {
      writeFileSync(path('some'), file)
      const starts = [
        async () => readCredentials({ users: path('some') }),
        async () => {
          await using broker = await Broker.start()
          await using _provider = await JmsProvider.start({
            client: { bootstrapServers: broker.address, network: broker.network },
            config: { 'amqp.listener': '127.0.0.1:0', 'amqp.users.file': path('some') },
            startsOnFirstUse: true,
          })
        },
      ]
      for (const start of starts) {
        if (expected === undefined) await start()
        else await assert.rejects(start, expected)
      }
    })
  }
})

describe('AMQP over WebSocket', () => {
  type Headers = Readonly<Record<string, string>>
  const evil = { host: 'evil.example', origin: 'http://evil.example' }
  const table: readonly [host: string, allowed: string, headers: Headers, boolean][] = [
    ['127.0.0.1', '', {}, true],
    ['127.0.0.1', '', { origin: 'https://evil.example' }, false],
    ['127.0.0.1', '', { origin: 'null' }, false],
    ['127.0.0.1', '', evil, false],
    ['127.0.0.1', '', { host: 'localhost:7', origin: 'http://localhost:7' }, true],
    ['127.0.0.1', 'https://app.example, https://b', { origin: 'https://app.example' }, true],
    ['127.0.0.1', 'https://app.example', { origin: 'http://app.example' }, false],
    ['127.0.0.1', '*', { origin: 'https://any.example' }, true],
    ['0.0.0.0', '', evil, false],
    ['0.0.0.0', '', { host: 'broker.example' }, true],
    ['0.0.0.0', '', { host: 'localhost:7', origin: 'http://localhost:7' }, true],
    ['0.0.0.0', evil.origin, evil, true],
    ['0.0.0.0', '*', evil, true],
  ]
  for (const [host, allowed, headers, expected] of table) {
    it(`on ${host}: ${JSON.stringify(headers)} with ${allowed || 'no'} origins: ${expected}`, async () => {
      await using broker = await Broker.start()
      await using provider = await JmsProvider.start({
        client: { bootstrapServers: broker.address, network: broker.network },
        config: {
          'amqp.listener': `ws://${host}:0`,
          'amqp.websocket.allowed.origins': allowed,
          'amqp.anonymous': 'always',
        },
        startsOnFirstUse: true,
      })
      const { port } = new URL(provider.addresses[0] ?? '')
      assert.equal(await isAccepted(`ws://127.0.0.1:${port}`, headers), expected)
    })
  }
})
