// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { checkUrl, mechanisms, type SaslMechanism } from '@millrace/amqp'
import { type ClientNetwork, type Logger, nearestSpelling, type World } from '@millrace/base'
import {
  callback,
  checkOptions,
  checkValue,
  flag,
  InvalidOptionException,
  nonEmptyText,
  type OptionRule,
  type OptionRules,
  object,
  text,
  whole,
  withMethods,
} from './options.ts'

/**
 * Options of a `ConnectionFactory`. Options that exist in Qpid JMS may also be set in the URL,
 * under their Qpid JMS names; an option given here takes precedence.
 */
export interface ConnectionFactoryOptions {
  /** User name; `createConnection` may override it. Default: anonymous. */
  readonly username?: string | undefined
  /** Password of the user. */
  readonly password?: string | undefined
  /**
   * Returns an OAuth token, called for each connection, also after a reconnect. Its user logs in
   * with OAUTHBEARER or XOAUTH2, in place of `username` and `password`.
   */
  readonly token?: (() => string | Promise<string>) | undefined
  /**
   * Client id of every connection; only one connection at a time can use it. Default: no client id,
   * and a random container id.
   */
  readonly clientID?: string | undefined
  /** Messages prefetched by each consumer. Default 100; 0 fetches each message on request. */
  readonly prefetch?: number | undefined
  /**
   * Time after which an unanswered send fails, milliseconds. Default: no limit; 0 and -1 also mean
   * no limit.
   */
  readonly sendTimeoutMs?: number | undefined
  /**
   * Time limit for the provider's answer to any other request, milliseconds. Default 30,000; 0 and
   * -1 mean no limit. Waiting for a reconnect does not count.
   */
  readonly requestTimeoutMs?: number | undefined
  /** Time limit for connecting and authenticating, milliseconds. Default 15,000. */
  readonly connectTimeoutMs?: number | undefined
  /**
   * The connection fails if nothing arrives for this time, milliseconds. Default 60,000; 0 means no
   * limit.
   */
  readonly idleTimeoutMs?: number | undefined
  /**
   * SASL mechanisms in order of preference. Default: the strongest one that the provider offers and
   * the credentials allow.
   */
  readonly saslMechanisms?: readonly SaslMechanism[] | undefined
  /** Options of `tls.connect`, for `amqps:` and `wss:`. */
  readonly tls?: TlsOptions | undefined
  /**
   * Whether to replace a lost connection. Default: true with several addresses or `failover:`, else
   * false.
   */
  readonly reconnect?: boolean | undefined
  /** Reconnect attempts before the connection fails; -1 (default) means no limit. */
  readonly maxReconnectAttempts?: number | undefined
  /** Attempts for the first connection; -1 means no limit. Default: `maxReconnectAttempts`. */
  readonly startupMaxReconnectAttempts?: number | undefined
  /**
   * Wait after the first failed attempt, milliseconds; doubles with each attempt up to
   * `maxReconnectDelayMs`. Default 10.
   */
  readonly reconnectDelayMs?: number | undefined
  /** Longest wait between attempts, milliseconds. Default 30,000. */
  readonly maxReconnectDelayMs?: number | undefined
  /** Host name sent to the provider. Default: the host of the URL. */
  readonly virtualHost?: string | undefined
  /** Receives warnings about lost connections and failed listeners. Default: no logging. */
  readonly logger?: Logger | undefined
  /**
   * Replaces the clock, randomness and network. The network of an embedded provider keeps all
   * traffic in the process.
   */
  readonly world?:
    | (Pick<World, 'clock' | 'random'> & { readonly network: ClientNetwork })
    | undefined
}

const timeLimit: OptionRule = { ...whole(-1), expected: 'milliseconds, or -1 for no limit' }
const attempts: OptionRule = { ...whole(-1), expected: 'a whole number, or -1 for no limit' }
const saslList: OptionRule = {
  expected: `a list of ${mechanisms.join(', ')}`,
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((each) => (mechanisms as readonly unknown[]).includes(each)),
  choices: mechanisms,
}

const rules: OptionRules<ConnectionFactoryOptions> = {
  username: text,
  password: text,
  token: callback,
  clientID: nonEmptyText,
  prefetch: whole(0),
  sendTimeoutMs: timeLimit,
  requestTimeoutMs: timeLimit,
  connectTimeoutMs: whole(1),
  idleTimeoutMs: whole(0),
  saslMechanisms: saslList,
  tls: object('options of tls.connect'),
  reconnect: flag,
  maxReconnectAttempts: attempts,
  startupMaxReconnectAttempts: attempts,
  reconnectDelayMs: whole(0),
  maxReconnectDelayMs: whole(0),
  virtualHost: nonEmptyText,
  logger: withMethods('a logger', 'debug', 'info', 'warn', 'error'),
  world: object('an object with clock, random and network'),
}

export interface ResolvedOptions extends ConnectionFactoryOptions {
  readonly urls: readonly string[]
  readonly prefetch: number
  readonly requestTimeoutMs: number
  readonly reconnect: boolean
  readonly maxReconnectAttempts: number
  readonly reconnectDelayMs: number
  readonly maxReconnectDelayMs: number
}

type Mutable = { -readonly [K in keyof ConnectionFactoryOptions]: ConnectionFactoryOptions[K] }

/** Options in the query of a URL, by their Qpid JMS names. */
const urlOptions: Readonly<
  Record<string, readonly [option: keyof ConnectionFactoryOptions, kind: 'text' | 'whole' | 'list']>
> = {
  'jms.username': ['username', 'text'],
  'jms.password': ['password', 'text'],
  'jms.clientID': ['clientID', 'text'],
  'jms.prefetchPolicy.all': ['prefetch', 'whole'],
  'jms.prefetchPolicy.queuePrefetch': ['prefetch', 'whole'],
  'jms.sendTimeout': ['sendTimeoutMs', 'whole'],
  'jms.requestTimeout': ['requestTimeoutMs', 'whole'],
  'jms.connectTimeout': ['connectTimeoutMs', 'whole'],
  'transport.connectTimeout': ['connectTimeoutMs', 'whole'],
  'amqp.idleTimeout': ['idleTimeoutMs', 'whole'],
  'amqp.vhost': ['virtualHost', 'text'],
  'amqp.saslMechanisms': ['saslMechanisms', 'list'],
  'failover.maxReconnectAttempts': ['maxReconnectAttempts', 'whole'],
  'failover.startupMaxReconnectAttempts': ['startupMaxReconnectAttempts', 'whole'],
  'failover.reconnectDelay': ['reconnectDelayMs', 'whole'],
  'failover.initialReconnectDelay': ['reconnectDelayMs', 'whole'],
  'failover.maxReconnectDelay': ['maxReconnectDelayMs', 'whole'],
}

/** Options that relax TLS checks, and the TLS options that each sets. */
const tlsOptions: Readonly<Record<string, { readonly unless: string; readonly tls: TlsOptions }>> =
  {
    'transport.verifyHost': { unless: 'true', tls: { checkServerIdentity: () => undefined } },
    'transport.trustAll': { unless: 'false', tls: { rejectUnauthorized: false } },
  }

function parseValue(name: string, value: string, kind: 'text' | 'whole' | 'list'): unknown {
  if (kind === 'text') return value
  if (kind === 'list') return value.split(',')
  if (/^-?\d+$/.test(value)) return Number(value)
  throw new InvalidOptionException(
    `ConnectionFactory: invalid ${name}=${value} in the URL: expected a whole number`,
  )
}

/** Parses `amqp://host:port?…`, or `failover:(url,url)?…` as in Qpid JMS. Throws `JMSException`. */
export function resolveOptions(url: string, given: ConnectionFactoryOptions): ResolvedOptions {
  checkValue('ConnectionFactory', 'url', url, {
    ...nonEmptyText,
    expected: 'text such as "amqp://localhost:5672"',
  })
  checkOptions('ConnectionFactory', given, rules)
  const fromUrl: Mutable = {}
  const failover = /^failover:(?:\/\/)?\(([^)]*)\)(?:\?(.*))?$/s.exec(url)
  const urls = (failover?.[1] ?? url).split(',').map((each) => withoutOptions(each.trim(), fromUrl))
  if (failover?.[2] !== undefined) applyQuery(failover[2], fromUrl)
  for (const each of urls) {
    try {
      checkUrl(each)
    } catch (error) {
      throw new InvalidOptionException(`ConnectionFactory: ${(error as Error).message}`)
    }
  }
  const options = { ...fromUrl, ...withoutAbsent(given) }
  return {
    ...options,
    urls,
    prefetch: options.prefetch ?? 100,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    reconnect: options.reconnect ?? (failover !== null || urls.length > 1),
    maxReconnectAttempts: options.maxReconnectAttempts ?? -1,
    reconnectDelayMs: options.reconnectDelayMs ?? 10,
    maxReconnectDelayMs: options.maxReconnectDelayMs ?? 30_000,
  }
}

/** Removes undefined options, so that they do not hide those of the URL. */
function withoutAbsent(given: ConnectionFactoryOptions): ConnectionFactoryOptions {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function withoutOptions(url: string, options: Mutable): string {
  const at = url.indexOf('?')
  if (at < 0) return url
  applyQuery(url.slice(at + 1), options)
  return url.slice(0, at)
}

function applyQuery(query: string, options: Mutable): void {
  for (const [fullName, value] of new URLSearchParams(query)) {
    const name = fullName.replace(/^failover\.nested\./, '')
    const known = urlOptions[name]
    const loosened = tlsOptions[name]
    if (known !== undefined) {
      const [option, kind] = known
      const parsed = parseValue(name, value, kind)
      checkValue('ConnectionFactory', `${name} in the URL:`, parsed, rules[option])
      Object.assign(options, { [option]: parsed })
      continue
    }
    if (loosened !== undefined) {
      checkValue('ConnectionFactory', `${name} in the URL:`, value, trueOrFalse)
      if (value !== loosened.unless) options.tls = { ...options.tls, ...loosened.tls }
      continue
    }
    const nearest = nearestSpelling(name, [...Object.keys(urlOptions), ...Object.keys(tlsOptions)])
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
    throw new InvalidOptionException(`ConnectionFactory: unknown option ${name} in the URL${hint}`)
  }
}

const trueOrFalse: OptionRule = {
  expected: 'true or false',
  accepts: (value) => value === 'true' || value === 'false',
  choices: ['true', 'false'],
}
