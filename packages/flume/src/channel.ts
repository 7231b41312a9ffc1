// SPDX-License-Identifier: Apache-2.0
import type { BatchOrigin } from './batch-origin.ts'
import type { Event } from './event.ts'

/** What keeps events between a source and a sink. */
export interface Channel {
  /** Who it is, for as long as its contents live: positions of its events are its own. */
  readonly id: string
  /** Events in it, those in open transactions included. */
  readonly size: number
  /** Most events it holds. */
  readonly capacity: number
  /** Most events of one transaction. */
  readonly transactionCapacity: number
  /** Whether what is committed outlives the process. */
  readonly isDurable: boolean
  /**
   * Number of commits that failed. Present if puts take effect in the order in which `commit` is
   * called, so that puts of one sender may overlap: see `PutOptions.failedCommits`.
   */
  readonly failedCommits?: number
  /** Of a channel that is not durable: how many of its events are lost when the process ends. `size` when absent. */
  readonly sizeInMemory?: number

  /** Takes on other values of its keys without letting go of its events; false when it cannot. */
  reconfigure?(values: Readonly<Record<string, unknown>>): boolean

  /** Below this position everything of an origin has come; undefined for an origin it knows nothing of. */
  receivedUpTo?(originId: string): number | undefined

  /** Opens the channel; what it kept is there again. */
  start?(): Promise<void>
  /** Settles what is under way, keeps what it can, lets go of files and sockets. */
  stop?(): Promise<void>

  /**
   * Opens a transaction that puts a batch. Waits for room, and rejects with `ChannelFullError` when there is none for long. Nobody
   * sees the events until it commits.
   */
  put(events: readonly Event[], options?: PutOptions): Promise<PutTransaction>

  /**
   * Opens a transaction that takes up to `maxEvents`, oldest first, as soon as there is any. Resolves with undefined when `signal` is
   * aborted, or nothing came within `waitMs`.
   */
  take(maxEvents: number, options: TakeOptions): Promise<TakeTransaction | undefined>
}

/** Options of a put. */
export interface PutOptions {
  /** With an origin, events that the channel has got before are left out. */
  readonly origin?: BatchOrigin | undefined
  /**
   * Fails the commit if the channel's `failedCommits` is another one by then: a put before this one
   * may have failed, and its retry must come first.
   */
  readonly failedCommits?: number | undefined
}

/** How much to take, and how long to wait. */
export interface TakeOptions {
  /** Time to wait for the first event. */
  readonly waitMs: number
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined
}

/** A put into a channel: it counts when it is committed. */
export interface PutTransaction {
  /**
   * Only of durable channels: writes the events down so that they survive a crash, yet leaves open whether they count. After it,
   * `commit` cannot fail for want of room. Several channels that prepare under one id are committed together or not at all.
   */
  prepare?(fanOut: FanOut): Promise<void>
  /** Makes the events part of the channel; resolves when they are as safe as the channel makes them. */
  commit(): Promise<void>
  /** Discards the put. */
  rollback(): Promise<void>
}

/** A put into several durable channels. */
export interface FanOut {
  /** Identifies the put in all its channels. */
  readonly id: string
  /** The channel whose word counts after a crash. */
  readonly coordinatorId: string
}

/** Events taken from a channel: they leave it when the transaction is committed. */
export interface TakeTransaction {
  /** Never empty. */
  readonly events: readonly Event[]
  /** Where the events stand in their channel. */
  readonly origin: BatchOrigin
  /** The events are gone. */
  commit(): Promise<void>
  /** The events go back to where they were. */
  rollback(): Promise<void>
}

/** What a durable channel knows of puts into several channels, asked after a crash. */
export interface FanOutMemory {
  /** Puts that were prepared and neither committed nor rolled back. */
  readonly undecided: readonly FanOut[]
  /** Whether it was decided, as the coordinator, that this one counts. */
  hasDecided(id: string): boolean
  /** Ends an undecided put. */
  resolve(id: string, commits: boolean): Promise<void>
}

/** Whether a channel takes part in puts into several channels. */
export function isFanOutMember(channel: object): channel is Channel & FanOutMemory {
  return 'undecided' in channel && 'hasDecided' in channel
}
