// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions } from 'node:tls'
import type { Connection, Timer, World } from '@millrace/base'
import { integer, port, requiredText, type ValuesOf } from '../config/keys.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import type { Counters } from '../operation/counters.ts'
import { clientTls, clientTlsKeys } from '../tls.ts'

export interface RpcTarget {
  readonly host: string
  readonly port: number
  readonly tls: ConnectionOptions | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  /** Time after which the connection is replaced, for load balancing by connection; 0: never. */
  readonly resetIntervalMs: number
  readonly wrap?: (connection: Connection) => Connection
}

/** Keys of the sinks of both protocols. */
export const rpcSinkKeys = {
  ...clientTlsKeys,
  hostname: requiredText(),
  port: port(),
  batchSize: integer(100, {
    key: 'batch-size',
    alsoKnownAs: ['batchSize'],
    min: 1,
    max: 2 ** 31 - 1,
    elseDefault: 'always',
  }),
  connectTimeout: integer(20_000, { key: 'connect-timeout', min: 1, elseDefault: 'always' }),
  requestTimeout: integer(20_000, { key: 'request-timeout', min: 1, elseDefault: 'always' }),
  // Flume's spellings for Avro and for Thrift.
  resetConnectionInterval: integer(0, {
    key: 'reset-connection-interval',
    alsoKnownAs: ['connection-reset-interval'],
    min: 0,
    isFloor: true,
  }),
}

/** The server of those keys. */
export function targetOf(config: ValuesOf<typeof rpcSinkKeys>, directory: string): RpcTarget {
  return {
    host: config.hostname,
    port: config.port,
    tls: clientTls(config, directory),
    connectTimeoutMs: config.connectTimeout,
    requestTimeoutMs: config.requestTimeout,
    resetIntervalMs: config.resetConnectionInterval * 1000,
  }
}

interface Waiting<R> {
  readonly resolve: (reply: R) => void
  readonly reject: (error: Error) => void
  readonly timer: Timer
}

/**
 * Returns a function that decodes bytes and reports each complete reply; without a serial, replies
 * are in the order of the calls.
 */
export type Decoder<R> = (
  onReply: (serial: number | undefined, reply: R) => void,
) => (chunk: Buffer) => void

/** Encodes a call; the bytes are valid until the reply arrives. */
export type Encode = (serial: number, isFirst: boolean) => Buffer

/**
 * Calls to one server over one connection, which is opened on demand and closed by any error.
 * Several calls may be in flight.
 */
export class RpcConnection<R> {
  readonly #target: RpcTarget
  readonly #world: World
  readonly #counters: Counters
  readonly #decoder: Decoder<R>
  #current: OpenConnection<R> | undefined
  #connecting: Promise<OpenConnection<R>> | undefined

  constructor(
    target: RpcTarget,
    decoder: Decoder<R>,
    { world, counters }: { readonly world: World; readonly counters: Counters },
  ) {
    this.#target = target
    this.#decoder = decoder
    this.#world = world
    this.#counters = counters
  }

  /** Whether a call may follow another one on the open connection. */
  get isReusable(): boolean {
    return this.#current?.isUsable(this.#world.clock.monotonic()) === true
  }

  /**
   * Sends what `encode` returns and resolves with the reply. Rejects with `DeliveryError`; then the
   * connection is closed, and so are the calls that follow on it. A follow-up never opens a
   * connection: it would overtake a call that failed with the connection before.
   */
  async call(encode: Encode, { isFollowUp = false } = {}): Promise<R> {
    const { host, port } = this.#target
    try {
      const current = this.#current
      if (isFollowUp) {
        if (current === undefined) throw new Error('not connected')
        return await current.call(encode)
      }
      if (current !== undefined && this.isReusable) return await current.call(encode)
      this.#connecting ??= this.#connect().finally(() => {
        this.#connecting = undefined
      })
      return await (await this.#connecting).call(encode)
    } catch (error) {
      throw new DeliveryError(`${host}:${port}: ${reasonOf(error)}`, error)
    }
  }

  /** Closes the connection; calls in flight on it reject with the error. */
  abandon(error: Error): void {
    this.#current?.fail(error)
  }

  async #connect(): Promise<OpenConnection<R>> {
    const { host, port, tls, connectTimeoutMs, resetIntervalMs, wrap } = this.#target
    if (this.#current?.isIdle === true) this.#current.close()
    const socket = await this.#world.network
      .connect({ host, port, timeoutMs: connectTimeoutMs, ...(tls === undefined ? {} : { tls }) })
      .catch((error: unknown) => {
        this.#counters.add('ConnectionFailedCount')
        throw error
      })
    this.#counters.add('ConnectionCreatedCount')
    const now = this.#world.clock.monotonic()
    this.#current = new OpenConnection(
      wrap?.(socket) ?? socket,
      this.#decoder,
      this.#world,
      this.#target.requestTimeoutMs,
      resetIntervalMs > 0 ? now + resetIntervalMs : Number.POSITIVE_INFINITY,
      () => this.#counters.add('ConnectionClosedCount'),
    )
    return this.#current
  }

  async close(): Promise<void> {
    await this.#connecting?.catch(() => undefined)
    this.#current?.close()
    this.#current = undefined
  }
}

class OpenConnection<R> {
  readonly #connection: Connection
  readonly #world: World
  readonly #timeoutMs: number
  readonly #endMs: number
  readonly #waiting = new Map<number, Waiting<R>>()
  #serial = 0
  #failure: Error | undefined

  constructor(
    connection: Connection,
    decoder: Decoder<R>,
    world: World,
    timeoutMs: number,
    endMs: number,
    onClosed: () => void,
  ) {
    this.#connection = connection
    this.#world = world
    this.#timeoutMs = timeoutMs
    this.#endMs = endMs
    const decode = decoder((serial, reply) => this.#reply(serial, reply))
    connection.onData = (chunk) => {
      try {
        decode(chunk)
      } catch (error) {
        this.fail(error as Error)
      }
    }
    connection.onClose = (error) => {
      onClosed()
      this.fail(error ?? new Error('the server closed the connection'))
    }
  }

  isUsable(nowMs: number): boolean {
    return this.#failure === undefined && nowMs < this.#endMs
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  call(encode: Encode): Promise<R> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const serial = this.#serial++
    return new Promise((resolve, reject) => {
      const timer = this.#world.clock.setTimer(this.#timeoutMs, () => {
        this.fail(new Error(`no reply within ${this.#timeoutMs} ms`))
      })
      this.#waiting.set(serial, { resolve, reject, timer })
      this.#connection.write([encode(serial, serial === 0)])
    })
  }

  /** Without a serial, replies are in the order of the calls. */
  #reply(given: number | undefined, reply: R): void {
    const serial = given ?? this.#waiting.keys().next().value
    const waiting = serial === undefined ? undefined : this.#waiting.get(serial)
    if (waiting === undefined || serial === undefined) return
    this.#waiting.delete(serial)
    waiting.timer.cancel()
    waiting.resolve(reply)
  }

  fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#connection.destroy()
    for (const { timer, reject } of this.#waiting.values()) {
      timer.cancel()
      reject(error)
    }
    this.#waiting.clear()
  }

  close(): void {
    this.#failure ??= new Error('closed')
    this.#connection.end()
  }
}
