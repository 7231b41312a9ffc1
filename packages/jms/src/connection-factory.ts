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
 * Creates connections to a provider: `new ConnectionFactory('amqp://localhost:5672')`. Several
 * addresses, separated by commas or as `failover:(amqp://a:5672,amqp://b:5672)`, are tried in
 * order, both on the first connect and after a connection loss.
 */
export class ConnectionFactory {
  readonly #options: ResolvedOptions
  readonly #isReconnectDisabled: boolean

  /**
   * Throws `JMSException` if the URL is malformed, or an option is unknown or has an invalid value.
   */
  constructor(url = 'amqp://localhost:5672', options: ConnectionFactoryOptions = {}) {
    this.#options = resolveOptions(url, options)
    this.#isReconnectDisabled = options.reconnect === false
  }

  /**
   * Creates a connection, with the credentials of the factory's options or the given ones. The
   * connection is stopped: call `start` to receive messages.
   *
   * Rejects with `JMSSecurityException` if the credentials are wrong, with
   * `InvalidClientIDException` if the factory's client id is in use by another connection, and with
   * `JMSException` if the provider cannot be reached.
   */
  createConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('any', username, password)
  }

  /** Creates a connection for queues only. Rejects like `createConnection`. */
  createQueueConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('queue', username, password)
  }

  /** Creates a connection for topics only. Rejects like `createConnection`. */
  createTopicConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('topic', username, password)
  }

  /**
   * @internal Creates a connection that reconnects after a loss, unless the options say `reconnect:
   * false`. If the options do not enable `reconnect`, the first connect is tried only once by
   * default, so that an unreachable provider is reported.
   */
  createReconnectingConnection(): Promise<Connection> {
    const options = this.#options
    if (options.reconnect || this.#isReconnectDisabled) return this.#connect('any', null, null)
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

  /**
   * Creates a context with a new connection: `createContext()`, `(sessionMode)`, `(user, password)`
   * or `(user, password, sessionMode)`.
   */
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

  /** Always rejects: distributed transactions are not supported, because Kafka has none. */
  createXAConnection(): Promise<never> {
    return Promise.reject(
      new JMSException(
        'XA transactions are not supported; use a transacted session, which commits sends and receipts of any number of destinations atomically',
        'JMS_XA_NOT_SUPPORTED',
      ),
    )
  }

  /** See `createXAConnection`. */
  createXAContext(): Promise<never> {
    return this.createXAConnection()
  }
}
