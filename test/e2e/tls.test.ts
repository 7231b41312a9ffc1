// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { Broker, type BrokerOptions } from '@millrace/broker'
import { Admin, type ClientOptions } from '@millrace/client'
import { eventually } from './until.ts'

const material = join(import.meta.dirname, '../testdata/tls')
const text = (name: string): string => readFileSync(join(material, name), 'utf8')
const ca = text('ca.pem')
const directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const path = (name: string): string => join(directory, name)

const pem = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': path('server-both.pem') }
const trust = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': join(material, 'ca.pem') }
const listener = {
  listeners: 'SSL://127.0.0.1:0',
  'security.inter.broker.protocol': 'SSL',
}

before(() => {
  writeFileSync(path('server-both.pem'), text('server.key') + text('server.pem'))
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  const key = join(material, 'server.key')
  openssl('pkcs8', '-topk8', '-in', key, '-out', path('secret.key'), '-passout', 'pass:secret')
  writeFileSync(path('secret.pem'), readFileSync(path('secret.key'), 'utf8') + text('server.pem'))
  const cert = join(material, 'server.pem')
  openssl(
    ...['pkcs12', '-export', '-inkey', key, '-in', cert, '-out', path('server.p12')],
    '-passout',
    'pass:secret',
  )
  // The same subject and names, another key; and another subject.
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  for (const [file, subject] of [
    ['renewed', '/CN=localhost'],
    ['other', '/CN=elsewhere'],
  ] as const) {
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', path(`${file}.key`), '-out', path(`${file}.crt`), '-days', '1000'],
      ...['-subj', subject, '-addext', names],
    )
    writeFileSync(
      path(`${file}.pem`),
      readFileSync(path(`${file}.key`), 'utf8') + readFileSync(path(`${file}.crt`), 'utf8'),
    )
  }
})

async function start(
  config: Readonly<Record<string, string>>,
  options: BrokerOptions = {},
): Promise<Broker> {
  return Broker.start({ ...options, config: { ...listener, ...config } })
}

/** Works against the broker as a client. */
async function use(broker: Broker, tls: ClientOptions['tls'] = { ca }): Promise<void> {
  await using admin = new Admin({
    bootstrapServers: broker.address,
    ...(tls === undefined ? {} : { tls }),
    defaultApiTimeoutMs: 3000,
  })
  await admin.listTopics()
}

/** A TLS connection whose handshake is complete. */
async function handshake(broker: Broker, options: object = {}): Promise<TLSSocket> {
  const port = Number(broker.address.split(':')[1])
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () =>
      resolve(socket),
    )
    socket.on('error', reject)
  })
}

describe('a TLS listener', () => {
  const stores: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['PEM', pem],
    [
      'inline PEM',
      {
        'ssl.keystore.key': text('server.key'),
        'ssl.keystore.certificate.chain': text('server.pem'),
      },
    ],
    [
      'PEM with an encrypted key',
      { ...pem, 'ssl.keystore.location': path('secret.pem'), 'ssl.key.password': 'secret' },
    ],
    [
      'PKCS12',
      {
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.location': path('server.p12'),
        'ssl.keystore.password': 'secret',
      },
    ],
    [
      'a value for this listener',
      { 'listener.name.ssl.ssl.keystore.location': path('server-both.pem') },
    ],
  ]
  for (const [name, config] of stores) {
    it(`with its key in ${name}`, async () => {
      await using broker = await start(config)
      await use(broker)
    })
  }

  const jks = join(import.meta.dirname, '../../packages/base/src/keystore/testdata/key.jks')
  const mistakes: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['no key', {}, /Missing configuration ssl\.keystore\.location for listener SSL/],
    [
      'no such file',
      { ...pem, 'ssl.keystore.location': path('none') },
      /none for .*ssl\.keystore\.location: it cannot be read: ENOENT/,
    ],
    [
      'JKS',
      { 'ssl.keystore.location': jks },
      /is a JKS key store; convert it with: keytool -importkeystore -srckeystore \S+key\.jks -destkeystore \S+key\.p12 -deststoretype PKCS12/,
    ],
    [
      'a wrong password',
      { 'ssl.keystore.location': path('server.p12'), 'ssl.keystore.password': 'wrong' },
      /cannot be used: the password is wrong/,
    ],
    [
      'a wrong key password',
      { 'ssl.keystore.location': path('secret.pem'), 'ssl.key.password': 'wrong' },
      /cannot be used/,
    ],
    [
      'a key of another certificate',
      {
        'ssl.keystore.key': readFileSync(join(material, 'client.key'), 'utf8'),
        'ssl.keystore.certificate.chain': text('server.pem'),
      },
      /\[hidden\] .*ssl\.keystore\.key: it cannot be used: .*key values mismatch/,
    ],
    [
      'half of inline PEM',
      { 'ssl.keystore.key': text('server.key') },
      /Missing configuration ssl\.keystore\.certificate\.chain/,
    ],
    [
      'both',
      { ...pem, 'ssl.keystore.key': 'x', 'ssl.keystore.certificate.chain': 'y' },
      /no value beside ssl\.keystore\.key/,
    ],
    ['a password of PEM', { ...pem, 'ssl.keystore.password': 'x' }, /expected no value with PEM/],
    [
      'client authentication without trust',
      { ...pem, 'ssl.client.auth': 'required' },
      /Missing configuration ssl\.truststore\.location/,
    ],
    [
      'an old protocol',
      { ...pem, 'ssl.enabled.protocols': 'TLSv1.1' },
      /expected TLSv1\.2, TLSv1\.3 or both/,
    ],
    [
      'an unknown cipher suite',
      { ...pem, 'ssl.cipher.suites': 'TLS_NONE' },
      /TLS_NONE .*expected names as/,
    ],
    [
      'an unknown choice',
      { ...pem, 'listener.name.ssl.ssl.client.auth': 'maybe' },
      /expected one of/,
    ],
    [
      'an invalid rule',
      { ...pem, 'ssl.principal.mapping.rules': 'RULE:x' },
      /ssl\.principal\.mapping\.rules/,
    ],
  ]
  for (const [name, config, expected] of mistakes) {
    it(`does not start with ${name}`, async () => {
      await assert.rejects(start(config), (error: Error) => {
        assert.match(error.message, expected)
        assert.doesNotMatch(error.message, /PRIVATE KEY/)
        return true
      })
    })
  }

  it('uses the configured protocols and cipher suites', async () => {
    await using broker = await start({
      ...pem,
      'ssl.enabled.protocols': 'TLSv1.2',
      'ssl.cipher.suites':
        'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    })
    const socket = await handshake(broker)
    assert.equal(socket.getProtocol(), 'TLSv1.2')
    assert.match(socket.getCipher().name, /^ECDHE-(RSA|ECDSA)-AES256-GCM-SHA384$/)
    socket.destroy()
    await assert.rejects(handshake(broker, { minVersion: 'TLSv1.3' }))
  })

  const client = { ca, key: text('client.key'), cert: text('client.pem') }

  it('requires a certificate, and maps its subject to a principal', async () => {
    const seen: string[] = []
    await using broker = await start(
      { ...pem, ...trust, 'ssl.client.auth': 'required' },
      {
        principalBuilder: ({ tls, securityProtocol }) => {
          seen.push(`${securityProtocol} ${tls?.distinguishedName}`)
          return { name: 'x' }
        },
      },
    )
    await use(broker, client)
    assert.ok(seen.length > 0 && seen.every((each) => each === 'SSL CN=alice'), String(seen))
    await assert.rejects(use(broker))
    const other = {
      ca,
      key: readFileSync(path('other.key')),
      cert: readFileSync(path('other.crt')),
    }
    await assert.rejects(use(broker, other))
    await use(broker, client)
  })

  it('closes a client whose subject no rule maps', async () => {
    await using broker = await start({
      ...pem,
      ...trust,
      'ssl.client.auth': 'requested',
      'ssl.principal.mapping.rules': 'RULE:^CN=nobody$/x/',
    })
    await assert.rejects(use(broker, client))
    await use(broker)
  })

  it('requests a certificate without requiring one, but rejects an untrusted one', async () => {
    await using broker = await start({ ...pem, ...trust, 'ssl.client.auth': 'requested' })
    await use(broker)
    await use(broker, client)
    const other = {
      ca,
      key: readFileSync(path('other.key')),
      cert: readFileSync(path('other.crt')),
    }
    await assert.rejects(use(broker, other))
  })

  // Java's alert. A client that reads it knows that the port speaks TLS.
  const internalError = '15030300020250'
  const strangers: readonly (readonly [what: string, start: Buffer, answer: string])[] = [
    ['Kafka without TLS', Buffer.from('00000012001200030000000100076b', 'hex'), internalError],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), internalError],
    ['AMQP', Buffer.from('414d515003010000', 'hex'), internalError],
    ['zeros', Buffer.alloc(64), internalError],
    // OpenSSL's own alert, decode_error.
    ['an empty ClientHello', Buffer.from('160301000401000000', 'hex'), '15030300020232'],
  ]
  it('answers what is not TLS with an alert', async () => {
    await using broker = await start(pem)
    const port = Number(broker.address.split(':')[1])
    for (const [what, start, expected] of strangers) {
      const answer = await new Promise<string>((resolve) => {
        const socket = connectPlain(port, '127.0.0.1', () => socket.write(start))
        let all = ''
        socket.setEncoding('hex').on('data', (data) => {
          all += data
        })
        socket.on('error', () => {}).on('close', () => resolve(all))
      })
      assert.equal(answer, expected, what)
    }
    await assert.rejects(use(broker, false), { code: 'MILLRACE_FOREIGN_PROTOCOL' })
  })

  it('speaks SASL over TLS', async () => {
    await using broker = await Broker.start({
      config: {
        ...pem,
        listeners: 'SASL_SSL://127.0.0.1:0',
        'security.inter.broker.protocol': 'SASL_SSL',
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        // Of listeners without SASL.
        'ssl.client.auth': 'required',
      },
      scramUsers: ['SCRAM-SHA-512=[name=alice,password=secret]'],
    })
    const login = (password: string): Admin =>
      new Admin({
        bootstrapServers: broker.address,
        tls: { ca },
        sasl: { mechanism: 'SCRAM-SHA-512', username: 'alice', password },
      })
    await using admin = login('secret')
    await admin.listTopics()
    await using wrong = login('wrong')
    await assert.rejects(wrong.listTopics(), { code: 'SASL_AUTHENTICATION_FAILED' })
  })

  it('holds a connection above max.connections before its handshake', async () => {
    await using broker = await start({ ...pem, 'max.connections': '1' })
    const first = await handshake(broker)
    let isHeld = true
    const second = handshake(broker).then((socket) => {
      isHeld = false
      return socket
    })
    const closing = handshake(broker)
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.ok(isHeld)
    first.destroy()
    const served = await second
    await broker.close()
    await assert.rejects(closing, 'held until the broker closes')
    served.destroy()
  })

  it('loads a renewed certificate while connections stay open', async () => {
    const file = path('changing.pem')
    const put = (name: string): void => writeFileSync(file, readFileSync(path(name)))
    put('server-both.pem')
    const lines: string[] = []
    const log = (line: string) => void lines.push(line)
    await using broker = await start(
      { ...pem, 'ssl.keystore.location': file, 'ssl.allow.san.changes': 'true' },
      { logger: { debug: log, info: log, warn: log, error: log } },
    )
    const serial = async (): Promise<string | undefined> => {
      const socket = await handshake(broker)
      const { serialNumber } = socket.getPeerCertificate()
      socket.destroy()
      return serialNumber
    }
    const first = await serial()
    const open = await handshake(broker)
    put('other.pem')
    await eventually(async () =>
      assert.ok(lines.some((line) => /keeps its old certificate/.test(line))),
    )
    assert.equal(await serial(), first, 'another subject is rejected')
    writeFileSync(file, 'half a fi')
    const count = lines.length
    await eventually(async () => assert.ok(lines.length > count))
    assert.equal(await serial(), first)
    put('renewed.pem')
    await eventually(async () => assert.notEqual(await serial(), first))
    assert.equal(open.destroyed, false)
    open.destroy()
  })

  it('changes its certificate by AlterConfigs, and rejects one that cannot be used', async () => {
    await using broker = await start(pem)
    await using admin = new Admin({
      bootstrapServers: broker.address,
      tls: { rejectUnauthorized: false },
    })
    const alter = (value: string, allow = 'false') =>
      admin.incrementalAlterConfigs([
        {
          type: 'broker',
          name: '1',
          changes: [
            { name: 'listener.name.ssl.ssl.keystore.location', value },
            ...(allow === 'true'
              ? [
                  { name: 'listener.name.ssl.ssl.allow.dn.changes', value: allow },
                  { name: 'listener.name.ssl.ssl.allow.san.changes', value: allow },
                ]
              : []),
          ],
        },
      ])
    await assert.rejects(alter(path('none')), {
      code: 'INVALID_REQUEST',
      message: /cannot be read/,
    })
    await assert.rejects(alter(path('other.pem')), {
      code: 'INVALID_REQUEST',
      message: /another subject/,
    })
    await alter(path('other.pem'), 'true')
    await eventually(async () => {
      const socket = await handshake(broker)
      const { subject } = socket.getPeerCertificate()
      socket.destroy()
      assert.equal(subject.CN, 'elsewhere')
    })
  })
})
