// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { parseProperties, systemErrorCode } from '@millrace/base'
import { Admin, type ClientKinds, type ClientOptions, fromJavaProperties } from '@millrace/client'
import type { Options, ParsedOptions } from '../options.ts'
import { isRegistryKey } from '../schema/registry-keys.ts'
import { UsageError } from '../usage-error.ts'
import { BrokerWatch } from './broker-watch.ts'
import { warnIfReadable } from './server-properties.ts'

/** Brokers of commands without `--bootstrap`. */
export const DEFAULT_BOOTSTRAP = '127.0.0.1:9092'
/** Timeout for a cluster that does not reply, suitable for a terminal. */
const PATIENCE_MS = 5000

/** One watch for all clients of a command. */
let watch: BrokerWatch | undefined

/** Options of every command that connects to a cluster. */
export const connectionOptions = {
  bootstrap: {
    value: 'HOST:PORT',
    short: 'b',
    help: `brokers, separated by commas (default $MILLRACE_BOOTSTRAP or ${DEFAULT_BOOTSTRAP})`,
  },
  config: {
    value: 'FILE',
    help: "a Java client's properties: security, timeouts and so on (client.properties)",
  },
  'command-config': { value: 'FILE', help: "the same as --config, as Kafka's tools call it" },
  set: {
    value: 'KEY=VALUE',
    multiple: true,
    help: 'one such property, overrides the file; may be repeated',
  },
  json: { help: 'prints JSON, one object per line' },
} satisfies Options

/** Converts command line options to client options. Ignored properties are reported on stderr. */
export function clientOptions<Kind extends keyof ClientKinds>(
  kind: Kind,
  parsed: ParsedOptions,
): ClientKinds[Kind] {
  const properties = clientProperties(parsed)
  // They are of the serializers, for which Java's clients share the file.
  for (const key of properties.keys()) if (isRegistryKey(key)) properties.delete(key)
  const bootstrap = parsed.value('bootstrap')
  if (bootstrap !== undefined) properties.set('bootstrap.servers', bootstrap)
  if (!properties.has('bootstrap.servers')) {
    properties.set('bootstrap.servers', process.env.MILLRACE_BOOTSTRAP ?? DEFAULT_BOOTSTRAP)
  }
  const { options, warnings } = fromJavaProperties(kind, properties)
  for (const warning of warnings) process.stderr.write(`millrace: ${warning}\n`)
  const patience =
    kind === 'producer' ? { maxBlockMs: PATIENCE_MS } : { defaultApiTimeoutMs: PATIENCE_MS }
  checkBootstrap(bootstrap === undefined ? 'bootstrap.servers' : '--bootstrap', properties)
  const { bootstrapServers } = options
  const count =
    typeof bootstrapServers === 'string'
      ? bootstrapServers.split(',').length
      : bootstrapServers.length
  watch ??= new BrokerWatch().start()
  return { clientId: 'millrace-cli', ...patience, ...options, network: watch.network(count) }
}

/** A Java client's properties in the file of `--config`, with `--set` over them. */
export function clientProperties(parsed: ParsedOptions): Map<string, string> {
  const properties = readProperties(parsed, parsed.has('config') ? 'config' : 'command-config')
  for (const [key, value] of pairs(parsed, 'set')) properties.set(key, value)
  return properties
}

/** Client options of servers over a cluster, with `--command-config`. */
export function clusterClient(
  parsed: ParsedOptions,
  bootstrap = parsed.value('bootstrap') ?? '',
): ClientOptions {
  const properties = readProperties(parsed, 'command-config')
  properties.set('bootstrap.servers', bootstrap)
  checkBootstrap('--bootstrap', properties)
  const { options, warnings } = fromJavaProperties('admin', properties)
  for (const warning of warnings) process.stderr.write(`millrace: ${warning}\n`)
  const { bootstrapServers, tls, sasl } = options
  return {
    bootstrapServers,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

/** A Java client's properties in the file that an option names. */
export function readProperties(parsed: ParsedOptions, name: string): Map<string, string> {
  const file = parsed.value(name)
  if (file === undefined) return new Map()
  try {
    const properties = parseProperties(readFileSync(file, 'utf8'))
    warnIfReadable(file, properties)
    return properties
  } catch (error) {
    throw new UsageError(`cannot read --${name} ${file}: ${systemErrorCode(error) ?? error}`)
  }
}

function checkBootstrap(name: string, properties: ReadonlyMap<string, string>): void {
  for (const address of properties.get('bootstrap.servers')?.split(',') ?? []) {
    if (!/:\d{1,5}$/.test(address.trim())) {
      throw new UsageError(`invalid ${name} ${address}: expected HOST:PORT`)
    }
  }
}

export function openAdmin(parsed: ParsedOptions): Admin {
  return new Admin(clientOptions('admin', parsed))
}

/** Values of an option of the form `KEY=VALUE`. */
export function pairs(parsed: ParsedOptions, name: string): [key: string, value: string][] {
  return parsed.values(name).map((pair) => {
    const at = pair.indexOf('=')
    if (at <= 0) throw new UsageError(`invalid --${name} ${pair}: expected KEY=VALUE`)
    return [pair.slice(0, at).trim(), pair.slice(at + 1)]
  })
}
