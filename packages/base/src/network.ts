// SPDX-License-Identifier: Apache-2.0

/** A listening socket and its connections, as much of them as a server needs. */
export interface Network {
  /** Binds and listens; port 0 picks a free one. Rejects with Node's `EADDRINUSE` and the like. */
  listen(options: ListenOptions): Promise<NetworkListener>
}

export interface ListenOptions {
  /** Empty or `0.0.0.0` or `::` listens on every interface. */
  readonly host: string
  readonly port: number
  /** Pending connections the kernel holds. */
  readonly backlog?: number
  readonly onConnection: (connection: Connection) => void
  readonly onError: (error: Error) => void
}

export interface NetworkListener {
  readonly port: number
  /** Stops accepting. Open connections stay open. */
  close(): Promise<void>
}

export interface Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  /** The address the client reached us at. */
  readonly localAddress: string
  readonly localPort: number
  onData: (chunk: Buffer) => void
  /** Called once, whatever ended the connection. */
  onClose: (error: Error | undefined) => void
  /** Called when all written bytes have left the process after `write` returned false. */
  onDrain: () => void
  /** Queues the buffers in order; false when the peer reads slower than we write. */
  write(buffers: readonly Uint8Array[]): boolean
  /** Stops and resumes reading, so that a busy server slows its clients instead of buffering. */
  pause(): void
  resume(): void
  /** Ends after what is queued has been written. */
  end(): void
  /** Ends at once. */
  destroy(): void
}
