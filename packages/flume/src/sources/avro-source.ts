// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@millrace/base'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import {
  boolean,
  choice,
  ignored,
  parsed,
  port,
  requiredText,
  type ValuesOf,
} from '../config/keys.ts'
import { reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { checkServerTls, serverTls, serverTlsKeys } from '../keystore/tls.ts'
import {
  AvroFramer,
  finishFrame,
  readCallStart,
  readHandshakeRequest,
  Status,
  startFrame,
  writeStatus,
  writeSystemError,
} from '../rpc/avro-protocol.ts'
import { NO_METADATA, originIn, PEER_METADATA, restoreLineage } from '../rpc/batch-metadata.ts'
import { deflated } from '../rpc/deflate.ts'
import { AvroReader, AvroWriter } from '../serialization/avro-event.ts'
import { isAllowed, parseIpFilterRules } from './ip-filter.ts'
import { type StreamHandler, StreamServer } from './stream-server.ts'

const keys = {
  ...serverTlsKeys,
  bind: requiredText(),
  port: port(),
  threads: ignored('one thread serves all connections'),
  compressionType: choice(['none', 'deflate'], 'none', { key: 'compression-type' }),
  ipFilter: boolean(false),
  ipFilterRules: parsed(parseIpFilterRules, []),
}

class AvroSource implements Source {
  readonly #server: StreamServer

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    const { ipFilter, ipFilterRules } = config
    this.#server = new StreamServer(
      {
        host: config.bind,
        port: config.port,
        tls: serverTls(config, context.directory),
        isRefused: ({ remoteAddress }) => ipFilter && !isAllowed(ipFilterRules, remoteAddress),
        wrap: (connection) =>
          config.compressionType === 'deflate' ? deflated(connection, 6) : connection,
        accept: (connection) => new AvroConnection(connection, context),
      },
      context,
    )
  }

  get addresses(): readonly string[] {
    return [this.#server.address]
  }
  start(): Promise<void> {
    return this.#server.start()
  }
  stop(): Promise<void> {
    return this.#server.stop()
  }
}

interface Call {
  readonly serial: number
  readonly payload: Buffer
}

/** One peer: its calls are done one after another, and answered in order. */
class AvroConnection implements StreamHandler {
  readonly #connection: Connection
  readonly #context: SourceContext
  readonly #calls: Call[] = []
  readonly #framer = new AvroFramer((serial, payload) => this.#calls.push({ serial, payload }))
  readonly #out = new AvroWriter(1024)
  #isAccepted = false
  #isFailed = false

  constructor(connection: Connection, context: SourceContext) {
    this.#connection = connection
    this.#context = context
  }

  async onData(chunk: Buffer): Promise<void> {
    this.#framer.push(chunk)
    for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift()) {
      if (this.#isFailed) return
      await this.#answer(call)
    }
  }

  async #answer({ serial, payload }: Call): Promise<void> {
    const reader = new AvroReader(payload)
    const handshake = this.#isAccepted ? undefined : readHandshakeRequest(reader)
    if (handshake?.isAccepted === false) {
      startFrame(this.#out)
      handshake.write(this.#out)
      this.#send(serial)
      return
    }
    this.#isAccepted = true
    const { metadata, message } = readCallStart(reader)
    const events: Event[] = []
    let error: unknown
    if (message === 'append') events.push(reader.event())
    else if (message === 'appendBatch') reader.blocks(() => events.push(reader.event()))
    // An empty message name is a ping.
    else if (message !== '') error = new Error(`there is no message ${message}`)
    let status: number = Status.OK
    if (events.length > 0) {
      restoreLineage(metadata, events)
      try {
        await this.#context.channels.process(events, {
          origin: originIn(metadata, events.length),
          isSingle: message === 'append',
        })
      } catch (failure) {
        status = Status.FAILED
        this.#context.logger.warn('cannot take a batch', {
          source: this.#context.name,
          peer: this.#connection.remoteAddress,
          events: events.length,
          reason: reasonOf(failure),
        })
      }
    }
    startFrame(this.#out)
    handshake?.write(this.#out)
    if (error !== undefined) writeSystemError(this.#out, reasonOf(error))
    else {
      const isOurs = metadata.size > 0
      writeStatus(this.#out, isOurs ? PEER_METADATA : NO_METADATA, status)
      // A peer that sends ahead would have later batches overtake this one: it has to begin anew.
      if (status !== Status.OK && isOurs) this.#isFailed = true
    }
    this.#send(serial)
    if (this.#isFailed) this.#connection.end()
  }

  #send(serial: number): void {
    this.#connection.write([Buffer.from(finishFrame(this.#out, serial))])
  }
}

export const avroSource = defineSource({
  type: 'avro',
  aliases: ['org.apache.flume.source.AvroSource'],
  about: 'takes batches from Avro sinks and clients, of Flume and our own',
  keys,
  check: checkServerTls,
  create: (config, context) => new AvroSource(config, context),
})
