// SPDX-License-Identifier: Apache-2.0
import { type EarlyListener, isLoopback, type Logger } from '@millrace/base'
import type { ClientOptions } from '@millrace/client'
import type { SchemaRegistry } from '@millrace/schema-registry'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'
import { LazyRegistry } from './lazy-registry.ts'
import { explainListen, inUseMessage, isTaken } from './listen-failures.ts'

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 8081
const PREFIX = 'registry.'
const ADVICE = 'choose another with --registry HOST:PORT, or --registry none'
const LISTENER = 'registry.listener'

/** A registry that `millrace start` serves. */
export interface EmbeddedRegistry {
  /** URL of its first listener. */
  readonly address: string
  /** Stops it. */
  close(): Promise<void>
}

/** Keys of Confluent's registry that no broker has. */
const ownKeys =
  /^(kafkastore\.|schema\.(compatibility|validate|registry)\.|avro\.compatibility\.level$|mode\.mutability$|(leader|master)\.eligibility$|kafkagroup\.)/

/** Whether a key of the configuration file belongs to the schema registry. */
export function isRegistrySetting(key: string): boolean {
  return key.startsWith(PREFIX) || ownKeys.test(key)
}

/** The registry's settings, with `--registry` over them. */
export function embeddedRegistrySettings(
  settings: ReadonlyMap<string, string>,
  parsed: ParsedOptions,
): Map<string, string> {
  const own = new Map([...settings].filter(([key]) => isRegistrySetting(key)))
  const listen = parsed.value('registry')
  if (listen !== undefined) own.set(LISTENER, listen)
  const isAnyPort = /:0(,|$)/.test(settings.get('listeners') ?? '')
  if (!own.has(LISTENER) && isAnyPort) own.set(LISTENER, `${DEFAULT_HOST}:0`)
  return own
}

/** Whether the settings ask for a registry in this process. */
export function hasEmbeddedRegistry(settings: ReadonlyMap<string, string>): boolean {
  return settings.get(LISTENER) !== 'none'
}

/** Where the registry of `millrace start` listens, and over which cluster. */
export interface EmbeddedRegistryOptions {
  /** Settings of `embeddedRegistrySettings`. */
  readonly settings: ReadonlyMap<string, string>
  /** Connection to the broker. */
  readonly client: ClientOptions
  /** Whether other machines may reach it without authentication. */
  readonly isInsecure: boolean
  /** Receives warnings and errors. */
  readonly logger: Logger
}

/**
 * Starts the registry, or listens for its first client. Undefined if it is disabled, or if the
 * default port is in use by another program.
 */
export async function startEmbeddedRegistry(
  options: EmbeddedRegistryOptions,
): Promise<EmbeddedRegistry | undefined> {
  const { settings } = options
  const isRequested = settings.has(LISTENER) || settings.has(`${PREFIX}listeners`)
  const listener = settings.get(LISTENER) ?? `${DEFAULT_HOST}:${DEFAULT_PORT}`
  if (listener === 'none') return undefined
  try {
    return await start(options, parseAddress(listener), listener)
  } catch (error) {
    if (!isRequested && isTaken(error)) {
      const message = inUseMessage('the schema registry', listener)
      process.stderr.write(`millrace: ${message}; started without it\n`)
      return undefined
    }
    throw explainListen(error, 'the schema registry', listener, ADVICE)
  }
}

async function start(
  { settings, client, isInsecure, logger }: EmbeddedRegistryOptions,
  { host, port }: { readonly host: string; readonly port: number },
  listener: string,
): Promise<EmbeddedRegistry> {
  const config = new Map(
    [...settings]
      .filter(([key]) => key !== LISTENER)
      .map(([key, value]) => [key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key, value]),
  )
  // Settings are checked, and an open listener is refused, at the start; the default needs neither.
  const isPlain = config.size === 0 && isLoopback(host)
  if (!config.has('listeners')) config.set('listeners', `http://${listener}`)
  if (isInsecure) config.set('millrace.insecure', 'true')
  const load = async (early?: EarlyListener): Promise<SchemaRegistry> => {
    const { SchemaRegistry } = await import('@millrace/schema-registry')
    const socket = early === undefined ? {} : { listener: early }
    return SchemaRegistry.start({ client, config, logger, ...socket })
  }
  return isPlain ? LazyRegistry.listen({ host, port, start: load, logger }) : load()
}

/** Host and port of `HOST:PORT`, with an IPv6 host in brackets. */
function parseAddress(listener: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(listener) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65_535) {
    throw new UsageError(
      `invalid --registry ${listener}: expected HOST:PORT, with an IPv6 host in brackets, or none`,
    )
  }
  return { host, port: Number(port) }
}
