// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { PartitionState } from './partition-state.ts'

/** A way to read that hands records to several holders at a time. */
export interface ConcurrentReader {
  /** Resolves when no handler has records of these partitions, which are to be revoked. */
  settle(states: readonly PartitionState[]): Promise<void>
  /** When the application last made progress, in monotonic milliseconds. */
  progressMs(): number
}

/**
 * One way to read at a time. Partitions change and listeners are called only while one is active:
 * work of the group waits for it here.
 */
export class ReadGate {
  readonly #now: () => number
  /** Name of the active way to read. */
  #active: string | undefined
  #reader: ConcurrentReader | undefined
  #isClosed = false
  #waiting: (() => void)[] = []
  #lastProgressMs: number
  #hasProgressed = true

  /** `now` returns monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
    this.#lastProgressMs = now()
  }

  /** Whether the consumer was closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Starts to read in one way. Throws `MILLRACE_CONCURRENT_READ` while another is active. */
  begin(what: string): void {
    if (this.#active !== undefined) {
      throw new MillraceError(
        'MILLRACE_CONCURRENT_READ',
        `${what} while ${this.#active} is in progress: a consumer is read in one way at a time`,
      )
    }
    this.#active = what
    this.#hasProgressed = true
    this.#release()
  }

  /** Ends the active way to read. */
  end(): void {
    this.#active = undefined
    this.#reader = undefined
    this.#hasProgressed = true
  }

  /** Resolves while a way to read is active, or after the consumer was closed. */
  async inside(): Promise<void> {
    while (this.#active === undefined && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Lets all waiting work continue, which must then check `isClosed`. */
  close(): void {
    this.#isClosed = true
    this.#release()
  }

  #release(): void {
    for (const pass of this.#waiting.splice(0)) pass()
  }

  /** Asks `reader` about handlers and progress until the active way to read ends. */
  attach(reader: ConcurrentReader): void {
    this.#reader = reader
  }

  /** Resolves when no handler has records of these partitions. */
  async settle(states: readonly PartitionState[]): Promise<void> {
    await this.#reader?.settle(states)
  }

  /** Called whenever the application asks for more records. */
  progress(): void {
    this.#hasProgressed = true
  }

  /** When the application last made progress: as of this call if it has since the previous one. */
  lastProgressMs(): number {
    if (this.#reader !== undefined) return this.#reader.progressMs()
    if (this.#hasProgressed) {
      this.#hasProgressed = false
      this.#lastProgressMs = this.#now()
    }
    return this.#lastProgressMs
  }
}
