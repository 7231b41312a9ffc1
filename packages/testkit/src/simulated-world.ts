// SPDX-License-Identifier: Apache-2.0
import type { World } from '@millrace/base'
import { seededRandom } from './seeded-random.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { SimulatedNetwork } from './simulated-network.ts'

/** A machine in simulated time. */
export interface SimulatedMachine {
  readonly world: World
  readonly disk: SimulatedDisk
}

/** Simulated time, and a network without faults. */
export class SimulatedWorld {
  readonly clock = new SimulatedClock()
  readonly random = seededRandom(1)
  readonly #network = new SimulatedNetwork({
    clock: this.clock,
    random: this.random,
    faults: { cutOneIn: 1e9, slowOneIn: 1e9, longDelayMs: 1 },
  })

  /** A machine whose disk takes 3 ms to sync. */
  machine(): SimulatedMachine {
    const disk = new SimulatedDisk()
    const world: World = {
      clock: this.clock.process(),
      random: this.random,
      network: this.#network.machine(),
      fileSystem: disk,
    }
    disk.syncTime = () =>
      new Promise((resolve) => {
        world.clock.setTimer(3, resolve)
      })
    return { world, disk }
  }
}
