// SPDX-License-Identifier: Apache-2.0
import type { ConsumerRecord } from './consumer-record.ts'
import type { PartitionState } from './partition-state.ts'
import type { ConcurrentReader } from './read-gate.ts'

/** The part of the consumer that its ways to read use. */
export interface ConsumerCore {
  states(): Iterable<PartitionState>
  take(state: PartitionState, max: number): ConsumerRecord<unknown, unknown>[]
  /** Does pending work, sends fetches, and waits for an event for at most `ms`. */
  turn(ms: number): Promise<void>
  /** Sends fetches and the periodic commit if they are due, without waiting. */
  keepUp(): void
  /** Whether the group needs work before more records may be returned. */
  readonly isGroupDue: boolean
  /** Whether sockets and timers, heartbeats among them, need a turn of the event loop. */
  isBreathDue(): boolean
  /** Yields to the event loop when `isBreathDue`. */
  breathe(): Promise<void>
  wake(): void
  /** Called when the application asks for the next record of several that it was given. */
  progress(): void
  readonly isClosed: boolean
  /** Asks `reader` about handlers and progress, while it is the way to read. */
  attach(reader: ConcurrentReader): void
  now(): number
  readonly groupId: string | undefined
}

/** Number of records between two checks of the clock; a power of two. */
export const LOOK_EVERY = 16
