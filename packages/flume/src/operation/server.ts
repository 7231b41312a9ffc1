// SPDX-License-Identifier: Apache-2.0

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TlsOptions } from 'node:tls'
import {
  decodePath,
  type HttpCredentials,
  HttpGuard,
  HttpServer,
  httpTarget,
  type Logger,
  MillraceError,
  nearestSpelling,
  nodeWorld,
  refuse,
  silentLogger,
} from '@millrace/base'
import type { Agent } from '../agent.ts'
import { type Event, hopsOf } from '../event.ts'
import { flumeMetrics, prometheusMetrics } from './metrics.ts'

/** Where the server listens. */
export interface OperationServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 41414, as in Flume; 0 selects a free port. */
  readonly port?: number
  /**
   * Options of `tls.createServer`. With `requestCert`, clients need a trusted certificate, and
   * credentials in addition if there are any.
   */
  readonly tls?: TlsOptions
  /** Users and tokens of clients. Default: none, so that every client is answered. */
  readonly credentials?: HttpCredentials
  /**
   * Whether to listen on an address that other machines reach without authentication: they could
   * read the metrics, and the events by taps. Default false.
   */
  readonly isInsecure?: boolean
  /** Receives requests that failed, and errors of the listening socket. Default: none. */
  readonly logger?: Logger
}

/** Bytes buffered for a slow client of a tap; further events are dropped and counted. */
const MAX_BACKLOG = 1024 * 1024

/**
 * The HTTP server of an agent: `/metrics` in Flume's JSON or Prometheus's format, `/status`, and
 * `/tap/<component>`, the events that pass a component as JSON lines.
 */
export class OperationServer {
  readonly #agent: Agent
  readonly #host: string
  readonly #port: number
  readonly #tls: TlsOptions | undefined
  readonly #guard: HttpGuard
  readonly #isInsecure: boolean
  readonly #logger: Logger
  #server: HttpServer | undefined
  readonly #began = Date.now()

  /** Creates the server of an agent's metrics, status and taps. */
  constructor(agent: Agent, options: OperationServerOptions = {}) {
    const { host = '127.0.0.1', port = 41_414, tls, credentials } = options
    this.#agent = agent
    this.#host = host
    this.#port = port
    this.#tls = tls
    this.#guard = new HttpGuard({
      host,
      ...(credentials === undefined ? {} : { credentials }),
      needsCertificate: tls?.requestCert === true,
    })
    this.#isInsecure = options.isInsecure ?? false
    this.#logger = options.logger ?? silentLogger
  }

  /** `host:port`. */
  get address(): string {
    return `${this.#host}:${this.#server?.port ?? this.#port}`
  }

  /**
   * Listens. Rejects with `EADDRINUSE` and the like, and with `MILLRACE_EXPOSED` if other machines
   * could read the events without authentication.
   */
  async start(): Promise<void> {
    if (this.#guard.isExposed && !this.#isInsecure) {
      throw new MillraceError(
        'MILLRACE_EXPOSED',
        `metrics and taps on ${this.#host}:${this.#port} would let anyone on the network read the events: set users, tokens or client certificates, listen on 127.0.0.1, or accept it with --insecure`,
      )
    }
    this.#server = await HttpServer.listen({
      host: this.#host,
      port: this.#port,
      tls: this.#tls,
      clock: nodeWorld.clock,
      serve: (request, response) => this.#answer(request, response),
      onRequestError: (error) =>
        this.#logger.error('a request for metrics or a tap failed', { error }),
      onListenerError: (error) => this.#logger.warn('listening socket', { error }),
    })
    this.#server.unref()
  }

  /** Closes the listener and its connections. */
  async stop(): Promise<void> {
    await this.#server?.close()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#guard.refusal(request)
    if (refusal !== undefined) {
      refuse(request, response, refusal)
      return
    }
    const target = httpTarget(request.url ?? '/')
    const pathname = target === undefined ? undefined : decodePath(target.path)
    if (pathname === undefined) {
      send(response, 400, 'text/plain', 'invalid request target\n')
    } else if (request.method !== 'GET') {
      send(response, 405, 'text/plain', 'GET is all there is\n')
    } else if (pathname === '/metrics' || pathname === '/metrics/prometheus') {
      this.#metrics(request, response, pathname.endsWith('prometheus'))
    } else if (pathname === '/status' || pathname === '/') {
      send(response, 200, 'application/json', JSON.stringify(this.#status()))
    } else if (pathname.startsWith('/tap/')) {
      this.#tap(pathname.slice(5), response)
    } else {
      send(
        response,
        404,
        'text/plain',
        'there is /metrics, /metrics/prometheus, /status, /tap/COMPONENT\n',
      )
    }
  }

  #metrics(request: IncomingMessage, response: ServerResponse, isPrometheus: boolean): void {
    const { counters, name } = this.#agent
    if (isPrometheus || /openmetrics|text\/plain/.test(request.headers.accept ?? '')) {
      send(
        response,
        200,
        'text/plain; version=0.0.4; charset=utf-8',
        prometheusMetrics(name, counters),
      )
      return
    }
    send(response, 200, 'application/json; charset=utf-8', JSON.stringify(flumeMetrics(counters)))
  }

  #status(): object {
    const { counters, name, plan } = this.#agent
    return {
      agent: name,
      pid: process.pid,
      upMs: Date.now() - this.#began,
      residentBytes: process.memoryUsage.rss(),
      configuration: plan.where,
      sources: plan.sources.map(({ name: source, config }) => ({
        name: source,
        type: config.type,
        channels: config.channels,
        addresses: this.#agent.addressesOf(source),
      })),
      channels: plan.channels.map(({ name: channel, config }) => ({
        name: channel,
        type: config.type,
      })),
      sinks: plan.sinkGroups.flatMap((group) =>
        group.sinks.map(({ name: sink, config }) => ({
          name: sink,
          type: config.type,
          channel: config.channel,
          ...(group.sinks.length > 1 ? { group: group.name } : {}),
        })),
      ),
      metrics: Object.fromEntries(
        counters.map((each) => [`${each.kind}.${each.name}`, Object.fromEntries(each.read())]),
      ),
    }
  }

  #tap(component: string, response: ServerResponse): void {
    const names = [
      ...this.#agent.plan.sources.map(({ name }) => name),
      ...this.#agent.plan.sinkGroups.flatMap(({ sinks }) => sinks.map(({ name }) => name)),
    ]
    if (!names.includes(component)) {
      const nearest = nearestSpelling(component, names)
      const hint =
        nearest === undefined ? `there is ${names.join(', ')}` : `did you mean ${nearest}?`
      send(response, 404, 'text/plain', `there is no source or sink ${component}; ${hint}\n`)
      return
    }
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.flushHeaders()
    let dropped = 0
    const leave = this.#agent.taps.listen(component, (_name, events) => {
      for (const event of events) {
        if (response.writableLength > MAX_BACKLOG) {
          dropped++
          continue
        }
        if (dropped > 0) response.write(`${JSON.stringify({ dropped })}\n`)
        dropped = 0
        response.write(`${JSON.stringify(tapped(component, event))}\n`)
      }
    })
    response.on('close', leave)
  }
}

/** JSON of an event of a tap. */
function tapped(component: string, { headers, body, lineage }: Event): object {
  return {
    component,
    atMs: Date.now(),
    headers: { ...headers },
    ...(isUtf8(body) ? { body: body.toString() } : { bodyBase64: body.toString('base64') }),
    lineage: hopsOf(lineage),
  }
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type })
  response.end(text)
}
