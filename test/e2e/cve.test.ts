// SPDX-License-Identifier: Apache-2.0
// Published vulnerabilities of Apache Kafka, of its ecosystem and of JMS providers: none of them
// works here.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createLogger, ScramServer, scramCredential } from '@millrace/base'
import { Broker, type BrokerOptions } from '@millrace/broker'
import { Admin, clientCredentials, fromJavaProperties } from '@millrace/client'
import { OperationServer, startAgent } from '@millrace/flume'
import { ConnectionFactory, JMSSecurityException, Session } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { decompressExactly } from '@millrace/protocol'

const directory = mkdtempSync(join(tmpdir(), 'millrace-cve-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const SECRET = 'do-not-show-7f3a'
const secretFile = join(directory, 'secret.properties')
writeFileSync(secretFile, `password=${SECRET}\nsecond line\n`, { mode: 0o600 })

const users = ['admin', 'alice'].map((name) => `SCRAM-SHA-256=[name=${name},password=secret]`)
const secured = {
  listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
  'security.inter.broker.protocol': 'SASL_PLAINTEXT',
  'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:admin',
}
const lines: string[] = []
const logger = createLogger({ level: 'debug', now: Date.now, write: (line) => lines.push(line) })
let broker: Broker
let admin: Admin

const start = (config: Readonly<Record<string, string>>, options: BrokerOptions = {}) =>
  Broker.start({ config: { ...secured, ...config }, scramUsers: users, logger, ...options })
const adminOf = (of: Broker, username = 'admin'): Admin =>
  new Admin({
    bootstrapServers: of.address,
    sasl: { mechanism: 'SCRAM-SHA-256', username, password: 'secret' },
    defaultApiTimeoutMs: 5000,
  })

before(async () => {
  broker = await start({
    'config.providers': 'file,env',
    'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
    'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  })
  admin = adminOf(broker)
})
after(async () => {
  await admin?.close()
  await broker?.close()
})

const jndi = `com.sun.security.auth.module.JndiLoginModule required user.provider.url="ldap://127.0.0.1:1/x" group.provider.url="x" debug="${SECRET}";`
const ldap = jndi.replace('JndiLoginModule', 'LdapLoginModule')

describe('login modules', () => {
  for (const [cve, jaas] of [
    ['CVE-2023-25194', jndi],
    ['CVE-2025-27818', ldap],
  ] as const) {
    it(`${cve}: a client loads no other login module than Kafka's`, () => {
      const properties = {
        'bootstrap.servers': 'localhost:9092',
        'security.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism': 'PLAIN',
        'sasl.jaas.config': jaas,
      }
      assert.throws(
        () => fromJavaProperties('admin', properties),
        (error: Error) =>
          /expected the login module/.test(error.message) && !error.message.includes(SECRET),
      )
    })
  }

  it('CVE-2025-27819: AlterConfigs of a broker refuses other login modules', async () => {
    for (const jaas of [jndi, ldap]) {
      const name = 'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config'
      await assert.rejects(
        admin.incrementalAlterConfigs([
          { type: 'broker', name: '1', changes: [{ name, value: jaas }] },
        ]),
        (error: Error) =>
          /expected the login module org\.apache\.kafka/.test(error.message) &&
          !error.message.includes(SECRET),
      )
    }
  })
})

describe('compression', () => {
  it('CVE-2023-34455: the size of a snappy chunk allocates nothing', () => {
    const header = Buffer.from([
      0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1,
    ])
    for (const size of [0x7fffffff, -1, 0x10000000]) {
      const chunk = Buffer.alloc(4)
      chunk.writeInt32BE(size)
      // The second form claims a decompressed size of two gigabytes.
      for (const rest of [Buffer.alloc(0), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 0])]) {
        const before = process.memoryUsage().arrayBuffers
        const bytes = Buffer.concat([header, chunk, rest])
        assert.throws(() => decompressExactly('snappy', bytes, 1_000_000))
        assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000)
      }
    }
  })
})

describe('URLs of OAuth', () => {
  it('CVE-2025-27817: a token endpoint must be https, and its file is a token', async () => {
    const properties = (url: string) => ({
      'bootstrap.servers': 'localhost:9092',
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.oauthbearer.token.endpoint.url': url,
      'sasl.oauthbearer.client.credentials.client.id': 'id',
      'sasl.oauthbearer.client.credentials.client.secret': 'secret',
    })
    for (const url of ['http://169.254.169.254/latest/meta-data', 'ftp://host/x', 'jar:file:/x']) {
      assert.throws(() => fromJavaProperties('admin', properties(url)), /expected an https: URL/)
      assert.throws(() =>
        clientCredentials({ tokenUrl: url, clientId: 'id', clientSecret: 'secret' }),
      )
    }
    const { options } = fromJavaProperties('admin', properties(pathToFileURL(secretFile).href))
    const { sasl } = options
    assert.ok(sasl?.mechanism === 'OAUTHBEARER')
    await assert.rejects(
      async () => sasl.token(),
      (error: Error) =>
        /no token of three parts/.test(error.message) && !error.message.includes(SECRET),
    )
  })

  it('CVE-2025-27817: the keys of a broker are not read from http, nor shown in its log', async () => {
    const key = 'sasl.oauthbearer.jwks.endpoint.url'
    const oauth = { 'sasl.enabled.mechanisms': 'OAUTHBEARER' }
    for (const url of ['http://169.254.169.254/latest', 'ftp://host/x']) {
      await assert.rejects(start({ ...oauth, [key]: url }), /https: or file: URL/)
    }
    await using other = await start({ ...oauth, [key]: pathToFileURL(secretFile).href })
    const sasl = {
      mechanism: 'OAUTHBEARER',
      token: () => ({ value: 'eyJhbGciOiJSUzI1NiJ9.e30.eA' }),
    }
    const options = { bootstrapServers: other.address, defaultApiTimeoutMs: 3000 }
    await using client = new Admin({ ...options, sasl: { ...sasl, mechanism: 'OAUTHBEARER' } })
    await assert.rejects(client.listTopics(), (error: Error) => !error.message.includes(SECRET))
    assert.ok(lines.some((line) => line.includes('cannot load the keys of the OAuth issuer')))
    assert.ok(!lines.some((line) => line.includes(SECRET)))
  })
})

describe('config providers', () => {
  it('CVE-2024-31141: values that clients set are never resolved', async () => {
    const reference = `\${file:${secretFile}:password}`
    await admin.createTopics([{ name: 'cve-providers' }])
    const set = async (type: 'broker' | 'topic', name: string, key: string) => {
      const changes = [{ name: key, value: reference }]
      try {
        await admin.incrementalAlterConfigs([{ type, name, changes }])
      } catch (error) {
        assert.ok(!(error instanceof TypeError), String(error))
        assert.ok(!String(error).includes(SECRET), String(error))
      }
      const described = await admin.describeConfigs([{ type, name }])
      const text = JSON.stringify([...described.values()])
      assert.ok(text.includes(key) || type === 'broker')
      assert.ok(!text.includes(SECRET))
    }
    await set('broker', '1', 'log.cleaner.threads')
    await set('broker', '1', 'listener.name.sasl_plaintext.ssl.keystore.location')
    await set('topic', 'cve-providers', 'follower.replication.throttled.replicas')
    await set('topic', 'cve-providers', 'cleanup.policy')
    assert.ok(!lines.some((line) => line.includes(SECRET)))
  })
})

describe('ACLs', () => {
  it('CVE-2024-27309: removing one of the ACLs of a resource keeps the others', async () => {
    await admin.createTopics([{ name: 'cve-acls' }])
    const acl = (operation: 'read' | 'write' | 'describe', principal = 'User:alice') =>
      ({
        principal,
        operation,
        permission: 'allow',
        resourceType: 'topic',
        resourceName: 'cve-acls',
      }) as const
    const all = [acl('read'), acl('write'), acl('describe'), acl('read', 'User:bob')]
    await admin.createAcls(all)
    await admin.deleteAcls([acl('write')])
    const left = (await admin.describeAcls()).filter(
      ({ resourceName }) => resourceName === 'cve-acls',
    )
    assert.deepEqual(left.map(({ principal, operation }) => `${principal} ${operation}`).sort(), [
      'User:alice describe',
      'User:alice read',
      'User:bob read',
    ])
    await using alice = adminOf(broker, 'alice')
    assert.deepEqual(
      [...(await alice.listTopics())].map(({ name }) => name),
      ['cve-acls'],
    )
  })
})

describe('authentication', () => {
  it('CVE-2024-56128: the last message of SCRAM must repeat the nonce of the server', async () => {
    const credential = await scramCredential('sha256', 'secret', {
      salt: Buffer.from('salt-of-a-user'),
      iterations: 4096,
    })
    const { pbkdf2Sync } = await import('node:crypto')
    const salted = pbkdf2Sync('secret', credential.salt, 4096, 32, 'sha256')
    const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash('sha256').update(clientKey).digest()
    const outcome = (change: (nonce: string) => string): string | undefined => {
      const server = new ScramServer('sha256', 'of-the-server')
      const bare = 'n=alice,r=of-the-client'
      server.begin(`n,,${bare}`)
      const challenge = server.challenge(credential)
      const nonce = /^r=([^,]*)/.exec(challenge)?.[1] ?? ''
      const final = `c=biws,r=${change(nonce)}`
      const signature = hmac(storedKey, `${bare},${challenge},${final}`)
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
      return server.finish(`${final},p=${proof.toString('base64')}`)
    }
    assert.match(outcome((nonce) => nonce) ?? '', /^v=/)
    assert.equal(
      outcome(() => 'of-the-client'),
      undefined,
    )
    assert.equal(
      outcome(() => 'of-the-clientof-another-server'),
      undefined,
    )
    assert.equal(
      outcome(() => ''),
      undefined,
    )
  })

  it('CVE-2022-34917: a client that has not authenticated allocates no memory', async () => {
    const [host = '', port = ''] = broker.address.split(':')
    const before = process.memoryUsage().arrayBuffers
    const hostile: readonly Buffer[] = [
      // Sizes of frames.
      Buffer.from([0x06, 0, 0, 0, 0, 18, 0, 3]),
      Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 3]),
      // SaslAuthenticate with a token of two gigabytes, and ApiVersions with a huge compact string.
      Buffer.from([0, 0, 0, 14, 0, 36, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
      Buffer.from([
        ...[0, 0, 0, 16, 0, 18, 0, 3, 0, 0, 0, 1, 0xff, 0xff],
        ...[0, 0xff, 0xff, 0xff, 0xff, 0x07],
      ]),
    ]
    const outcomes = await Promise.all(
      hostile.map(
        (bytes) =>
          new Promise<string>((resolve) => {
            const socket = connect(Number(port), host, () => socket.write(bytes))
            socket.on('close', () => resolve('closed'))
            socket.on('error', () => {})
            socket.resume()
          }),
      ),
    )
    assert.deepEqual(
      outcomes,
      hostile.map(() => 'closed'),
    )
    assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000)
    await admin.listTopics()
  })
})

describe('AMQP and HTTP', () => {
  let provider: JmsProvider
  before(async () => {
    provider = await JmsProvider.start({
      client: { bootstrapServers: broker.address, network: broker.network },
      config: { 'amqp.listener': '127.0.0.1:0' },
      security: broker.security,
    })
  })
  after(() => provider?.close())

  it('CVE-2026-27446, CVE-2023-46604: nothing is answered before authentication', async () => {
    const [host = '', port = ''] = provider.address.split(':')
    const open = Buffer.from('0000001902000000005310c003010000'.padEnd(50, '0'), 'hex')
    const hostile: readonly Buffer[] = [
      // An open frame without SASL, and one in the middle of it.
      Buffer.concat([Buffer.from('AMQP\0\x01\0\0', 'latin1'), open]),
      Buffer.concat([Buffer.from('AMQP\x03\x01\0\0', 'latin1'), open]),
      // OpenWire with the class of an exception, and Artemis's own protocol.
      Buffer.from(
        '\0\0\0\x60\x1fActiveMQorg.springframework.ClassPathXmlApplicationContext',
        'latin1',
      ),
      Buffer.from('\0\0\0\x10ARTEMIS federation', 'latin1'),
    ]
    for (const bytes of hostile) {
      const answer = await new Promise<Buffer>((resolve) => {
        const chunks: Buffer[] = []
        const socket = connect(Number(port), host, () => socket.write(bytes))
        socket.on('data', (chunk: Buffer) => chunks.push(chunk))
        socket.on('error', () => {})
        socket.on('close', () => resolve(Buffer.concat(chunks)))
      })
      // Performative open, 0x10, would admit the client.
      assert.ok(!answer.includes(Buffer.from([0x00, 0x53, 0x10])), answer.toString('hex'))
    }
  })

  it('CVE-2026-32642: a subscription creates no destination without CREATE', async () => {
    await admin.createAcls(
      (['topic', 'group'] as const).map((resourceType) => ({
        principal: 'User:alice',
        permission: 'allow' as const,
        operation: 'read' as const,
        resourceType,
        resourceName: 'cve-queue',
      })),
    )
    const factory = new ConnectionFactory(`amqp://${provider.address}`, {
      username: 'alice',
      password: 'secret',
    })
    const connection = await factory.createConnection()
    const session = await connection.createSession(Session.AUTO_ACKNOWLEDGE)
    await assert.rejects(
      session.createConsumer(session.createQueue('cve-queue')),
      JMSSecurityException,
    )
    await connection.close()
    const names = [...(await admin.listTopics())].map(({ name }) => name)
    assert.ok(!names.includes('cve-queue'))
  })

  it('CVE-2022-41678: the HTTP server of an agent executes no operation', async () => {
    const agent = await startAgent({
      name: 'a',
      sources: { r: { type: 'seq', totalEvents: 1, channels: ['c'] } },
      channels: { c: { type: 'memory' } },
      sinks: { k: { type: 'null', channel: 'c' } },
    })
    const server = new OperationServer(agent, { port: 0 })
    await server.start()
    const body = JSON.stringify({ type: 'exec', mbean: 'jdk.management.jfr', operation: 'x' })
    const statuses: number[] = []
    for (const path of ['/', '/api/jolokia', '/metrics', '/tap/r']) {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        statuses.push((await fetch(`http://${server.address}${path}`, { method, body })).status)
      }
    }
    assert.deepEqual([...new Set(statuses)], [405])
    await server.stop()
    await agent.stop()
  })
})
