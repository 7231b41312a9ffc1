// SPDX-License-Identifier: Apache-2.0
import { UsageError } from '../usage-error.ts'

/** A position in a partition, as given on the command line. */
export type OffsetSpec =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'end' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  /** Number of records before the end. */
  | { readonly kind: 'last'; readonly count: bigint }
  /** Milliseconds since 1970. */
  | { readonly kind: 'time'; readonly timestamp: number }

export const offsetSpecHelp =
  'beginning, end, an offset, -N for the last N, a time (2026-11-21T08:00:00Z), or an age (30m, 12h, 7d)'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export function parseOffsetSpec(option: string, text: string, now: number): OffsetSpec {
  if (text === 'beginning' || text === 'earliest') return { kind: 'beginning' }
  if (text === 'end' || text === 'latest') return { kind: 'end' }
  if (/^\d+$/.test(text)) return { kind: 'offset', offset: BigInt(text) }
  if (/^-\d+$/.test(text)) return { kind: 'last', count: BigInt(text.slice(1)) }
  const ago = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text)
  if (ago !== null) {
    return {
      kind: 'time',
      timestamp: Math.round(now - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0)),
    }
  }
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return { kind: 'time', timestamp: time }
  throw new UsageError(`invalid --${option} ${text}: expected ${offsetSpecHelp}`)
}
