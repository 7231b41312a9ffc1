// SPDX-License-Identifier: Apache-2.0
import { degreeOf } from './cost.ts'
import { type Emitted, emit } from './emitter.ts'
import { parsePattern } from './parser.ts'
import { PatternError } from './syntax.ts'
import { withTimeLimit } from './time-limit.ts'

/** Number of attempts that take some tens of milliseconds. */
const CHEAP_ATTEMPTS = 10_000_000
/** Length up to which a text is cheap for every pattern. */
const SHORT_TEXT = 16
const LIMIT_MS = 50

export interface JavaPatternOptions {
  /**
   * Whether the contents of groups are used. Patterns whose groups differ between JavaScript and
   * Java are then refused. Default false.
   */
  readonly usesGroups?: boolean
}

/** A `java.util.regex` pattern. */
export class JavaPattern {
  /** The configured pattern. */
  readonly pattern: string
  readonly groupCount: number
  readonly names: ReadonlyMap<string, number>
  readonly #emitted: Emitted
  readonly #find: RegExp
  readonly #whole: RegExp
  readonly #degree: number

  /** Throws an `Error` for a pattern that is invalid in Java or not supported. */
  constructor(pattern: string, { usesGroups = false }: JavaPatternOptions = {}) {
    this.pattern = pattern
    try {
      const parsed = parsePattern(pattern)
      this.groupCount = parsed.groupCount
      this.names = parsed.names
      this.#emitted = emit(parsed.root, parsed.groupCount, usesGroups)
      this.#degree = degreeOf(parsed.root)
      const { source, isSticky } = this.#emitted
      this.#find = new RegExp(source, isSticky ? 'vgy' : 'vg')
      this.#whole = new RegExp(`^(?:${source})$`, 'v')
    } catch (error) {
      if (error instanceof PatternError) throw new Error(`a regular expression ${error.message}`)
      throw new Error(`a regular expression: ${(error as Error).message}`)
    }
  }

  /** Whether matching a text of this length may take long, since the matcher backtracks. */
  isCostly(length: number): boolean {
    return length > SHORT_TEXT && length ** this.#degree > CHEAP_ATTEMPTS
  }

  /**
   * Applies the pattern to a text, for at most 50 ms if it may take long. Undefined if it took
   * longer.
   */
  limited<T>(text: string, use: (pattern: this) => T): { readonly value: T } | undefined {
    if (!this.isCostly(text.length)) return { value: use(this) }
    return withTimeLimit(LIMIT_MS, () => use(this))
  }

  /** Whether the pattern matches somewhere in a text. */
  test(text: string): boolean {
    return this.#next(text, 0) !== null
  }

  /** Whether the pattern matches the whole text. */
  matches(text: string): boolean {
    return this.#whole.test(text)
  }

  /** As `matches`; false if it takes too long. */
  matchesInTime(text: string): boolean {
    return this.limited(text, (pattern) => pattern.matches(text))?.value === true
  }

  /** The first match and its groups; a group that did not match is undefined. */
  find(text: string): readonly (string | undefined)[] | undefined {
    const match = this.#next(text, 0)
    return match === null ? undefined : this.#groupsOf(match)
  }

  /** The next match; never inside a surrogate pair. */
  #next(text: string, from: number): RegExpExecArray | null {
    const regex = this.#find
    regex.lastIndex = from
    for (;;) {
      const match = regex.exec(text)
      if (match === null || match[0] !== '' || !isInside(text, match.index)) return match
      regex.lastIndex = match.index + 1
    }
  }

  /** All matches, one after another. */
  *#all(text: string): Generator<RegExpExecArray> {
    for (let from = 0; from <= text.length; ) {
      const match = this.#next(text, from)
      if (match === null) return
      yield match
      from = match.index + match[0].length
      if (match[0] !== '') continue
      // An empty match is not found twice.
      if (this.#emitted.isSticky) return
      from += (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1
    }
  }

  #groupsOf(match: RegExpExecArray): readonly (string | undefined)[] {
    return this.#emitted.groups.map((index) => match[index])
  }

  /** The text with each match replaced. */
  replaceAll(text: string, replace: (groups: readonly (string | undefined)[]) => string): string {
    let out = ''
    let from = 0
    for (const match of this.#all(text)) {
      out += text.slice(from, match.index) + replace(this.#groupsOf(match))
      from = match.index + match[0].length
    }
    return out + text.slice(from)
  }

  /**
   * Java's `String.split`: parts that are empty at the end are left out, and one before a first
   * match of nothing.
   */
  split(text: string): string[] {
    const parts: string[] = []
    let from = 0
    for (const match of this.#all(text)) {
      const end = match.index + match[0].length
      if (end === 0) continue
      parts.push(text.slice(from, match.index))
      from = end
    }
    if (parts.length === 0) return [text]
    parts.push(text.slice(from))
    while (parts.at(-1) === '') parts.pop()
    return parts
  }

  toString(): string {
    return this.pattern
  }

  /** A RegExp that matches whole texts only. */
  toRegExp(): RegExp {
    return this.#whole
  }
}

/** Whether an index lies between the two halves of a character. */
function isInside(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff
}
