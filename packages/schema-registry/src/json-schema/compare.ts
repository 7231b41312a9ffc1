// SPDX-License-Identifier: Apache-2.0
import type { CompatibilityPolicy } from '../schema/schema.ts'
import { compareArrays } from './compare-arrays.ts'
import { compareCombined } from './compare-combined.ts'
import { compareObjects } from './compare-objects.ts'
import { compareEnums, compareNumbers, compareStrings } from './compare-values.ts'
import { ComparisonLimitError, compareRepeatedly, type Scope } from './comparison.ts'
import { type Difference, limitExceeded } from './differences.ts'
import type { CombinedSchema, NotSchema, Schema } from './model.ts'

/** Options of `compareSchemas`. */
export interface CompareOptions {
  readonly policy: CompatibilityPolicy
  /** Whether compatible differences are returned too. Default false. */
  readonly keepsCompatible?: boolean
  /** See `ComparisonOptions`. Default 1. */
  readonly effort?: number | undefined
}

/**
 * The differences between a writer's schema (`original`) and a reader's (`update`), by the rules
 * of Confluent's registry. Compatible ones only on request.
 */
export function compareSchemas(
  original: Schema,
  update: Schema,
  { policy, keepsCompatible = false, effort = 1 }: CompareOptions,
): readonly Difference[] {
  try {
    return compareRepeatedly(
      compareTypes,
      { original: dereferenced(original), update: dereferenced(update) },
      { policy, keepsCompatible, effort },
    )
  } catch (error) {
    // A chain of references may also be longer than the stack.
    if (!(error instanceof ComparisonLimitError || error instanceof RangeError)) throw error
    return [{ type: limitExceeded, path: '' }]
  }
}

/** Compares two parts, either of which may be missing, at the place of `scope`. */
export function compareParts(
  scope: Scope,
  original: Schema | undefined,
  update: Schema | undefined,
): void {
  if (original === undefined && update === undefined) return
  if (original === undefined) scope.add('SCHEMA_ADDED')
  else if (update === undefined) scope.add('SCHEMA_REMOVED')
  else scope.addBelow(scope.run.differences(dereferenced(original), dereferenced(update)))
}

/** One step only: a reference to a reference is compared as a reference. */
function dereferenced(schema: Schema): Schema {
  return schema.kind === 'reference' ? (schema.target ?? schema) : schema
}

function compareTypes(scope: Scope, original: Schema, update: Schema): void {
  if (original.kind !== 'combined' && update.kind === 'combined') {
    if (isWidening(scope, original, update)) return
  } else if (original.kind === 'combined' && update.kind !== 'combined') {
    if (isNarrowing(scope, original, update)) return
  }
  if (original.kind !== update.kind) {
    if (original.kind === 'false' || update.kind === 'empty') return
    if (original.isConnectBytes && update.isConnectBytes) return
    scope.add('TYPE_CHANGED')
    return
  }
  if (original.kind === 'string' && update.kind === 'string') {
    compareStrings(scope, original, update)
  } else if (original.kind === 'number' && update.kind === 'number') {
    compareNumbers(scope, original, update)
  } else if (original.kind === 'const' && update.kind === 'const') {
    if (original.value !== update.value) scope.at('const').add('ENUM_ARRAY_CHANGED')
  } else if (original.kind === 'enum' && update.kind === 'enum') {
    compareEnums(scope, original.values, update.values)
  } else if (original.kind === 'combined' && update.kind === 'combined') {
    compareCombined(scope, original, update, compareParts)
  } else if (original.kind === 'not' && update.kind === 'not') {
    compareNegations(scope, original, update)
  } else if (original.kind === 'object' && update.kind === 'object') {
    compareObjects(scope, original, update, compareParts)
  } else if (original.kind === 'array' && update.kind === 'array') {
    compareArrays(scope, original, update, compareParts)
  }
}

/** Whether one schema became a combination that contains it. */
function isWidening(scope: Scope, original: Schema, update: CombinedSchema): boolean {
  const [only, ...others] = update.subschemas
  if (only !== undefined && others.length === 0) return isPairCompatible(scope, original, only)
  if (update.criterion === 'allOf') return false
  for (const subschema of update.subschemas) {
    if (isPairCompatible(scope, original, subschema)) {
      scope.add('SUM_TYPE_EXTENDED')
      return true
    }
  }
  return false
}

/** Whether a combination became a schema that contains it. */
function isNarrowing(scope: Scope, original: CombinedSchema, update: Schema): boolean {
  const [only, ...others] = original.subschemas
  if (only !== undefined && others.length === 0) return isPairCompatible(scope, only, update)
  if (original.criterion !== 'allOf') return false
  for (const subschema of original.subschemas) {
    if (isPairCompatible(scope, subschema, update)) {
      scope.add('PRODUCT_TYPE_NARROWED')
      return true
    }
  }
  return false
}

/** Compares two schemas; their differences count only if all are compatible. */
function isPairCompatible(scope: Scope, original: Schema, update: Schema): boolean {
  const attempt = scope.apart()
  compareParts(attempt, original, update)
  if (attempt.isCompatible) scope.addAll(attempt.differences)
  return attempt.isCompatible
}

/** What is excluded is compared the other way round. */
function compareNegations(scope: Scope, original: NotSchema, update: NotSchema): void {
  const place = scope.at('not')
  const reversed = place.apart()
  compareParts(reversed, update.excluded, original.excluded)
  place.add(reversed.isCompatible ? 'NOT_TYPE_NARROWED' : 'NOT_TYPE_EXTENDED')
}
