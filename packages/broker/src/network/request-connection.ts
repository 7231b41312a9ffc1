// SPDX-License-Identifier: Apache-2.0
import {
  type Connection,
  elementAt,
  type LogFields,
  MalformedInputError,
  PROTOCOL_START_BYTES,
  systemErrorCode,
  type Timer,
} from '@millrace/base'
import { type Api, ApiKey, ProtocolError } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { ListenerConfig } from '../config/listeners.ts'
import type { Reply, ReplySpace, RequestContext } from '../handlers/handler.ts'
import { RequestThrottle } from '../quota/request-throttle.ts'
import { Access } from '../security/access.ts'
import type { AuthenticationContext, PrincipalResolver } from '../security/authentication.ts'
import {
  ANONYMOUS,
  type ClientSession,
  clientSession,
  type Principal,
  principalText,
} from '../security/client-session.ts'
import type { SaslListener } from '../security/sasl/sasl-listener.ts'
import type { TlsListener } from '../security/tls/tls-listener.ts'
import type { FairTurns, TurnTaker } from './fair-turns.ts'
import { foreignClientOf } from './foreign-client.ts'
import type { FrameBuffers } from './frame-buffers.ts'
import { FrameReader } from './frame-reader.ts'
import { Muting } from './muting.ts'
import { isPipelined, isReadOnly, openRequest } from './open-request.ts'
import type { RepeatedWarnings } from './repeated-warnings.ts'
import type { ReplyMemory } from './reply-memory.ts'
import { type ChunkBuffers, ReplyOutput, type ReplyPiece, releasePieces } from './reply-output.ts'
import type { RequestMemory, RequestReader } from './request-memory.ts'
import { responseFrame } from './response-frame.ts'
import { type SaslReply, SaslSession } from './sasl-session.ts'

/** Number of pending requests of a connection at which its socket is no longer read. */
const MAX_PENDING_REQUESTS = 64
const MAX_PENDING_BYTES = 16 * 1024 * 1024
/** Received bytes that count as progress. */
const LEAST_PROGRESS_BYTES = 4096
/**
 * Time limit for a connection that is being dropped to accept the replies before the failure, and
 * for fetches to wait for records once the client has closed its side.
 */
const LINGER_MS = 5000

/** State shared by all connections of a broker. */
export interface SharedResources {
  readonly turns: FairTurns
  readonly requests: RequestMemory
  readonly replies: ReplyMemory
  readonly buffers: ChunkBuffers
  readonly frameBuffers: FrameBuffers
  readonly warnings: RepeatedWarnings
}

/** Authentication on the connections of a listener. */
export interface ConnectionSecurity {
  readonly principals: PrincipalResolver
  /** Undefined on a listener without SASL. */
  readonly sasl: SaslListener | undefined
  /** Undefined on a listener without TLS. */
  readonly tls: TlsListener | undefined
  /** Identity of an in-process client, which need not authenticate. */
  readonly identity?: Principal
}

interface Pending {
  readonly size: number
  /** The encoded response, an empty list for none; undefined while it is pending. */
  response: readonly ReplyPiece[] | undefined
  /** Why there is no response; ends the connection once the responses before it were sent. */
  failure: { readonly what: string; readonly cause: unknown } | undefined
  /** Why the connection is closed once this response was sent. */
  closes: string | undefined
}

/**
 * Serves one client: reads frames, runs requests in order, and writes the replies in that order.
 * Received requests are executed even if the client closed its side, or the connection, after
 * sending them. No request is started while the socket does not accept replies.
 */
export class RequestConnection implements RequestReader {
  readonly #connection: Connection
  readonly #broker: BrokerServices
  readonly #listener: ListenerConfig
  readonly #shared: SharedResources
  readonly #taker: TurnTaker
  readonly #frames: FrameReader
  readonly #output: ReplyOutput
  readonly #onDone: () => void
  /** Frames that were read but not started. */
  readonly #queue: Buffer[] = []
  #queuedBytes = 0
  /** Started requests, oldest first. */
  readonly #pending: Pending[] = []
  #pendingBytes = 0
  #running = 0
  #runningPipelined = true
  #isStarting = false
  #isPaused = false
  /**
   * Set when no more frames will be read: the client closed its side, or sent an invalid request.
   */
  #isReadingOver = false
  #readFailure: unknown
  /** First bytes that the client sent; undefined once a request was answered. */
  #firstBytes: Buffer | undefined = Buffer.alloc(0)
  #isEnding = false
  #linger: Timer | undefined
  /** Set when the connection is being closed by the broker: no further request is started. */
  #isDropped = false
  /** Set when the socket is closed. */
  #isClosed = false
  #isDone = false
  readonly #abort = new AbortController()
  readonly #endpoint: { readonly host: string; readonly port: number }
  readonly #replySpace: ReplySpace
  readonly #isInProcess: boolean
  readonly #peer: AuthenticationContext
  #session: ClientSession
  /** Undefined if the client need not authenticate. */
  readonly #sasl: SaslSession | undefined
  #authenticationTimer: Timer | undefined
  #lastActiveMs: number
  /** Time of the client's last progress in releasing memory, by the monotonic clock. */
  #progressMs: number
  #seenUnsentBytes = 0
  /** No request is started while the client is above a quota. */
  readonly #muting: Muting
  #receivedBytes = 0

  constructor(options: {
    readonly connection: Connection
    readonly broker: BrokerServices
    readonly listener: ListenerConfig
    readonly shared: SharedResources
    readonly security: ConnectionSecurity
    /** Called when the socket is closed. */
    readonly onClose: () => void
    /** Called when the socket is closed and no request is running. */
    readonly onDone: () => void
  }) {
    const { connection, broker, listener, shared, security } = options
    this.#connection = connection
    this.#broker = broker
    this.#listener = listener
    this.#shared = shared
    this.#onDone = options.onDone
    this.#taker = shared.turns.taker(() => this.#continue())
    this.#muting = new Muting(broker.world.clock, () => this.#continue())
    const maxSize = broker.config.number('socket.request.max.bytes')
    this.#frames = new FrameReader(maxSize, shared.frameBuffers)
    this.#output = new ReplyOutput(connection, shared.buffers)
    this.#endpoint = listener.advertised ?? {
      host: connection.localAddress.replace(/^::ffff:/, ''),
      port: connection.localPort,
    }
    this.#replySpace = {
      allowance: () => shared.replies.allowance,
      reserve: (bytes) => {
        if (!this.#isClosed) shared.replies.update(this, this.#output.heldBytes + bytes)
      },
    }
    const { principals, sasl, tls, identity } = security
    this.#isInProcess = identity !== undefined
    this.#peer = this.#peerOf(tls)
    this.#sasl = sasl === undefined ? undefined : this.#saslSession(sasl, principals)
    // Until a SASL client has authenticated, only requests that need no permission are answered.
    const isIdentified = identity !== undefined || sasl !== undefined
    this.#session = this.#sessionOf(
      identity ?? (isIdentified ? ANONYMOUS : principals.principalOf(this.#peer)),
      identity === undefined ? listener.securityProtocol : 'PLAINTEXT',
    )
    if (sasl !== undefined) this.#limitUntilLogin(sasl)
    this.#lastActiveMs = broker.world.clock.now()
    this.#progressMs = broker.world.clock.monotonic()
    connection.onData = (chunk) => this.#read(chunk)
    connection.onEnd = () => this.#onEnd()
    connection.onDrain = () => this.#onDrain()
    connection.onClose = (error) => {
      try {
        this.#onClose(error)
      } finally {
        options.onClose()
      }
    }
  }

  #sessionOf(identity: Principal, securityProtocol: string): ClientSession {
    const { listenerName } = this.#listener
    return clientSession({ identity, host: this.#clientAddress, listenerName, securityProtocol })
  }

  /** Information of the transport about the client. */
  #peerOf(tls: TlsListener | undefined): AuthenticationContext {
    const { listenerName, securityProtocol } = this.#listener
    const peer = { host: this.#clientAddress, listenerName, securityProtocol }
    const certificate = this.#connection.peerCertificate
    if (tls === undefined || certificate === undefined) return peer
    const distinguishedName = tls.distinguishedName(certificate)
    return { ...peer, tls: { distinguishedName, certificate } }
  }

  #saslSession(sasl: SaslListener, principals: PrincipalResolver): SaslSession {
    const { securityProtocol } = this.#listener
    return new SaslSession({
      listener: sasl,
      client: this.#peer,
      clock: this.#broker.world.clock,
      logger: this.#broker.logger,
      signal: this.#abort.signal,
      principalOf: (login) => principals.principalOf({ ...this.#peer, sasl: login }),
      onLogin: (principal) => {
        this.#session = this.#sessionOf(principal, securityProtocol)
        this.#frames.maxSize = this.#broker.config.number('socket.request.max.bytes')
        this.#authenticationTimer?.cancel()
        const fields = { client: this.#client, principal: principalText(principal) }
        this.#broker.logger.debug('authenticated', fields)
      },
    })
  }

  /** Limits for a client that has not authenticated: frame size and time. */
  #limitUntilLogin(sasl: SaslListener): void {
    const { config, world } = this.#broker
    this.#frames.maxSize = Math.min(sasl.maxFrameBytes, config.number('socket.request.max.bytes'))
    const limitMs = config.number('connections.max.unauthenticated.ms')
    if (limitMs <= 0) return
    this.#authenticationTimer = world.clock.setTimer(limitMs, () =>
      this.evict(`its client did not authenticate within ${limitMs} ms`),
    )
  }

  get missingBytes(): number | undefined {
    return this.#frames.missingBytes
  }

  /** Whether the socket is closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether the socket is closed and no request is running. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** Start of the idle time, by the wall clock; undefined while a request is running. */
  get idleSinceMs(): number | undefined {
    return this.#running > 0 ? undefined : this.#lastActiveMs
  }

  /** Time of the last finished request, by the wall clock; infinite while one is running. */
  get lastActiveMs(): number {
    return this.#running > 0 ? Number.POSITIVE_INFINITY : this.#lastActiveMs
  }

  /** Name of the listener that accepted it; undefined for a client in the process. */
  get acceptedBy(): string | undefined {
    return this.#isInProcess ? undefined : this.#listener.listenerName
  }

  /** Closes the connection and drops the requests that have not started. */
  close(): void {
    this.#isDropped = true
    this.#clearQueue()
    this.#output.close()
    this.#connection.destroy()
    if (this.#isClosed) this.#finishClosed()
  }

  /** Closes the connection because others need the memory that it holds, or its place. */
  evict(why: string): void {
    if (this.#isDone) return
    this.#report('warn', 'eviction', `closing a connection: ${why}`)
    this.close()
    this.#release()
  }

  onMayRead(): void {
    this.#adjustReading()
  }

  /**
   * Since when the client has failed to release memory that it could release, by reading its
   * replies or by sending the rest of its request; undefined if it holds none, or cannot release
   * any. Must be called at intervals: progress is measured since the last call.
   */
  stalledSinceMs(nowMs: number): number | undefined {
    const { unsentBytes } = this.#connection
    if (
      unsentBytes < this.#seenUnsentBytes ||
      this.#receivedBytes >= LEAST_PROGRESS_BYTES ||
      this.#running > 0
    ) {
      this.#noteProgress(nowMs)
      this.#receivedBytes = 0
    }
    this.#seenUnsentBytes = unsentBytes
    // A closed connection holds the requests that its throttled client left behind.
    if (this.#isClosed) return this.#queue.length > 0 ? this.#progressMs : undefined
    const holdsRequest = this.#shared.requests.usedBy(this) > 0 && this.missingBytes !== undefined
    const isWaitedFor = !this.#output.isEmpty || (holdsRequest && !this.#isPaused)
    return isWaitedFor ? this.#progressMs : undefined
  }

  #noteProgress(nowMs = this.#broker.world.clock.monotonic()): void {
    this.#progressMs = nowMs
    this.#lastActiveMs = this.#broker.world.clock.now()
  }

  get #client(): string {
    return `${this.#connection.remoteAddress}:${this.#connection.remotePort}`
  }

  // ----------------------------------------------------------------------------------------------
  // socket events

  #read(chunk: Buffer): void {
    if (this.#isDropped || this.#isReadingOver) return
    this.#lastActiveMs = this.#broker.world.clock.now()
    this.#receivedBytes += chunk.length
    const first = this.#firstBytes
    if (first !== undefined && first.length < PROTOCOL_START_BYTES) {
      this.#firstBytes = Buffer.concat([
        first,
        chunk.subarray(0, PROTOCOL_START_BYTES - first.length),
      ])
    }
    const before = this.#queue.length
    try {
      const isViewed = this.#frames.push(chunk, this.#queue)
      if (!isViewed) this.#connection.release?.(chunk)
    } catch (error) {
      this.#isReadingOver = true
      this.#readFailure = error
    }
    for (let i = before; i < this.#queue.length; i++) {
      this.#queuedBytes += elementAt(this.#queue, i).length
    }
    this.#continue()
  }

  /**
   * The client sends no more. Its requests are executed and answered, then the connection ends. A
   * client that has closed the connection looks the same until a reply is written to it, so a fetch
   * that still waits for records after `LINGER_MS` is answered without them.
   */
  #onEnd(): void {
    this.#isReadingOver = true
    this.#linger ??= this.#broker.world.clock.setTimer(LINGER_MS, () => this.#abort.abort())
    this.#continue()
  }

  #onDrain(): void {
    this.#output.onDrain()
    this.#noteProgress()
    this.#continue()
  }

  #onClose(error: Error | undefined): void {
    this.#isClosed = true
    this.#isReadingOver = true
    this.#linger?.cancel()
    this.#authenticationTimer?.cancel()
    // Requests that a throttled client left behind wait as well: a close is no way around a quota.
    if (this.#queue.length === 0 || this.#isDropped) this.#muting.end()
    // From now on replies are discarded, so that none can block the close.
    this.#output.close()
    if (error !== undefined && systemErrorCode(error) === undefined && !this.#isDropped) {
      this.#broker.logger.error('a connection failed', { client: this.#client, error })
      this.#isDropped = true
      this.#clearQueue()
    }
    this.#abort.abort()
    this.#continue()
  }

  // ----------------------------------------------------------------------------------------------
  // requests

  /** Does all work that is possible now. Must be called after every change. */
  #continue(): void {
    this.#writeMore()
    this.#startNext()
    this.#noteHeldBytes()
    if (this.#isClosed) this.#finishClosed()
    else if (this.#isDropped) this.#finishDropping()
    else {
      this.#adjustReading()
      this.#endIfDone()
    }
  }

  /** One request at a time, as in Kafka; only those that merely wait for the disk overlap. */
  #startNext(): void {
    if (this.#isStarting) return
    this.#isStarting = true
    try {
      while (this.#mayStart()) {
        const frame = this.#queue.shift() as Buffer
        this.#queuedBytes -= frame.length
        // There is no client left to read the reply of a read-only request.
        if (this.#isClosed && isReadOnly(frame)) continue
        this.#start(frame)
      }
    } finally {
      this.#isStarting = false
    }
  }

  #mayStart(): boolean {
    const [next] = this.#queue
    if (next === undefined || this.#isDropped || !this.#output.isEmpty) return false
    if (this.#muting.isMuted) return false
    if (this.#running > 0) {
      if (!this.#runningPipelined || this.#pending.length >= MAX_PENDING_REQUESTS) return false
      if (!isPipelined(next, this.#broker.handlers)) return false
    }
    return this.#shared.turns.mayStart(this.#taker)
  }

  #start(frame: Buffer): void {
    const pending: Pending = {
      size: frame.length,
      response: undefined,
      failure: undefined,
      closes: undefined,
    }
    this.#pending.push(pending)
    this.#pendingBytes += frame.length
    this.#running++
    const { clock } = this.#broker.world
    const startedMs = clock.monotonic()
    try {
      const outcome = this.#receive(frame, pending)
      if (outcome instanceof Promise) {
        outcome
          .then(
            (response) => this.#settle(pending, response),
            (error) => this.#fail(pending, error),
          )
          .catch((error: unknown) => this.#drop('a reply failed', error))
      } else this.#settle(pending, outcome)
    } catch (error) {
      this.#fail(pending, error)
    } finally {
      this.#shared.turns.count(this.#taker, startedMs)
    }
  }

  /** Passes a frame to the SASL conversation first, if there is one. */
  #receive(
    frame: Buffer,
    pending: Pending,
  ): readonly ReplyPiece[] | Promise<readonly ReplyPiece[]> {
    if (this.#sasl === undefined) return this.#dispatch(frame)
    // The outcome determines how the next frame is read.
    this.#runningPipelined = false
    const settle = (reply: SaslReply): readonly ReplyPiece[] | Promise<readonly ReplyPiece[]> => {
      if (reply.kind === 'serve') return this.#dispatch(frame)
      pending.closes = reply.closes
      return reply.pieces
    }
    const reply = this.#sasl.receive(frame)
    return reply instanceof Promise ? reply.then(settle) : settle(reply)
  }

  #dispatch(frame: Buffer): readonly ReplyPiece[] | Promise<readonly ReplyPiece[]> {
    const opened = openRequest(frame, this.#broker.handlers, this.#listener)
    if (opened.kind === 'refused') return opened.pieces
    const { api, version, correlationId, handler, reader } = opened
    // As in Kafka, bytes after the body are ignored.
    const handle = handler.decode(reader, version)
    this.#runningPipelined = handler.isPipelined
    const context = this.#context(api, version, opened.clientId)
    const { clock } = this.#broker.world
    const startedMs = clock.monotonic()
    const reply = handle(context)
    const elapsedMs = clock.monotonic() - startedMs
    if (api.key === ApiKey.Produce) {
      // Before the disk is waited for: the next requests of the connection must not overtake.
      context.throttle.produced(frame.length)
      if (context.throttle.throttleMs > 0) this.#muting.extend(context.throttle.throttleMs)
    }
    const finish = (writeBody: Reply): readonly ReplyPiece[] => {
      context.throttle.worked(elapsedMs)
      const { throttleMs } = context.throttle
      if (throttleMs > 0) this.#muting.extend(throttleMs)
      const about = { api, version, correlationId }
      const response =
        writeBody === undefined
          ? []
          : responseFrame((writer) => writeBody(writer, throttleMs), about)
      // The records are in the log, and the handler keeps no view of them. Others may keep views.
      if (api.key === ApiKey.Produce) this.#shared.frameBuffers.give(frame)
      return response
    }
    return reply instanceof Promise ? reply.then(finish) : finish(reply)
  }

  get #clientAddress(): string {
    return this.#connection.remoteAddress.replace(/^::ffff:/, '')
  }

  #context(api: Api, version: number, clientId: string | null): RequestContext {
    return {
      broker: this.#broker,
      version,
      clientId: clientId ?? '',
      access: new Access({
        authorization: this.#broker.authorization,
        session: this.#session,
        clientId: clientId ?? '',
        api: api.name,
      }),
      throttle: new RequestThrottle({
        quotas: this.#broker.quotas,
        client: { user: this.#session.identity.name, clientId: clientId ?? '' },
        nowMs: () => this.#broker.world.clock.monotonic(),
      }),
      clientHost: `/${this.#clientAddress}`,
      session: this.#session,
      listener: this.#listener,
      endpoint: this.#endpoint,
      signal: this.#abort.signal,
      replySpace: this.#replySpace,
    }
  }

  #settle(pending: Pending, response: readonly ReplyPiece[]): void {
    pending.response = response
    this.#firstBytes = undefined
    this.#finish()
  }

  #fail(pending: Pending, cause: unknown): void {
    pending.failure = { what: 'a request failed', cause }
    this.#finish()
  }

  /** Sends all completed replies up to the first request that is still running. */
  #finish(): void {
    this.#running--
    for (;;) {
      const done = this.#pending[0]
      if (done === undefined) break
      if (done.failure !== undefined) {
        this.#drop(done.failure.what, done.failure.cause)
      } else if (done.response === undefined) break
      this.#pending.shift()
      this.#pendingBytes -= done.size
      if (done.response === undefined) continue
      this.#write(done.response)
      if (done.closes !== undefined) this.#endAfter(done.closes)
    }
    this.#lastActiveMs = this.#broker.world.clock.now()
    this.#continue()
  }

  #write(response: readonly ReplyPiece[]): void {
    if (this.#isClosed || this.#isDropped) {
      releasePieces(response)
      return
    }
    const wasEmpty = this.#output.isEmpty
    this.#output.add(response)
    if (!wasEmpty) return
    this.#writePart()
    // From now on the connection waits for the client.
    if (!this.#output.isEmpty) this.#noteProgress()
  }

  /**
   * Writes as much of long replies as the socket accepts, within this connection's share of the
   * turn.
   */
  #writeMore(): void {
    while (this.#output.mayWrite && this.#shared.turns.mayStart(this.#taker)) this.#writePart()
  }

  #writePart(): void {
    const { turns, replies } = this.#shared
    const startedMs = this.#broker.world.clock.monotonic()
    try {
      this.#output.write(replies.isExhausted)
    } catch (error) {
      this.#output.close()
      this.#drop('a reply could not be read', error)
    } finally {
      turns.count(this.#taker, startedMs)
    }
  }

  /**
   * Stops reading from a client that does not read its replies, that sends faster than it can be
   * served, or while others use up the memory for requests.
   */
  #adjustReading(): void {
    if (this.#isClosed || this.#isReadingOver || this.#isDropped) return
    // A client that has not authenticated must send one frame at a time.
    const isEarly = this.#sasl !== undefined && !this.#sasl.isAuthenticated
    const isFull =
      this.#muting.isMuted ||
      !this.#output.isEmpty ||
      (isEarly && this.#queue.length > 0) ||
      this.#pendingBytes + this.#queuedBytes > MAX_PENDING_BYTES ||
      this.#queue.length + this.#pending.length > MAX_PENDING_REQUESTS
    const { requests } = this.#shared
    if (isFull) requests.stopWaiting(this)
    const isPaused = isFull || !requests.mayRead(this)
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    if (isPaused) this.#connection.pause()
    else {
      this.#noteProgress()
      this.#connection.resume()
    }
  }

  // ----------------------------------------------------------------------------------------------
  // closing

  /** Ends the connection when no more frames will be read and all requests were answered. */
  #endIfDone(): void {
    if (!this.#isReadingOver || this.#isDropped || this.#isEnding) return
    if (this.#queue.length > 0 || this.#pending.length > 0 || !this.#output.isEmpty) return
    if (this.#readFailure !== undefined) this.#drop('cannot read a request', this.#readFailure)
    else {
      this.#isEnding = true
      this.#connection.end()
    }
  }

  /** Closes the connection once the replies before the failure were sent. */
  #drop(what: string, error: unknown): void {
    if (this.#isDropped) return
    const isPeersFault = error instanceof MalformedInputError || error instanceof ProtocolError
    const foreign =
      isPeersFault && this.#firstBytes !== undefined
        ? foreignClientOf(this.#firstBytes, this.#listener)
        : undefined
    if (foreign?.answer !== undefined) this.#write([foreign.answer])
    this.#isDropped = true
    this.#clearQueue()
    if (foreign !== undefined) {
      this.#report('warn', 'protocol', foreign.warning)
    } else if (isPeersFault) {
      this.#report('warn', 'request', `${what}, closing its connection`, { error: error.message })
    } else {
      const fields = { client: this.#client, error }
      this.#broker.logger.error(`${what}, closing its connection`, fields)
    }
    this.#closeWhenSent()
  }

  /** Logs why the connection is closed; limited for a client that has not authenticated. */
  #report(level: 'warn' | 'info', kind: string, message: string, fields: LogFields = {}): void {
    const { logger } = this.#broker
    const known = { client: this.#client, ...fields }
    if (this.#sasl === undefined || this.#sasl.isAuthenticated) {
      logger[level](message, known)
      return
    }
    this.#shared.warnings.report(this.#clientAddress, kind, (suppressed) =>
      logger[level](message, suppressed === 0 ? known : { ...known, suppressed }),
    )
  }

  #closeWhenSent(): void {
    this.#abort.abort()
    this.#linger?.cancel()
    this.#linger = this.#broker.world.clock.setTimer(LINGER_MS, () => this.#connection.destroy())
    this.#finishDropping()
  }

  /** Closes the connection once the queued replies were sent. */
  #endAfter(why: string): void {
    if (this.#isDropped) return
    this.#isDropped = true
    this.#clearQueue()
    this.#report('info', 'login', `closing a connection: ${why}`)
    this.#closeWhenSent()
  }

  /** Ends a connection that is being dropped once the replies before the failure were sent. */
  #finishDropping(): void {
    if (!this.#output.isEmpty || this.#isEnding) return
    this.#isEnding = true
    if (this.#connection.unsentBytes === 0) {
      this.#connection.destroy()
      return
    }
    this.#connection.end()
    // Otherwise the end of the client's side would not be noticed.
    this.#connection.resume()
  }

  #clearQueue(): void {
    this.#queue.length = 0
    this.#queuedBytes = 0
  }

  #finishClosed(): void {
    if (this.#queue.length > 0 || this.#pending.length > 0 || this.#isDone) return
    this.#isDone = true
    this.#muting.end()
    this.#release()
    this.#onDone()
  }

  #noteHeldBytes(): void {
    const { requests, replies } = this.#shared
    replies.update(this, this.#output.heldBytes)
    const partialBytes = this.#isReadingOver ? 0 : this.#frames.partialBytes
    requests.update(this, partialBytes + this.#queuedBytes + this.#pendingBytes)
  }

  #release(): void {
    this.#shared.requests.remove(this)
    this.#shared.replies.update(this, 0)
  }
}
