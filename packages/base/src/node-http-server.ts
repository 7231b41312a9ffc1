// SPDX-License-Identifier: Apache-2.0
import type { Server } from 'node:http'
import type { TlsOptions, Server as TlsServer } from 'node:tls'
import { listenError } from './listen-error.ts'
import type { EarlyListener } from './node-early-listener.ts'
import { inTurn, type ServeRequest } from './node-http-turns.ts'
import type { Clock } from './world.ts'

/** Address and callbacks of an HTTP server. */
export interface HttpServerOptions {
  /** Address to listen on. */
  readonly host: string
  /** Port; 0 selects a free one. */
  readonly port: number
  /** A socket that is open already, to listen on instead of `host` and `port`. */
  readonly listener?: EarlyListener | undefined
  /** Options of `tls.createServer`. Without them connections are not encrypted. */
  readonly tls?: TlsOptions | undefined
  /** Time of the turns that requests take. */
  readonly clock: Clock
  /**
   * Answers one request; requests of a connection are served one by one. A request whose handler
   * fails is answered with 500.
   */
  readonly serve: ServeRequest
  /** Called with the error of a request whose handler failed. */
  readonly onRequestError: (error: unknown) => void
  /** Called with errors of the listening socket, as when the process has too many files open. */
  readonly onListenerError: (error: Error) => void
}

/** A listening HTTP or HTTPS server. Node's modules are loaded with the first one. */
export class HttpServer implements AsyncDisposable {
  readonly #server: Server
  readonly #host: string
  readonly #clock: Clock
  readonly #inProgress = new Set<Promise<void>>()

  private constructor(
    options: HttpServerOptions,
    create: (serve: ReturnType<typeof inTurn>) => Server,
  ) {
    const { host, clock, serve, onRequestError } = options
    this.#host = host
    this.#clock = clock
    this.#server = create(
      inTurn(clock, (request, response) => this.#track(serve(request, response)), onRequestError),
    )
  }

  /** Listens. Rejects with `MILLRACE_LISTEN` and the reason, or Node's error. */
  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const { host, port, listener, tls, onListenerError } = options
    const { createServer } = await import('node:http')
    const secure = tls === undefined ? undefined : (await import('node:https')).createServer
    const server = new HttpServer(options, (serve) =>
      secure === undefined || tls === undefined ? createServer(serve) : secure(tls, serve),
    )
    const inner = server.#server
    const listening =
      listener === undefined ? listenOn(inner, { host, port }) : listener.passTo(inner)
    await listening.catch((error: unknown) => {
      throw listenError(host, port, error)
    })
    inner.on('error', onListenerError)
    return server
  }

  /** Host as configured. */
  get host(): string {
    return this.#host
  }

  /** Port that it listens on. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Uses other certificates for new connections; those that are open are not affected. */
  replaceTls(tls: TlsOptions): void {
    const server: Server & Partial<Pick<TlsServer, 'setSecureContext'>> = this.#server
    server.setSecureContext?.(tls)
  }

  /** Lets the process end while the server listens. */
  unref(): void {
    this.#server.unref()
  }

  /**
   * Accepts no more connections, waits for the requests in progress, at most `timeoutMs` (default:
   * without limit), and closes the connections. Idempotent.
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const { timeoutMs } = options
    this.#server.close()
    this.#server.closeIdleConnections()
    const settled = Promise.allSettled(this.#inProgress)
    if (timeoutMs === undefined) await settled
    else {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = this.#clock.setTimer(timeoutMs, resolve, { keepsAlive: true })
      await Promise.race([settled, promise])
      timer.cancel()
    }
    this.#server.closeAllConnections()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #track(work: Promise<void> | void): Promise<void> | undefined {
    if (work === undefined) return undefined
    const tracked = work.finally(() => this.#inProgress.delete(tracked))
    this.#inProgress.add(tracked)
    return tracked
  }
}

function listenOn(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
