// SPDX-License-Identifier: Apache-2.0
import { bracketed, casedRange } from './class-parser.ts'
import type { Node } from './syntax.ts'

/** Sample characters by which sets are compared: Latin, and some of other scripts. */
const PROBES: readonly string[] = [
  ...Array.from({ length: 0x250 }, (_, code) => String.fromCodePoint(code)),
  ...'αΩжЯאعनกあア中文한\u0301\u2028\u2029\u3000\ufeff\u{1f600}',
]
/** A counted repetition of more rounds counts as unbounded. */
const MANY = 16
/** The power that doubles the ways for the shortest texts that are not cheap. */
const DOUBLED = 0.25

type Characters = readonly boolean[]

const NOTHING: Characters = PROBES.map(() => false)
const ANYTHING: Characters = PROBES.map(() => true)

const union = (a: Characters, b: Characters): Characters =>
  a.map((each, i) => each || b[i] === true)
const meets = (a: Characters, b: Characters): boolean => a.some((each, i) => each && b[i] === true)

function charactersOf(expression: string): Characters {
  const regex = new RegExp(expression, 'v')
  return PROBES.map((probe) => regex.test(probe))
}

interface Part {
  /** Characters that the part may begin with. */
  readonly first: Characters
  /** Whether it may match the empty text. */
  readonly isNullable: boolean
  /** The power of the length by which the time for one way through the part grows. */
  readonly degree: number
  /**
   * The power of the length by which the ways through the part grow; infinite when they double with
   * each character.
   */
  readonly ways: number
}

/**
 * The power of a text's length by which the time of a backtracking matcher may grow. 1 is a single
 * pass. Infinite for patterns such as `(a+)+b`.
 */
export function degreeOf(root: Node): number {
  const { degree } = analyze(root, NOTHING)
  // The pattern is tried at each place of the text, unless it says where it begins.
  return Math.max(1, isAnchored(root) ? degree : degree + 1)
}

function isAnchored(node: Node): boolean {
  if (node.kind === 'boundary') return node.boundary === 'input-start'
  if (node.kind === 'alternation') return node.nodes.every(isAnchored)
  if (node.kind === 'capture' || node.kind === 'atomic') return isAnchored(node.body)
  if (node.kind !== 'sequence') return false
  const [first] = node.nodes
  return first !== undefined && isAnchored(first)
}

const EMPTY: Part = { first: NOTHING, isNullable: true, degree: 0, ways: 0 }

/** `follow`: characters that may come after the node. */
function analyze(node: Node, follow: Characters): Part {
  switch (node.kind) {
    case 'character':
      return single(charactersOf(`[${casedRange(node.code, node.code, node.casing)}]`))
    case 'set':
      return single(charactersOf(bracketed(node.set)))
    case 'line-break':
      return single(charactersOf('[\\n\\v\\f\\r\\u{85}\\u{2028}\\u{2029}]'))
    case 'sequence':
      return sequence(node.nodes, follow)
    case 'alternation': {
      const parts = node.nodes.map((each) => analyze(each, follow))
      return {
        first: parts.reduce((all, { first }) => union(all, first), NOTHING),
        isNullable: parts.some(({ isNullable }) => isNullable),
        degree: Math.max(...parts.map(({ degree }) => degree)),
        ways: Math.max(...parts.map(({ ways }) => ways)),
      }
    }
    case 'capture':
      return analyze(node.body, follow)
    case 'atomic':
      return { ...analyze(node.body, NOTHING), ways: 0 }
    case 'look':
      return { ...EMPTY, degree: analyze(node.body, NOTHING).degree }
    case 'repeat':
      return repeat(node, follow)
    case 'reference':
      return { first: ANYTHING, isNullable: true, degree: 1, ways: 0 }
    case 'boundary':
      return EMPTY
  }
}

function single(first: Characters): Part {
  return { first, isNullable: false, degree: 0, ways: 0 }
}

/** Each way through a part is tried with the parts after it, as long as those can fail. */
function sequence(nodes: readonly Node[], follow: Characters): Part {
  let after = follow
  let whole = EMPTY
  let canFail = meets(follow, ANYTHING)
  // Of the parts after, up to the last that can fail.
  let failing = 0
  for (const node of [...nodes].reverse()) {
    const part = analyze(node, after)
    const tried = canFail ? part.ways + failing : 0
    canFail ||= !part.isNullable || node.kind === 'boundary' || node.kind === 'look'
    if (canFail) failing = Math.max(part.degree, tried, failing)
    after = part.isNullable ? union(part.first, after) : part.first
    whole = {
      first: part.isNullable ? union(part.first, whole.first) : part.first,
      isNullable: part.isNullable && whole.isNullable,
      degree: Math.max(part.degree, tried, whole.degree),
      ways: part.ways + whole.ways,
    }
  }
  return whole
}

function repeat(node: Node & { kind: 'repeat' }, follow: Characters): Part {
  const { body, min, max, mode } = node
  const isPossessive = mode === 'possessive'
  const once = analyze(body, follow)
  const isNullable = once.isNullable || min === 0
  if (max <= 1) {
    const ways = once.ways + (min === 0 && meets(once.first, follow) ? DOUBLED : 0)
    return { ...once, isNullable, ways: isPossessive ? 0 : ways }
  }
  // Another round may follow, too.
  const part = analyze(body, union(once.first, follow))
  // What ends the repetition could also continue it.
  const isAmbiguous = meets(part.first, follow)
  if (max <= MANY) {
    const empty = part.isNullable && min > 1 ? DOUBLED * min : 0
    const ways = part.ways * max + empty + (min < max && isAmbiguous ? 1 : 0)
    return {
      ...part,
      isNullable,
      degree: Math.max(part.degree, ways),
      ways: isPossessive ? 0 : ways,
    }
  }
  const isDoubling =
    part.ways > 0 || hasOverlap(body) || (part.isNullable && (part.degree > 0 || min > 1))
  const ways = isDoubling ? Number.POSITIVE_INFINITY : isAmbiguous ? 1 : 0
  return {
    first: part.first,
    isNullable,
    degree: isDoubling ? Number.POSITIVE_INFINITY : Math.max(1, part.degree),
    ways: isPossessive ? 0 : ways,
  }
}

/**
 * Whether a node has branches that begin alike: in a repetition each round doubles the attempts.
 */
function hasOverlap(node: Node): boolean {
  switch (node.kind) {
    case 'alternation': {
      let seen = NOTHING
      for (const each of node.nodes) {
        const { first } = analyze(each, NOTHING)
        if (meets(seen, first) || hasOverlap(each)) return true
        seen = union(seen, first)
      }
      return false
    }
    case 'sequence':
      return node.nodes.some(hasOverlap)
    case 'capture':
    case 'repeat':
      return hasOverlap(node.body)
    default:
      return false
  }
}
