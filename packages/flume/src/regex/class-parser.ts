// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import { PREDEFINED } from './character-classes.ts'
import { otherCases } from './letter-cases.ts'
import type { PatternReader } from './pattern-reader.ts'
import { type Casing, type CharacterSet, PatternError } from './syntax.ts'

/** Parses `[…]` with its unions, intersections and nested classes. */
export class ClassParser {
  readonly #reader: PatternReader
  readonly #casing: Casing
  readonly #skipsBlanks: boolean

  /** The reader stands after the opening bracket. */
  constructor(
    reader: PatternReader,
    flags: { readonly casing: Casing; readonly skipsBlanks: boolean },
  ) {
    this.#reader = reader
    this.#casing = flags.casing
    this.#skipsBlanks = flags.skipsBlanks
  }

  parse(): CharacterSet {
    const reader = this.#reader
    // After a blank it is a character, also where blanks mean nothing.
    const isNegated = reader.eat('^')
    const expression = this.#intersection()
    this.#skip()
    if (!reader.eat(']')) throw new PatternError('with a ] for each [')
    return { expression, isNegated }
  }

  #skip(): void {
    this.#reader.skipComments(this.#skipsBlanks)
  }

  /** `a&&b&&c`: each side is a union. */
  #intersection(): string {
    const operands = [this.#union(true)]
    for (;;) {
      this.#skip()
      if (!(this.#reader.peek() === '&' && this.#reader.peekAt(1) === '&')) break
      this.#reader.skip(2)
      this.#skip()
      const next = this.#reader.peek()
      if (next === '&' || next === ']' || next === undefined) {
        throw new PatternError('with characters on both sides of &&')
      }
      operands.push(this.#union(false))
    }
    const filled = operands.filter((each) => each !== '')
    if (filled.length !== operands.length) {
      throw new PatternError('with characters on both sides of &&')
    }
    return filled.length === 1 ? elementAt(filled, 0) : filled.map((each) => `[${each}]`).join('&&')
  }

  /**
   * Characters, ranges and classes one after another. A bracket that comes first stands for itself.
   */
  #union(isFirst: boolean): string {
    const reader = this.#reader
    let expression = ''
    for (;;) {
      this.#skip()
      const next = reader.peek()
      if (next === undefined) throw new PatternError('with a ] for each [')
      if (next === ']' && (expression !== '' || !isFirst)) return expression
      if (next === '&' && reader.peekAt(1) === '&') return expression
      if (next === '&' && this.#skipsBlanks)
        throw new PatternError('without & in a class under (?x)')
      if (next === '[') {
        reader.next()
        const flags = { casing: this.#casing, skipsBlanks: this.#skipsBlanks }
        expression += bracketed(new ClassParser(reader, flags).parse())
      } else expression += this.#item()
    }
  }

  #item(): string {
    const reader = this.#reader
    if (reader.peek() === '\\') {
      const letter = reader.peekAt(1) ?? ''
      const predefined = Object.hasOwn(PREDEFINED, letter) ? PREDEFINED[letter] : undefined
      const isRange = reader.peekAt(2) === '-'
      if (predefined !== undefined && !(letter === 'v' && isRange)) {
        reader.skip(2)
        return bracketed(predefined)
      }
      if (letter === 'p' || letter === 'P') return bracketed(reader.property(this.#casing))
    }
    const from = this.#code()
    this.#skip()
    const after = reader.peekAt(1)
    if (reader.peek() !== '-' || after === ']' || after === '[' || after === undefined) {
      return this.#cased(from, from)
    }
    reader.next()
    this.#skip()
    const to = this.#code()
    if (to < from) throw new PatternError('with ranges of which the second end is not smaller')
    return this.#cased(from, to)
  }

  #code(): number {
    const reader = this.#reader
    if (reader.peek() !== '\\') return reader.code()
    if (reader.peekAt(1) === 'v') {
      reader.skip(2)
      return 0x0b
    }
    return reader.escapedCode()
  }

  /** A range, with the other case of its letters when case is ignored. */
  #cased(from: number, to: number): string {
    return casedRange(from, to, this.#casing)
  }
}

/** A range of characters in a class, with the other cases of its letters. */
export function casedRange(from: number, to: number, casing: Casing): string {
  switch (casing) {
    case 'exact':
      return range(from, to)
    case 'ascii': {
      const lower = overlap(from, to, 0x41, 0x5a, 0x20)
      const upper = overlap(from, to, 0x61, 0x7a, -0x20)
      return range(from, to) + lower + upper
    }
    case 'unicode':
      return range(from, to) + otherCases(from, to).map(codeText).join('')
  }
}

function overlap(from: number, to: number, first: number, last: number, shift: number): string {
  const [start, end] = [Math.max(from, first), Math.min(to, last)]
  return start > end ? '' : range(start + shift, end + shift)
}

function range(from: number, to: number): string {
  return from === to ? codeText(from) : `${codeText(from)}-${codeText(to)}`
}

/** A code point as JavaScript's classes and patterns may have it. */
export function codeText(code: number): string {
  const character = String.fromCodePoint(code)
  return /^[a-zA-Z0-9]$/.test(character) ? character : `\\u{${code.toString(16).toUpperCase()}}`
}

/** A set as a class of JavaScript's. */
export function bracketed({ expression, isNegated }: CharacterSet): string {
  return `[${isNegated ? '^' : ''}${expression}]`
}
