// SPDX-License-Identifier: Apache-2.0
import { timingSafeEqual } from 'node:crypto'
import type { ClientNetwork, Clock, Connection, Random } from '@millrace/base'

/**
 * A provider that does not own the destinations relays client connections to the owner, byte for
 * byte. The relay first sends one line that identifies the client to the owner. The line contains a
 * key that is stored in the state topic, so only providers know it.
 */
const MAGIC = Buffer.from('MILLRACE-RELAY ')
const MAX_LINE = 8192
const FIRST_BYTES_MS = 30_000

export function newRelayKey(random: Random): string {
  return random.bytes(16).toString('hex')
}

/** Connects a client's connection to the owner. Rejects if the owner cannot be reached. */
export async function relay(
  client: Connection,
  options: {
    readonly network: ClientNetwork
    readonly host: string
    readonly port: number
    readonly key: string
    /** Bytes that the client has already sent. */
    readonly held: Buffer[]
  },
): Promise<void> {
  const { held } = options
  let isGone = false
  client.onData = (chunk) => {
    held.push(chunk)
  }
  client.onClose = () => {
    isGone = true
  }
  client.pause()
  const { host, port, key, network } = options
  const owner = await network.connect({ host, port, timeoutMs: 3000 })
  if (isGone) {
    owner.destroy()
    return
  }
  owner.write([
    Buffer.concat([
      MAGIC,
      Buffer.from(`${key} ${client.remoteAddress} ${encodeURIComponent(client.peerName ?? '')}\n`),
    ]),
  ])
  pipe(client, owner)
  pipe(owner, client)
  for (const chunk of held) client.onData(chunk)
  client.resume()
}

function pipe(from: Connection, to: Connection): void {
  from.onData = (chunk) => {
    if (!to.write([chunk])) from.pause()
  }
  to.onDrain = () => from.resume()
  from.onClose = () => to.end()
}

/** Client identity that a relay sent. */
export interface RelayedClient {
  readonly remoteAddress: string
  readonly peerName: string | undefined
}

/**
 * Checks whether a connection comes from a relay. Calls `serve` once with the connection to serve;
 * bytes read beyond the relay's line are delivered to it. A relay with a wrong key is disconnected.
 */
export function unwrapRelay(
  transport: Connection,
  { key, clock }: { readonly key: string; readonly clock: Clock },
  onServable: (transport: Connection) => void,
): void {
  let read: Buffer = Buffer.alloc(0)
  // A client or relay that sends nothing is disconnected.
  const timer = clock.setTimer(FIRST_BYTES_MS, () => transport.destroy())
  const serve = (connection: Connection): void => {
    timer.cancel()
    onServable(connection)
  }
  transport.onClose = () => timer.cancel()
  transport.onData = (chunk) => {
    read = read.length === 0 ? chunk : Buffer.concat([read, chunk])
    const size = Math.min(read.length, MAGIC.length)
    if (!read.subarray(0, size).equals(MAGIC.subarray(0, size))) {
      serveWith(transport, read, serve)
      return
    }
    const end = read.indexOf(0x0a)
    if (end < 0) {
      if (read.length > MAX_LINE) transport.destroy()
      return
    }
    const [given = '', remoteAddress = '', peerName = ''] = read
      .toString('latin1', MAGIC.length, end)
      .split(' ')
    if (!isSameKey(given, key)) {
      transport.destroy()
      return
    }
    let name: string | undefined
    try {
      name = peerName === '' ? undefined : decodeURIComponent(peerName)
    } catch {
      transport.destroy()
      return
    }
    const relayed = Object.create(transport, {
      remoteAddress: { value: remoteAddress },
      peerName: { value: name },
    }) as Connection
    forwardHandlers(relayed, transport)
    serveWith(relayed, read.subarray(end + 1), serve)
  }
}

/** A view of a connection with another `peerName`. */
export function withName(transport: Connection, peerName: string | undefined): Connection {
  const named = Object.create(transport, { peerName: { value: peerName } }) as Connection
  forwardHandlers(named, transport)
  return named
}

/**
 * Wraps a connection to observe its close, without replacing the handler of the connection's owner.
 */
export function watchClose(transport: Connection, onClosed: () => void): Connection {
  let handler: Connection['onClose'] = () => {}
  const watched = Object.create(transport, {
    onClose: {
      get: () => handler,
      set: (given: Connection['onClose']) => {
        handler = given
      },
    },
  }) as Connection
  forwardHandlers(watched, transport, ['onData', 'onEnd', 'onDrain'])
  transport.onClose = (error) => {
    onClosed()
    handler(error)
  }
  return watched
}

type Handler = 'onData' | 'onEnd' | 'onClose' | 'onDrain'

/** Handlers set on the wrapper are set on the transport. */
function forwardHandlers(
  wrapper: Connection,
  transport: Connection,
  names: readonly Handler[] = ['onData', 'onEnd', 'onClose', 'onDrain'],
): void {
  for (const name of names) {
    Object.defineProperty(wrapper, name, {
      get: () => transport[name],
      set: (handler: never) => {
        transport[name] = handler
      },
    })
  }
}

function serveWith(
  transport: Connection,
  read: Buffer,
  serve: (transport: Connection) => void,
): void {
  serve(transport)
  if (read.length > 0) transport.onData(read)
}

function isSameKey(given: string, key: string): boolean {
  // The text may contain any characters; compare the lengths in bytes.
  const [a, b] = [Buffer.from(given), Buffer.from(key)]
  return a.length === b.length && timingSafeEqual(a, b)
}
