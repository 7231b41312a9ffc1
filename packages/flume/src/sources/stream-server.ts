// SPDX-License-Identifier: Apache-2.0
import type { TlsOptions } from 'node:tls'
import {
  type Clock,
  type Connection,
  listenError,
  type NetworkListener,
  type WorkTurn,
  workTurnsOf,
} from '@millrace/base'
import type { SourceContext } from '../component.ts'
import { reasonOf } from '../errors.ts'
import { type FrameShare, frameMemoryOf } from '../rpc/frame-memory.ts'

/** Time for a peer to close its side. */
const LINGER_MS = 500

/** Bytes of unread replies above which no further request of the connection is started. */
const MAX_UNSENT = 256 * 1024

/** Controls the pace of the work on a connection, and closes it. */
export interface Pace {
  /**
   * To be awaited before each step of work, a request or some lines. Undefined if the step may run
   * now; otherwise resolves when other connections had their turn and the peer has read its
   * replies, or the connection is closed.
   */
  next(): Promise<void> | undefined
  /** Closes the connection after the replies were sent. Nothing more is read. */
  close(): void
}

/** Processes the bytes of a connection. */
export interface StreamHandler {
  /** Bytes of a message that is not complete. Default 0. */
  readonly bufferedBytes?: number
  /** Processes a chunk. Reading continues when it resolves; until then the peer is slowed down. */
  onData(chunk: Buffer, pace: Pace): Promise<void> | void
  /** Called when the peer has closed the connection; remaining events may be put. */
  onEnd?(): Promise<void> | void
  /** Called when the source stops: waits for free capacity end. */
  stop?(): void
  /** Waits for work that continues after `onData`. */
  settle?(): Promise<void>
}

export interface StreamServerOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsOptions | undefined
  accept(connection: Connection): StreamHandler
  /** Wraps the connection, for example for compression. */
  wrap?(connection: Connection): Connection
  /** Whether to refuse a connection. */
  isRefused?(connection: Connection): boolean
}

/** A listening socket; the chunks of each connection are processed in order. */
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
    const { clock } = this.#context.world
    const handler = this.#options.accept(connection)
    const turn = workTurnsOf(clock).taker()
    const stream = new OpenStream(connection, handler, { clock, turn }, (error) => {
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

  /** Closes the socket, and each connection after its work in progress. */
  async stop(): Promise<void> {
    // Resolves when the last connection is closed.
    const closed = this.#listener?.close()
    await Promise.all([...this.#open].map((stream) => stream.stop()))
    await closed
  }
}

/** Closes a connection after its unsent bytes, also if the peer does not close its side. */
export function endSoon(connection: Connection, clock: Clock): void {
  connection.end()
  // The end of the peer is only reported while the connection is read.
  connection.resume()
  clock.setTimer(LINGER_MS, () => connection.destroy())
}

class OpenStream implements Pace {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #handler: StreamHandler
  readonly #turn: WorkTurn
  readonly #onClosed: (error: unknown) => void
  readonly #chunks: Buffer[] = []
  readonly #share: FrameShare
  #eviction: Error | undefined
  #working: Promise<void> | undefined
  /** Whether the peer has closed its side. */
  #isPeerDone = false
  #isEnded = false
  #isClosing = false
  /** Whether the handler has closed the connection. */
  #isRefused = false
  /** Called when the peer has read replies, or will read none. */
  #onTaken: (() => void) | undefined

  constructor(
    connection: Connection,
    handler: StreamHandler,
    { clock, turn }: { readonly clock: Clock; readonly turn: WorkTurn },
    onClosed: (error: unknown) => void,
  ) {
    this.#connection = connection
    this.#clock = clock
    this.#handler = handler
    this.#turn = turn
    this.#onClosed = onClosed
    this.#share = frameMemoryOf(clock).share((error) => this.#evict(error))
    connection.onData = (chunk) => this.#receive(chunk)
    connection.onDrain = () => this.#onTaken?.()
    connection.onEnd = () => {
      this.#isPeerDone = true
      if (this.#working === undefined) this.#working = this.#work()
    }
    connection.onClose = () => {
      this.#isEnded = true
      this.#onTaken?.()
      if (this.#working === undefined) this.#working = this.#work()
    }
  }

  next(): Promise<void> | undefined {
    return this.#isOwedReplies ? this.#repliesTaken() : this.#turn.next()
  }

  get #isOwedReplies(): boolean {
    return !this.#isEnded && !this.#isClosing && this.#connection.unsentBytes > MAX_UNSENT
  }

  async #repliesTaken(): Promise<void> {
    while (this.#isOwedReplies) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve
      })
    }
    this.#onTaken = undefined
    await this.#turn.next()
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosing || this.#isRefused) return
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
        const released = this.next()
        if (released !== undefined) await released
        const handled = this.#handler.onData(chunk, this)
        if (handled !== undefined) await handled
        this.#share.hold(this.#isEnded ? 0 : (this.#handler.bufferedBytes ?? 0))
        if (this.#isClosing || this.#isRefused) break
        if (this.#chunks.length === 0) this.#connection.resume()
      }
      // The replies to what was received are sent first.
      if (this.#isPeerDone && !this.#isClosing) await this.#handler.settle?.()
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
    if (this.#isEnded) this.#closed(failure)
    else if (this.#isPeerDone) this.#connection.end()
  }

  close(): void {
    this.#isRefused = true
    this.#chunks.length = 0
    this.#connection.pause()
    this.#connection.end()
    this.#clock.setTimer(LINGER_MS, () => this.#connection.destroy())
  }

  async stop(): Promise<void> {
    this.#isClosing = true
    this.#onTaken?.()
    this.#handler.stop?.()
    await this.#working
    await this.#handler.settle?.()
    endSoon(this.#connection, this.#clock)
    this.#closed(undefined)
  }

  #closed(error: unknown): void {
    this.#share.hold(0)
    const cause = this.#eviction ?? error
    this.#eviction = undefined
    this.#onClosed(cause)
  }

  /** Called when the shared memory of incomplete messages is used up. */
  #evict(error: Error): void {
    this.#eviction = error
    this.#chunks.length = 0
    this.#connection.destroy()
    this.#isEnded = true
    this.#onTaken?.()
    if (this.#working === undefined) this.#closed(undefined)
  }
}
