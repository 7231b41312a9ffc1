// SPDX-License-Identifier: Apache-2.0
import type { TlsOptions } from 'node:tls'
import {
  type Connection,
  guard,
  type Logger,
  type NetworkListener,
  nodeWorld,
  silentLogger,
  type Timer,
  type World,
} from '@millrace/base'
import { Condition } from '../amqp-error.ts'
import { AmqpConnection, type ConnectionHandler } from '../connection.ts'
import type { ForeignProtocol } from '../foreign-protocol.ts'
import { type Authenticator, saslServer } from '../sasl/sasl-server.ts'

/** Address to listen on and the handlers of its connections. */
export interface ListenForOptions {
  /** Host to bind. An empty string binds all interfaces. */
  readonly host: string
  /** Port; 0 picks a free one. */
  readonly port: number
  /** Container id of this end. */
  readonly containerId: string
  /** Options of `tls.createServer`. Without them, connections are not encrypted. */
  readonly tls?: TlsOptions
  /** If true, AMQP is served over WebSocket. Default false. */
  readonly isWebSocket?: boolean
  /** Returns the authenticator of a peer. Default: ANONYMOUS for every peer. */
  readonly authenticator?: (peer: Pick<Connection, 'remoteAddress' | 'peerName'>) => Authenticator
  /** Returns the handler of a new connection, before the peer's open frame has arrived. */
  readonly onConnection: (connection: AmqpConnection) => ConnectionHandler
  /** Receives errors of the listening socket. */
  readonly onError?: (error: Error) => void
  /**
   * Receives internal errors while a connection is served; each ends only its connection.
   * Default: none.
   */
  readonly logger?: Logger
  /**
   * A connection is closed after this long without a frame from the peer. Default 60 s; 0 disables
   * the timeout.
   */
  readonly idleTimeoutMs?: number
  /** Clock, randomness and network. Default: those of Node. */
  readonly world?: Pick<World, 'clock' | 'random' | 'network'>
}

/** Timers of Node have 31 bits. */
const MAX_TIMER_MS = 2 ** 31 - 1

const EXPIRED = {
  kind: 'error',
  condition: Condition.unauthorizedAccess,
  description: 'the credentials of this connection have expired',
} as const

const everybody: Authenticator = {
  mechanisms: ['ANONYMOUS'],
  checkPassword: async () => false,
  scramCredential: async () => undefined,
}

/**
 * Serves AMQP over one connection. `admit` returns the handler once the peer is authenticated.
 * `username` is undefined for anonymous peers, which may skip the SASL layer. When the credentials
 * expire, the connection is closed with `amqp:unauthorized-access`.
 */
export function serve(
  transport: Connection,
  options: {
    readonly containerId: string
    readonly idleTimeoutMs?: number | undefined
    readonly logger?: Logger | undefined
    readonly onForeignProtocol?: ((protocol: ForeignProtocol) => void) | undefined
    readonly authenticator: Authenticator
    readonly admit: (
      connection: AmqpConnection,
      username: string | undefined,
      expiresAtMs: number | undefined,
    ) => ConnectionHandler
    readonly world: Pick<World, 'clock' | 'random'>
  },
): void {
  const { authenticator, world } = options
  let handler: ConnectionHandler | undefined
  let expiry: Timer | undefined
  let isExpired = false
  const admit = (username: string | undefined, expiresAtMs?: number): void => {
    // The login may have taken longer than the peer has waited.
    if (connection.isGone) return
    handler = options.admit(connection, username, expiresAtMs)
    if (expiresAtMs !== undefined) expireAt(expiresAtMs)
  }
  /** AMQP has no way to authenticate again. */
  const expireAt = (expiresAtMs: number): void => {
    const leftMs = expiresAtMs - world.clock.now()
    if (leftMs <= 0) {
      isExpired = true
      // Before the peer's open frame, no close frame can be sent.
      if (connection.remote !== undefined) connection.refuse(EXPIRED)
      return
    }
    expiry = world.clock.setTimer(Math.min(leftMs, MAX_TIMER_MS), () => expireAt(expiresAtMs))
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
      onOpen(open) {
        if (isExpired) connection.refuse(EXPIRED)
        else handler?.onOpen?.(open)
      },
      onSession: (session) => handler?.onSession?.(session),
      onHeld: (held) => handler?.onHeld?.(held),
      onClose(error) {
        expiry?.cancel()
        handler?.onClose(error)
      },
    },
  })
}

/** Starts an AMQP listener. Rejects with a Node error such as `EADDRINUSE`. */
export async function listen(options: ListenForOptions): Promise<NetworkListener> {
  const { world = nodeWorld, logger = silentLogger } = options
  const listenOptions = {
    host: options.host,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    onConnection: (transport: Connection) =>
      guard(
        () =>
          serve(transport, {
            containerId: options.containerId,
            idleTimeoutMs: options.idleTimeoutMs,
            logger,
            authenticator: options.authenticator?.(transport) ?? everybody,
            admit: options.onConnection,
            world,
          }),
        (error) => {
          logger.error('cannot serve an AMQP connection', { error })
          transport.destroy()
        },
      ),
    onError: options.onError ?? (() => {}),
  }
  if (options.isWebSocket !== true) return world.network.listen(listenOptions)
  const { listenWebSocket } = await import('@millrace/amqp/web-socket')
  return listenWebSocket(listenOptions)
}
