// SPDX-License-Identifier: Apache-2.0
// TLS of AMQP listeners: formats of key and certificate, mistakes, and renewal of certificates.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { Broker } from '@millrace/broker'
import { ConnectionFactory } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import { eventually } from './until.ts'

const material = join(import.meta.dirname, '../testdata/tls')
const directory = mkdtempSync(join(tmpdir(), 'millrace-amqp-tls-'))
const path = (name: string): string => join(directory, name)
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })

let broker: Broker
before(async () => {
  broker = await Broker.start()
  const [key, certificate] = [join(material, 'server.key'), join(material, 'server.pem')]
  writeFileSync(path('both.pem'), readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8'))
  openssl('pkcs8', '-topk8', '-in', key, '-out', path('encrypted.key'), '-passout', 'pass:secret')
  const out = ['-out', path('server.p12'), '-passout', 'pass:secret']
  openssl('pkcs12', '-export', '-inkey', key, '-in', certificate, ...out)
  const trust = ['-out', path('trust.p12'), '-passout', 'pass:trusted']
  openssl('pkcs12', '-export', '-nokeys', '-in', join(material, 'ca.pem'), ...trust)
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const files = ['-keyout', path('new.key'), '-out', path('new.crt'), '-subj', '/CN=renewed']
  openssl(...kind, ...files)
})
after(async () => {
  await broker?.close()
  rmSync(directory, { recursive: true, force: true })
})

function start(config: Readonly<Record<string, string>>): Promise<JmsProvider> {
  return JmsProvider.start({
    client: { bootstrapServers: broker.address },
    config: { 'amqp.listener': 'amqps://127.0.0.1:0,wss://127.0.0.1:0', ...config },
  })
}

const certificate = { 'amqp.tls.certificate.file': join(material, 'server.pem') }
const key = { 'amqp.tls.key.file': join(material, 'server.key') }
const password = { 'amqp.tls.key.password': 'secret' }

/** Sends and receives one message. */
async function use(url: string, tls: object): Promise<void> {
  await using connection = await new ConnectionFactory(url, { tls }).createConnection()
  await connection.start()
  await using session = await connection.createSession()
  const queue = await session.createTemporaryQueue()
  await using producer = await session.createProducer(queue)
  await using consumer = await session.createConsumer(queue)
  await producer.send(session.createTextMessage('x'))
  assert.ok((await consumer.receive(5000)) !== null)
}

describe('an AMQP listener with TLS', () => {
  const ca = readFileSync(join(material, 'ca.pem'))
  const formats: readonly (readonly [string, () => Readonly<Record<string, string>>])[] = [
    ['two files, PEM', () => ({ ...certificate, ...key })],
    ['one file, PEM', () => ({ 'amqp.tls.certificate.file': path('both.pem') })],
    [
      'an encrypted key',
      () => ({ ...certificate, ...password, 'amqp.tls.key.file': path('encrypted.key') }),
    ],
    ['PKCS12', () => ({ ...password, 'amqp.tls.certificate.file': path('server.p12') })],
  ]
  for (const [name, config] of formats) {
    it(`with its key in ${name}`, async () => {
      await using provider = await start(config())
      for (const url of provider.addresses) await use(url, { ca })
    })
  }

  it('trusts the authorities of a PKCS12 file', async () => {
    await using provider = await start({
      ...certificate,
      ...key,
      'amqp.tls.ca.file': path('trust.p12'),
      'amqp.tls.ca.password': 'trusted',
      'amqp.tls.client.auth': 'required',
    })
    const own = {
      cert: readFileSync(join(material, 'client.pem')),
      key: readFileSync(join(material, 'client.key')),
    }
    for (const url of provider.addresses) {
      await use(url, { ca, ...own })
      await assert.rejects(use(url, { ca }))
    }
  })

  const mistakes: readonly (readonly [string, () => Readonly<Record<string, string>>, RegExp])[] = [
    ['no certificate', () => key, /requires amqp\.tls\.certificate\.file/],
    ['no key', () => certificate, /certificate\.file .*server\.pem: it has no private key/],
    [
      'no such file',
      () => ({ 'amqp.tls.certificate.file': path('none') }),
      /cannot read amqp\.tls\.certificate\.file .*none: ENOENT/,
    ],
    [
      'a wrong password',
      () => ({
        'amqp.tls.certificate.file': path('server.p12'),
        'amqp.tls.key.password': 'hunter2',
      }),
      /certificate\.file .*server\.p12: the password is wrong/,
    ],
    [
      'a key of another certificate',
      () => ({ ...certificate, 'amqp.tls.key.file': join(material, 'client.key') }),
      /key\.file .*client\.key: it has the key of another certificate/,
    ],
    [
      'an authority without certificates',
      () => ({ ...certificate, ...key, 'amqp.tls.ca.file': join(material, 'client.key') }),
      /ca\.file .*client\.key: it has no certificates/,
    ],
  ]
  for (const [name, config, expected] of mistakes) {
    it(`does not start with ${name}`, async () => {
      await assert.rejects(start(config()), (error: Error) => {
        assert.match(error.message, expected)
        assert.doesNotMatch(error.message, /PRIVATE KEY|secret|hunter2/)
        return true
      })
    })
  }

  it('uses a renewed certificate for new connections, and open ones stay open', async () => {
    const files = { certificate: path('changing.pem'), key: path('changing.key') }
    const put = (certificate: string, key: string): void => {
      copyFileSync(key, files.key)
      copyFileSync(certificate, files.certificate)
    }
    put(join(material, 'server.pem'), join(material, 'server.key'))
    await using provider = await start({
      'amqp.tls.certificate.file': files.certificate,
      'amqp.tls.key.file': files.key,
    })
    const open: TLSSocket[] = []
    const shakeHands = (url: string): Promise<TLSSocket> =>
      new Promise((resolve, reject) => {
        const { hostname: host, port } = new URL(url)
        const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () =>
          resolve(socket),
        )
        socket.on('error', reject)
        open.push(socket)
      })
    const subject = async (url: string): Promise<string> => {
      const socket = await shakeHands(url)
      return String(socket.getPeerCertificate().subject.CN)
    }
    for (const url of provider.addresses) assert.equal(await subject(url), 'localhost')
    await using connection = await new ConnectionFactory(provider.addresses[0] ?? '', {
      tls: { ca },
    }).createConnection()
    // A certificate without its key, as between two writes of a program that renews it.
    copyFileSync(path('new.crt'), files.certificate)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    for (const url of provider.addresses) assert.equal(await subject(url), 'localhost')
    put(path('new.crt'), path('new.key'))
    for (const url of provider.addresses) {
      await eventually(async () => assert.equal(await subject(url), 'renewed'))
    }
    await using session = await connection.createSession()
    assert.ok(await session.createTemporaryQueue())
    for (const socket of open) socket.destroy()
  })
})
