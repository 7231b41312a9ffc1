// SPDX-License-Identifier: Apache-2.0
import type { Connection, ListenOptions, Network } from '@millrace/base'

/** A network inside the process: listeners by port, connections as pairs of ends. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<number, ListenOptions>()
  #nextPort = 40_000

  async listen(options: ListenOptions): Promise<{ readonly port: number; close(): Promise<void> }> {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    if (this.#listeners.has(port))
      throw Object.assign(new Error(`EADDRINUSE: ${port}`), { code: 'EADDRINUSE' })
    this.#listeners.set(port, options)
    return {
      port,
      close: async () => {
        this.#listeners.delete(port)
      },
    }
  }

  /** The client's end of a new connection. */
  connect(port: number): Connection {
    const listener = this.#listeners.get(port)
    if (listener === undefined)
      throw Object.assign(new Error(`ECONNREFUSED: ${port}`), { code: 'ECONNREFUSED' })
    const [client, server] = pair(port)
    listener.onConnection(server)
    return client
  }
}

function pair(port: number): readonly [Connection, Connection] {
  let isOpen = true
  const ends: Connection[] = []
  function end(own: number, localPort: number, remotePort: number): Connection {
    const peer = (): Connection => ends[1 - own] as Connection
    const close = (): void => {
      if (!isOpen) return
      isOpen = false
      for (const each of ends) queueMicrotask(() => each.onClose(undefined))
    }
    return {
      localAddress: '127.0.0.1',
      remoteAddress: '127.0.0.1',
      localPort,
      remotePort,
      onData() {},
      onClose() {},
      onDrain() {},
      write(buffers) {
        const data = Buffer.concat(buffers)
        queueMicrotask(() => {
          if (isOpen) peer().onData(data)
        })
        return true
      },
      pause() {},
      resume() {},
      end: close,
      destroy: close,
    }
  }
  ends.push(end(0, 50_000, port), end(1, port, 50_000))
  return [ends[0] as Connection, ends[1] as Connection]
}
