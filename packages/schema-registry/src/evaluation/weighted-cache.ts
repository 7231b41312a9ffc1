// SPDX-License-Identifier: Apache-2.0

/** A map that drops the entries that were not used for the longest time. */
export class WeightedCache<V> {
  readonly #maxWeight: number
  readonly #maxCount: number
  readonly #entries = new Map<string, { readonly value: V; readonly weight: number }>()
  #weight = 0

  constructor(limits: { readonly maxWeight: number; readonly maxCount: number }) {
    this.#maxWeight = limits.maxWeight
    this.#maxCount = limits.maxCount
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size
  }

  /** Weight of all entries. */
  get weight(): number {
    return this.#weight
  }

  /** The value of a key, which is now the last one used. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** Sets a value. The entry that was set last stays whatever its weight. */
  set(key: string, value: V, weight: number): void {
    this.#weight += weight - (this.#entries.get(key)?.weight ?? 0)
    this.#entries.delete(key)
    this.#entries.set(key, { value, weight })
    for (const [oldest, entry] of this.#entries) {
      const isWithin = this.#weight <= this.#maxWeight && this.#entries.size <= this.#maxCount
      if (isWithin || oldest === key) break
      this.#entries.delete(oldest)
      this.#weight -= entry.weight
    }
  }
}
