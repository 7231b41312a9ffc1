// SPDX-License-Identifier: Apache-2.0
import type { Connection, NetworkListener, Timer } from '@millrace/base'
import type { BrokerServices } from '../broker-services.ts'
import type { ListenerConfig } from '../config/broker-config.ts'
import { RequestConnection } from './request-connection.ts'

/** A listener that is bound. */
export interface BoundListener extends ListenerConfig {
  readonly boundPort: number
}

/** The broker's doors: binds them, serves their connections, and closes idle ones. */
export class Listeners {
  readonly #broker: BrokerServices
  readonly #connections = new Set<RequestConnection>()
  readonly #perAddress = new Map<string, number>()
  readonly #open: { readonly config: ListenerConfig; readonly listener: NetworkListener }[] = []
  #idleTimer: Timer | undefined

  constructor(broker: BrokerServices) {
    this.#broker = broker
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  get bound(): readonly BoundListener[] {
    return this.#open.map(({ config, listener }) => ({ ...config, boundPort: listener.port }))
  }

  async open(configs: readonly ListenerConfig[]): Promise<void> {
    const { world, config, logger } = this.#broker
    for (const listenerConfig of configs) {
      const listener = await world.network.listen({
        host: listenerConfig.host,
        port: listenerConfig.port,
        backlog: config.number('socket.listen.backlog.size'),
        onConnection: (connection) => this.accept(connection, listenerConfig),
        onError: (error) =>
          logger.error('listener failed', { listener: listenerConfig.listenerName, error }),
      })
      this.#open.push({ config: listenerConfig, listener })
    }
    this.#closeIdle()
  }

  /** Serves a connection that came in through `listener`, or from inside the process. */
  accept(connection: Connection, listener: ListenerConfig): void {
    const { config, logger } = this.#broker
    const { remoteAddress } = connection
    const fromThere = (this.#perAddress.get(remoteAddress) ?? 0) + 1
    if (
      this.#connections.size >= config.number('max.connections') ||
      fromThere > config.number('max.connections.per.ip')
    ) {
      logger.warn('refused a connection: there are too many', { client: remoteAddress })
      connection.destroy()
      return
    }
    this.#perAddress.set(remoteAddress, fromThere)
    const served: RequestConnection = new RequestConnection({
      connection,
      broker: this.#broker,
      listener,
      onClose: () => {
        this.#connections.delete(served)
        const left = (this.#perAddress.get(remoteAddress) ?? 1) - 1
        if (left === 0) this.#perAddress.delete(remoteAddress)
        else this.#perAddress.set(remoteAddress, left)
      },
    })
    this.#connections.add(served)
  }

  /** Closes connections without a request for `connections.max.idle.ms`. */
  #closeIdle(): void {
    const { world, config } = this.#broker
    const limit = config.number('connections.max.idle.ms')
    if (limit <= 0) return
    const interval = Math.max(1000, Math.min(limit, 30_000))
    this.#idleTimer = world.clock.setTimer(interval, () => {
      const oldest = world.clock.now() - limit
      for (const connection of this.#connections) {
        if (connection.isIdle && connection.lastActiveMs < oldest) connection.close()
      }
      this.#closeIdle()
    })
  }

  /** Stops listening and closes all connections. */
  async close(): Promise<void> {
    this.#idleTimer?.cancel()
    const closing = this.#open.map(({ listener }) => listener.close())
    for (const connection of this.#connections) connection.close()
    await Promise.all(closing)
  }
}
