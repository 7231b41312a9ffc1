// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'
import {
  type MachineNetwork,
  type NetworkFaults,
  type ProcessClock,
  SimulatedClock,
  type SimulatedDisk,
  SimulatedNetwork,
  seededRandom,
} from '@millrace/testkit'

/** Duration of a restart. */
export const RESTART_MS = 300
const SLOWEST_SYNC_MS = 8

/** State of a process between two crashes. */
export interface Life {
  readonly clock: ProcessClock
  readonly network: MachineNetwork
}

/** Time, randomness and a network for machines whose power fails, all driven by a seed. */
export class Simulation {
  readonly clock = new SimulatedClock()
  readonly random: Random
  readonly network: SimulatedNetwork
  isCalm = false

  constructor(seed: number, faults: NetworkFaults) {
    this.random = seededRandom(seed)
    this.network = new SimulatedNetwork({ clock: this.clock, random: this.random, faults })
  }

  /** Starts a process on a disk, whose syncs take time and whose power failure ends the process. */
  begin(disk: SimulatedDisk): Life {
    const life = { clock: this.clock.process(), network: this.network.machine() }
    disk.syncTime = () =>
      new Promise((resolve) => {
        life.clock.setTimer(this.random.integer(SLOWEST_SYNC_MS), resolve)
      })
    disk.onCut = () => end(life)
    return life
  }

  /** Resolves after a simulated time. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(ms, resolve)
    })
  }

  /** Disables faults from now on. */
  calm(): void {
    this.isCalm = true
    this.network.isCalm = true
  }
}

/** The process has ended. */
export function end({ clock, network }: Life): void {
  clock.kill()
  network.kill()
}
