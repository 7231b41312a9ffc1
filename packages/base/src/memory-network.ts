// SPDX-License-Identifier: Apache-2.0
import type {
  Connection,
  ConnectOptions,
  ListenOptions,
  Network,
  NetworkListener,
} from './network.ts'

const FIRST_FREE_PORT = 40_000
const CLIENT_PORT = 50_000

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}

/** A network inside the process: listeners by port, connections as pairs of ends. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<number, ListenOptions>()
  #nextPort = FIRST_FREE_PORT

  async listen(options: ListenOptions): Promise<NetworkListener> {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    if (this.#listeners.has(port)) throw systemError('EADDRINUSE', `port ${port}`)
    this.#listeners.set(port, options)
    return {
      port,
      close: async () => {
        this.#listeners.delete(port)
      },
    }
  }

  async connect({ port }: Pick<ConnectOptions, 'port'>): Promise<Connection> {
    const listener = this.#listeners.get(port)
    if (listener === undefined) throw systemError('ECONNREFUSED', `port ${port}`)
    const [client, server] = connectionPair(port)
    listener.onConnection(server)
    return client
  }
}

/** The client's and the server's end of a connection inside the process. Bytes arrive in order, a microtask later. */
export function connectionPair(port: number): readonly [client: Connection, server: Connection] {
  let isOpen = true
  const ends: End[] = []
  function close(): void {
    if (!isOpen) return
    isOpen = false
    for (const each of ends) queueMicrotask(() => each.connection.onClose(undefined))
  }
  function end(own: number, localPort: number, remotePort: number): End {
    let isPaused = false
    let held: Buffer[] = []
    const connection: Connection = {
      localAddress: '127.0.0.1',
      remoteAddress: '127.0.0.1',
      localPort,
      remotePort,
      onData() {},
      onClose() {},
      onDrain() {},
      write(buffers) {
        // A copy: each side may change its own bytes afterwards.
        const data = Buffer.concat(buffers)
        queueMicrotask(() => {
          if (isOpen) ends[1 - own]?.receive(data)
        })
        return true
      },
      pause() {
        isPaused = true
      },
      resume() {
        isPaused = false
        const waiting = held
        held = []
        queueMicrotask(() => {
          for (const data of waiting) ends[own]?.receive(data)
        })
      },
      end: () => queueMicrotask(close),
      destroy: close,
    }
    return {
      connection,
      receive(data) {
        if (isPaused) held.push(data)
        else connection.onData(data)
      },
    }
  }
  ends.push(end(0, CLIENT_PORT, port), end(1, port, CLIENT_PORT))
  return [(ends[0] as End).connection, (ends[1] as End).connection]
}

interface End {
  readonly connection: Connection
  receive(data: Buffer): void
}
