// SPDX-License-Identifier: Apache-2.0
import type {
  Connection,
  ConnectOptions,
  ListenOptions,
  Network,
  NetworkListener,
  Random,
} from '@millrace/base'
import type { SimulatedClock } from './simulated-clock.ts'

export interface NetworkFaults {
  /** One write in so many breaks its connection, and is lost. */
  readonly cutOneIn: number
  /** One write in so many takes up to `longDelayMs`. */
  readonly slowOneIn: number
  readonly longDelayMs: number
}

interface End {
  readonly connection: Connection
  readonly isServer: boolean
  isOpen: boolean
  isPaused: boolean
  held: Buffer[]
  /** When what was written last arrives: nothing overtakes it. */
  arrivesAtMs: number
  close(error: Error | undefined): void
}

const USUAL_DELAY_MS = 2

/** A network in simulated time: bytes take a while, connections break by chance, and all of them when a server dies. */
export class SimulatedNetwork implements Network {
  readonly #clock: SimulatedClock
  readonly #random: Random
  readonly #faults: NetworkFaults
  readonly #listeners = new Map<number, ListenOptions>()
  readonly #ends = new Set<End>()
  #nextPort = 40_000
  /** No faults from here on. */
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

  async listen(options: ListenOptions): Promise<NetworkListener> {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    if (this.#listeners.has(port)) throw systemError('EADDRINUSE', port)
    this.#listeners.set(port, options)
    return {
      port,
      close: async () => {
        if (this.#listeners.get(port) === options) this.#listeners.delete(port)
      },
    }
  }

  /** The server dies: nobody listens, and whoever was connected finds out. */
  killServers(): void {
    this.#listeners.clear()
    for (const end of [...this.#ends]) {
      end.isOpen = false
      if (end.isServer) continue
      this.#ends.delete(end)
      this.#clock.schedule(1, () => end.connection.onClose(systemError('ECONNRESET', 0)))
    }
    this.#ends.clear()
  }

  async connect({ port }: ConnectOptions): Promise<Connection> {
    await new Promise<void>((resolve) => {
      this.#clock.schedule(this.#delayMs(), resolve)
    })
    const listener = this.#listeners.get(port)
    if (listener === undefined) throw systemError('ECONNREFUSED', port)
    const ends: End[] = []
    ends.push(this.#end(ends, false), this.#end(ends, true))
    for (const end of ends) this.#ends.add(end)
    const [client, server] = ends as [End, End]
    listener.onConnection(server.connection)
    return client.connection
  }

  #delayMs(): number {
    const { slowOneIn, longDelayMs } = this.#faults
    if (!this.isCalm && this.#random.integer(slowOneIn) === 0) {
      return this.#random.integer(longDelayMs)
    }
    return this.#random.integer(USUAL_DELAY_MS * 1000) / 1000
  }

  #end(ends: readonly End[], isServer: boolean): End {
    const peer = (): End => ends[isServer ? 0 : 1] as End
    const closeBoth = (error?: Error): void => {
      for (const end of ends) end.close(error)
    }
    const end: End = {
      isServer,
      isOpen: true,
      isPaused: false,
      held: [],
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
        localPort: isServer ? 9092 : 50_000,
        remotePort: isServer ? 50_000 : 9092,
        onData() {},
        onClose() {},
        onDrain() {},
        write: (buffers) => {
          if (!end.isOpen) return true
          if (!this.isCalm && this.#random.integer(this.#faults.cutOneIn) === 0) {
            closeBoth(systemError('ECONNRESET', 0))
            return true
          }
          const data = Buffer.concat(buffers)
          end.arrivesAtMs = Math.max(end.arrivesAtMs, this.#clock.elapsedMs + this.#delayMs())
          this.#clock.schedule(end.arrivesAtMs - this.#clock.elapsedMs, () => receive(peer(), data))
          return true
        },
        pause() {
          end.isPaused = true
        },
        resume() {
          end.isPaused = false
          const waiting = end.held
          end.held = []
          for (const data of waiting) receive(end, data)
        },
        end: () => {
          const waitMs = Math.max(0, end.arrivesAtMs - this.#clock.elapsedMs)
          this.#clock.schedule(waitMs, () => closeBoth())
        },
        destroy: () => closeBoth(),
      },
    }
    return end
  }
}

function receive(end: End, data: Buffer): void {
  if (!end.isOpen) return
  if (end.isPaused) end.held.push(data)
  else end.connection.onData(data)
}

function systemError(code: string, port: number): Error {
  return Object.assign(new Error(`${code}: port ${port}`), { code })
}
