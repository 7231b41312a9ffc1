// SPDX-License-Identifier: Apache-2.0
import { property } from './character-classes.ts'
import { type Casing, type CharacterSet, PatternError } from './syntax.ts'

const MAX_COUNT = 0x7fffffff
const ESCAPED: Readonly<Record<string, number>> = {
  a: 0x07,
  e: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
}

/** Reads a pattern character by character. What `\Q…\E` quotes is escaped first, as Java does. */
export class PatternReader {
  readonly #text: string
  #at = 0

  constructor(pattern: string) {
    this.#text = unquoted(pattern)
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  peek(): string | undefined {
    return this.#text[this.#at]
  }

  peekAt(distance: number): string | undefined {
    return this.#text[this.#at + distance]
  }

  next(): string | undefined {
    return this.#text[this.#at++]
  }

  skip(count: number): void {
    this.#at += count
  }

  eat(character: string): boolean {
    if (this.peek() !== character) return false
    this.#at++
    return true
  }

  /** One code point as it stands. */
  code(): number {
    const code = this.#text.codePointAt(this.#at) as number
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  /** With the flag (?x) blanks mean nothing, and # begins a comment. */
  skipComments(isCommented: boolean): void {
    if (!isCommented) return
    for (;;) {
      const character = this.peek() ?? ''
      if (/^[\t\n\v\f\r ]$/.test(character)) this.#at++
      else if (character === '#') {
        while (!this.isAtEnd && !/[\n\r\u0085\u2028\u2029]/.test(this.peek() as string)) this.#at++
      } else return
    }
  }

  groupName(): string {
    const name = /^[a-zA-Z][a-zA-Z0-9]*(?=>)/.exec(this.#text.slice(this.#at))?.[0]
    if (name === undefined) throw new PatternError('with letters and digits as names of groups')
    this.#at += name.length + 1
    return name
  }

  /** `{n}`, `{n,}` or `{n,m}`. */
  counts(): readonly [min: number, max: number] {
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at))
    if (match === null) throw new PatternError('with numbers in {n,m}')
    this.#at += match[0].length
    const min = Number(match[1])
    const max =
      match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])
    if (min > MAX_COUNT || (max > MAX_COUNT && max !== Number.POSITIVE_INFINITY) || max < min) {
      throw new PatternError('with numbers in {n,m} of which the second is not smaller')
    }
    return [min, max]
  }

  /** `\p{Lu}`, `\pL`, `\P{…}`, or the whole of one in a class. */
  property(casing: Casing): CharacterSet {
    const isNegated = this.peekAt(1) === 'P'
    this.#at += 2
    let name = this.next() ?? ''
    if (name === '{') {
      const end = this.#text.indexOf('}', this.#at)
      if (end < 0) throw new PatternError('with a } after \\p{')
      name = this.#text.slice(this.#at, end)
      this.#at = end + 1
    }
    const found = property(inAnyCase(name, casing))
    return { expression: found.expression, isNegated: found.isNegated !== isNegated }
  }

  /** The character that an escape stands for. */
  escapedCode(): number {
    this.#at++
    if (this.isAtEnd) throw new PatternError('without a \\ at its end')
    const letter = this.peek() as string
    if (Object.hasOwn(ESCAPED, letter)) {
      this.#at++
      return ESCAPED[letter] as number
    }
    switch (letter) {
      case '0':
        return this.#octal()
      case 'c': {
        this.#at++
        if (this.isAtEnd) throw new PatternError('with a character after \\c')
        return this.code() ^ 0x40
      }
      case 'u':
        return this.#unicode()
      case 'x':
        return this.#hexadecimal()
      default:
        if (/[a-zA-Z1-9]/.test(letter)) {
          throw new PatternError(`without \\${letter}, which means nothing there`)
        }
        return this.code()
    }
  }

  #take(pattern: RegExp, meaning: string): string {
    const found = pattern.exec(this.#text.slice(this.#at))?.[0]
    if (found === undefined) throw new PatternError(`with digits after ${meaning}`)
    this.#at += found.length
    return found
  }

  #octal(): number {
    this.#at++
    const digits = this.#take(/^([0-3][0-7]{2}|[0-7]{1,2})/, '\\0')
    return Number.parseInt(digits, 8)
  }

  #unicode(): number {
    this.#at++
    const first = Number.parseInt(this.#take(/^[0-9a-fA-F]{4}/, '\\u'), 16)
    if (first < 0xd800 || first > 0xdbff) return first
    const low = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.#text.slice(this.#at))
    if (low === null) return first
    this.#at += low[0].length
    return 0x10000 + ((first - 0xd800) << 10) + (Number.parseInt(low[1] as string, 16) - 0xdc00)
  }

  #hexadecimal(): number {
    this.#at++
    const digits = this.#take(/^([0-9a-fA-F]{2}|\{[0-9a-fA-F]+\})/, '\\x')
    const code = Number.parseInt(digits.replace(/[{}]/g, ''), 16)
    if (code > 0x10ffff) throw new PatternError('with a character of Unicode after \\x')
    return code
  }
}

/** Properties of one case match all cases when case is ignored. */
function inAnyCase(name: string, casing: Casing): string {
  if (casing === 'exact') return name
  if (/^(Lower|Upper)$/.test(name)) return 'Alpha'
  if (/^((Is|(gc|general_category)=)?L[ult]|java(Lower|Upper|Title)Case)$/i.test(name)) return 'LC'
  if (/^Is(lowercase|uppercase|titlecase)$/i.test(name)) return 'IsCased'
  return name
}

function unquoted(pattern: string): string {
  let out = ''
  for (let at = 0; at < pattern.length; ) {
    if (pattern[at] === '\\' && pattern[at + 1] === 'Q') {
      const end = pattern.indexOf('\\E', at + 2)
      const quoted = pattern.slice(at + 2, end < 0 ? undefined : end)
      for (const character of quoted) {
        const isPlain = character > '\u007f' || /[a-zA-Z0-9]/.test(character)
        out += isPlain ? character : `\\${character}`
      }
      at = end < 0 ? pattern.length : end + 2
    } else if (pattern[at] === '\\') {
      out += pattern.slice(at, at + 2)
      at += 2
    } else out += pattern[at++]
  }
  return out
}
