// SPDX-License-Identifier: Apache-2.0
import {
  type Connection,
  type ConnectOptions,
  guard,
  type ListenOptions,
  type Network,
  type NetworkListener,
  passAdmission,
  type Random,
} from '@millrace/base'
import type { SimulatedClock } from './simulated-clock.ts'

export interface NetworkFaults {
  /** One of this many writes breaks its connection, and is lost. */
  readonly cutOneIn: number
  /** One of this many writes is delayed by up to `longDelayMs`. */
  readonly slowOneIn: number
  readonly longDelayMs: number
}

/** Network of one simulated machine. */
export interface MachineNetwork extends Network {
  /** Crashes the machine: its listeners close, and its connections break. */
  kill(): void
}

interface Machine {
  isAlive: boolean
}

interface End {
  readonly connection: Connection
  readonly machine: Machine
  /** The other end. */
  peer(): End
  isOpen: boolean
  isPaused: boolean
  /** Data received while the end was paused. */
  held: Buffer[]
  /** Bytes written to this end and not delivered yet, including those in transit. */
  pendingBytes: number
  /** Whether this end has stopped writing. */
  isEnded: boolean
  /** Whether the last byte of the other end has arrived, and whether that was reported. */
  isPeerEndDue: boolean
  isPeerEndReported: boolean
  needsDrain: boolean
  /** Arrival time of the last write, which later writes must not precede. */
  arrivesAtMs: number
  close(error: Error | undefined): void
}

const USUAL_DELAY_MS = 2
/** Bytes in transit to an end before the other end is asked to stop writing. */
const HIGH_WATER_MARK = 64 * 1024

/**
 * A network in simulated time: data is delayed, connections break at random, and all connections of
 * a machine break when it crashes.
 */
export class SimulatedNetwork {
  readonly #clock: SimulatedClock
  readonly #random: Random
  readonly #faults: NetworkFaults
  readonly #listeners = new Map<
    number,
    { readonly options: ListenOptions; readonly machine: Machine }
  >()
  readonly #ends = new Set<End>()
  #nextPort = 40_000
  /** Disables faults from now on. */
  isCalm = false

  constructor(options: {
    readonly clock: SimulatedClock
    readonly random: Random
    readonly faults: NetworkFaults
  }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#faults = options.faults
  }

  /** Adds a machine. */
  machine(): MachineNetwork {
    const machine: Machine = { isAlive: true }
    return {
      listen: (options) => this.#listen(options, machine),
      connect: (options) => this.#connect(options, machine),
      kill: () => this.#kill(machine),
    }
  }

  async #listen(options: ListenOptions, machine: Machine): Promise<NetworkListener> {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    if (!machine.isAlive) throw systemError('ENETDOWN', port)
    if (this.#listeners.has(port)) throw systemError('EADDRINUSE', port)
    const listener = { options, machine }
    this.#listeners.set(port, listener)
    return {
      port,
      close: async () => {
        if (this.#listeners.get(port) === listener) this.#listeners.delete(port)
      },
    }
  }

  #kill(machine: Machine): void {
    machine.isAlive = false
    for (const [port, listener] of [...this.#listeners]) {
      if (listener.machine === machine) this.#listeners.delete(port)
    }
    for (const end of [...this.#ends]) {
      if (end.machine !== machine) continue
      // This end has no owner left to notify.
      end.isOpen = false
      this.#ends.delete(end)
      const { peer } = end
      this.#clock.schedule(1, () => peer().close(systemError('ECONNRESET', 0)))
    }
  }

  async #connect({ port }: ConnectOptions, machine: Machine): Promise<Connection> {
    await new Promise<void>((resolve) => {
      this.#clock.schedule(this.#delayMs(), resolve)
    })
    const listener = this.#listeners.get(port)
    if (listener === undefined || !machine.isAlive) throw systemError('ECONNREFUSED', port)
    const ends: End[] = []
    ends.push(this.#end(ends, machine, 0, port), this.#end(ends, listener.machine, 1, port))
    for (const end of ends) this.#ends.add(end)
    const [client, server] = ends as [End, End]
    const { onConnection, onError } = listener.options
    let isHeld = false
    const enter = (isAdmitted: boolean): void => {
      if (!isAdmitted) {
        server.connection.destroy()
        return
      }
      if (isHeld) server.connection.resume()
      guard(
        () => onConnection(server.connection),
        (error) => {
          server.connection.destroy()
          onError(error)
        },
      )
    }
    passAdmission(listener.options, server.connection.remoteAddress, {
      onHeld() {
        isHeld = true
        server.connection.pause()
      },
      onDecided: enter,
    })
    return client.connection
  }

  #delayMs(): number {
    const { slowOneIn, longDelayMs } = this.#faults
    if (!this.isCalm && this.#random.integer(slowOneIn) === 0) {
      return this.#random.integer(longDelayMs)
    }
    return this.#random.integer(USUAL_DELAY_MS * 1000) / 1000
  }

  /** One of two ends: the client's has index 0. */
  #end(ends: readonly End[], machine: Machine, index: 0 | 1, port: number): End {
    const peer = (): End => ends[1 - index] as End
    const closeBoth = (error?: Error): void => {
      for (const end of ends) end.close(error)
    }
    const end: End = {
      machine,
      peer,
      isOpen: true,
      isPaused: false,
      held: [],
      pendingBytes: 0,
      isEnded: false,
      isPeerEndDue: false,
      isPeerEndReported: false,
      needsDrain: false,
      arrivesAtMs: 0,
      close: (error) => {
        if (!end.isOpen) return
        end.isOpen = false
        this.#ends.delete(end)
        this.#clock.schedule(0, () => end.connection.onClose(error))
      },
      connection: {
        localAddress: '127.0.0.1',
        remoteAddress: '127.0.0.1',
        localPort: index === 1 ? port : 50_000,
        remotePort: index === 1 ? 50_000 : port,
        get unsentBytes() {
          return end.isOpen ? peer().pendingBytes : 0
        },
        onData() {},
        onEnd: () => end.connection.end(),
        onClose() {},
        onDrain() {},
        write: (buffers) => {
          if (!end.isOpen || end.isEnded) return true
          if (!this.isCalm && this.#random.integer(this.#faults.cutOneIn) === 0) {
            closeBoth(systemError('ECONNRESET', 0))
            return true
          }
          const data = Buffer.concat(buffers)
          peer().pendingBytes += data.length
          end.arrivesAtMs = Math.max(end.arrivesAtMs, this.#clock.elapsedMs + this.#delayMs())
          this.#clock.schedule(end.arrivesAtMs - this.#clock.elapsedMs, () => receive(peer(), data))
          end.needsDrain = peer().pendingBytes > HIGH_WATER_MARK
          return !end.needsDrain
        },
        pause() {
          end.isPaused = true
        },
        resume() {
          end.isPaused = false
          const waiting = end.held
          end.held = []
          for (const data of waiting) receive(end, data)
          receiveEnd(end)
        },
        end: () => {
          if (!end.isOpen || end.isEnded) return
          end.isEnded = true
          const waitMs = Math.max(0, end.arrivesAtMs - this.#clock.elapsedMs)
          this.#clock.schedule(waitMs, () => {
            peer().isPeerEndDue = true
            receiveEnd(peer())
          })
        },
        destroy: () => closeBoth(),
      },
    }
    return end
  }
}

function receive(end: End, data: Buffer): void {
  if (!end.isOpen) return
  if (end.isPaused) {
    end.held.push(data)
    return
  }
  end.pendingBytes -= data.length
  runFor(end, () => end.connection.onData(data))
  const writer = end.peer()
  if (end.pendingBytes > 0 || !writer.needsDrain || !writer.isOpen) return
  writer.needsDrain = false
  runFor(writer, () => writer.connection.onDrain())
}

/** Reports once that the other end has closed its side, after all its data. */
function receiveEnd(end: End): void {
  if (!end.isOpen || !end.isPeerEndDue || end.isPaused || end.held.length > 0) return
  if (end.isPeerEndReported) return
  end.isPeerEndReported = true
  runFor(end, () => end.connection.onEnd())
  if (end.peer().isPeerEndReported) end.connection.destroy()
}

/** A callback that throws ends its connection. */
function runFor(end: End, run: () => void): void {
  guard(run, (error) => {
    end.close(error)
    end.peer().close(systemError('ECONNRESET', 0))
  })
}

function systemError(code: string, port: number): Error {
  return Object.assign(new Error(`${code}: port ${port}`), { code })
}
