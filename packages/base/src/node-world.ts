// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomInt } from 'node:crypto'
import { nodeFileSystem } from './node-file-system.ts'
import { nodeNetwork } from './node-network.ts'
import type { Clock, Random, World } from './world.ts'

const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback, options) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), 0x7fffffff))
    if (options?.keepsAlive !== true) timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  yield: () => new Promise((resolve) => setImmediate(resolve)),
}

const nodeRandom: Random = {
  bytes: (size) => randomBytes(size),
  integer: (limit) => randomInt(limit),
}

/** The clock, randomness, disk and network of this Node process. */
export const nodeWorld: World = {
  clock: nodeClock,
  random: nodeRandom,
  fileSystem: nodeFileSystem,
  network: nodeNetwork,
}
