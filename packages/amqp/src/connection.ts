// SPDX-License-Identifier: Apache-2.0
import {
  attempt,
  type Clock,
  type Connection,
  type Logger,
  MalformedInputError,
  silentLogger,
  systemErrorCode,
  type Timer,
} from '@millrace/base'
import { AmqpError, Condition, conditionOf } from './amqp-error.ts'
import {
  amqpHeader,
  encodeFrame,
  type Frame,
  FrameReader,
  FrameType,
  heartbeat,
  MIN_MAX_FRAME_SIZE,
  saslHeader,
} from './codec/frames.ts'
import type { AmqpValue } from './codec/types.ts'
import type { ErrorCondition } from './definitions/messaging.ts'
import type { Begin, Close, Open, Performative, SaslFrame } from './definitions/performatives.ts'
import { type ForeignProtocol, foreignProtocolOf } from './foreign-protocol.ts'
import { FrameOutput } from './frame-output.ts'
import { LinkFailure } from './link-failure.ts'
import type { Session } from './session.ts'
import { SessionEndpoint } from './session-endpoint.ts'
import { SessionMemory, type SessionOwner } from './session-owner.ts'

/** Receives the events of a connection. */
export interface ConnectionHandler {
  /** The peer's open frame arrived. A server calls `open` or `refuse`, immediately or later. */
  onOpen?(open: Open): void
  /** The peer began a session, and the begin was answered. Set the session's `handler`. */
  onSession?(session: Session): void
  /**
   * The memory that the connection uses has changed. The owner can bound it over all connections.
   */
  onHeld?(held: HeldBytes): void
  /** The connection has ended, from either side. Called once, after all sessions were notified. */
  onClose(error: AmqpError | undefined): void
}

/** Memory that a connection uses, in bytes. */
export interface HeldBytes {
  /** Bytes of incomplete messages and frames. */
  readonly incomplete: number
  /** Bytes of the attach frames of open links. */
  readonly attached: number
  /** Bytes that were written but not yet read by the peer. */
  readonly unread: number
}

/** One end of a SASL exchange. Each step may be asynchronous. */
export interface SaslLayer {
  /**
   * Returns the next step for the received frame; undefined starts the server's side of the
   * exchange.
   */
  onFrame(frame: SaslFrame | undefined): Promise<SaslStep>
}

/** Next step of a SASL exchange. */
export type SaslStep =
  | { readonly kind: 'reply'; readonly frame: SaslFrame }
  /** Authentication succeeded; `frame`, if present, is sent last. */
  | { readonly kind: 'done'; readonly frame?: SaslFrame }
  | { readonly kind: 'failed'; readonly error: AmqpError; readonly frame?: SaslFrame }

/** Options of a connection. */
export interface ConnectionOptions {
  /** Role of this end. */
  readonly role: 'client' | 'server'
  /** Clock for timeouts and heartbeats. */
  readonly clock: Clock
  /** Container id of this end. */
  readonly containerId: string
  /** Host name that a client sends in its open frame. */
  readonly hostname?: string | undefined
  /** If true, a client opens only when `open` is called; `ready` resolves when it may. */
  readonly opensLater?: boolean | undefined
  /** Largest frame that this end accepts, in bytes. Default 1 MiB. */
  readonly maxFrameSize?: number | undefined
  /** Highest channel number, one less than the maximum number of sessions. Default 1023. */
  readonly channelMax?: number | undefined
  /**
   * The connection is closed when the peer is silent for this long. Default 60 s; 0 disables the
   * timeout.
   */
  readonly idleTimeoutMs?: number | undefined
  /** SASL layer. If undefined, a client skips the SASL layer and a server rejects it. */
  readonly sasl?: SaslLayer | undefined
  /**
   * Whether a server accepts a peer that skips the SASL layer. Called once, before any other
   * callback.
   */
  readonly admitsWithoutSasl?: (() => boolean) | undefined
  /** Capabilities that this end offers. */
  readonly offeredCapabilities?: readonly string[] | undefined
  /** Capabilities that this end desires from the peer. */
  readonly desiredCapabilities?: readonly string[] | undefined
  /** Properties to send in the open frame. */
  readonly properties?: ReadonlyMap<string, AmqpValue> | undefined
  /** Called by a server when the peer speaks another protocol; the connection is then closed. */
  readonly onForeignProtocol?: ((protocol: ForeignProtocol) => void) | undefined
  /** Receives errors that the peer did not cause, each once, with its cause. Default: none. */
  readonly logger?: Logger | undefined
  /** Receives the events of the connection. */
  readonly handler: ConnectionHandler
}

/** Maximum size of a SASL frame (part 5, section 5.3.1). */
const MAX_SASL_FRAME = 512
/**
 * SCRAM with long names or certificates exceeds the 512 bytes of the specification, so larger
 * frames are accepted.
 */
const ACCEPTED_SASL_FRAME = 4096
const DEFAULT_MAX_FRAME = 1024 * 1024
/** A peer that has not opened within this time is disconnected. */
const OPEN_TIMEOUT_MS = 30_000
/** Time to wait for the peer's close after sending ours. */
const CLOSE_TIMEOUT_MS = 5_000
/** Bytes of unread replies at which a server stops reading from the peer. */
const MAX_UNREAD_REPLIES = 256 * 1024
/** Limit on bytes that arrive while a SASL step is pending. */
const MAX_BUFFERED_INPUT = 64 * 1024
/** Largest frame without message data, in bytes. */
const MAX_PERFORMATIVE = 256 * 1024

type Phase = 'header' | 'sasl' | 'amqp' | 'gone'

/** One end of an AMQP connection over any byte stream. */
export class AmqpConnection {
  readonly #transport: Connection
  readonly #options: ConnectionOptions
  readonly #logger: Logger
  readonly #reader = new FrameReader()
  #phase: Phase = 'header'
  #sasl: SaslLayer | undefined
  /** A SASL step is pending; received bytes stay buffered until it completes. */
  #isBusy = false
  #remote: Open | undefined
  #isOpen = false
  #isReady = false
  #isClosing = false
  readonly #byChannel = new Map<number, SessionEndpoint>()
  readonly #byRemoteChannel = new Map<number, SessionEndpoint>()
  #remoteChannelMax = 0xffff
  /** Largest frame that the peer accepts, in bytes. */
  maxFrameSizeOut = MIN_MAX_FRAME_SIZE
  readonly #output: FrameOutput
  readonly #memory = new SessionMemory()
  readonly #owner: SessionOwner
  /** The owner paused reading. */
  #isPaused = false
  /** Reading is paused until the peer reads or the pending SASL step completes. */
  #isSuspended = false
  #reportedHeld: HeldBytes = { incomplete: 0, attached: 0, unread: 0 }
  #lastReceivedMs: number
  #timers: Timer[] = []
  /** Resolves when the SASL layer, if any, has completed. */
  readonly ready: Promise<void>
  #resolveReady: () => void = () => {}
  #rejectReady: (error: Error) => void = () => {}
  /** Resolves with the peer's open frame. Rejects if the connection ends first. */
  readonly opened: Promise<Open>
  #resolveOpened: (open: Open) => void = () => {}
  #rejectOpened: (error: Error) => void = () => {}
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>
  #resolveClosed: () => void = () => {}

  /** Creates one end of an AMQP connection over a transport. */
  constructor(transport: Connection, options: ConnectionOptions) {
    this.#transport = transport
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    this.#sasl = options.sasl
    this.#output = new FrameOutput(transport, {
      onTurnEnd: () => this.#guard(() => this.#flush()),
      onFull: () => this.#flush(),
    })
    this.#owner = this.#ownerOfSessions()
    this.#lastReceivedMs = options.clock.monotonic()
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve
      this.#rejectOpened = reject
    })
    this.opened.catch(() => {})
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    this.ready.catch(() => {})
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    transport.onData = (chunk) => this.#guard(() => this.#onData(chunk))
    transport.onClose = (error) => this.#guard(() => this.#onTransportClosed(error))
    transport.onDrain = () => this.#guard(() => this.#onDrain())
    this.#after(OPEN_TIMEOUT_MS, () => {
      if (this.#remote !== undefined || (this.#isReady && !this.#isOpen)) return
      this.#fail(timeoutError('did not open the connection'))
    })
    if (options.role === 'client') {
      this.#writeRaw(options.sasl === undefined ? amqpHeader : saslHeader)
      if (options.sasl === undefined) this.#onReady()
    }
  }

  #ownerOfSessions(): SessionOwner {
    const output = this.#output
    const maxFrameSizeOut = (): number => this.maxFrameSizeOut
    return {
      connection: this,
      logger: this.#logger,
      memory: this.#memory,
      get maxFrameSizeOut() {
        return maxFrameSizeOut()
      },
      get isCongested() {
        return output.isFull
      },
      write: (head, payload) => output.write(head, payload),
      flushLater: (session) => output.flushLater(session),
      forget: (session) => this.#forget(session),
    }
  }

  #onReady(): void {
    this.#isReady = true
    this.#resolveReady()
    if (this.#options.opensLater !== true) this.open()
  }

  /** IP address of the peer. */
  get remoteAddress(): string {
    return this.#transport.remoteAddress
  }

  /** The peer's open frame; undefined until it arrives. */
  get remote(): Open | undefined {
    return this.#remote
  }

  /** Whether the socket's write buffer is full. */
  get isCongested(): boolean {
    return this.#output.isFull
  }

  /** Whether the connection has ended. */
  get isGone(): boolean {
    return this.#phase === 'gone' || this.#isClosing
  }

  /** Sessions of the connection. */
  get sessions(): Iterable<Session> {
    return this.#byChannel.values()
  }

  /** Stops reading, which applies back-pressure to the peer, until `resume` is called. */
  pause(): void {
    this.#isPaused = true
    this.#updateReading()
  }

  /** Resumes reading after `pause`. */
  resume(): void {
    // Time spent paused must not count as silence of the peer.
    this.#isPaused = false
    this.#updateReading()
  }

  #updateReading(): void {
    if (this.#phase === 'gone') return
    if (this.#isPaused || this.#isSuspended) {
      this.#transport.pause()
      return
    }
    this.#lastReceivedMs = this.#options.clock.monotonic()
    this.#transport.resume()
  }

  #suspendReading(isSuspended: boolean): void {
    if (this.#isSuspended === isSuspended) return
    this.#isSuspended = isSuspended
    this.#updateReading()
  }

  /** Bytes that were written but not yet read by the peer. */
  get unreadBytes(): number {
    if (this.#phase === 'gone') return 0
    return (this.#output.isFull ? this.#transport.unsentBytes : 0) + this.#memory.heldBytes
  }

  /** Reports the memory that the connection uses if it has changed. */
  #reportHeld(): void {
    const unread = this.unreadBytes
    const incomplete = this.#reader.size + this.#memory.incompleteBytes
    const attached = this.#memory.attachBytes
    const reported = this.#reportedHeld
    if (
      incomplete === reported.incomplete &&
      attached === reported.attached &&
      unread === reported.unread
    ) {
      return
    }
    this.#reportedHeld = { incomplete, attached, unread }
    this.#options.handler.onHeld?.(this.#reportedHeld)
  }

  /**
   * Sends the open frame. A client does this automatically; a server calls it to answer `onOpen`.
   */
  open(
    extra: {
      readonly containerId?: string
      readonly offeredCapabilities?: readonly string[]
      readonly properties?: ReadonlyMap<string, AmqpValue>
    } = {},
  ): void {
    if (this.#isOpen || this.isGone) return
    this.#isOpen = true
    const { hostname, channelMax, desiredCapabilities } = this.#options
    const idleTimeoutMs = this.#options.idleTimeoutMs ?? 60_000
    this.#send({
      kind: 'open',
      containerId: extra.containerId ?? this.#options.containerId,
      hostname,
      maxFrameSize: this.#options.maxFrameSize ?? DEFAULT_MAX_FRAME,
      channelMax: channelMax ?? 1023,
      // The advertised timeout is half of the one that is enforced (part 2, section 2.4.5).
      idleTimeout: idleTimeoutMs === 0 ? undefined : Math.ceil(idleTimeoutMs / 2),
      offeredCapabilities: extra.offeredCapabilities ?? this.#options.offeredCapabilities,
      desiredCapabilities,
      properties: extra.properties ?? this.#options.properties,
    } as Open)
    if (idleTimeoutMs > 0) this.#watchPeer(idleTimeoutMs)
  }

  /** Refuses the peer's open: sends an open frame followed by a close with the error. */
  refuse(error: ErrorCondition, properties?: ReadonlyMap<string, AmqpValue>): void {
    this.open(properties === undefined ? {} : { properties, offeredCapabilities: [] })
    this.#beginClose(error)
  }

  /** Begins a session. Throws when the limit on sessions is reached. */
  begin(): Session {
    if (this.isGone) throw new AmqpError(Condition.connectionForced, 'connection closed')
    const limit = Math.min(this.#remoteChannelMax, this.#options.channelMax ?? 1023)
    let channel = 0
    while (this.#byChannel.has(channel)) channel++
    if (channel > limit) {
      throw new AmqpError(
        Condition.resourceLimitExceeded,
        `the peer allows at most ${limit + 1} sessions per connection`,
      )
    }
    const session = new SessionEndpoint(this.#owner, channel)
    this.#byChannel.set(channel, session)
    session.sendBegin(undefined)
    return session
  }

  /**
   * Sends a close and resolves when the peer has answered it or a timeout has expired. Idempotent.
   */
  close(error?: ErrorCondition): Promise<void> {
    this.#beginClose(error)
    return this.closed
  }

  #beginClose(error?: ErrorCondition): void {
    if (this.isGone) return
    if (!this.#isOpen) {
      this.#onTransportClosed(undefined)
      return
    }
    this.#isClosing = true
    this.#send({ kind: 'close', error } as Close)
    this.#after(CLOSE_TIMEOUT_MS, () => this.#end())
  }

  /** Closes the connection with an error, without waiting for the peer's close frame. */
  terminate(error: AmqpError): void {
    this.#fail(error)
  }

  /** Closes the socket immediately, without a close frame. */
  destroy(): void {
    this.#transport.destroy()
    if (this.#phase !== 'gone') this.#onTransportClosed(undefined)
  }

  // Writing.

  #flush(): void {
    if (!this.#output.flush()) return
    // Replies to a client that sends but never reads must not accumulate. A client never pauses for
    // this reason: two ends that wait for each other would deadlock.
    const isServer = this.#options.role === 'server'
    const { isFull, replyBytes } = this.#output
    if (isServer && isFull && replyBytes > MAX_UNREAD_REPLIES) this.#suspendReading(true)
    this.#reportHeld()
  }

  #send(performative: Performative): void {
    this.#output.write(encodeFrame(FrameType.amqp, 0, performative), [])
  }

  #writeRaw(bytes: Buffer): void {
    this.#output.write(bytes, [])
  }

  #onDrain(): void {
    this.#output.drained()
    this.#reportHeld()
    if (!this.#isBusy) this.#suspendReading(false)
    for (const session of [...this.#byChannel.values()]) {
      if (this.#output.isFull) return
      session.resume()
    }
  }

  // Reading.

  #onData(chunk: Buffer): void {
    if (this.#phase === 'gone') return
    this.#lastReceivedMs = this.#options.clock.monotonic()
    this.#reader.push(chunk)
    if (this.#isBusy && this.#reader.size > MAX_BUFFERED_INPUT) this.#suspendReading(true)
    this.#process()
    if (this.#reader.size > 0) this.#reader.compact()
    this.#reportHeld()
  }

  #process(): void {
    while (!this.#isBusy && this.#step());
    this.#flush()
  }

  /**
   * Runs all callbacks from the transport, the clock and the SASL layer: an exception ends this
   * connection only.
   */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Handles one frame or header. Returns false if none has arrived completely. */
  #step(): boolean {
    switch (this.#phase) {
      case 'header': {
        const header = this.#reader.header()
        if (header === undefined) return false
        this.#onHeader(header)
        return true
      }
      case 'sasl': {
        const frame = this.#reader.frame()
        if (frame === undefined) return false
        if (frame.type !== FrameType.sasl) {
          throw new AmqpError(
            Condition.framingError,
            `unexpected frame type ${frame.type} during SASL`,
          )
        }
        this.#stepSasl(frame.body as SaslFrame | undefined)
        return true
      }
      case 'amqp': {
        const frame = this.#reader.frame()
        if (frame === undefined) return false
        this.#onFrame(frame)
        return true
      }
      default:
        return false
    }
  }

  #onHeader(header: Buffer): void {
    const isPlainClient =
      this.#options.role === 'server' && this.#sasl !== undefined && header.equals(amqpHeader)
    if (isPlainClient && this.#options.admitsWithoutSasl?.() === true) this.#sasl = undefined
    const wantsSasl = this.#sasl !== undefined
    if (header.equals(saslHeader) && wantsSasl) {
      this.#phase = 'sasl'
      this.#reader.maxFrameSize = Math.max(MAX_SASL_FRAME, ACCEPTED_SASL_FRAME)
      if (this.#options.role === 'server') {
        this.#writeRaw(saslHeader)
        this.#stepSasl(undefined)
      }
      return
    }
    if (header.equals(amqpHeader) && !wantsSasl) {
      this.#phase = 'amqp'
      this.#reader.maxFrameSize = this.#options.maxFrameSize ?? DEFAULT_MAX_FRAME
      if (this.#options.role === 'server') this.#writeRaw(amqpHeader)
      return
    }
    const foreign = foreignProtocolOf(header)
    if (this.#options.role === 'client') {
      // A client has nothing to answer.
    } else if (foreign !== undefined && foreign.name !== 'AMQP 0-9-1') {
      if (foreign.answer !== undefined) this.#writeRaw(foreign.answer)
    } else {
      // A server answers with the header that it supports, then closes the connection (part 2,
      // section 2.2).
      this.#writeRaw(wantsSasl ? saslHeader : amqpHeader)
    }
    this.#flush()
    const what =
      foreign === undefined
        ? `expected AMQP 1.0, but the peer sent ${JSON.stringify(header.toString('latin1'))}`
        : `the peer speaks ${foreign.name}, not AMQP 1.0`
    if (foreign !== undefined) this.#options.onForeignProtocol?.(foreign)
    this.#gone(
      new AmqpError(
        Condition.framingError,
        wantsSasl && foreign === undefined ? `${what} and SASL` : what,
      ),
      () => this.#transport.end(),
    )
  }

  #stepSasl(frame: SaslFrame | undefined): void {
    this.#isBusy = true
    const layer = this.#sasl as SaslLayer
    layer
      .onFrame(frame)
      .then((step) => this.#afterSasl(step))
      .catch((error: unknown) => this.#fail(error))
  }

  #afterSasl(step: SaslStep): void {
    if (this.#phase === 'gone') return
    if (step.frame !== undefined) {
      this.#output.write(encodeFrame(FrameType.sasl, 0, step.frame), [])
    }
    if (step.kind === 'failed') {
      this.#flush()
      this.#gone(step.error, () => this.#transport.end())
      return
    }
    if (step.kind === 'done') {
      this.#sasl = undefined
      this.#phase = 'header'
      if (this.#options.role === 'client') {
        this.#writeRaw(amqpHeader)
        this.#onReady()
      }
    }
    this.#isBusy = false
    this.#suspendReading(false)
    this.#process()
  }

  #onFrame(frame: Frame): void {
    if (frame.type !== FrameType.amqp) {
      throw new AmqpError(Condition.framingError, `unknown frame type ${frame.type}`)
    }
    const { body } = frame
    if (body === undefined) return
    if (frame.payload.length === 0 && frame.size > MAX_PERFORMATIVE) {
      throw new AmqpError(
        Condition.resourceLimitExceeded,
        `frame of ${frame.size} bytes without message data exceeds ${MAX_PERFORMATIVE} bytes`,
      )
    }
    if (this.#remote === undefined && body.kind !== 'open') {
      throw new AmqpError(Condition.illegalState, `${body.kind} before open`)
    }
    if (this.#isClosing && body.kind !== 'close') return
    const performative = body as Performative
    switch (performative.kind) {
      case 'open':
        return this.#onOpen(performative)
      case 'begin':
        return this.#onBegin(frame.channel, performative)
      case 'close':
        return this.#onClose(performative)
      default:
        return this.#onSessionFrame(frame, performative)
    }
  }

  #onSessionFrame(
    frame: Frame,
    performative: Exclude<Performative, { readonly kind: 'open' | 'begin' | 'close' }>,
  ): void {
    const session = this.#byRemoteChannel.get(frame.channel)
    if (session === undefined) {
      throw new AmqpError(
        Condition.framingError,
        `${performative.kind} on channel ${frame.channel}, which has no session`,
      )
    }
    if (session.isEnded && performative.kind !== 'end') return
    try {
      switch (performative.kind) {
        case 'attach':
          return session.onAttach(performative, frame.size)
        case 'flow':
          return session.onFlow(performative)
        case 'transfer':
          return session.onTransfer(performative, frame.payload)
        case 'disposition':
          return session.onDisposition(performative)
        case 'detach':
          return session.onDetach(performative)
        case 'end':
          this.#byRemoteChannel.delete(frame.channel)
          return session.onEnd(performative)
        default:
          throw new AmqpError(
            Condition.framingError,
            `${(performative as { readonly kind: string }).kind} is not a performative`,
          )
      }
    } catch (error) {
      if (error instanceof LinkFailure) return error.link.fail(error.reason)
      if (error instanceof AmqpError && error.code !== Condition.framingError) {
        return session.fail(error)
      }
      throw error
    }
  }

  #onOpen(open: Open): void {
    if (this.#remote !== undefined)
      throw new AmqpError(Condition.illegalState, 'second open on the connection')
    const maxFrameSize = open.maxFrameSize ?? 0xffffffff
    if (maxFrameSize < MIN_MAX_FRAME_SIZE) {
      throw new AmqpError(
        Condition.invalidField,
        `max-frame-size ${maxFrameSize} is less than ${MIN_MAX_FRAME_SIZE}`,
      )
    }
    this.#remote = open
    this.maxFrameSizeOut = Math.min(maxFrameSize, DEFAULT_MAX_FRAME)
    this.#remoteChannelMax = open.channelMax ?? 0xffff
    if (open.idleTimeout !== undefined && open.idleTimeout > 0)
      this.#sendHeartbeats(open.idleTimeout)
    this.#resolveOpened(open)
    this.#options.handler.onOpen?.(open)
  }

  #onBegin(channel: number, begin: Begin): void {
    if (channel > (this.#options.channelMax ?? 1023)) {
      throw new AmqpError(Condition.framingError, `channel ${channel} exceeds channel-max`)
    }
    if (this.#byRemoteChannel.has(channel)) {
      throw new AmqpError(Condition.illegalState, `channel ${channel} already has a session`)
    }
    if (begin.remoteChannel !== undefined) {
      const session = this.#byChannel.get(begin.remoteChannel)
      if (session === undefined) {
        throw new AmqpError(Condition.invalidField, `no session on channel ${begin.remoteChannel}`)
      }
      this.#byRemoteChannel.set(channel, session)
      session.onBegin(begin)
      return
    }
    let own = 0
    while (this.#byChannel.has(own)) own++
    const session = new SessionEndpoint(this.#owner, own)
    this.#byChannel.set(own, session)
    this.#byRemoteChannel.set(channel, session)
    session.onBegin(begin)
    session.sendBegin(channel)
    this.#options.handler.onSession?.(session)
  }

  /** The session has ended on both sides. */
  #forget(session: { readonly channel: number }): void {
    if (this.#byChannel.get(session.channel) === session) this.#byChannel.delete(session.channel)
  }

  #onClose(close: Close): void {
    const error =
      close.error === undefined ? undefined : AmqpError.from(close.error, 'connection closed')
    if (!this.#isClosing && this.#isOpen) {
      this.#isClosing = true
      this.#send({ kind: 'close' } as Close)
    }
    this.#flush()
    this.#gone(error, () => this.#transport.end())
  }

  // Closing.

  /** Sends the error to the peer and closes the connection. */
  #fail(error: unknown): void {
    if (this.#phase === 'gone') return
    const known =
      error instanceof AmqpError
        ? error
        : error instanceof MalformedInputError
          ? new AmqpError(Condition.decodeError, error.message, { cause: error })
          : new AmqpError(Condition.internalError, conditionOf(error).description ?? 'error', {
              cause: error,
            })
    if (known.code === Condition.internalError) {
      this.#logger.error('internal error, closing the AMQP connection', {
        peer: this.remoteAddress,
        error,
      })
    }
    if (this.#phase === 'amqp' && !this.#isClosing) {
      attempt(this.#logger, 'sending the close frame', () => {
        this.open()
        this.#isClosing = true
        this.#send({ kind: 'close', error: known.condition } as Close)
        this.#flush()
      })
    }
    this.#gone(known, () => this.#transport.end())
  }

  #end(): void {
    this.#gone(undefined, () => this.#transport.destroy())
  }

  #onTransportClosed(error: Error | undefined): void {
    const isEarly = this.#phase === 'header' && (error === undefined || isReset(error))
    const why = isEarly
      ? 'the peer closed the connection before its AMQP header'
      : error === undefined
        ? 'the peer closed the connection'
        : `connection lost: ${error.message}`
    const reason =
      error === undefined && this.#isClosing
        ? undefined
        : new AmqpError(Condition.connectionForced, why, { cause: error })
    this.#gone(reason, () => this.#transport.destroy())
  }

  #gone(error: AmqpError | undefined, finish: () => void): void {
    if (this.#phase === 'gone') return
    this.#phase = 'gone'
    this.#output.close()
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    this.#rejectReady(error ?? new AmqpError(Condition.connectionForced, 'connection closed'))
    this.#rejectOpened(error ?? new AmqpError(Condition.connectionForced, 'connection closed'))
    // Each step runs even if another one throws: ending the sessions, closing the socket, notifying
    // the owner.
    for (const session of new Set([
      ...this.#byChannel.values(),
      ...this.#byRemoteChannel.values(),
    ])) {
      attempt(this.#logger, 'ending a session', () => session.onConnectionGone(error))
    }
    this.#byChannel.clear()
    this.#byRemoteChannel.clear()
    this.#memory.clear()
    this.#reader.clear()
    attempt(this.#logger, 'closing a socket', () => this.#closeTransport(finish))
    attempt(this.#logger, 'reporting used memory', () => this.#reportHeld())
    attempt(this.#logger, 'notifying the owner of a closed connection', () =>
      this.#options.handler.onClose(error),
    )
    this.#resolveClosed()
  }

  #closeTransport(finish: () => void): void {
    this.#transport.onData = () => {}
    this.#transport.onDrain = () => {}
    // A peer that does not read must not keep the socket open.
    const last = this.#options.clock.setTimer(CLOSE_TIMEOUT_MS, () => this.#transport.destroy())
    this.#transport.onClose = () => last.cancel()
    finish()
  }

  // Timers.

  #after(ms: number, callback: () => void): void {
    this.#timers.push(this.#options.clock.setTimer(ms, () => this.#guard(callback)))
  }

  /** Sends an empty frame when nothing else was sent for half of the peer's idle timeout. */
  #sendHeartbeats(remoteIdleMs: number): void {
    this.#every(Math.max(Math.floor(remoteIdleMs / 2), 1), () => {
      if (!this.#output.hasWritten) {
        this.#output.write(heartbeat, [])
        this.#flush()
      }
      this.#output.hasWritten = false
    })
  }

  #watchPeer(idleTimeoutMs: number): void {
    this.#every(Math.max(Math.floor(idleTimeoutMs / 4), 1), () => {
      const silent = this.#options.clock.monotonic() - this.#lastReceivedMs
      if (silent < idleTimeoutMs || this.#isPaused) return
      this.#fail(
        new AmqpError(
          Condition.resourceLimitExceeded,
          `no frame from the peer for ${Math.round(silent)} ms`,
        ),
      )
    })
  }

  #every(ms: number, callback: () => void): void {
    const index = this.#timers.length
    const tick = (): void => {
      this.#guard(callback)
      if (this.#phase !== 'gone') this.#timers[index] = this.#options.clock.setTimer(ms, tick)
    }
    this.#timers.push(this.#options.clock.setTimer(ms, tick))
  }
}

function timeoutError(what: string): AmqpError {
  return new AmqpError(Condition.resourceLimitExceeded, `the peer ${what} in time`)
}

function isReset(error: Error): boolean {
  return systemErrorCode(error) === 'ECONNRESET'
}
