// SPDX-License-Identifier: Apache-2.0
import type { TlsOptions } from 'node:tls'
import { type Connection, type NetworkListener, nodeWorld, type World } from '@millrace/base'
import { AmqpConnection, type ConnectionHandler } from '../connection.ts'
import { type Authenticator, saslServer } from '../sasl/sasl-server.ts'

export interface ListenForOptions {
  /** Empty listens on every interface. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly containerId: string
  readonly tls?: TlsOptions
  /** Speaks AMQP over WebSocket. */
  readonly isWebSocket?: boolean
  /** Who may connect. Default: everybody, as ANONYMOUS. */
  readonly authenticator?: (peer: Pick<Connection, 'remoteAddress' | 'peerName'>) => Authenticator
  /** Gives a connection its handler, before anything is known of its peer but what the authenticator found. */
  readonly onConnection: (connection: AmqpConnection) => ConnectionHandler
  readonly onError?: (error: Error) => void
  readonly idleTimeoutMs?: number
  readonly world?: Pick<World, 'clock' | 'random' | 'network'>
}

const everybody: Authenticator = {
  mechanisms: ['ANONYMOUS'],
  checkPassword: async () => false,
  scramCredential: async () => undefined,
}

/** Serves AMQP. Rejects with Node's `EADDRINUSE` and the like. */
export async function listen(options: ListenForOptions): Promise<NetworkListener> {
  const { clock, random, network } = options.world ?? nodeWorld
  const serve = (transport: Connection): void => {
    let handler: ConnectionHandler | undefined
    const authenticator = options.authenticator?.(transport) ?? everybody
    const admit = (): void => {
      handler = options.onConnection(connection)
    }
    const connection = new AmqpConnection(transport, {
      role: 'server',
      clock,
      containerId: options.containerId,
      idleTimeoutMs: options.idleTimeoutMs,
      sasl: saslServer(authenticator, random, admit),
      admitsWithoutSasl() {
        if (!authenticator.mechanisms.includes('ANONYMOUS')) return false
        admit()
        return true
      },
      handler: {
        onOpen: (open) => handler?.onOpen?.(open),
        onSession: (session) => handler?.onSession?.(session),
        onClose: (error) => handler?.onClose(error),
      },
    })
  }
  const listenOptions = {
    host: options.host,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    onConnection: serve,
    onError: options.onError ?? (() => {}),
  }
  if (options.isWebSocket !== true) return network.listen(listenOptions)
  const { listenWebSocket } = await import('@millrace/amqp/web-socket')
  return listenWebSocket(listenOptions)
}
