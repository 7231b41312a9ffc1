// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError } from '../schema/schema.ts'
import type { Place } from './model.ts'

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

const simpleWord = /[A-Za-z0-9_-]+/y
const dottedWord = /[A-Za-z0-9_.-]+/y
const blank = /[ \t\r\n]+/y

/** Reads the words, numbers and strings of a `.proto` text; comments are skipped. */
export class SyntaxReader {
  readonly #text: string
  #position = 0
  /** Position of the first character of the line that was reached. */
  #lineStart = 0
  #line = 1
  /** Position of the first line end after `#lineStart`, -1 for none; undefined if not known. */
  #lineEnd: number | undefined

  /** Reads `text` from its first character. */
  constructor(text: string) {
    this.#text = text
  }

  /** Skips blanks and comments; whether nothing is left. */
  exhausted(): boolean {
    this.#skip()
    return this.#position >= this.#text.length
  }

  /** Place of the next character; blanks before it are skipped. */
  place(): Place {
    this.#skip()
    return this.#placeAt(this.#position)
  }

  /** The next character that is not blank, which stays unread. */
  peek(): string {
    this.#skip()
    const character = this.#text[this.#position]
    if (character === undefined) throw this.error('unexpected end of file')
    return character
  }

  /** Reads `character` if it is next; whether it was. */
  accept(character: string): boolean {
    if (this.peek() !== character) return false
    this.#position++
    return true
  }

  /** Reads `character`; throws if another one is next. */
  require(character: string): void {
    const found = this.peek()
    if (found !== character) throw this.error(`expected '${character}' but found '${found}'`)
    this.#position++
  }

  /** Reads a word: letters, digits, `_`, `-` and, unless told otherwise, dots. */
  word(options: { readonly dots?: boolean; readonly leadingDigit?: boolean } = {}): string {
    this.#skip()
    const pattern = options.dots === false ? simpleWord : dottedWord
    pattern.lastIndex = this.#position
    const word = pattern.exec(this.#text)?.[0]
    if (word === undefined) {
      if (this.#position >= this.#text.length) throw this.error('unexpected end of file')
      throw this.error(`expected a word but found '${this.#text[this.#position]}'`)
    }
    if (options.leadingDigit === false && word[0] !== undefined && /\d/.test(word[0])) {
      throw this.error(`names of fields and constants cannot start with a digit: ${word}`)
    }
    this.#position += word.length
    return word
  }

  /** Reads a name; parentheses or brackets around it are removed, or kept with `keepWrap`. */
  name(
    options: {
      readonly dots?: boolean
      readonly leadingDigit?: boolean
      readonly keepWrap?: boolean
    } = {},
  ): string {
    const close = { '(': ')', '[': ']' }[this.peek()]
    if (close === undefined) return this.word(options)
    const open = this.#text[this.#position++]
    const word = this.word()
    this.require(close)
    return options.keepWrap ? `${open}${word}${close}` : word
  }

  /** Reads a 32-bit integer, decimal or after `0x` hexadecimal. */
  integer(): number {
    const place = this.place()
    const word = this.word()
    const hexadecimal = /^0[xX](-?[0-9a-fA-F]+)$/.exec(word)?.[1]
    const value =
      hexadecimal !== undefined
        ? Number.parseInt(hexadecimal, 16)
        : /^-?\d+$/.test(word)
          ? Number.parseInt(word, 10)
          : Number.NaN
    if (!(value >= -(2 ** 31) && value < 2 ** 31)) {
      throw this.error(`expected a 32-bit integer but found ${shortened(word)}`, place)
    }
    return value === 0 ? 0 : value
  }

  /** Reads a quoted string with its escapes; strings that follow directly are appended. */
  quoted(): string {
    const place = this.place()
    const first = this.peek()
    if (first !== '"' && first !== "'") {
      throw this.error(`expected a quoted string but found '${first}'`)
    }
    let result = ''
    while (!this.exhausted()) {
      const quote = this.#text[this.#position]
      if (quote !== '"' && quote !== "'") return result
      this.#position++
      result += this.#quotedPart(quote, place)
    }
    return result
  }

  /** An error at `place`, by default at the next character. */
  error(message: string, place: Place = this.#placeAt(this.#position)): InvalidSchemaError {
    return new InvalidSchemaError(`line ${place.line}, column ${place.column}: ${message}`)
  }

  #quotedPart(quote: string, place: Place): string {
    const parts: string[] = []
    let start = this.#position
    for (;;) {
      const character = this.#text[this.#position]
      if (character === undefined) throw this.error('unterminated string', place)
      if (character === quote) {
        parts.push(this.#text.slice(start, this.#position++))
        return parts.join('')
      }
      if (character !== '\\') {
        this.#position++
        continue
      }
      parts.push(this.#text.slice(start, this.#position++))
      parts.push(this.#escape(place))
      start = this.#position
    }
  }

  #escape(place: Place): string {
    const character = this.#text[this.#position++]
    if (character === undefined) throw this.error('unterminated string', place)
    if (character === 'x' || character === 'X') {
      const digits = /^[0-9a-fA-F]{1,2}/.exec(this.#text.slice(this.#position, this.#position + 2))
      if (digits === null) throw this.error(`expected a digit after \\${character}`)
      this.#position += digits[0].length
      return String.fromCharCode(Number.parseInt(digits[0], 16))
    }
    if (character >= '0' && character <= '7') {
      const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.#position - 1, this.#position + 2))
      const digits = octal?.[0] ?? character
      this.#position += digits.length - 1
      return String.fromCharCode(Number.parseInt(digits, 8))
    }
    return escapes[character] ?? character
  }

  #skip(): void {
    for (;;) {
      blank.lastIndex = this.#position
      const spaces = blank.exec(this.#text)?.[0]
      if (spaces !== undefined) this.#position += spaces.length
      if (this.#text[this.#position] !== '/') return
      this.#comment()
    }
  }

  #comment(): void {
    const start = this.#position
    const second = this.#text[start + 1]
    if (second === '/') {
      const end = this.#text.indexOf('\n', start)
      this.#position = end === -1 ? this.#text.length : end + 1
    } else if (second === '*') {
      const end = this.#text.indexOf('*/', start + 2)
      if (end === -1) throw this.error('unterminated comment')
      this.#position = end + 2
    } else {
      throw this.error("unexpected '/'")
    }
  }

  /** Places are asked for in rising order, so lines are counted once. */
  #placeAt(position: number): Place {
    if (position < this.#lineStart) {
      this.#line = 1
      this.#lineStart = 0
      this.#lineEnd = undefined
    }
    for (;;) {
      const end = this.#lineEnd ?? this.#text.indexOf('\n', this.#lineStart)
      this.#lineEnd = end
      if (end === -1 || end >= position) break
      this.#line++
      this.#lineStart = end + 1
      this.#lineEnd = undefined
    }
    return { line: this.#line, column: position - this.#lineStart + 1 }
  }
}

/** The beginning of a text that a client sent, for a message. */
export function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`
}
