// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'
import { Broker } from '@millrace/broker'
import {
  type MachineNetwork,
  type ProcessClock,
  SimulatedClock,
  SimulatedDisk,
  SimulatedNetwork,
  seededRandom,
} from '@millrace/testkit'

const PORT = 9092
/** How long a machine takes to come back. */
const RESTART_MS = 300
const SLOWEST_SYNC_MS = 8

/** One machine with a broker whose power fails, clients around it, and a network between them: all of it by a seed. */
export class SimulatedWorld {
  readonly clock = new SimulatedClock()
  readonly random: Random
  readonly #network: SimulatedNetwork
  /** Where the clients are. */
  readonly #elsewhere: MachineNetwork
  disk = new SimulatedDisk()
  cuts = 0
  #broker: { readonly broker: Promise<Broker>; readonly clock: ProcessClock } | undefined
  #isCalm = false
  readonly #config: Readonly<Record<string, string>>

  constructor(seed: number, config: Readonly<Record<string, string>>) {
    this.random = seededRandom(seed)
    this.#config = config
    this.#network = new SimulatedNetwork({
      clock: this.clock,
      random: this.random,
      faults: { cutOneIn: 150, slowOneIn: 60, longDelayMs: 400 },
    })
    this.#elsewhere = this.#network.machine()
  }

  /** What a client is given. */
  get client() {
    const clock = this.clock.process()
    return {
      bootstrapServers: `127.0.0.1:${PORT}`,
      network: this.#elsewhere,
      world: { clock, random: this.random },
      retryBackoffMs: 5,
      retryBackoffMaxMs: 50,
      reconnectBackoffMs: 5,
      reconnectBackoffMaxMs: 50,
      requestTimeoutMs: 3000,
    }
  }

  async start(): Promise<void> {
    for (;;) {
      const clock = this.clock.process()
      const network = this.#network.machine()
      this.disk.syncTime = () =>
        new Promise((resolve) => {
          clock.setTimer(this.random.integer(SLOWEST_SYNC_MS), resolve)
        })
      this.disk.onCut = () => {
        clock.kill()
        network.kill()
      }
      const broker = Broker.start({
        world: { clock, random: this.random, fileSystem: this.disk, network },
        dataDirectory: '/data',
        listen: `127.0.0.1:${PORT}`,
        config: this.#config,
      })
      this.#broker = { broker, clock }
      try {
        await broker
        return
      } catch (error) {
        if (this.disk.operations < this.disk.cutAt) throw error
        this.#powerCut()
        await this.pass(RESTART_MS)
      }
    }
  }

  /** Resolves after so much simulated time. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(ms, resolve)
    })
  }

  #powerCut(): void {
    this.cuts++
    void this.#broker?.broker.then((broker) => broker.abandon()).catch(() => undefined)
    this.#broker = undefined
    this.disk = this.disk.afterPowerCut(this.random)
  }

  /** Power cuts, restarts and jumps of the clock until `calm`. */
  async trouble(options: { readonly cuts: number; readonly operations: number }): Promise<void> {
    for (let i = 0; i < options.cuts && !this.#isCalm; i++) {
      this.disk.cutAt = this.disk.operations + 1 + this.random.integer(options.operations)
      while (this.disk.operations < this.disk.cutAt && !this.#isCalm) {
        await this.pass(20)
        if (this.random.integer(100) === 0)
          this.clock.skewMs += this.random.integer(120_000) - 60_000
      }
      if (this.disk.operations < this.disk.cutAt) break
      this.#powerCut()
      await this.pass(RESTART_MS)
      await this.start()
    }
    this.disk.cutAt = Number.POSITIVE_INFINITY
  }

  /** From here on nothing goes wrong. */
  calm(): void {
    this.#isCalm = true
    this.#network.isCalm = true
  }

  async close(): Promise<void> {
    const broker = await this.#broker?.broker
    await broker?.close()
  }
}
