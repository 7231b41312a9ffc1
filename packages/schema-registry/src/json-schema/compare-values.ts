// SPDX-License-Identifier: Apache-2.0
import type { Scope } from './comparison.ts'
import { decimalOf } from './json-text.ts'
import type { NumberSchema, StringSchema } from './model.ts'

/** Exponents up to which divisors are compared exactly. */
const maxDivisorScale = 1000

/** Compares an upper or lower limit: added, removed, increased or decreased. */
export function compareLimit(
  scope: Scope,
  keyword: string,
  original: number | string | undefined,
  update: number | string | undefined,
): void {
  const prefix = keyword.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
  const place = scope.at(keyword)
  if (original === undefined && update === undefined) return
  if (original === undefined) place.add(`${prefix}_ADDED`)
  else if (update === undefined) place.add(`${prefix}_REMOVED`)
  else if (Number(original) < Number(update)) place.add(`${prefix}_INCREASED`)
  else if (Number(original) > Number(update)) place.add(`${prefix}_DECREASED`)
}

/** Compares length and pattern. The format of a string does not count. */
export function compareStrings(scope: Scope, original: StringSchema, update: StringSchema): void {
  compareLimit(scope, 'maxLength', original.maxLength, update.maxLength)
  compareLimit(scope, 'minLength', original.minLength, update.minLength)
  if (original.pattern === update.pattern) return
  const place = scope.at('pattern')
  if (original.pattern === undefined) place.add('PATTERN_ADDED')
  else if (update.pattern === undefined) place.add('PATTERN_REMOVED')
  else place.add('PATTERN_CHANGED')
}

/** Compares limits, divisor, and whether the number is an integer. */
export function compareNumbers(scope: Scope, original: NumberSchema, update: NumberSchema): void {
  compareLimit(scope, 'maximum', original.maximum, update.maximum)
  compareLimit(scope, 'minimum', original.minimum, update.minimum)
  compareLimit(scope, 'exclusiveMaximum', original.exclusiveMaximum, update.exclusiveMaximum)
  compareLimit(scope, 'exclusiveMinimum', original.exclusiveMinimum, update.exclusiveMinimum)
  compareDivisors(scope.at('multipleOf'), original.multipleOf, update.multipleOf)
  if (original.isInteger !== update.isInteger) {
    scope.add(original.isInteger ? 'TYPE_EXTENDED' : 'TYPE_NARROWED')
  }
}

function compareDivisors(
  scope: Scope,
  original: string | undefined,
  update: string | undefined,
): void {
  if (original === undefined && update === undefined) return
  if (original === undefined) {
    scope.add('MULTIPLE_OF_ADDED')
  } else if (update === undefined) {
    scope.add('MULTIPLE_OF_REMOVED')
  } else if (original !== update) {
    const [from, to] = integersOf(original, update)
    if (from === to) return
    if (from === undefined || to === undefined) scope.add('MULTIPLE_OF_CHANGED')
    else if (to % from === 0n) scope.add('MULTIPLE_OF_EXPANDED')
    else if (from % to === 0n) scope.add('MULTIPLE_OF_REDUCED')
    else scope.add('MULTIPLE_OF_CHANGED')
  }
}

/** Two decimals as integers of the same unit; undefined if their exponents are out of bounds. */
function integersOf(a: string, b: string): readonly (bigint | undefined)[] {
  const decimals = [decimalOf(a), decimalOf(b)]
  const scales = decimals.map(({ scale }) => scale)
  if (scales.some((scale) => Math.abs(scale) > maxDivisorScale)) return [undefined, 0n]
  const unit = Math.max(...scales)
  return decimals.map(({ digits, scale }) => digits * 10n ** BigInt(unit - scale))
}

/** Compares the values of `enum`. */
export function compareEnums(
  scope: Scope,
  original: ReadonlySet<string>,
  update: ReadonlySet<string>,
): void {
  scope.run.count(original.size + update.size)
  const place = scope.at('enum')
  const isExtended = original.isSubsetOf(update)
  const isNarrowed = update.isSubsetOf(original)
  if (isExtended && isNarrowed) return
  if (isExtended) place.add('ENUM_ARRAY_EXTENDED')
  else if (isNarrowed) place.add('ENUM_ARRAY_NARROWED')
  else place.add('ENUM_ARRAY_CHANGED')
}
