// SPDX-License-Identifier: Apache-2.0
import type { ConsumerRecord } from './consumer-record.ts'
import type { PartitionState } from './partition-state.ts'

/** The part of the consumer that its ways to read use. */
export interface ConsumerCore {
  states(): Iterable<PartitionState>
  take(state: PartitionState, max: number): ConsumerRecord<unknown, unknown>[]
  /** Does pending work, sends fetches, and waits for an event for at most `ms`. */
  turn(ms: number): Promise<void>
  /** Whether sockets and timers, heartbeats among them, need a turn of the event loop. */
  isBreathDue(): boolean
  /** Yields to the event loop when `isTurnDue`. */
  breathe(): Promise<void>
  wake(): void
  readonly isClosed: boolean
  /** Called before partitions are revoked: resolves when no handler has records of them. */
  settle: (states: readonly PartitionState[]) => Promise<void>
  lastProgressMs: (() => number) | undefined
  now(): number
  readonly groupId: string | undefined
}

/** Number of records between two checks of the clock; a power of two. */
export const LOOK_EVERY = 16
