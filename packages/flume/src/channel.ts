// SPDX-License-Identifier: Apache-2.0
import type { BatchOrigin } from './batch-origin.ts'
import type { Event } from './event.ts'

/** Stores events between a source and a sink. */
export interface Channel {
  /** Unique id of the contents: the origin of the positions of its events. */
  readonly id: string
  /** Number of events, with those in open transactions. */
  readonly size: number
  /** Largest number of events. */
  readonly capacity: number
  /** Largest number of events in one transaction. */
  readonly transactionCapacity: number
  /** Whether committed events survive a crash of the process. */
  readonly isDurable: boolean
  /**
   * Number of commits that failed. Present if puts take effect in the order in which `commit` is
   * called, so that puts of one sender may overlap: see `PutOptions.failedCommits`.
   */
  readonly failedCommits?: number
  /**
   * For a channel that is not durable: number of events that are lost when the process ends.
   * Default: `size`.
   */
  readonly sizeInMemory?: number

  /** Adopts new values of its keys and keeps its events; returns false if that is not possible. */
  reconfigure?(values: Readonly<Record<string, unknown>>): boolean

  /**
   * Position below which all events of an origin were received; undefined for an unknown origin.
   */
  receivedUpTo?(originId: string): number | undefined

  /** Opens the channel and recovers its events. */
  start?(): Promise<void>
  /** Completes writes in progress and closes files and sockets. */
  stop?(): Promise<void>

  /**
   * Opens a transaction that puts a batch. Waits for free capacity, and rejects with
   * `ChannelFullError` after the time-out of the channel. The events are visible after the commit.
   */
  put(events: readonly Event[], options?: PutOptions): Promise<PutTransaction>

  /**
   * Opens a transaction that takes up to `maxEvents`, oldest first, as soon as there is an event.
   * Resolves with undefined if `signal` is aborted or no event arrived within `waitMs`.
   */
  take(maxEvents: number, options: TakeOptions): Promise<TakeTransaction | undefined>
}

/** Options of a put. */
export interface PutOptions {
  /** With an origin, events that the channel has received before are skipped. */
  readonly origin?: BatchOrigin | undefined
  /**
   * The commit fails if the channel's `failedCommits` has changed since: an earlier put may have
   * failed, and its retry must come first.
   */
  readonly failedCommits?: number | undefined
}

/** Options of a take. */
export interface TakeOptions {
  /** Time to wait for the first event. */
  readonly waitMs: number
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined
}

/** A put into a channel; it takes effect when it is committed. */
export interface PutTransaction {
  /**
   * Only of durable channels: writes the events without deciding whether they count. `commit`
   * cannot fail for lack of capacity afterwards. Puts that were prepared with the same id are
   * committed in all channels or in none.
   */
  prepare?(fanOut: FanOut): Promise<void>
  /** Adds the events to the channel; resolves when they are durable, if the channel is. */
  commit(): Promise<void>
  /** Discards the put. */
  rollback(): Promise<void>
}

/** A put into several durable channels. */
export interface FanOut {
  /** Identifies the put in all its channels. */
  readonly id: string
  /** Id of the channel that decides, also after a crash. */
  readonly coordinatorId: string
}

/** Events taken from a channel; they are removed when the transaction is committed. */
export interface TakeTransaction {
  /** Never empty. */
  readonly events: readonly Event[]
  /** Positions of the events in their channel. */
  readonly origin: BatchOrigin
  /** Removes the events. */
  commit(): Promise<void>
  /** Returns the events to their positions. */
  rollback(): Promise<void>
}

/** Puts into several channels that a durable channel knows; used after a crash. */
export interface FanOutMemory {
  /** Puts that were prepared and neither committed nor rolled back. */
  readonly undecided: readonly FanOut[]
  /** Whether this channel, as the coordinator, decided to commit. */
  hasDecided(id: string): boolean
  /** Ends an undecided put. */
  resolve(id: string, commits: boolean): Promise<void>
}

/** Whether a channel supports atomic puts into several channels. */
export function isFanOutMember(channel: object): channel is Channel & FanOutMemory {
  return 'undecided' in channel && 'hasDecided' in channel
}
