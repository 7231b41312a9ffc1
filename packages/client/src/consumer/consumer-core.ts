// SPDX-License-Identifier: Apache-2.0
import type { ConsumerRecord } from './consumer-record.ts'
import type { PartitionState } from './partition-state.ts'

/** What the ways to read have of the consumer. */
export interface ConsumerCore {
  states(): Iterable<PartitionState>
  take(state: PartitionState, max: number): ConsumerRecord<unknown, unknown>[]
  /** Does what is due, sends fetches, and waits until something happened, at most `ms`. */
  turn(ms: number): Promise<void>
  /** Whether sockets and timers, heartbeats among them, have waited long enough for their turn. */
  isBreathDue(): boolean
  /** Lets them have it when it is time. */
  breathe(): Promise<void>
  wake(): void
  readonly isClosed: boolean
  /** Called before partitions are given up: resolves when their records are not in anybody's hands. */
  settle: (states: readonly PartitionState[]) => Promise<void>
  lastProgressMs: (() => number) | undefined
  now(): number
  readonly groupId: string | undefined
}

/** Records are counted in groups of so many between looks at the clock; a power of two. */
export const LOOK_EVERY = 16
