// SPDX-License-Identifier: Apache-2.0
import { type ComponentContext, defineSink, type Sink, type SinkBatch } from '../component.ts'
import { choice, ignored, integer, type ValuesOf } from '../config/keys.ts'
import { DeliveryError } from '../errors.ts'
import {
  AvroFramer,
  finishFrame,
  type Metadata,
  readHandshakeResponse,
  readStatus,
  Status,
  startFrame,
  writeCallStart,
  writeHandshakeRequest,
} from '../rpc/avro-protocol.ts'
import { batchMetadata, isMillrace } from '../rpc/batch-metadata.ts'
import { deflated } from '../rpc/deflate.ts'
import { AvroReader, AvroWriter } from '../serialization/avro-event.ts'
import { RpcConnection, rpcSinkKeys, targetOf } from './rpc-connection.ts'

/**
 * Batches in flight to an agent of millrace, which processes the calls of a connection in order and
 * none after one that failed. Other servers may process calls concurrently: they get one at a time.
 */
const MAX_IN_FLIGHT = 3

const keys = {
  ...rpcSinkKeys,
  compressionType: choice(['none', 'deflate'], 'none', {
    key: 'compression-type',
    elseDefault: 'always',
  }),
  compressionLevel: integer(6, { key: 'compression-level', min: 0, max: 9, elseDefault: 'always' }),
  maxIoWorkers: ignored('one thread serves all connections'),
}

type Reply = ReturnType<typeof readStatus>

class AvroSink implements Sink {
  readonly batchSize: number
  readonly #connection: RpcConnection<Reply>
  /** Reused when the reply has arrived: then the request was sent. */
  readonly #writers: AvroWriter[] = []
  /** Whether the peer of the open connection is millrace; known from its first reply. */
  #isMillrace = false

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
    this.batchSize = config.batchSize
    this.#connection = new RpcConnection<Reply>(
      {
        ...targetOf(config, context.directory),
        wrap: (connection) =>
          config.compressionType === 'deflate'
            ? deflated(connection, config.compressionLevel)
            : connection,
      },
      (onReply) => {
        this.#isMillrace = false
        let isFirst = true
        const framer = new AvroFramer((serial, payload) => {
          const reader = new AvroReader(payload)
          if (isFirst) readHandshakeResponse(reader)
          isFirst = false
          onReply(serial, readStatus(reader))
        })
        return (chunk) => framer.push(chunk)
      },
      context,
    )
  }

  get maxInFlight(): number {
    return this.#isMillrace && this.#connection.isReusable ? MAX_IN_FLIGHT : 1
  }

  async process({ events, origin, isFollowUp = false }: SinkBatch): Promise<void> {
    const out = this.#writers.pop() ?? new AvroWriter()
    const metadata: Metadata = batchMetadata(events, origin)
    const reply = await this.#connection.call(
      (serial, isFirst) => {
        startFrame(out)
        if (isFirst) writeHandshakeRequest(out)
        writeCallStart(out, metadata, 'appendBatch')
        out.long(events.length)
        out.events(events)
        out.long(0)
        return finishFrame(out, serial)
      },
      { isFollowUp },
    )
    this.#isMillrace = isMillrace(reply.metadata)
    this.#writers.push(out)
    if (reply.status === Status.OK) return
    const error = new DeliveryError('the server could not store the batch')
    // The server processes no further call of this connection.
    if (this.#isMillrace) this.#connection.abandon(error)
    throw error
  }

  stop(): Promise<void> {
    return this.#connection.close()
  }
}

export const avroSink = defineSink({
  type: 'avro',
  aliases: ['org.apache.flume.sink.AvroSink'],
  about: 'sends batches to an Avro source, of Flume or our own',
  keys,
  create: (config, context) => new AvroSink(config, context),
})
