// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import {
  isReadableByOthers,
  nearestSpelling,
  parseProperties,
  resolveReferences,
  systemErrorCode,
} from '@millrace/base'
import { fromJavaProperties, type TlsOptions } from '@millrace/client'
import {
  SchemaRegistryClient,
  type SchemaRegistryClientOptions,
} from '@millrace/schema-registry/serdes'
import { warnIfReadable } from '../client/server-properties.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'
import { isRegistryKey } from './registry-keys.ts'

const DEFAULT_REGISTRY = 'http://127.0.0.1:8081'
/** Time-out of one request, suitable for a terminal. */
const PATIENCE_MS = 10_000

/** Options of every command that connects to a registry. */
export const registryOptions = {
  registry: {
    value: 'URL',
    short: 'r',
    help: `registries, separated by commas (default $MILLRACE_REGISTRY or ${DEFAULT_REGISTRY})`,
  },
  user: { value: 'NAME:PASSWORD', help: 'user of basic authentication' },
  'token-file': { value: 'FILE', help: 'file with a bearer token, read for each request' },
  cacert: { value: 'FILE', help: "certificates of the registry's authority, PEM" },
  cert: { value: 'FILE', help: 'client certificate, PEM' },
  key: { value: 'FILE', help: 'private key of --cert, PEM' },
  config: {
    value: 'FILE',
    help: "a Java client's properties: schema.registry.url, basic.auth.user.info, schema.registry.ssl.*",
  },
  json: { help: 'prints JSON, one object per line' },
} satisfies Options

/** Opens the registry that the options of a `schema` command name. */
export function openRegistry(parsed: ParsedOptions): SchemaRegistryClient {
  const given = registryProperties(readConfig(parsed.value('config')))
  const user = parsed.value('user')
  const token = parsed.value('token-file')
  if (user !== undefined && token !== undefined) {
    throw new UsageError('--user and --token-file exclude each other')
  }
  // A user or token of the command line replaces those of the file.
  const { basicAuth, token: givenToken, ...others } = given
  return new SchemaRegistryClient({
    ...others,
    urls: urlsOf(parsed, given.urls),
    ...(user === undefined && token === undefined
      ? { ...(basicAuth && { basicAuth }), ...(givenToken && { token: givenToken }) }
      : credentialsOf(user, token)),
    tls: { ...given.tls, ...tlsFiles(parsed) },
  })
}

/**
 * Options for the registry of `produce` and `consume`: `--registry`, and the registry's keys in the
 * properties of the Kafka client.
 */
export function openRegistryBeside(
  parsed: ParsedOptions,
  properties: ReadonlyMap<string, string>,
): SchemaRegistryClient {
  const given = registryProperties(properties)
  return new SchemaRegistryClient({ ...given, urls: urlsOf(parsed, given.urls) })
}

function urlsOf(parsed: ParsedOptions, configured: string): string {
  const given = parsed.value('registry') ?? (configured === '' ? undefined : configured)
  const urls = given ?? process.env.MILLRACE_REGISTRY ?? DEFAULT_REGISTRY
  return urls
    .split(',')
    .map((url) => withScheme(url.trim()))
    .join(',')
}

/** `HOST:PORT` is accepted, too. */
function withScheme(url: string): string {
  const full = url.includes('://') ? url : `http://${url}`
  const protocol = URL.canParse(full) ? new URL(full).protocol : ''
  if (url === '' || (protocol !== 'http:' && protocol !== 'https:')) {
    throw new UsageError(`invalid registry ${url}: expected http://HOST:PORT or https://HOST:PORT`)
  }
  return full
}

function credentialsOf(
  user: string | undefined,
  tokenFile: string | undefined,
): Partial<SchemaRegistryClientOptions> {
  if (user !== undefined) return { basicAuth: userOf('--user', user) }
  if (tokenFile === undefined) return {}
  // Reported before the first request.
  readToken(tokenFile)
  if (isReadableByOthers(tokenFile)) {
    process.stderr.write(
      `millrace: ${tokenFile} contains a token and is readable by others; chmod 600 ${tokenFile}\n`,
    )
  }
  return { token: () => readToken(tokenFile) }
}

function readToken(file: string): string {
  const token = readText('--token-file', file).trim()
  if (token === '' || /\s/.test(token)) {
    throw new UsageError(`invalid --token-file ${file}: expected a token on one line`)
  }
  return token
}

function userOf(name: string, text: string): { username: string; password: string } {
  const at = text.indexOf(':')
  if (at <= 0) throw new UsageError(`invalid ${name}: expected NAME:PASSWORD`)
  return { username: text.slice(0, at), password: text.slice(at + 1) }
}

function tlsFiles(parsed: ParsedOptions): TlsOptions {
  const [ca, cert, key] = ['cacert', 'cert', 'key'].map((name) => {
    const file = parsed.value(name)
    return file === undefined ? undefined : readText(`--${name}`, file)
  })
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--cert and --key need each other')
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

function readText(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read ${name} ${file}: ${systemErrorCode(error) ?? error}`)
  }
}

function readConfig(file: string | undefined): Map<string, string> {
  if (file === undefined) return new Map()
  const properties = parseProperties(readText('--config', file))
  warnIfReadable(file, properties)
  return properties
}

const known = [
  'schema.registry.url',
  'basic.auth.credentials.source',
  'basic.auth.user.info',
  'bearer.auth.credentials.source',
  'bearer.auth.token',
  'schema.registry.basic.auth.credentials.source',
  'schema.registry.basic.auth.user.info',
  'schema.registry.bearer.auth.token',
]

/** Options in the keys of Java's serializers; `urls` is empty without `schema.registry.url`. */
function registryProperties(
  given: ReadonlyMap<string, string>,
): SchemaRegistryClientOptions & { readonly urls: string } {
  const properties = resolveReferences(given)
  const value = (name: string): string | undefined =>
    properties.get(name) ?? properties.get(`schema.registry.${name}`)
  const ssl = new Map<string, string>()
  for (const [key, text] of properties) {
    if (key.startsWith('schema.registry.ssl.')) {
      ssl.set(key.slice('schema.registry.'.length), text)
    } else if (isRegistryKey(key) && !known.includes(key)) {
      const nearest = nearestSpelling(key, known)
      const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
      process.stderr.write(`millrace: ${key} is ignored${hint}\n`)
    }
  }
  const source = value('basic.auth.credentials.source') ?? 'URL'
  if (source !== 'URL' && source !== 'USER_INFO') {
    throw new UsageError(
      `invalid basic.auth.credentials.source=${source}: expected URL or USER_INFO`,
    )
  }
  const user = value('basic.auth.user.info')
  const token = value('bearer.auth.token')
  return {
    urls: properties.get('schema.registry.url') ?? '',
    ...(user === undefined ? {} : { basicAuth: userOf('basic.auth.user.info', user) }),
    ...(token === undefined ? {} : { token }),
    ...(ssl.size === 0 ? {} : { tls: tlsProperties(ssl) }),
    timeoutMs: PATIENCE_MS,
    maxRetries: 0,
  }
}

/** The registry's TLS keys are those of a Kafka client, with a prefix. */
function tlsProperties(ssl: ReadonlyMap<string, string>): TlsOptions {
  const { options, warnings } = fromJavaProperties(
    'admin',
    new Map([['bootstrap.servers', 'registry:443'], ['security.protocol', 'SSL'], ...ssl]),
  )
  for (const warning of warnings) process.stderr.write(`millrace: schema.registry.${warning}\n`)
  return typeof options.tls === 'object' ? options.tls : {}
}
