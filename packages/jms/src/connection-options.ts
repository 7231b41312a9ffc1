// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { SaslMechanism } from '@millrace/amqp'
import { type ClientNetwork, nearestSpelling, type World } from '@millrace/base'
import { JMSException } from './exceptions.ts'

/** How a `ConnectionFactory` connects. All may also stand in the URL, under the names that Qpid JMS has for them. */
export interface ConnectionFactoryOptions {
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Client id of every connection; only one at a time may have it. */
  readonly clientID?: string | undefined
  /** Messages that are sent ahead to each consumer. Default 100; 0 fetches each message when it is asked for. */
  readonly prefetch?: number | undefined
  /** A send without an answer fails after this long, milliseconds. Default: none. */
  readonly sendTimeoutMs?: number | undefined
  /** The same of any other request. Default 30,000. */
  readonly requestTimeoutMs?: number | undefined
  readonly connectTimeoutMs?: number | undefined
  readonly idleTimeoutMs?: number | undefined
  readonly saslMechanisms?: readonly SaslMechanism[] | undefined
  readonly tls?: TlsOptions | undefined
  /** With several addresses, or `true`, lost connections are made anew. */
  readonly reconnect?: boolean | undefined
  /** Tries before giving up; -1 (default) for ever. */
  readonly maxReconnectAttempts?: number | undefined
  /** Tries for the very first connection; -1 for ever. Default: like `maxReconnectAttempts`. */
  readonly startupMaxReconnectAttempts?: number | undefined
  /** Wait before the second try; it doubles up to the maximum. Default 10 and 30,000 ms. */
  readonly reconnectDelayMs?: number | undefined
  readonly maxReconnectDelayMs?: number | undefined
  /** Host told to the provider in place of the URL's. */
  readonly virtualHost?: string | undefined
  /** Clock, randomness and network in place of the real ones; an embedded provider's network keeps all in the process. */
  readonly world?: Pick<World, 'clock' | 'random'> & { readonly network: ClientNetwork }
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

/** Options of a URL's query, by their Qpid names. */
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

/** Options that loosen TLS, and what each sets. */
const tlsOptions: Readonly<Record<string, { readonly unless: string; readonly tls: TlsOptions }>> =
  {
    'transport.verifyHost': { unless: 'true', tls: { checkServerIdentity: () => undefined } },
    'transport.trustAll': { unless: 'false', tls: { rejectUnauthorized: false } },
  }

function parseValue(name: string, value: string, kind: 'text' | 'whole' | 'list'): unknown {
  if (kind === 'text') return value
  if (kind === 'list') return value.split(',')
  if (/^-?\d+$/.test(value)) return Number(value)
  throw new JMSException(`invalid ${name}=${value} in the URL: allowed is a whole number`)
}

/** Reads `amqp://host:port?…`, or `failover:(url,url)?…` as in Qpid JMS. Throws `JMSException`. */
export function resolveOptions(url: string, given: ConnectionFactoryOptions): ResolvedOptions {
  const fromUrl: Mutable = {}
  const failover = /^failover:(?:\/\/)?\(([^)]*)\)(?:\?(.*))?$/s.exec(url)
  const urls = (failover?.[1] ?? url).split(',').map((each) => withoutOptions(each.trim(), fromUrl))
  if (failover?.[2] !== undefined) applyQuery(failover[2], fromUrl)
  const options = { ...fromUrl, ...given }
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
      Object.assign(options, { [option]: parseValue(name, value, kind) })
      continue
    }
    if (loosened !== undefined) {
      if (value !== loosened.unless) options.tls = { ...options.tls, ...loosened.tls }
      continue
    }
    const nearest = nearestSpelling(name, [...Object.keys(urlOptions), ...Object.keys(tlsOptions)])
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
    throw new JMSException(`unknown option ${name} in the URL${hint}`)
  }
}
