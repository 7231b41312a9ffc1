// SPDX-License-Identifier: Apache-2.0
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import { choice, ignored, unsupported, type ValuesOf } from '../config/keys.ts'
import { DeliveryError } from '../errors.ts'
import {
  MessageType,
  Status,
  ThriftFramer,
  ThriftReader,
  ThriftWriter,
} from '../rpc/thrift-protocol.ts'
import { RpcConnection, rpcSinkKeys, targetOf } from './rpc-connection.ts'

const keys = {
  ...rpcSinkKeys,
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
      targetOf(config, context.directory),
      (onReply) => {
        const framer = new ThriftFramer((frame) => {
          const reader = new ThriftReader(frame, config.protocol)
          onReply(undefined, reader.status(reader.begin()))
        })
        return (chunk) => framer.push(chunk)
      },
      context,
    )
  }

  async process({ events }: TakeTransaction): Promise<void> {
    const status = await this.#connection.call((serial) => {
      this.#writer.begin('appendBatch', MessageType.call, serial)
      this.#writer.events(events)
      return this.#writer.finish()
    })
    if (status !== Status.OK) throw new DeliveryError('the server could not store the batch')
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
