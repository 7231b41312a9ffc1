// SPDX-License-Identifier: Apache-2.0
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Logger } from '@millrace/base'
import type { BrokerConfig } from '../config/broker-config.ts'
import { parseConnectionOverrides } from '../config/config-forms.ts'
import { RateWindow } from '../quota/rate-window.ts'

/**
 * Counts connections and their rate, against the limits that are in force when a connection
 * arrives: those of the broker, of a listener, and of an address. One instance is for the listeners
 * of the broker, another for those of the controller. Pure: time is passed in.
 */
export class ConnectionLimits {
  readonly #config: BrokerConfig
  readonly #logger: Logger
  readonly #perAddress = new Map<string, number>()
  readonly #perListener = new Map<string, number>()
  readonly #rate: RateWindow
  readonly #listenerRates: ReadonlyMap<string, RateWindow>
  readonly #protectedListener: string | undefined
  #overridesText = ''
  #overrides: ReadonlyMap<string, number> = new Map()
  #total = 0

  /** `listeners`: names of all listeners that share the limits of the broker. */
  constructor(config: BrokerConfig, listeners: readonly string[], logger: Logger) {
    this.#config = config
    this.#logger = logger
    this.#rate = this.#window()
    this.#listenerRates = new Map(listeners.map((name) => [name, this.#window()]))
    const interBroker =
      config.get('inter.broker.listener.name') ?? config.string('security.inter.broker.protocol')
    this.#protectedListener = listeners.length > 1 ? interBroker.toUpperCase() : undefined
    this.#readOverrides()
  }

  #window(): RateWindow {
    return new RateWindow({
      count: this.#config.number('quota.window.num'),
      sampleMs: this.#config.number('quota.window.size.seconds') * 1000,
    })
  }

  /**
   * Whether connections of this listener do not wait for others to leave: it is the one between
   * brokers, and there are others.
   */
  isProtected(listener: string): boolean {
    return listener === this.#protectedListener
  }

  /** Whether `max.connections` of the broker and of the listener allow another connection. */
  hasRoom(listener: string): boolean {
    const onListener = this.#perListener.get(listener) ?? 0
    if (onListener >= this.#config.listenerNumber(listener, 'max.connections')) return false
    return this.isProtected(listener) || this.#total < this.#config.number('max.connections')
  }

  /** Connections above `max.connections` of the broker. */
  get excess(): number {
    return Math.max(0, this.#total - this.#config.number('max.connections'))
  }

  /** Counts a connection, or returns the key of the limit of its address that rejects it. */
  add(address: string, listener: string): string | undefined {
    this.#readOverrides()
    const fromThere = this.#perAddress.get(address) ?? 0
    const override = this.#overrides.get(address)
    if (fromThere >= (override ?? this.#config.number('max.connections.per.ip'))) {
      return override === undefined ? 'max.connections.per.ip' : 'max.connections.per.ip.overrides'
    }
    this.#total++
    this.#perAddress.set(address, fromThere + 1)
    this.#perListener.set(listener, (this.#perListener.get(listener) ?? 0) + 1)
    return undefined
  }

  /** Removes a counted connection. */
  remove(address: string, listener: string): void {
    this.#total--
    decrease(this.#perAddress, address)
    decrease(this.#perListener, listener)
  }

  /**
   * Counts a connection that arrives, and returns its delay by `max.connection.creation.rate`, at
   * most one sample of the rate (KIP-402).
   */
  delayMs(listener: string, nowMs: number): number {
    const key = 'max.connection.creation.rate'
    const own = this.#listenerRates.get(listener)
    const limits: [RateWindow, number][] = []
    if (!this.isProtected(listener)) limits.push([this.#rate, this.#config.number(key)])
    if (own !== undefined) limits.push([own, this.#config.listenerNumber(listener, key)])
    let delayMs = 0
    for (const [rate, limit] of limits) {
      rate.record(1, nowMs)
      delayMs = Math.max(delayMs, rate.throttleMs(Math.max(1, limit), nowMs))
    }
    return Math.min(delayMs, this.#config.number('quota.window.size.seconds') * 1000)
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
