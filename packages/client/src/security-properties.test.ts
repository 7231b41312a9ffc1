// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createSecureContext } from 'node:tls'
import { pathToFileURL } from 'node:url'
import { readSecurity } from './security-properties.ts'

const material = join(import.meta.dirname, '../../../test/testdata/tls')
const text = (name: string): string => readFileSync(join(material, name), 'utf8')
const directory = mkdtempSync(join(tmpdir(), 'millrace-properties-'))
after(() => rmSync(directory, { recursive: true }))
const path = (name: string): string => join(directory, name)
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
const [key, cert] = [join(material, 'client.key'), join(material, 'client.pem')]
writeFileSync(path('both.pem'), text('client.key') + text('client.pem'))
openssl(
  ...['pkcs12', '-export', '-inkey', key, '-in', cert, '-out', path('client.p12')],
  ...['-passout', 'pass:secret'],
)
openssl('pkcs8', '-topk8', '-in', key, '-out', path('secret.key'), '-passout', 'pass:secret')
writeFileSync(path('secret.pem'), readFileSync(path('secret.key'), 'utf8') + text('client.pem'))
writeFileSync(path('token'), 'a.b.c\n')

const read = (properties: Readonly<Record<string, string>>) =>
  readSecurity(new Map(Object.entries(properties)))
const inline = (name: string): string => text(name).trim().replaceAll('\n', ' ')

describe('TLS of Java properties', () => {
  const stores: readonly [title: string, properties: Readonly<Record<string, string>>][] = [
    ['PEM file', { type: 'PEM', location: path('both.pem') }],
    ['PEM file with an encrypted key', { type: 'PEM', location: path('secret.pem') }],
    ['PKCS12', { type: 'PKCS12', location: path('client.p12'), password: 'secret' }],
    ['PKCS12 of the default type', { location: path('client.p12'), password: 'secret' }],
    [
      'PEM in the properties',
      { type: 'PEM', key: text('client.key'), 'certificate.chain': text('client.pem') },
    ],
    [
      'PEM on one line',
      { type: 'PEM', key: inline('client.key'), 'certificate.chain': inline('client.pem') },
    ],
  ]
  for (const [title, store] of stores) {
    it(`has the key and the certificate of a ${title}`, () => {
      const { tls } = read({
        'security.protocol': 'SSL',
        ...Object.fromEntries(
          Object.entries(store).map(([name, value]) => [`ssl.keystore.${name}`, value]),
        ),
        ...(title.includes('encrypted') ? { 'ssl.key.password': 'secret' } : {}),
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.certificates': inline('ca.pem'),
      })
      assert.ok(tls !== undefined)
      // OpenSSL refuses a key that does not belong to the certificate.
      createSecureContext(tls)
      assert.match(String(tls.key), /BEGIN PRIVATE KEY/)
      assert.match(String(tls.cert), /BEGIN CERTIFICATE/)
    })
  }

  it('has versions and cipher suites', () => {
    const { tls } = read({
      'security.protocol': 'SSL',
      'ssl.enabled.protocols': 'TLSv1.2',
      'ssl.cipher.suites': 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384',
    })
    assert.deepEqual(tls, {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_256_GCM_SHA384',
    })
  })
})

describe('SASL of Java properties', () => {
  const oauth = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'OAUTHBEARER' }
  const module = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required'

  it('reads a token from a file for every login', async () => {
    const { sasl } = read({
      ...oauth,
      'sasl.oauthbearer.token.endpoint.url': pathToFileURL(path('token')).href,
      'sasl.jaas.config': `${module} extension_traceId="7";`,
    })
    assert.ok(sasl?.mechanism === 'OAUTHBEARER')
    assert.deepEqual(await sasl.token(), { value: 'a.b.c', extensions: { traceId: '7' } })
    writeFileSync(path('token'), 'd.e.f')
    assert.equal((await sasl.token()).value, 'd.e.f')
  })

  it('does not mistake the text of one JAAS option for another', () => {
    const { sasl } = read({
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config':
        'org.apache.kafka.common.security.plain.PlainLoginModule required password="x username=eve" username=alice;',
    })
    assert.deepEqual(sasl, { mechanism: 'PLAIN', username: 'alice', password: 'x username=eve' })
  })

  const OAUTH = 'org.apache.kafka.common.security.oauthbearer'
  const endpoint = 'https://idp.example/token'
  const client = {
    'sasl.oauthbearer.client.credentials.client.id': 'app',
    'sasl.oauthbearer.client.credentials.client.secret': 'hunter2',
  }
  const refused: readonly [title: string, Readonly<Record<string, string>>, RegExp][] = [
    ['no token endpoint', {}, /token\.endpoint\.url=: expected the https: URL/],
    ['no client id', { url: endpoint }, /client\.id=: expected a value/],
    [
      'plain http',
      { url: 'http://idp.example/token', ...client },
      /http:\/\/idp\.example\/token: expected an https: URL/,
    ],
    [
      'a user in the URL',
      { url: 'https://a:hunter2@idp.example/token', ...client },
      /expected an https: URL without a user/,
    ],
    ['another protocol', { url: 'ftp://idp.example', ...client }, /expected an https: URL/],
    [
      'another login module',
      {
        url: endpoint,
        'sasl.jaas.config':
          'com.sun.security.auth.module.JndiLoginModule required secret="hunter2";',
      },
      /sasl\.jaas\.config=…: expected the login module .*, not com\.sun/,
    ],
    [
      'a JAAS text that cannot be read',
      { url: endpoint, 'sasl.jaas.config': `${module} clientSecret="hunter2"` },
      /sasl\.jaas\.config=…: .*the semicolon at the end is missing/,
    ],
    [
      'the file of another machine',
      { url: 'file://host/t' },
      /token\.endpoint\.url=file:\/\/host\/t: expected the file: URL of a file of this machine/,
    ],
    [
      'a class that retrieves tokens',
      { url: endpoint, ...client, 'sasl.oauthbearer.jwt.retriever.class': 'com.acme.Retriever' },
      /jwt\.retriever\.class=com\.acme\.Retriever: expected org/,
    ],
    [
      'the retriever of assertions',
      {
        url: endpoint,
        ...client,
        'sasl.oauthbearer.jwt.retriever.class': `${OAUTH}.JwtBearerJwtRetriever`,
      },
      /jwt\.retriever\.class=.*JwtBearerJwtRetriever: expected org/,
    ],
    [
      'the retriever of a file for an issuer',
      {
        url: endpoint,
        ...client,
        'sasl.oauthbearer.jwt.retriever.class': `${OAUTH}.FileJwtRetriever`,
      },
      /FileJwtRetriever: expected another class/,
    ],
    [
      'a login handler',
      { url: endpoint, ...client, 'sasl.login.callback.handler.class': 'com.acme.Handler' },
      /sasl\.login\.callback\.handler\.class=com\.acme\.Handler: expected org/,
    ],
    ...(['connect', 'read'] as const).flatMap((kind) =>
      ['abc', '0', '-1', '1e3', '2147483648'].map(
        (value): [string, Readonly<Record<string, string>>, RegExp] => [
          `${kind} timeout ${value}`,
          { url: endpoint, ...client, [`sasl.login.${kind}.timeout.ms`]: value },
          new RegExp(`sasl\\.login\\.${kind}\\.timeout\\.ms=${value}: expected a number`),
        ],
      ),
    ),
    [
      'header.urlencode of yes',
      { url: endpoint, ...client, 'sasl.oauthbearer.header.urlencode': 'yes' },
      /header\.urlencode=yes: expected true, false/,
    ],
    [
      'an unreadable trust store of the issuer',
      {
        url: endpoint,
        ...client,
        'sasl.jaas.config': `${module} ssl.truststore.location="/no/such";`,
      },
      /cannot read ssl\.truststore\.location=\/no\/such/,
    ],
    [
      'an unreadable certificate for the issuer',
      {
        url: endpoint,
        ...client,
        'sasl.jaas.config': `${module} ssl.keystore.type=PEM ssl.keystore.key=hunter2;`,
      },
      /invalid ssl options of sasl\.jaas\.config: invalid tls\.key/,
    ],
  ]
  for (const [title, properties, expected] of refused) {
    it(`refuses ${title}`, () => {
      const { url, ...rest } = properties as Readonly<Record<string, string>>
      const all = {
        ...oauth,
        ...rest,
        ...(url === undefined ? {} : { 'sasl.oauthbearer.token.endpoint.url': url }),
      }
      assert.throws(
        () => read(all),
        (error: Error) => expected.test(error.message) && !error.message.includes('hunter2'),
      )
    })
  }

  const accepted: readonly [kind: string, properties: Readonly<Record<string, string>>][] = [
    [
      'DefaultJwtRetriever',
      { 'sasl.oauthbearer.jwt.retriever.class': `${OAUTH}.DefaultJwtRetriever` },
    ],
    [
      'ClientCredentialsJwtRetriever',
      { 'sasl.oauthbearer.jwt.retriever.class': `${OAUTH}.ClientCredentialsJwtRetriever` },
    ],
    [
      'the login handler of 4.4',
      { 'sasl.login.callback.handler.class': `${OAUTH}.OAuthBearerLoginCallbackHandler` },
    ],
    [
      'the login handler of 3.x',
      { 'sasl.login.callback.handler.class': `${OAUTH}.secured.OAuthBearerLoginCallbackHandler` },
    ],
    ['connect timeout', { 'sasl.login.connect.timeout.ms': '1' }],
    ['read timeout', { 'sasl.login.read.timeout.ms': '2147483647' }],
  ]
  for (const [title, properties] of accepted) {
    it(`accepts ${title}`, () => {
      const url = { 'sasl.oauthbearer.token.endpoint.url': endpoint }
      assert.equal(
        read({ ...oauth, ...url, ...client, ...properties }).sasl?.mechanism,
        'OAUTHBEARER',
      )
    })
  }

  const jaasCa = `ssl.truststore.type="PEM" ssl.truststore.location="${join(material, 'ca.pem')}"`
  const noNames = 'ssl.endpoint.identification.algorithm=""'
  const brokers = {
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(material, 'ca.pem'),
    'ssl.endpoint.identification.algorithm': '',
  }
  const issuers: readonly [
    title: string,
    host: string,
    jaas: string,
    properties: Readonly<Record<string, string>>,
    result: RegExp,
  ][] = [
    ['no ssl options', 'localhost', '', {}, /UNABLE_TO|SELF_SIGNED/],
    ['those of the brokers', 'localhost', '', brokers, /UNABLE_TO|SELF_SIGNED/],
    ['those of sasl.jaas.config', 'localhost', jaasCa, {}, /^a\.b\.c Basic YXBwOmh1bnRlcjImMg==$/],
    ['another name', '127.0.0.2', jaasCa, brokers, /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['another name, ignored', '127.0.0.2', `${jaasCa} ${noNames}`, {}, /^a\.b\.c /],
    [
      'header.urlencode',
      'localhost',
      jaasCa,
      { 'sasl.oauthbearer.header.urlencode': 'TRUE' },
      /^a\.b\.c Basic YXBwOmh1bnRlcjIlMjYy$/,
    ],
  ]
  for (const [title, host, jaas, properties, expected] of issuers) {
    it(`asks an issuer over TLS with ${title}`, async () => {
      let authorization: string | undefined
      const server = createServer(
        { key: text('server.key'), cert: text('server.pem') },
        (request, response) => {
          authorization = request.headers.authorization
          response.end(JSON.stringify({ access_token: 'a.b.c' }))
        },
      )
      await new Promise<void>((resolve) =>
        server.listen(0, host === 'localhost' ? '127.0.0.1' : host, resolve),
      )
      try {
        const { port } = server.address() as AddressInfo
        const { sasl } = read({
          ...oauth,
          'sasl.oauthbearer.client.credentials.client.id': 'app',
          'sasl.oauthbearer.client.credentials.client.secret': 'hunter2&2',
          'sasl.oauthbearer.token.endpoint.url': `https://${host}:${port}/token`,
          ...(jaas === '' ? {} : { 'sasl.jaas.config': `${module} ${jaas};` }),
          ...properties,
        })
        assert.ok(sasl?.mechanism === 'OAUTHBEARER')
        const result = await Promise.resolve(sasl.token()).then(
          ({ value }) => `${value} ${authorization}`,
          (error: Error) => error.message,
        )
        assert.match(result, expected)
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
  }
})
