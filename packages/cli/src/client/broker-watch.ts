// SPDX-License-Identifier: Apache-2.0
import { subscribe } from 'node:diagnostics_channel'
import { type ClientNetwork, MillraceError, nodeWorld, systemErrorCode } from '@millrace/base'

/**
 * How long a command retries while all bootstrap servers refuse connections: time for a broker to
 * restart.
 */
const RETRY_MS = 1500

/**
 * Reports the state of a command's connections on stderr. Until a broker was reached, it stops all
 * attempts soon after all bootstrap servers have refused; later it reports each broker that is
 * lost, and that is back, once each.
 */
export class BrokerWatch {
  readonly #write: (line: string) => void
  readonly #now: () => number
  readonly #refused = new Set<string>()
  readonly #reached = new Set<string>()
  readonly #lost = new Set<string>()
  #failAt: number | undefined

  constructor(
    write: (line: string) => void = (line) => {
      process.stderr.write(`millrace: ${line}\n`)
    },
    now: () => number = () => performance.now(),
  ) {
    this.#write = write
    this.#now = now
  }

  /** Observes the clients of this process, which report connected brokers. */
  start(): this {
    subscribe('millrace:client:connect', (message) => {
      const { address } = message as { readonly address: string }
      this.onReached(address)
    })
    return this
  }

  /**
   * A network that reports failed attempts; `bootstrapCount` is the number of bootstrap servers.
   */
  network(bootstrapCount: number, inner: ClientNetwork = nodeWorld.network): ClientNetwork {
    return {
      connect: async (options) => {
        try {
          return await inner.connect(options)
        } catch (error) {
          this.#onFailed(`${options.host}:${options.port}`, error, bootstrapCount)
          throw error
        }
      },
    }
  }

  /** Called when a client is connected to a broker, and authenticated. */
  onReached(address: string): void {
    this.#reached.add(address)
    if (this.#lost.delete(address)) this.#write(`reconnected to ${address}`)
  }

  #onFailed(address: string, error: unknown, bootstrapCount: number): void {
    const code = systemErrorCode(error)
    const why = code === undefined ? (error as Error).message : `connect ${code}`
    if (this.#reached.size > 0) {
      if (!this.#reached.has(address) || this.#lost.has(address)) return
      this.#lost.add(address)
      this.#write(`lost the connection to ${address}: ${why}; reconnecting`)
      return
    }
    if (code !== 'ECONNREFUSED') return
    this.#refused.add(address)
    if (this.#refused.size < bootstrapCount) return
    const message = `cannot connect to ${[...this.#refused].join(', ')}: ${why}`
    if (this.#failAt === undefined) {
      this.#failAt = this.#now() + RETRY_MS
      this.#write(`${message}; retrying for ${RETRY_MS / 1000} s`)
    } else if (this.#now() >= this.#failAt) {
      // Clients do not retry after this.
      throw new MillraceError('MILLRACE_DISCONNECTED', message, { cause: error })
    }
  }
}
