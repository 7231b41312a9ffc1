// SPDX-License-Identifier: Apache-2.0
import type { StoredMessage } from '../mapping/stored-message.ts'

/** Messages of all destinations that are in memory, within a budget of bytes. The oldest go first. */
export class MessageCache {
  readonly #budget: number
  readonly #entries = new Map<string, StoredMessage>()
  #size = 0

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes
  }

  get size(): number {
    return this.#size
  }

  get(key: string): StoredMessage | undefined {
    return this.#entries.get(key)
  }

  /** Keeps a message that has just been written, unless older ones fill the budget: they are wanted first. */
  offer(key: string, message: StoredMessage): void {
    if (this.#size + message.size <= this.#budget) this.#put(key, message)
  }

  /** Keeps a message that is wanted now. */
  put(key: string, message: StoredMessage): void {
    this.#put(key, message)
    if (this.#size <= this.#budget) return
    for (const [oldest] of this.#entries) {
      if (this.#size <= this.#budget || oldest === key) return
      this.delete(oldest)
    }
  }

  #put(key: string, message: StoredMessage): void {
    this.delete(key)
    this.#entries.set(key, message)
    this.#size += message.size
  }

  delete(key: string): void {
    const message = this.#entries.get(key)
    if (message === undefined) return
    this.#entries.delete(key)
    this.#size -= message.size
  }
}
