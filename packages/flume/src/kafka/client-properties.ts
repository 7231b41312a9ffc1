// SPDX-License-Identifier: Apache-2.0
import { type ClientKinds, fromJavaProperties } from '@millrace/client'

/** Set by Flume itself, or of no meaning outside Java: they may stand there. */
const IGNORED = /^((key|value)\.(de)?serializer|ssl\.disableTLSHostnameVerification)$/

/**
 * Options of a client from the entries of a component, spelled as Java's clients spell them. Throws what the client says of values
 * that are not allowed.
 */
export function clientOptions<K extends keyof ClientKinds>(
  kind: K,
  bootstrapServers: string,
  entries: ReadonlyMap<string, string>,
): ClientKinds[K] {
  return read(kind, bootstrapServers, entries).options
}

function read<K extends keyof ClientKinds>(
  kind: K,
  bootstrapServers: string,
  entries: ReadonlyMap<string, string>,
): { readonly options: ClientKinds[K]; readonly warnings: readonly string[] } {
  const kept = [...entries].filter(([name]) => !IGNORED.test(name))
  const properties = new Map([...kept, ['bootstrap.servers', bootstrapServers] as const])
  if (entries.get('ssl.disableTLSHostnameVerification')?.trim() === 'true') {
    properties.set('ssl.endpoint.identification.algorithm', '')
  }
  return fromJavaProperties(kind, properties)
}

/** What is wrong with such entries, as problems of the component. */
export function checkClientProperties(
  kind: keyof ClientKinds,
  prefix: string,
  entries: ReadonlyMap<string, string>,
): { readonly key: string; readonly message: string }[] {
  try {
    return read(kind, 'localhost:9092', entries)
      .warnings.filter((warning) => warning.includes('is not known'))
      .map((warning) => {
        const [name = '', ...rest] = warning.split(' ')
        return { key: `${prefix}${name}`, message: rest.join(' ') }
      })
  } catch (error) {
    return [{ key: prefix.slice(0, -1), message: (error as Error).message }]
  }
}
