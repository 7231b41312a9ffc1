// SPDX-License-Identifier: Apache-2.0
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
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

/** Batches under way to one of our own agents; to others one, as they may answer out of order. */
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
  readonly maxInFlight = MAX_IN_FLIGHT
  readonly #connection: RpcConnection<Reply>
  /** Used again once the reply has come: then the request has left. */
  readonly #writers: AvroWriter[] = []
  #peerIsOurs = false
  #inFlight = 0
  #waiting: (() => void)[] = []

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

  async process({ events, origin }: TakeTransaction): Promise<void> {
    const limit = this.#peerIsOurs ? MAX_IN_FLIGHT : 1
    while (this.#inFlight >= limit) await new Promise<void>((done) => this.#waiting.push(done))
    this.#inFlight++
    const out = this.#writers.pop() ?? new AvroWriter()
    try {
      const metadata: Metadata = batchMetadata(events, origin)
      const { metadata: told, status } = await this.#connection.call((serial, isFirst) => {
        startFrame(out)
        if (isFirst) writeHandshakeRequest(out)
        writeCallStart(out, metadata, 'appendBatch')
        out.long(events.length)
        out.events(events)
        out.long(0)
        return finishFrame(out, serial)
      })
      this.#peerIsOurs = isMillrace(told)
      this.#writers.push(out)
      if (status !== Status.OK) throw new DeliveryError('the server could not take the batch')
    } finally {
      this.#inFlight--
      this.#waiting.shift()?.()
    }
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
