// SPDX-License-Identifier: Apache-2.0
// Clients of the AMQP listener with certificates and OAuth tokens are the users that they would be
// on a Kafka listener.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { nodeWorld, silentLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import {
  type Connection,
  ConnectionFactory,
  type ConnectionFactoryOptions,
  JMSSecurityException,
  Session,
} from '@millrace/jms'
import { ClusterSecurity, JmsProvider } from '@millrace/jms-provider'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

const material = join(import.meta.dirname, '../testdata/tls')
const text = (name: string): string => readFileSync(join(material, name), 'utf8')
const ca = text('ca.pem')
const alice = { ca, cert: text('client.pem'), key: text('client.key') }

/** `JMSXUserID` of a message that a client sends, which is its authenticated user. */
async function userOf(url: string, options: ConnectionFactoryOptions): Promise<string | null> {
  const connection = await new ConnectionFactory(url, options).createConnection()
  try {
    await connection.start()
    const session = await connection.createSession(Session.AUTO_ACKNOWLEDGE)
    const queue = await session.createTemporaryQueue()
    const producer = await session.createProducer(queue)
    const consumer = await session.createConsumer(queue)
    await producer.send(session.createTextMessage('x'))
    const message = await consumer.receive(5000)
    return message?.getStringProperty('JMSXUserID') ?? null
  } finally {
    await connection.close()
  }
}

const tlsSettings = {
  'amqp.listener': 'amqps://127.0.0.1:0,wss://127.0.0.1:0',
  'amqp.tls.certificate.file': join(material, 'server.pem'),
  'amqp.tls.key.file': join(material, 'server.key'),
  'amqp.tls.ca.file': join(material, 'ca.pem'),
  'amqp.tls.client.auth': 'requested',
}

describe('certificates of AMQP clients', () => {
  interface Case {
    readonly title: string
    /** Rules of the broker, or of the provider without security of a broker. */
    readonly rules?: string
    readonly own?: string
    readonly isOfBroker: boolean
    readonly user: string | undefined
  }
  const cases: readonly Case[] = [
    { title: 'the subject', isOfBroker: true, user: 'CN=alice' },
    {
      title: 'a rule of the broker',
      rules: 'RULE:^CN=(.*)$/$1/U',
      isOfBroker: true,
      user: 'ALICE',
    },
    {
      title: 'a rule of the provider',
      rules: 'RULE:^CN=(.*)$/$1/U',
      own: 'RULE:^CN=(.*)$/jms-$1/',
      isOfBroker: true,
      user: 'jms-alice',
    },
    { title: 'no rule that matches', rules: 'RULE:^OU=x$/x/', isOfBroker: true, user: undefined },
    { title: 'the common name', isOfBroker: false, user: 'alice' },
  ]
  for (const { title, rules, own, isOfBroker, user } of cases) {
    it(`have the user by ${title}`, async () => {
      const config = rules === undefined ? {} : { 'ssl.principal.mapping.rules': rules }
      await using broker = await Broker.start({ config })
      await using provider = await JmsProvider.start({
        client: { bootstrapServers: broker.address, network: broker.network },
        config: {
          ...tlsSettings,
          ...(own === undefined ? {} : { 'amqp.tls.principal.mapping.rules': own }),
        },
        ...(isOfBroker ? { security: broker.security } : {}),
      })
      for (const address of provider.addresses) {
        const options = { tls: alice, saslMechanisms: ['EXTERNAL'] } as const
        if (user === undefined) await assert.rejects(userOf(address, options))
        else assert.equal(await userOf(address, options), user, address)
      }
      // Without a certificate there is no EXTERNAL.
      for (const address of provider.addresses) {
        await assert.rejects(
          userOf(address, { tls: { ca }, saslMechanisms: ['EXTERNAL'] }),
          JMSSecurityException,
        )
      }
    })
  }

  it('are refused at start with rules that cannot be read', async () => {
    await using broker = await Broker.start()
    const config = { ...tlsSettings, 'amqp.tls.principal.mapping.rules': 'RULE:x' }
    const client = { bootstrapServers: broker.address }
    await assert.rejects(
      JmsProvider.start({ client, config }),
      /^ProviderConfigError: invalid amqp\.tls\.principal\.mapping\.rules: (?!.*ssl\.principal)/,
    )
  })
})

describe('OAuth tokens of AMQP clients', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-amqp-oauth-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  const jwks = join(directory, 'jwks.json')
  let keys: Awaited<ReturnType<typeof generateKeyPair>>
  let broker: Broker
  const providers = new Map<string, JmsProvider>()
  const closing: AsyncDisposable[] = []

  const sign = (sub: string, lifetimeSeconds = 60): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ sub, iat: now, exp: now + lifetimeSeconds })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .sign(keys.privateKey)
  }

  before(async () => {
    keys = await generateKeyPair('RS256')
    const key = { ...(await exportJWK(keys.publicKey)), kid: 'k' }
    writeFileSync(jwks, JSON.stringify({ keys: [key] }))
    broker = await Broker.start({
      config: {
        listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
        'inter.broker.listener.name': 'SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'OAUTHBEARER,SCRAM-SHA-256',
        'sasl.oauthbearer.jwks.endpoint.url': pathToFileURL(jwks).href,
        'sasl.oauthbearer.clock.skew.seconds': '0',
        'connection.failed.authentication.delay.ms': '10',
      },
      scramUsers: ['SCRAM-SHA-256=[name=carol,password=carol-secret]'],
    })
    const config = { 'amqp.listener': '127.0.0.1:0' }
    const inside = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { ...config, 'amqp.state.topic': '__inside', 'amqp.group.id': 'inside' },
      security: broker.security,
    })
    const token = async () => ({ value: await sign('provider', 3600) })
    const client = {
      bootstrapServers: broker.address,
      sasl: { mechanism: 'OAUTHBEARER', token },
    } as const
    const security = await ClusterSecurity.open(client, {
      clock: nodeWorld.clock,
      logger: silentLogger,
    })
    const over = await JmsProvider.start({ client, config, security })
    providers.set('inside the broker', inside).set('over a cluster', over)
    closing.push(inside, over, security)
  })
  after(async () => {
    for (const each of closing) await each[Symbol.asyncDispose]()
    await broker?.close()
  })

  const uses: readonly [
    title: string,
    options: () => Promise<ConnectionFactoryOptions>,
    user: string | undefined,
  ][] = [
    ['a token', async () => ({ token: () => sign('oscar') }), 'oscar'],
    [
      'a token by XOAUTH2',
      async () => ({ token: () => sign('oscar'), saslMechanisms: ['XOAUTH2'] }),
      'oscar',
    ],
    [
      'a token as password, as Qpid JMS sends it',
      async () => ({
        username: 'oscar',
        password: await sign('oscar'),
        saslMechanisms: ['XOAUTH2'],
      }),
      'oscar',
    ],
    [
      'the token of another user',
      async () => ({ username: 'oscar', password: await sign('eve'), saslMechanisms: ['XOAUTH2'] }),
      undefined,
    ],
    ['an expired token', async () => ({ token: () => sign('oscar', -1) }), undefined],
    [
      'a token with another signature',
      async () => ({
        token: async () => `${(await sign('oscar')).slice(0, -20)}${'A'.repeat(20)}`,
      }),
      undefined,
    ],
    [
      'an unsigned token',
      async () => ({ token: () => 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.' }),
      undefined,
    ],
    ['no token', async () => ({ token: () => 'x' }), undefined],
  ]
  for (const where of ['inside the broker', 'over a cluster']) {
    for (const [title, options, user] of uses) {
      it(`${title}, of a provider ${where}: ${user ?? 'refused'}`, async () => {
        const url = `amqp://${providers.get(where)?.address}`
        const given = await options()
        if (user === undefined) await assert.rejects(userOf(url, given), JMSSecurityException)
        else assert.equal(await userOf(url, given), user)
      })
    }
  }

  it('a password by XOAUTH2, which Qpid JMS prefers to PLAIN, is checked as one', async () => {
    const url = `amqp://${providers.get('inside the broker')?.address}`
    const options = { username: 'carol', saslMechanisms: ['XOAUTH2'] } as const
    assert.equal(await userOf(url, { ...options, password: 'carol-secret' }), 'carol')
    await assert.rejects(userOf(url, { ...options, password: 'wrong' }), JMSSecurityException)
  })

  it('end the connection when they expire', async () => {
    const url = `amqp://${providers.get('inside the broker')?.address}`
    const factory = new ConnectionFactory(url, { token: () => sign('oscar', 2), reconnect: false })
    const connection: Connection = await factory.createConnection()
    const failed = Promise.withResolvers<Error>()
    connection.setExceptionListener((error) => failed.resolve(error))
    await connection.start()
    assert.match((await failed.promise).message, /credentials of this connection have expired/)
    await connection.close()
  })
})
