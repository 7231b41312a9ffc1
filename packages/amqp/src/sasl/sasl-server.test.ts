// SPDX-License-Identifier: Apache-2.0
// Logins that go wrong in time or number.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, connectionPair, nodeWorld } from '@millrace/base'
import { encodeFrame, FrameType, saslHeader } from '../codec/frames.ts'
import { AmqpConnection } from '../connection.ts'
import type { SaslFrame } from '../definitions/performatives.ts'
import { serve } from '../network/listen.ts'
import { saslClient } from './sasl-client.ts'
import type { Authenticator, TokenUser } from './sasl-server.ts'

const { random } = nodeWorld
const HOUR_MS = 3_600_000
const TOKEN = Buffer.from('n,,\u0001auth=Bearer abc\u0001\u0001')

/** Node's clock; counts the timers of an hour. */
function countingClock() {
  const long = new Set<object>()
  const clock: Clock = {
    now: () => nodeWorld.clock.now(),
    monotonic: () => nodeWorld.clock.monotonic(),
    yield: () => nodeWorld.clock.yield(),
    setTimer(delayMs, callback, options) {
      const timer = nodeWorld.clock.setTimer(delayMs, callback, options)
      const counted = {
        cancel() {
          long.delete(counted)
          timer.cancel()
        },
      }
      if (delayMs > HOUR_MS / 2) long.add(counted)
      return counted
    },
  }
  return { clock, long }
}

function start(checkToken: () => Promise<TokenUser | undefined>) {
  const [client, server] = connectionPair(5672)
  const { clock, long } = countingClock()
  const counts = { checks: 0, admitted: 0, opened: 0 }
  const authenticator: Authenticator = {
    mechanisms: ['OAUTHBEARER', 'PLAIN', 'SCRAM-SHA-256'],
    async checkPassword() {
      counts.checks++
      return false
    },
    scramCredential: async () => {
      counts.checks++
      return undefined
    },
    checkToken() {
      counts.checks++
      return checkToken()
    },
  }
  serve(server, {
    containerId: 'server',
    authenticator,
    world: { clock, random },
    admit(connection) {
      counts.admitted++
      return {
        onOpen() {
          counts.opened++
          connection.open()
        },
        onClose() {},
      }
    },
  })
  return { client, counts, long }
}

const frameOf = (frame: SaslFrame): Buffer => encodeFrame(FrameType.sasl, 0, frame)
const initOf = (mechanism: string, initialResponse: Buffer): Buffer =>
  frameOf({ kind: 'saslInit', mechanism, initialResponse })
const RESPONSE = frameOf({ kind: 'saslResponse', response: Buffer.from([1]) })

describe('a SASL server', () => {
  const plain = initOf('PLAIN', Buffer.from('\0eve\0guess'))
  const scram = initOf('SCRAM-SHA-256', Buffer.from('n,,n=eve,r=nonce'))
  const bearer = initOf('OAUTHBEARER', TOKEN)
  const table: readonly [title: string, frames: readonly Buffer[]][] = [
    ['OAUTHBEARER', [bearer]],
    ['OAUTHBEARER with a response to each refusal', [bearer, RESPONSE]],
    ['SCRAM', [scram]],
    ['PLAIN', [plain]],
    ['one mechanism after the other', [bearer, scram, plain]],
  ]
  for (const [title, frames] of table) {
    it(`checks one guess of a connection: ${title}`, async () => {
      const { client, counts } = start(async () => undefined)
      let isClosed = false
      client.onEnd = () => {
        isClosed = true
      }
      client.onClose = client.onEnd
      client.write([saslHeader])
      for (let i = 0; i < 100; i++) {
        for (const frame of frames) if (!isClosed) client.write([frame])
        await sleep(0)
      }
      for (let i = 0; i < 100 && !isClosed; i++) await sleep(5)
      assert.equal(isClosed, true)
      assert.equal(counts.checks, 1)
      client.destroy()
    })
  }

  it('admits no peer that left during the login', async () => {
    const checked = Promise.withResolvers<TokenUser>()
    const { client, counts, long } = start(() => checked.promise)
    client.write([saslHeader, bearer])
    while (counts.checks === 0) await sleep(1)
    client.destroy()
    await sleep(10)
    checked.resolve({ name: 'u', expiresAtMs: Date.now() + HOUR_MS })
    await sleep(10)
    assert.deepEqual([counts.admitted, long.size], [0, 0])
  })

  it('answers amqp:unauthorized-access if the token expires before the open frame', async () => {
    const { client, counts } = start(async () => ({ name: 'u', expiresAtMs: Date.now() - 1 }))
    const closed = Promise.withResolvers<string | undefined>()
    const connection = new AmqpConnection(client, {
      role: 'client',
      clock: nodeWorld.clock,
      containerId: 'client',
      sasl: saslClient({ token: () => 'abc' }, random),
      handler: { onClose: (error) => closed.resolve(error?.code) },
    })
    assert.equal(await closed.promise, 'amqp:unauthorized-access')
    assert.equal(counts.opened, 0)
    connection.destroy()
  })
})
