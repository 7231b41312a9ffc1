// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@millrace/base'
import { defineSource, type Source, type SourceContext } from '../component.ts'
import { boolean, integer, port, requiredText, text, type ValuesOf } from '../config/keys.ts'
import { Event } from '../event.ts'
import { putEach } from './line-batches.ts'
import { type Pace, type StreamHandler, StreamServer } from './stream-server.ts'

const NEWLINE = 0x0a
/** Lines that are put before other connections have their turn. */
const LINES_PER_STEP = 250

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
  #rest: Buffer[] = []
  #restSize = 0
  /** Whether a line was too long. */
  #isTooLong = false

  constructor(connection: Connection, config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#connection = connection
    this.#config = config
    this.#context = context
  }

  async onData(chunk: Buffer, pace: Pace): Promise<void> {
    const data = this.#joined(chunk)
    if (data === undefined) return
    let from = 0
    while (from < data.length && !this.#isTooLong) {
      await pace.next()
      const { events, end } = this.#lines(data, from)
      await this.#put(events)
      if (end === from) break
      from = end
    }
    const rest = data.subarray(from)
    if (this.#isTooLong) this.#refuse(pace)
    else if (rest.length > 0) this.#keep(rest)
  }

  /** What has arrived, once that is a line or too long for one. */
  #joined(chunk: Buffer): Buffer | undefined {
    if (this.#restSize === 0) return chunk
    this.#keep(chunk)
    if (this.#restSize < this.#config.maxLineLength && !chunk.includes(NEWLINE)) return undefined
    const data = Buffer.concat(this.#rest)
    this.#rest = []
    this.#restSize = 0
    return data
  }

  #keep(rest: Buffer): void {
    this.#rest.push(rest)
    this.#restSize += rest.length
  }

  /** Some of the lines from `from` on, and where they end. */
  #lines(data: Buffer, from: number): { readonly events: readonly Event[]; readonly end: number } {
    const events: Event[] = []
    let at = from
    while (events.length < LINES_PER_STEP) {
      const newline = data.indexOf(NEWLINE, at)
      const line = data.subarray(at, newline < 0 ? data.length : newline)
      this.#isTooLong = this.#exceeds(line)
      if (newline < 0 || this.#isTooLong) break
      events.push(new Event(line))
      at = newline + 1
    }
    return { events, end: at }
  }

  /** Counts characters, the line break included, of which there are no more than bytes. */
  #exceeds(line: Buffer): boolean {
    const { maxLineLength } = this.#config
    if (line.length < maxLineLength) return false
    // No character has more than four bytes, so the start of a line decides.
    return line.toString('utf8', 0, maxLineLength * 4).length >= maxLineLength
  }

  async #put(events: readonly Event[]): Promise<void> {
    const replies: string[] = []
    await putEach(this.#context.channels, events, (_event, error) => {
      if (error !== undefined) replies.push(`FAILED: ${error.message}\n`)
      else if (this.#config.ackEveryEvent) replies.push('OK\n')
    })
    this.#reply(replies.join(''))
  }

  /** Flume closes the connection too. */
  #refuse(pace: Pace): void {
    const { maxLineLength } = this.#config
    this.#reply(
      `FAILED: Event exceeds the maximum length (${maxLineLength} chars, including newline)\n`,
    )
    pace.close()
  }

  #reply(text: string): void {
    if (text !== '') this.#connection.write([Buffer.from(text)])
  }
}

export const netcatSource = defineSource({
  type: 'netcat',
  aliases: ['org.apache.flume.source.NetcatSource'],
  about: 'each line of a TCP connection is an event',
  keys,
  create: (config, context) => new NetcatSource(config, context),
})
