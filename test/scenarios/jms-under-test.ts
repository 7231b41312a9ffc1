// SPDX-License-Identifier: Apache-2.0
import { type Connection, ConnectionFactory, type ConnectionFactoryOptions } from '@millrace/jms'

/** What a scenario of JMS runs against: an embedded millrace, or ActiveMQ Artemis. */
export interface JmsUnderTest {
  readonly url: string
  readonly name: 'millrace' | 'Artemis'
  readonly options: ConnectionFactoryOptions
  /** A name nobody else has. */
  unique(name: string): string
  factory(options?: ConnectionFactoryOptions): ConnectionFactory
  /** A started connection. */
  connect(options?: ConnectionFactoryOptions): Promise<Connection>
}

let counter = 0

export function jmsUnderTest(
  name: 'millrace' | 'Artemis',
  url: string,
  options: ConnectionFactoryOptions = {},
): JmsUnderTest {
  const factory = (more: ConnectionFactoryOptions = {}): ConnectionFactory =>
    new ConnectionFactory(url, { ...options, ...more })
  return {
    url,
    name,
    options,
    unique: (text) => `${text}-${process.pid}-${counter++}`,
    factory,
    async connect(more) {
      const connection = await factory(more).createConnection()
      await connection.start()
      return connection
    },
  }
}
