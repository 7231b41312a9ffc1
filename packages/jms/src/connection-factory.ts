// SPDX-License-Identifier: Apache-2.0
import { Connection, type Domain } from './connection.ts'
import {
  type ConnectionFactoryOptions,
  type ResolvedOptions,
  resolveOptions,
} from './connection-options.ts'
import { JMSException, runtimeException } from './exceptions.ts'
import { JMSContext } from './jms-context.ts'
import { Session } from './session.ts'

/**
 * Makes connections to a provider: `new ConnectionFactory('amqp://localhost:5672')`. Several addresses, separated by commas or as
 * `failover:(amqp://a:5672,amqp://b:5672)`, are tried in turn, also when a connection is lost.
 */
export class ConnectionFactory {
  readonly #options: ResolvedOptions

  /** Throws `JMSException` for a malformed URL or an unknown option in it. */
  constructor(url = 'amqp://localhost:5672', options: ConnectionFactoryOptions = {}) {
    this.#options = resolveOptions(url, options)
  }

  /**
   * Connects. Rejects with `JMSSecurityException` for wrong credentials and `JMSException` when the provider cannot be reached.
   * The connection is stopped: call `start` for messages to flow.
   */
  createConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('any', username, password)
  }

  /** A connection for queues only. */
  createQueueConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('queue', username, password)
  }

  /** A connection for topics only. */
  createTopicConnection(username?: string | null, password?: string | null): Promise<Connection> {
    return this.#connect('topic', username, password)
  }

  async #connect(
    domain: Domain,
    username: string | null | undefined,
    password: string | null | undefined,
  ): Promise<Connection> {
    const credentials = {
      username: username ?? this.#options.username,
      password: password ?? this.#options.password,
    }
    const connection = new Connection(this.#options, credentials, domain)
    await connection.connect()
    return connection
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
