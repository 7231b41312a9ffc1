// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import {
  type ClientNetwork,
  type Connection,
  MillraceError,
  nodeWorld,
  type World,
} from '@millrace/base'
import type { AmqpValue } from './codec/types.ts'
import { AmqpConnection, type ConnectionHandler } from './connection.ts'
import { type SaslCredentials, saslClient } from './sasl/sasl-client.ts'

/** Address and credentials of the server to connect to. */
export interface ConnectToOptions extends SaslCredentials {
  /** `amqp://`, `amqps://`, `ws://` or `wss://`. The default ports are 5672, 5671, 80 and 443. */
  readonly url: string
  /** Container id of this end; it identifies the client to the provider. */
  readonly containerId: string
  /** Host name sent to the server. Default: the host of the URL. */
  readonly hostname?: string | undefined
  /** Options of `tls.connect`, used for `amqps:` and `wss:`. */
  readonly tls?: TlsOptions | undefined
  /** Whether to negotiate SASL. Default true. */
  readonly sasl?: boolean | undefined
  /** Timeout for connecting and opening. Default 15 s. */
  readonly timeoutMs?: number | undefined
  /** Largest frame that is accepted, in bytes. Default 1 MiB. */
  readonly maxFrameSize?: number | undefined
  /**
   * The connection is closed after this long without a frame from the peer. Default 60 s; 0
   * disables the timeout.
   */
  readonly idleTimeoutMs?: number | undefined
  /** Capabilities that this end desires from the peer. */
  readonly desiredCapabilities?: readonly string[] | undefined
  /** Properties to send in the open frame. */
  readonly properties?: ReadonlyMap<string, AmqpValue> | undefined
  /** Receives the events of the connection. Default: events are ignored. */
  readonly handler?: ConnectionHandler | undefined
  /** If true, resolves before the connection is opened; the caller calls `open`. Default false. */
  readonly opensLater?: boolean | undefined
  /** Clock, randomness and network. Default: those of Node. */
  readonly world?: Pick<World, 'clock' | 'random'> & { readonly network: ClientNetwork }
}

const ports: Readonly<Record<string, number>> = {
  'amqp:': 5672,
  'amqps:': 5671,
  'amqpws:': 80,
  'ws:': 80,
  'amqpwss:': 443,
  'wss:': 443,
}

/**
 * Connects and opens the connection. Rejects with `AmqpError` if the server refuses it, or with a
 * Node error such as `ECONNREFUSED`.
 */
export async function connect(options: ConnectToOptions): Promise<AmqpConnection> {
  const world = options.world ?? nodeWorld
  const timeoutMs = options.timeoutMs ?? 15_000
  const url = urlOf(options.url)
  const transport = await transportTo(url, options, { network: world.network, timeoutMs })
  const connection = new AmqpConnection(transport, {
    role: 'client',
    clock: world.clock,
    containerId: options.containerId,
    hostname: options.hostname ?? url.hostname,
    maxFrameSize: options.maxFrameSize,
    idleTimeoutMs: options.idleTimeoutMs,
    sasl: options.sasl === false ? undefined : saslClient(options, world.random),
    desiredCapabilities: options.desiredCapabilities,
    properties: options.properties,
    handler: options.handler ?? { onClose() {} },
    opensLater: options.opensLater,
  })
  const timer = world.clock.setTimer(timeoutMs, () => connection.destroy(), { keepsAlive: true })
  try {
    await (options.opensLater === true ? connection.ready : connection.opened)
    return connection
  } finally {
    timer.cancel()
  }
}

/** Throws `MILLRACE_INVALID_URL` for text that `connect` would not accept as a URL. */
export function checkUrl(text: string): void {
  urlOf(text)
}

function urlOf(text: string): URL {
  // `URL` has no default ports for these schemes and does not normalize hosts of unknown schemes.
  const url = URL.parse(text)
  if (url === null || !(url.protocol in ports) || url.hostname === '') {
    const schemes = Object.keys(ports).map((scheme) => `${scheme}//`)
    throw new MillraceError(
      'MILLRACE_INVALID_URL',
      `invalid URL ${JSON.stringify(text)}: expected ${schemes.join(', ')} with host and port`,
    )
  }
  return url
}

async function transportTo(
  url: URL,
  options: ConnectToOptions,
  { network, timeoutMs }: { readonly network: ClientNetwork; readonly timeoutMs: number },
): Promise<Connection> {
  const port = url.port === '' ? (ports[url.protocol] as number) : Number(url.port)
  const isSecure = /s:$/.test(url.protocol) && url.protocol !== 'ws:' && url.protocol !== 'amqpws:'
  if (/ws/.test(url.protocol)) {
    const { connectWebSocket } = await import('@millrace/amqp/web-socket')
    const address = `${isSecure ? 'wss' : 'ws'}://${url.hostname}:${port}${url.pathname || '/'}${url.search}`
    return connectWebSocket(address, { tls: options.tls, timeoutMs })
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const tls = isSecure ? (options.tls ?? {}) : undefined
  return network.connect({ host, port, timeoutMs, ...(tls === undefined ? {} : { tls }) })
}
