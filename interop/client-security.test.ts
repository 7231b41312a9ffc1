// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  Admin,
  type ClientOptions,
  Consumer,
  fromJavaProperties,
  Producer,
  unsecuredToken,
} from '@millrace/client'
import { execute } from './peers.ts'
import { type SecuredKafka, startSecuredKafka } from './secured-brokers.ts'

const directory = mkdtempSync(join(tmpdir(), 'kafka-keys-'))
const file = (name: string): string => join(directory, name)

async function keytool(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await execute('keytool', args)
  assert.equal(code, 0, stdout + stderr)
}

/** A key pair with a self-signed certificate, and the certificate alone as PEM. */
async function makeKey(name: string): Promise<void> {
  const store = ['-keystore', file(`${name}.p12`), '-storetype', 'PKCS12', '-storepass', 'secret']
  await keytool(
    ...['-genkeypair', '-alias', name, '-keyalg', 'RSA', '-validity', '30', '-dname', `CN=${name}`],
    ...['-ext', 'san=dns:localhost,ip:127.0.0.1', ...store],
  )
  await keytool('-exportcert', '-rfc', '-alias', name, '-file', file(`${name}.pem`), ...store)
}

const credentials = { username: 'alice', password: 'secret, with = and "' }
const module_ = (name: string): string => `org.apache.kafka.common.security.${name}`

describe('the client and a secured Apache Kafka 4.4.0', () => {
  let kafka: SecuredKafka
  let ca: Buffer

  before(async () => {
    await makeKey('broker')
    await makeKey('client')
    await keytool(
      ...['-importcert', '-noprompt', '-alias', 'client', '-file', file('client.pem')],
      ...['-keystore', file('trust.p12'), '-storetype', 'PKCS12', '-storepass', 'secret'],
    )
    ca = readFileSync(file('broker.pem'))
    const escaped = credentials.password.replaceAll('"', '\\\\"')
    const sasl = ['sasl_plaintext', 'sasl_ssl'].flatMap((listener) => [
      `listener.name.${listener}.plain.sasl.jaas.config=${module_('plain.PlainLoginModule')} required user_alice="${escaped}";`,
      `listener.name.${listener}.scram-sha-256.sasl.jaas.config=${module_('scram.ScramLoginModule')} required;`,
      `listener.name.${listener}.scram-sha-512.sasl.jaas.config=${module_('scram.ScramLoginModule')} required;`,
      `listener.name.${listener}.oauthbearer.sasl.jaas.config=${module_('oauthbearer.OAuthBearerLoginModule')} required unsecuredLoginStringClaim_sub="broker";`,
    ])
    kafka = await startSecuredKafka({
      settings: [
        `ssl.keystore.location=${file('broker.p12')}`,
        'ssl.keystore.password=secret',
        'ssl.keystore.type=PKCS12',
        `ssl.truststore.location=${file('trust.p12')}`,
        'ssl.truststore.password=secret',
        'ssl.truststore.type=PKCS12',
        'listener.name.ssl.ssl.client.auth=required',
        'listener.name.sasl_plaintext.connections.max.reauth.ms=2000',
        'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        ...sasl,
      ],
      credentials: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(
        (mechanism) => `${mechanism}=[name=bob,iterations=4096,password=quiet]`,
      ),
    })
  })
  after(() => kafka?.[Symbol.asyncDispose]())

  let counter = 0
  async function works(client: ClientOptions): Promise<void> {
    const topic = `secured-${counter++}`
    await using admin = new Admin(client)
    await admin.createTopics([{ name: topic, numPartitions: 1 }])
    await using producer = new Producer({ ...client })
    await producer.send({ topic, value: 'hello' })
    await using consumer = new Consumer({
      ...client,
      groupId: topic,
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    const deadline = Date.now() + 15_000
    for (;;) {
      const [record] = await consumer.poll(500)
      if (record !== undefined) {
        assert.equal(String(record.value), 'hello')
        return
      }
      assert.ok(Date.now() < deadline, 'nothing was read')
    }
  }

  it('uses TLS with a client certificate', async () => {
    const tls = { ca, pfx: readFileSync(file('client.p12')), passphrase: 'secret' }
    await works({ bootstrapServers: kafka.address('SSL'), tls })
    const { options, warnings } = fromJavaProperties('admin', {
      'bootstrap.servers': kafka.address('SSL'),
      'security.protocol': 'SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': file('broker.pem'),
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': file('client.p12'),
      'ssl.keystore.password': 'secret',
    })
    assert.deepEqual(warnings, [])
    await works(options)
  })

  it('rejects an untrusted certificate, and reports it immediately', async () => {
    await using admin = new Admin({ bootstrapServers: kafka.address('SASL_SSL'), tls: true })
    await assert.rejects(admin.listTopics(), { code: 'MILLRACE_TLS', retriable: false })
  })

  for (const protocol of ['SASL_PLAINTEXT', 'SASL_SSL'] as const) {
    const base = (): ClientOptions => ({
      bootstrapServers: kafka.address(protocol),
      ...(protocol === 'SASL_SSL' ? { tls: { ca } } : {}),
    })

    it(`authenticates with PLAIN over ${protocol}`, async () => {
      await works({ ...base(), sasl: { mechanism: 'PLAIN', ...credentials } })
    })

    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      it(`authenticates with ${mechanism} over ${protocol}`, async () => {
        await works({ ...base(), sasl: { mechanism, username: 'bob', password: 'quiet' } })
        await using admin = new Admin({
          ...base(),
          sasl: { mechanism, username: 'bob', password: 'wrong' },
        })
        await assert.rejects(admin.listTopics(), {
          code: 'SASL_AUTHENTICATION_FAILED',
          retriable: false,
        })
      })
    }

    it(`authenticates with OAUTHBEARER over ${protocol}`, async () => {
      let asked = 0
      const token = (): { readonly value: string } => {
        asked++
        return { value: unsecuredToken('carol', 60_000) }
      }
      await works({ ...base(), sasl: { mechanism: 'OAUTHBEARER', token } })
      assert.ok(asked > 0)
      await using admin = new Admin({
        ...base(),
        sasl: { mechanism: 'OAUTHBEARER', token: () => ({ value: 'nonsense' }) },
      })
      await assert.rejects(admin.listTopics(), { code: 'SASL_AUTHENTICATION_FAILED' })
    })
  }

  it('manages SCRAM credentials, and authenticates with them', async () => {
    await using admin = new Admin({ bootstrapServers: kafka.address('PLAINTEXT') })
    await admin.alterUserScramCredentials([
      { user: 'dora', mechanism: 'SCRAM-SHA-512', password: 'päss', iterations: 8192 },
    ])
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'dora', password: 'päss' } as const
    const deadline = Date.now() + 10_000
    for (;;) {
      const users = await admin.describeUserScramCredentials()
      if (users.get('dora')?.[0]?.iterations === 8192) break
      assert.ok(Date.now() < deadline)
    }
    await works({ bootstrapServers: kafka.address('SASL_PLAINTEXT'), sasl })
  })

  it('reauthenticates before its session expires, without losing a record', async () => {
    const sasl = { mechanism: 'PLAIN', ...credentials } as const
    await using producer = new Producer({ bootstrapServers: kafka.address('SASL_PLAINTEXT'), sasl })
    const end = Date.now() + 5000
    let disconnects = 0
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
    const onDisconnect = (): void => void disconnects++
    subscribe('millrace:client:disconnect', onDisconnect)
    while (Date.now() < end) {
      await producer.send({ topic: 'secured-0', value: 'x' })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    unsubscribe('millrace:client:disconnect', onDisconnect)
    assert.equal(disconnects, 0)
  })

  it('reports that a mechanism is not enabled, and that a port does not use TLS', async () => {
    await using plain = new Admin({
      bootstrapServers: kafka.address('PLAINTEXT'),
      tls: { ca },
      socketConnectionSetupTimeoutMs: 1000,
      defaultApiTimeoutMs: 1500,
    })
    await assert.rejects(plain.listTopics())
    writeFileSync(
      file('client.properties'),
      'security.protocol=SASL_PLAINTEXT\nsasl.mechanism=GSSAPI\n',
    )
    assert.throws(
      () => fromJavaProperties('admin', readFileSync(file('client.properties'), 'utf8')),
      /sasl.mechanism=GSSAPI: expected PLAIN, SCRAM-SHA-256/,
    )
  })
})
