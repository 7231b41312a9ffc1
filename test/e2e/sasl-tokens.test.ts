// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Broker } from '@millrace/broker'
import {
  Admin,
  Consumer,
  clientCredentials,
  Producer,
  type SaslOptions,
  unsecuredToken,
} from '@millrace/client'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

const base = {
  listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
  'security.inter.broker.protocol': 'SASL_PLAINTEXT',
  'connection.failed.authentication.delay.ms': '10',
}
const adminFor = (broker: Broker, sasl: SaslOptions): Admin =>
  new Admin({ bootstrapServers: broker.address, sasl, defaultApiTimeoutMs: 3000 })

describe('delegation tokens', () => {
  const config = {
    ...base,
    'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin',
  }
  const names = ['admin', 'alice', 'bob']
  const scramUsers = names.map((name) => `SCRAM-SHA-256=[name=${name},password=${name}-secret]`)
  let broker: Broker
  before(async () => {
    broker = await Broker.start({
      config: { ...config, 'delegation.token.secret.key': 'secret123' },
      scramUsers,
    })
  })
  after(() => broker?.close())
  const login = (name: string): Admin =>
    adminFor(broker, { mechanism: 'SCRAM-SHA-256', username: name, password: `${name}-secret` })

  it('are created, described, used, renewed and expired', async () => {
    await using alice = login('alice')
    await using bob = login('bob')
    const token = await alice.createDelegationToken({
      renewers: ['User:bob'],
      maxLifetimeMs: 60_000,
    })
    assert.equal(token.owner, 'User:alice')
    assert.equal(token.hmac.length, 64)
    assert.equal(token.maxTimestamp - token.issueTimestamp, 60_000)
    assert.equal(token.expiryTimestamp, token.maxTimestamp)
    for (const each of [alice, bob]) {
      const [found] = await each.describeDelegationToken()
      assert.deepEqual(found, token)
    }
    assert.deepEqual(await bob.describeDelegationToken(['User:carol']), [])
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const password = token.hmac.toString('base64')
      const sasl = { mechanism, username: token.tokenId, password, tokenAuth: true } as const
      await using client = adminFor(broker, sasl)
      await client.listTopics()
      await assert.rejects(client.createDelegationToken(), {
        code: 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED',
      })
      await using wrong = adminFor(broker, { ...sasl, password: 'wrong' })
      await assert.rejects(wrong.listTopics(), { code: 'SASL_AUTHENTICATION_FAILED' })
    }
    const renewed = await bob.renewDelegationToken(token.hmac, { renewPeriodMs: 1000 })
    assert.ok(renewed < token.maxTimestamp)
    await using admin = login('admin')
    await assert.rejects(admin.renewDelegationToken(token.hmac), {
      code: 'DELEGATION_TOKEN_OWNER_MISMATCH',
    })
    await alice.expireDelegationToken(token.hmac)
    await assert.rejects(alice.renewDelegationToken(token.hmac), {
      code: 'DELEGATION_TOKEN_NOT_FOUND',
    })
  })

  it('for others need CREATE_TOKENS, and are seen with DESCRIBE_TOKENS', async () => {
    await using alice = login('alice')
    await using admin = login('admin')
    await assert.rejects(alice.createDelegationToken({ owner: 'User:bob' }), {
      code: 'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
    })
    const token = await admin.createDelegationToken({ owner: 'User:bob' })
    assert.deepEqual([token.owner, token.requester], ['User:bob', 'User:admin'])
    assert.deepEqual(await alice.describeDelegationToken(), [])
    const acl = { principal: 'User:alice', permission: 'allow' } as const
    await admin.createAcls([
      { ...acl, resourceType: 'user', resourceName: 'User:bob', operation: 'describeTokens' },
    ])
    assert.equal((await alice.describeDelegationToken()).length, 1)
  })

  it('are disabled without a secret', async () => {
    await using open = await Broker.start({ config, scramUsers })
    const sasl = {
      mechanism: 'SCRAM-SHA-256',
      username: 'alice',
      password: 'alice-secret',
    } as const
    await using alice = adminFor(open, sasl)
    await assert.rejects(alice.createDelegationToken(), { code: 'DELEGATION_TOKEN_AUTH_DISABLED' })
  })
})

describe('OAUTHBEARER', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-oauth-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'jwks.json')
  type Keys = Awaited<ReturnType<typeof generateKeyPair>>
  let keys: Keys
  let other: Keys
  let broker: Broker

  async function publish(...pairs: readonly (readonly [kid: string, keys: Keys])[]): Promise<void> {
    const published = await Promise.all(
      pairs.map(async ([kid, pair]) => ({ ...(await exportJWK(pair.publicKey)), kid })),
    )
    writeFileSync(file, JSON.stringify({ keys: published }))
  }

  before(async () => {
    keys = await generateKeyPair('RS256')
    other = await generateKeyPair('RS256')
    await publish(['one', keys])
    broker = await Broker.start({
      config: {
        ...base,
        'sasl.enabled.mechanisms': 'OAUTHBEARER',
        'sasl.oauthbearer.jwks.endpoint.url': pathToFileURL(file).href,
        'sasl.oauthbearer.expected.audience': 'kafka,other',
        'sasl.oauthbearer.expected.issuer': 'https://idp',
      },
    })
  })
  after(() => broker?.close())

  const nowSeconds = (): number => Math.floor(Date.now() / 1000)
  const claims = (changes: JWTPayload = {}): JWTPayload => ({
    sub: 'oauser',
    iss: 'https://idp',
    aud: 'kafka',
    iat: nowSeconds(),
    exp: nowSeconds() + 60,
    ...changes,
  })
  const sign = (payload: JWTPayload, kid = 'one', pair = keys): Promise<string> =>
    new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid }).sign(pair.privateKey)

  async function use(value: string): Promise<void> {
    await using admin = adminFor(broker, { mechanism: 'OAUTHBEARER', token: () => ({ value }) })
    await admin.listTopics()
  }

  it('accepts a token of the issuer', async () => {
    await use(await sign(claims()))
    await use(await sign(claims({ aud: ['x', 'other'] })))
  })

  it('rejects the calls of a client whose issuer rejects its secret', async () => {
    let count = 0
    const issuer = createServer((_request, response) => {
      count++
      response.writeHead(401).end()
    })
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = issuer.address() as AddressInfo
      const tokenUrl = `http://127.0.0.1:${port}/token`
      const token = clientCredentials({ tokenUrl, clientId: 'app', clientSecret: 'wrong' })
      const options = {
        bootstrapServers: broker.address,
        sasl: { mechanism: 'OAUTHBEARER', token },
      } as const
      await using consumer = new Consumer({ ...options, groupId: 'g' })
      consumer.subscribe(['orders'])
      await using producer = new Producer(options)
      await using admin = new Admin(options)
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        poll: () => consumer.poll(1000),
        send: () => producer.send({ topic: 'orders', value: 'x' }),
        listTopics: () => admin.listTopics(),
      }
      for (const [name, call] of Object.entries(calls)) {
        const before = count
        await assert.rejects(call(), {
          code: 'MILLRACE_OAUTH_TOKEN',
          message: `no token from ${tokenUrl}: status 401`,
        })
        assert.ok(count - before <= 2, `${name}: ${count - before} requests`)
      }
    } finally {
      issuer.closeAllConnections()
      issuer.close()
    }
  })

  const bad: readonly (readonly [string, () => Promise<string>])[] = [
    ['for others', () => sign(claims({ aud: 'nobody' }))],
    ['of another issuer', () => sign(claims({ iss: 'https://other' }))],
    ['that has expired', () => sign(claims({ exp: nowSeconds() - 60 }))],
    ['without a subject', () => sign(claims({ sub: '' }))],
    ['that never expires', () => sign(claims({ exp: undefined as never }))],
    ['signed by another key', () => sign(claims(), 'one', other)],
    ['of an unknown key', () => sign(claims(), 'two', other)],
    ['without a signature', async () => unsecuredToken('oauser', 60_000)],
    [
      'signed with the public key as a shared secret',
      async () => {
        const secret = Buffer.from(JSON.stringify(await exportJWK(keys.publicKey)))
        return new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret)
      },
    ],
    ['that is not a token', async () => 'nonsense'],
  ]
  for (const [name, token] of bad) {
    it(`rejects a token ${name}`, async () => {
      const value = await token()
      await assert.rejects(use(value), {
        code: 'SASL_AUTHENTICATION_FAILED',
        message: /\{"status":"invalid_token"\}/,
      })
    })
  }

  it('follows the keys of the issuer', async () => {
    await publish(['one', keys], ['two', other])
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await use(await sign(claims(), 'two', other))
  })

  const settings: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [
      {},
      /Missing configuration sasl\.oauthbearer\.jwks\.endpoint\.url .* unsigned tokens are never/,
    ],
    [{ url: 'file://host/keys' }, /file:\/\/host\/keys .*expected the file: URL of a file of this/],
    [{ url: 'http://idp/keys' }, /expected an https: or file: URL/],
    [{ url: 'https://user:secret@idp/keys' }, /expected a URL without a user/],
    [
      { url: 'https://idp/keys', allowed: 'https://other/keys' },
      /expected one of sasl\.oauthbearer\.allowed\.urls/,
    ],
  ]
  for (const [{ url, allowed }, expected] of settings) {
    it(`does not start with keys at ${url}`, async () => {
      const config = {
        ...base,
        'sasl.enabled.mechanisms': 'OAUTHBEARER',
        ...(url === undefined ? {} : { 'sasl.oauthbearer.jwks.endpoint.url': url }),
        ...(allowed === undefined ? {} : { 'sasl.oauthbearer.allowed.urls': allowed }),
      }
      const start = async (): Promise<void> => (await Broker.start({ config })).close()
      await assert.rejects(start(), (error: Error) => {
        assert.match(error.message, expected)
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
    })
  }
})
