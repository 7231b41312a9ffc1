// SPDX-License-Identifier: Apache-2.0
import { Connection, type Domain } from './connection.ts'
import {
  type ConnectionFactoryOptions,
  type ResolvedOptions,
  resolveOptions,
} from './connection-options.ts'
import { JMSException, runtimeException } from './exceptions.ts'
import { JMSContext } from './jms-context.ts'
import { checkValue, text } from './options.ts'
import { Session } from './session.ts'

/**
 * Makes connections to a provider: `new ConnectionFactory('amqp://localhost:5672')`. Several addresses, separated by commas or as
 * `failover:(amqp://a:5672,amqp://b:5672)`, are tried in turn, also when a connection is lost.
 */
export class ConnectionFactory {
  readonly #options: ResolvedOptions
  readonly #refusesReconnect: boolean

  /** Throws `JMSException` for a malformed URL, and for an option that is unknown or not allowed. */
  constructor(url = 'amqp://localhost:5672', options: ConnectionFactoryOptions = {}) {
    this.#options = resolveOptions(url, options)
    this.#refusesReconnect = options.reconnect === false
  }

  /**
   * Creates a connection, with the identity of the factory's options or with this one. It is stopped: call `start` for messages to
   * flow.
   *
   * Rejects with `JMSSecurityException` for wrong credentials, with `InvalidClientIDException` when the factory's client id is in use
   * by another connection, and with `JMSException` when the provider cannot be reached.
   */
  createConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('any', username, password)
  }

  /** Creates a connection for queues only. Rejects as `createConnection` does. */
  createQueueConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('queue', username, password)
  }

  /** Creates a connection for topics only. Rejects as `createConnection` does. */
  createTopicConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('topic', username, password)
  }

  /**
   * @internal A connection that is replaced when it is lost, unless the options say otherwise. Where they do not ask for reconnects, the
   * first attempt is the only one, so that a provider which cannot be reached is reported.
   */
  createLastingConnection(): Promise<Connection> {
    const options = this.#options
    if (options.reconnect || this.#refusesReconnect) return this.#connect('any', null, null)
    return this.#connect('any', null, null, {
      ...options,
      reconnect: true,
      startupMaxReconnectAttempts: options.startupMaxReconnectAttempts ?? 0,
    })
  }

  async #connect(
    domain: Domain,
    username: string | null | undefined,
    password: string | null | undefined,
    options = this.#options,
  ): Promise<Connection> {
    if (username !== null && username !== undefined) {
      checkValue('createConnection', 'username', username, text)
    }
    if (password !== null && password !== undefined) {
      checkValue('createConnection', 'password', password, text)
    }
    const credentials = {
      username: username ?? options.username,
      password: password ?? options.password,
    }
    const connection = new Connection(options, credentials, domain)
    try {
      await connection.connect()
      return connection
    } catch (error) {
      await connection.close().catch(() => undefined)
      throw error
    }
  }

  /** A context with a connection of its own: `createContext()`, `(sessionMode)`, `(user, password)` or `(user, password, sessionMode)`. */
  async createContext(
    usernameOrMode?: string | number | null,
    password?: string | null,
    sessionMode?: number,
  ): Promise<JMSContext> {
    const isMode = typeof usernameOrMode === 'number'
    const mode = (isMode ? usernameOrMode : sessionMode) ?? Session.AUTO_ACKNOWLEDGE
    try {
      JMSContext.checkMode(mode)
      const connection = await this.createConnection(isMode ? null : usernameOrMode, password)
      return JMSContext.open(connection, mode)
    } catch (error) {
      throw runtimeException(error)
    }
  }

  /** Distributed transactions are not offered: Kafka, beneath, has none. Always rejects. */
  createXAConnection(): Promise<never> {
    return Promise.reject(
      new JMSException(
        'XA transactions are not supported: use a transacted session, whose sends and receipts over any number of destinations become final together',
        'JMS_XA_NOT_SUPPORTED',
      ),
    )
  }

  /** See `createXAConnection`. */
  createXAContext(): Promise<never> {
    return this.createXAConnection()
  }
}
