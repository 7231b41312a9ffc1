// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions as TlsOptions, TlsOptions as TlsServerOptions } from 'node:tls'

/** Sockets for servers and clients. */
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

/** Target of a connection, and its options. */
export interface ConnectOptions {
  /** Host name or IP address. */
  readonly host: string
  /** Port. */
  readonly port: number
  /** Options of `tls.connect`. Without them the connection is not encrypted. */
  readonly tls?: TlsOptions
  /** Connection timeout, after which the error is `ETIMEDOUT`. */
  readonly timeoutMs?: number
  /**
   * Returns the buffer for the next bytes, so that a large reply is read in place; `onData` then
   * gets a part of that buffer. A network may ignore it.
   */
  readonly nextBuffer?: () => Buffer
}

/** Address to listen on, and callbacks. */
export interface ListenOptions {
  /** Empty, `0.0.0.0` or `::` for all interfaces. */
  readonly host: string
  /** Port; 0 picks a free one. */
  readonly port: number
  /** Backlog: maximum number of pending connections in the kernel. */
  readonly backlog?: number
  /** Options of `tls.createServer`. Without them connections are not encrypted. */
  readonly tls?: TlsServerOptions
  /**
   * Called for every connection before anything else happens to it, TLS included, with the IP
   * address of the peer; false closes it. While a promise is pending, the connection is held:
   * nothing is read from it. Default: every connection is accepted.
   */
  readonly admit?: (remoteAddress: string) => boolean | Promise<boolean>
  /**
   * Called if a connection was admitted and its TLS handshake failed or took too long, or it was
   * closed while it was held.
   */
  readonly onHandshakeFailed?: (remoteAddress: string, error: Error) => void
  /**
   * Called with each accepted connection. An error thrown here ends it and is passed to `onError`.
   */
  readonly onConnection: (connection: Connection) => void
  /** Called with errors of the listening socket, and of callbacks without a connection to end. */
  readonly onError: (error: Error) => void
}

/** A bound listener. */
export interface NetworkListener {
  /** Port that is bound. */
  readonly port: number
  /**
   * Uses other options of `tls.createServer` for new connections. Does nothing on a plain listener.
   */
  updateTls?(tls: TlsServerOptions): void
  /** Stops accepting connections. Open ones stay open. */
  close(): Promise<void>
}

/** A connection, on either side. Its owner sets `onData`, `onClose` and `onDrain`. */
export interface Connection {
  /** IP address of the peer. */
  readonly remoteAddress: string
  /** Port of the peer. */
  readonly remotePort: number
  /** Local address to which the client connected. */
  readonly localAddress: string
  /** Port of this side. */
  readonly localPort: number
  /** Name of the peer: by default the common name of its certificate, if that is trusted. */
  readonly peerName?: string | undefined
  /** The peer's certificate, DER, if it is trusted. */
  readonly peerCertificate?: Buffer | undefined
  /** Bytes written that the socket of the peer has not accepted yet. */
  readonly unsentBytes: number
  /**
   * Called with received bytes. An error thrown here or by `onEnd` or `onDrain` ends the connection
   * and is passed to `onClose`.
   */
  onData: (chunk: Buffer) => void
  /**
   * Called once all bytes that the peer sent before it closed its side were passed to `onData`. The
   * connection can still be written to. The default implementation ends it.
   */
  onEnd: () => void
  /** Called once, for whatever reason the connection ended. */
  onClose: (error: Error | undefined) => void
  /** Called when all written bytes have left the process after `write` returned false. */
  onDrain: () => void
  /** Queues the buffers in order; false if the peer reads more slowly than this side writes. */
  write(buffers: readonly Uint8Array[]): boolean
  /**
   * Frees the memory of a chunk that `onData` got, of which nothing is needed any more, instead of
   * leaving that to a garbage collection. Optional to call, and to have.
   */
  release?(chunk: Buffer): void
  /** Stops reading, so that a busy server slows its clients down instead of buffering. */
  pause(): void
  /** Continues reading after `pause`. */
  resume(): void
  /** Ends the connection after all queued bytes were written. */
  end(): void
  /** Ends the connection at once. */
  destroy(): void
}
