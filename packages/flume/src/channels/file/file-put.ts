// SPDX-License-Identifier: Apache-2.0
import type { FanOut, PutTransaction } from '../../channel.ts'

/** Operations of the channel on one put. */
export interface FilePutActions {
  append(fanOut: FanOut | undefined): Promise<void>
  /** Logs whether a prepared put counts. */
  decide(fanOut: FanOut, commits: boolean): Promise<void>
  /** Applies that decision in memory. */
  settleFanOut(fanOutId: string, commits: boolean): void
  isCoordinator(fanOut: FanOut): boolean
  /** Releases the capacity of events that were not written. */
  free(): void
  settle(isKept: boolean): void
}

/** A put into a file channel: not written until it is prepared or committed. */
export class FilePut implements PutTransaction {
  readonly #actions: FilePutActions
  #fanOut: FanOut | undefined
  #isOpen = true

  constructor(actions: FilePutActions) {
    this.#actions = actions
  }

  async prepare(fanOut: FanOut): Promise<void> {
    await this.#actions.append(fanOut)
    this.#fanOut = fanOut
  }

  async commit(): Promise<void> {
    if (!this.#isOpen) return
    if (this.#fanOut !== undefined) return this.#commitPrepared(this.#fanOut)
    try {
      await this.#actions.append(undefined)
    } catch (error) {
      await this.rollback()
      throw error
    }
    this.#isOpen = false
    this.#actions.settle(true)
  }

  async #commitPrepared(fanOut: FanOut): Promise<void> {
    try {
      await this.#actions.decide(fanOut, true)
    } catch (error) {
      if (this.#actions.isCoordinator(fanOut)) {
        await this.rollback()
        throw error
      }
      // The coordinator has decided: the events count, and the next start will ask it.
      this.#actions.settleFanOut(fanOut.id, true)
      this.#isOpen = false
      this.#actions.settle(true)
      throw error
    }
    this.#isOpen = false
    this.#actions.settle(true)
  }

  async rollback(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#fanOut === undefined) this.#actions.free()
    else {
      const fanOut = this.#fanOut
      // Without that frame, the next start finds that it was not committed.
      await this.#actions
        .decide(fanOut, false)
        .catch(() => this.#actions.settleFanOut(fanOut.id, false))
    }
    this.#actions.settle(false)
  }
}
