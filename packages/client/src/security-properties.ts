// SPDX-License-Identifier: Apache-2.0
// Security of a Java client's configuration: `security.protocol`, `ssl.*` and `sasl.*`.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MillraceError, openSslCipherName, parseJaas, tlsVersions } from '@millrace/base'
import { certificatesOf, identityOf } from '@millrace/base/keystore'
import { clientCredentials } from './network/oauth-client.ts'
import { type OAuthToken, type SaslOptions, saslMechanisms } from './network/sasl.ts'
import { checkTls, type TlsOptions } from './network/tls.ts'

type Properties = ReadonlyMap<string, string>

/** Keys that are read here. */
export const securityKeys: readonly string[] = [
  'security.protocol',
  'sasl.mechanism',
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.connect.timeout.ms',
  'sasl.login.read.timeout.ms',
  'sasl.oauthbearer.token.endpoint.url',
  'sasl.oauthbearer.client.credentials.client.id',
  'sasl.oauthbearer.client.credentials.client.secret',
  'sasl.oauthbearer.header.urlencode',
  'sasl.oauthbearer.jwt.retriever.class',
  'sasl.oauthbearer.scope',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.certificates',
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.key.password',
  'ssl.enabled.protocols',
  'ssl.cipher.suites',
  'ssl.endpoint.identification.algorithm',
]

/** Keys that apply to Java only. */
export const javaOnlySecurityKeys: readonly string[] = [
  'sasl.client.callback.handler.class',
  'sasl.login.class',
  'sasl.login.refresh.buffer.seconds',
  'sasl.login.refresh.min.period.seconds',
  'sasl.login.refresh.window.factor',
  'sasl.login.refresh.window.jitter',
  'sasl.login.retry.backoff.ms',
  'sasl.login.retry.backoff.max.ms',
  'sasl.kerberos.kinit.cmd',
  'sasl.kerberos.min.time.before.relogin',
  'sasl.kerberos.service.name',
  'sasl.kerberos.ticket.renew.jitter',
  'sasl.kerberos.ticket.renew.window.factor',
  'security.providers',
  'ssl.engine.factory.class',
  'ssl.keymanager.algorithm',
  'ssl.protocol',
  'ssl.provider',
  'ssl.secure.random.implementation',
  'ssl.trustmanager.algorithm',
]

const STORE_TYPES = ['PEM', 'PKCS12', 'JKS', 'JCEKS']

/** Values of these keys appear in no message. */
const HIDDEN = /password|secret|jaas|\.key$/

function refuse(key: string, value: string, allowed: string): never {
  const shown = HIDDEN.test(key) && value !== '' ? '…' : value
  throw new MillraceError('MILLRACE_INVALID_CONFIG', `invalid ${key}=${shown}: expected ${allowed}`)
}

/** Reads the security of a client. Throws `MILLRACE_INVALID_CONFIG`. */
export function readSecurity(given: Properties): {
  readonly tls?: TlsOptions
  readonly sasl?: SaslOptions
} {
  const protocol = (given.get('security.protocol') ?? 'PLAINTEXT').trim().toUpperCase()
  const allowed = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
  if (!allowed.includes(protocol)) refuse('security.protocol', protocol, allowed.join(', '))
  return {
    ...(protocol.endsWith('SSL') ? { tls: readTls(given) } : {}),
    ...(protocol.startsWith('SASL') ? { sasl: readSasl(given) } : {}),
  }
}

function readTls(given: Properties): TlsOptions {
  const tls: TlsOptions = { ...trustOf(given), ...identityOptions(given), ...versionsOf(given) }
  const suites = listOf(given, 'ssl.cipher.suites')
  if (suites.length > 0) tls.ciphers = suites.map(openSslCipherName).join(':')
  // Java's way to disable host name verification; the certificate itself is still verified.
  if (given.get('ssl.endpoint.identification.algorithm')?.trim() === '') {
    tls.checkServerIdentity = () => undefined
  }
  return tls
}

function trustOf(given: Properties): Pick<TlsOptions, 'ca'> {
  const type = storeType(given, 'ssl.truststore.type')
  const inline = given.get('ssl.truststore.certificates')
  if (inline !== undefined) {
    if (type !== 'PEM') refuse('ssl.truststore.type', type, 'PEM with ssl.truststore.certificates')
    return { ca: multiline(inline) }
  }
  const key = 'ssl.truststore.location'
  const trusted = load(given, key, (bytes) =>
    certificatesOf(bytes, given.get('ssl.truststore.password')),
  )
  return trusted === undefined ? {} : { ca: trusted }
}

function identityOptions(given: Properties): Pick<TlsOptions, 'cert' | 'key' | 'passphrase'> {
  const type = storeType(given, 'ssl.keystore.type')
  const cert = given.get('ssl.keystore.certificate.chain')
  const key = given.get('ssl.keystore.key')
  if (cert !== undefined || key !== undefined) {
    if (type !== 'PEM') refuse('ssl.keystore.type', type, 'PEM with ssl.keystore.key')
    const passphrase = given.get('ssl.key.password')
    return {
      ...(cert === undefined ? {} : { cert: multiline(cert) }),
      ...(key === undefined ? {} : { key: multiline(key) }),
      ...(passphrase === undefined ? {} : { passphrase }),
    }
  }
  const passwords = {
    store: given.get('ssl.keystore.password'),
    key: given.get('ssl.key.password'),
  }
  return load(given, 'ssl.keystore.location', (bytes) => identityOf(bytes, passwords)) ?? {}
}

/** The type is only checked: a store is recognized by its content. */
function storeType(given: Properties, key: string): string {
  const type = (given.get(key) ?? 'JKS').trim().toUpperCase()
  if (!STORE_TYPES.includes(type)) refuse(key, type, STORE_TYPES.join(', '))
  return type
}

function load<T>(given: Properties, key: string, open: (bytes: Buffer) => T): T | undefined {
  const path = given.get(key)
  if (path === undefined || path.trim() === '') return undefined
  try {
    return open(readFileSync(path))
  } catch (cause) {
    throw new MillraceError(
      'MILLRACE_INVALID_CONFIG',
      `cannot read ${key}=${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

/** PEM that is written on one line, as in properties files, with the lines that OpenSSL needs. */
function multiline(pem: string): string {
  return pem.replace(
    /(-----BEGIN [A-Z ]+-----)[ \t]*([A-Za-z0-9+/= \t]+?)[ \t]*(-----END [A-Z ]+-----)/g,
    (_all, begin: string, body: string, end: string) =>
      [begin, ...(body.replaceAll(/\s/g, '').match(/.{1,64}/g) ?? []), end, ''].join('\n'),
  )
}

function versionsOf(given: Properties): Pick<TlsOptions, 'minVersion' | 'maxVersion'> {
  const enabled = listOf(given, 'ssl.enabled.protocols')
  if (enabled.length === 0) return {}
  const unknown = enabled.find((name) => !tlsVersions.some((version) => version === name))
  const known = tlsVersions.filter((version) => enabled.includes(version))
  const [minVersion] = known
  const maxVersion = known.at(-1)
  if (unknown !== undefined || minVersion === undefined || maxVersion === undefined) {
    return refuse('ssl.enabled.protocols', enabled.join(','), tlsVersions.join(', '))
  }
  return { minVersion, maxVersion }
}

function listOf(given: Properties, key: string): string[] {
  return (given.get(key) ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

const MODULES: Readonly<Record<(typeof saslMechanisms)[number], string>> = {
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  'SCRAM-SHA-256': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  'SCRAM-SHA-512': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  OAUTHBEARER: 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule',
}

/** `sasl.jaas.config` contains the login module and its options in Java's notation. */
function readSasl(given: Properties): SaslOptions {
  const name = (given.get('sasl.mechanism') ?? 'GSSAPI').trim()
  const mechanism = saslMechanisms.find((known) => known === name)
  if (mechanism === undefined) return refuse('sasl.mechanism', name, saslMechanisms.join(', '))
  const options = jaasOptions(given, mechanism)
  checkLoginHandler(given, mechanism)
  if (mechanism === 'OAUTHBEARER') return { mechanism, token: tokenSource(given, options) }
  const [username, password] = [options.get('username'), options.get('password')]
  if (username === undefined || password === undefined) {
    const jaas = given.get('sasl.jaas.config') ?? ''
    return refuse('sasl.jaas.config', jaas, 'a login module with username and password')
  }
  const tokenAuth = options.get('tokenauth')?.toLowerCase() === 'true'
  return { mechanism, username, password, ...(tokenAuth ? { tokenAuth } : {}) }
}

function jaasOptions(
  given: Properties,
  mechanism: (typeof saslMechanisms)[number],
): ReadonlyMap<string, string> {
  const text = given.get('sasl.jaas.config')
  if (text === undefined || text.trim() === '') return new Map()
  let entry: ReturnType<typeof parseJaas>
  try {
    entry = parseJaas(text)
  } catch (error) {
    const reason = (error as Error).message
    return refuse('sasl.jaas.config', text, `${MODULES[mechanism]} required …; (${reason})`)
  }
  // No other class is ever looked up (CVE-2023-25194, CVE-2025-27818).
  if (entry.module !== MODULES[mechanism]) {
    refuse('sasl.jaas.config', text, `the login module ${MODULES[mechanism]}, not ${entry.module}`)
  }
  return entry.options
}

const SECURITY = 'org.apache.kafka.common.security'
const OAUTH = `${SECURITY}.oauthbearer`

/** Kafka's own login callback handlers: what they do is built in. */
const loginHandlers = {
  PLAIN: [`${SECURITY}.authenticator.AbstractLogin$DefaultLoginCallbackHandler`],
  OAUTHBEARER: [
    `${OAUTH}.OAuthBearerLoginCallbackHandler`,
    `${OAUTH}.secured.OAuthBearerLoginCallbackHandler`,
    `${OAUTH}.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler`,
  ],
} as const

function checkLoginHandler(given: Properties, mechanism: (typeof saslMechanisms)[number]): void {
  const key = 'sasl.login.callback.handler.class'
  const handler = given.get(key)?.trim() ?? ''
  const allowed: readonly string[] =
    loginHandlers[mechanism === 'OAUTHBEARER' ? mechanism : 'PLAIN']
  if (handler !== '' && !allowed.includes(handler)) refuse(key, handler, allowed.join(', '))
}

/** Kafka's own retrievers of tokens, by what the endpoint must be. */
const retrievers: Readonly<Record<string, 'any' | 'file' | 'issuer'>> = {
  [`${OAUTH}.DefaultJwtRetriever`]: 'any',
  [`${OAUTH}.FileJwtRetriever`]: 'file',
  [`${OAUTH}.ClientCredentialsJwtRetriever`]: 'issuer',
}

function checkRetriever(given: Properties, endpoint: string): void {
  const key = 'sasl.oauthbearer.jwt.retriever.class'
  const name = given.get(key)?.trim() ?? ''
  if (name === '') return
  const kind = Object.hasOwn(retrievers, name) ? retrievers[name] : undefined
  if (kind === undefined) refuse(key, name, Object.keys(retrievers).join(', '))
  if (kind === 'any' || endpoint.startsWith('file:') === (kind === 'file')) return
  const is = endpoint.startsWith('file:') ? 'a file' : 'no file'
  refuse(key, name, `another class, because sasl.oauthbearer.token.endpoint.url is ${is}`)
}

/** A number of milliseconds, or undefined if the key has no value. */
function timeoutOf(given: Properties, key: string): number | undefined {
  const value = given.get(key)?.trim() ?? ''
  if (value === '') return undefined
  const ms = /^\d+$/.test(value) ? Number(value) : 0
  if (ms >= 1 && ms <= 0x7fffffff) return ms
  return refuse(key, value, 'a number of milliseconds from 1 to 2147483647')
}

function booleanOf(given: Properties, key: string): boolean {
  const value = given.get(key)?.trim().toLowerCase() ?? 'false'
  return value === 'true' || (value !== 'false' && refuse(key, value, 'true, false'))
}

/** TLS to the issuer is configured in `sasl.jaas.config` only: it is not that of the brokers. */
function issuerTls(jaas: ReadonlyMap<string, string>): TlsOptions | undefined {
  const options = new Map([...jaas].filter(([name]) => name.startsWith('ssl.')))
  return options.size === 0 ? undefined : readTls(options)
}

function checkIssuerTls(tls: TlsOptions): void {
  try {
    checkTls(tls)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `invalid ssl options of sasl.jaas.config: ${reason}`
    throw new MillraceError('MILLRACE_INVALID_CONFIG', message, { cause })
  }
}

function tokenFile(key: string, endpoint: string): string {
  try {
    return fileURLToPath(endpoint)
  } catch {
    return refuse(key, endpoint, 'the file: URL of a file of this machine, as file:///path')
  }
}

/** How tokens are obtained (KIP-768, KIP-1139). */
function tokenSource(
  given: Properties,
  jaas: ReadonlyMap<string, string>,
): () => OAuthToken | Promise<OAuthToken> {
  const extensions = Object.fromEntries(
    [...jaas].flatMap(([name, value]) => {
      const key = /^extension_(.+)$/.exec(name)?.[1]
      return key === undefined ? [] : [[key, value]]
    }),
  )
  const withExtensions = Object.keys(extensions).length === 0 ? {} : { extensions }
  const endpointKey = 'sasl.oauthbearer.token.endpoint.url'
  const endpoint = given.get(endpointKey)?.trim() ?? ''
  checkRetriever(given, endpoint)
  const connectTimeoutMs = timeoutOf(given, 'sasl.login.connect.timeout.ms')
  const timeoutMs = timeoutOf(given, 'sasl.login.read.timeout.ms')
  const headerUrlencode = booleanOf(given, 'sasl.oauthbearer.header.urlencode')
  if (endpoint === '') {
    const subject = jaas.get('unsecuredLoginStringClaim_sub')
    if (subject === undefined) {
      return refuse(
        endpointKey,
        '',
        'the https: URL of the token endpoint, or the file: URL of a token',
      )
    }
    return () => ({ value: unsecuredToken(subject), ...withExtensions })
  }
  if (endpoint.startsWith('file:')) {
    const path = tokenFile(endpointKey, endpoint)
    // Read for every login: the token of a workload is replaced before it expires.
    return () => ({ value: readToken(path), ...withExtensions })
  }
  const key = 'sasl.oauthbearer.client.credentials.client'
  const clientId = given.get(`${key}.id`) ?? jaas.get('clientId')
  const clientSecret = given.get(`${key}.secret`) ?? jaas.get('clientSecret')
  if (clientId === undefined || clientSecret === undefined) {
    return refuse(`${key}.${clientId === undefined ? 'id' : 'secret'}`, '', 'a value')
  }
  const scope = given.get('sasl.oauthbearer.scope') ?? jaas.get('scope')
  const tls = issuerTls(jaas)
  if (tls !== undefined) checkIssuerTls(tls)
  try {
    return clientCredentials({
      tokenUrl: endpoint,
      clientId,
      clientSecret,
      headerUrlencode,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
      ...(tls === undefined ? {} : { tls }),
      ...(scope === undefined ? {} : { scope }),
      ...withExtensions,
    })
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MILLRACE_INVALID_OPTION') throw error
    return refuse(
      endpointKey,
      endpoint.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/s, ''),
      'an https: URL without a user, or a file: URL',
    )
  }
}

/** Reads a token. What else a file contains is neither sent nor shown (CVE-2025-27817). */
function readToken(path: string): string {
  const text = load(new Map([['token', path]]), 'token', (bytes) => bytes.toString('utf8').trim())
  if (text !== undefined && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)) return text
  throw new MillraceError('MILLRACE_OAUTH_TOKEN', `${path} is no token of three parts`)
}

/** A token without a signature, for tests and development (RFC 7515, Appendix A.5). */
export function unsecuredToken(subject: string, lifetimeMs = 3_600_000): string {
  const encode = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url')
  const iat = Date.now() / 1000
  return `${encode({ alg: 'none' })}.${encode({ sub: subject, iat, exp: iat + lifetimeMs / 1000 })}.`
}
