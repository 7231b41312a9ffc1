// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { decodePath, httpTarget, readBody } from './node-http-request.ts'
import { HttpServer } from './node-http-server.ts'
import type { ServeRequest } from './node-http-turns.ts'
import { nodeWorld } from './node-world.ts'

const { clock } = nodeWorld

function listen(serve: ServeRequest, port = 0): Promise<HttpServer> {
  const fail = (error: unknown): void => assert.ifError(error)
  return HttpServer.listen({
    host: '127.0.0.1',
    port,
    clock,
    serve,
    onRequestError: fail,
    onListenerError: fail,
  })
}

describe('HttpServer', () => {
  it('names the reason why it cannot listen', async () => {
    await using server = await listen(() => {})
    await assert.rejects(
      listen(() => {}, server.port),
      {
        code: 'MILLRACE_LISTEN',
        message: `cannot listen on 127.0.0.1:${server.port}: the port is taken by another program`,
      },
    )
  })

  it('close waits for the requests in progress, and for no others', async () => {
    const arrived = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const server = await listen(async (_request, response) => {
      arrived.resolve()
      await release.promise
      response.end('late')
    })
    const idle = connect(server.port, '127.0.0.1')
    await once(idle, 'connect')
    const reply = fetch(`http://127.0.0.1:${server.port}/`)
    await arrived.promise
    let isClosed = false
    const closed = server.close().then(() => {
      isClosed = true
    })
    for (let i = 0; i < 20; i++) await clock.yield()
    assert.equal(isClosed, false)
    release.resolve()
    assert.equal(await (await reply).text(), 'late')
    await closed
  })

  it('close ends a request that exceeds its time', async () => {
    const arrived = Promise.withResolvers<void>()
    const server = await listen(async () => {
      arrived.resolve()
      await new Promise(() => {})
    })
    const reply = fetch(`http://127.0.0.1:${server.port}/`)
    const failed = assert.rejects(reply)
    await arrived.promise
    await server.close({ timeoutMs: 1 })
    await failed
  })
})

describe('readBody', () => {
  const table: readonly [body: string, status: number][] = [
    ['', 200],
    ['abcd', 200],
    ['abcde', 413],
    ['x'.repeat(1_000_000), 413],
  ]
  for (const [body, status] of table) {
    it(`${body.length} bytes of at most 4: ${status}`, async () => {
      await using server = await listen(async (request, response) => {
        try {
          response.end(await readBody(request, 4))
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'MILLRACE_TOO_LARGE')
          response.writeHead(413, { connection: 'close' }).end()
          request.resume()
        }
      })
      const reply = await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body })
      assert.equal(reply.status, status)
      if (status === 200) assert.equal(await reply.text(), body)
    })
  }
})

describe('httpTarget', () => {
  const table: readonly [target: string, path: string | undefined, query: string][] = [
    ['/', '/', ''],
    ['/a%2Fb/c?x=1&&y=2', '/a%2Fb/c', 'x=1&y=2'],
    ['/a?b=?c', '/a', 'b=%3Fc'],
    ['/a#f?x=1', '/a', ''],
    ['http://host:1/a?x', '/a', 'x='],
    ['HTTPS://host', '/', ''],
    ['?x=1', '/', 'x=1'],
    ['*', undefined, ''],
    ['', undefined, ''],
  ]
  for (const [text, path, query] of table) {
    it(JSON.stringify(text), () => {
      const target = httpTarget(text)
      assert.equal(target?.path, path)
      assert.equal(target?.query.toString() ?? '', query)
    })
  }

  it('decodes valid escapes only', () => {
    assert.equal(decodePath('/a%2Fb%C3%BC'), '/a/bü')
    assert.equal(decodePath('/%'), undefined)
    assert.equal(decodePath('/%ff'), undefined)
  })
})
