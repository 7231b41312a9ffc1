// SPDX-License-Identifier: Apache-2.0
// The configuration in docs/guides/security.md is loaded as what it is for.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { getCiphers } from 'node:tls'
import { parseProperties, resolveReferences } from '@millrace/base'
import { BrokerConfig, brokerConfigDefinitions } from '@millrace/broker'
import { fromJavaProperties } from '@millrace/client'
import { builtIn } from '@millrace/flume'
import { destinationSettings, providerSettings } from '@millrace/jms-provider'
import { checkExposure } from '../packages/broker/src/config/exposure.ts'
import { tlsConfigOf } from '../packages/broker/src/config/tls-config.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/guides/security.md'), 'utf8')

interface Block {
  readonly section: string
  readonly text: string
}

/** Indented blocks that begin with `key=value`, with the headings above them. */
function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let section = ''
  let lines: string[] = []
  for (const line of [...text.split('\n'), '#']) {
    if (line.startsWith('    ')) lines.push(line.slice(4))
    else if (line.trim() !== '') {
      const block = lines.join('\n')
      if (/^[a-z][\w.-]*=/.test(block)) blocks.push({ section, text: block })
      lines = []
      if (line.startsWith('## ')) section = line.slice(3)
    }
  }
  return blocks
}

const LISTENER = `listeners=SASL_SSL://localhost:9092
security.inter.broker.protocol=SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location=/etc/millrace/kafka.pem
`

/**
 * Blocks of the page in order. `broker`: a configuration, appended to `base`; `isReachable` if it
 * listens on all interfaces, which needs authentication or an authorizer.
 */
const table: readonly (readonly [
  section: string,
  use:
    | 'client'
    | { readonly kind: 'broker'; readonly base?: string; readonly isReachable?: boolean },
])[] = [
  ['The first administrator', 'client'],
  ['Users with SCRAM', { kind: 'broker', isReachable: true }],
  ['Users in the configuration, with PLAIN', { kind: 'broker', base: LISTENER }],
  ['TLS', { kind: 'broker', isReachable: true }],
  ['Clients with certificates', { kind: 'broker', isReachable: true }],
  ['OAuth', { kind: 'broker', base: LISTENER }],
  ['OAuth', 'client'],
  ['OAuth', 'client'],
  ['Delegation tokens', 'client'],
  ['Authorization', { kind: 'broker' }],
  ['Secrets outside of the files', { kind: 'broker' }],
]

/** The key without the prefixes of a listener and a SASL mechanism. */
function keyOf(name: string): string {
  return name.replace(/^listener\.name\.[a-z_]+\.((plain|scram-sha-\d+|oauthbearer)\.)?/, '')
}

const blocks = blocksOf(page)

describe('the configuration in the security guide', () => {
  it('is listed here', () => {
    assert.deepEqual(
      blocks.map(({ section }) => section),
      table.map(([section]) => section),
    )
  })

  for (const [index, [section, use]] of table.entries()) {
    const kind = use === 'client' ? use : use.kind
    it(`${index + 1}, ${section}: loads as ${kind} configuration`, (context) => {
      const directory = mkdtempSync(join(tmpdir(), 'security-guide-'))
      context.after(() => rmSync(directory, { recursive: true, force: true }))
      const text = blocks[index]?.text ?? ''
      if (use === 'client') {
        // Files of the page are not there.
        const pem = join(directory, 'ca.pem')
        writeFileSync(pem, readFileSync(join(import.meta.dirname, 'testdata/tls/ca.pem')))
        const given = parseProperties(text.replaceAll('/etc/issuer-ca.pem', pem))
        const protocol = given.get('security.protocol') ?? 'SASL_SSL'
        const isOauth = text.includes('OAuthBearerLoginModule') && !given.has('sasl.mechanism')
        const properties = new Map([
          ['bootstrap.servers', 'localhost:9092'],
          ['security.protocol', protocol],
          ...(isOauth ? oauth : []),
          ...given,
        ])
        const { options, warnings } = fromJavaProperties('admin', properties)
        assert.deepEqual(warnings, [])
        assert.ok(options.sasl !== undefined)
        return
      }
      const { base = '', isReachable = false } = use
      const secrets = join(directory, 'secrets')
      mkdirSync(secrets)
      writeFileSync(join(secrets, 'tls.properties'), 'password=secret\n')
      const given = parseProperties(base + text.replaceAll('/etc/millrace/secrets', secrets))
      const resolved = resolveReferences(given, {
        environment: { MILLRACE_TOKEN_SECRET: 'secret' },
      })
      const config = new BrokerConfig(resolved)
      assert.deepEqual(config.warnings, [])
      for (const key of given.keys()) assertKnown(keyOf(key))
      if (isReachable) assert.ok(config.listeners.some(({ host }) => host === '0.0.0.0'))
      for (const { listenerName, securityProtocol } of config.listeners) {
        if (securityProtocol.endsWith('SSL')) tlsConfigOf(config, listenerName, getCiphers())
      }
      checkExposure(config)
    })
  }
})

const oauth: readonly (readonly [string, string])[] = [
  ['sasl.mechanism', 'OAUTHBEARER'],
  ['sasl.oauthbearer.token.endpoint.url', 'https://idp.example.com/token'],
  ['sasl.oauthbearer.client.credentials.client.id', 'app'],
  ['sasl.oauthbearer.client.credentials.client.secret', 'secret'],
]

const known = new Set([
  ...Object.keys(brokerConfigDefinitions),
  ...Object.keys({ ...providerSettings, ...destinationSettings }).map((name) => `amqp.${name}`),
  ...Object.values(builtIn).flatMap((components) =>
    components.flatMap(({ keys }) =>
      Object.entries(keys).map(([name, each]) => ('key' in each ? (each.key ?? name) : name)),
    ),
  ),
  // Read by the authorizer, as the URLs of a Java property, and by clients only.
  'super.users',
  'allow.everyone.if.no.acl.found',
  'sasl.oauthbearer.allowed.urls',
  'sasl.oauthbearer.header.urlencode',
])

function assertKnown(key: string): void {
  assert.ok(known.has(key) || key.startsWith('config.providers'), `${key} is not a key`)
}

/** Names with dots in the text that are not keys of a configuration. */
const OTHERS = new Set(['client.properties', 'server.properties', 'kafka.authorizer.logger'])

describe('the text of the security guide', () => {
  const prose = page
    .split('\n')
    .filter((line) => !line.startsWith('    '))
    .join('\n')
  const names = [...prose.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace(/=.*/s, ''))
  const keys = new Set(names.filter((name) => /^[a-z-]+(\.[a-z-]+)+$/.test(name)))

  it('names many keys', () => assert.ok(keys.size > 30, `${keys.size}`))
  for (const key of keys) {
    if (!OTHERS.has(key)) it(`names ${key}, which exists`, () => assertKnown(key))
  }
})
