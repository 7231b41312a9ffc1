// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { resolveReferences } from '@millrace/base'
import { certificatesOf, identityOf } from '@millrace/base/keystore'
import { type ClientKinds, fromJavaProperties } from '@millrace/client'
import type { ComponentContext } from '../component.ts'
import type { CheckProblem } from '../config/keys.ts'
import { pathOf } from '../config/paths.ts'
import { ChannelError, reasonOf } from '../errors.ts'

type Entries = ReadonlyMap<string, string>

/** Accepted without effect: set by Flume itself, or specific to Java. */
const IGNORED = /^((key|value)\.(de)?serializer|ssl\.disableTLSHostnameVerification)$/

/** Keys of key stores, which `withStores` replaces. */
const STORES =
  /^ssl\.((trust|key)store\.(type|location|password)|key\.password|keymanager\.algorithm|trustmanager\.algorithm)$/

/** Configuration of a component's client, with the keys of Java's clients. */
export interface ClientConfig<K extends keyof ClientKinds> {
  readonly kind: K
  readonly bootstrapServers: string
  readonly entries: Entries
  /** Context of the component: base directory of paths, and logger of the client. */
  readonly context: Pick<ComponentContext, 'directory' | 'logger'>
}

/** Options of a client. Throws an `Error` for invalid values and unreadable key stores. */
export function clientOptions<K extends keyof ClientKinds>({
  kind,
  bootstrapServers,
  entries,
  context: { directory, logger },
}: ClientConfig<K>): ClientKinds[K] {
  const resolved = resolveReferences(entries)
  return { ...read(kind, bootstrapServers, withStores(resolved, directory)).options, logger }
}

function read<K extends keyof ClientKinds>(
  kind: K,
  bootstrapServers: string,
  entries: Entries,
): { readonly options: ClientKinds[K]; readonly warnings: readonly string[] } {
  const kept = [...entries].filter(([name]) => !IGNORED.test(name))
  const properties = new Map([...kept, ['bootstrap.servers', bootstrapServers] as const])
  if (entries.get('ssl.disableTLSHostnameVerification')?.trim() === 'true') {
    properties.set('ssl.endpoint.identification.algorithm', '')
  }
  return fromJavaProperties(kind, properties, { resolvesReferences: false })
}

/**
 * Replaces trust stores and key stores (JKS, JCEKS, PKCS12 or PEM, recognized by content) by PEM.
 */
function withStores(entries: Entries, directory: string): Entries {
  const protocol = entries.get('security.protocol')?.trim().toUpperCase() ?? ''
  if (!protocol.endsWith('SSL')) return withoutStores(entries)
  const kept = withoutStores(entries)
  const trust = entries.get('ssl.truststore.location')
  if (trust !== undefined) {
    const password = entries.get('ssl.truststore.password')
    const certificates = load(trust, directory, (bytes) => certificatesOf(bytes, password))
    kept.set('ssl.truststore.type', 'PEM')
    kept.set('ssl.truststore.certificates', certificates.join(''))
  }
  const store = entries.get('ssl.keystore.location')
  if (store !== undefined) {
    const passwords = {
      store: entries.get('ssl.keystore.password'),
      key: entries.get('ssl.key.password'),
    }
    const { key, cert } = load(store, directory, (bytes) => identityOf(bytes, passwords))
    kept.set('ssl.keystore.type', 'PEM')
    kept.set('ssl.keystore.certificate.chain', cert)
    kept.set('ssl.keystore.key', key)
  }
  return kept
}

/** Removes the keys of store files; inline PEM and its password are kept. */
function withoutStores(entries: Entries): Map<string, string> {
  const isInline = [...entries.keys()].some((name) =>
    /^ssl\.(truststore\.certificates|keystore\.(key|certificate\.chain))$/.test(name),
  )
  return new Map(
    [...entries].filter(
      ([name]) => !STORES.test(name) || (isInline && /type|key\.password/.test(name)),
    ),
  )
}

function load<T>(path: string, directory: string, open: (bytes: Buffer) => T): T {
  try {
    return open(readFileSync(pathOf(path, directory)))
  } catch (error) {
    throw new ChannelError(`cannot read the key store ${path}: ${reasonOf(error)}`, error)
  }
}

/**
 * Entries without those that config providers resolve, and without security, which may depend on
 * them: neither can be checked before the component starts.
 */
function withoutReferences(entries: Entries): Entries {
  const isReference = (value: string): boolean => /\$\{[^}]*:[^}]*\}/.test(value)
  if (!entries.has('config.providers') || ![...entries.values()].some(isReference)) return entries
  return new Map(
    [...entries].filter(
      ([name, value]) => !isReference(value) && !/^(security|sasl|ssl|config)\./.test(name),
    ),
  )
}

/**
 * Problems with such entries. Files are not read: they may be created before the component starts.
 */
export function checkClientProperties(
  kind: keyof ClientKinds,
  prefix: string,
  entries: Entries,
): CheckProblem[] {
  try {
    const { warnings } = read(kind, 'localhost:9092', withoutReferences(withoutStores(entries)))
    return warnings.flatMap((warning) => {
      const [, name, hint = ''] = /^unknown key ([^;]+)(;.*)?$/.exec(warning) ?? []
      if (name === undefined) return []
      return [{ key: `${prefix}${name}`, message: `is not known${hint}`, effect: 'none' as const }]
    })
  } catch (error) {
    const { message } = error as Error
    const named = [...entries.keys()].find((name) => message.includes(name))
    return [{ key: named === undefined ? prefix.slice(0, -1) : `${prefix}${named}`, message }]
  }
}
