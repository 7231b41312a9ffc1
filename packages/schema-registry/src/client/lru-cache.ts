// SPDX-License-Identifier: Apache-2.0

/** Entries with the least recently used one dropped above a limit. */
export class LruCache<K, V> {
  readonly #limit: number
  readonly #entries = new Map<K, V>()

  /** Creates a cache of at most `limit` entries, from 1. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size
  }

  /** The value of a key, which becomes the most recently used one. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined && this.#entries.size > 1) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  /** Adds or replaces a value. */
  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#limit) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  /** Removes a key. */
  delete(key: K): void {
    this.#entries.delete(key)
  }

  /** Removes all entries. */
  clear(): void {
    this.#entries.clear()
  }
}
