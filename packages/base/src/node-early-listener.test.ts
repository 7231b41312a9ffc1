// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EarlyListener } from './node-early-listener.ts'
import { HttpServer } from './node-http-server.ts'
import { nodeWorld } from './node-world.ts'

const fail = (error: unknown): void => assert.ifError(error)

async function early(): Promise<{
  readonly listener: EarlyListener
  readonly waiting: Promise<void>
  readonly url: string
}> {
  const waiting = Promise.withResolvers<void>()
  const listener = await EarlyListener.listen({
    host: '127.0.0.1',
    port: 0,
    onWaiting: waiting.resolve,
    onError: fail,
  })
  return { listener, waiting: waiting.promise, url: `http://127.0.0.1:${listener.port}/` }
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text()
}

describe('EarlyListener', () => {
  it('passes waiting connections and the socket to a server', async () => {
    const { listener, waiting, url } = await early()
    const first = textOf(url)
    await waiting
    await using server = await HttpServer.listen({
      host: '127.0.0.1',
      port: 1,
      listener,
      clock: nodeWorld.clock,
      serve: (_request, response) => void response.end('served'),
      onRequestError: fail,
      onListenerError: fail,
    })
    assert.equal(`http://127.0.0.1:${server.port}/`, url)
    assert.equal(await first, 'served')
    // It is the server's now.
    listener.close()
    assert.equal(await textOf(url), 'served')
    await server.close()
    await assert.rejects(fetch(url))
  })

  it('refuses waiting connections, and continues to listen', async () => {
    const { listener, waiting, url } = await early()
    const refused = fetch(url)
    await waiting
    listener.refuseWaiting('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    assert.equal((await refused).status, 503)
    const closed = assert.rejects(fetch(url))
    listener.close()
    await closed
  })

  it('names the reason why it cannot listen', async () => {
    const { listener } = await early()
    const { port } = listener
    const second = EarlyListener.listen({
      host: '127.0.0.1',
      port,
      onWaiting: () => {},
      onError: fail,
    })
    await assert.rejects(second, { code: 'MILLRACE_LISTEN' })
    listener.close()
  })
})
