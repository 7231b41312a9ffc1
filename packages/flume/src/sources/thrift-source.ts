// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@millrace/base'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import { choice, ignored, port, requiredText, unsupported, type ValuesOf } from '../config/keys.ts'
import { reasonOf } from '../errors.ts'
import {
  type Encoding,
  MessageType,
  Status,
  ThriftFramer,
  ThriftReader,
  ThriftWriter,
} from '../rpc/thrift-protocol.ts'
import { checkServerTls, serverTls, serverTlsKeys } from '../tls.ts'
import { type Pace, type StreamHandler, StreamServer } from './stream-server.ts'

const keys = {
  ...serverTlsKeys,
  bind: requiredText(),
  port: port(),
  protocol: choice(['compact', 'binary'], 'compact'),
  threads: ignored('one thread serves all connections'),
  kerberos: unsupported('there is no Kerberos here; use ssl', { unless: /^false$/i }),
  agentPrincipal: unsupported('there is no Kerberos here; use ssl', { key: 'agent-principal' }),
  agentKeytab: unsupported('there is no Kerberos here; use ssl', { key: 'agent-keytab' }),
}

class ThriftConnection implements StreamHandler {
  readonly #connection: Connection
  readonly #context: SourceContext
  readonly #encoding: Encoding
  readonly #frames: Buffer[] = []
  readonly #framer = new ThriftFramer((frame) => this.#frames.push(frame))
  readonly #writer: ThriftWriter

  constructor(connection: Connection, encoding: Encoding, context: SourceContext) {
    this.#connection = connection
    this.#context = context
    this.#encoding = encoding
    this.#writer = new ThriftWriter(encoding)
  }

  get bufferedBytes(): number {
    return this.#framer.bufferedBytes
  }

  async onData(chunk: Buffer, pace: Pace): Promise<void> {
    this.#framer.push(chunk)
    for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) {
      await pace.next()
      await this.#answer(frame)
    }
  }

  async #answer(frame: Buffer): Promise<void> {
    const reader = new ThriftReader(frame, this.#encoding)
    const { name, sequence } = reader.begin()
    if (name !== 'append' && name !== 'appendBatch') {
      this.#writer.begin(name, MessageType.exception, sequence)
      this.#writer.exception(`Invalid method name: '${name}'`, 1)
    } else {
      const events = reader.eventsOf(name)
      let status: number = Status.OK
      try {
        if (events.length > 0) {
          await this.#context.channels.process(events, { isSingle: name === 'append' })
        }
      } catch (error) {
        status = Status.FAILED
        this.#context.logger.warn('cannot store a batch', {
          source: this.#context.name,
          peer: this.#connection.remoteAddress,
          events: events.length,
          reason: reasonOf(error),
        })
      }
      this.#writer.begin(name, MessageType.reply, sequence)
      this.#writer.status(status)
    }
    this.#connection.write([Buffer.from(this.#writer.finish())])
  }
}

function create(config: ValuesOf<typeof keys>, context: SourceContext): Source {
  const server = new StreamServer(
    {
      host: config.bind,
      port: config.port,
      tls: serverTls(config, context.directory),
      accept: (connection) => new ThriftConnection(connection, config.protocol, context),
    },
    context,
  )
  return {
    start: () => server.start(),
    stop: () => server.stop(),
    get addresses() {
      return [server.address]
    },
  }
}

export const thriftSource = defineSource({
  type: 'thrift',
  aliases: ['org.apache.flume.source.ThriftSource'],
  about: 'takes batches from Thrift sinks and clients, of Flume and our own',
  keys,
  check: checkServerTls,
  create,
})
