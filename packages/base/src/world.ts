// SPDX-License-Identifier: Apache-2.0
import type { FileSystem } from './file-system.ts'
import type { Network } from './network.ts'

/** A timer that was set. */
export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void
}

/** Time, and timers on it. Tests and the simulator hand in their own. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds since some fixed point, with fractions. Never goes back. */
  monotonic(): number
  /**
   * Calls `callback` once after `delayMs`. A pending timer keeps the process alive only if
   * configured to.
   */
  setTimer(
    delayMs: number,
    callback: () => void,
    options?: { readonly keepsAlive?: boolean },
  ): Timer
  /** Lets other work of the process run: resolves on a later turn of the event loop. */
  yield(): Promise<void>
}

/** Randomness. Tests and the simulator hand in a seeded one. */
export interface Random {
  /** `size` random bytes. */
  bytes(size: number): Buffer
  /** A whole number in `[0, limit)`. */
  integer(limit: number): number
}

/** Everything outside the program. Production passes the real one, tests a seeded one. */
export interface World {
  /** Time. */
  readonly clock: Clock
  /** Randomness. */
  readonly random: Random
  /** Disk. */
  readonly fileSystem: FileSystem
  /** Network. */
  readonly network: Network
}
