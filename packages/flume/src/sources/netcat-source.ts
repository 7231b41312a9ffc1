// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@millrace/base'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import { boolean, integer, port, requiredText, text, type ValuesOf } from '../config/keys.ts'
import { Event } from '../event.ts'
import { putEach } from './line-batches.ts'
import { type StreamHandler, StreamServer } from './stream-server.ts'

const NEWLINE = 0x0a

const keys = {
  bind: requiredText(),
  port: port(),
  maxLineLength: integer(512, { key: 'max-line-length', min: 1 }),
  ackEveryEvent: boolean(true, { key: 'ack-every-event' }),
  encoding: text('utf-8', { key: 'encoding' }),
}

class NetcatSource implements Source {
  readonly #server: StreamServer

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#server = new StreamServer(
      {
        host: config.bind,
        port: config.port,
        accept: (connection) => new NetcatConnection(connection, config, context),
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

class NetcatConnection implements StreamHandler {
  readonly #connection: Connection
  readonly #config: ValuesOf<typeof keys>
  readonly #context: SourceContext
  /** The beginning of a line whose end has not come. */
  #rest: Buffer = Buffer.alloc(0)

  constructor(connection: Connection, config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#connection = connection
    this.#config = config
    this.#context = context
  }

  async onData(chunk: Buffer): Promise<void> {
    const { maxLineLength, ackEveryEvent } = this.#config
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const events: Event[] = []
    let from = 0
    let isTooLong = false
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, from)) {
      const line = data.subarray(from, end)
      // Characters, the line break among them. Bytes are as many at least.
      if (line.length >= maxLineLength && line.toString().length >= maxLineLength) {
        isTooLong = true
        break
      }
      events.push(new Event(line))
      from = end + 1
    }
    this.#rest = data.subarray(from)
    if (!isTooLong && this.#rest.length >= maxLineLength) {
      isTooLong = this.#rest.toString().length >= maxLineLength
    }
    const replies: string[] = []
    await putEach(this.#context.channels, events, (_event, error) => {
      if (error !== undefined) replies.push(`FAILED: ${error.message}\n`)
      else if (ackEveryEvent) replies.push('OK\n')
    })
    if (isTooLong) {
      replies.push(
        `FAILED: Event exceeds the maximum length (${maxLineLength} chars, including newline)\n`,
      )
    }
    if (replies.length > 0) this.#connection.write([Buffer.from(replies.join(''))])
    if (isTooLong) this.#connection.end()
  }
}

export const netcatSource = defineSource({
  type: 'netcat',
  aliases: ['org.apache.flume.source.NetcatSource'],
  about: 'each line of a TCP connection is an event',
  keys,
  create: (config, context) => new NetcatSource(config, context),
})
