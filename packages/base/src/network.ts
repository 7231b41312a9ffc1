// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions as TlsOptions, TlsOptions as TlsServerOptions } from 'node:tls'

/** Sockets, as far as servers and clients need them. */
export interface Network extends ClientNetwork {
  /** Binds and listens; port 0 picks a free one. Rejects with Node's `EADDRINUSE` and the like. */
  listen(options: ListenOptions): Promise<NetworkListener>
}

/** The half of a network that clients use. */
export interface ClientNetwork {
  /**
   * Resolves when bytes can flow, with TLS after its handshake. Rejects with Node's `ECONNREFUSED`
   * and the like.
   */
  connect(options: ConnectOptions): Promise<Connection>
}

/** Where to connect to, and how. */
export interface ConnectOptions {
  /** Host name or IP address. */
  readonly host: string
  /** Port. */
  readonly port: number
  /** Options of `tls.connect`. Without them the connection is plain. */
  readonly tls?: TlsOptions
  /** Gives up with `ETIMEDOUT` after this long. */
  readonly timeoutMs?: number
  /**
   * Where the next bytes may be put, so that a large reply is read into its place; `onData` then
   * gets a part of that buffer. A network may ignore it.
   */
  readonly nextBuffer?: () => Buffer
}

/** Where to listen, and what serves the connections. */
export interface ListenOptions {
  /** Empty or `0.0.0.0` or `::` listens on every interface. */
  readonly host: string
  /** Port; 0 picks a free one. */
  readonly port: number
  /** Pending connections the kernel holds. */
  readonly backlog?: number
  /** Options of `tls.createServer`. Without them connections are plain. */
  readonly tls?: TlsServerOptions
  /** An error thrown here ends the connection and is passed to `onError`. */
  readonly onConnection: (connection: Connection) => void
  /** Errors of the listening socket, and of callbacks that have no connection to end. */
  readonly onError: (error: Error) => void
}

/** A bound listener. */
export interface NetworkListener {
  /** Port that is bound. */
  readonly port: number
  /** Stops accepting. Open connections stay open. */
  close(): Promise<void>
}

/** A connection, of either side. Its owner sets `onData`, `onClose` and `onDrain`. */
export interface Connection {
  /** IP address of the peer. */
  readonly remoteAddress: string
  /** Port of the peer. */
  readonly remotePort: number
  /** The address at which the client reached this side. */
  readonly localAddress: string
  /** Port of this side. */
  readonly localPort: number
  /** Common name of the peer's certificate, if it is trusted. */
  readonly peerName?: string | undefined
  /** Bytes that were written and that the peer's socket has not accepted yet. */
  readonly unsentBytes: number
  /**
   * An error thrown here or by `onEnd` or `onDrain` ends the connection and is passed to `onClose`.
   */
  onData: (chunk: Buffer) => void
  /**
   * Called once all bytes that the peer sent before it closed its side were passed to `onData`. The
   * connection can still be written to. By default it is ended too.
   */
  onEnd: () => void
  /** Called once, whatever ended the connection. */
  onClose: (error: Error | undefined) => void
  /** Called when all written bytes have left the process after `write` returned false. */
  onDrain: () => void
  /** Queues the buffers in order; false if the peer reads more slowly than this side writes. */
  write(buffers: readonly Uint8Array[]): boolean
  /** Stops reading, so that a busy server slows its clients instead of buffering. */
  pause(): void
  /** Continues reading after `pause`. */
  resume(): void
  /** Ends after what is queued has been written. */
  end(): void
  /** Ends at once. */
  destroy(): void
}
