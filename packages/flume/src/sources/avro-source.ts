// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@millrace/base'
import { Pipeline, type ProcessOptions } from '../channel-processor.ts'
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
import {
  AvroFramer,
  finishFrame,
  type Handshake,
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
import { checkServerTls, serverTls, serverTlsKeys } from '../tls.ts'
import { isAllowed, parseIpFilterRules } from './ip-filter.ts'
import { endSoon, type Pace, type StreamHandler, StreamServer } from './stream-server.ts'

const keys = {
  ...serverTlsKeys,
  bind: requiredText(),
  port: port(),
  threads: ignored('one thread serves all connections'),
  compressionType: choice(['none', 'deflate'], 'none', {
    key: 'compression-type',
    elseDefault: 'always',
  }),
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

/** Outcome of a call. */
interface Outcome {
  readonly serial: number
  readonly handshake: Handshake | undefined
  /** Whether the peer is a millrace agent, which sends several calls at a time. */
  readonly isOurs: boolean
  readonly status: number
  readonly error?: string
}

/** Calls of a millrace agent that overlap, so that their puts share a sync. */
const MAX_UNDER_WAY = 4

/** A call that was started. */
interface Begun {
  readonly isOurs: boolean
  readonly outcome: Outcome | Promise<Outcome>
  /** Resolves when the next call may start: its events will follow those of this one. */
  readonly ordered?: Promise<void>
}

/**
 * A connection. Calls are started and answered in order. After a failed call of a millrace agent,
 * the calls behind it are not processed: their events would overtake the retry.
 */
class AvroConnection implements StreamHandler {
  readonly #connection: Connection
  readonly #context: SourceContext
  readonly #calls: Call[] = []
  readonly #framer = new AvroFramer((serial, payload) => this.#calls.push({ serial, payload }))
  readonly #out = new AvroWriter(1024)
  readonly #pipeline = new Pipeline()
  /** Resolves when all started calls are answered. */
  #answering: Promise<void> = Promise.resolve()
  #underWay = 0
  #isAccepted = false
  /** Set by a failed call of a millrace agent: later calls are not processed. */
  #isBroken = false
  /** Set when the failure was answered: later calls are not answered. */
  #isFailed = false

  constructor(connection: Connection, context: SourceContext) {
    this.#connection = connection
    this.#context = context
  }

  get bufferedBytes(): number {
    return this.#framer.bufferedBytes
  }

  async onData(chunk: Buffer, pace: Pace): Promise<void> {
    if (this.#isBroken) return
    this.#framer.push(chunk)
    for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift()) {
      await pace.next()
      if (this.#isBroken) return
      const { isOurs, outcome, ordered } = this.#begin(call)
      this.#underWay++
      this.#answering = this.#answering.then(async () => this.#send(await outcome))
      await (!isOurs || this.#underWay >= MAX_UNDER_WAY ? this.#answering : ordered)
    }
  }

  settle(): Promise<void> {
    return this.#answering
  }

  /** Reads a call and starts to put its events. */
  #begin({ serial, payload }: Call): Begun {
    const reader = new AvroReader(payload)
    const handshake = this.#isAccepted ? undefined : readHandshakeRequest(reader)
    if (handshake?.isAccepted === false) {
      return {
        isOurs: false,
        outcome: { serial, handshake, isOurs: false, status: Status.UNKNOWN },
      }
    }
    this.#isAccepted = true
    const { metadata, message } = readCallStart(reader)
    const isOurs = metadata.size > 0
    const events: Event[] = []
    if (message === 'append') events.push(reader.event())
    else if (message === 'appendBatch') reader.blocks(() => events.push(reader.event()))
    const done = { serial, handshake, isOurs, status: Status.OK }
    // An empty message name is a ping.
    if (!['append', 'appendBatch', ''].includes(message)) {
      return { isOurs, outcome: { ...done, error: `there is no message ${message}` } }
    }
    if (events.length === 0) return { isOurs, outcome: done }
    restoreLineage(metadata, events)
    const origin = originIn(metadata, events.length)
    const options = { origin, isSingle: message === 'append' }
    if (!isOurs) return { isOurs, outcome: this.#put(events, options).then(outcomeOf(done)) }
    const ordered = Promise.withResolvers<void>()
    const outcome = this.#put(events, {
      ...options,
      pipeline: this.#pipeline,
      onOrdered: ordered.resolve,
    })
      .then((isKept) => {
        if (!isKept) this.#isBroken = true
        return isKept
      })
      .finally(ordered.resolve)
      .then(outcomeOf(done))
    return { isOurs, outcome, ordered: ordered.promise }
  }

  async #put(events: readonly Event[], options: ProcessOptions): Promise<boolean> {
    try {
      await this.#context.channels.process(events, options)
      return true
    } catch (error) {
      this.#context.logger.warn('cannot store a batch', {
        source: this.#context.name,
        peer: this.#connection.remoteAddress,
        events: events.length,
        reason: reasonOf(error),
      })
      return false
    }
  }

  #send({ serial, handshake, isOurs, status, error }: Outcome): void {
    this.#underWay--
    if (this.#isFailed) return
    const out = this.#out
    startFrame(out)
    handshake?.write(out)
    if (handshake?.isAccepted !== false) {
      if (error !== undefined) writeSystemError(out, error)
      else writeStatus(out, isOurs ? PEER_METADATA : NO_METADATA, status)
    }
    this.#connection.write([Buffer.from(finishFrame(out, serial))])
    // The peer retries all unanswered calls over a new connection, in order.
    if (status === Status.FAILED && isOurs) {
      this.#isFailed = true
      endSoon(this.#connection, this.#context.world.clock)
    }
  }
}

function outcomeOf(done: Outcome): (isKept: boolean) => Outcome {
  return (isKept) => ({ ...done, status: isKept ? Status.OK : Status.FAILED })
}

export const avroSource = defineSource({
  type: 'avro',
  aliases: ['org.apache.flume.source.AvroSource'],
  about: 'takes batches from Avro sinks and clients, of Flume and our own',
  keys,
  check: (config) => [
    ...checkServerTls(config),
    ...(config.ipFilter && config.ipFilterRules.length === 0
      ? [{ key: 'ipFilterRules', message: 'is missing: ipFilter = true needs it' }]
      : []),
  ],
  create: (config, context) => new AvroSource(config, context),
})
