// SPDX-License-Identifier: Apache-2.0
import { attempt, type Connection, type NetworkListener, type Timer } from '@millrace/base'
import { hostText } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { ListenerConfig } from '../config/listeners.ts'
import { PrincipalResolver } from '../security/authentication.ts'
import { INTERNAL } from '../security/client-session.ts'
import { SaslListener } from '../security/sasl/sasl-listener.ts'
import type { TlsListener } from '../security/tls/tls-listener.ts'
import { ConnectionGate } from './connection-gate.ts'
import { ConnectionLimits } from './connection-limits.ts'
import { FairTurns } from './fair-turns.ts'
import { FrameBuffers } from './frame-buffers.ts'
import { RepeatedWarnings } from './repeated-warnings.ts'
import { ReplyMemory } from './reply-memory.ts'
import { ChunkBuffers } from './reply-output.ts'
import {
  type ConnectionSecurity,
  RequestConnection,
  type SharedResources,
} from './request-connection.ts'
import { RequestMemory } from './request-memory.ts'
import { closeStalled } from './stalled-connections.ts'

/** How often files of certificates are read to see whether they changed. */
const CERTIFICATE_CHECK_MS = 1000
/** Interval at which connections are checked while memory is exhausted. */
const PRESSURE_INTERVAL_MS = 500
/** A client without progress for this long is closed if others need the memory that it holds. */
const STALL_MS = 2000
/** Maximum number of closed connections whose requests may still run. */
const MAX_FINISHING = 1000

/** A bound listener. */
export interface BoundListener extends ListenerConfig {
  readonly boundPort: number
}

/** The broker's listeners: binds them, serves their connections, and closes idle ones. */
export class Listeners {
  readonly #broker: BrokerServices
  readonly #shared: SharedResources
  readonly #connections = new Set<RequestConnection>()
  /** Closed connections with requests that still run. */
  readonly #finishing = new Set<RequestConnection>()
  /** By name of the listener; those of the controller have limits of their own. */
  readonly #limits = new Map<string, ConnectionLimits>()
  readonly #gates: ConnectionGate[] = []
  /** By name of the listener. */
  readonly #security = new Map<string, ConnectionSecurity>()
  readonly #principals: PrincipalResolver
  readonly #open: { readonly config: ListenerConfig; readonly listener: NetworkListener }[] = []
  #idleTimer: Timer | undefined
  #tlsTimer: Timer | undefined
  #pressureTimer: Timer | undefined
  #isClosed = false

  constructor(broker: BrokerServices) {
    this.#broker = broker
    const { config, world, logger } = broker
    this.#principals = new PrincipalResolver(config, broker.authentication.principalBuilder)
    const limitOf = (key: 'queued.max.request.bytes' | 'queued.max.response.bytes'): number =>
      config.number(key) > 0 ? config.number(key) : Number.POSITIVE_INFINITY
    this.#shared = {
      turns: new FairTurns(world.clock, logger),
      requests: new RequestMemory(limitOf('queued.max.request.bytes')),
      replies: new ReplyMemory(limitOf('queued.max.response.bytes')),
      buffers: new ChunkBuffers(),
      frameBuffers: new FrameBuffers(),
      warnings: new RepeatedWarnings(world.clock),
    }
    this.#shared.requests.onExhausted = () => this.#watchPressure()
    this.#shared.replies.onExhausted = () => this.#watchPressure()
    this.#shared.replies.onOverflow = () =>
      this.#closeStalled(0, () => !this.#shared.replies.isOverflowing)
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  get bound(): readonly BoundListener[] {
    return this.#open.map(({ config, listener }) => ({ ...config, boundPort: listener.port }))
  }

  async open(configs: readonly ListenerConfig[]): Promise<void> {
    const { world, config, logger } = this.#broker
    // All of the configuration is checked before anything is bound.
    for (const listenerConfig of configs) await this.#secure(listenerConfig)
    this.#limitConnections(configs)
    for (const listenerConfig of configs) {
      const { listenerName } = listenerConfig
      const gate = this.#gateOf(listenerName)
      const tls = this.#security.get(listenerName)?.tls
      const listener = await world.network.listen({
        host: listenerConfig.host,
        port: listenerConfig.port,
        backlog: config.number('socket.listen.backlog.size'),
        ...(tls === undefined ? {} : { tls: tls.options }),
        admit: (remoteAddress) => gate.arrive(remoteAddress),
        onHandshakeFailed: (remoteAddress, error) => {
          this.#release(remoteAddress, listenerName)
          const { warnings } = this.#shared
          warnings.report(remoteAddress, 'handshake', (suppressed) => {
            const fields = { client: remoteAddress, error: error.message }
            logger.info(
              'a TLS handshake failed',
              suppressed === 0 ? fields : { ...fields, suppressed },
            )
          })
        },
        onConnection: (connection) => this.#accept(connection, listenerConfig),
        onError: (error) =>
          logger.error('listener failed', { listener: listenerConfig.listenerName, error }),
      })
      this.#open.push({ config: listenerConfig, listener })
    }
    this.#closeIdle()
    this.#refreshTls()
  }

  async #secure({ listenerName, securityProtocol }: ListenerConfig): Promise<void> {
    const { authentication, config, logger } = this.#broker
    const sasl = securityProtocol.startsWith('SASL_')
      ? new SaslListener(authentication.sasl, listenerName)
      : undefined
    let tls: TlsListener | undefined
    if (securityProtocol.endsWith('SSL')) {
      // Loaded on first use, with Node's TLS.
      const { TlsListener } = await import('../security/tls/tls-listener.ts')
      const { certificateFiles: files } = authentication
      this.#principals.checkRules(listenerName)
      tls = await TlsListener.open({ config, listenerName, files, logger })
      config.onProposal((next) => tls?.check(next))
    }
    this.#security.set(listenerName, { principals: this.#principals, sasl, tls })
  }

  /** Uses certificates that have changed for new connections. */
  #refreshTls(): void {
    const secured = this.#open.filter(({ config }) => config.securityProtocol.endsWith('SSL'))
    if (secured.length === 0 || this.#isClosed) return
    this.#tlsTimer = this.#broker.world.clock.setTimer(CERTIFICATE_CHECK_MS, () => {
      this.#refreshTls()
      for (const { config, listener } of secured) {
        attempt(this.#broker.logger, 'loading certificates', () => {
          const options = this.#security.get(config.listenerName)?.tls?.refresh()
          if (options !== undefined) listener.updateTls?.(options)
        })
      }
    })
  }

  /** Serves an in-process connection, which need not authenticate. */
  acceptInternal(connection: Connection, listener: ListenerConfig): void {
    const security = {
      principals: this.#principals,
      sasl: undefined,
      tls: undefined,
      identity: INTERNAL,
    }
    // It does not count: clients in the process use no sockets.
    this.#serve(connection, listener, security, () => {})
  }

  #accept(connection: Connection, listener: ListenerConfig): void {
    const security = this.#security.get(listener.listenerName)
    if (security === undefined) throw new Error(`no listener ${listener.listenerName} was opened`)
    const { listenerName } = listener
    const leave = (): void => this.#release(connection.remoteAddress, listenerName)
    if (this.#isClosed) {
      leave()
      connection.destroy()
      return
    }
    this.#serve(connection, listener, security, leave)
  }

  #limitConnections(configs: readonly ListenerConfig[]): void {
    const { config, logger } = this.#broker
    for (const group of [true, false].map((isController) =>
      configs.filter((each) => each.isController === isController),
    )) {
      const names = group.map(({ listenerName }) => listenerName)
      const limits = new ConnectionLimits(config, names, logger)
      for (const name of names) this.#limits.set(name, limits)
    }
    config.onChange(() => {
      for (const limits of new Set(this.#limits.values())) this.#closeExcess(limits)
      for (const gate of this.#gates) gate.onChange()
    })
  }

  #limitsOf(listenerName: string): ConnectionLimits {
    const limits = this.#limits.get(listenerName)
    if (limits === undefined) throw new Error(`no listener ${listenerName} was opened`)
    return limits
  }

  #gateOf(listenerName: string): ConnectionGate {
    const { world, config, logger, quotas } = this.#broker
    const limits = this.#limitsOf(listenerName)
    const gate = new ConnectionGate({
      listenerName,
      limits,
      clock: world.clock,
      maxWaiting: config.number('socket.listen.backlog.size'),
      closingDelayMs: (address, nowMs) => quotas.connectionThrottleMs(hostText(address), nowMs),
      onRefused: (client, limit) =>
        logger.warn('rejected a connection: there are too many', { client, limit }),
      onExcess: () => this.#closeExcess(limits),
    })
    this.#gates.push(gate)
    return gate
  }

  /** No longer counts a connection, which may let another in. */
  #release(remoteAddress: string, listenerName: string): void {
    this.#limitsOf(listenerName).remove(remoteAddress, listenerName)
    for (const gate of this.#gates) gate.onChange()
  }

  /**
   * Closes as many connections as there are above `max.connections`, those first that were unused
   * for longest, but none of the listener between brokers (KIP-402).
   */
  #closeExcess(limits: ConnectionLimits): void {
    const { logger } = this.#broker
    let excess = limits.excess
    if (excess === 0) return
    const unused = [...this.#connections]
      .filter(({ acceptedBy: name }) => {
        return name !== undefined && this.#limits.get(name) === limits && !limits.isProtected(name)
      })
      .sort((a, b) => a.lastActiveMs - b.lastActiveMs)
    for (const connection of unused) {
      if (excess-- <= 0) return
      attempt(logger, 'closing a connection', () =>
        connection.evict('it is the one unused for longest, and max.connections is exceeded'),
      )
    }
  }

  /** `leave` is called once, when the connection is closed. */
  #serve(
    connection: Connection,
    listener: ListenerConfig,
    security: ConnectionSecurity,
    leave: () => void,
  ): void {
    let served: RequestConnection
    try {
      served = this.#connectionOf(connection, listener, security, leave)
    } catch (error) {
      // As when no rule maps the subject of the client's certificate.
      leave()
      const client = connection.remoteAddress
      this.#broker.logger.warn('closing a connection: its client has no principal', {
        client,
        error: (error as Error).message,
      })
      connection.destroy()
      return
    }
    this.#connections.add(served)
  }

  #connectionOf(
    connection: Connection,
    listener: ListenerConfig,
    security: ConnectionSecurity,
    leave: () => void,
  ): RequestConnection {
    const served: RequestConnection = new RequestConnection({
      connection,
      broker: this.#broker,
      listener,
      shared: this.#shared,
      security,
      onClose: () => {
        this.#connections.delete(served)
        leave()
        if (served.isDone) return
        this.#finishing.add(served)
        if (this.#finishing.size > MAX_FINISHING || this.#isClosed) served.close()
      },
      onDone: () => {
        this.#finishing.delete(served)
      },
    })
    return served
  }

  /** Closes connections that were idle for `connections.max.idle.ms`. */
  #closeIdle(): void {
    const { world, config, logger } = this.#broker
    const limit = config.number('connections.max.idle.ms')
    if (limit <= 0 || this.#isClosed) return
    const interval = Math.max(1000, Math.min(limit, 30_000))
    this.#idleTimer = world.clock.setTimer(interval, () => {
      this.#closeIdle()
      const oldest = world.clock.now() - limit
      // Closed connections of throttled clients wait to execute their requests, but not longer.
      for (const connection of [...this.#connections, ...this.#finishing]) {
        attempt(logger, 'closing an idle connection', () => {
          // Records whether the client has read part of a long reply.
          connection.stalledSinceMs(world.clock.monotonic())
          if ((connection.idleSinceMs ?? oldest) < oldest) connection.close()
        })
      }
    })
  }

  /** Closes connections, if needed, until there is enough memory again. */
  #watchPressure(): void {
    const { requests, replies } = this.#shared
    if (this.#pressureTimer !== undefined || this.#isClosed) return
    this.#pressureTimer = this.#broker.world.clock.setTimer(PRESSURE_INTERVAL_MS, () => {
      this.#pressureTimer = undefined
      attempt(this.#broker.logger, 'closing stalled connections', () =>
        this.#closeStalled(STALL_MS, () => !requests.isExhausted && !replies.isExhausted),
      )
      if (requests.isExhausted || replies.isExhausted) this.#watchPressure()
    })
  }

  #closeStalled(stallMs: number, isEnough: () => boolean): void {
    const { requests, replies } = this.#shared
    const nowMs = this.#broker.world.clock.monotonic()
    const connections = [...this.#connections, ...this.#finishing]
    closeStalled(connections, { requests, replies, nowMs, stallMs, isEnough })
  }

  /** Stops listening and closes all connections. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#idleTimer?.cancel()
    this.#tlsTimer?.cancel()
    this.#pressureTimer?.cancel()
    this.#shared.warnings.close()
    const closing = this.#open.map(({ listener }) => listener.close())
    for (const gate of this.#gates) gate.close()
    for (const connection of [...this.#connections, ...this.#finishing]) {
      attempt(this.#broker.logger, 'closing a connection', () => connection.close())
    }
    await Promise.all(closing)
  }
}
