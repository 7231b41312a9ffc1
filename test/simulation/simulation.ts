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

/** How long a machine takes to come back. */
export const RESTART_MS = 300
const SLOWEST_SYNC_MS = 8

/** What a process has between two deaths. */
export interface Life {
  readonly clock: ProcessClock
  readonly network: MachineNetwork
}

/** Time, chance and a network for machines whose power fails: all of it by a seed. */
export class Simulation {
  readonly clock = new SimulatedClock()
  readonly random: Random
  readonly network: SimulatedNetwork
  isCalm = false

  constructor(seed: number, faults: NetworkFaults) {
    this.random = seededRandom(seed)
    this.network = new SimulatedNetwork({ clock: this.clock, random: this.random, faults })
  }

  /**
   * A process begins on a disk, which takes its time to sync and ends the process with its power.
   */
  begin(disk: SimulatedDisk): Life {
    const life = { clock: this.clock.process(), network: this.network.machine() }
    disk.syncTime = () =>
      new Promise((resolve) => {
        life.clock.setTimer(this.random.integer(SLOWEST_SYNC_MS), resolve)
      })
    disk.onCut = () => end(life)
    return life
  }

  /** Resolves after so much simulated time. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(ms, resolve)
    })
  }

  /** From here on nothing goes wrong. */
  calm(): void {
    this.isCalm = true
    this.network.isCalm = true
  }
}

/** The process is gone. */
export function end({ clock, network }: Life): void {
  clock.kill()
  network.kill()
}
