// SPDX-License-Identifier: Apache-2.0

const ONE = Symbol('_')
const MANY = Symbol('%')
type Part = string | typeof ONE | typeof MANY

/**
 * A LIKE pattern: `_` matches one character, `%` any number of characters; the character after an
 * escape character is literal. Matching takes at most the product of both lengths in steps,
 * whatever the pattern.
 */
export class LikePattern {
  readonly #parts: readonly Part[]

  constructor(pattern: string, escapeChar: string | undefined) {
    const parts: Part[] = []
    let isEscaped = false
    for (const char of pattern) {
      if (isEscaped) {
        parts.push(char)
        isEscaped = false
      } else if (char === escapeChar) isEscaped = true
      else if (char === '_') parts.push(ONE)
      else if (char !== '%') parts.push(char)
      else if (parts.at(-1) !== MANY) parts.push(MANY)
    }
    this.#parts = parts
  }

  matches(text: string): boolean {
    const parts = this.#parts
    const chars = [...text]
    let at = 0
    let part = 0
    /** Where to resume when the part after the last `%` does not match. */
    let retryPart = -1
    let retryAt = 0
    while (at < chars.length) {
      const wanted = parts[part]
      if (wanted === MANY) {
        retryPart = ++part
        retryAt = at
      } else if (wanted === ONE || (wanted !== undefined && wanted === chars[at])) {
        part++
        at++
      } else if (retryPart >= 0) {
        part = retryPart
        at = ++retryAt
      } else {
        return false
      }
    }
    while (parts[part] === MANY) part++
    return part === parts.length
  }
}
