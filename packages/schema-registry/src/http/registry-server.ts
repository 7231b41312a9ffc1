// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TlsOptions } from 'node:tls'
import {
  type Clock,
  type EarlyListener,
  type HttpCredentials,
  HttpGuard,
  HttpServer,
  httpTarget,
  type Logger,
  MillraceError,
  readBody,
  refuse,
} from '@millrace/base'
import { RegistryError } from '../registry/registry-error.ts'
import { type Api, routes } from './api.ts'
import type { ApiReply } from './api-request.ts'
import { sendItems } from './item-sender.ts'
import { readJson } from './json-body.ts'
import type { Leadership } from './leadership.ts'
import { DEFAULT_TYPE, isReadable, replyType } from './media-types.ts'
import { type RouteMatch, Router, resourceOf, withoutAlias } from './resource-path.ts'

/** Options of a server. */
export interface RegistryServerOptions {
  /** Address to listen on. */
  readonly host: string
  /** Port; 0 selects a free one. */
  readonly port: number
  /** A socket that is open already, to listen on instead of `host` and `port`. */
  readonly listener?: EarlyListener | undefined
  /** Options of `tls.createServer`. */
  readonly tls?: TlsOptions | undefined
  /** Users and tokens. Default: every client is answered. */
  readonly credentials?: HttpCredentials | undefined
  /** Whether other machines may reach the server without authentication. */
  readonly isInsecure: boolean
  /** Largest body of a request, bytes. */
  readonly maxBodyBytes: number
  /** What it serves. */
  readonly api: Api
  /** Which registry writes. */
  readonly leadership: Leadership
  /** Time. */
  readonly clock: Clock
  /** Receives failed requests, and errors of the socket. */
  readonly logger: Logger
}

/** Header of requests that another registry forwarded: they are not forwarded again. */
export const FORWARDED_HEADER = 'x-forward'
/** Headers that are passed to the leader. */
const forwardedHeaders = ['content-type', 'accept', 'authorization']

const router = new Router(routes)

/** One listener of the registry's HTTP API. */
export class RegistryServer {
  readonly #options: RegistryServerOptions
  readonly #guard: HttpGuard
  #server: HttpServer | undefined

  constructor(options: RegistryServerOptions) {
    const { host, credentials, tls } = options
    this.#options = options
    this.#guard = new HttpGuard({
      host,
      ...(credentials === undefined ? {} : { credentials }),
      needsCertificate: tls?.requestCert === true && tls.rejectUnauthorized !== false,
    })
  }

  /**
   * Listens. Rejects with `MILLRACE_LISTEN`, and with `MILLRACE_EXPOSED` if other machines could
   * change schemas without authentication.
   */
  async listen(): Promise<void> {
    const { host, port, listener, tls, clock, logger, isInsecure } = this.#options
    if (this.#guard.isExposed && !isInsecure) {
      throw new MillraceError(
        'MILLRACE_EXPOSED',
        `the schema registry on ${host}:${port} would let any machine on the network change schemas: set authentication.method=BASIC with users, tokens, or ssl.client.authentication=REQUIRED, listen on 127.0.0.1, or accept it with millrace.insecure=true`,
      )
    }
    this.#server = await HttpServer.listen({
      host,
      port,
      listener,
      tls,
      clock,
      serve: (request, response) => this.#serve(request, response),
      onRequestError: (error) =>
        logger.error('a request for the schema registry failed', { error }),
      onListenerError: (error) => logger.warn('listening socket of the schema registry', { error }),
    })
  }

  /** Port that it listens on. */
  get port(): number {
    return this.#server?.port ?? this.#options.port
  }

  /** Uses other certificates for new connections. */
  replaceTls(tls: TlsOptions): void {
    if (this.#options.tls !== undefined) this.#server?.replaceTls(tls)
  }

  /** Stops listening, waits for requests in progress, and closes the connections. */
  async close(): Promise<void> {
    await this.#server?.close({ timeoutMs: 2000 })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#guard.refusal(request)
    if (refusal !== undefined) {
      if (refusal.status !== 401) {
        refuse(request, response, refusal)
        return
      }
      send(
        response,
        { status: 401, type: DEFAULT_TYPE, headers: refusal.headers },
        {
          json: { error_code: 401, message: 'Unauthorized' },
        },
      )
      request.resume()
      return
    }
    const type = replyType(request.headers.accept)
    try {
      if (type === undefined) throw new RegistryError(406, 'HTTP 406 Not Acceptable')
      await this.#answer(request, response, type)
    } catch (error) {
      if (response.headersSent || response.destroyed) throw error
      this.#sendError(response, type ?? DEFAULT_TYPE, error)
      // The rest of a body that was not read is not the next request.
      request.resume()
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, type: string): Promise<void> {
    const { method = 'GET', url = '/', headers } = request
    const { api, leadership, maxBodyBytes } = this.#options
    const target = httpTarget(url)
    if (target === undefined) throw new RegistryError(400, 'the request has no path')
    const { state } = api.store
    const resource = withoutAlias(
      resourceOf(target),
      (subject) => state.storedSettings(subject)?.alias,
    )
    const matches = router.match(resource.segments)
    if (matches.length === 0) throw new RegistryError(404, 'HTTP 404 Not Found')
    if (method === 'OPTIONS') {
      send(response, { status: 200, type, headers: { allow: allowed(matches) } }, {})
      request.resume()
      return
    }
    const wanted = method === 'HEAD' ? 'GET' : method
    const match = matches.find(({ route }) => route.method === wanted)
    if (match === undefined) {
      const error = { error_code: 405, message: 'HTTP 405 Method Not Allowed' }
      const head = { status: 405, type, headers: { allow: allowed(matches) } }
      send(response, head, { json: error })
      request.resume()
      return
    }
    const { route, params } = match
    const isWithBody = method === 'POST' || method === 'PUT'
    if (isWithBody && !isReadable(headers['content-type'])) {
      throw new RegistryError(415, 'HTTP 415 Unsupported Media Type')
    }
    const bytes = isWithBody ? await this.#body(request, maxBodyBytes) : undefined
    const body = bytes === undefined || bytes.length === 0 ? undefined : readJson(bytes)
    const apiRequest = { params, query: resource.query, body }
    const { parser } = api.store
    const early = await parser.run(() => route.withoutWriting?.(api, apiRequest))
    if (early === undefined && route.isWrite === true && !leadership.isLeader) {
      await leadership.settled()
      // This registry may have been elected meanwhile.
      if (!leadership.isLeader) {
        await this.#forward(request, response, bytes)
        return
      }
    }
    const reply = early ?? (await parser.run(() => route.handle(api, apiRequest)))
    if (reply.items === undefined) {
      send(response, { status: reply.status ?? 200, type, headers: {} }, reply)
      return
    }
    response.writeHead(200, { 'content-type': type })
    await sendItems(response, reply.items)
  }

  async #body(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
    try {
      return await readBody(request, maxBytes)
    } catch (error) {
      const { code } = error as { readonly code?: string }
      if (code === 'MILLRACE_BUSY') throw new RegistryError(429, 'too many requests; retry later')
      if (code !== 'MILLRACE_TOO_LARGE') throw error
      throw new RegistryError(413, `the body has more than ${maxBytes} bytes`)
    }
  }

  async #forward(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer | undefined,
  ): Promise<void> {
    const { leadership } = this.#options
    if (request.headers[FORWARDED_HEADER] !== undefined) {
      throw new RegistryError(50004, 'Leader not known.')
    }
    const headers = Object.fromEntries(
      forwardedHeaders.flatMap((name) => {
        const value = request.headers[name]
        return typeof value === 'string' ? [[name, value]] : []
      }),
    )
    const { method = 'POST', url: target = '/' } = request
    const reply = await leadership.forward({ method, target, headers, body })
    response.writeHead(reply.status, { 'content-type': reply.contentType ?? DEFAULT_TYPE })
    response.end(reply.body)
  }

  #sendError(response: ServerResponse, type: string, error: unknown): void {
    if (!(error instanceof RegistryError)) {
      this.#options.logger.error('a request for the schema registry failed', { error })
    } else if (error.status >= 500) {
      this.#options.logger.warn('a request for the schema registry failed', { error })
    }
    const isOurs = error instanceof RegistryError
    const status = isOurs ? error.status : 500
    const code = isOurs ? error.errorCode : 500
    const message = isOurs ? error.message : 'Internal Server Error'
    const headers: Record<string, string> = {}
    // The rest of the body is not read.
    if (status === 413 || status === 429) headers.connection = 'close'
    if (status === 429) headers['retry-after'] = '1'
    send(response, { status, type, headers }, { json: { error_code: code, message } })
  }
}

function allowed(matches: readonly RouteMatch[]): string {
  const methods = matches.map(({ route }) => route.method as string)
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(',')
}

interface Head {
  readonly status: number
  readonly type: string
  readonly headers: Readonly<Record<string, string>>
}

/** Sends a reply; that of HEAD has no body, which Node leaves out. */
function send(response: ServerResponse, { status, type, headers }: Head, reply: ApiReply): void {
  const text = reply.text ?? (reply.json === undefined ? undefined : JSON.stringify(reply.json))
  if (text === undefined) {
    response.writeHead(status, status === 204 ? headers : { ...headers, 'content-length': '0' })
    response.end()
    return
  }
  const bytes = Buffer.from(text)
  response.writeHead(status, {
    ...headers,
    'content-type': type,
    'content-length': String(bytes.length),
  })
  response.end(bytes)
}
