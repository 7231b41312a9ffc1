// SPDX-License-Identifier: Apache-2.0

/** A URI reference in two parts; the fragment is without `#`. */
export interface SplitReference {
  /** Everything before the fragment. */
  readonly document: string
  /** The fragment; empty if there is none. */
  readonly fragment: string
}

/** Splits a URI reference at its first `#`. */
export function splitReference(reference: string): SplitReference {
  const hash = reference.indexOf('#')
  return hash < 0
    ? { document: reference, fragment: '' }
    : { document: reference.slice(0, hash), fragment: reference.slice(hash + 1) }
}

const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/
const hierarchical = /^([A-Za-z][A-Za-z0-9+.-]*:)?(\/\/[^/?]*)?([^?]*)/

/** Resolves a reference (RFC 3986, section 5) against a base that may itself be relative. */
export function resolveReference(base: string, reference: string): string {
  if (scheme.test(reference)) return reference
  const { document } = splitReference(base)
  if (reference === '' || reference.startsWith('#')) return document + reference
  const [, prefix = '', authority = '', path = ''] = hierarchical.exec(document) ?? []
  if (prefix !== '' && authority === '' && !path.startsWith('/')) return reference
  if (reference.startsWith('//')) return prefix + reference
  const separated = /[?#]/.exec(reference)?.index ?? reference.length
  const target = reference.slice(0, separated)
  const rest = reference.slice(separated)
  if (target === '') return `${prefix}${authority}${path}${rest}`
  const merged = target.startsWith('/') ? target : path.slice(0, path.lastIndexOf('/') + 1) + target
  const rooted = authority !== '' && !merged.startsWith('/') ? `/${merged}` : merged
  return `${prefix}${authority}${withoutDots(rooted)}${rest}`
}

function withoutDots(path: string): string {
  const result: string[] = []
  const segments = path.split('/')
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    if (segment === '..' && result.length > 0 && result.at(-1) !== '..' && result.at(-1) !== '') {
      result.pop()
      if (last) result.push('')
    } else if (segment === '.' || (segment === '..' && result.at(-1) === '')) {
      if (last) result.push('')
    } else {
      result.push(segment)
    }
  }
  return result.join('/')
}
