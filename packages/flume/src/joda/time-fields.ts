// SPDX-License-Identifier: Apache-2.0
import { instantOf, isTimeZone } from '../time/zones.ts'
import { DAY_MS } from './calendar.ts'
import { type Field, fields, MONTH_MS } from './fields.ts'

interface SavedField {
  readonly field: Field
  readonly value: number
}

/** What has been read of a text: fields, and perhaps a zone. */
export class TimeFields {
  readonly #saved: SavedField[] = []
  #offsetMs: number | undefined
  #zone: string | undefined

  save(field: Field, value: number): void {
    this.#saved.push({ field, value })
  }

  /** An offset counts, wherever a zone stands beside it. */
  setOffset(offsetMs: number): void {
    this.#offsetMs = offsetMs
  }

  setZone(zone: string): void {
    this.#zone = zone
  }

  /**
   * Milliseconds since 1970. Fields that are missing are those of 1970-01-01; without a year, of 2000. Undefined for fields that do not
   * fit together, and for a time that the zone's clock never shows.
   */
  millis(): number | undefined {
    const saved = this.#sorted()
    let ms: number | undefined = 0
    for (const { field, value } of saved) {
      ms = field.set(ms, value)
      if (ms === undefined) return undefined
      ms = field.floor(ms)
    }
    // Larger fields may have moved smaller ones.
    for (const [index, { field, value }] of saved.entries()) {
      ms = field.set(ms, value)
      if (ms === undefined) return undefined
      if (index === saved.length - 1) ms = field.floor(ms)
    }
    if (this.#offsetMs !== undefined) return ms - this.#offsetMs
    return instantOf(ms, this.#zone)
  }

  /** Those that count in the largest fields first. */
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

/** The longest name of a time zone with which a text begins. */
export function zoneAt(text: string): string | undefined {
  const name = /^[A-Za-z0-9_+/-]+/.exec(text)?.[0] ?? ''
  for (let length = name.length; length > 0; length--) {
    const candidate = name.slice(0, length)
    if (/[A-Za-z]/.test(candidate[0] as string) && hasZoneCase(candidate)) return candidate
  }
  return undefined
}

/** Names are read in their case. The case of a second name of a zone can only be told roughly. */
function hasZoneCase(name: string): boolean {
  if (!isTimeZone(name)) return false
  const known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  if (known.toLowerCase() === name.toLowerCase()) return known === name
  return name !== name.toLowerCase() && (name !== name.toUpperCase() || !name.includes('/'))
}
