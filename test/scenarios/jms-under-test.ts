// SPDX-License-Identifier: Apache-2.0
import { type Connection, ConnectionFactory, type ConnectionFactoryOptions } from '@millrace/jms'

/** Server under test: embedded millrace, or ActiveMQ Artemis. */
export interface JmsUnderTest {
  readonly url: string
  readonly name: 'millrace' | 'Artemis'
  readonly options: ConnectionFactoryOptions
  /** Returns a name that is used nowhere else. */
  unique(name: string): string
  factory(options?: ConnectionFactoryOptions): ConnectionFactory
  /** Creates a started connection. */
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
