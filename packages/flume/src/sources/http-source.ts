// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  HttpGuard,
  HttpServer,
  MillraceError,
  readBody,
  readCredentials,
  refuse,
} from '@millrace/base'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import {
  ignored,
  integer,
  type Keys,
  optionalInteger,
  partType,
  port,
  prefixed,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { checkPart, findPart, type Part, readPart } from '../config/part.ts'
import { pathOf } from '../config/paths.ts'
import { ChannelError, ChannelFullError, reasonOf } from '../errors.ts'
import { Event, newHeaders } from '../event.ts'
import { jsonEvent } from '../serialization/deserializers.ts'
import {
  checkClientAuth,
  checkServerTls,
  clientAuthOf,
  httpGuardKeys,
  serverTls,
  serverTlsKeys,
} from '../tls.ts'

const keys = {
  ...serverTlsKeys,
  ...httpGuardKeys,
  port: port(),
  bind: text('0.0.0.0', { alsoKnownAs: ['host'] }),
  handler: partType('org.apache.flume.source.http.JSONHandler'),
  handlerEntries: prefixed('handler.'),
  maxBodySize: integer(100_000_000, { min: 1 }),
  queuedThreadPool: ignored('one thread serves all requests', { key: 'QueuedThreadPool' }),
  jettyThreads: prefixed('QueuedThreadPool.'),
  jettyHttp: prefixed('HttpConfiguration.'),
  jettySsl: prefixed('SslContextFactory.'),
  jettyConnector: prefixed('ServerConnector.'),
}

/** A request, as handlers get it. */
export interface HttpRequest {
  /** Address of the request. */
  readonly url: URL
  /** Headers of the request. */
  readonly headers: IncomingMessage['headers']
  /** Body of the request. */
  readonly body: Buffer
}

/** Makes events of a request. */
export interface HttpHandler {
  /**
   * Makes events of a request; throws an `Error` when the request is wrong, which is answered with
   * 400.
   */
  handle(request: HttpRequest): readonly Event[] | Promise<readonly Event[]>
}

interface HandlerDefinition<K extends Keys = Keys> extends Part<K> {
  create(config: ValuesOf<K>): HttpHandler
}

/** `[{"headers": {…}, "body": "…"}, …]`, in UTF-8, UTF-16 or UTF-32. */
function jsonEvents({ headers, body }: HttpRequest): readonly Event[] {
  const charset = /charset="?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  const value: unknown = JSON.parse(decodeText(body, charset))
  if (!Array.isArray(value))
    throw new Error('the body is a list of events: [{"headers": {}, "body": ""}]')
  return value.map(jsonEvent)
}

function decodeText(body: Buffer, charset: string): string {
  switch (charset.toLowerCase()) {
    case 'utf-8':
      return body.toString()
    case 'utf-16':
    case 'utf-16be':
    case 'utf-16le': {
      const isLittle =
        charset.toLowerCase() === 'utf-16le' || (body[0] === 0xff && body[1] === 0xfe)
      return new TextDecoder(isLittle ? 'utf-16le' : 'utf-16be').decode(body)
    }
    case 'utf-32': {
      const isLittle = body[0] === 0xff && body[1] === 0xfe
      let text = ''
      for (let at = 0; at + 4 <= body.length; at += 4) {
        const code = isLittle ? body.readUInt32LE(at) : body.readUInt32BE(at)
        if (at > 0 || code !== 0xfeff) text += String.fromCodePoint(code)
      }
      return text
    }
    default:
      throw new Error(`charset ${charset} is not supported; expected UTF-8, UTF-16, UTF-32`)
  }
}

/** The unchanged body; parameters of the URL become headers. */
function blobEvent({ url, body }: HttpRequest): readonly Event[] {
  const headers = newHeaders()
  for (const [name, value] of url.searchParams) headers[name] = value
  return [new Event(body, headers)]
}

const handlerKeys = { maxBlobLength: optionalInteger({ min: 0 }) }

const handlers: readonly HandlerDefinition<typeof handlerKeys>[] = [
  {
    type: 'json',
    aliases: ['org.apache.flume.source.http.JSONHandler'],
    keys: handlerKeys,
    create: () => ({ handle: jsonEvents }),
  },
  {
    type: 'blob',
    aliases: [
      'org.apache.flume.source.http.BLOBHandler',
      'org.apache.flume.sink.solr.morphline.BlobHandler',
    ],
    keys: handlerKeys,
    create: () => ({ handle: blobEvent }),
  },
]

class RequestError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Each POST is one transaction: 200 when the channels have it, 400 when it is wrong, 503 when there
 * is no room.
 */
class HttpSource implements Source {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: SourceContext
  readonly #handler: HttpHandler
  readonly #maxSize: number
  #server: HttpServer | undefined
  #guard: HttpGuard | undefined

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#config = config
    this.#context = context
    const definition = findPart(handlers, config.handler)
    const own = readPart(definition, config.handlerEntries)
    this.#handler = definition.create(own)
    this.#maxSize = own.maxBlobLength ?? config.maxBodySize
  }

  get addresses(): readonly string[] {
    return [`${this.#config.bind}:${this.#server?.port ?? this.#config.port}`]
  }

  async start(): Promise<void> {
    const { bind, port, usersFile, tokensFile, clientAuth } = this.#config
    const { directory } = this.#context
    this.#guard = new HttpGuard({
      host: bind,
      credentials: readCredentials({
        users: usersFile === undefined ? undefined : pathOf(usersFile, directory),
        tokens: tokensFile === undefined ? undefined : pathOf(tokensFile, directory),
      }),
      needsCertificate: clientAuth === 'required',
    })
    const { logger, name, world } = this.#context
    const tls = serverTls(this.#config, directory)
    this.#server = await HttpServer.listen({
      host: bind,
      port,
      tls: tls === undefined ? undefined : { ...tls, ...clientAuthOf(this.#config, directory) },
      clock: world.clock,
      serve: (request, response) => this.#serve(request, response),
      onRequestError: (error) => logger.error('a request failed', { source: name, error }),
      onListenerError: (error) => logger.warn('listening socket', { source: name, error }),
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { counters, logger, name } = this.#context
    const refusal = this.#guard?.refusal(request)
    if (refusal !== undefined) {
      counters.add('EventReadFail')
      refuse(request, response, refusal)
      return
    }
    try {
      await this.#take(request)
      response.writeHead(200).end()
    } catch (error) {
      const status = statusOf(error)
      if (status >= 500) {
        logger.warn('a request was refused', { source: name, status, reason: reasonOf(error) })
        if (status === 500) counters.add('GenericProcessingFail')
      } else counters.add('EventReadFail')
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
      response.end(`${reasonOf(error)}\n`)
      // What is left of a body that is too large is not waited for.
      if (status === 413) request.destroy()
    }
  }

  async #take(request: IncomingMessage): Promise<void> {
    if (request.method !== 'POST' && request.method !== 'GET' && request.method !== 'PUT') {
      throw new RequestError(405, `${request.method} is not supported; events are sent with POST`)
    }
    const body = await readBody(request, this.#maxSize)
    let events: readonly Event[]
    try {
      const url = new URL(request.url ?? '/', 'http://localhost')
      events = await this.#handler.handle({ url, headers: request.headers, body })
    } catch (error) {
      throw new RequestError(400, `Bad request: ${reasonOf(error)}`)
    }
    if (events.length > 0) await this.#context.channels.process(events)
  }

  async stop(): Promise<void> {
    await this.#server?.close()
  }
}

function statusOf(error: unknown): number {
  if (error instanceof RequestError) return error.status
  if (error instanceof MillraceError && error.code === 'MILLRACE_TOO_LARGE') return 413
  return error instanceof ChannelFullError || error instanceof ChannelError ? 503 : 500
}

export const httpSource = defineSource({
  type: 'http',
  aliases: ['org.apache.flume.source.http.HTTPSource'],
  about: 'events by HTTP POST, as JSON or as they are',
  keys,
  check: (config) => [
    ...checkServerTls(config),
    ...checkClientAuth(config),
    ...checkPart(handlers, 'handler', config.handler, config.handlerEntries, { isLate: false }),
  ],
  create: (config, context) => new HttpSource(config, context),
})
