// SPDX-License-Identifier: Apache-2.0
import { bracketed, casedRange, codeText } from './class-parser.ts'
import { type Boundary, type Casing, minLength, type Node, PatternError } from './syntax.ts'

/** A JavaScript pattern for the flag `v`, and where Java's groups are in it. */
export interface Emitted {
  readonly source: string
  /** The number of JavaScript's group for each of Java's; the first is the whole match. */
  readonly groups: readonly number[]
  /** It begins where the match before ended. */
  readonly isSticky: boolean
}

const LINE_BREAK = '(?:\\r\\n|[\\n\\v\\f\\r\\u{85}\\u{2028}\\u{2029}])'
const BREAK = '[\\n\\r\\u{85}\\u{2028}\\u{2029}]'
/** Java 17 looks at letters and digits of all scripts for \b, and at marks that follow them. */
const WORD = '[_\\p{L}\\p{Nd}]'
const MARKED = '[\\p{L}\\p{Nd}]\\p{Mn}'
const AFTER = `(?<=${WORD}|${MARKED}+)`
const NOT_AFTER = `(?<!${WORD}|${MARKED}+)`
const BEFORE = `(?=${WORD}|(?<=${MARKED}*)\\p{Mn})`
const NOT_BEFORE = `(?!${WORD}|(?<=${MARKED}*)\\p{Mn})`

const BOUNDARIES: Readonly<Record<Exclude<Boundary, 'last-match'>, string>> = {
  'input-start': '^',
  'input-end': '$',
  'last-line-end': '(?=(?:\\r\\n|(?<!\\r)\\n|[\\r\\u{85}\\u{2028}\\u{2029}])?$)',
  'last-unix-line-end': '(?=\\n?$)',
  'line-start': `(?:^|(?<=[\\n\\u{85}\\u{2028}\\u{2029}]|\\r(?!\\n)))(?!$)`,
  'unix-line-start': '(?:^|(?<=\\n))(?!$)',
  'line-end': `(?=(?<!\\r(?=\\n))${BREAK}|$)`,
  'unix-line-end': '(?=\\n|$)',
  word: `(?:${AFTER}${NOT_BEFORE}|${NOT_AFTER}${BEFORE})`,
  'not-word': `(?:${AFTER}${BEFORE}|${NOT_AFTER}${NOT_BEFORE})`,
}

/**
 * Writes a parsed pattern for JavaScript. Throws `PatternError` for what JavaScript matches in
 * another way and that cannot be rewritten; with `usesGroups` also for groups whose contents would
 * differ.
 */
export function emit(root: Node, groupCount: number, usesGroups: boolean): Emitted {
  return new Emitter(groupCount, usesGroups).emit(root)
}

class Emitter {
  readonly #groups: number[]
  readonly #usesGroups: boolean
  /** Groups that JavaScript has so far. */
  #count = 0

  constructor(groupCount: number, usesGroups: boolean) {
    this.#groups = Array.from({ length: groupCount + 1 }, () => 0)
    this.#usesGroups = usesGroups
  }

  emit(root: Node): Emitted {
    const [isSticky, rest] = withoutLastMatch(root)
    if (this.#usesGroups) checkGroups(rest, TOP)
    const source = this.#node(rest, { isBehind: false, keepsBreaks: false, set: new Set() })
    return { source, groups: this.#groups, isSticky }
  }

  #node(node: Node, context: Context): string {
    switch (node.kind) {
      case 'sequence':
        return node.nodes.map((each) => this.#node(each, context)).join('')
      case 'alternation':
        return `(?:${this.#branches(node.nodes, context).join('|')})`
      case 'character':
        return character(node.code, node.casing)
      case 'set':
        return bracketed(node.set)
      case 'capture': {
        const own = ++this.#count
        this.#groups[node.index] = own
        const body = this.#node(node.body, context)
        context.set.add(node.index)
        return `(${body})`
      }
      case 'atomic':
        return this.#atomic(() => this.#node(node.body, context), context)
      case 'look':
        return this.#look(node, context)
      case 'repeat':
        return this.#repeat(node, context)
      case 'boundary':
        if (node.boundary === 'last-match') {
          throw new PatternError('with \\G at its beginning only')
        }
        return BOUNDARIES[node.boundary]
      case 'reference':
        return this.#reference(node.index, node.casing, context)
      case 'line-break':
        return context.keepsBreaks ? this.#atomic(() => LINE_BREAK, context) : LINE_BREAK
    }
  }

  /** A group is set after an alternation when every branch sets it. */
  #branches(nodes: readonly Node[], context: Context): string[] {
    const sets: Set<number>[] = []
    const texts = nodes.map((each) => {
      const own = new Set(context.set)
      sets.push(own)
      return this.#node(each, { ...context, set: own })
    })
    for (const index of sets[0] ?? []) {
      if (sets.every((own) => own.has(index))) context.set.add(index)
    }
    return texts
  }

  #look(node: Node & { kind: 'look' }, context: Context): string {
    const own = new Set(context.set)
    const inner = { isBehind: !node.isAhead, keepsBreaks: false, set: own }
    const body = this.#node(node.body, inner)
    if (!node.isNegative) for (const index of own) context.set.add(index)
    return `(?:(?${node.isAhead ? '' : '<'}${node.isNegative ? '!' : '='}${body}))`
  }

  #repeat(node: Node & { kind: 'repeat' }, context: Context): string {
    const { min, max, mode, body } = node
    const isNullable = minLength(body) === 0
    if (max > 1 && isNullable && !prefersMore(body)) {
      throw new PatternError(
        'without repetitions of what may be empty before it tries to be longer',
      )
    }
    const keepsBreaks = context.keepsBreaks || isDeterministic(body)
    const text = (): string => {
      const own = new Set(context.set)
      const inner = this.#node(body, { ...context, keepsBreaks, set: own })
      if (min > 0) for (const index of own) context.set.add(index)
      // Java tries it once, empty or not; JavaScript does not let it be empty.
      if (min === 0 && max === 1 && isNullable) {
        return mode === 'lazy' ? `(?:|${inner})` : `(?:${inner}|)`
      }
      return `(?:${inner})${counts(min, max)}${mode === 'lazy' ? '?' : ''}`
    }
    return mode === 'possessive' ? this.#atomic(text, context) : text()
  }

  /** A lookahead is never tried again: what it saw is matched by a reference to it. */
  #atomic(write: () => string, context: Context): string {
    if (context.isBehind) {
      throw new PatternError('without (?>…) and possessive quantifiers in what it looks behind for')
    }
    const own = ++this.#count
    const body = write()
    return `(?:(?=(${body}))\\${own})`
  }

  #reference(index: number, casing: Casing, context: Context): string {
    if (!context.set.has(index)) {
      throw new PatternError(`with a group ${index} that is certain to match before \\${index}`)
    }
    if (context.isBehind) throw new PatternError('without references in what it looks behind for')
    // V8 lets (?i:...) reach beyond its end under the flag v.
    if (casing !== 'exact') throw new PatternError('without references under (?i)')
    return `(?:\\${this.#groups[index]})`
  }
}

interface Context {
  /** In a lookbehind, which JavaScript matches backwards. */
  readonly isBehind: boolean
  /**
   * \\R does not backtrack into a CRLF line break: Java tries it once in repetitions without
   * alternatives.
   */
  readonly keepsBreaks: boolean
  /** Groups that have matched when this is reached. */
  readonly set: Set<number>
}

function counts(min: number, max: number): string {
  if (min === 0 && max === Number.POSITIVE_INFINITY) return '*'
  if (min === 1 && max === Number.POSITIVE_INFINITY) return '+'
  if (min === 0 && max === 1) return '?'
  return max === Number.POSITIVE_INFINITY ? `{${min},}` : `{${min},${max}}`
}

function character(code: number, casing: Casing): string {
  const cases = casedRange(code, code, casing)
  return cases === codeText(code) ? cases : `[${cases}]`
}

/** Whether `\G` comes first, and the pattern without it. */
function withoutLastMatch(root: Node): readonly [isSticky: boolean, rest: Node] {
  if (root.kind === 'boundary' && root.boundary === 'last-match') {
    return [true, { kind: 'sequence', nodes: [] }]
  }
  if (root.kind !== 'sequence') return [false, root]
  const [first, ...nodes] = root.nodes
  const isSticky = first?.kind === 'boundary' && first.boundary === 'last-match'
  return isSticky ? [true, { kind: 'sequence', nodes }] : [false, root]
}

/**
 * Whether a node that may be empty is so only when nothing longer matches: JavaScript's repetitions
 * skip empty rounds.
 */
function prefersMore(node: Node): boolean {
  if (minLength(node) > 0) return true
  switch (node.kind) {
    case 'sequence':
      return node.nodes.every(prefersMore)
    case 'alternation': {
      const last = node.nodes.at(-1) as Node
      return node.nodes.slice(0, -1).every((each) => minLength(each) > 0) && prefersMore(last)
    }
    case 'capture':
    case 'atomic':
      return prefersMore(node.body)
    case 'repeat':
      return node.mode !== 'lazy' && prefersMore(node.body)
    default:
      return true
  }
}

/** Whether Java sees no choices in a node: what it repeats is then not tried in another way. */
function isDeterministic(node: Node): boolean {
  switch (node.kind) {
    case 'sequence':
      return node.nodes.every(isDeterministic)
    case 'alternation':
      return false
    case 'repeat':
      return node.min === node.max && isDeterministic(node.body)
    case 'capture':
    case 'atomic':
      return isDeterministic(node.body)
    default:
      return true
  }
}

interface Surroundings {
  /** A repetition of more than one round. */
  readonly isRepeated: boolean
  /** What may be left out: a branch of an alternation, a round that is not required. */
  readonly isOptional: boolean
  /**
   * A lookahead, lookbehind or atomic group, of which Java keeps what it captured when the rest
   * fails.
   */
  readonly isKept: boolean
}

const TOP: Surroundings = { isRepeated: false, isOptional: false, isKept: false }

/** Refuses groups of which JavaScript and Java may remember other contents. */
function checkGroups(node: Node, around: Surroundings): void {
  switch (node.kind) {
    case 'sequence':
      for (const each of node.nodes) checkGroups(each, around)
      return
    case 'alternation':
      for (const each of node.nodes) {
        // JavaScript forgets in each round what the round before captured; Java does not.
        if (around.isRepeated || around.isKept) refuseGroups(each)
        checkGroups(each, { ...around, isOptional: true })
      }
      return
    case 'repeat':
      checkRepeat(node, around)
      return
    case 'atomic':
    case 'look':
      if (around.isOptional || (node.kind === 'look' && node.isNegative)) refuseGroups(node.body)
      checkGroups(node.body, { ...around, isKept: true })
      return
    case 'capture':
      checkGroups(node.body, around)
      return
    default:
      return
  }
}

function checkRepeat(node: Node & { kind: 'repeat' }, around: Surroundings): void {
  const { body, min, max, mode } = node
  const isLoop = max > 1
  const isOptional = min === 0
  const isForgotten = (around.isRepeated || around.isKept) && (isOptional || isLoop)
  // Java lets a round that is not required be empty; JavaScript leaves it out.
  const isEmpty = (isLoop || isOptional) && minLength(body) === 0
  if (mode === 'possessive' || isForgotten || isEmpty) refuseGroups(body)
  checkGroups(body, {
    isRepeated: around.isRepeated || isLoop,
    isOptional: around.isOptional || isOptional,
    isKept: around.isKept,
  })
}

function refuseGroups(node: Node): void {
  const index = firstGroup(node)
  if (index === undefined) return
  throw new PatternError(
    `in which group ${index} matches the same in Java and JavaScript: outside of alternations and choices in repetitions, in lookarounds and in atomic groups`,
  )
}

function firstGroup(node: Node): number | undefined {
  switch (node.kind) {
    case 'capture':
      return node.index
    case 'sequence':
    case 'alternation':
      for (const each of node.nodes) {
        const found = firstGroup(each)
        if (found !== undefined) return found
      }
      return undefined
    case 'repeat':
    case 'atomic':
    case 'look':
      return firstGroup(node.body)
    default:
      return undefined
  }
}
