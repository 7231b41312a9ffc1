// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import type { StoredMessage } from '../mapping/stored-message.ts'

/**
 * Cache of messages of all destinations, bounded in bytes. The oldest entries are evicted first.
 */
export class MessageCache {
  readonly #budget: number
  readonly #entries = new Map<string, StoredMessage>()
  /**
   * Keys by age; deleted ones are skipped. Iterating a Map from the front is slow after many
   * deletions.
   */
  #order: string[] = []
  #oldest = 0
  #size = 0

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes
  }

  get size(): number {
    return this.#size
  }

  /** Whether newly written messages are no longer cached. */
  get isFull(): boolean {
    return this.#size >= this.#budget
  }

  get(key: string): StoredMessage | undefined {
    return this.#entries.get(key)
  }

  /**
   * Caches a newly written message unless the budget is used up: older messages are needed first.
   */
  offer(key: string, message: StoredMessage): void {
    if (this.isFull) return
    this.#put(key, message)
    this.#compact()
  }

  /** Caches a message that is needed now, evicting older ones. */
  put(key: string, message: StoredMessage): void {
    this.#put(key, message)
    while (this.#size > this.#budget && this.#oldest < this.#order.length - 1) {
      this.delete(elementAt(this.#order, this.#oldest))
      this.#oldest++
    }
    this.#compact()
  }

  #compact(): void {
    if (this.#order.length < 2 * this.#entries.size + 1024) return
    this.#order = this.#order.slice(this.#oldest).filter((key) => this.#entries.has(key))
    this.#oldest = 0
  }

  #put(key: string, message: StoredMessage): void {
    this.delete(key)
    this.#entries.set(key, message)
    this.#order.push(key)
    this.#size += message.size
  }

  delete(key: string): void {
    const message = this.#entries.get(key)
    if (message === undefined) return
    this.#entries.delete(key)
    this.#size -= message.size
  }
}
