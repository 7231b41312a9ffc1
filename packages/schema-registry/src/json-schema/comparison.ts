// SPDX-License-Identifier: Apache-2.0
import { type CompatibilityPolicy, EffortExceededError } from '../schema/schema.ts'
import { type Difference, isCompatible } from './differences.ts'
import { JsonIdentities } from './json-text.ts'
import type { Schema } from './model.ts'
import { type BoundedRegExp, boundedRegExp, RegExpLimitError } from './regular-expression.ts'

/**
 * Bounds of one comparison: pairs and properties visited, levels, differences of one pair, time
 * for regular expressions.
 */
export const comparisonLimits = {
  steps: 400_000,
  depth: 1000,
  differences: 1000,
  matchTimeMs: 500,
} as const

/** Thrown when a comparison is over its bounds. */
export class ComparisonLimitError extends Error {
  override readonly name = 'ComparisonLimitError'
}

/** How two schemas of a pair differ. */
type Compare = (scope: Scope, original: Schema, update: Schema) => void

/** The differences found in one comparison, at a place of the pair that is compared. */
export class Scope {
  /** The comparison as a whole. */
  readonly run: Run
  readonly #path: string | undefined
  readonly #found: Found

  /** A scope at the root of a pair; `path` and `found` are for scopes derived from another. */
  constructor(run: Run, path?: string, found: Found = { differences: [], incompatible: 0 }) {
    this.run = run
    this.#path = path
    this.#found = found
  }

  /** All differences, and those of places below. */
  get differences(): readonly Difference[] {
    return this.#found.differences
  }

  /** Whether all differences so far are compatible under the policy. */
  get isCompatible(): boolean {
    return this.#found.incompatible === 0
  }

  /** The same list of differences at a place below. */
  at(segment: string): Scope {
    return new Scope(this.run, joined(this.#path, segment), this.#found)
  }

  /** An empty list of differences at the same place. */
  apart(): Scope {
    return new Scope(this.run, this.#path)
  }

  /** Adds a difference at this place. */
  add(type: string): void {
    this.#push({ type, path: this.#path ?? '' })
  }

  /** Adds differences whose paths start at the root of the pair. */
  addAll(differences: readonly Difference[]): void {
    if (this.#isFull(differences)) return
    for (const difference of differences) this.#push(difference)
  }

  /** Adds differences whose paths start at this place. */
  addBelow(differences: readonly Difference[]): void {
    if (this.#isFull(differences)) return
    for (const { type, path } of differences) {
      this.#push({ type, path: path === '' ? (this.#path ?? '') : joined(this.#path, path) })
    }
  }

  /** Whether nothing more is kept; the differences are then only counted. */
  #isFull(differences: readonly Difference[]): boolean {
    const isFull =
      !this.run.keepsCompatible && this.#found.incompatible > comparisonLimits.differences
    if (isFull) this.#found.incompatible += differences.length
    return isFull
  }

  #push(difference: Difference): void {
    const { differences } = this.#found
    const compatible = this.run.isCompatible(difference.type)
    if (!compatible) this.#found.incompatible += 1
    // A list may be long, but its first incompatible differences are never dropped.
    const isKept = compatible
      ? this.run.keepsCompatible
      : this.#found.incompatible <= comparisonLimits.differences
    if (isKept) differences.push(difference)
  }
}

interface Found {
  readonly differences: Difference[]
  incompatible: number
}

function joined(path: string | undefined, segment: string): string {
  return path === undefined ? segment : `${path}/${segment}`
}

/** A pass over two schemas: remembers the result of each pair, and breaks cycles. */
class Run {
  readonly keepsCompatible: boolean
  readonly identities: JsonIdentities
  /** Whether a cycle was taken to be compatible without knowing it. */
  assumedCycle = false
  readonly #budget: Budget
  readonly #policy: CompatibilityPolicy
  readonly #compare: Compare
  readonly #results = new PairMap<Scope | 'open'>()
  readonly #known: PairMap<readonly Difference[]>
  readonly #patterns = new Map<string, BoundedRegExp>()

  constructor(options: RunOptions, known: PairMap<readonly Difference[]>) {
    this.keepsCompatible = options.keepsCompatible
    this.identities = options.identities
    this.#budget = options.budget
    this.#policy = options.policy
    this.#compare = options.compare
    this.#known = known
  }

  isCompatible(type: string): boolean {
    return isCompatible(type, this.#policy)
  }

  /** Counts work that is not a pair: properties, values. */
  count(steps: number): void {
    this.#budget.steps += steps
    this.#check(this.#budget.steps, comparisonLimits.steps)
  }

  /** Whether a name has a match for a pattern; without a match if that takes too long. */
  matches(pattern: string, name: string): boolean {
    this.count(1)
    const expression = this.#patterns.get(pattern) ?? boundedRegExp(pattern)
    this.#patterns.set(pattern, expression)
    const startMs = performance.now()
    let isMatch = false
    try {
      isMatch = expression.test(name)
    } catch (error) {
      if (!(error instanceof RegExpLimitError)) throw error
    }
    this.#budget.matchTimeMs += performance.now() - startMs
    this.#check(this.#budget.matchTimeMs, comparisonLimits.matchTimeMs)
    return isMatch
  }

  #check(used: number, limit: number): void {
    const { effort } = this.#budget
    if (effort < 1 && used > limit * effort) throw new EffortExceededError()
    if (used > limit) throw new ComparisonLimitError()
  }

  /** The differences of a pair, with paths from its root. */
  differences(original: Schema, update: Schema): readonly Difference[] {
    this.count(1)
    const result = this.#results.get(original, update)
    if (result === 'open') {
      const known = this.#known.get(original, update)
      if (known !== undefined) return known
      this.assumedCycle = true
      return []
    }
    if (result !== undefined) return result.differences
    const scope = new Scope(this)
    if (isLeaf(original) && isLeaf(update)) {
      this.#compare(scope, original, update)
      return scope.differences
    }
    this.#results.set(original, update, 'open')
    this.#budget.depth += 1
    if (this.#budget.depth > comparisonLimits.depth) throw new ComparisonLimitError()
    this.#compare(scope, original, update)
    this.#budget.depth -= 1
    this.#results.set(original, update, scope)
    return scope.differences
  }

  /** Pairs that turned out to be incompatible. */
  incompatible(): PairMap<readonly Difference[]> {
    const found = new PairMap<readonly Difference[]>()
    for (const [original, update, scope] of this.#results) {
      if (scope !== 'open' && !scope.isCompatible) found.set(original, update, scope.differences)
    }
    return found
  }
}

/** Whether a schema has no parts, so that comparing it again costs less than remembering it. */
function isLeaf({ kind }: Schema): boolean {
  return kind !== 'object' && kind !== 'array' && kind !== 'combined' && kind !== 'not'
}

export type { Run }

interface Budget {
  readonly effort: number
  steps: number
  depth: number
  matchTimeMs: number
}

interface RunOptions {
  readonly policy: CompatibilityPolicy
  readonly keepsCompatible: boolean
  readonly identities: JsonIdentities
  readonly budget: Budget
  readonly compare: Compare
}

/**
 * Compares two schemas. A cycle of references is first taken to be compatible; as long as that
 * assumption was wrong for a pair, the comparison is repeated with what is known.
 * Throws `ComparisonLimitError` over `comparisonLimits`, and `EffortExceededError` over a part of
 * them.
 */
export function compareRepeatedly(
  compare: Compare,
  schemas: { readonly original: Schema; readonly update: Schema },
  options: {
    readonly policy: CompatibilityPolicy
    readonly keepsCompatible: boolean
    readonly effort: number
  },
): readonly Difference[] {
  const budget = { effort: options.effort, steps: 0, depth: 0, matchTimeMs: 0 }
  const identities = new JsonIdentities()
  let known = new PairMap<readonly Difference[]>()
  for (;;) {
    const run = new Run({ ...options, identities, budget, compare }, known)
    const differences = run.differences(schemas.original, schemas.update)
    const incompatible = run.incompatible()
    // Each pass knows at least the pairs of the one before.
    if (!run.assumedCycle || incompatible.size === known.size) return differences
    known = incompatible
  }
}

/** Values by pairs of schemas, by their identity. */
class PairMap<V> {
  readonly #values = new Map<Schema, Map<Schema, V>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(original: Schema, update: Schema): V | undefined {
    return this.#values.get(original)?.get(update)
  }

  set(original: Schema, update: Schema, value: V): void {
    const inner = this.#values.get(original) ?? new Map<Schema, V>()
    this.#values.set(original, inner)
    if (!inner.has(update)) this.#size += 1
    inner.set(update, value)
  }

  *[Symbol.iterator](): Generator<readonly [Schema, Schema, V]> {
    for (const [original, inner] of this.#values) {
      for (const [update, value] of inner) yield [original, update, value]
    }
  }
}
