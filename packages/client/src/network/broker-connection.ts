// SPDX-License-Identifier: Apache-2.0
import {
  ByteReader,
  ByteWriter,
  type Connection,
  MillraceError,
  systemErrorCode,
  type Timer,
} from '@millrace/base'
import {
  type Api,
  ApiKey,
  ApiVersionsRequest,
  ApiVersionsResponse,
  apis,
  codecOf,
  ErrorCode,
  errorName,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  ProtocolError,
  readResponseHeader,
  versionBounds,
  writeRequestHeader,
} from '@millrace/protocol'
import { channels } from '../diagnostics.ts'
import type { Address, ResolvedClientOptions } from '../options.ts'
import { ForeignProtocolError } from './foreign-protocol.ts'
import { ResponseFrames } from './response-frames.ts'
import { authenticate } from './sasl.ts'
import { isTlsFailure } from './tls.ts'

/** A request that could not be answered because its connection has ended. */
export class DisconnectedError extends MillraceError {
  override readonly name = 'DisconnectedError'
  /** Whether no byte of the request was sent, so that the broker cannot have executed it. */
  readonly neverSent: boolean
  /** Creates the error for a broker's address, with the reason as its cause. */
  constructor(
    message: string,
    options: {
      readonly neverSent?: boolean
      readonly code?: string
      readonly cause?: unknown
    } = {},
  ) {
    super(options.code ?? 'MILLRACE_DISCONNECTED', message, {
      retriable: true,
      cause: options.cause,
    })
    this.neverSent = options.neverSent ?? false
  }
}

/** What the connections of a client have in common. */
export interface ClientState {
  /** Whether any of them got a reply that needs authentication where it is required. */
  isServed: boolean
}

interface InFlight {
  readonly api: Api
  readonly version: number
  readonly correlationId: number
  readonly deadline: number
  readonly sentAt: number
  readonly response: MessageSchema
  resolve(message: unknown): void
  reject(error: Error): void
}

export interface RequestOptions {
  /** Newest version to use, if the caller does not support newer ones. */
  readonly maxVersion?: number
  /** Time-out. Default: `requestTimeoutMs`. */
  readonly timeoutMs?: number
  /** Sent while all other requests wait for it. */
  readonly isAuthentication?: boolean
}

const CLOSED = 'the client was closed'

/** APIs that a broker answers before authentication. */
const BEFORE_LOGIN: ReadonlySet<number> = new Set([
  ApiKey.ApiVersions,
  ApiKey.SaslHandshake,
  ApiKey.SaslAuthenticate,
])

/**
 * One authenticated connection to one broker. Requests are pipelined; replies come in the same
 * order.
 */
export class BrokerConnection {
  readonly address: Address
  readonly #connection: Connection
  readonly #options: ResolvedClientOptions
  readonly #inFlight: InFlight[] = []
  #correlationId = 0
  #isClosed = false
  #timer: Timer | undefined
  #reauthenticate: Timer | undefined
  /** Requests that wait for a re-authentication. */
  #held: (() => void)[] | undefined
  /** Version ranges of the broker's APIs, by key. */
  #versions: ReadonlyMap<number, { readonly min: number; readonly max: number }> = new Map()
  /** Finalized feature levels of the cluster (KIP-584). */
  features: MessageOf<typeof ApiVersionsResponse> | undefined
  lastUsedMs: number
  readonly #client: ClientState
  onClose: () => void = () => {}

  private constructor(
    connection: Connection,
    context: {
      readonly address: Address
      readonly options: ResolvedClientOptions
      readonly frames: ResponseFrames
      readonly client: ClientState
    },
  ) {
    this.#connection = connection
    this.address = context.address
    this.#options = context.options
    this.#client = context.client
    this.lastUsedMs = context.options.clock.monotonic()
    connection.onData = (chunk) => {
      try {
        context.frames.push(chunk)
      } catch (error) {
        this.#fail(error as Error)
      }
    }
    connection.onClose = (error) => this.#fail(error)
  }

  /** Connects, requests the API versions, and authenticates. */
  static async open(
    address: Address,
    options: ResolvedClientOptions,
    client: ClientState,
  ): Promise<BrokerConnection> {
    let opened: BrokerConnection | undefined
    const frames = new ResponseFrames(options.receiveMessageMaxBytes, (frame) =>
      opened?.receive(frame),
    )
    const where = `${address.host}:${address.port}`
    let connection: Connection
    try {
      connection = await options.network.connect({
        ...address,
        ...(options.tls === undefined ? {} : { tls: options.tls }),
        timeoutMs: options.socketConnectionSetupTimeoutMs,
        nextBuffer: frames.nextBuffer,
      })
    } catch (cause) {
      if (isTlsFailure(cause)) {
        throw new MillraceError(
          'MILLRACE_TLS',
          `TLS with ${where} failed: ${(cause as Error).message} (${systemErrorCode(cause)})`,
          { cause },
        )
      }
      // A network may end the attempts.
      if (cause instanceof MillraceError && !cause.retriable) throw cause
      throw new DisconnectedError(`cannot connect to ${where}: ${reasonOf(cause, where)}`, {
        neverSent: true,
        cause,
      })
    }
    opened = new BrokerConnection(connection, { address, options, frames, client })
    try {
      await opened.#negotiate()
      await opened.#authenticate()
    } catch (error) {
      opened.close()
      throw error
    }
    channels.connect.publish({ address: where })
    return opened
  }

  async #negotiate(): Promise<void> {
    const ask = (version: number): Promise<MessageOf<typeof ApiVersionsResponse>> =>
      this.#send(ApiVersionsRequest, ApiVersionsResponse, {
        message: { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' },
        version,
        timeoutMs: this.#options.requestTimeoutMs,
      })
    let response: MessageOf<typeof ApiVersionsResponse>
    try {
      response = await ask(4)
    } catch (error) {
      throw this.#withoutAnswer(error)
    }
    // An older broker answers in version 0 and lists what it supports (KIP-511).
    if (response.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      const known = response.apiKeys.find(({ apiKey }) => apiKey === ApiKey.ApiVersions)
      response = await ask(Math.min(known?.maxVersion ?? 0, 4))
    }
    if (response.errorCode !== ErrorCode.NONE) {
      const code = errorName(response.errorCode)
      throw new ProtocolError(code, `${this.#where} rejected ApiVersions: ${code}`)
    }
    this.features = response
    this.#versions = new Map(
      response.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
        apiKey,
        { min: minVersion, max: maxVersion },
      ]),
    )
  }

  /**
   * The error of ApiVersions, which mentions if the peer closed the connection instead of replying.
   */
  #withoutAnswer(error: unknown): unknown {
    const isClosed =
      error instanceof DisconnectedError &&
      error.code === 'MILLRACE_DISCONNECTED' &&
      (error.cause === undefined || systemErrorCode(error.cause) === 'ECONNRESET')
    if (!isClosed) return error
    return new DisconnectedError(
      `${this.#where} closed the connection before it answered ApiVersions: is it a Kafka listener${this.#options.tls === undefined ? ' without TLS' : ' with TLS'}?`,
      { cause: error },
    )
  }

  async #authenticate(): Promise<void> {
    const { sasl, clock } = this.#options
    if (sasl === undefined) return
    const lifetimeMs = await authenticate(sasl, {
      host: this.address.host,
      clock,
      random: this.#options.random,
      request: (request, response, message) =>
        this.request(request, response, message, { isAuthentication: true }),
    })
    // KIP-368: re-authenticates before the broker closes the connection.
    if (lifetimeMs > 0) {
      this.#reauthenticate = clock.setTimer(lifetimeMs * 0.85, () => {
        // Brokers accept nothing else during an authentication.
        this.#held = []
        this.#authenticate().then(
          () => {
            const held = this.#held ?? []
            this.#held = undefined
            for (const send of held) send()
          },
          (error: Error) => this.#fail(error),
        )
      })
    }
  }

  get #where(): string {
    return `${this.address.host}:${this.address.port}`
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get inFlightCount(): number {
    return this.#inFlight.length
  }

  /** The newest version that both sides support, or undefined. */
  versionOf(request: MessageSchema, maxVersion = Number.POSITIVE_INFINITY): number | undefined {
    const ours = versionBounds(request.versions)
    const theirs = this.#versions.get(request.apiKey ?? -1)
    if (theirs === undefined) return undefined
    const version = Math.min(ours[1], theirs.max, maxVersion)
    return version < Math.max(ours[0], theirs.min) ? undefined : version
  }

  /**
   * Sends a request in the newest version that both sides support. Rejects with `DisconnectedError`
   * if the connection ends, with `UNSUPPORTED_VERSION` if there is no common version. Error codes
   * inside the reply are up to the caller.
   */
  request<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    response: S,
    message: MessageInput<Q> | ((version: number) => MessageInput<Q>),
    options: RequestOptions = {},
  ): Promise<MessageOf<S>> {
    const version = this.versionOf(request, options.maxVersion)
    if (version === undefined) {
      const theirs = this.#versions.get(request.apiKey ?? -1)
      const has = theirs === undefined ? 'does not have it' : `has ${theirs.min}-${theirs.max}`
      return Promise.reject(
        new ProtocolError(
          'UNSUPPORTED_VERSION',
          `${request.name} in versions ${request.versions}: ${this.#where} ${has}`,
        ),
      )
    }
    const call = {
      message: typeof message === 'function' ? message(version) : message,
      version,
      timeoutMs: options.timeoutMs ?? this.#options.requestTimeoutMs,
    }
    const held = this.#held
    if (held === undefined || options.isAuthentication === true) {
      return this.#send(request, response, call)
    }
    return new Promise((resolve, reject) => {
      held.push(() => this.#send(request, response, call).then(resolve, reject))
    })
  }

  /** Sends a request without a reply: Produce with acks=0. False if the connection is closed. */
  sendOneWay<Q extends MessageSchema>(request: Q, message: MessageInput<Q>): boolean {
    const version = this.versionOf(request)
    if (this.#isClosed || this.#held !== undefined || version === undefined) return false
    this.#write(request, message, { version, correlationId: this.#correlationId++ })
    return true
  }

  #send<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    response: S,
    call: {
      readonly message: MessageInput<Q>
      readonly version: number
      readonly timeoutMs: number
    },
  ): Promise<MessageOf<S>> {
    if (this.#isClosed) {
      return Promise.reject(
        new DisconnectedError(`the connection to ${this.#where} is closed`, { neverSent: true }),
      )
    }
    const correlationId = this.#correlationId++
    return new Promise((resolve, reject) => {
      let api: Api
      try {
        api = this.#write(request, call.message, { version: call.version, correlationId })
      } catch (error) {
        reject(error)
        return
      }
      const now = this.#options.clock.monotonic()
      this.lastUsedMs = now
      this.#inFlight.push({
        api,
        version: call.version,
        correlationId,
        sentAt: now,
        deadline: now + call.timeoutMs,
        response,
        resolve: resolve as (message: unknown) => void,
        reject,
      })
      this.#watch()
    })
  }

  #write<Q extends MessageSchema>(
    request: Q,
    message: MessageInput<Q>,
    { version, correlationId }: { readonly version: number; readonly correlationId: number },
  ): Api {
    const api = apis.get(request.apiKey ?? -1) as Api
    const writer = new ByteWriter(512)
    writeRequestHeader(writer, api, {
      apiVersion: version,
      correlationId,
      clientId: this.#options.clientId,
    })
    codecOf(request, version).encode(writer, message)
    const size = Buffer.allocUnsafe(4)
    size.writeInt32BE(writer.size)
    this.#connection.write([size, ...writer.finish()])
    return api
  }

  /** A complete reply. Public for the frame reader, which exists before the connection does. */
  receive(frame: Buffer): void {
    const waiting = this.#inFlight.shift()
    if (waiting === undefined) {
      this.#fail(new Error(`${this.#where} sent a reply without a request`))
      return
    }
    if (!BEFORE_LOGIN.has(waiting.api.key)) this.#client.isServed = true
    try {
      if (frame.readInt32BE(0) !== waiting.correlationId) {
        throw new Error(
          `${this.#where} answered request ${frame.readInt32BE(0)} in place of ${waiting.correlationId}`,
        )
      }
      waiting.resolve(this.#decode(frame, waiting))
    } catch (error) {
      waiting.reject(error as Error)
      this.#fail(error as Error)
      return
    }
    if (channels.request.hasSubscribers) {
      channels.request.publish({
        api: waiting.api.name,
        version: waiting.version,
        address: this.#where,
        durationMs: this.#options.clock.monotonic() - waiting.sentAt,
        responseBytes: frame.length,
      })
    }
    if (this.#inFlight.length === 0) this.#timer?.cancel()
  }

  #decode(frame: Buffer, { api, version, response }: InFlight): unknown {
    const reader = new ByteReader(frame)
    if (api.key === ApiKey.ApiVersions && frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION) {
      readResponseHeader(reader, api, 0)
      return codecOf(response, 0).decode(reader)
    }
    readResponseHeader(reader, api, version)
    return codecOf(response, version).decode(reader)
  }

  /** One timer for the oldest request: if it times out, so does everything behind it. */
  #watch(): void {
    if (this.#inFlight.length !== 1) return
    const check = (): void => {
      const [oldest] = this.#inFlight
      if (oldest === undefined) return
      const left = oldest.deadline - this.#options.clock.monotonic()
      if (left > 0) {
        this.#timer = this.#options.clock.setTimer(Math.ceil(left), check)
        return
      }
      this.#fail(
        new DisconnectedError(
          `${this.#where} did not answer ${oldest.api.name} within ${Math.round(oldest.deadline - oldest.sentAt)} ms`,
          { code: 'MILLRACE_REQUEST_TIMEOUT' },
        ),
      )
    }
    const [first] = this.#inFlight
    if (first === undefined) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.setTimer(first.deadline - first.sentAt, check)
  }

  #fail(cause: Error | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer?.cancel()
    this.#reauthenticate?.cancel()
    this.#connection.destroy()
    const error =
      cause instanceof DisconnectedError
        ? cause
        : cause instanceof ForeignProtocolError
          ? new ForeignProtocolError(cause.protocol, this.#where)
          : new DisconnectedError(
              `the connection to ${this.#where} ended${cause === undefined ? '' : `: ${cause.message}`}${this.#hint(cause)}`,
              { cause },
            )
    for (const waiting of this.#inFlight.splice(0)) waiting.reject(error)
    // They find the connection closed.
    for (const send of this.#held?.splice(0) ?? []) send()
    if (channels.disconnect.hasSubscribers) {
      channels.disconnect.publish({ address: this.#where, error: cause })
    }
    this.onClose()
  }

  /** A broker closes a connection without a reply if a client does not authenticate as it must. */
  #hint(cause: Error | undefined): string {
    const isClosed = cause === undefined || systemErrorCode(cause) === 'ECONNRESET'
    const { sasl } = this.#options
    if (!isClosed || sasl !== undefined || this.#client.isServed || this.features === undefined)
      return ''
    return ' before it served a request; if the listener requires SASL, set the option sasl'
  }

  close(): void {
    this.#fail(new DisconnectedError(CLOSED, { code: 'MILLRACE_CLOSED' }))
  }
}

/**
 * Message of a failed attempt, without the address; that of several addresses is a list of errors.
 */
function reasonOf(cause: unknown, where: string): string {
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  const message = first instanceof Error ? first.message : String(first)
  return message.endsWith(` ${where}`) ? message.slice(0, -where.length - 1) : message
}
