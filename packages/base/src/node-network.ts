// SPDX-License-Identifier: Apache-2.0
import { createServer, createConnection as openSocket, type Server, type Socket } from 'node:net'
import type {
  createServer as createTlsServer,
  TLSSocket,
  TlsOptions as TlsServerOptions,
  connect as tlsConnect,
} from 'node:tls'
import { passAdmission } from './admission.ts'
import { guard } from './isolation.ts'
import type { Connection, ConnectOptions, ListenOptions, Network } from './network.ts'

/**
 * Largest part of a reply passed to a socket at once. Node reports only that a whole write was
 * accepted, so smaller parts show whether the peer reads at all, and release memory that it has
 * read.
 */
const MAX_WRITE = 256 * 1024

/**
 * TLS handshakes of one listener at the same time. A peer that disappears during its handshake is
 * only missed when the handshake times out.
 */
const MAX_HANDSHAKES = 1000

interface ConnectionSettings {
  /** Whether bytes arrive in `onread` buffers instead of 'data' events. */
  readonly hasOwnBuffers?: boolean
  /** Called with errors of `onClose`, after which there is nothing left to close. */
  readonly onError: (error: Error) => void
}

function connectionOf(socket: Socket, settings: ConnectionSettings): Connection {
  let failure: Error | undefined
  const output = new SocketOutput(socket)
  const fail = (error: Error): void => {
    failure ??= error
    socket.destroy()
  }
  const connection: Connection = {
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort ?? 0,
    localAddress: socket.localAddress ?? '',
    localPort: socket.localPort ?? 0,
    peerName: peerNameOf(socket),
    peerCertificate: peerCertificateOf(socket),
    get unsentBytes() {
      return output.size
    },
    onData() {},
    onEnd: () => connection.end(),
    onClose() {},
    onDrain() {},
    write: (buffers) => output.write(buffers),
    ...(settings.hasOwnBuffers === true ? {} : { release: freeChunk }),
    pause() {
      socket.pause()
    },
    resume() {
      socket.resume()
    },
    end: () => output.end(),
    destroy() {
      socket.destroy()
    },
  }
  socket.setNoDelay(true)
  if (settings.hasOwnBuffers !== true) {
    socket.on('data', (chunk: Buffer) => guard(() => connection.onData(chunk), fail))
  }
  socket.on('drain', () => {
    if (output.resume()) guard(() => connection.onDrain(), fail)
  })
  socket.on('error', (error) => {
    failure ??= error
  })
  socket.on('end', () => guard(() => connection.onEnd(), fail))
  socket.on('close', () => guard(() => connection.onClose(failure), settings.onError))
  return connection
}

/** Bytes below which a chunk is left to the garbage collection. */
const LEAST_FREED = 4096

/** Frees the memory of a chunk that has it for itself: small buffers of Node share theirs. */
function freeChunk({ buffer, length }: Buffer): void {
  if (length < LEAST_FREED || length !== buffer.byteLength) return
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Admits the sockets of a server; holds those whose admission is pending. */
class SocketGate {
  readonly #options: ListenOptions
  readonly #held = new Set<Socket>()

  constructor(options: ListenOptions) {
    this.#options = options
  }

  /** Calls `proceed` with a paused socket once it is admitted. */
  enter(socket: Socket, proceed: (socket: Socket) => void): void {
    const { remoteAddress = '' } = socket
    const ignore = (): void => {}
    const { onError, onHandshakeFailed } = this.#options
    passAdmission(this.#options, remoteAddress, {
      onHeld: () => {
        this.#held.add(socket)
        socket.on('error', ignore)
      },
      onDecided: (isAdmitted) => {
        this.#held.delete(socket)
        if (!isAdmitted) {
          socket.on('error', ignore).destroy()
        } else if (socket.destroyed) {
          const error = new Error('the connection was closed while it was held')
          guard(() => onHandshakeFailed?.(remoteAddress, error), onError)
        } else {
          socket.off('error', ignore)
          proceed(socket)
        }
      },
    })
  }

  /** Closes all sockets that are held. */
  abandon(): void {
    for (const socket of this.#held) socket.destroy()
  }
}

/** Bytes to write to a socket, passed to it in parts. */
class SocketOutput {
  readonly #socket: Socket
  /** Buffers that the socket has not accepted yet. */
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #isEnding = false
  /** Whether `write` returned false since the last drain. */
  #owesDrain = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** A socket that accepted a write at once may still be about to emit 'drain'. */
  get #isFull(): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength > 0
  }

  get size(): number {
    return this.#socket.destroyed ? 0 : this.#queuedBytes + this.#socket.writableLength
  }

  /** Returns false if the socket did not accept everything. */
  write(buffers: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (socket.destroyed || this.#isEnding) return true
    const [only] = buffers
    if (this.#queue.length === 0 && buffers.length === 1 && only !== undefined) {
      if (only.length <= MAX_WRITE) {
        socket.write(only)
        return this.#accepted()
      }
    }
    for (const buffer of buffers) {
      this.#queuedBytes += buffer.length
      for (let at = 0; at < buffer.length; at += MAX_WRITE) {
        this.#queue.push(buffer.length <= MAX_WRITE ? buffer : buffer.subarray(at, at + MAX_WRITE))
      }
    }
    this.#pump()
    return this.#accepted()
  }

  /** Continues after the socket's 'drain'; returns true once everything is accepted. */
  resume(): boolean {
    this.#pump()
    if (!this.#owesDrain || this.#queue.length > 0 || this.#isFull) return false
    this.#owesDrain = false
    return true
  }

  #accepted(): boolean {
    const isAccepted = this.#queue.length === 0 && !this.#isFull
    if (!isAccepted) this.#owesDrain = true
    return isAccepted
  }

  /** Ends the socket once everything was written. */
  end(): void {
    this.#isEnding = true
    if (this.#queue.length === 0) this.#socket.end()
  }

  #pump(): void {
    const socket = this.#socket
    while (this.#queue.length > 0 && !this.#isFull) {
      let count = 0
      let bytes = 0
      socket.cork()
      for (const buffer of this.#queue) {
        if (count > 0 && bytes + buffer.length > MAX_WRITE) break
        socket.write(buffer)
        bytes += buffer.length
        count++
      }
      socket.uncork()
      this.#queuedBytes -= bytes
      this.#queue = count === this.#queue.length ? [] : this.#queue.slice(count)
      if (this.#queue.length === 0 && this.#isEnding) socket.end()
    }
  }
}

function peerNameOf(socket: Socket): string | undefined {
  const secured = socket as Partial<TLSSocket>
  if (secured.authorized !== true) return undefined
  const { CN } = secured.getPeerCertificate?.().subject ?? {}
  return Array.isArray(CN) ? CN[0] : CN
}

function peerCertificateOf(socket: Socket): Buffer | undefined {
  const secured = socket as Partial<TLSSocket>
  if (secured.authorized !== true) return undefined
  return secured.getPeerX509Certificate?.()?.raw
}

async function connect(options: ConnectOptions): Promise<Connection> {
  const { host, port, tls, timeoutMs, nextBuffer } = options
  let connection: Connection | undefined
  const socket = await openFor(options, (chunk) =>
    guard(
      () => connection?.onData(chunk),
      (error) => {
        socket.destroy(error)
      },
    ),
  )
  return new Promise((resolve, reject) => {
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const message = `no connection to ${host}:${port} within ${timeoutMs} ms`
            socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
          }, timeoutMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    const failClosed = (): void => {
      fail(
        Object.assign(new Error(`${host}:${port} closed the connection`), { code: 'ECONNRESET' }),
      )
    }
    socket.once('error', fail)
    socket.once('close', failClosed)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      socket.off('close', failClosed)
      connection = connectionOf(socket, {
        hasOwnBuffers: tls === undefined && nextBuffer !== undefined,
        // The caller learns of the close only through the callback that failed.
        onError: (error) => process.emitWarning(error),
      })
      resolve(connection)
    })
  })
}

async function openFor(
  { host, port, tls, nextBuffer }: ConnectOptions,
  onData: (chunk: Buffer) => void,
): Promise<Socket> {
  if (tls !== undefined) {
    // Loaded on first use: most connections do not use TLS.
    const { connect: connectTls } = (await import('node:tls')) as { connect: typeof tlsConnect }
    const servername = tls.servername ?? (/^[\d.]+$|:/.test(host) ? '' : host)
    return connectTls({ ...tls, host, port, servername })
  }
  if (nextBuffer === undefined) return openSocket({ host, port })
  return openSocket({
    host,
    port,
    onread: {
      buffer: nextBuffer,
      callback(size, buffer) {
        onData((buffer as Buffer).subarray(0, size))
        return true
      },
    },
  })
}

/** TCP through `node:net`, TLS through `node:tls`. */
export const nodeNetwork: Network = {
  connect,
  async listen(options) {
    const { host, port, backlog, onError } = options
    const { server, updateTls, abandon } = await serverFor(options)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      const address = host === '' ? {} : { host }
      server.listen({ ...address, port, ...(backlog === undefined ? {} : { backlog }) }, () => {
        server.off('error', reject)
        server.on('error', onError)
        const bound = server.address()
        resolve({
          port: typeof bound === 'object' && bound !== null ? bound.port : port,
          ...(updateTls === undefined ? {} : { updateTls }),
          close: () =>
            new Promise((done) => {
              server.close(() => done())
              abandon?.()
            }),
        })
      })
    })
  },
}

interface OpenedServer {
  readonly server: Server
  readonly updateTls?: (tls: TlsServerOptions) => void
  /** Ends connections whose handshake is not complete. */
  readonly abandon?: () => void
}

/** TLS record of a fatal alert, internal_error: Java's reply to bytes that are not TLS. */
const NOT_TLS = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50])

async function serverFor(options: ListenOptions): Promise<OpenedServer> {
  const { tls, onConnection, onError } = options
  const accept = (socket: Socket): void => {
    const connection = connectionOf(socket, { onError })
    socket.resume()
    guard(
      () => onConnection(connection),
      (error) => {
        socket.destroy()
        onError(error)
      },
    )
  }
  const gate = new SocketGate(options)
  // Nothing is read from a socket before it is admitted.
  const settings = { allowHalfOpen: true, pauseOnConnect: true }
  if (tls === undefined) {
    const server = createServer(settings, (socket) => gate.enter(socket, accept))
    return { server, abandon: () => gate.abandon() }
  }
  const { createServer: createTls } = (await import('node:tls')) as {
    createServer: typeof createTlsServer
  }
  /** Connections whose handshake is not complete, by address and port of the peer. */
  const handshakes = new Map<string, { readonly socket: Socket; error: Error }>()
  const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
  const secured = createTls({ ...tls, allowHalfOpen: true }, (socket) => {
    const handshake = handshakes.get(keyOf(socket))
    // A certificate that is not trusted is refused even where none is required, as in Java.
    const isRefused = !socket.authorized && socket.getPeerX509Certificate() !== undefined
    if (handshake === undefined || (tls.requestCert === true && isRefused)) {
      if (isRefused && handshake !== undefined) {
        handshake.error = new Error('the certificate of the peer is not trusted')
      }
      socket.destroy()
      return
    }
    handshakes.delete(keyOf(socket))
    accept(socket)
  })
  // A failed handshake affects only its peer.
  secured.on('tlsClientError', (error, socket) => {
    const handshake = handshakes.get(keyOf(socket))
    if (handshake === undefined) {
      socket.destroy()
      return
    }
    handshake.error = error
    // OpenSSL sends no alert to a peer that does not speak TLS, but clients recognize the alert.
    const isUnanswered = handshake.socket.bytesWritten === 0
    if (isUnanswered && (error as NodeJS.ErrnoException).code?.startsWith('ERR_SSL_') === true) {
      handshake.socket.write(NOT_TLS, () => socket.destroy())
    } else {
      socket.destroy()
    }
  })
  const shakeHands = (socket: Socket): void => {
    const { remoteAddress = '' } = socket
    const key = keyOf(socket)
    const handshake = { socket, error: new Error('the peer closed the connection') }
    handshakes.set(key, handshake)
    // The oldest give way: those that make no progress would keep out all others.
    const [oldest] = handshakes.size > MAX_HANDSHAKES ? handshakes.values() : []
    if (oldest !== undefined) {
      oldest.error = new Error(`more than ${MAX_HANDSHAKES} TLS handshakes at the same time`)
      oldest.socket.destroy()
    }
    socket.on('close', () => {
      if (handshakes.get(key) !== handshake) return
      handshakes.delete(key)
      guard(() => options.onHandshakeFailed?.(remoteAddress, handshake.error), onError)
    })
    secured.emit('connection', socket)
  }
  const server = createServer(settings, (socket) => gate.enter(socket, shakeHands))
  const abandon = (): void => {
    gate.abandon()
    for (const { socket } of [...handshakes.values()]) socket.destroy()
  }
  return { server, updateTls: (next) => secured.setSecureContext(next), abandon }
}
