// SPDX-License-Identifier: Apache-2.0
import type { ClientNetwork, Connection } from '@millrace/base'

type ConnectOptions = Parameters<ClientNetwork['connect']>[0]

const HEADER_SIZE = 8

/** Splits an AMQP 1.0 stream into protocol headers and frames. */
class FrameSplitter {
  #pending = Buffer.alloc(0)

  push(bytes: Uint8Array): Buffer[] {
    this.#pending = Buffer.concat([this.#pending, bytes])
    const frames: Buffer[] = []
    for (;;) {
      if (this.#pending.length < HEADER_SIZE) return frames
      const isHeader = this.#pending.toString('latin1', 0, 4) === 'AMQP'
      const size = isHeader ? HEADER_SIZE : this.#pending.readUInt32BE(0)
      if (this.#pending.length < size) return frames
      frames.push(this.#pending.subarray(0, size))
      this.#pending = this.#pending.subarray(size)
    }
  }
}

/**
 * The network of an AMQP client whose connections break at a chosen frame, in either direction;
 * what follows is lost.
 */
export class FrameNetwork implements ClientNetwork {
  readonly #inner: ClientNetwork
  readonly #open = new Set<Connection>()
  readonly #forget = new Map<Connection, () => void>()
  readonly #broken = new WeakSet<Connection>()
  /** Number of frames so far, in both directions, over all connections. */
  frames = 0
  /** The frame at which the connection breaks. */
  cutAt = Number.POSITIVE_INFINITY
  cuts = 0
  /** Number of connections that ended. */
  losses = 0
  /** Whether frames of the client are held until `release`. */
  isHeld = false
  readonly #held: (() => void)[] = []
  /** Whether connections are refused. */
  isDown = false
  /** Called when a connection breaks at a frame. */
  onCut: () => void = () => {}
  /** Called with each frame that the client sends. */
  onSent: (frame: Buffer) => void = () => {}
  /** Called with each frame that the client receives. */
  onReceived: (frame: Buffer) => void = () => {}
  /** Injects a frame into the client's newest connection, as if its peer had sent it. */
  inject: (frame: Buffer) => void = () => {}

  constructor(inner: ClientNetwork) {
    this.#inner = inner
  }

  /** Breaks all connections. */
  cut(): void {
    for (const connection of [...this.#open]) connection.destroy()
  }

  /** Breaks all connections for this end only: the other end keeps them until it times out. */
  vanish(): void {
    for (const forget of [...this.#forget.values()]) forget()
  }

  /** Releases the held frames, in order. */
  release(): void {
    this.isHeld = false
    for (const write of this.#held.splice(0)) write()
  }

  /** Breaks all connections, and refuses new ones until it is up again. */
  goDown(): void {
    this.isDown = true
    this.cut()
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    if (this.isDown) {
      throw Object.assign(new Error(`connect ECONNREFUSED port ${options.port}`), {
        code: 'ECONNREFUSED',
      })
    }
    const inner = await this.#inner.connect(options)
    this.#open.add(inner)
    if (this.isDown) inner.destroy()
    const [sent, received] = [new FrameSplitter(), new FrameSplitter()]
    const outer: Connection = {
      remoteAddress: inner.remoteAddress,
      remotePort: inner.remotePort,
      localAddress: inner.localAddress,
      localPort: inner.localPort,
      get unsentBytes() {
        return inner.unsentBytes
      },
      onData() {},
      onEnd() {},
      onClose() {},
      onDrain() {},
      write: (buffers) => {
        const bytes = Buffer.concat(buffers)
        if (this.isHeld) {
          this.#held.push(() => outer.write([bytes]))
          return true
        }
        const frames = sent.push(bytes)
        const passing = frames.filter(() => this.#passes(inner))
        for (const frame of passing) this.onSent(frame)
        return passing.length === 0 || inner.write(passing)
      },
      pause: () => inner.pause(),
      resume: () => inner.resume(),
      end: () => {
        if (this.#open.has(inner)) inner.end()
      },
      destroy: () => {
        // A connection that only this end has lost stays open at the other end.
        if (this.#open.has(inner)) inner.destroy()
      },
    }
    inner.onData = (chunk) => {
      for (const frame of received.push(chunk)) {
        if (!this.#passes(inner)) continue
        this.onReceived(frame)
        outer.onData(frame)
      }
    }
    this.inject = (frame) => outer.onData(frame)
    inner.onClose = (error) => {
      this.losses++
      this.#forget.delete(inner)
      if (this.#open.delete(inner)) outer.onClose(error)
    }
    this.#forget.set(inner, () => {
      this.#forget.delete(inner)
      this.#open.delete(inner)
      outer.onClose(Object.assign(new Error('ECONNRESET'), { code: 'ECONNRESET' }))
    })
    inner.onDrain = () => outer.onDrain()
    return outer
  }

  /** Counts a frame; false when the connection is broken, or breaks now. */
  #passes(connection: Connection): boolean {
    if (!this.#open.has(connection) || this.#broken.has(connection)) return false
    if (++this.frames !== this.cutAt) return true
    this.cuts++
    connection.destroy()
    this.#broken.add(connection)
    this.onCut()
    return false
  }
}
