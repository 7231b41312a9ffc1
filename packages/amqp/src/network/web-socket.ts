// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket, ConnectionOptions as TlsOptions } from 'node:tls'
import {
  type Connection,
  elementAt,
  guard,
  hostOfHeader,
  isLoopback,
  type ListenOptions,
  type NetworkListener,
} from '@millrace/base'
import { WebSocket, WebSocketServer } from 'ws'

/** The subprotocol of the AMQP WebSocket binding (OASIS, section 2.1). */
const SUBPROTOCOL = 'amqp'
/** A socket with more buffered bytes than this counts as full. */
const HIGH_WATER_MARK = 1024 * 1024
/**
 * Largest WebSocket message that is accepted. It is buffered completely, before the peer is
 * authenticated.
 */
const MAX_PAYLOAD = 4 * 1024 * 1024
/** Pings of a peer are not answered while more bytes than this are unread. */
const MAX_UNREAD_PONGS = 16 * 1024

/** A byte stream over a WebSocket; message boundaries carry no meaning. */
function connectionOf(
  socket: WebSocket,
  peer: Pick<
    Connection,
    'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort' | 'peerCertificate'
  >,
  /** Receives errors of `onClose`; the socket is already closed then. */
  onError: (error: Error) => void,
): Connection {
  let isFull = false
  const connection: Connection = {
    ...peer,
    get unsentBytes() {
      return socket.bufferedAmount
    },
    onData() {},
    // A WebSocket cannot be half-closed.
    onEnd() {},
    onClose() {},
    onDrain() {},
    write(buffers) {
      if (socket.readyState !== WebSocket.OPEN) return true
      socket.send(buffers.length === 1 ? elementAt(buffers, 0) : Buffer.concat(buffers), () => {
        if (!isFull || socket.bufferedAmount > HIGH_WATER_MARK / 2) return
        isFull = false
        guard(() => connection.onDrain(), fail)
      })
      isFull = socket.bufferedAmount > HIGH_WATER_MARK
      return !isFull
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.close(1000),
    destroy: () => socket.terminate(),
  }
  let failure: Error | undefined
  const fail = (error: Error): void => {
    failure ??= error
    socket.terminate()
  }
  socket.binaryType = 'nodebuffer'
  socket.on('message', (data, isBinary) => {
    if (isBinary) guard(() => connection.onData(data as Buffer), fail)
    // The binding allows binary messages only.
    else socket.close(1003)
  })
  socket.on('ping', (data) => {
    if (socket.bufferedAmount <= MAX_UNREAD_PONGS) socket.pong(data)
  })
  socket.on('error', (error) => {
    failure ??= error
  })
  socket.on('close', () => guard(() => connection.onClose(failure), onError))
  return connection
}

/** Options of `listenWebSocket`. */
export interface WebSocketListenOptions extends ListenOptions {
  /**
   * Origins of web pages that may connect, as `https://app.example.com`; `*` for all. Default:
   * pages of the listener's own host only. Other programs send no origin and may connect.
   */
  readonly allowedOrigins?: readonly string[]
}

/**
 * Whether a client may connect. Browsers let every web page open WebSockets to every server that
 * the user can reach, and to this machine under the name of the page after DNS rebinding.
 */
function mayConnect(
  { host: boundHost, allowedOrigins = [] }: WebSocketListenOptions,
  { headers: { host = '', origin }, socket }: IncomingMessage,
): boolean {
  const name = hostOfHeader(host)
  if (isLoopback(boundHost) && !isLoopback(name)) return false
  if (origin === undefined) return true
  if (allowedOrigins.includes('*') || allowedOrigins.includes(origin)) return true
  // A listener on all addresses is reached through loopback, too.
  if (isLoopback(socket.localAddress ?? '') && !isLoopback(name)) return false
  return origin.replace(/^https?:\/\//, '') === host
}

/** Listens for AMQP over WebSocket, on any path. */
export async function listenWebSocket(options: WebSocketListenOptions): Promise<NetworkListener> {
  const https = options.tls === undefined ? undefined : createSecureServer(options.tls)
  const server: Server = https ?? createServer()
  server.on('secureConnection', (socket: TLSSocket) => {
    // A certificate that is not trusted is refused even where none is required, as in Java.
    if (socket.authorized || options.tls?.requestCert !== true) return
    if (socket.getPeerX509Certificate() !== undefined) socket.destroy()
  })
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD,
    verifyClient: ({ req }: { readonly req: IncomingMessage }) => mayConnect(options, req),
    autoPong: false,
  })
  // The WebSocket server repeats errors of the HTTP server, which are handled there.
  sockets.on('error', () => {})
  server.on('request', (_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain' })
    response.end('this port speaks AMQP over WebSocket (subprotocol amqp)\n')
  })
  sockets.on('connection', (socket, request) => {
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = request.socket
    const addresses = { remoteAddress, remotePort, localAddress, localPort }
    const secured = request.socket as Partial<TLSSocket>
    const certificate =
      secured.authorized === true ? secured.getPeerX509Certificate?.()?.raw : undefined
    const peer = {
      ...addresses,
      ...(certificate === undefined ? {} : { peerCertificate: certificate }),
    }
    guard(
      () => options.onConnection(connectionOf(socket, peer, options.onError)),
      (error) => {
        socket.terminate()
        options.onError(error)
      },
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const address = options.host === '' ? {} : { host: options.host }
    server.listen({ ...address, port: options.port }, () => {
      server.off('error', reject)
      server.on('error', options.onError)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    ...(https === undefined ? {} : { updateTls: (tls) => https.setSecureContext(tls) }),
    close: () =>
      new Promise((resolve) => {
        sockets.close()
        server.close(() => resolve())
      }),
  }
}

/** Connects to `ws:` or `wss:`. Rejects if the server does not speak AMQP over WebSocket. */
export function connectWebSocket(
  url: string,
  options: { readonly tls?: TlsOptions | undefined; readonly timeoutMs?: number | undefined } = {},
): Promise<Connection> {
  const socket = new WebSocket(url, SUBPROTOCOL, {
    ...options.tls,
    perMessageDeflate: false,
    ...(options.timeoutMs === undefined ? {} : { handshakeTimeout: options.timeoutMs }),
  })
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('open', () => {
      socket.off('error', reject)
      const addresses = { remoteAddress: hostname, remotePort: Number(port) }
      resolve(
        connectionOf(socket, { ...addresses, localAddress: '', localPort: 0 }, (error) =>
          process.emitWarning(error),
        ),
      )
    })
  })
}
