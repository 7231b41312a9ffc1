// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { inTurn } from './node-http-turns.ts'
import { nodeWorld } from './node-world.ts'

const { clock } = nodeWorld
const COUNT = 5000
const REQUEST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'

describe('inTurn', () => {
  it('reads no more of a connection whose requests wait, and serves them one by one', async () => {
    let received = 0
    let underWay = 0
    let mostUnderWay = 0
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const serve = async (_request: unknown, response: ServerResponse): Promise<void> => {
      mostUnderWay = Math.max(mostUnderWay, ++underWay)
      await held
      response.end()
      underWay--
    }
    const server = createServer(inTurn(clock, serve, assert.ifError))
    server.on('request', (request) => {
      received++
      request.resume()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [socket] = (await once(server, 'connection')) as [Socket]
    const paused = once(socket, 'pause')
    client.write(REQUEST.repeat(COUNT))
    await paused
    for (let i = 0; i < 50; i++) await clock.yield()
    assert.ok(received < COUNT / 2, `${received} requests were read`)
    release?.()
    let replies = 0
    for await (const chunk of client) {
      replies += `${chunk}`.split('HTTP/1.1 200').length - 1
      if (replies >= COUNT - 1) break
    }
    assert.equal(mostUnderWay, 1)
    server.closeAllConnections()
    server.close()
  })
})
