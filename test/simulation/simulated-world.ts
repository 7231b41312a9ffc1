// SPDX-License-Identifier: Apache-2.0
import { Broker } from '@millrace/broker'
import type { ClientOptions } from '@millrace/client'
import { type MachineNetwork, SimulatedDisk } from '@millrace/testkit'
import { type Life, RESTART_MS, Simulation } from './simulation.ts'
import { failOnTimerFaults } from './timer-faults.ts'

const PORT = 9092

/**
 * A machine with a broker whose power fails, its clients, and the network between them, all driven
 * by a seed.
 */
export class SimulatedWorld extends Simulation {
  /** Machine of the clients. */
  readonly #elsewhere: MachineNetwork = this.network.machine()
  disk = new SimulatedDisk()
  cuts = 0
  /** How often the broker stopped because its disk failed. */
  failures = 0
  #broker: Promise<Broker> | undefined
  readonly #config: Readonly<Record<string, string>>

  constructor(seed: number, config: Readonly<Record<string, string>>) {
    super(seed, { cutOneIn: 150, slowOneIn: 60, longDelayMs: 400 })
    this.#config = config
  }

  /** Options of a client that never crashes. */
  get client(): ClientOptions {
    return this.clientOf({ clock: this.clock.process(), network: this.#elsewhere })
  }

  /** Options of a client that ends with its process. */
  clientOf({ clock, network }: Life): ClientOptions {
    return {
      bootstrapServers: `127.0.0.1:${PORT}`,
      network,
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
      const life = this.begin(this.disk)
      const broker = Broker.start({
        world: { ...life, random: this.random, fileSystem: this.disk },
        dataDirectory: '/data',
        listen: `127.0.0.1:${PORT}`,
        config: this.#config,
        logger: failOnTimerFaults,
        onFailure: () => void this.#restart(),
      })
      this.#broker = broker
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

  #powerCut(): void {
    this.cuts++
    void this.#broker?.then((broker) => broker.abandon()).catch(() => undefined)
    this.#broker = undefined
    this.disk = this.disk.afterPowerCut(this.random)
  }

  /** The broker stopped because its disk failed; its process is started again. */
  async #restart(): Promise<void> {
    this.failures++
    this.#broker = undefined
    this.disk.onCut()
    const { faultOf } = this.disk
    this.disk = this.disk.afterKill()
    this.disk.faultOf = faultOf
    await this.pass(RESTART_MS)
    await this.start()
  }

  /** Power failures, restarts and clock jumps until `calm`. */
  async trouble(options: { readonly cuts: number; readonly operations: number }): Promise<void> {
    for (let i = 0; i < options.cuts && !this.isCalm; i++) {
      this.disk.cutAt = this.disk.operations + 1 + this.random.integer(options.operations)
      while (this.disk.operations < this.disk.cutAt && !this.isCalm) {
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

  async close(): Promise<void> {
    const broker = await this.#broker
    await broker?.close()
  }
}
