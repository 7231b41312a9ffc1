// SPDX-License-Identifier: Apache-2.0
import { MillraceError, type Timer } from '@millrace/base'
import { type Address, backoffMs, type ResolvedClientOptions } from '../options.ts'
import { BrokerConnection, type ClientState } from './broker-connection.ts'
import { checkTls } from './tls.ts'
import { sleep } from './waiting.ts'

/**
 * A broker answers the requests of a connection in order, and some take long: records use one
 * connection, group requests another, so that no heartbeat waits behind a fetch and no metadata
 * request behind a rebalance.
 */
export type Lane = 'data' | 'coordinator' | 'control'

interface Slot {
  opening: Promise<BrokerConnection> | undefined
  connection: BrokerConnection | undefined
  failures: number
  /** Monotonic time before which no new attempt is made. */
  retryAt: number
}

const IDLE_CHECK_MS = 30_000

/** The connections of one client, at most one for each broker and lane. */
export class Connections {
  readonly #options: ResolvedClientOptions
  readonly #slots = new Map<string, Slot>()
  readonly #client: ClientState = { isServed: false }
  #idleTimer: Timer | undefined
  #isClosed = false

  constructor(options: ResolvedClientOptions) {
    if (options.tls !== undefined) checkTls(options.tls)
    this.#options = options
  }

  /** The open connection, if there is one. */
  existing(address: Address, lane: Lane): BrokerConnection | undefined {
    return this.#slots.get(keyOf(address, lane))?.connection
  }

  /** Whether an attempt to connect would wait because earlier ones failed. */
  isBackingOff(address: Address, lane: Lane): boolean {
    const slot = this.#slots.get(keyOf(address, lane))
    return slot !== undefined && slot.retryAt > this.#options.clock.monotonic()
  }

  /** The open connection, or a new one; after failures it waits for `reconnectBackoffMs` first. */
  get(address: Address, lane: Lane): Promise<BrokerConnection> {
    if (this.#isClosed) {
      return Promise.reject(new MillraceError('MILLRACE_CLOSED', 'the client is closed'))
    }
    const key = keyOf(address, lane)
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = { opening: undefined, connection: undefined, failures: 0, retryAt: 0 }
      this.#slots.set(key, slot)
    }
    if (slot.connection !== undefined) return Promise.resolve(slot.connection)
    slot.opening ??= this.#open(slot, address)
    return slot.opening
  }

  async #open(slot: Slot, address: Address): Promise<BrokerConnection> {
    const { clock, random } = this.#options
    try {
      const wait = slot.retryAt - clock.monotonic()
      if (wait > 0) await sleep(clock, wait)
      const connection = await BrokerConnection.open(address, this.#options, this.#client)
      if (this.#isClosed) {
        connection.close()
        throw new MillraceError('MILLRACE_CLOSED', 'the client was closed')
      }
      slot.failures = 0
      slot.connection = connection
      connection.onClose = () => {
        if (slot.connection === connection) slot.connection = undefined
      }
      this.#closeIdle()
      return connection
    } catch (error) {
      const wait = backoffMs(slot.failures, {
        baseMs: this.#options.reconnectBackoffMs,
        maxMs: this.#options.reconnectBackoffMaxMs,
        random,
      })
      slot.failures++
      slot.retryAt = clock.monotonic() + wait
      throw error
    } finally {
      slot.opening = undefined
    }
  }

  #closeIdle(): void {
    if (this.#idleTimer !== undefined || this.#isClosed) return
    const { clock, connectionsMaxIdleMs } = this.#options
    this.#idleTimer = clock.setTimer(Math.min(IDLE_CHECK_MS, connectionsMaxIdleMs), () => {
      this.#idleTimer = undefined
      const oldest = clock.monotonic() - connectionsMaxIdleMs
      let open = 0
      for (const { connection } of this.#slots.values()) {
        if (connection === undefined) continue
        if (connection.inFlightCount === 0 && connection.lastUsedMs < oldest) connection.close()
        else open++
      }
      if (open > 0) this.#closeIdle()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#idleTimer?.cancel()
    for (const { connection } of this.#slots.values()) connection?.close()
    this.#slots.clear()
  }
}

function keyOf({ host, port }: Address, lane: Lane): string {
  return `${host}:${port}/${lane}`
}
