// SPDX-License-Identifier: Apache-2.0
import type { TlsOptions } from 'node:tls'
import { type Clock, type Connection, type NetworkListener, systemErrorCode } from '@millrace/base'
import type { SourceContext } from '../component.ts'
import { ChannelError, reasonOf } from '../errors.ts'

/** How long a peer may take to close its end. */
const LINGER_MS = 500

/** What a source does with the bytes of one connection. */
export interface StreamHandler {
  /** Reading goes on when this is done; until then the peer is slowed down. */
  onData(chunk: Buffer): Promise<void> | void
  /** The peer has closed; what is left may be put. */
  onEnd?(): Promise<void> | void
  /** The source stops: who waits for room gives up. */
  stop?(): void
  /** Waits for what goes on after `onData`. */
  settle?(): Promise<void>
}

export interface StreamServerOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsOptions | undefined
  accept(connection: Connection): StreamHandler
  /** Puts something between the socket and the handler. */
  wrap?(connection: Connection): Connection
  /** Peers that are turned away. */
  isRefused?(connection: Connection): boolean
}

/** A listening socket whose connections are handled chunk by chunk, each in order. */
export class StreamServer {
  readonly #options: StreamServerOptions
  readonly #context: SourceContext
  readonly #open = new Set<OpenStream>()
  #listener: NetworkListener | undefined

  constructor(options: StreamServerOptions, context: SourceContext) {
    this.#options = options
    this.#context = context
    context.counters.gauge('OpenConnectionCount', () => this.#open.size)
  }

  get address(): string {
    return `${this.#options.host}:${this.#listener?.port ?? this.#options.port}`
  }
  get port(): number {
    return this.#listener?.port ?? this.#options.port
  }

  async start(): Promise<void> {
    const { host, port, tls } = this.#options
    const { logger, name, world } = this.#context
    try {
      this.#listener = await world.network.listen({
        host,
        port,
        ...(tls === undefined ? {} : { tls }),
        onConnection: (connection) => this.#accept(connection),
        onError: (error) => logger.warn('listening socket', { source: name, error: error.message }),
      })
    } catch (error) {
      throw listenError(host, port, error)
    }
  }

  #accept(socket: Connection): void {
    if (this.#options.isRefused?.(socket) === true) {
      socket.destroy()
      return
    }
    const connection = this.#options.wrap?.(socket) ?? socket
    const stream = new OpenStream(connection, this.#options.accept(connection), (error) => {
      this.#open.delete(stream)
      if (error !== undefined) {
        this.#context.counters.add('EventReadFail')
        this.#context.logger.warn('a connection was closed', {
          source: this.#context.name,
          peer: `${connection.remoteAddress}:${connection.remotePort}`,
          reason: reasonOf(error),
        })
      }
    })
    this.#open.add(stream)
  }

  /** Closes the socket, and each connection when what it is at is done. */
  async stop(): Promise<void> {
    // It is closed when its last connection is.
    const closed = this.#listener?.close()
    await Promise.all([...this.#open].map((stream) => stream.close(this.#context.world.clock)))
    await closed
  }
}

/** The error of a socket that cannot be had, saying which and what to do. */
export function listenError(host: string, port: number, error: unknown): unknown {
  const code = systemErrorCode(error)
  const where = `${host}:${port}`
  if (code === 'EADDRINUSE') {
    return new ChannelError(
      `cannot listen on ${where}: the port is taken by another program`,
      error,
    )
  }
  if (code === 'EACCES') {
    return new ChannelError(`cannot listen on ${where}: ports below 1024 need permission`, error)
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new ChannelError(`cannot listen on ${where}: this machine has no such address`, error)
  }
  return error
}

class OpenStream {
  readonly #connection: Connection
  readonly #handler: StreamHandler
  readonly #onClosed: (error: unknown) => void
  readonly #chunks: Buffer[] = []
  #working: Promise<void> | undefined
  #isEnded = false
  #isClosing = false

  constructor(connection: Connection, handler: StreamHandler, onClosed: (error: unknown) => void) {
    this.#connection = connection
    this.#handler = handler
    this.#onClosed = onClosed
    connection.onData = (chunk) => this.#receive(chunk)
    connection.onClose = () => {
      this.#isEnded = true
      if (this.#working === undefined) this.#working = this.#work()
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosing) return
    this.#chunks.push(chunk)
    if (this.#working !== undefined) {
      this.#connection.pause()
      return
    }
    this.#working = this.#work()
  }

  async #work(): Promise<void> {
    let failure: unknown
    try {
      for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
        const handled = this.#handler.onData(chunk)
        if (handled !== undefined) await handled
        if (this.#isClosing) break
        if (this.#chunks.length === 0) this.#connection.resume()
      }
      if (this.#isEnded && !this.#isClosing) {
        await this.#handler.onEnd?.()
        await this.#handler.settle?.()
      }
    } catch (error) {
      failure = error
      this.#connection.destroy()
      this.#isEnded = true
    }
    this.#working = undefined
    if (this.#isEnded) this.#onClosed(failure)
  }

  async close(clock: Clock): Promise<void> {
    this.#isClosing = true
    this.#handler.stop?.()
    await this.#working
    await this.#handler.settle?.()
    this.#connection.end()
    // One that does not read never sees its peer's end.
    this.#connection.resume()
    clock.setTimer(LINGER_MS, () => this.#connection.destroy())
    this.#onClosed(undefined)
  }
}
