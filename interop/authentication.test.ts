// SPDX-License-Identifier: Apache-2.0
// Logins by clients in four languages and ours, with every mechanism, with and without TLS: a login
// has the same outcome on millrace and on Apache Kafka 4.4.0, and the same user results from it.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Admin, type DelegationToken } from '@millrace/client'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type Login, type LoginClient, type LoginOutcome, loginClients } from './logins.ts'
import { execute } from './peers.ts'
import {
  type BrokerName,
  brokerNames,
  type SecuredBroker,
  type SecurityProtocol,
  startSecured,
} from './secured-brokers.ts'

const directory = mkdtempSync(join(tmpdir(), 'authentication-'))
const file = (name: string): string => join(directory, name)
const tls = join(import.meta.dirname, '../test/testdata/tls')
const ca = join(tls, 'ca.pem')
const jwks = file('jwks.json')
const classes = 'org.apache.kafka.common.security'

/** Length of sessions on the listeners that limit them, milliseconds. */
const SESSION_MS = 2000
/** Time for which clients are used there. */
const HOLD_MS = 3 * SESSION_MS

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
type Mechanism = (typeof mechanisms)[number]

/** Users by mechanism, each with a topic that only it sees. */
const users: Readonly<Record<Mechanism | 'certificate', string>> = {
  PLAIN: 'paul',
  'SCRAM-SHA-256': 'sam',
  'SCRAM-SHA-512': 'sonja',
  OAUTHBEARER: 'olga',
  certificate: 'cert-alice',
}
const topicOf = (user: string): string => `topic-of-${user}`

const saslListeners: Readonly<Record<string, SecurityProtocol>> = {
  SASL: 'SASL_PLAINTEXT',
  SASLTLS: 'SASL_SSL',
  SHORT: 'SASL_PLAINTEXT',
  SHORTTLS: 'SASL_SSL',
  ONLYPLAIN: 'SASL_PLAINTEXT',
  ONLYPLAINTLS: 'SASL_SSL',
  ONLYSCRAM: 'SASL_PLAINTEXT',
  ONLYSCRAMTLS: 'SASL_SSL',
  BOTH: 'SASL_SSL',
  EITHER: 'SASL_SSL',
}
const listeners: Readonly<Record<string, SecurityProtocol>> = {
  OPEN: 'PLAINTEXT',
  MTLS: 'SSL',
  ...saslListeners,
}

function settings(): string[] {
  const plain = `${classes}.plain.PlainLoginModule required username="admin" password="admin-secret" user_admin="admin-secret" user_${users.PLAIN}="secret";`
  const scram = `${classes}.scram.ScramLoginModule required;`
  const oauth = `${classes}.oauthbearer.OAuthBearerLoginModule required;`
  const handler = `${classes}.oauthbearer.OAuthBearerValidatorCallbackHandler`
  const jaas = Object.keys(saslListeners).flatMap((name) => {
    const prefix = `listener.name.${name.toLowerCase()}`
    return [
      `${prefix}.plain.sasl.jaas.config=${plain}`,
      `${prefix}.scram-sha-256.sasl.jaas.config=${scram}`,
      `${prefix}.scram-sha-512.sasl.jaas.config=${scram}`,
      `${prefix}.oauthbearer.sasl.jaas.config=${oauth}`,
      `${prefix}.oauthbearer.sasl.server.callback.handler.class=${handler}`,
    ]
  })
  const limits = ['short', 'shorttls'].flatMap((name) =>
    mechanisms.map(
      (mechanism) =>
        `listener.name.${name}.${mechanism.toLowerCase()}.connections.max.reauth.ms=${SESSION_MS}`,
    ),
  )
  const narrow = ['', 'tls'].flatMap((suffix) => [
    `listener.name.onlyplain${suffix}.sasl.enabled.mechanisms=PLAIN`,
    `listener.name.onlyscram${suffix}.sasl.enabled.mechanisms=SCRAM-SHA-512`,
  ])
  return [
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users=User:admin',
    'auto.create.topics.enable=false',
    'delegation.token.secret.key=secret of the tokens',
    `listener.security.protocol.map=CONTROLLER:SASL_PLAINTEXT,${Object.entries(listeners)
      .map((pair) => pair.join(':'))
      .join(',')}`,
    'inter.broker.listener.name=SASL',
    'sasl.mechanism.inter.broker.protocol=PLAIN',
    'sasl.mechanism.controller.protocol=PLAIN',
    `listener.name.controller.plain.sasl.jaas.config=${plain}`,
    'listener.name.controller.sasl.enabled.mechanisms=PLAIN',
    `sasl.enabled.mechanisms=${mechanisms.join(',')}`,
    `sasl.oauthbearer.jwks.endpoint.url=${pathToFileURL(jwks).href}`,
    'sasl.oauthbearer.expected.audience=kafka',
    'sasl.oauthbearer.expected.issuer=https://idp',
    'sasl.oauthbearer.clock.skew.seconds=0',
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${file('server.pem')}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${ca}`,
    'listener.name.mtls.ssl.client.auth=required',
    'listener.name.both.ssl.client.auth=required',
    'listener.name.either.ssl.client.auth=requested',
    // It applies to listeners without SASL only, unless it has their prefix.
    'ssl.client.auth=required',
    'ssl.principal.mapping.rules=RULE:^CN=(.*)$/cert-$1/,DEFAULT',
    ...jaas,
    ...limits,
    ...narrow,
  ]
}

/** Issues tokens: `/login?lifetime=SECONDS`, with `once` always the same to one login. */
async function startIssuer(): Promise<{ readonly server: Server; readonly url: string }> {
  const keys = await generateKeyPair('RS256')
  const others = await generateKeyPair('RS256')
  writeFileSync(
    jwks,
    JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k' }] }),
  )
  const issued = new Map<string, Promise<string>>()
  const issue = (given: URLSearchParams): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    const lifetime = Number(given.get('lifetime') ?? 3600)
    return new SignJWT({ scope: 'kafka' })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .setSubject(users.OAUTHBEARER)
      .setIssuer('https://idp')
      .setAudience(given.get('audience') ?? 'kafka')
      .setIssuedAt(now - 60)
      .setExpirationTime(now + lifetime)
      .sign((given.has('forged') ? others : keys).privateKey)
  }
  const server = createServer((request, response) => {
    const { searchParams, href } = new URL(request.url ?? '', 'http://localhost')
    const known = searchParams.has('once') ? issued.get(href) : undefined
    const token = known ?? issue(searchParams)
    issued.set(href, token)
    // Clients believe that the token is valid: what counts is what the broker says.
    const expiresAtMs = Date.now() + 3_600_000
    void token.then((value) =>
      response.end(JSON.stringify({ token: value, expiresAtMs, subject: users.OAUTHBEARER })),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A certificate of an unknown authority, as a client's. */
async function makeStranger(): Promise<void> {
  const { code, stderr } = await execute('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=alice'],
    ...['-keyout', file('stranger.key'), '-out', file('stranger-certificate.pem')],
  ])
  assert.equal(code, 0, stderr)
  const read = (path: string): string => readFileSync(path, 'utf8')
  const stranger = ['stranger.key', 'stranger-certificate.pem'].map(file)
  writeFileSync(file('stranger.pem'), stranger.map(read).join(''))
  for (const name of ['server', 'client']) {
    const parts = [join(tls, `${name}.key`), join(tls, `${name}.pem`)]
    writeFileSync(file(`${name}.pem`), parts.map(read).join(''))
  }
}

const knownTls = {
  certificate: join(tls, 'client.pem'),
  key: join(tls, 'client.key'),
  keystore: file('client.pem'),
}
const strangerTls = {
  certificate: file('stranger-certificate.pem'),
  key: file('stranger.key'),
  keystore: file('stranger.pem'),
}

/** What comes of a login that fails. */
type Failure =
  /** The broker says that the credentials are wrong. */
  | 'credentials'
  /** The session ends, and the credentials are no longer right. */
  | 'expired'
  /** The broker says that it does not have the mechanism. */
  | 'mechanism'
  /** The broker says that the request is out of place. */
  | 'state'
  /** TLS fails for want of a certificate. */
  | 'certificate'
  /** The port speaks TLS, and the client does not. */
  | 'no TLS'
  /** The broker closes the connection. */
  | 'no Kafka'
type Expected = Failure | { readonly user: string }

interface Case {
  readonly listener: string
  readonly login: Omit<Login, 'address' | 'ca' | 'protocol' | 'isAnswered'> & {
    /** If it differs from the listener's. */
    readonly protocol?: SecurityProtocol
  }
  readonly expected: Expected
  /** Outcome for a client that does not present its certificate. */
  readonly ifNotPresented?: Expected
}

function credentialsOf(mechanism: Mechanism) {
  return mechanism === 'OAUTHBEARER'
    ? { mechanism, tokenUrl: '/token' }
    : { mechanism, username: users[mechanism], password: 'secret' }
}

/** All logins with a mechanism and a password or an OAuth token. */
function casesOf(mechanism: Mechanism, isTls: boolean): Case[] {
  const suffix = isTls ? 'TLS' : ''
  const about = `${mechanism} over ${isTls ? 'TLS' : 'TCP'}`
  const user = users[mechanism]
  const right = credentialsOf(mechanism)
  const base = { ...right, topic: topicOf(user), holdMs: 0 }
  const on = (listener: string, what: string, expected: Expected, changes: object = {}): Case => {
    const name = `${about}, ${what}`
    return { listener: `${listener}${suffix}`, login: { ...base, ...changes, name }, expected }
  }
  const bad =
    mechanism === 'OAUTHBEARER'
      ? [
          on('SASL', 'expired token', 'credentials', { tokenUrl: '/token?lifetime=-30' }),
          on('SASL', 'forged token', 'credentials', { tokenUrl: '/token?forged=1' }),
          on('SASL', 'token for others', 'credentials', { tokenUrl: '/token?audience=web' }),
          on('SASL', 'token that expires while connected', 'expired', {
            tokenUrl: `/token?once=1&lifetime=4&${suffix}`,
            holdMs: 12_000,
          }),
        ]
      : [
          on('SASL', 'wrong password', 'credentials', { password: 'wrong' }),
          on('SASL', 'empty password', 'credentials', { password: ' ' }),
          on('SASL', 'unknown user', 'credentials', { username: 'nobody' }),
        ]
  return [
    on('SASL', 'right credentials', { user }),
    ...bad,
    on(mechanism === 'PLAIN' ? 'ONLYSCRAM' : 'ONLYPLAIN', 'not enabled', 'mechanism'),
    on('SHORT', 'short sessions', { user }, { holdMs: HOLD_MS }),
  ]
}

/** Logins with a delegation token of the SCRAM user, which both mechanisms accept. */
function tokenCases(isTls: boolean): Case[] {
  const user = users['SCRAM-SHA-256']
  return (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).flatMap((mechanism) => {
    const base = { mechanism, isToken: true as const, topic: topicOf(user), holdMs: 0 }
    const about = `${mechanism} over ${isTls ? 'TLS' : 'TCP'}`
    const listener = isTls ? 'SASLTLS' : 'SASL'
    return [
      { listener, login: { ...base, name: `${about}, delegation token` }, expected: { user } },
      {
        listener,
        login: { ...base, name: `${about}, delegation token with a wrong HMAC`, password: 'wrong' },
        expected: 'credentials' as const,
      },
    ]
  })
}

/** SASL on listeners that request or require a certificate: the SASL user counts. */
function bothCases(): Case[] {
  return mechanisms.flatMap((mechanism) => {
    const user = users[mechanism]
    const base = { ...credentialsOf(mechanism), topic: topicOf(user), holdMs: 0 }
    const on = (
      listener: string,
      what: string,
      expected: Expected,
      changes: object = {},
    ): Case => ({
      listener,
      login: { ...base, ...changes, name: `${mechanism} ${what}` },
      expected,
    })
    const wrong =
      mechanism === 'OAUTHBEARER' ? { tokenUrl: '/token?forged=1' } : { password: 'wrong' }
    return [
      on('BOTH', 'and a certificate', { user }, knownTls),
      on('BOTH', 'without the required certificate', 'certificate'),
      on('BOTH', 'with a certificate of an unknown authority', 'certificate', strangerTls),
      on('BOTH', 'with wrong credentials and a certificate', 'credentials', {
        ...knownTls,
        ...wrong,
      }),
      on('EITHER', 'without a requested certificate', { user }),
      on('EITHER', 'with a requested certificate', { user }, knownTls),
      {
        ...on(
          'EITHER',
          'with a requested certificate of an unknown authority',
          'certificate',
          strangerTls,
        ),
        ifNotPresented: { user },
      },
    ]
  })
}

/** Certificates, and clients whose security differs from that of the listener. */
function otherCases(): Case[] {
  const user = users.certificate
  const base = { topic: topicOf(user), holdMs: 0 }
  const plain = credentialsOf('PLAIN')
  return [
    {
      listener: 'MTLS',
      login: { ...base, ...knownTls, name: 'TLS with a certificate' },
      expected: { user },
    },
    {
      listener: 'MTLS',
      login: { ...base, name: 'TLS without a certificate' },
      expected: 'certificate',
    },
    {
      listener: 'MTLS',
      login: { ...base, ...strangerTls, name: 'TLS with a certificate of an unknown authority' },
      expected: 'certificate',
    },
    {
      listener: 'MTLS',
      login: { ...base, name: 'PLAINTEXT to a TLS port', protocol: 'PLAINTEXT' },
      expected: 'no TLS',
    },
    {
      listener: 'SASLTLS',
      login: { ...base, ...plain, name: 'SASL to a TLS port', protocol: 'SASL_PLAINTEXT' },
      expected: 'no TLS',
    },
    {
      listener: 'OPEN',
      login: { ...base, ...knownTls, name: 'TLS to a PLAINTEXT port', protocol: 'SSL' },
      expected: 'no Kafka',
    },
    {
      listener: 'SASL',
      login: { ...base, ...plain, name: 'TLS to a SASL port', protocol: 'SASL_SSL' },
      expected: 'no Kafka',
    },
    {
      listener: 'OPEN',
      login: { ...base, ...plain, name: 'SASL to a PLAINTEXT port', protocol: 'SASL_PLAINTEXT' },
      expected: 'state',
    },
    {
      listener: 'SASL',
      login: { ...base, name: 'PLAINTEXT to a SASL port', protocol: 'PLAINTEXT' },
      expected: 'no Kafka',
    },
  ]
}

const cases: readonly Case[] = [
  ...mechanisms.flatMap((mechanism) => [false, true].flatMap((isTls) => casesOf(mechanism, isTls))),
  ...[false, true].flatMap(tokenCases),
  ...bothCases(),
  ...otherCases(),
]

/** The cases as they are for a client: what it cannot do has another outcome. */
function casesFor({ hasTokens, presentsAnyCertificate }: LoginClient): Case[] {
  return cases.map((each): Case => {
    // Without the extension a token is a user with an unknown name.
    if (each.login.isToken === true && !hasTokens) return { ...each, expected: 'credentials' }
    const { ifNotPresented } = each
    if (ifNotPresented === undefined || presentsAnyCertificate) return each
    return { ...each, expected: ifNotPresented }
  })
}

/** A broker with users and topics. */
interface Prepared {
  readonly broker: SecuredBroker
  readonly token: DelegationToken
  /** URL of the issuer of tokens. */
  readonly issuer: string
}

async function prepare(name: BrokerName, issuer: string): Promise<Prepared> {
  const broker = await startSecured(name, {
    listeners,
    settings: settings(),
    credentials: (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).map(
      (mechanism) => `${mechanism}=[name=${users[mechanism]},password=secret]`,
    ),
    jvmOptions: [
      `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${pathToFileURL(jwks).href}`,
      `-Dorg.apache.kafka.sasl.oauthbearer.allowed.files=${jwks}`,
    ],
  })
  return { broker, token: await createTopicsAndToken(broker), issuer }
}

/** A case with what is known only when the broker runs. */
function loginOf(
  { listener, login, expected }: Case,
  { broker, token, issuer }: Prepared,
  client: string,
): Login {
  const { tokenUrl, isToken } = login
  const to = new URL(tokenUrl ?? '/', issuer)
  // A token that is issued once belongs to one client of one broker.
  to.searchParams.set('for', `${client} ${broker.name}`)
  return {
    protocol: listeners[listener] ?? 'PLAINTEXT',
    ...login,
    ...(tokenUrl === undefined ? {} : { tokenUrl: to.href }),
    ...(isToken === true ? { username: token.tokenId } : {}),
    ...(isToken === true && login.password === undefined
      ? { password: token.hmac.toString('base64') }
      : {}),
    isAnswered: isAnswered(expected),
    address: broker.address(listener),
    ca,
  }
}

async function createTopicsAndToken(broker: SecuredBroker): Promise<DelegationToken> {
  const bootstrapServers = broker.address('SASL')
  const as = (mechanism: 'PLAIN' | 'SCRAM-SHA-256', username: string, password: string) =>
    new Admin({ bootstrapServers, sasl: { mechanism, username, password } })
  await using admin = as('PLAIN', 'admin', 'admin-secret')
  const names = Object.values(users)
  await admin.createTopics(names.map((user) => ({ name: topicOf(user), numPartitions: 1 })))
  await admin.createAcls(
    names.flatMap((user) =>
      (['read', 'write'] as const).map((operation) => ({
        resourceType: 'topic' as const,
        resourceName: topicOf(user),
        patternType: 'literal' as const,
        principal: `User:${user}`,
        host: '*',
        operation,
        permission: 'allow' as const,
      })),
    ),
  )
  await using owner = as('SCRAM-SHA-256', users['SCRAM-SHA-256'], 'secret')
  return await owner.createDelegationToken()
}

/** Outcomes of each client by kind of failure. */
const failures: Readonly<Record<string, Readonly<Record<Failure, RegExp>>>> = {
  Java: {
    credentials: /^SaslAuthenticationException$/,
    expired: /^(TimeoutException|SaslAuthenticationException|IllegalSaslStateException)$/,
    mechanism: /^UnsupportedSaslMechanismException$/,
    state: /^IllegalSaslStateException$/,
    certificate: /^SslAuthenticationException$/,
    // It reads an alert as the size of a response.
    'no TLS': /^(TimeoutException|OutOfMemoryError)$/,
    'no Kafka': /^TimeoutException$/,
  },
  librdkafka: {
    credentials: /^_AUTHENTICATION$/,
    expired: /^_AUTHENTICATION$/,
    mechanism: /^_AUTHENTICATION$/,
    state: /^_AUTHENTICATION$/,
    certificate: /^(disconnected|_SSL)$/,
    'no TLS': /^disconnected$/,
    'no Kafka': /^(disconnected|_SSL)$/,
  },
  'kafka-python': {
    credentials: /^SaslAuthenticationFailedError$/,
    expired:
      /^(SaslAuthenticationFailedError|KafkaConnectionError|KafkaTimeoutError|nothing consumed)$/,
    mechanism: /^UnsupportedSaslMechanismError$/,
    state: /^IllegalSaslStateError$/,
    certificate: /^KafkaConnectionError$/,
    'no TLS': /^(KafkaConnectionError|InvalidReceiveError)$/,
    'no Kafka': /^KafkaConnectionError$/,
  },
  'franz-go': {
    credentials: /^SASL_AUTHENTICATION_FAILED$/,
    expired: /^(ILLEGAL_SASL_STATE|SASL_AUTHENTICATION_FAILED|closed|timeout)$/,
    mechanism: /^UNSUPPORTED_SASL_MECHANISM$/,
    state: /^ILLEGAL_SASL_STATE$/,
    certificate: /^TLS alert$/,
    'no TLS': /^TLS alert without TLS$/,
    'no Kafka': /^closed$/,
  },
  millrace: {
    credentials: /^SASL_AUTHENTICATION_FAILED$/,
    expired: /^SASL_AUTHENTICATION_FAILED$/,
    mechanism: /^UNSUPPORTED_SASL_MECHANISM$/,
    state: /^ILLEGAL_SASL_STATE$/,
    certificate: /^MILLRACE_(DISCONNECTED|TLS)$/,
    'no TLS': /^MILLRACE_FOREIGN_PROTOCOL$/,
    'no Kafka': /^MILLRACE_DISCONNECTED$/,
  },
}

/** Whether the broker answers with an error of SASL. */
function isAnswered(expected: Expected): boolean {
  return expected === 'credentials' || expected === 'mechanism' || expected === 'state'
}

/** An outcome without what differs between two connections. */
function comparable({ outcome, details }: LoginOutcome, expected: Expected): LoginOutcome {
  if (typeof expected === 'object') return { outcome, details }
  // How a client notices that a connection ended depends on timing.
  if (!isAnswered(expected)) return { outcome: expected, details: '' }
  const text = details
    .replace(/localhost:\d+(\/\w+)?/g, 'ADDRESS')
    .replace(/ \(after .*?\)/g, '')
    .replace(/<KafkaConnection .*?>/g, 'CONNECTION')
  return { outcome, details: text }
}

describe('logins', () => {
  const issuer = startIssuer()
  const outcomes = new Map<string, ReadonlyMap<string, LoginOutcome>>()

  before(async () => {
    const { url } = await issuer
    await makeStranger()
    await Promise.all(
      brokerNames.map(async (name) => {
        const prepared = await prepare(name, url)
        await using _broker = prepared.broker
        for (const client of loginClients) {
          const logins = casesFor(client).map((each) => loginOf(each, prepared, client.name))
          outcomes.set(`${client.name} ${name}`, await client.run(logins))
        }
      }),
    )
  })
  after(async () => (await issuer).server.close())

  for (const client of loginClients) {
    describe(`by ${client.name}`, () => {
      for (const { login, expected } of casesFor(client)) {
        it(login.name, () => {
          const [ours, theirs] = brokerNames.map((name) =>
            outcomes.get(`${client.name} ${name}`)?.get(login.name),
          )
          assert.ok(ours !== undefined && theirs !== undefined, 'no outcome')
          const what = `ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`
          const answered = [ours, theirs].filter(
            ({ outcome }) => !missesLastResponse(client.name, outcome, expected),
          )
          if (answered.length === 1) {
            const outcome = answered[0]?.outcome ?? ''
            // Cast: only answers to failures are missed.
            assert.match(outcome, failures[client.name]?.[expected as Failure] ?? /^$/, what)
            return
          }
          if (typeof expected === 'object') {
            assert.equal(theirs.outcome, `accepted ${topicOf(expected.user)}`, what)
          } else {
            for (const { outcome } of [ours, theirs]) {
              assert.match(outcome, failures[client.name]?.[expected] ?? /^$/, what)
            }
          }
          assert.deepEqual(comparable(ours, expected), comparable(theirs, expected), what)
        })
      }
    })
  }
})

/**
 * Whether the client did not see why the peer rejected it: kafka-python may notice that the
 * connection is closed before it reads the last response.
 */
function missesLastResponse(client: string, outcome: string, expected: Expected): boolean {
  const isRejected = typeof expected === 'string' && isAnswered(expected)
  return client === 'kafka-python' && isRejected && outcome === 'KafkaConnectionError'
}
