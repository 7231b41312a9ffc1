// SPDX-License-Identifier: Apache-2.0
import { passAdmission } from './admission.ts'
import { MillraceError } from './errors.ts'
import { guard } from './isolation.ts'
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

/** An option that would have no effect is refused: its caller believes that it is protected. */
export function noTls(): MillraceError {
  return new MillraceError('MILLRACE_UNSUPPORTED', 'connections inside the process have no TLS')
}

/** An in-process network: listeners by port, connections as pairs of ends. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<number, ListenOptions>()
  #nextPort = FIRST_FREE_PORT

  /** Binds a port within this network; port 0 picks a free one. */
  async listen(options: ListenOptions): Promise<NetworkListener> {
    if (options.tls !== undefined) throw noTls()
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

  /** Connects to a listener of this network. Rejects with `ECONNREFUSED` if there is none. */
  async connect({
    port,
    tls,
    clientAddress,
  }: Pick<ConnectOptions, 'port' | 'tls'> & {
    /** IP address that the listener sees. Default `127.0.0.1`. */
    readonly clientAddress?: string
  }): Promise<Connection> {
    if (tls !== undefined) throw noTls()
    const listener = this.#listeners.get(port)
    if (listener === undefined) throw systemError('ECONNREFUSED', `port ${port}`)
    const [client, server] = connectionPair(port, listener.onError, clientAddress)
    let isHeld = false
    const enter = (isAdmitted: boolean): void => {
      if (!isAdmitted) {
        server.destroy()
        return
      }
      if (isHeld) server.resume()
      guard(
        () => listener.onConnection(server),
        (error) => {
          server.destroy()
          listener.onError(error)
        },
      )
    }
    passAdmission(listener, server.remoteAddress, {
      onHeld() {
        isHeld = true
        server.pause()
      },
      onDecided: enter,
    })
    return client
  }
}

/** Bytes buffered for a paused end before the other end is asked to stop writing. */
const HIGH_WATER_MARK = 64 * 1024

/**
 * The client's and the server's end of a connection inside the process. Bytes arrive in order, a
 * microtask later. `report` takes the errors of `onClose` callbacks. The server sees
 * `clientAddress`.
 */
export function connectionPair(
  port: number,
  report: (error: Error) => void = (error) => process.emitWarning(error),
  clientAddress = '127.0.0.1',
): readonly [client: Connection, server: Connection] {
  const client: MemoryEnd = new MemoryEnd(
    { address: clientAddress, port: CLIENT_PORT },
    { address: '127.0.0.1', port },
    () => server,
    report,
  )
  const server: MemoryEnd = new MemoryEnd(
    { address: '127.0.0.1', port },
    { address: clientAddress, port: CLIENT_PORT },
    () => client,
    report,
  )
  return [client.connection, server.connection]
}

function ignoreClose(): void {}

interface Endpoint {
  readonly address: string
  readonly port: number
}

class MemoryEnd {
  readonly connection: Connection
  readonly #peer: () => MemoryEnd
  readonly #report: (error: Error) => void
  /** Bytes received and not passed on yet. */
  #received: Buffer[] = []
  #receivedBytes = 0
  #isPaused = false
  #isPumping = false
  #isOpen = true
  /** Whether this end has stopped writing. */
  #isEnded = false
  #hasReportedEnd = false
  #needsDrain = false

  constructor(
    local: Endpoint,
    remote: Endpoint,
    peer: () => MemoryEnd,
    report: (error: Error) => void,
  ) {
    this.#peer = peer
    this.#report = report
    const unsentBytes = (): number => (this.#isOpen ? peer().#receivedBytes : 0)
    this.connection = {
      localAddress: local.address,
      remoteAddress: remote.address,
      localPort: local.port,
      remotePort: remote.port,
      get unsentBytes() {
        return unsentBytes()
      },
      onData() {},
      onEnd: () => this.#end(),
      onClose: ignoreClose,
      onDrain() {},
      write: (buffers) => this.#write(buffers),
      pause: () => {
        this.#isPaused = true
      },
      resume: () => {
        this.#isPaused = false
        this.#pump()
      },
      end: () => this.#end(),
      destroy: () => this.#closeBoth(undefined),
    }
  }

  #write(buffers: readonly Uint8Array[]): boolean {
    if (!this.#isOpen || this.#isEnded) return true
    const peer = this.#peer()
    // A copy: each side may modify its bytes afterwards.
    const data = Buffer.concat(buffers)
    peer.#received.push(data)
    peer.#receivedBytes += data.length
    peer.#pump()
    this.#needsDrain = peer.#isPaused && peer.#receivedBytes > HIGH_WATER_MARK
    return !this.#needsDrain
  }

  #end(): void {
    if (!this.#isOpen || this.#isEnded) return
    this.#isEnded = true
    this.#peer().#pump()
  }

  #closeBoth(error: Error | undefined): void {
    this.#close(error)
    this.#peer().#close(undefined)
  }

  #close(error: Error | undefined): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#received = []
    this.#receivedBytes = 0
    const report = (): void => guard(() => this.connection.onClose(error), this.#report)
    queueMicrotask(() => {
      // A connection that was refused closes before its owner has received it.
      if (this.connection.onClose === ignoreClose) setImmediate(report)
      else report()
    })
  }

  /** Passes on received bytes, in separate microtasks: never from within the writer's call. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    queueMicrotask(() => {
      this.#isPumping = false
      guard(
        () => this.#deliver(),
        (error) => this.#closeBoth(error),
      )
    })
  }

  #deliver(): void {
    const peer = this.#peer()
    while (this.#isOpen && !this.#isPaused) {
      const data = this.#received.shift()
      if (data === undefined) break
      this.#receivedBytes -= data.length
      this.connection.onData(data)
    }
    if (!this.#isOpen || this.#received.length > 0) return
    if (peer.#needsDrain) {
      peer.#needsDrain = false
      queueMicrotask(() => {
        if (!peer.#isOpen) return
        guard(
          () => peer.connection.onDrain(),
          (error) => peer.#closeBoth(error),
        )
      })
    }
    if (!peer.#isEnded || this.#isPaused) return
    if (!this.#hasReportedEnd) {
      this.#hasReportedEnd = true
      this.connection.onEnd()
    }
    if (peer.#hasReportedEnd) this.#closeBoth(undefined)
  }
}
