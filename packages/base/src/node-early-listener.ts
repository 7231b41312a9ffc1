// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type Socket } from 'node:net'
import { listenError } from './listen-error.ts'

/** Connections that wait for the server; further ones are closed. */
const MAX_WAITING = 256

/** Address and callback of an `EarlyListener`. */
export interface EarlyListenerOptions {
  /** Address to listen on. */
  readonly host: string
  /** Port; 0 selects a free one. */
  readonly port: number
  /** Called for each connection that waits: the server is to be started. */
  readonly onWaiting: () => void
  /** Called with errors of the listening socket. */
  readonly onError: (error: Error) => void
}

/**
 * A listening socket that is open before its server is loaded. Connections wait, unread, until an
 * `HttpServer` takes the socket over.
 */
export class EarlyListener {
  readonly #server: Server
  readonly #waiting = new Set<Socket>()
  #isTaken = false

  private constructor({ onWaiting, onError }: EarlyListenerOptions) {
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      if (this.#waiting.size >= MAX_WAITING) {
        socket.destroy()
        return
      }
      this.#waiting.add(socket)
      socket.on('error', this.#onSocketError)
      socket.once('close', () => this.#waiting.delete(socket))
      onWaiting()
    })
    this.#server.on('error', onError)
  }

  /** Listens. Rejects with `MILLRACE_LISTEN` and the reason, or Node's error. */
  static async listen(options: EarlyListenerOptions): Promise<EarlyListener> {
    const { host, port, onError } = options
    const listener = new EarlyListener(options)
    const server = listener.#server
    server.off('error', onError)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    }).catch((error: unknown) => {
      throw listenError(host, port, error)
    })
    server.on('error', onError)
    return listener
  }

  /** Port that it listens on. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Makes a server listen on the socket, and passes it the waiting connections. */
  async passTo(server: Server): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#server, () => {
        server.off('error', reject)
        resolve()
      })
    })
    this.#isTaken = true
    for (const socket of this.#waiting) {
      socket.off('error', this.#onSocketError)
      server.emit('connection', socket)
      socket.resume()
    }
    this.#waiting.clear()
  }

  /** Answers the waiting connections with bytes and closes them; it continues to listen. */
  refuseWaiting(reply: string): void {
    for (const socket of this.#waiting) {
      socket.end(reply)
      // What the client sent is read, so that it receives the reply and not a reset.
      socket.resume()
      socket.setTimeout(1000, () => socket.destroy())
    }
  }

  /** Stops listening, unless a server listens on the socket now. Idempotent. */
  close(): void {
    if (this.#isTaken) return
    this.#server.close()
    for (const socket of this.#waiting) socket.destroy()
  }

  /** The client of a waiting connection is gone: there is nothing to report. */
  readonly #onSocketError = (): void => {}
}
