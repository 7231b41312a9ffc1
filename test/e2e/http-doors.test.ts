// SPDX-License-Identifier: Apache-2.0
// Requests that each HTTP server answers: those of clients with credentials, not of web pages.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { type RequestOptions, request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
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

type Protection = 'open' | 'users' | 'tokens' | 'certificates'

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
    expected: { open: 200, users: 401, tokens: 401, certificates: 'closed' },
  },
  { title: 'a certificate', hasCertificate: true, expected: { certificates: 200 } },
  {
    title: 'user and password',
    headers: { authorization: basic('alice:secret') },
    expected: { open: 200, users: 200, tokens: 401 },
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
    title: 'a page after DNS rebinding',
    headers: { host: 'evil.example', origin: 'http://evil.example' },
    expected: { open: 421 },
  },
  { title: 'localhost', headers: { host: 'localhost:1' }, expected: { open: 200 } },
]

interface Door {
  readonly url: string
  close(): Promise<unknown>
}

/** Status of a request, or `closed`. */
function ask(url: string, options: RequestOptions & { readonly body?: string }) {
  const request = url.startsWith('https') ? requestHttps : requestHttp
  return new Promise<number | 'closed'>((resolve) => {
    const outgoing = request(url, options, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
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

const servers: Readonly<Record<string, (protection: Protection) => Promise<Door>>> = {
  async metrics(protection) {
    const agent = await agentOf({ r: { type: 'seq', totalEvents: 1, channels: ['c'] } })
    const options: Readonly<Record<Protection, OperationServerOptions>> = {
      open: {},
      users: { credentials: { users: new Map([['alice', 'secret']]) } },
      tokens: { credentials: { tokens: ['token-1'] } },
      certificates: {
        tls: {
          key: text('server.key'),
          cert: text('server.pem'),
          ca: text('ca.pem'),
          requestCert: true,
          rejectUnauthorized: true,
        },
      },
    }
    const server = new OperationServer(agent, { port: 0, ...options[protection] })
    await server.start()
    return {
      url: `${protection === 'certificates' ? 'https' : 'http'}://${server.address}/metrics`,
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
    }
    const agent = await agentOf({
      h: { type: 'http', bind: '127.0.0.1', port: 0, channels: ['c'], ...options[protection] },
    })
    const [address] = agent.addressesOf('h')
    return {
      url: `${protection === 'certificates' ? 'https' : 'http'}://${address}/`,
      close: () => agent.stop(),
    }
  },
}

for (const [name, start] of Object.entries(servers)) {
  for (const protection of ['open', 'users', 'tokens', 'certificates'] as const) {
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

describe('AMQP over WebSocket', () => {
  const table: readonly [allowed: string, headers: Readonly<Record<string, string>>, boolean][] = [
    ['', {}, true],
    ['', { origin: 'https://evil.example' }, false],
    ['', { origin: 'null' }, false],
    ['', { host: 'evil.example', origin: 'http://evil.example' }, false],
    ['', { host: 'localhost:7', origin: 'http://localhost:7' }, true],
    ['https://app.example, https://b.example', { origin: 'https://app.example' }, true],
    ['https://app.example', { origin: 'http://app.example' }, false],
    ['*', { origin: 'https://any.example' }, true],
  ]
  for (const [allowed, headers, isAccepted] of table) {
    it(`${JSON.stringify(headers)} with ${allowed || 'no'} origins: ${isAccepted}`, async () => {
      await using broker = await Broker.start()
      await using provider = await JmsProvider.start({
        client: { bootstrapServers: broker.address, network: broker.network },
        config: { 'amqp.listener': 'ws://127.0.0.1:0', 'amqp.websocket.allowed.origins': allowed },
        startsOnFirstUse: true,
      })
      const socket = new WebSocket(provider.addresses[0] ?? '', 'amqp', { headers })
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.on('open', () => resolve(true))
        socket.on('error', () => resolve(false))
      })
      socket.terminate()
      assert.equal(isOpen, isAccepted)
    })
  }
})
