// SPDX-License-Identifier: Apache-2.0
import type { FileSystem } from './file-system.ts'
import type { Network } from './network.ts'

/** A timer that was set. */
export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void
}

/** Time and timers. Tests and the simulator use their own implementations. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump. */
  now(): number
  /** Milliseconds since a fixed point, with fractions. It never decreases. */
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
  /** Yields to other work of the process: resolves on a later turn of the event loop. */
  yield(): Promise<void>
}

/** Randomness. Tests and the simulator use a seeded implementation. */
export interface Random {
  /** `size` random bytes. */
  bytes(size: number): Buffer
  /** A whole number in `[0, limit)`. */
  integer(limit: number): number
}

/**
 * The interfaces to everything outside the program. Production uses the real ones, tests seeded
 * ones.
 */
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
