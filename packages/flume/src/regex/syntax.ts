// SPDX-License-Identifier: Apache-2.0

/**
 * A set of characters as an expression of a JavaScript class with the flag `v`, without its
 * brackets.
 */
export interface CharacterSet {
  readonly expression: string
  readonly isNegated: boolean
}

/** How letters compare. */
export type Casing = 'exact' | 'ascii' | 'unicode'

/**
 * A parsed pattern of `java.util.regex`. Flags are resolved: each node has those that apply to it.
 */
export type Node =
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'alternation'; readonly nodes: readonly Node[] }
  | { readonly kind: 'character'; readonly code: number; readonly casing: Casing }
  | { readonly kind: 'set'; readonly set: CharacterSet; readonly casing: Casing }
  /** `index` counts from 1, as Java numbers groups. */
  | { readonly kind: 'capture'; readonly index: number; readonly body: Node }
  | { readonly kind: 'atomic'; readonly body: Node }
  | {
      readonly kind: 'look'
      readonly isAhead: boolean
      readonly isNegative: boolean
      readonly body: Node
    }
  | {
      readonly kind: 'repeat'
      readonly min: number
      readonly max: number
      readonly mode: 'greedy' | 'lazy' | 'possessive'
      readonly body: Node
    }
  | { readonly kind: 'boundary'; readonly boundary: Boundary }
  | { readonly kind: 'reference'; readonly index: number; readonly casing: Casing }
  /** `\R`. */
  | { readonly kind: 'line-break' }

/** A position between characters. */
export type Boundary =
  | 'input-start'
  | 'input-end'
  /** The end, or before the line break that ends the input. */
  | 'last-line-end'
  | 'last-unix-line-end'
  | 'line-start'
  | 'line-end'
  | 'unix-line-start'
  | 'unix-line-end'
  | 'word'
  | 'not-word'
  /** `\G`: the end of the previous match. */
  | 'last-match'

/** A pattern that Java does not accept, or that JavaScript cannot match. */
export class PatternError extends Error {}

/** Least number of characters that a node matches. */
export function minLength(node: Node): number {
  switch (node.kind) {
    case 'sequence':
      return node.nodes.reduce((sum, each) => sum + minLength(each), 0)
    case 'alternation':
      return Math.min(...node.nodes.map(minLength))
    case 'capture':
    case 'atomic':
      return minLength(node.body)
    case 'repeat':
      return node.min === 0 ? 0 : node.min * minLength(node.body)
    case 'character':
    case 'set':
    case 'line-break':
      return 1
    default:
      return 0
  }
}

const MAX_COUNT = 0x7fffffff

/** Largest number of characters that a node matches; infinite if Java has no bound. */
export function maxLength(node: Node): number {
  switch (node.kind) {
    case 'sequence':
      return node.nodes.reduce((sum, each) => sum + maxLength(each), 0)
    case 'alternation':
      return Math.max(...node.nodes.map(maxLength))
    case 'capture':
    case 'atomic':
      return maxLength(node.body)
    case 'repeat': {
      const most = maxLength(node.body)
      if (node.max === 0 || most === 0) return 0
      // To Java, no bound is the largest count, of one character at most.
      const total = Math.min(node.max, MAX_COUNT) * most
      return total > MAX_COUNT ? Number.POSITIVE_INFINITY : total
    }
    case 'reference':
      return Number.POSITIVE_INFINITY
    case 'line-break':
      return 2
    case 'character':
    case 'set':
      return 1
    default:
      return 0
  }
}
