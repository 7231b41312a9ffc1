// SPDX-License-Identifier: Apache-2.0
// Keys of an OAuth issuer that are loaded over https.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const material = join(import.meta.dirname, '../testdata/tls')
const pem = (name: string): string => readFileSync(join(material, name), 'utf8')

type Keys = Awaited<ReturnType<typeof generateKeyPair>>

describe('keys of an issuer over https', () => {
  let keys: Keys
  let others: Keys
  let answer: () => { readonly status: number; readonly body: string; readonly location?: string }
  const server = createServer(
    { key: pem('server.key'), cert: pem('server.pem') },
    (_, response) => {
      const { status, body, location } = answer()
      response.writeHead(status, location === undefined ? {} : { location })
      response.end(body)
    },
  )
  const trusted = getCACertificates('default')
  let url: string

  before(async () => {
    keys = await generateKeyPair('RS256')
    others = await generateKeyPair('RS256')
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `https://localhost:${(server.address() as AddressInfo).port}/keys`
    setDefaultCACertificates([...trusted, pem('ca.pem')])
  })
  after(() => {
    setDefaultCACertificates(trusted)
    server.closeAllConnections()
    server.close()
  })

  const published = async (...pairs: readonly (readonly [string, Keys])[]): Promise<string> => {
    const all = pairs.map(async ([kid, pair]) => ({ ...(await exportJWK(pair.publicKey)), kid }))
    return JSON.stringify({ keys: await Promise.all(all) })
  }
  const start = (): Promise<Broker> =>
    Broker.start({
      config: {
        listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
        'security.inter.broker.protocol': 'SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'OAUTHBEARER',
        'sasl.oauthbearer.jwks.endpoint.url': url,
        'connection.failed.authentication.delay.ms': '1',
      },
    })
  async function login(broker: Broker, kid: string, pair: Keys): Promise<'accepted' | 'refused'> {
    const now = Math.floor(Date.now() / 1000)
    const value = await new SignJWT({ sub: 'oscar', iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(pair.privateKey)
    await using admin = new Admin({
      bootstrapServers: broker.address,
      sasl: { mechanism: 'OAUTHBEARER', token: () => ({ value }) },
      defaultApiTimeoutMs: 3000,
    })
    try {
      await admin.listTopics()
      return 'accepted'
    } catch (error) {
      assert.equal((error as { readonly code?: string }).code, 'SASL_AUTHENTICATION_FAILED')
      return 'refused'
    }
  }

  it('are loaded, also those that appear later, and stay during an outage', async () => {
    const [first, both] = [
      await published(['one', keys]),
      await published(['one', keys], ['two', others]),
    ]
    answer = () => ({ status: 200, body: first })
    await using broker = await start()
    assert.equal(await login(broker, 'one', keys), 'accepted')
    assert.equal(await login(broker, 'one', others), 'refused')
    answer = () => ({ status: 200, body: both })
    // An unknown key makes the keys be loaded again, at most once a second.
    while ((await login(broker, 'two', others)) === 'refused') {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    answer = () => ({ status: 503, body: '' })
    assert.equal(await login(broker, 'three', keys), 'refused')
    assert.equal(await login(broker, 'one', keys), 'accepted')
    assert.equal(await login(broker, 'two', others), 'accepted')
  })

  const failures: readonly [title: string, status: number, body: string, location?: string][] = [
    ['an error', 500, ''],
    ['no JSON', 200, 'x'],
    ['no keys', 200, '{}'],
    ['more than a megabyte', 200, ' '.repeat(1024 * 1024 + 1)],
    ['a redirection', 302, '', 'https://localhost/other'],
  ]
  for (const [title, status, body, location] of failures) {
    it(`are not loaded from ${title}`, async () => {
      // Its keys are those of the token: only what precedes them is wrong.
      const all =
        body + (/megabyte|error|redirection/.test(title) ? await published(['one', keys]) : '')
      answer = () => ({ status, body: all, ...(location === undefined ? {} : { location }) })
      await using broker = await start()
      assert.equal(await login(broker, 'one', keys), 'refused')
    })
  }
})
