// SPDX-License-Identifier: Apache-2.0
// Issuers whose answer is slow, endless or too large: each login is bounded in time and memory, and
// logins whose keys are known do not wait.
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { type Clock, createLogger, nodeWorld, type Timer } from '@millrace/base'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { OAuthConfig } from '../../config/oauth-config.ts'
import { oauthMechanism } from './oauthbearer.ts'
import type { SaslMechanism } from './sasl-mechanism.ts'

/** A clock that advances on request. */
class ManualClock implements Clock {
  #nowMs = 1_800_000_000_000
  readonly #timers = new Set<{ readonly dueMs: number; readonly run: () => void }>()

  now(): number {
    return this.#nowMs
  }
  monotonic(): number {
    return this.#nowMs
  }
  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }
  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
  pass(ms: number): void {
    this.#nowMs += ms
    for (const timer of this.#timers) {
      if (timer.dueMs > this.#nowMs) continue
      this.#timers.delete(timer)
      timer.run()
    }
  }
  get timerCount(): number {
    return this.#timers.size
  }
}

const TIMEOUT_MS = 10_000
const REFRESH_MS = 60_000

describe('an issuer', () => {
  let keys: Awaited<ReturnType<typeof generateKeyPair>>
  let published: string
  let clock: ManualClock
  let mechanism: SaslMechanism
  let log: string[]
  let answer: (response: ServerResponse) => void
  /** Requests that the server has received. */
  let requests = 0
  let received = Promise.withResolvers<void>()
  let closed = Promise.withResolvers<void>()
  const server = createServer((_, response) => {
    requests++
    response.on('close', () => closed.resolve())
    answer(response)
    received.resolve()
  })

  before(async () => {
    keys = await generateKeyPair('RS256')
    published = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k' }] })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    clock = new ManualClock()
    requests = 0
    expectRequest()
    log = []
    answer = (response) => response.end(published)
    const { port } = server.address() as AddressInfo
    const settings: OAuthConfig = {
      jwksUrl: new URL(`http://127.0.0.1:${port}/keys`),
      refreshMs: REFRESH_MS,
      retryMs: 100,
      retryMaxMs: 10_000,
      audience: [],
      issuer: undefined,
      subjectClaim: 'sub',
      scopeClaim: 'scope',
      clockSkewSeconds: 0,
    }
    const write = (line: string): void => void log.push(line)
    const logger = createLogger({ level: 'info', now: Date.now, write })
    mechanism = oauthMechanism({ settings, clock, files: nodeWorld.fileSystem, logger })
  })
  afterEach(() => {
    assert.equal(clock.timerCount, 0, 'every timer was cancelled')
  })

  function expectRequest(): void {
    received = Promise.withResolvers()
    closed = Promise.withResolvers()
  }

  async function login(kid = 'k'): Promise<string> {
    const seconds = Math.floor(clock.now() / 1000)
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid })
      .setSubject('olga')
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 3600)
      .sign(keys.privateKey)
    const exchange = mechanism.begin({ host: '127.0.0.1', listenerName: 'SASL' })
    const outcome = await exchange.evaluate(Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`))
    return outcome.kind === 'success' ? `user ${outcome.name}` : 'refused'
  }

  /** Answers in pieces until the connection is closed. */
  function drip(response: ServerResponse): void {
    response.write('{"keys":[')
    const timer = setInterval(() => response.write(' '), 5)
    response.on('close', () => clearInterval(timer))
  }

  const stalls: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ['never answers', () => {}],
    ['answers with headers only', (response) => response.flushHeaders()],
    ['answers byte by byte', drip],
  ]
  for (const [name, stall] of stalls) {
    it(`that ${name}: the login is refused after ${TIMEOUT_MS} ms, and the connection closed`, async () => {
      answer = stall
      let isOver = false
      const refused = login().finally(() => {
        isOver = true
      })
      await received.promise
      clock.pass(TIMEOUT_MS - 1)
      await new Promise((resolve) => setTimeout(resolve, 30))
      assert.equal(isOver, false)
      clock.pass(1)
      assert.equal(await refused, 'refused')
      await closed.promise
      assert.match(log.join('\n'), /no complete answer within 10000 ms/)
    })

    it(`that ${name} while keys are known: logins do not wait`, async () => {
      assert.equal(await login(), 'user olga')
      answer = stall
      expectRequest()
      clock.pass(REFRESH_MS)
      assert.equal(await login(), 'user olga')
      await received.promise
      assert.equal(await login(), 'user olga')
      // A token with an unknown key waits for the keys, and for no longer than the others.
      const unknown = login('other')
      await new Promise((resolve) => setTimeout(resolve, 30))
      clock.pass(TIMEOUT_MS)
      assert.equal(await unknown, 'refused')
      assert.equal(requests, 2)
      answer = (response) => response.end(published)
      expectRequest()
      clock.pass(100)
      assert.equal(await login(), 'user olga')
      await closed.promise
      while (clock.timerCount > 0) await new Promise(setImmediate)
    })
  }

  it('that answers without end is read up to 1 MiB', async () => {
    let sent = 0
    answer = (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, ' '))) sent++
        sent++
      }
      response.on('drain', more)
      more()
    }
    assert.equal(await login(), 'refused')
    await closed.promise
    // The kernel's buffers hold some of it.
    assert.ok(sent * 64 < 10 * 1024, `${sent * 64} KiB were sent`)
    assert.match(log.join('\n'), /more than 1048576 bytes/)
  })

  it('that is asked by many logins at the same time is asked once', async () => {
    const waiting: ServerResponse[] = []
    answer = (response) => void waiting.push(response)
    const logins = Array.from({ length: 50 }, () => login())
    await received.promise
    await new Promise((resolve) => setTimeout(resolve, 30))
    for (const response of waiting) response.end(published)
    assert.deepEqual(new Set(await Promise.all(logins)), new Set(['user olga']))
    assert.equal(requests, 1)
  })

  it('that recovers is asked again after the back-off', async () => {
    answer = (response) => response.writeHead(503).end()
    assert.equal(await login(), 'refused')
    answer = (response) => response.end(published)
    assert.equal(await login(), 'refused', 'within the back-off it is not asked')
    assert.equal(requests, 1)
    clock.pass(100)
    assert.equal(await login(), 'user olga')
  })
})
