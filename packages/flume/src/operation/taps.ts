// SPDX-License-Identifier: Apache-2.0
import type { Event } from '../event.ts'

type Listener = (component: string, events: readonly Event[]) => void

/** Observers of events; without an observer they cost nothing. */
export class Taps {
  readonly #listeners = new Map<string, Set<Listener>>()

  pass(component: string, events: readonly Event[]): void {
    if (this.#listeners.size === 0) return
    for (const listener of this.#listeners.get(component) ?? []) listener(component, events)
  }

  /**
   * Calls `listener` with every batch that passes a component. Returns a function that removes it.
   */
  listen(component: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(component) ?? new Set()
    listeners.add(listener)
    this.#listeners.set(component, listeners)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(component)
    }
  }
}
