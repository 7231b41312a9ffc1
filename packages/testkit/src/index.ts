// SPDX-License-Identifier: Apache-2.0
export { millraceArguments } from './command-line.ts'
export { effort, isThorough } from './effort.ts'
export { freePort } from './free-port.ts'
export { type ReadyAddresses, readyAddress, readyAddresses } from './ready-line.ts'
export { seededRandom } from './seeded-random.ts'
export { type ProcessClock, SimulatedClock } from './simulated-clock.ts'
export {
  type DiskFault,
  type DiskOperation,
  PowerCutError,
  SimulatedDisk,
} from './simulated-disk.ts'
export { type MachineNetwork, type NetworkFaults, SimulatedNetwork } from './simulated-network.ts'
export { type SimulatedMachine, SimulatedWorld } from './simulated-world.ts'
export { type Pipe, WireClient } from './wire-client.ts'
