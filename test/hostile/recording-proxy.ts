// SPDX-License-Identifier: Apache-2.0
import {
  type AddressInfo,
  createConnection,
  createServer,
  type Server,
  type Socket,
} from 'node:net'

/** Forwards connections to a server, and records the bytes of the clients. */
export class RecordingProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Bytes of each client in their original chunks, by connection. */
  readonly conversations: Buffer[][] = []

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const chunks: Buffer[] = []
      this.conversations.push(chunks)
      const upstream = createConnection({ host: '127.0.0.1', port: target })
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.setNoDelay(true)
      }
      client.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        upstream.write(chunk)
      })
      upstream.on('data', (chunk: Buffer) => void client.write(chunk))
      client.on('close', () => upstream.destroy())
      upstream.on('close', () => client.destroy())
    })
  }

  /** Listens on a free port for connections to `target`, a port of 127.0.0.1. */
  static async start(target: number): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
