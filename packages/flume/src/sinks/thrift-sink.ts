// SPDX-License-Identifier: Apache-2.0
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import {
  choice,
  ignored,
  integer,
  port,
  requiredText,
  unsupported,
  type ValuesOf,
} from '../config/keys.ts'
import { DeliveryError } from '../errors.ts'
import { clientTls, clientTlsKeys } from '../keystore/tls.ts'
import {
  MessageType,
  Status,
  ThriftReader,
  ThriftWriter,
  thriftFramer,
} from '../rpc/thrift-protocol.ts'
import { RpcConnection } from './rpc-connection.ts'

const keys = {
  ...clientTlsKeys,
  hostname: requiredText(),
  port: port(),
  batchSize: integer(100, { key: 'batch-size', alsoKnownAs: ['batchSize'], min: 1 }),
  connectTimeout: integer(20_000, { key: 'connect-timeout', min: 1 }),
  requestTimeout: integer(20_000, { key: 'request-timeout', min: 1 }),
  connectionResetInterval: integer(0, {
    key: 'connection-reset-interval',
    alsoKnownAs: ['reset-connection-interval'],
    min: 0,
  }),
  protocol: choice(['compact', 'binary'], 'compact'),
  maxConnections: ignored('one connection carries all batches'),
  kerberos: unsupported('there is no Kerberos here; use ssl', { unless: /^false$/i }),
  clientPrincipal: unsupported('there is no Kerberos here; use ssl', { key: 'client-principal' }),
  clientKeytab: unsupported('there is no Kerberos here; use ssl', { key: 'client-keytab' }),
  serverPrincipal: unsupported('there is no Kerberos here; use ssl', { key: 'server-principal' }),
}

class ThriftSink implements Sink {
  readonly batchSize: number
  readonly #connection: RpcConnection<number>
  readonly #writer: ThriftWriter

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
    this.batchSize = config.batchSize
    this.#writer = new ThriftWriter(config.protocol)
    this.#connection = new RpcConnection<number>(
      {
        host: config.hostname,
        port: config.port,
        tls: clientTls(config, context.directory),
        connectTimeoutMs: config.connectTimeout,
        requestTimeoutMs: config.requestTimeout,
        resetIntervalMs: config.connectionResetInterval * 1000,
      },
      (onReply) =>
        thriftFramer((frame) => {
          const reader = new ThriftReader(frame, config.protocol)
          onReply(undefined, reader.status(reader.begin()))
        }),
      context,
    )
  }

  async process({ events }: TakeTransaction): Promise<void> {
    const status = await this.#connection.call((serial) => {
      this.#writer.begin('appendBatch', MessageType.call, serial)
      this.#writer.events(events)
      return this.#writer.finish()
    })
    if (status !== Status.OK) throw new DeliveryError('the server could not take the batch')
  }

  stop(): Promise<void> {
    return this.#connection.close()
  }
}

export const thriftSink = defineSink({
  type: 'thrift',
  aliases: ['org.apache.flume.sink.ThriftSink'],
  about: 'sends batches to a Thrift source, of Flume or our own',
  keys,
  create: (config, context) => new ThriftSink(config, context),
})
