// SPDX-License-Identifier: Apache-2.0

/** Types of replies, the preferred one first, with the registry's own preference. */
const offered: readonly (readonly [type: string, weight: number])[] = [
  ['application/vnd.schemaregistry.v1+json', 1],
  ['application/vnd.schemaregistry+json', 0.9],
  ['application/json', 0.5],
]

/** The type of a reply whose request names none. */
export const DEFAULT_TYPE = 'application/vnd.schemaregistry.v1+json'

const accepted: readonly string[] = [...offered.map(([type]) => type), 'application/octet-stream']

/** Type of the reply that a client prefers; undefined if it accepts none of those there are. */
export function replyType(accept: string | undefined): string | undefined {
  if (accept === undefined || accept.trim() === '') return DEFAULT_TYPE
  const ranges = accept.split(',').map(parseRange)
  let best: { readonly type: string; readonly weight: number } | undefined
  for (const [type, weight] of offered) {
    const quality = qualityOf(type, ranges)
    if (quality === 0) continue
    const total = quality * 10 + weight
    if (best === undefined || total > best.weight) best = { type, weight: total }
  }
  return best?.type
}

interface Range {
  readonly type: string
  readonly quality: number
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const quality = parameters.find((each) => each.startsWith('q='))?.slice(2)
  const value = quality === undefined ? 1 : Number(quality)
  return { type, quality: Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0 }
}

/** Quality of a type by the most specific range that matches it. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  for (const pattern of [type, 'application/*', '*/*', '*']) {
    const range = ranges.find((each) => each.type === pattern)
    if (range !== undefined) return range.quality
  }
  return 0
}

/** Whether the body of a request is in a type that is read. */
export function isReadable(contentType: string | undefined): boolean {
  if (contentType === undefined) return true
  const [type = ''] = contentType.split(';')
  return accepted.includes(type.trim().toLowerCase())
}
