// SPDX-License-Identifier: Apache-2.0
// Patterns of java.util.regex, generated and hand-written: Java and millrace match the same texts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Random } from '@millrace/base'
import { seededRandom } from '@millrace/testkit'
import { JavaPattern } from '../packages/flume/src/regex/java-pattern.ts'
import { askJava } from './java-questions.ts'

const ROUNDS = Number(process.env.MILLRACE_PATTERNS ?? 3000)

interface Result {
  readonly matches: boolean
  readonly find: readonly (string | null)[] | null
  readonly replaced: string
  readonly split: readonly string[]
}
interface Answer {
  readonly error?: string
  readonly failure?: string
  readonly results?: readonly Result[]
}
interface Question {
  readonly pattern: string
  readonly texts: readonly string[]
}

function ours({ pattern, texts }: Question): Answer {
  let compiled: JavaPattern
  let grouped: JavaPattern | undefined
  try {
    compiled = new JavaPattern(pattern)
  } catch (error) {
    return { error: (error as Error).message }
  }
  try {
    grouped = new JavaPattern(pattern, { usesGroups: true })
  } catch {
    // Only the whole match is compared.
  }
  return {
    results: texts.map((text) => {
      const found = (grouped ?? compiled).find(text)
      return {
        matches: compiled.matches(text),
        find:
          found === undefined
            ? null
            : grouped === undefined
              ? [found[0] as string]
              : found.map((group) => group ?? null),
        replaced: compiled.replaceAll(text, ([whole]) => `<${whole}>`),
        split: compiled.split(text),
      }
    }),
  }
}

/** Writes patterns from a grammar, most of them valid. */
class PatternWriter {
  readonly #random: Random
  #groups = 0
  /** In a lookbehind. Java computes unbounded lengths incorrectly there. */
  #isBounded = false

  constructor(random: Random) {
    this.#random = random
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.integer(list.length)] as T
  }

  pattern(): string {
    this.#groups = 0
    const flags = this.#pick([
      '',
      '',
      '',
      '',
      '(?i)',
      '(?s)',
      '(?m)',
      '(?d)',
      '(?x)',
      '(?iu)',
      '(?md)',
    ])
    return flags + this.#alternation(3)
  }

  #alternation(depth: number): string {
    const count = this.#pick([1, 1, 1, 2, 3])
    return Array.from({ length: count }, () => this.#sequence(depth)).join('|')
  }

  #sequence(depth: number): string {
    const count = this.#pick([0, 1, 1, 2, 2, 3])
    return Array.from({ length: count }, () => this.#quantified(depth)).join('')
  }

  #quantified(depth: number): string {
    return this.#atom(depth) + this.#quantifier()
  }

  #quantifier(): string {
    if (this.#random.integer(2) === 0) return ''
    if (this.#random.integer(30) === 0) return this.#pick(['{2,1}', '{', '{a}', '**', '+*', '{1'])
    if (this.#isBounded) return this.#pick(['?', '??', '?+', '{2}', '{1,2}'])
    return this.#pick([
      ...['?', '*', '+', '??', '*?', '+?', '?+', '*+', '++'],
      ...['{2}', '{1,2}', '{0,}', '{1,2}?', '{1,}+'],
    ])
  }

  #atom(depth: number): string {
    const kind = this.#random.integer(depth > 0 ? 12 : 7)
    if (kind < 3) return this.#literal()
    if (kind < 5) return this.#escape()
    if (kind < 6) return this.#class(2)
    if (kind < 7) return this.#pick(['.', '^', '$'])
    const body = (): string => this.#alternation(depth - 1)
    switch (this.#random.integer(12)) {
      case 0:
      case 1:
      case 2:
        this.#groups++
        return `(${body()})`
      case 3:
        return `(?:${body()})`
      case 4:
        return `(?=${body()})`
      case 5:
        return `(?!${body()})`
      case 6:
        return `(?<=${this.#bounded(body)})`
      case 7:
        return `(?<!${this.#bounded(body)})`
      case 8:
        return `(?>${body()})`
      case 9:
        return `(?${this.#pick(['i', 's', 'm', 'x', '-i', 'i-s', 'd', 'u'])}:${body()})`
      case 10:
        this.#groups++
        return `(?<n${this.#groups}>${body()})`
      default:
        return this.#groups > 0
          ? this.#pick([`\\${1 + this.#random.integer(this.#groups)}`, `\\k<n${this.#groups}>`])
          : this.#pick(['(?i)', '(?-i)', '(?s)'])
    }
  }

  #bounded(write: () => string): string {
    const before = this.#isBounded
    this.#isBounded = true
    const text = write()
    this.#isBounded = before
    return text
  }

  #literal(): string {
    return this.#pick([
      ...'aabbAB12 _-',
      'é',
      'ß',
      'É',
      'k',
      '\u212a',
      '😀',
      ']',
      '}',
      '#',
      ':',
      '\n',
      '&',
      '~',
      '/',
      ',',
    ])
  }

  #escape(): string {
    return this.#pick([
      ...['\\d', '\\D', '\\s', '\\S', '\\w', '\\W', '\\h', '\\H', '\\v', '\\V', '\\R'],
      ...['\\b', '\\B', '\\A', '\\z', '\\Z', '\\G'],
      ...['\\n', '\\t', '\\r', '\\f', '\\a', '\\e', '\\cJ', '\\x41', '\\x{1F600}', '\\x{61}'],
      ...[
        '\\u0061',
        '\\uD83D\\uDE00',
        '\\0101',
        '\\012',
        '\\07',
        '\\.',
        '\\-',
        '\\/',
        '\\&',
        '\\{',
      ],
      ...['\\p{L}', '\\P{L}', '\\pL', '\\PN', '\\p{Lu}', '\\p{IsLu}', '\\p{Alpha}', '\\p{Punct}'],
      ...['\\p{Lower}', '\\p{Upper}', '\\p{IsAlphabetic}', '\\p{IsLatin}', '\\p{javaWhitespace}'],
      ...[
        '\\p{XDigit}',
        '\\p{Space}',
        '\\p{Blank}',
        '\\p{Cntrl}',
        '\\p{script=Latin}',
        '\\p{gc=Ll}',
      ],
      ...['\\Qa.b\\E', '\\Q*\\E', '\\Q]\\E', '\\y', '\\8', '\\p{Nonsense}', '\\p{InGreek}'],
    ])
  }

  #class(depth: number): string {
    const count = this.#pick([1, 1, 2, 3])
    const items = Array.from({ length: count }, () => this.#classItem(depth))
    const and = depth > 0 && this.#random.integer(5) === 0 ? `&&${this.#classItem(depth - 1)}` : ''
    return `[${this.#pick(['', '', '^'])}${items.join('')}${and}]`
  }

  #classItem(depth: number): string {
    if (depth > 0 && this.#random.integer(6) === 0) return this.#class(depth - 1)
    return this.#pick([
      ...[
        'a',
        'b',
        'a-c',
        'A-Z',
        '0-9',
        'x',
        ' ',
        '_',
        '.',
        '*',
        '^',
        '-',
        '&',
        '\\]',
        '\\-',
        '\\^',
      ],
      ...[
        '\\d',
        '\\w',
        '\\s',
        '\\S',
        '\\h',
        '\\v',
        '\\p{L}',
        '\\P{Lu}',
        '\\p{Punct}',
        '\\x41',
        '\\0101',
      ],
      ...[
        'é',
        'ß',
        '😀',
        '\\n',
        '\\t',
        '\\Q-]\\E',
        '\\u0041-\\u0043',
        '#',
        ':',
        '(',
        ')',
        '{',
        '|',
        '$',
      ],
    ])
  }
}

const PIECES = [
  ...[
    'a',
    'b',
    'A',
    'B',
    'ab',
    '1',
    '2',
    ' ',
    '\t',
    '_',
    '-',
    '.',
    '*',
    '&',
    ']',
    '\n',
    '\r',
    '\r\n',
  ],
  ...[
    '\u0085',
    '\u2028',
    'é',
    'É',
    'ß',
    'k',
    'K',
    '\u212a',
    '😀',
    '\u00a0',
    '\u000b',
    '\u0301',
    ':',
    '#',
  ],
]

function textOf(random: Random): string {
  return Array.from(
    { length: random.integer(8) },
    () => PIECES[random.integer(PIECES.length)],
  ).join('')
}

/** Patterns of published configurations, and patterns that are easily parsed incorrectly. */
const written: readonly Question[] = [
  {
    pattern: '^(\\S+) (\\S+) \\[([^\\]]+)\\] "([^"]*)" (\\d+)$',
    texts: ['h u [d] "GET /" 200', 'x'],
  },
  { pattern: '(\\d):(\\d):(\\d)', texts: ['1:2:3.4foobar5'] },
  { pattern: '\\p{L}+', texts: ['ünï 1'] },
  { pattern: '[\\p{L}&&[^\\p{Lu}]]+', texts: ['abcDEF'] },
  { pattern: 'a++b', texts: ['aaab', 'b'] },
  { pattern: '(?>a|ab)c', texts: ['abc', 'ac'] },
  { pattern: 'error$', texts: ['error\n', 'error', 'error\nx'] },
  { pattern: '(?m)^\\w+$', texts: ['one\ntwo\r\nthree'] },
  { pattern: '\\x{41}\\x41\\0101', texts: ['AAA'] },
  { pattern: '(?<year>\\d{4})-\\k<year>', texts: ['2026-2026', '2026-2025'] },
  { pattern: '[[a-c][x-z]]', texts: ['b', 'y', 'm'] },
  { pattern: '[^[a-c]b]', texts: ['a', 'd'] },
  { pattern: '[a-z&&b-dx]', texts: ['c', 'x', 'y'] },
  { pattern: '\\bé', texts: ['é', 'aé', ' é'] },
]

describe('patterns', () => {
  it(`match and split as in Java (${ROUNDS} generated)`, async () => {
    const random = seededRandom(Number(process.env.MILLRACE_SEED ?? 29))
    const writer = new PatternWriter(random)
    const generated = Array.from({ length: ROUNDS }, () => ({
      pattern: writer.pattern(),
      texts: Array.from({ length: 8 }, () => textOf(random)),
    }))
    const questions = [...written, ...generated]
    const answers = await askJava<Answer>(['JavaPatterns'], questions)
    const different: string[] = []
    let valid = 0
    let refused = 0
    for (const [index, question] of questions.entries()) {
      const theirs = answers[index] as Answer
      // Java fails on some intersections of classes.
      if (theirs.failure !== undefined) continue
      const own = ours(question)
      const name = JSON.stringify(question.pattern)
      if (theirs.results === undefined) {
        // millrace allows longer lookbehinds than Java.
        const isLonger = theirs.error?.startsWith('Look-behind') === true
        if (own.results !== undefined && !isLonger) different.push(`${name}: Java: ${theirs.error}`)
        continue
      }
      valid++
      if (own.results === undefined) {
        refused++
        continue
      }
      for (const [i, text] of question.texts.entries()) {
        // Java's lookbehinds count a surrogate pair as two characters.
        if (text.includes('😀') && question.pattern.includes('(?<')) continue
        const difference = differenceOf(own.results[i] as Result, theirs.results[i] as Result)
        if (difference === undefined) continue
        different.push(`${name} on ${JSON.stringify(text)}: ${difference}`)
        break
      }
    }
    assert.deepEqual(different, [])
    assert.ok(refused < valid / 4, `${refused} of ${valid} are rejected`)
  })
})

function differenceOf(mine: Result, theirs: Result): string | undefined {
  // Java also finds empty matches within a surrogate pair, and writes each half as "?".
  const isSplit = theirs.replaced.includes('?') || theirs.split.join('').includes('?')
  const { replaced, split } = isSplit ? mine : theirs
  const own = mine.find?.length === 1 ? (theirs.find?.slice(0, 1) ?? null) : theirs.find
  const find = isSplit ? mine.find : own
  return isDeepStrictEqual(mine, { matches: theirs.matches, find, replaced, split })
    ? undefined
    : `${JSON.stringify(mine)}, Java ${JSON.stringify(theirs)}`
}
