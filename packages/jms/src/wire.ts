// SPDX-License-Identifier: Apache-2.0
import {
  type AmqpConnection,
  type AmqpError,
  ConnectionCapability,
  connect,
  type Open,
} from '@millrace/amqp'
import { type Clock, elementAt, nodeWorld } from '@millrace/base'
import type { ResolvedOptions } from './connection-options.ts'
import {
  IllegalStateException,
  InvalidClientIDException,
  JMSException,
  JMSSecurityException,
  jmsException,
} from './exceptions.ts'
import { limited, pause } from './waiting.ts'

/** Callbacks for the loss and replacement of the AMQP connection. */
export interface WireEvents {
  /** The AMQP connection was lost. If `isFinal`, it is not replaced. */
  onLost(error: JMSException, isFinal: boolean): void
  /** A new connection is open. A rejection drops it, and another attempt follows. */
  onReplaced(amqp: AmqpConnection): Promise<void>
  /** The new connection was lost before it was in use. */
  onDropped(error: JMSException): void
  /** The new connection is in use. */
  onRestored(): void
  /** Reconnecting has ended: every later call fails with this error. */
  onFailed(error: JMSException): void
}

/**
 * Property in the open frame of a provider that refuses the connection; a close with the reason
 * follows.
 */
const ESTABLISHMENT_FAILED = 'amqp:connection-establishment-failed'

/**
 * The AMQP connection of a JMS connection. It authenticates when connecting, opens with the client
 * id on first use, and is replaced after a loss if `reconnect` is set.
 */
export class Wire {
  readonly #options: ResolvedOptions
  readonly #credentials: {
    readonly username?: string | undefined
    readonly password?: string | undefined
  }
  readonly #clock: Clock
  readonly #containerId: () => string
  readonly #events: WireEvents
  #amqp: AmqpConnection | undefined
  /** The first open, while it is in progress. */
  #opening: Promise<void> | undefined
  #isOpen = false
  /** The reconnect, while it is in progress. Never rejects. */
  #recovering: Promise<void> | undefined
  #failure: JMSException | undefined
  readonly #closing = new AbortController()
  #isClosed = false
  #nextUrl = 0

  constructor(
    options: ResolvedOptions,
    credentials: { readonly username?: string | undefined; readonly password?: string | undefined },
    hooks: { readonly containerId: () => string; readonly events: WireEvents },
  ) {
    this.#options = options
    this.#credentials = credentials
    this.#clock = (options.world ?? nodeWorld).clock
    this.#containerId = hooks.containerId
    this.#events = hooks.events
  }

  /** Reason why the connection failed permanently. */
  get failure(): JMSException | undefined {
    return this.#failure
  }

  /** Whether an open connection is in use. */
  get isConnected(): boolean {
    return this.#isOpen && this.#recovering === undefined && this.#amqp?.isGone === false
  }

  /**
   * Connects to the provider and authenticates. Rejects after as many attempts as the options
   * allow.
   */
  async dial(): Promise<void> {
    this.#amqp = await this.#dialUntil(this.#startAttempts)
  }

  get #startAttempts(): number {
    const { reconnect, startupMaxReconnectAttempts, maxReconnectAttempts } = this.#options
    return reconnect ? (startupMaxReconnectAttempts ?? maxReconnectAttempts) : 0
  }

  /**
   * Returns the open connection. Waits for a reconnect in progress; rejects if the connection
   * failed permanently.
   */
  async open(): Promise<AmqpConnection> {
    for (;;) {
      // Work that runs while the connection closes may still use it.
      if (this.isConnected) return this.#amqp as AmqpConnection
      this.#check()
      if (this.#recovering !== undefined) {
        await this.#recovering
        continue
      }
      this.#opening ??= this.#openFirst().finally(() => {
        this.#opening = undefined
      })
      await this.#opening
    }
  }

  #check(): void {
    if (this.#closing.signal.aborted) throw new IllegalStateException('the connection is closed')
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Opens the new connection. If it was lost before use, connects again. */
  async #openFirst(): Promise<void> {
    try {
      let amqp = this.#amqp
      if (amqp === undefined || amqp.isGone) amqp = await this.#dialUntil(this.#startAttempts)
      this.#amqp = amqp
      await this.#open(amqp)
      this.#isOpen = true
    } catch (error) {
      const known = jmsException(error)
      this.#amqp?.destroy()
      this.#check()
      if (this.#options.reconnect && !isRefusal(known)) {
        this.#recover()
        return
      }
      this.#failure = known
      throw known
    }
  }

  /**
   * Tries all addresses, then waits and retries, at most `maxAttempts` times; without limit if
   * negative.
   */
  async #dialUntil(maxAttempts: number): Promise<AmqpConnection> {
    let delay = this.#options.reconnectDelayMs
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#dialRound()
      } catch (error) {
        if (this.#closing.signal.aborted || error instanceof JMSSecurityException) throw error
        if (maxAttempts >= 0 && attempt >= maxAttempts) throw error
      }
      await this.pause(delay)
      delay = Math.min(delay * 2, this.#options.maxReconnectDelayMs)
    }
  }

  /** Tries each address once. */
  async #dialRound(): Promise<AmqpConnection> {
    const { urls } = this.#options
    let failure: unknown
    for (let i = 0; i < urls.length; i++) {
      this.#check()
      try {
        const amqp = await this.#dialOne(elementAt(urls, this.#nextUrl % urls.length))
        if (!this.#closing.signal.aborted) return amqp
        amqp.destroy()
      } catch (error) {
        failure = error
        this.#nextUrl++
        // The other addresses would reject wrong credentials as well.
        const known = jmsException(error)
        if (known instanceof JMSSecurityException) throw known
      }
    }
    this.#check()
    throw jmsException(failure, `cannot connect to ${urls.join(', ')}`)
  }

  async #dialOne(url: string): Promise<AmqpConnection> {
    const { world, tls, connectTimeoutMs, idleTimeoutMs, saslMechanisms, virtualHost } =
      this.#options
    let self: AmqpConnection | undefined
    self = await connect({
      url,
      // Sent with `open`.
      containerId: '',
      opensLater: true,
      hostname: virtualHost,
      username: this.#credentials.username,
      password: this.#credentials.password,
      // Credentials of `createConnection` take precedence.
      token: this.#credentials.username === undefined ? this.#options.token : undefined,
      mechanisms: saslMechanisms,
      tls,
      timeoutMs: connectTimeoutMs,
      idleTimeoutMs,
      desiredCapabilities: [
        ConnectionCapability.soleConnection,
        ConnectionCapability.delayedDelivery,
        ConnectionCapability.anonymousRelay,
        ConnectionCapability.sharedSubscriptions,
      ],
      handler: {
        onClose: (error) => {
          if (self !== undefined) this.#onGone(self, error)
        },
      },
      ...(world === undefined ? {} : { world }),
    })
    return self
  }

  /**
   * Opens the connection with the client id. Rejects with `InvalidClientIDException` if the id is
   * in use.
   */
  async #open(amqp: AmqpConnection): Promise<void> {
    const id = this.#containerId()
    amqp.open({ containerId: id })
    const timeoutMs = this.#options.requestTimeoutMs
    try {
      const what = 'opening the connection'
      const open: Open = await limited(this.#clock, amqp.opened, { what, timeoutMs })
      if (open.properties?.has(ESTABLISHMENT_FAILED) !== true) return
      await limited(this.#clock, amqp.closed, { what, timeoutMs })
    } catch (error) {
      throw jmsException(this.#refusals.get(amqp) ?? error)
    }
    const refusal = this.#refusals.get(amqp)
    throw refusal === undefined
      ? new InvalidClientIDException(`the provider refused the client id ${id}`)
      : jmsException(refusal)
  }

  /** Errors with which the provider closed connections. */
  readonly #refusals = new WeakMap<AmqpConnection, AmqpError>()

  #onGone(amqp: AmqpConnection, error: AmqpError | undefined): void {
    if (error !== undefined) this.#refusals.set(amqp, error)
    if (amqp !== this.#amqp || this.#isClosed) return
    const lost = jmsException(error ?? new JMSException('the provider closed the connection'))
    // If the connection is still being established or opened, the caller that awaits it reports the
    // error.
    if (!this.#isOpen) {
      if (this.#recovering !== undefined) this.#events.onDropped(lost)
      return
    }
    this.#isOpen = false
    const isFinal = !this.#options.reconnect || this.#closing.signal.aborted
    this.#events.onLost(lost, isFinal)
    if (isFinal) this.#fail(lost)
    else this.#recover()
  }

  #recover(): void {
    this.#recovering ??= this.#replace().then(() => {
      this.#recovering = undefined
      if (this.isConnected) this.#events.onRestored()
      // Lost again before it was used.
      else if (this.#failure === undefined && !this.#closing.signal.aborted) this.#recover()
    })
  }

  async #replace(): Promise<void> {
    const { maxReconnectAttempts, reconnectDelayMs, maxReconnectDelayMs } = this.#options
    let delay = reconnectDelayMs
    for (let attempt = 0; ; attempt++) {
      let amqp: AmqpConnection | undefined
      let isAdmitted = false
      try {
        amqp = await this.#dialRound()
        await this.#open(amqp)
        isAdmitted = true
        this.#amqp = amqp
        await this.#events.onReplaced(amqp)
        if (amqp.isGone) throw new JMSException('the new connection was lost')
        this.#check()
        this.#isOpen = true
        return
      } catch (error) {
        amqp?.destroy()
        if (this.#closing.signal.aborted) return
        const known = jmsException(error)
        const isLast = maxReconnectAttempts >= 0 && attempt >= maxReconnectAttempts
        // Other refusals are retried: the lost connection may still hold the client id.
        if (isLast || (known instanceof JMSSecurityException && !isAdmitted)) {
          this.#fail(known)
          return
        }
      }
      await this.pause(delay)
      if (this.#closing.signal.aborted) return
      delay = Math.min(delay * 2, maxReconnectDelayMs)
    }
  }

  #fail(error: JMSException): void {
    if (this.#failure !== undefined) return
    const Known = error instanceof JMSSecurityException ? JMSSecurityException : JMSException
    this.#failure = new Known(`connection lost: ${error.message}`, error.code, error)
    this.#events.onFailed(this.#failure)
  }

  pause(ms: number): Promise<void> {
    return pause(this.#clock, ms, this.#closing.signal)
  }

  /** Stops reconnecting. An open connection remains open until `close`. */
  stop(): void {
    this.#closing.abort()
  }

  async close(): Promise<void> {
    this.stop()
    this.#isClosed = true
    const amqp = this.#amqp
    if (amqp !== undefined && !amqp.isGone) await amqp.close()
  }
}

/** Whether the provider refused the connection: a retry would not help. */
function isRefusal(error: JMSException): boolean {
  return error instanceof JMSSecurityException || error instanceof InvalidClientIDException
}
