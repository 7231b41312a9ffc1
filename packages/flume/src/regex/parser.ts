// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'

import { ANYTHING, DOT, PREDEFINED, UNIX_DOT } from './character-classes.ts'
import { ClassParser } from './class-parser.ts'
import { PatternReader } from './pattern-reader.ts'
import { type Boundary, type Casing, maxLength, type Node, PatternError } from './syntax.ts'

/** A parsed pattern. */
export interface ParsedPattern {
  readonly root: Node
  readonly groupCount: number
  /** Indexes of named groups. */
  readonly names: ReadonlyMap<string, number>
}

/**
 * Parses a pattern as `java.util.regex.Pattern` of Java 17 does. Throws `PatternError` for invalid
 * patterns and for the few constructs that are not supported.
 */
export function parsePattern(pattern: string): ParsedPattern {
  return new Parser(pattern).parse()
}

const NO_BOUNDARY_FLAGS = 'idmsuxU'

interface Flags {
  readonly i: boolean
  readonly d: boolean
  readonly m: boolean
  readonly s: boolean
  readonly u: boolean
  readonly x: boolean
}

class Parser {
  readonly #reader: PatternReader
  readonly #names = new Map<string, number>()
  #groupCount = 0
  #flags: Flags = { i: false, d: false, m: false, s: false, u: false, x: false }

  constructor(pattern: string) {
    this.#reader = new PatternReader(pattern)
  }

  parse(): ParsedPattern {
    const root = this.#alternation()
    if (!this.#reader.isAtEnd) throw new PatternError('without a ) that closes no group')
    return { root, groupCount: this.#groupCount, names: this.#names }
  }

  get #casing(): Casing {
    if (!this.#flags.i) return 'exact'
    return this.#flags.u ? 'unicode' : 'ascii'
  }

  #alternation(): Node {
    const nodes = [this.#sequence()]
    while (this.#reader.eat('|')) nodes.push(this.#sequence())
    return nodes.length === 1 ? elementAt(nodes, 0) : { kind: 'alternation', nodes }
  }

  #sequence(): Node {
    const reader = this.#reader
    const nodes: Node[] = []
    for (;;) {
      reader.skipComments(this.#flags.x)
      const next = reader.peek()
      if (next === undefined || next === '|' || next === ')') break
      const node = this.#element(next)
      if (node !== undefined) nodes.push(this.#quantified(node))
    }
    return nodes.length === 1 ? elementAt(nodes, 0) : { kind: 'sequence', nodes }
  }

  /** One element without its quantifier; none for flags alone. */
  #element(next: string): Node | undefined {
    const reader = this.#reader
    switch (next) {
      case '(':
        return this.#group()
      case '[':
        reader.next()
        return {
          kind: 'set',
          set: new ClassParser(reader, this.#classFlags()).parse(),
          casing: 'exact',
        }
      case '\\':
        return this.#escape()
      case '^':
        reader.next()
        return this.#boundary(this.#multiline('line-start', 'unix-line-start', 'input-start'))
      case '$':
        reader.next()
        return this.#boundary(
          this.#flags.m
            ? this.#multiline('line-end', 'unix-line-end', 'line-end')
            : this.#flags.d
              ? 'last-unix-line-end'
              : 'last-line-end',
        )
      case '.':
        reader.next()
        return {
          kind: 'set',
          set: this.#flags.s ? ANYTHING : this.#flags.d ? UNIX_DOT : DOT,
          casing: 'exact',
        }
      case '*':
      case '+':
      case '?':
        throw new PatternError(`without a ${next} that repeats nothing`)
      // Java repeats the empty text.
      case '{':
        return { kind: 'sequence', nodes: [] }
      default:
        return this.#character(reader.code())
    }
  }

  #multiline(any: Boundary, unix: Boundary, single: Boundary): Boundary {
    if (!this.#flags.m) return single
    return this.#flags.d ? unix : any
  }

  #classFlags(): { readonly casing: Casing; readonly skipsBlanks: boolean } {
    return { casing: this.#casing, skipsBlanks: this.#flags.x }
  }

  #character(code: number): Node {
    return { kind: 'character', code, casing: this.#casing }
  }

  #boundary(boundary: Boundary): Node {
    return { kind: 'boundary', boundary }
  }

  #escape(): Node {
    const reader = this.#reader
    const letter = reader.peekAt(1) ?? ''
    const predefined = Object.hasOwn(PREDEFINED, letter) ? PREDEFINED[letter] : undefined
    if (predefined !== undefined) {
      reader.skip(2)
      return { kind: 'set', set: predefined, casing: 'exact' }
    }
    switch (letter) {
      case 'p':
      case 'P':
        return { kind: 'set', set: reader.property(this.#casing), casing: 'exact' }
      case 'R':
        reader.skip(2)
        return { kind: 'line-break' }
      case 'A':
        return this.#escapedBoundary('input-start')
      case 'z':
        return this.#escapedBoundary('input-end')
      case 'Z':
        return this.#escapedBoundary(this.#flags.d ? 'last-unix-line-end' : 'last-line-end')
      case 'G':
        return this.#escapedBoundary('last-match')
      case 'b':
        if (reader.peekAt(2) === '{') throw new PatternError('without \\b{g}')
        return this.#escapedBoundary('word')
      case 'B':
        return this.#escapedBoundary('not-word')
      case 'X':
        throw new PatternError('without \\X')
      case 'k':
        return this.#namedReference()
      default:
        return /[1-9]/.test(letter) ? this.#reference() : this.#character(reader.escapedCode())
    }
  }

  #escapedBoundary(boundary: Boundary): Node {
    this.#reader.skip(2)
    return this.#boundary(boundary)
  }

  /** `\11` is group 11 when there are as many so far, and else group 1 before the digit 1. */
  #reference(): Node {
    const reader = this.#reader
    reader.skip(1)
    let index = Number(reader.next())
    for (;;) {
      const digit = reader.peek() ?? ''
      if (!/^\d$/.test(digit)) break
      const longer = index * 10 + Number(digit)
      if (longer > this.#groupCount) break
      index = longer
      reader.next()
    }
    return { kind: 'reference', index, casing: this.#casing }
  }

  #namedReference(): Node {
    const reader = this.#reader
    reader.skip(2)
    if (!reader.eat('<')) throw new PatternError('with \\k<NAME>, not \\k alone')
    const name = reader.groupName()
    const index = this.#names.get(name)
    if (index === undefined) throw new PatternError(`with a group ${name} before \\k<${name}>`)
    return { kind: 'reference', index, casing: this.#casing }
  }

  #group(): Node | undefined {
    const reader = this.#reader
    reader.next()
    const saved = this.#flags
    if (!reader.eat('?')) return this.#capture(saved)
    if (reader.eat(':')) return this.#close(this.#alternation(), saved)
    if (reader.eat('=')) return this.#look(true, false, saved)
    if (reader.eat('!')) return this.#look(true, true, saved)
    if (reader.eat('>')) return { kind: 'atomic', body: this.#close(this.#alternation(), saved) }
    if (reader.eat('<')) {
      if (reader.eat('=')) return this.#look(false, false, saved)
      if (reader.eat('!')) return this.#look(false, true, saved)
      const name = reader.groupName()
      if (this.#names.has(name)) throw new PatternError(`with one group ${name}`)
      this.#names.set(name, this.#groupCount + 1)
      return this.#capture(saved)
    }
    return this.#flagGroup(saved)
  }

  #capture(saved: Flags): Node {
    const index = ++this.#groupCount
    return { kind: 'capture', index, body: this.#close(this.#alternation(), saved) }
  }

  #look(isAhead: boolean, isNegative: boolean, saved: Flags): Node {
    const body = this.#close(this.#alternation(), saved)
    if (!isAhead && maxLength(body) === Number.POSITIVE_INFINITY) {
      throw new PatternError('with an obvious maximum length of what (?<=…) and (?<!…) look for')
    }
    return { kind: 'look', isAhead, isNegative, body }
  }

  #close(body: Node, saved: Flags): Node {
    if (!this.#reader.eat(')')) throw new PatternError('with a ) for each (')
    this.#flags = saved
    return body
  }

  /** `(?i)` sets flags to the end of the group around it, `(?i:…)` for its own contents. */
  #flagGroup(saved: Flags): Node | undefined {
    const reader = this.#reader
    let isOn = true
    for (;;) {
      const letter = reader.next() ?? ''
      if (letter === ')') return undefined
      if (letter === ':') return this.#close(this.#alternation(), saved)
      if (letter === '-' && isOn) {
        isOn = false
        continue
      }
      if (letter === 'U' || letter === 'c') {
        throw new PatternError(`without the flag (?${letter})`)
      }
      if (letter === '' || !NO_BOUNDARY_FLAGS.includes(letter)) {
        throw new PatternError(`without (?${letter}, which is neither a group nor a flag`)
      }
      this.#flags = { ...this.#flags, [letter]: isOn }
    }
  }

  #quantified(body: Node): Node {
    const reader = this.#reader
    reader.skipComments(this.#flags.x)
    const bounds = this.#bounds()
    if (bounds === undefined) return body
    const [min, max] = bounds
    reader.skipComments(this.#flags.x)
    const mode = reader.eat('?') ? 'lazy' : reader.eat('+') ? 'possessive' : 'greedy'
    return { kind: 'repeat', min, max, mode, body }
  }

  #bounds(): readonly [min: number, max: number] | undefined {
    const reader = this.#reader
    if (reader.eat('?')) return [0, 1]
    if (reader.eat('*')) return [0, Number.POSITIVE_INFINITY]
    if (reader.eat('+')) return [1, Number.POSITIVE_INFINITY]
    if (reader.peek() !== '{') return undefined
    return reader.counts()
  }
}
