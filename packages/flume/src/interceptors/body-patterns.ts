// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises'
import type { ComponentContext } from '../component.ts'
import type { Event } from '../event.ts'
import type { JavaPattern } from '../regex/java-pattern.ts'
import { rareWarning } from './rare-warning.ts'

/**
 * Applies a pattern to the bodies of events. If the pattern may take long for a body, its time is
 * limited, and other connections get a turn first. An event that exceeds the limit passes
 * unchanged.
 */
export class BodyPattern {
  readonly #pattern: JavaPattern
  readonly #warn: ReturnType<typeof rareWarning>

  constructor(pattern: JavaPattern, context: ComponentContext) {
    this.#pattern = pattern
    this.#warn = rareWarning(context)
  }

  /** Events for which `keeps` returns true. It may change them as its last step. */
  filter(
    events: readonly Event[],
    textOf: (event: Event) => string,
    keeps: (event: Event, text: string) => boolean,
  ): Event[] | Promise<Event[]> {
    const kept: Event[] = []
    for (const [index, event] of events.entries()) {
      const text = textOf(event)
      if (this.#pattern.isCostly(text.length)) {
        return this.#filterSlowly(kept, events.slice(index), textOf, keeps)
      }
      if (keeps(event, text)) kept.push(event)
    }
    return kept
  }

  async #filterSlowly(
    kept: Event[],
    events: readonly Event[],
    textOf: (event: Event) => string,
    keeps: (event: Event, text: string) => boolean,
  ): Promise<Event[]> {
    for (const event of events) {
      const text = textOf(event)
      if (this.#pattern.isCostly(text.length)) await setImmediate()
      const result = this.#pattern.limited(text, () => keeps(event, text))
      if (result === undefined) {
        this.#warn('a pattern takes too long for an event, which passes as it is', {
          pattern: this.#pattern.pattern,
          characters: text.length,
        })
      }
      if (result?.value !== false) kept.push(event)
    }
    return kept
  }
}
