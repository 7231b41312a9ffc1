// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { instantOf, isTimeZone } from '../time/zones.ts'
import { DAY_MS } from './calendar.ts'
import { type Field, fields, MONTH_MS } from './fields.ts'

interface SavedField {
  readonly field: Field
  readonly value: number
}

/** Fields, and the zone if any, of a parsed text. */
export class TimeFields {
  readonly #saved: SavedField[] = []
  #offsetMs: number | undefined
  #zone: string | undefined

  save(field: Field, value: number): void {
    this.#saved.push({ field, value })
  }

  /** An offset overrides a zone. */
  setOffset(offsetMs: number): void {
    this.#offsetMs = offsetMs
  }

  setZone(zone: string): void {
    this.#zone = zone
  }

  /**
   * Milliseconds since 1970. Missing fields are those of 1970-01-01, or of 2000 without a year.
   * Undefined for contradictory fields, and for a local time that the zone skips.
   */
  millis(): number | undefined {
    const saved = this.#sorted()
    let ms: number | undefined = 0
    for (const { field, value } of saved) {
      ms = field.set(ms, value)
      if (ms === undefined) return undefined
      ms = field.floor(ms)
    }
    // Larger fields may have changed smaller ones.
    for (const [index, { field, value }] of saved.entries()) {
      ms = field.set(ms, value)
      if (ms === undefined) return undefined
      if (index === saved.length - 1) ms = field.floor(ms)
    }
    if (this.#offsetMs !== undefined) return ms - this.#offsetMs
    return instantOf(ms, this.#zone)
  }

  /** Sorts by the enclosing field, the largest first. */
  #sorted(): readonly SavedField[] {
    const saved = [...this.#saved].sort(compareFields)
    const unitMs = saved[0]?.field.unitMs
    if (unitMs === undefined || unitMs > MONTH_MS || unitMs < DAY_MS) return saved
    return [...saved, { field: fields.year, value: 2000 }].sort(compareFields)
  }
}

function compareFields({ field: a }: SavedField, { field: b }: SavedField): number {
  return descending(a.rangeMs, b.rangeMs) || descending(a.unitMs, b.unitMs)
}

function descending(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined)
    return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1)
  return b - a
}

/** The longest name of a time zone that the text starts with. */
export function zoneAt(text: string): string | undefined {
  const name = /^[A-Za-z0-9_+/-]+/.exec(text)?.[0] ?? ''
  for (let length = name.length; length > 0; length--) {
    const candidate = name.slice(0, length)
    if (/[A-Za-z]/.test(elementAt(candidate, 0)) && hasZoneCase(candidate)) return candidate
  }
  return undefined
}

/** Names are case-sensitive. The case of alias names is approximated. */
function hasZoneCase(name: string): boolean {
  if (!isTimeZone(name)) return false
  const known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  if (known.toLowerCase() === name.toLowerCase()) return known === name
  return name !== name.toLowerCase() && (name !== name.toUpperCase() || !name.includes('/'))
}
