// SPDX-License-Identifier: Apache-2.0
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock, Logger } from '@millrace/base'
import type { BrokerConfig } from '../config/broker-config.ts'
import { parseConnectionOverrides } from '../config/config-forms.ts'

/**
 * Limits the number of connections and their rate. The limits are those in force when a connection
 * arrives.
 */
export class ConnectionLimits {
  readonly #config: BrokerConfig
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #perAddress = new Map<string, number>()
  readonly #perListener = new Map<string, number>()
  /**
   * Earliest time for the next connection, by scope of the rate limit: the broker or a listener.
   */
  readonly #nextMs = new Map<string, number>()
  #overridesText = ''
  #overrides: ReadonlyMap<string, number> = new Map()
  #total = 0

  constructor(config: BrokerConfig, clock: Clock, logger: Logger) {
    this.#config = config
    this.#clock = clock
    this.#logger = logger
    this.#readOverrides()
  }

  /** Counts a connection, or returns the key of the limit that rejects it. */
  add(address: string, listener: string): string | undefined {
    this.#readOverrides()
    const fromThere = this.#perAddress.get(address) ?? 0
    const onListener = this.#perListener.get(listener) ?? 0
    if (this.#total >= this.#config.number('max.connections')) return 'max.connections'
    const key = `listener.name.${listener.toLowerCase()}.max.connections`
    if (onListener >= this.#config.listenerNumber(listener, 'max.connections')) return key
    const override = this.#overrides.get(address)
    if (fromThere >= (override ?? this.#config.number('max.connections.per.ip'))) {
      return override === undefined ? 'max.connections.per.ip' : 'max.connections.per.ip.overrides'
    }
    this.#total++
    this.#perAddress.set(address, fromThere + 1)
    this.#perListener.set(listener, onListener + 1)
    return undefined
  }

  /** Removes a counted connection. */
  remove(address: string, listener: string): void {
    this.#total--
    decrease(this.#perAddress, address)
    decrease(this.#perListener, listener)
  }

  /** Delay of the next connection that keeps the configured rate. */
  delayMs(listener: string): number {
    const own = this.#config.listenerNumber(listener, 'max.connection.creation.rate')
    return Math.max(
      this.#reserve('', this.#config.number('max.connection.creation.rate')),
      this.#reserve(listener, own),
    )
  }

  #reserve(name: string, perSecond: number): number {
    const now = this.#clock.monotonic()
    // A burst of one second's connections is allowed.
    const next = Math.max(this.#nextMs.get(name) ?? 0, now - 1000) + 1000 / Math.max(1, perSecond)
    this.#nextMs.set(name, next)
    return Math.max(0, Math.ceil(next - now))
  }

  /** Parses limits by address when they have changed; as in Kafka, host names are resolved once. */
  #readOverrides(): void {
    const text = this.#config.string('max.connections.per.ip.overrides')
    if (text === this.#overridesText) return
    this.#overridesText = text
    const limits = parseConnectionOverrides(text) ?? new Map<string, number>()
    const byAddress = new Map([...limits].filter(([host]) => isIP(host) !== 0))
    this.#overrides = byAddress
    for (const [host, limit] of limits) {
      if (isIP(host) !== 0 || host === '') continue
      lookup(host, { all: true }).then(
        (found) => {
          for (const { address } of found) byAddress.set(address, limit)
        },
        (error: unknown) => {
          this.#logger.warn('cannot look up a host of max.connections.per.ip.overrides', {
            host,
            error,
          })
        },
      )
    }
  }
}

function decrease(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1
  if (left <= 0) counts.delete(key)
  else counts.set(key, left)
}
