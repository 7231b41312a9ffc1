// SPDX-License-Identifier: Apache-2.0

import {
  type ClientNetwork,
  type Clock,
  type Logger,
  MillraceError,
  nearestSpelling,
  nodeWorld,
  type Random,
  silentLogger,
} from '@millrace/base'
import type { SaslOptions } from './network/sasl.ts'
import type { TlsOptions } from './network/tls.ts'

/** Options of every client. Names are Java's, in camel case; defaults are Java's unless noted. */
export interface ClientOptions {
  /**
   * `host:port` of one or more brokers, as a list or separated by commas. The other brokers are
   * found through them.
   */
  readonly bootstrapServers: string | readonly string[]
  /** Sent with every request; appears in the broker's logs and quotas. Default `millrace`. */
  readonly clientId?: string
  /** Uses TLS; `true` for Node's defaults, else options of `tls.connect`. */
  readonly tls?: boolean | TlsOptions
  /** Mechanism and credentials of SASL. Default: none. */
  readonly sasl?: SaslOptions
  /**
   * Time-out of a request; then its connection is closed and the request fails or is retried.
   * Default 30,000.
   */
  readonly requestTimeoutMs?: number
  /** Time-out of connecting. Default 10,000. */
  readonly socketConnectionSetupTimeoutMs?: number
  /**
   * Wait before a failed request is retried, doubled each time up to `retryBackoffMaxMs`. Default
   * 100.
   */
  readonly retryBackoffMs?: number
  /** Longest wait between two attempts. Default 1000. */
  readonly retryBackoffMaxMs?: number
  /** Wait before connecting again, doubled each time up to `reconnectBackoffMaxMs`. Default 50. */
  readonly reconnectBackoffMs?: number
  /** Longest wait between two attempts to connect. Default 1000. */
  readonly reconnectBackoffMaxMs?: number
  /** Age at which metadata is refreshed without a reason. Default 300,000. */
  readonly metadataMaxAgeMs?: number
  /** Connections without a request for this long are closed. Default 540,000. */
  readonly connectionsMaxIdleMs?: number
  /** Largest reply that is accepted, bytes. Default 512 MiB. */
  readonly receiveMessageMaxBytes?: number
  /** Receives warnings and errors. Default: none. */
  readonly logger?: Logger
  /** Network to use. Default: sockets. An embedded broker's `network` stays within the process. */
  readonly network?: ClientNetwork
  /** Clock and randomness. Default: those of Node. */
  readonly world?: { readonly clock: Clock; readonly random: Random }
}

/** `ClientOptions` with all defaults filled in. */
export interface ResolvedClientOptions {
  readonly bootstrapServers: readonly Address[]
  readonly clientId: string
  readonly tls: TlsOptions | undefined
  readonly sasl: SaslOptions | undefined
  readonly requestTimeoutMs: number
  readonly socketConnectionSetupTimeoutMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  readonly metadataMaxAgeMs: number
  readonly connectionsMaxIdleMs: number
  readonly receiveMessageMaxBytes: number
  readonly logger: Logger
  readonly network: ClientNetwork
  readonly clock: Clock
  readonly random: Random
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** An invalid option value; the message names the option, the value and the expected values. */
export class InvalidOptionError extends MillraceError {
  override readonly name = 'InvalidOptionError'
  /** Creates the error: option `name` has `value`, and `allowed` describes the expected values. */
  constructor(name: string, value: unknown, allowed: string) {
    super('MILLRACE_INVALID_OPTION', `invalid ${name} ${show(value)}: expected ${allowed}`)
  }
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'function'
  return JSON.stringify(value) ?? String(value)
}

export function parseAddress(text: string): Address {
  const match = /^(?:[A-Z_]+:\/\/)?(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port > 65_535 || port === 0) {
    throw new InvalidOptionError(
      'bootstrapServers',
      text,
      'host:port with a port of 1 to 65535, an IPv6 host in brackets',
    )
  }
  return { host: match[1] ?? (match[2] as string), port }
}

/** A number option within bounds, or its default. */
export function numberOption(
  name: string,
  value: number | undefined,
  { fallback, min = 0, max = 2 ** 31 - 1 }: NumberBounds,
): number {
  if (value === undefined) return fallback
  const isAllowed =
    typeof value === 'number' && value >= min && (value <= max || value === fallback)
  if (!isAllowed) throw new InvalidOptionError(name, value, `a number of ${min} to ${max}`)
  return value
}

export interface NumberBounds {
  readonly fallback: number
  readonly min?: number
  readonly max?: number
}

/** One of a closed set of values, or its default. */
export function choiceOption<T extends string | number>(
  name: string,
  value: T | undefined,
  { fallback, allowed }: { readonly fallback: T; readonly allowed: readonly T[] },
): T {
  if (value === undefined) return fallback
  if (!allowed.includes(value)) {
    throw new InvalidOptionError(
      name,
      value,
      allowed.map((each) => JSON.stringify(each)).join(', '),
    )
  }
  return value
}

/** Refuses unknown options, with the nearest spelling. */
export function rejectUnknownOptions(given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const nearest = nearestSpelling(name, known)
    throw new MillraceError(
      'MILLRACE_UNKNOWN_OPTION',
      `unknown option ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    )
  }
}

export const clientOptionNames: readonly (keyof ClientOptions)[] = [
  'bootstrapServers',
  'clientId',
  'tls',
  'sasl',
  'requestTimeoutMs',
  'socketConnectionSetupTimeoutMs',
  'retryBackoffMs',
  'retryBackoffMaxMs',
  'reconnectBackoffMs',
  'reconnectBackoffMaxMs',
  'metadataMaxAgeMs',
  'connectionsMaxIdleMs',
  'receiveMessageMaxBytes',
  'logger',
  'network',
  'world',
]

export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  const { bootstrapServers } = options
  const given =
    typeof bootstrapServers === 'string' ? bootstrapServers.split(',') : bootstrapServers
  const addresses = (Array.isArray(given) ? given : [])
    .filter((text) => typeof text === 'string' && text.trim() !== '')
    .map(parseAddress)
  if (addresses.length === 0) {
    throw new InvalidOptionError('bootstrapServers', bootstrapServers, 'one or more host:port')
  }
  const number = (name: keyof ClientOptions, fallback: number, min = 0): number =>
    numberOption(name, options[name] as number | undefined, { fallback, min })
  return {
    bootstrapServers: addresses,
    clientId: options.clientId ?? 'millrace',
    tls: options.tls === true ? {} : options.tls === false ? undefined : options.tls,
    sasl: options.sasl,
    requestTimeoutMs: number('requestTimeoutMs', 30_000, 1),
    socketConnectionSetupTimeoutMs: number('socketConnectionSetupTimeoutMs', 10_000, 1),
    retryBackoffMs: number('retryBackoffMs', 100),
    retryBackoffMaxMs: number('retryBackoffMaxMs', 1000),
    reconnectBackoffMs: number('reconnectBackoffMs', 50),
    reconnectBackoffMaxMs: number('reconnectBackoffMaxMs', 1000),
    metadataMaxAgeMs: number('metadataMaxAgeMs', 300_000),
    connectionsMaxIdleMs: number('connectionsMaxIdleMs', 540_000, 1),
    receiveMessageMaxBytes: number('receiveMessageMaxBytes', 512 * 1024 * 1024, 1024),
    logger: options.logger ?? silentLogger,
    network: options.network ?? nodeWorld.network,
    clock: options.world?.clock ?? nodeWorld.clock,
    random: options.world?.random ?? nodeWorld.random,
  }
}

/**
 * Wait before attempt number `attempt` (from 0): doubled each time up to a limit, with 20 % jitter
 * (KIP-580).
 */
export function backoffMs(
  attempt: number,
  {
    baseMs,
    maxMs,
    random,
  }: { readonly baseMs: number; readonly maxMs: number; readonly random: Random },
): number {
  const planned = Math.min(baseMs * 2 ** Math.min(attempt, 30), maxMs)
  return planned * (0.8 + random.integer(401) / 1000)
}
