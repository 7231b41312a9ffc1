// SPDX-License-Identifier: Apache-2.0
import { createConnection } from 'node:net'
import { ByteReader, ByteWriter } from '@millrace/base'
import {
  type Api,
  apis,
  codecOf,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  readResponseHeader,
  versionBounds,
  writeRequestHeader,
} from '@millrace/protocol'

/** The transport a `WireClient` needs. */
export interface Pipe {
  write(data: Buffer): void
  close(): void
  /** Calls back when all written data has left the process. */
  whenFlushed?(callback: () => void): void
  /** Closes this side only, after all written data: replies are still read. */
  end?(): void
  /** Closes the connection with a reset. */
  reset?(): void
  onData: (chunk: Buffer) => void
  onClose: () => void
}

/** A minimal Kafka client for tests: sends single requests and decodes their replies. */
export class WireClient {
  readonly #pipe: Pipe
  #received: Buffer = Buffer.alloc(0)
  #correlationId = 0
  readonly #waiting = new Map<
    number,
    { resolve(frame: Buffer): void; reject(error: Error): void }
  >()
  isClosed = false
  /** Client id in the header of requests. */
  clientId = 'wire'
  readonly closed: Promise<void>

  constructor(pipe: Pipe) {
    this.#pipe = pipe
    pipe.onData = (chunk) => this.#read(chunk)
    this.closed = new Promise((resolve) => {
      pipe.onClose = () => {
        this.isClosed = true
        for (const waiter of this.#waiting.values())
          waiter.reject(new Error('the connection was closed'))
        this.#waiting.clear()
        resolve()
      }
    })
  }

  /** Connects to `host:port`, from one of several local addresses if that is given. */
  static async connect(address: string, localAddress?: string): Promise<WireClient> {
    const colon = address.lastIndexOf(':')
    const socket = createConnection({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const pipe: Pipe = {
      write: (data) => void socket.write(data),
      close: () => void socket.destroy(),
      whenFlushed: (callback) => void socket.write('', () => callback()),
      end: () => void socket.end(),
      reset: () => void socket.resetAndDestroy(),
      onData() {},
      onClose() {},
    }
    socket.on('data', (chunk: Buffer) => pipe.onData(chunk))
    socket.on('close', () => pipe.onClose())
    socket.on('error', () => {})
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new WireClient(pipe)
  }

  #read(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const size = this.#received.readInt32BE(0)
      if (this.#received.length < 4 + size) return
      const frame = this.#received.subarray(4, 4 + size)
      this.#received = this.#received.subarray(4 + size)
      const correlationId = frame.readInt32BE(0)
      this.#waiting.get(correlationId)?.resolve(frame)
      this.#waiting.delete(correlationId)
    }
  }

  /** Sends raw bytes. */
  sendRaw(data: Buffer): void {
    this.#pipe.write(data)
  }

  /** Sends a request and returns the whole reply, including its header. */
  exchange(api: Api, version: number, body: Buffer): Promise<Buffer> {
    const correlationId = ++this.#correlationId
    const writer = new ByteWriter()
    writeRequestHeader(writer, api, { apiVersion: version, correlationId, clientId: this.clientId })
    writer.bytes(body)
    const frame = writer.toBuffer()
    const size = Buffer.alloc(4)
    size.writeInt32BE(frame.length)
    const reply = new Promise<Buffer>((resolve, reject) => {
      this.#waiting.set(correlationId, { resolve, reject })
    })
    if (this.isClosed) return Promise.reject(new Error('the connection was closed'))
    this.#pipe.write(Buffer.concat([size, frame]))
    return reply
  }

  /** Sends a request in a version, by default the newest, and decodes the reply. */
  async request<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    response: S,
    message: MessageInput<Q>,
    version = versionBounds(request.versions)[1],
  ): Promise<MessageOf<S>> {
    const api = apis.get(request.apiKey ?? -1) as Api
    const writer = new ByteWriter()
    codecOf(request, version).encode(writer, message)
    const reader = new ByteReader(await this.exchange(api, version, writer.toBuffer()))
    readResponseHeader(reader, api, version)
    return codecOf(response, version).decode(reader)
  }

  close(): void {
    this.#pipe.close()
  }

  /** Calls back when all sent data has left the process. */
  whenFlushed(callback: () => void): void {
    this.#pipe.whenFlushed?.(callback)
  }

  /** Closes this side only; replies to sent requests are still read. */
  end(): void {
    this.#pipe.end?.()
  }

  /**
   * Closes the connection with a reset, as the kernel does for a process that exits with unread
   * data.
   */
  reset(): void {
    this.#pipe.reset?.()
  }
}
