// SPDX-License-Identifier: Apache-2.0
import type { TlsOptions } from 'node:tls'
import {
  type Connection,
  type Logger,
  type NetworkListener,
  nodeWorld,
  silentLogger,
  type World,
} from '@millrace/base'
import { AmqpConnection, type ConnectionHandler } from '../connection.ts'
import type { ForeignProtocol } from '../foreign-protocol.ts'
import { type Authenticator, saslServer } from '../sasl/sasl-server.ts'

/** Where to listen, and what serves the connections. */
export interface ListenForOptions {
  /** Empty listens on every interface. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Name of this side. */
  readonly containerId: string
  /** Options of `tls.createServer`. Without them connections are plain. */
  readonly tls?: TlsOptions
  /** Speaks AMQP over WebSocket. */
  readonly isWebSocket?: boolean
  /** Who may connect. Default: everybody, as ANONYMOUS. */
  readonly authenticator?: (peer: Pick<Connection, 'remoteAddress' | 'peerName'>) => Authenticator
  /** Gives a connection its handler, before anything is known of its peer but what the authenticator found. */
  readonly onConnection: (connection: AmqpConnection) => ConnectionHandler
  /** Errors of the listener itself. */
  readonly onError?: (error: Error) => void
  /** Told of errors of this side in serving a connection, which end that connection only. Default: nobody. */
  readonly logger?: Logger
  /** Time of silence after which a connection is closed; 0 for never. */
  readonly idleTimeoutMs?: number
  /** Clock, randomness and network. Default: those of Node. */
  readonly world?: Pick<World, 'clock' | 'random' | 'network'>
}

const everybody: Authenticator = {
  mechanisms: ['ANONYMOUS'],
  checkPassword: async () => false,
  scramCredential: async () => undefined,
}

/**
 * Serves AMQP over one connection. `admit` gives it its handler, once it is known who the peer is: its user, or undefined for
 * the anonymous, who may leave the SASL layer out.
 */
export function serve(
  transport: Connection,
  options: {
    readonly containerId: string
    readonly idleTimeoutMs?: number | undefined
    readonly logger?: Logger | undefined
    readonly onForeignProtocol?: ((protocol: ForeignProtocol) => void) | undefined
    readonly authenticator: Authenticator
    readonly admit: (connection: AmqpConnection, username: string | undefined) => ConnectionHandler
    readonly world: Pick<World, 'clock' | 'random'>
  },
): void {
  const { authenticator, world } = options
  let handler: ConnectionHandler | undefined
  const admit = (username: string | undefined): void => {
    handler = options.admit(connection, username)
  }
  const connection = new AmqpConnection(transport, {
    role: 'server',
    clock: world.clock,
    containerId: options.containerId,
    idleTimeoutMs: options.idleTimeoutMs,
    logger: options.logger,
    onForeignProtocol: options.onForeignProtocol,
    sasl: saslServer(authenticator, world.random, admit),
    admitsWithoutSasl() {
      if (!authenticator.mechanisms.includes('ANONYMOUS')) return false
      admit(undefined)
      return true
    },
    handler: {
      onOpen: (open) => handler?.onOpen?.(open),
      onSession: (session) => handler?.onSession?.(session),
      onClose: (error) => handler?.onClose(error),
    },
  })
}

/** Serves AMQP. Rejects with Node's `EADDRINUSE` and the like. */
export async function listen(options: ListenForOptions): Promise<NetworkListener> {
  const { world = nodeWorld, logger = silentLogger } = options
  const listenOptions = {
    host: options.host,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    onConnection: (transport: Connection) => {
      try {
        serve(transport, {
          containerId: options.containerId,
          idleTimeoutMs: options.idleTimeoutMs,
          logger,
          authenticator: options.authenticator?.(transport) ?? everybody,
          admit: options.onConnection,
          world,
        })
      } catch (error) {
        logger.error('an AMQP connection could not be served', { error })
        transport.destroy()
      }
    },
    onError: options.onError ?? (() => {}),
  }
  if (options.isWebSocket !== true) return world.network.listen(listenOptions)
  const { listenWebSocket } = await import('@millrace/amqp/web-socket')
  return listenWebSocket(listenOptions)
}
