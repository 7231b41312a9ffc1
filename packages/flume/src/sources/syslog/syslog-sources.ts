// SPDX-License-Identifier: Apache-2.0

import type { RemoteInfo } from 'node:dgram'
import { lookupService } from 'node:dns/promises'
import { attempt, type Connection } from '@millrace/base'
import { charsetOf } from '../../charsets/charset.ts'
import { defineSource, type Source, type SourceContext } from '../../component.ts'
import {
  type CheckProblem,
  ignored,
  integer,
  optionalText,
  parsed,
  port,
  prefixed,
  requiredParsed,
  splitWords,
  text,
  type ValuesOf,
} from '../../config/keys.ts'
import { ChannelError, reasonOf } from '../../errors.ts'
import type { Event } from '../../event.ts'
import { checkServerTls, serverTls, serverTlsKeys } from '../../tls.ts'
import { sleep } from '../../waiting.ts'
import { DatagramServer } from '../datagram-server.ts'
import { type Pace, type StreamHandler, StreamServer } from '../stream-server.ts'
import { type Message, MessageFramer, messageOf } from './framing.ts'
import { namesWithin, parseKeepFields } from './keep-fields.ts'
import { MessageParser, parseMultiportMessage } from './parse-message.ts'

const RETRY_MS = 100
/** Number of messages that are parsed before other connections get a turn. */
const MESSAGES_PER_STEP = 50

const commonKeys = {
  keepFields: {
    ...parsed(parseKeepFields, 'none' as ReturnType<typeof parseKeepFields>),
    lenient: namesWithin,
  },
  clientIPHeader: optionalText(),
  clientHostnameHeader: optionalText(),
}

/** Sets headers with the sender of a message. */
class ClientHeaders {
  readonly #ipHeader: string | undefined
  readonly #hostHeader: string | undefined
  readonly #names = new Map<string, string>()

  constructor(config: {
    readonly clientIPHeader: string | undefined
    readonly clientHostnameHeader: string | undefined
  }) {
    this.#ipHeader = config.clientIPHeader
    this.#hostHeader = config.clientHostnameHeader
  }

  /** Looks up the host name if required; an unknown name is the address. */
  async learn(address: string): Promise<void> {
    if (this.#hostHeader === undefined || this.#names.has(address)) return
    const name = await hostnameOf(address)
    if (this.#names.size > 10_000) this.#names.clear()
    this.#names.set(address, name)
  }

  set(event: Event, address: string): void {
    if (this.#ipHeader !== undefined) event.headers[this.#ipHeader] = address
    if (this.#hostHeader !== undefined) {
      event.headers[this.#hostHeader] = this.#names.get(address) ?? address
    }
  }
}

async function hostnameOf(address: string): Promise<string> {
  try {
    const { hostname } = await lookupService(address, 0)
    return hostname
  } catch {
    return address
  }
}

function parserOf(
  { keepFields }: ValuesOf<typeof commonKeys>,
  { world }: SourceContext,
): MessageParser {
  return new MessageParser({ keepFields, zone: 'local', now: () => world.clock.now() })
}

/** Messages of a connection: those of a chunk are put in as few transactions as possible. */
class SyslogConnection implements StreamHandler {
  readonly #context: SourceContext
  readonly #framer: MessageFramer
  readonly #toEvent: (message: Message) => Event
  readonly #batchSize: number
  readonly #ready: Promise<void>
  readonly #stopping = new AbortController()

  constructor(
    options: {
      readonly eventSize: number
      readonly batchSize: number
      readonly toEvent: (message: Message) => Event
      readonly ready: Promise<void>
    },
    context: SourceContext,
  ) {
    this.#context = context
    this.#framer = new MessageFramer(options.eventSize)
    this.#toEvent = options.toEvent
    this.#batchSize = context.channels.batchSizeWithin(options.batchSize)
    this.#ready = options.ready
  }

  async onData(chunk: Buffer, pace: Pace): Promise<void> {
    await this.#ready
    const messages = this.#framer.push(chunk)
    for (let at = 0; at < messages.length; at += this.#batchSize) {
      const events: Event[] = []
      for (const message of messages.slice(at, at + this.#batchSize)) {
        if (events.length % MESSAGES_PER_STEP === 0) await pace.next()
        events.push(this.#toEvent(message))
      }
      await this.#putBatch(events)
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  /**
   * Syslog has no replies: while the channel is full, the sender is slowed down. Flume drops the
   * events.
   */
  async #putBatch(events: readonly Event[]): Promise<void> {
    const { channels, logger, name, world } = this.#context
    for (let failures = 0; !this.#stopping.signal.aborted; failures++) {
      try {
        await channels.process(events)
        return
      } catch (error) {
        if (!(error instanceof ChannelError) && failures > 0 && !isRetriable(error)) throw error
        if (failures === 0) {
          logger.warn('cannot put events; the sender waits', {
            source: name,
            reason: reasonOf(error),
          })
        }
        await sleep(world.clock, RETRY_MS, this.#stopping.signal)
      }
    }
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true
}

const tcpKeys = {
  ...commonKeys,
  ...serverTlsKeys,
  host: text('0.0.0.0'),
  port: port(),
  eventSize: integer(2500, { min: 1 }),
  batchSize: integer(1000, { min: 1 }),
  format: prefixed('format.'),
}

export const syslogTcpSource = defineSource({
  type: 'syslogtcp',
  aliases: ['org.apache.flume.source.SyslogTcpSource'],
  about: 'syslog over TCP: RFC 3164 and 5424, by lines or counted (RFC 6587)',
  keys: tcpKeys,
  check: (config) => [...checkServerTls(config), ...refuseFormat(config.format)],
  create(config, context): Source {
    const clients = new ClientHeaders(config)
    const parser = parserOf(config, context)
    const server = new StreamServer(
      {
        host: config.host,
        port: config.port,
        tls: serverTls(config, context.directory),
        accept: ({ remoteAddress }) =>
          new SyslogConnection(
            {
              ...config,
              ready: clients.learn(remoteAddress),
              toEvent: (message) => {
                const event = parser.parse(message.bytes, message)
                clients.set(event, remoteAddress)
                return event
              },
            },
            context,
          ),
      },
      context,
    )
    return serving(() => [server.address], server)
  },
})

/** Flume has undocumented custom patterns here. */
function refuseFormat(format: ReadonlyMap<string, string>): CheckProblem[] {
  return [...format.keys()].map((key) => ({
    key: `format.${key}`,
    message: 'is not supported; a regex_extractor interceptor reads what is not syslog',
  }))
}

function serving(
  addresses: () => readonly string[],
  ...servers: readonly { start(): Promise<void>; stop(): Promise<void> }[]
): Source {
  return {
    async start() {
      for (const server of servers) await server.start()
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
    get addresses() {
      return addresses()
    },
  }
}

function parsePorts(value: string): readonly number[] {
  const ports = splitWords(value).map(Number)
  if (
    ports.length > 0 &&
    ports.every((each) => Number.isInteger(each) && each >= 0 && each < 65536)
  ) {
    return ports
  }
  throw new Error('ports from 0 to 65535 with blanks between')
}

const multiportKeys = {
  ...commonKeys,
  ...serverTlsKeys,
  host: text('0.0.0.0'),
  ports: requiredParsed(parsePorts),
  eventSize: integer(2500, { min: 1 }),
  portHeader: optionalText(),
  charsetDefault: text('UTF-8', { key: 'charset.default' }),
  charsets: prefixed('charset.port.'),
  batchSize: integer(100, { min: 1 }),
  readBufferSize: ignored('buffers grow as needed'),
  readBufferBytes: ignored('buffers grow as needed'),
  numProcessors: ignored('one thread serves all ports'),
}

export const multiportSyslogTcpSource = defineSource({
  type: 'multiport_syslogtcp',
  aliases: ['org.apache.flume.source.MultiportSyslogTCPSource'],
  about: 'syslog over TCP on several ports',
  keys: multiportKeys,
  check: (config) => [...checkServerTls(config), ...checkCharsets(config)],
  create: (config, context) => createMultiport(config, context),
})

function checkCharsets(config: ValuesOf<typeof multiportKeys>): CheckProblem[] {
  const all = [
    ['charset.default', config.charsetDefault] as const,
    ...[...config.charsets].map(
      ([portText, charset]) => [`charset.port.${portText}`, charset] as const,
    ),
  ]
  const badPorts = [...config.charsets.keys()]
    .filter((portText) => !/^\d+$/.test(portText))
    .map((portText) => ({
      key: `charset.port.${portText}`,
      message: 'is not for a port; expected charset.port.NUMBER',
    }))
  return [...badPorts, ...badCharsets(all)]
}

function badCharsets(all: readonly (readonly [key: string, charset: string])[]): CheckProblem[] {
  return all
    .filter(([, charset]) => !isCharset(charset))
    .map(([key, charset]) => ({
      key,
      message: `is ${JSON.stringify(charset)}; expected a character set such as UTF-8, ISO-8859-1, Shift_JIS`,
    }))
}

function isCharset(name: string): boolean {
  try {
    charsetOf(name)
    return true
  } catch {
    return false
  }
}

function createMultiport(config: ValuesOf<typeof multiportKeys>, context: SourceContext): Source {
  const clients = new ClientHeaders(config)
  const { clock } = context.world
  const servers: StreamServer[] = config.ports.map((port) => {
    // Headers are ASCII, and bodies keep their character set: bytes are unchanged.
    const accept = (connection: Connection): StreamHandler =>
      new SyslogConnection(
        {
          ...config,
          ready: clients.learn(connection.remoteAddress),
          toEvent: ({ bytes, isCut }) => {
            const event = parseMultiportMessage(bytes, {
              keepFields: config.keepFields,
              isCut,
              now: () => clock.now(),
            })
            if (config.portHeader !== undefined)
              event.headers[config.portHeader] = String(connection.localPort)
            clients.set(event, connection.remoteAddress)
            return event
          },
        },
        context,
      )
    return new StreamServer(
      { host: config.host, port, tls: serverTls(config, context.directory), accept },
      context,
    )
  })
  return serving(() => servers.map(({ address }) => address), ...servers)
}

const udpKeys = { ...commonKeys, host: text('0.0.0.0'), port: port(), format: prefixed('format.') }

export const syslogUdpSource = defineSource({
  type: 'syslogudp',
  aliases: ['org.apache.flume.source.SyslogUDPSource'],
  about: 'syslog over UDP: RFC 3164 and 5424',
  keys: udpKeys,
  check: (config) => refuseFormat(config.format),
  create(config, context): Source {
    const clients = new ClientHeaders(config)
    const parser = parserOf(config, context)
    const server = new DatagramServer(
      {
        host: config.host,
        port: config.port,
        toEvent(datagram, from: RemoteInfo) {
          const event = parser.parse(trimEnd(datagram), messageOf(datagram, false))
          attempt(context.logger, 'looking up a host name', () => clients.learn(from.address))
          clients.set(event, from.address)
          return event
        },
      },
      context,
    )
    return serving(() => [server.address], server)
  },
})

function trimEnd(datagram: Buffer): Buffer {
  let end = datagram.length
  while (end > 0 && (datagram[end - 1] === 0x0a || datagram[end - 1] === 0x0d)) end--
  return datagram.subarray(0, end)
}
