// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, type Connection, MalformedInputError } from '@millrace/base'
import {
  type Api,
  ApiKey,
  ApiVersionsResponse,
  apis,
  codecOf,
  inVersions,
  ProtocolError,
  readRequestHeader,
  skipHeaderTags,
  writeResponseHeader,
} from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { ListenerConfig } from '../config/broker-config.ts'
import { CONTROLLER_APIS, unsupportedApiVersions } from '../handlers/api-versions.ts'
import type { Handler, RequestContext } from '../handlers/handler.ts'
import { FrameReader } from './frame-reader.ts'

/** Requests that may wait on one connection before its socket is no longer read. */
const MAX_PENDING_REQUESTS = 64
const MAX_PENDING_BYTES = 16 * 1024 * 1024

interface Pending {
  readonly size: number
  /** The finished response, an empty list for none; undefined while it is awaited. */
  response: readonly Uint8Array[] | undefined
}

/** Serves one client: reads frames, runs requests in order, and writes the replies in that order. */
export class RequestConnection {
  readonly #connection: Connection
  readonly #broker: BrokerServices
  readonly #listener: ListenerConfig
  readonly #frames: FrameReader
  /** Frames that were read but not started. */
  readonly #queue: Buffer[] = []
  /** Requests that were started, oldest first. */
  readonly #pending: Pending[] = []
  #pendingBytes = 0
  #running = 0
  #runningPipelined = true
  #isWritable = true
  #isPaused = false
  #isClosed = false
  readonly #abort = new AbortController()
  readonly #endpoint: { readonly host: string; readonly port: number }
  lastActiveMs: number

  constructor(options: {
    readonly connection: Connection
    readonly broker: BrokerServices
    readonly listener: ListenerConfig
    readonly onClose: () => void
  }) {
    const { connection, broker, listener } = options
    this.#connection = connection
    this.#broker = broker
    this.#listener = listener
    this.#frames = new FrameReader(broker.config.number('socket.request.max.bytes'))
    this.#endpoint = listener.advertised ?? {
      host: connection.localAddress.replace(/^::ffff:/, ''),
      port: connection.localPort,
    }
    this.lastActiveMs = broker.world.clock.now()
    connection.onData = (chunk) => this.#read(chunk)
    connection.onDrain = () => {
      this.#isWritable = true
      this.#adjustReading()
    }
    connection.onClose = () => {
      this.#isClosed = true
      this.#abort.abort()
      this.#queue.length = 0
      options.onClose()
    }
  }

  /** Whether nothing is being worked on. */
  get isIdle(): boolean {
    return this.#pending.length === 0 && this.#queue.length === 0
  }

  close(): void {
    this.#connection.destroy()
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return
    this.lastActiveMs = this.#broker.world.clock.now()
    try {
      this.#queue.push(...this.#frames.push(chunk))
    } catch (error) {
      this.#drop('cannot read a request', error)
      return
    }
    this.#startNext()
    this.#adjustReading()
  }

  /** One request at a time, as Kafka does; only those that merely wait for the disk overlap. */
  #startNext(): void {
    while (this.#queue.length > 0 && !this.#isClosed) {
      if (this.#running > 0) {
        if (!this.#runningPipelined || this.#pending.length >= MAX_PENDING_REQUESTS) return
        if (!isPipelined(this.#queue[0] as Buffer, this.#broker)) return
      }
      this.#start(this.#queue.shift() as Buffer)
    }
  }

  #start(frame: Buffer): void {
    const pending: Pending = { size: frame.length, response: undefined }
    this.#pending.push(pending)
    this.#pendingBytes += frame.length
    this.#running++
    try {
      const outcome = this.#dispatch(frame)
      if (outcome instanceof Promise) {
        outcome.then(
          (response) => this.#finish(pending, response),
          (error) => this.#drop('a request failed', error),
        )
      } else this.#finish(pending, outcome)
    } catch (error) {
      this.#drop('a request failed', error)
    }
  }

  #dispatch(frame: Buffer): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
    const reader = new ByteReader(frame)
    const header = readRequestHeader(reader)
    const api = apis.get(header.apiKey)
    const handler = this.#broker.handlers.get(header.apiKey)
    const { apiVersion: version, correlationId } = header
    if (api === undefined || handler === undefined || !this.#isAllowed(header.apiKey)) {
      throw new MalformedInputError(`API key ${header.apiKey} is not answered here`)
    }
    const isUnstable = api.latestVersionUnstable && !inVersions(api.request.versions, version + 1)
    if (!inVersions(api.request.versions, version) || isUnstable) {
      if (header.apiKey !== ApiKey.ApiVersions) {
        throw new MalformedInputError(`${api.name} has no version ${version}`)
      }
      const writer = new ByteWriter(64)
      writer.int32(correlationId)
      codecOf(ApiVersionsResponse, 0).encode(writer, unsupportedApiVersions())
      return framed(writer)
    }
    skipHeaderTags(reader, api, version)
    // What follows the body is ignored, as Kafka does.
    const request = codecOf(handler.request, version).decode(reader)
    this.#runningPipelined = handler.isPipelined
    const reply = handler.handle(request, this.#context(version, header.clientId))
    if (reply instanceof Promise) {
      return reply.then((message) => encode(message, { api, handler, version, correlationId }))
    }
    return encode(reply, { api, handler, version, correlationId })
  }

  #isAllowed(apiKey: number): boolean {
    return !this.#listener.isController || CONTROLLER_APIS.has(apiKey)
  }

  #context(version: number, clientId: string | null): RequestContext {
    return {
      broker: this.#broker,
      version,
      clientId: clientId ?? '',
      clientHost: `/${this.#connection.remoteAddress.replace(/^::ffff:/, '')}`,
      listener: this.#listener,
      endpoint: this.#endpoint,
      signal: this.#abort.signal,
    }
  }

  #finish(pending: Pending, response: readonly Uint8Array[]): void {
    pending.response = response
    this.#running--
    while (this.#pending[0]?.response !== undefined) {
      const done = this.#pending.shift() as Pending
      this.#pendingBytes -= done.size
      if (this.#isClosed || done.response === undefined || done.response.length === 0) continue
      if (!this.#connection.write(done.response)) this.#isWritable = false
    }
    this.#startNext()
    this.#adjustReading()
  }

  /** A client that does not read its replies, or sends faster than it can be served, is not read either. */
  #adjustReading(): void {
    if (this.#isClosed) return
    const isFull =
      !this.#isWritable ||
      this.#pendingBytes > MAX_PENDING_BYTES ||
      this.#queue.length + this.#pending.length > MAX_PENDING_REQUESTS
    if (isFull === this.#isPaused) return
    this.#isPaused = isFull
    if (isFull) this.#connection.pause()
    else this.#connection.resume()
  }

  #drop(what: string, error: unknown): void {
    if (this.#isClosed) return
    const isPeersFault = error instanceof MalformedInputError || error instanceof ProtocolError
    const log = isPeersFault ? this.#broker.logger.warn : this.#broker.logger.error
    log(`${what}, closing its connection`, {
      client: `${this.#connection.remoteAddress}:${this.#connection.remotePort}`,
      error: isPeersFault ? error.message : error,
    })
    this.#connection.destroy()
  }
}

function isPipelined(frame: Buffer, broker: BrokerServices): boolean {
  return frame.length >= 2 && broker.handlers.get(frame.readInt16BE(0))?.isPipelined === true
}

function encode(
  message: unknown,
  about: {
    readonly api: Api
    readonly handler: Handler
    readonly version: number
    readonly correlationId: number
  },
): readonly Uint8Array[] {
  if (message === undefined) return []
  const writer = new ByteWriter(512)
  writeResponseHeader(writer, about.api, about.version, about.correlationId)
  codecOf(about.handler.response, about.version).encode(writer, message as object as never)
  return framed(writer)
}

function framed(writer: ByteWriter): Uint8Array[] {
  const size = Buffer.allocUnsafe(4)
  size.writeInt32BE(writer.size)
  return [size, ...writer.finish()]
}
