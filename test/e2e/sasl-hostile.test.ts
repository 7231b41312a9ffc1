// SPDX-License-Identifier: Apache-2.0
// Clients that misbehave before they have authenticated: each ends soon, memory stays bounded, and
// other clients are served.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { seededRandom } from '@millrace/testkit'

const LIMIT_MS = 1500
const ATTEMPTS = 10_000
const MAX_CONNECTIONS = 300
const material = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../testdata/tls', name), 'utf8')

describe('a client that has not authenticated', () => {
  let broker: Broker
  let honest: Admin
  const random = seededRandom(7)
  const ports = (): number[] => broker.addresses.map((address) => Number(address.split(':').at(-1)))

  before(async () => {
    broker = await Broker.start({
      config: {
        listeners: 'SASL_PLAINTEXT://127.0.0.1:0,SASL_SSL://127.0.0.1:0',
        'security.inter.broker.protocol': 'SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
        'plain.sasl.jaas.config':
          'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="secret";',
        'ssl.keystore.key': material('server.key'),
        'ssl.keystore.certificate.chain': material('server.pem'),
        'connection.failed.authentication.delay.ms': '20',
        'connections.max.unauthenticated.ms': String(LIMIT_MS),
        'max.connections': String(MAX_CONNECTIONS),
      },
    })
    honest = new Admin({
      bootstrapServers: broker.addresses[0] as string,
      sasl: { mechanism: 'PLAIN', username: 'alice', password: 'secret' },
    })
    await honest.listTopics()
  })
  after(async () => {
    await honest?.close()
    await broker?.close()
  })

  async function open(port: number): Promise<Socket> {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  /** How long the broker keeps a connection, milliseconds. */
  async function lifeOf(socket: Socket): Promise<number> {
    const beganMs = performance.now()
    socket.resume()
    if (!socket.closed) await once(socket, 'close')
    return performance.now() - beganMs
  }

  it('and sends nothing is closed after a short time', async () => {
    const [plain = 0] = ports()
    assert.ok((await lifeOf(await open(plain))) >= LIMIT_MS - 100)
  })

  it('and sends a byte now and then is closed after the same time', async () => {
    const [plain = 0] = ports()
    const socket = await open(plain)
    const frame = Buffer.from('0000001000120000', 'hex')
    let sent = 0
    const timer = setInterval(() => socket.write(frame.subarray(sent, ++sent)), 200)
    assert.ok((await lifeOf(socket)) < 10 * LIMIT_MS)
    clearInterval(timer)
  })

  it('and sends random bytes does not affect other clients', async () => {
    const api = (key: number, version: number, body: Buffer): Buffer => {
      const head = Buffer.alloc(14)
      head.writeInt32BE(10 + body.length, 0)
      head.writeInt16BE(key, 4)
      head.writeInt16BE(version, 6)
      return Buffer.concat([head.fill(0, 8, 12), body].map((each) => each))
    }
    const text = (value: string): Buffer =>
      Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
    const requests = [
      api(18, 0, Buffer.alloc(0)),
      api(17, 1, text('PLAIN')),
      api(17, 0, text('PLAIN')),
      api(17, 1, text('SCRAM-SHA-256')),
      // Arrays and texts that claim more than there is.
      api(36, 1, Buffer.from('7fffffff', 'hex')),
      api(36, 2, Buffer.from('00ffffffff0f', 'hex')),
      api(17, 1, Buffer.from('7fff', 'hex')),
      api(3, 12, Buffer.from('00ffffffff0f', 'hex')),
      api(18, 4, Buffer.from('00ffffffff0f', 'hex')),
      api(36, 1, Buffer.concat([Buffer.from([0, 0, 0, 13]), Buffer.from('\0alice\0wrong!')])),
    ]
    const [plain = 0] = ports()
    const conversations = Array.from({ length: 300 }, () =>
      Array.from({ length: 1 + random.integer(4) }, () => {
        const request = Buffer.from(requests[random.integer(requests.length)] as Buffer)
        if (random.integer(2) === 0) request[random.integer(request.length)] = random.integer(256)
        return request
      }),
    )
    for (let at = 0; at < conversations.length; at += 50) {
      const lives = conversations.slice(at, at + 50).map(async (conversation) => {
        const socket = await open(plain)
        for (const request of conversation) socket.write(request)
        return lifeOf(socket)
      })
      await honest.listTopics()
      for (const life of await Promise.all(lives)) assert.ok(life < 10 * LIMIT_MS)
    }
  })

  it('and speaks no TLS on a TLS listener is closed, while others shake hands', async () => {
    const [, tls = 0] = ports()
    const sockets = await Promise.all(Array.from({ length: 50 }, () => open(tls)))
    for (const [i, socket] of sockets.entries()) {
      // Garbage, a plain request, the start of a handshake that never continues, nothing.
      const starts = [random.bytes(200), Buffer.from('0000000a0012000000000001', 'hex')]
      const start = [...starts, Buffer.from('160301020001', 'hex'), Buffer.alloc(0)][
        i % 4
      ] as Buffer
      if (start.length > 0) socket.write(start)
    }
    await using secured = new Admin({
      bootstrapServers: `localhost:${tls}`,
      tls: { ca: material('ca.pem') },
      sasl: { mechanism: 'PLAIN', username: 'alice', password: 'secret' },
    })
    await secured.listTopics()
    await lifeOf(sockets[1] as Socket)
    for (const socket of sockets) socket.destroy()
  })

  it(`among ${ATTEMPTS} connections uses few resources, and other clients are served`, async () => {
    const [plain = 0] = ports()
    const open = new Set<Socket>()
    const beforeBytes = process.memoryUsage().rss
    let isOver = false
    const watching = (async () => {
      let slowestMs = 0
      while (!isOver) {
        const beganMs = performance.now()
        await honest.listTopics()
        slowestMs = Math.max(slowestMs, performance.now() - beganMs)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return slowestMs
    })()
    for (let made = 0; made < ATTEMPTS; made += 500) {
      const batch = Array.from({ length: 500 }, () => {
        const socket = createConnection({ port: plain, host: '127.0.0.1' })
        open.add(socket)
        socket.on('error', () => {})
        return new Promise<void>((resolve) => {
          socket.once('close', () => {
            open.delete(socket)
            resolve()
          })
          socket.once('connect', () => {
            socket.write(Buffer.from('00080000', 'hex'))
            resolve()
          })
        })
      })
      await Promise.all(batch)
    }
    isOver = true
    await watching
    const grownMiB = (process.memoryUsage().rss - beforeBytes) / 2 ** 20
    assert.ok(grownMiB < 300, `memory grew by ${grownMiB.toFixed(0)} MiB`)
    for (const socket of open) socket.destroy()
    await honest.listTopics()
  })
})
