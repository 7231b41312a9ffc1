// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { HttpServer, nodeWorld, readBody } from '@millrace/base'
import { Forwarder, type ForwarderOptions } from './forwarder.ts'

const { clock } = nodeWorld

async function forwardTo(
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void,
  options: Partial<ForwarderOptions> = {},
): Promise<string> {
  const server = await HttpServer.listen({
    host: '127.0.0.1',
    port: 0,
    clock,
    serve,
    onRequestError: () => {},
    onListenerError: () => {},
  })
  const forwarder = new Forwarder({
    connectTimeoutMs: 5000,
    readTimeoutMs: 5000,
    maxReplyBytes: 100,
    clock,
    ...options,
  })
  try {
    const reply = await forwarder.forward(`http://127.0.0.1:${server.port}`, {
      method: 'POST',
      target: '/subjects/a%2Fb/versions?normalize=true',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{}'),
    })
    return `${reply.status} ${reply.contentType} ${reply.body}`
  } catch (error) {
    const { errorCode, message } = error as Error & { errorCode: number }
    return `${errorCode} ${message.replace(/^.*127.0.0.1:\d+: /, '')}`
  } finally {
    forwarder.close()
    await server.close({ timeoutMs: 1 })
  }
}

describe('Forwarder', () => {
  it('passes the request on, marked as forwarded, and the reply back', async () => {
    const outcome = await forwardTo(async (request, response) => {
      const { method, url, headers } = request
      const body = await readBody(request, 100)
      response.writeHead(409, { 'content-type': 'x/y' })
      response.end(`${method} ${url} ${headers['x-forward']} ${headers['content-type']} ${body}`)
    })
    assert.equal(
      outcome,
      '409 x/y POST /subjects/a%2Fb/versions?normalize=true false application/json {}',
    )
  })

  const cells: readonly (readonly [
    rule: string,
    serve: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void,
    options: Partial<ForwarderOptions>,
    outcome: RegExp,
  ])[] = [
    [
      'a reply that is too long',
      (_request, response) => void response.end('x'.repeat(101)),
      {},
      /^50003 the reply has more than 100 bytes$/,
    ],
    [
      'no reply in time',
      () => new Promise<void>(() => {}),
      { connectTimeoutMs: 1, readTimeoutMs: 50 },
      /^50003 no (reply within 51|connection within 1) ms$/,
    ],
    [
      'a reply that never ends',
      (_request, response) => void response.write('x'),
      { connectTimeoutMs: 200, readTimeoutMs: 50 },
      /^50003 no reply within 250 ms$/,
    ],
    [
      'a connection that is closed',
      (request) => void request.socket.destroy(),
      {},
      /^50003 socket hang up$/,
    ],
  ]
  for (const [rule, serve, options, outcome] of cells) {
    it(`${rule} is 50003`, async () => assert.match(await forwardTo(serve, options), outcome))
  }

  it('a port where nothing listens is 50003', async () => {
    const forwarder = new Forwarder({
      connectTimeoutMs: 5000,
      readTimeoutMs: 5000,
      maxReplyBytes: 100,
      clock,
    })
    await assert.rejects(
      forwarder.forward('http://127.0.0.1:1', {
        method: 'POST',
        target: '/',
        headers: {},
        body: undefined,
      }),
      { errorCode: 50003 },
    )
  })
})
